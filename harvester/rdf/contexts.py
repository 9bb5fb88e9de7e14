"""Makes JSON-LD safe to read: packaged contexts in place of addresses, so that nothing is left to be fetched."""

from __future__ import annotations

import re
from typing import Any

import schemas


class ContextRefused(Exception):
    """The document names a context that is not packaged."""


def without_remote_contexts(document: Any) -> Any:
    """The document with every context inline, its addresses percent-encoded and its language tags valid.

    Goes through the whole document, as a context may stand in any object, within another context (scoped, imported)
    and in a list. Raises ContextRefused for one that is not among ``schemas.contexts``, whatever its scheme.
    """
    inline = _inline(document)
    # What rdflib cannot read it drops without a word (an address with a space) or refuses with the whole document (a
    # language tag such as zh_CN); a context may give other names to both.
    addresses = frozenset({"@id", "id"}) | _terms(inline, "@type", "@id")
    by_language = _terms(inline, "@container", "@language")
    return _repaired(inline, addresses, by_language)


def language_tag(said: str) -> str | None:
    """A tag in the form of BCP 47 (``zh_CN`` is meant as ``zh-CN``); None for what is no tag."""
    tag = said.strip().replace("_", "-")
    return tag if _LANGUAGE_TAG.fullmatch(tag) else None


_LANGUAGE_TAG = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*")


def _inline(value: Any) -> Any:
    if isinstance(value, list):
        return [_inline(each) for each in value]
    if not isinstance(value, dict):
        return value
    inline = {key: _inline(each) for key, each in value.items() if key not in ("@context", "@import")}
    if "@import" in value:
        inline = {**_packaged(value["@import"]), **inline}
    if "@context" in value:
        inline["@context"] = _context(value["@context"])
    return inline


def _context(context: Any) -> Any:
    if isinstance(context, str):
        return _packaged(context)
    if isinstance(context, list):
        return [_context(each) for each in context]
    return _inline(context)


def _packaged(address: Any) -> dict[str, Any]:
    context = schemas.contexts().get(address) if isinstance(address, str) else None
    if context is None:
        raise ContextRefused(f"the JSON-LD context {address!r} is not one of the packaged ones, and none is fetched")
    return dict(context)


def _terms(value: Any, keyword: str, wanted: str) -> frozenset[str]:
    """The terms that some context of the document defines with ``wanted`` as, or among, their ``keyword``."""
    if isinstance(value, list):
        return frozenset().union(*(_terms(each, keyword, wanted) for each in value))
    if not isinstance(value, dict):
        return frozenset()
    named = frozenset(
        term
        for term, meaning in value.items()
        if isinstance(meaning, dict) and (meaning.get(keyword) == wanted or wanted in _listed(meaning.get(keyword)))
    )
    return named.union(*(_terms(each, keyword, wanted) for each in value.values()))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _repaired(value: Any, addresses: frozenset[str], by_language: frozenset[str]) -> Any:
    if isinstance(value, list):
        return [_repaired(each, addresses, by_language) for each in value]
    if not isinstance(value, dict):
        return value
    repaired = {}
    for key, each in value.items():
        if key == "@language":
            tag = language_tag(each) if isinstance(each, str) else each
            if tag is not None or each is None:
                repaired[key] = tag
        elif key in by_language and isinstance(each, dict) and "@id" not in each:
            repaired[key] = {language_tag(tag) or "@none": said for tag, said in each.items()}
        elif key in addresses:
            repaired[key] = _spaces_encoded(each, addresses, by_language)
        else:
            repaired[key] = _repaired(each, addresses, by_language)
    return repaired


def _spaces_encoded(value: Any, addresses: frozenset[str], by_language: frozenset[str]) -> Any:
    if isinstance(value, list):
        return [_spaces_encoded(each, addresses, by_language) for each in value]
    if isinstance(value, str):
        return value.strip().replace(" ", "%20")
    return _repaired(value, addresses, by_language)
