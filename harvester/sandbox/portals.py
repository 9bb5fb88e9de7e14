"""Which software answers in which way, and how a harvester is told of a portal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from msgspec import Struct

from harvester.sandbox import ckan, csw, datajson, dcat, dkan, families, oaipmh, pages
from harvester.sandbox.exchange import Request, Response
from harvester.sandbox.shelf import Shelf
from harvester.sandbox.words import Portal, spelling
from portal.catalog.model import Politeness, Source

Answer: TypeAlias = Callable[[Shelf, Request], Response | None]


class Software(Struct, frozen=True):
    """A kind of portal: what a source of it is, where its listing begins, how it answers."""

    kind: str
    """As in a source."""
    listing: str
    """What a source's address has after the portal's own."""
    answer: Answer
    own_fields: Mapping[str, str] = {}
    """Unified fields that stand in fields the portal named itself, and what those are called in ``spellings.csv``."""
    in_extras: bool = False
    """The portal's own fields are CKAN extras, where it has no schema of its own."""
    institution: str = "government_department"
    """A code of ``institution_types``: who runs portals of this kind."""
    crosswalk: Mapping[str, str] = {}
    """Unified fields and where an operator finds them, the same at every portal of this kind."""
    family: str | None = None
    """The profile that reads it, of a kind that has families."""


JSON_FIELDS = {"openness": "openness", "openness_raw": "openness", "columns": "columns"}
CKAN_FIELDS = {
    **JSON_FIELDS,
    "frequency": "frequency",
    "frequency_raw": "frequency",
    "issued": "issued",
    "data_modified": "data_modified",
}
DKAN_FIELDS = {**CKAN_FIELDS, "themes": "theme", "themes_raw": "theme"}

ISO_FIELDS = {"themes": "identificationInfo[].descriptiveKeywords[].keyword[].@value"}
"""Chinese geoportals name the theme among the keywords, in words of their own."""

LISTED = ("columns", "themes", "themes_raw")

SOFTWARE: Mapping[str, Software] = {
    "ckan-2.10": Software("ckan", "/", ckan.answer, CKAN_FIELDS, True),
    "ckan-2.2": Software("ckan", "/", ckan.answer_old, CKAN_FIELDS, True),
    "dkan-1": Software("dkan", "/", dkan.answer_7, DKAN_FIELDS, True),
    "dkan-2": Software("dkan", "/", dkan.answer_2, JSON_FIELDS),
    "data-json": Software("datajson", "/data.json", datajson.answer, JSON_FIELDS),
    "data-json-cached": Software("datajson", "/data.json", datajson.answer_cached, JSON_FIELDS),
    "dcat-turtle": Software("dcat", "/catalog.ttl", dcat.answer_turtle),
    "dcat-turtle-old": Software("dcat", "/catalog.ttl", dcat.answer_turtle_old),
    "dcat-rdfxml": Software("dcat", "/catalog.rdf", dcat.answer_rdfxml),
    "dcat-jsonld": Software("dcat", "/catalog.jsonld", dcat.answer_jsonld),
    "oai-pmh": Software("oaipmh", "/oai/request", oaipmh.answer, institution="university"),
    "csw": Software("csw", "/csw", csw.answer, crosswalk=ISO_FIELDS),
    "guizhou": Software("jsonapi", "/", families.answer_guizhou, family="guizhou"),
    "inspur": Software("htmltable", "/", families.answer_inspur, family="inspur_portal"),
}


def answer(shelf: Shelf, request: Request) -> Response:
    """What the portal says: its software's answer, else a page for people."""
    return SOFTWARE[shelf.portal.software].answer(shelf, request) or pages.answer(shelf, request)


def source(portal: Portal, base: str) -> Source:
    """The portal as a source; the title says it is a demonstration, because departments have real names."""
    demonstration = "（演示）" if portal.language == "zh" else " (demo)"
    software = SOFTWARE[portal.software]
    reading = {"family": software.family} if software.family else {"crosswalk": _crosswalk(portal)}
    return Source(
        id=portal.id,
        title=f"{portal.title}{demonstration}",
        title_en=f"{portal.title_en} (demo)",
        kind=software.kind,
        url=f"{base}{software.listing}",
        region=portal.region,
        institution_type=software.institution,
        schedule="@hourly",
        politeness=Politeness(requests_per_second=0),
        options={"language": portal.language, **reading},
    )


def _crosswalk(portal: Portal) -> dict[str, str]:
    """Where the portal's own fields stand, as an operator would write it down for a source."""
    software = SOFTWARE[portal.software]
    if software.crosswalk:
        return dict(software.crosswalk)
    if software.own_fields == JSON_FIELDS and portal.language == "en":
        return {}
    if software.own_fields == DKAN_FIELDS:
        # A package's publisher is the group it is in; a harvester may prefer the data.json, which names a publisher.
        paths = {"publisher.name": "groups[].title | publisher.name"}
        forms: tuple[str, ...] = ("extras[key={}].value", "{}")
    else:
        paths = {}
        forms = ("extras[key={}].value",) if software.in_extras and portal.fields != "fields" else ("{}",)
    for field, meaning in software.own_fields.items():
        name = spelling("field", portal.fields, meaning)
        ways = [form.format(name) for form in forms]
        paths[field] = " | ".join(f"{way}[]" if field in LISTED else way for way in ways)
    return paths
