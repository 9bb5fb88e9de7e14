"""Our licences under CKAN's ids."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from msgspec import Struct

from schemas import vocabulary

CKANS = (
    "notspecified odc-pddl odc-odbl odc-by cc-zero cc-by cc-by-sa gfdl other-open other-pd other-at uk-ogl other-nc cc-nc"
    " other-closed"
).split()
"""The ids that every CKAN has (ckan/model/license.py); our vocabulary knows each as a spelling."""


class License(Struct, frozen=True, kw_only=True):
    """A licence in the list of licences. Whether it is open is said by the vocabulary; where nobody knows it is None."""

    id: str
    title: str
    url: str | None
    family: str | None
    is_okd_compliant: bool | None


@cache
def _ids() -> Mapping[str, str]:
    known = vocabulary("licences")
    return {code: id for id in reversed(CKANS) if (code := known.resolve(id)) is not None}


def id_of(code: str) -> str:
    """The id of one of our codes: CKAN's where it has one, else the code."""
    return _ids().get(code, code)


def code_of(id: str) -> str | None:
    """Our code for an id, CKAN's or our own; None for one that no dataset can have."""
    known = vocabulary("licences")
    return next((code for code in known.terms if id in (id_of(code), code)), None)


def is_open(code: str | None) -> bool | None:
    """Whether a licence is open; None where it is not known or nobody says so."""
    term = None if code is None else vocabulary("licences").terms.get(code)
    said = term.attributes.get("open") if term else None
    return {"yes": True, "no": False}.get(said or "")


def address(code: str | None) -> str | None:
    """Where the text of a licence stands."""
    term = None if code is None else vocabulary("licences").terms.get(code)
    return (term.attributes.get("url") or None) if term else None


def licenses(language: str) -> list[License]:
    """All there are."""
    return [
        License(
            id=id_of(code),
            title=term.label(language),
            url=address(code),
            family=term.attributes.get("family") or None,
            is_okd_compliant=is_open(code),
        )
        for code, term in vocabulary("licences").terms.items()
    ]
