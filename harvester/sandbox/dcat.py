"""Answers as portals with a DCAT catalogue do: Turtle and RDF/XML in Hydra pages, JSON-LD in one document."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeAlias
from zlib import crc32

from harvester.sandbox.exchange import Request, Response, unless_unchanged
from harvester.sandbox.inventing import Dataset, File
from harvester.sandbox.rdf_text import (
    PREFIXES,
    RDFXML_TAIL,
    Link,
    Literal,
    Node,
    Value,
    jsonld_text,
    rdfxml,
    rdfxml_head,
    turtle,
    turtle_prefixes,
)
from harvester.sandbox.shelf import Shelf
from harvester.sandbox.words import spelling

PAGE_SIZE = 50
"""Datasets on a page: half of ckanext-dcat's 100, so that small catalogues have several pages too."""

MEDIA_TYPE_URI = "https://www.iana.org/assignments/media-types/"
RIGHTS_URI = "http://publications.europa.eu/resource/authority/access-right/"
RIGHTS = {"unconditional": "PUBLIC", "registration": "RESTRICTED", "conditional": "RESTRICTED"}

MULTILINGUAL = frozenset({"sh-shanghai"})
"""Portals that say titles, descriptions and publishers in Chinese and in English."""

Said: TypeAlias = list[tuple[str, Value]]


def answer_turtle(shelf: Shelf, request: Request) -> Response | None:
    """``/catalog.ttl?page=N`` as CKAN's DCAT extension has it: addresses as plain text, old and new words."""
    if request.path != "/catalog.ttl":
        return None
    page = _page(shelf, request)
    parts = [turtle(_catalogue(shelf, page)), turtle(_paging(shelf, page, "ttl", _literal))]
    return _turtle(parts + [shelf.record(dataset, turtle_record).decode() for dataset in page.datasets])


def answer_turtle_old(shelf: Shelf, request: Request) -> Response | None:
    """The same with the paging words of the first Hydra draft only, addresses as resources."""
    if request.path != "/catalog.ttl":
        return None
    page = _page(shelf, request)
    parts = [turtle(_catalogue(shelf, page)), turtle(_old_paging(shelf, page, "ttl"))]
    return _turtle(parts + [shelf.record(dataset, turtle_record).decode() for dataset in page.datasets])


def answer_rdfxml(shelf: Shelf, request: Request) -> Response | None:
    """``/catalog.rdf?page=N`` with a view of the collection as today's Hydra has it."""
    if request.path != "/catalog.rdf":
        return None
    page = _page(shelf, request)
    parts = [rdfxml(_catalogue(shelf, page)), rdfxml(_paging(shelf, page, "rdf", Link))]
    records = [shelf.record(dataset, rdfxml_record).decode() for dataset in page.datasets]
    body = "".join([rdfxml_head(), *parts, *records, RDFXML_TAIL])
    return Response(body=body.encode(), media_type="application/rdf+xml; charset=utf-8")


def answer_jsonld(shelf: Shelf, request: Request) -> Response | None:
    """``/catalog.jsonld``: everything at once, with validators."""
    if request.path != "/catalog.jsonld":
        return None
    whole = Page(1, 1, shelf.ordered("key"))
    graph = [jsonld_text(_catalogue(shelf, whole))]
    graph += [shelf.record(dataset, jsonld_record).decode() for dataset in whole.datasets]
    body = f'{{"@context": {json.dumps(PREFIXES)}, "@graph": [\n' + ",\n".join(graph) + "\n]}\n"
    response = Response(body=body.encode(), media_type="application/ld+json")
    return unless_unchanged(request, response, shelf.moment, f"{shelf.moment:%Y%m%d%H%M%S}-{len(body):x}")


class Page:
    """One page of a catalogue."""

    def __init__(self, number: int, last: int, datasets: Sequence[Dataset]) -> None:
        self.number = number
        self.last = last
        self.datasets = datasets


def _page(shelf: Shelf, request: Request) -> Page:
    number = max(request.number("page", 1), 1)
    last = max(1, -(-len(shelf.datasets) // PAGE_SIZE))
    start = (number - 1) * PAGE_SIZE
    return Page(number, last, shelf.ordered("modified", descending=True)[start: start + PAGE_SIZE])


def turtle_record(shelf: Shelf, dataset: Dataset) -> bytes:
    """One dataset in Turtle."""
    return turtle(dataset_node(shelf, dataset)).encode()


def rdfxml_record(shelf: Shelf, dataset: Dataset) -> bytes:
    """One dataset in RDF/XML."""
    return rdfxml(dataset_node(shelf, dataset)).encode()


def jsonld_record(shelf: Shelf, dataset: Dataset) -> bytes:
    """One dataset in JSON-LD."""
    return jsonld_text(dataset_node(shelf, dataset)).encode()


def dataset_node(shelf: Shelf, dataset: Dataset) -> Node:
    """One dataset in DCAT 2; a poisoned one has things where text belongs and text where things belong."""
    said: Said = [("dct:identifier", Literal(dataset.key))]
    if dataset.poisoned:
        blank = Node(None, "skos:Concept", [("skos:prefLabel", Literal(""))])
        wrong: Said = [
            ("dct:title", blank),
            ("dct:description", Link("urn:poison")),
            ("dct:publisher", Literal("?")),
            ("dcat:distribution", Literal("none")),
            ("dct:modified", Literal("yesterday", None, "xsd:dateTime")),
        ]
        return Node(dataset.uri, "dcat:Dataset", said + wrong)
    language = shelf.portal.language
    english = shelf.portal.id in MULTILINGUAL
    words = shelf.words(dataset)
    said += _texts("dct:title", dataset.title, dataset.title_en if english else None, language)
    about_en = f"{dataset.title_en}. Published by the {dataset.department.name_en}." if english else None
    said += _texts("dct:description", dataset.description, about_en, language)
    said += [("dcat:keyword", Literal(tag, language)) for tag in dataset.tags]
    theme = f"http://{shelf.portal.domain}/theme/{crc32(words['theme'].encode())}"
    labels = _texts(
        "skos:prefLabel",
        words["theme"],
        spelling("theme", "english", dataset.theme) if english else None,
        language,
    )
    said += [
        ("dcat:theme", Node(theme, "skos:Concept", labels)),
        ("dct:issued", _issued(dataset)),
        ("dct:modified", _instant(dataset.modified)),
        ("dct:accrualPeriodicity", Link(words["frequency"])),
        ("dct:accessRights", _rights(dataset, words["openness"], language)),
        ("dct:spatial", Node(None, "dct:Location", [("skos:prefLabel", Literal(dataset.place, language))])),
        ("dcat:landingPage", Link(shelf.landing_page(dataset))),
        ("dct:publisher", _publisher(shelf, dataset, english)),
        ("dcat:contactPoint", _contact(dataset)),
    ]
    said += [("dcat:distribution", _distribution(shelf, dataset, file)) for file in dataset.files]
    return Node(dataset.uri, "dcat:Dataset", said)


def _texts(name: str, text: str | None, english: str | None, language: str) -> Said:
    given = [(text, language)] + ([(english, "en")] if text else [])
    return [(name, Literal(words, tongue)) for words, tongue in given if words]


def _literal(text: str) -> Literal:
    return Literal(text)


def _instant(moment: datetime) -> Literal:
    return Literal(moment.isoformat(), None, "xsd:dateTime")


def _issued(dataset: Dataset) -> Literal:
    if dataset.odd_issued is not None:
        return Literal(dataset.odd_issued)
    return Literal(f"{dataset.issued:%Y-%m-%d}", None, "xsd:date")


def _rights(dataset: Dataset, openness: str, language: str) -> Value:
    if language == "en":
        return Link(f"{RIGHTS_URI}{RIGHTS[dataset.openness]}")
    return Node(None, "dct:RightsStatement", [("rdfs:label", Literal(openness, language))])


def _publisher(shelf: Shelf, dataset: Dataset, english: bool) -> Node:
    department = dataset.department
    names = _texts(
        "foaf:name", department.name, department.name_en if english else None, shelf.portal.language
    )
    return Node(f"http://{shelf.portal.domain}/organization/{department.slug}", "foaf:Organization", names)


def _contact(dataset: Dataset) -> Node:
    said: Said = [
        ("vcard:fn", Literal(dataset.department.name)),
        ("vcard:hasEmail", Link(f"mailto:{dataset.email}")),
        ("vcard:hasTelephone", Link(f"tel:{dataset.phone.replace(' ', '-')}")),
    ]
    return Node(None, "vcard:Organization", said)


def _distribution(shelf: Shelf, dataset: Dataset, file: File) -> Node:
    address = f"{shelf.base}{file.path}"
    said: Said = [
        ("dct:title", Literal(file.title, shelf.portal.language)),
        ("dcat:accessURL", Link(address)),
        ("dct:format", Literal(file.format)),
        ("dct:license", Link(shelf.licence("url"))),
        ("dct:modified", _instant(dataset.data_modified)),
    ]
    if file.kind == "file":
        said += [
            ("dcat:downloadURL", Link(address)),
            ("dcat:mediaType", Link(f"{MEDIA_TYPE_URI}{file.media_type}")),
        ]
    if file.size_bytes is not None:
        said.append(("dcat:byteSize", Literal(str(file.size_bytes), None, "xsd:decimal")))
    return Node(f"{dataset.uri}/resource/{file.key}", "dcat:Distribution", said)


def _catalogue(shelf: Shelf, page: Page) -> Node:
    portal = shelf.portal
    said: Said = [
        *_texts(
            "dct:title", portal.title, portal.title_en if portal.id in MULTILINGUAL else None, portal.language
        ),
        ("foaf:homepage", Link(f"{shelf.base}/")),
        ("dct:modified", _instant(shelf.moment)),
        *(("dcat:dataset", Link(dataset.uri)) for dataset in page.datasets),
    ]
    return Node(f"http://{portal.domain}/", "dcat:Catalog", said)


def _paging(shelf: Shelf, page: Page, suffix: str, address: Callable[[str], Value]) -> Node:
    """Where the page stands among the others; Turtle says it in old and new words, as ckanext-dcat does."""
    pages = _neighbours(shelf, page, suffix)
    said: Said = [("hydra:totalItems", _count(shelf.declared)), ("hydra:itemsPerPage", _count(PAGE_SIZE))]
    for word, target in pages:
        said += [(f"hydra:{word}", address(target))]
        if suffix == "ttl":
            said += [(f"hydra:{word}Page", address(target))]
    kind = "hydra:PagedCollection" if suffix == "ttl" else "hydra:PartialCollectionView"
    return Node(f"{shelf.base}/catalog.{suffix}?page={page.number}", kind, said)


def _old_paging(shelf: Shelf, page: Page, suffix: str) -> Node:
    said: Said = [("hydra:totalItems", _count(shelf.declared)), ("hydra:itemsPerPage", _count(PAGE_SIZE))]
    said += [(f"hydra:{word}Page", Link(target)) for word, target in _neighbours(shelf, page, suffix)]
    return Node(f"{shelf.base}/catalog.{suffix}?page={page.number}", "hydra:PagedCollection", said)


def _neighbours(shelf: Shelf, page: Page, suffix: str) -> list[tuple[str, str]]:
    numbers = {"first": 1, "previous": page.number - 1, "next": page.number + 1, "last": page.last}
    return [
        (word, f"{shelf.base}/catalog.{suffix}?page={number}")
        for word, number in numbers.items()
        if 1 <= number <= page.last
    ]


def _count(number: int) -> Literal:
    return Literal(str(number), None, "xsd:integer")


def _turtle(parts: Sequence[str]) -> Response:
    return Response(
        body="".join([turtle_prefixes(), *parts]).encode(), media_type="text/turtle; charset=utf-8"
    )
