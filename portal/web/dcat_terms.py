"""Parts of a DCAT-AP description that come from vocabularies or are nodes of their own; statements, no graph."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import TypeAlias

from rdflib import DCTERMS, RDF, RDFS, SKOS, XSD, BNode, Literal, Namespace, URIRef

from portal.catalog.model import Dataset, Place
from portal.web.iris import iri, writable
from schemas import Term, vocabulary

Node: TypeAlias = URIRef | BNode
Triple: TypeAlias = tuple[Node, URIRef, Node | Literal]

ADMS = Namespace("http://www.w3.org/ns/adms#")
# The one in rdflib is of version 2: it knows neither series nor their order.
DCAT = Namespace("http://www.w3.org/ns/dcat#")
DCATAP = Namespace("http://data.europa.eu/r5r/")
DQV = Namespace("http://www.w3.org/ns/dqv#")
EARL = Namespace("http://www.w3.org/ns/earl#")
ELI = Namespace("http://data.europa.eu/eli/ontology#")
GEO = Namespace("http://www.opengis.net/ont/geosparql#")
LOCN = Namespace("http://www.w3.org/ns/locn#")
# The metrics of the Metadata Quality Assessment of data.europa.eu.
PV = Namespace("https://piveau.eu/ns/voc#")
SCHEMA = Namespace("http://schema.org/")
SDMX_ATTRIBUTE = Namespace("http://purl.org/linked-data/sdmx/2009/attribute#")
SPDX = Namespace("http://spdx.org/rdf/terms#")
UNIT = Namespace("http://qudt.org/vocab/unit/")
VCARD = Namespace("http://www.w3.org/2006/vcard/ns#")

_AUTHORITY = "http://publications.europa.eu/resource/authority/"
_MEDIA_TYPES = "http://www.iana.org/assignments/media-types/"
_HIGH_VALUE = URIRef("http://data.europa.eu/bna/asd487ae75")

_MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+", re.ASCII)
_LANGUAGE_TAG = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")
_HEXADECIMAL = re.compile(r"(?:[0-9a-fA-F]{2})+")
_ALGORITHM = re.compile(r"[A-Za-z0-9]+(?:[-_][A-Za-z0-9]+)*")

# By these the portal says that it says nothing.
_NO_LICENCE = "notspecified"


def literal(text: str, language: str | None = None) -> Literal:
    """Words of a portal; a language that is no tag is left out."""
    return Literal(writable(text), lang=language if language and _LANGUAGE_TAG.fullmatch(language) else None)


def literals(plain: str | None, by_language: Mapping[str, str]) -> Iterator[Literal]:
    """A text in each language the portal gives, and without one where it stands in none of them."""
    for tag, text in by_language.items():
        if text:
            yield literal(text, tag)
    if plain and plain not in by_language.values():
        yield literal(plain)


def coded(
    subject: Node, predicate: URIRef, kind: URIRef, key: str, *, address: str | None, words: str | None
) -> Iterator[Triple]:
    """A thing by its address, or else by the portal's words for it; nothing where there is neither.

    ``key`` tells a thing without an address apart within the graph.
    """
    found = iri(address)
    if found is None and not words:
        return
    node = BNode(key) if found is None else URIRef(found)
    yield subject, predicate, node
    yield node, RDF.type, kind
    if found is None and words:
        yield node, RDFS.label, literal(words)


def _term(name: str, code: str | None) -> Term | None:
    return None if code is None else vocabulary(name).terms.get(code)


def licence(subject: Node, key: str, code: str | None, raw: str | None, url: str | None = None) -> Iterator[Triple]:
    """The licence: the EU's address of it, its own, or the portal's."""
    if code == _NO_LICENCE:
        return
    term = _term("licences", code)
    address = term and (term.uri or term.attributes.get("url"))
    words = raw or (term.en if term else None)
    yield from coded(
        subject,
        DCTERMS.license,
        DCTERMS.LicenseDocument,
        f"{key}-licence",
        address=address or iri(url) or raw,
        words=words,
    )


def access_right(subject: Node, key: str, dataset: Dataset) -> Iterator[Triple]:
    """Who may have the data: the EU's access right, or else the portal's own address or words."""
    term = _term("openness", dataset.openness)
    right = term and term.attributes.get("eu_access_right")
    said = dataset.access_rights or dataset.openness_raw
    yield from coded(
        subject,
        DCTERMS.accessRights,
        DCTERMS.RightsStatement,
        f"{key}-access",
        address=f"{_AUTHORITY}access-right/{right}" if right else said,
        words=said,
    )


def frequency(subject: Node, key: str, dataset: Dataset) -> Iterator[Triple]:
    """How often the data change."""
    term = _term("frequencies", dataset.frequency)
    raw = dataset.frequency_raw
    yield from coded(
        subject,
        DCTERMS.accrualPeriodicity,
        DCTERMS.Frequency,
        f"{key}-frequency",
        address=(term and term.uri) or raw,
        words=raw,
    )


def file_format(subject: Node, key: str, code: str | None, raw: str | None) -> Iterator[Triple]:
    """The format of a distribution."""
    term = _term("formats", code)
    words = raw or (term.en if term else None)
    yield from coded(
        subject,
        DCTERMS.format,
        DCTERMS.MediaTypeOrExtent,
        f"{key}-format",
        address=(term and term.uri) or raw,
        words=words,
    )


def media_type(subject: Node, said: str | None) -> Iterator[Triple]:
    """The media type of a distribution as an address at IANA; nothing for what is none."""
    plain = (said or "").split(";")[0].strip().lower()
    if _MEDIA_TYPE.fullmatch(plain):
        node = URIRef(_MEDIA_TYPES + plain)
        yield subject, DCAT.mediaType, node
        yield node, RDF.type, DCTERMS.MediaType


def languages(subject: Node, tags: tuple[str, ...]) -> Iterator[Triple]:
    """The languages of the data that the EU's list knows."""
    known = vocabulary("languages")
    for tag in tags:
        term = _term("languages", known.resolve(tag) or known.resolve(tag.split("-")[0]))
        if term is not None and term.uri is not None:
            node = URIRef(term.uri)
            yield subject, DCTERMS.language, node
            yield node, RDF.type, DCTERMS.LinguisticSystem


def themes(subject: Node, base: str, dataset: Dataset) -> Iterator[Triple]:
    """The national themes, the EU theme each falls under, and the portal's own where they have addresses."""
    for code in dataset.themes:
        term = _term("themes", code)
        if term is None:
            continue
        node = URIRef(f"{base}/themes/{code}")
        yield subject, DCAT.theme, node
        yield from _concept(node, term)
        if "eu_theme" in term.attributes:
            yield subject, DCAT.theme, URIRef(f"{_AUTHORITY}data-theme/{term.attributes['eu_theme']}")
    for raw in dataset.themes_raw:
        found = iri(raw)
        if found is not None:
            yield subject, DCAT.theme, URIRef(found)


def high_value(subject: Node, codes: tuple[str, ...]) -> Iterator[Triple]:
    """The high-value categories."""
    for code in codes:
        term = _term("hvd_categories", code)
        if term is not None and term.uri is not None:
            node = URIRef(term.uri)
            yield subject, DCATAP.hvdCategory, node
            yield from _concept(node, term)
            yield node, SKOS.inScheme, _HIGH_VALUE


def _concept(node: URIRef, term: Term) -> Iterator[Triple]:
    yield node, RDF.type, SKOS.Concept
    yield node, SKOS.prefLabel, Literal(term.zh, lang="zh")
    yield node, SKOS.prefLabel, Literal(term.en, lang="en")


def legislation(subject: Node, addresses: tuple[str, ...]) -> Iterator[Triple]:
    """The laws that ask for the data to be published; only those with an address."""
    for address in addresses:
        yield from coded(subject, DCATAP.applicableLegislation, ELI.LegalResource, "", address=address, words=None)


def standards(subject: Node, key: str, said: tuple[str, ...]) -> Iterator[Triple]:
    """The standards the data conform to."""
    for number, standard in enumerate(said):
        yield from coded(
            subject, DCTERMS.conformsTo, DCTERMS.Standard, f"{key}-standard{number}", address=standard, words=standard
        )


def checksum(subject: Node, key: str, said: str | None) -> Iterator[Triple]:
    """A checksum as SPDX writes it; nothing where it is not ``algorithm:hexadecimal``."""
    algorithm, colon, value = (said or "").partition(":")
    if not colon or not _ALGORITHM.fullmatch(algorithm) or not _HEXADECIMAL.fullmatch(value):
        return
    name = algorithm.lower().replace("-", "") if algorithm.lower().startswith("sha-") else algorithm.lower()
    node, method = BNode(f"{key}-checksum"), SPDX[f"checksumAlgorithm_{name}"]
    yield subject, SPDX.checksum, node
    yield node, RDF.type, SPDX.Checksum
    yield node, SPDX.algorithm, method
    yield method, RDF.type, SPDX.ChecksumAlgorithm
    yield node, SPDX.checksumValue, Literal(value.lower(), datatype=XSD.hexBinary)


def region(subject: Node, key: str, dataset: Dataset) -> Iterator[Triple]:
    """The region the record itself names; one that we inferred is no word of the portal's and is left out."""
    term = _term("regions", dataset.region)
    if term is None or dataset.region_inferred_from is not None:
        return
    node: Node = URIRef(term.uri) if term.uri else BNode(f"{key}-region")
    yield subject, DCTERMS.spatial, node
    yield node, RDF.type, DCTERMS.Location
    yield node, DCTERMS.identifier, Literal(term.code)
    yield node, SKOS.prefLabel, Literal(term.zh, lang="zh")
    yield node, SKOS.prefLabel, Literal(term.en, lang="en")


def place(subject: Node, key: str, said: Place) -> Iterator[Triple]:
    """A place by its address in a gazetteer with its name, and the shape the portal gives it.

    The shape is a node of this dataset's: two portals' shapes at one address would make a place with two.
    """
    address = iri(said.uri)
    node: Node = BNode(key) if address is None else URIRef(address)
    if address is not None or said.name:
        yield subject, DCTERMS.spatial, node
        yield node, RDF.type, DCTERMS.Location
    if said.name:
        yield node, SKOS.prefLabel, literal(said.name)
    if said.geometry is not None:
        area = BNode(f"{key}-shape") if address is not None else node
        shape = json.dumps(said.geometry, ensure_ascii=False, sort_keys=True)
        yield subject, DCTERMS.spatial, area
        yield area, RDF.type, DCTERMS.Location
        yield area, LOCN.geometry, Literal(writable(shape), datatype=GEO.geoJSONLiteral)
