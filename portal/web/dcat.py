"""The catalogue in RDF: DCAT-AP 3.0.1, what the portals said and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import TypeAlias

from msgspec import Struct
from rdflib import DCTERMS, FOAF, OWL, PROV, RDF, SKOS, XSD, BNode, Graph, Literal, URIRef

from portal.catalog.model import Contact, Dataset, DatasetState, Distribution, Entry, Period, Publisher, RecordType
from portal.catalog.store import Catalog
from portal.scorecard.assess import is_assessed
from portal.web import dcat_terms as terms
from portal.web import dqv
from portal.web.dcat_terms import ADMS, DCAT, VCARD, Node, Triple, literal, literals
from portal.web.documents import dataset_address, publisher_address
from portal.web.iris import iri, mail_iri, telephone_iri, web_iri
from portal.web.rdf import HYDRA, graph_of

Key: TypeAlias = tuple[str, str]
"""A source and the source's own key of a dataset."""

Lookup: TypeAlias = Callable[[Collection[Key]], Mapping[Key, str]]
"""The public ids of those datasets that exist: ``Catalog.ids_by_key``."""

Originals: TypeAlias = Callable[[Sequence[str]], Mapping[str, str]]
"""Of entries that are further appearances, the ids of the counted ones: ``Appearances.originals``."""

CANONICAL = URIRef("http://www.iana.org/assignments/relation/canonical")
"""The role of the counted entry towards a further one: RFC 6596, of the registry that DCAT takes roles from."""

_CLASSES = {
    RecordType.DATASET: (DCAT.Dataset,),
    RecordType.SERVICE: (DCAT.DataService,),
    # A series is a dataset too, and readers of DCAT 2 know only that.
    RecordType.SERIES: (DCAT.DatasetSeries, DCAT.Dataset),
}

_MEMBERSHIP = {RecordType.DATASET: DCAT.dataset, RecordType.SERVICE: DCAT.service, RecordType.SERIES: DCAT.dataset}

_MONTH_OR_YEAR = re.compile(r"\d{4}(-(?:0[1-9]|1[0-2]))?")


class Page(Struct, frozen=True, kw_only=True):
    """One page of the catalogue: its own address and its neighbours', and how many entries all pages hold."""

    address: str
    first: str
    last: str
    previous: str | None
    next: str | None
    total: int


def alone(ids: Sequence[str]) -> Mapping[str, str]:
    """The ``Originals`` of entries of which nobody knows others."""
    return {}


def links(catalog: Catalog) -> tuple[Lookup, Originals]:
    """How the entries of a catalogue find each other."""
    return catalog.ids_by_key, catalog.appearances.originals


def graph(
    entries: Sequence[Entry], base: str, lookup: Lookup = lambda keys: {}, originals: Originals = alone
) -> Graph:
    """The entries at the portal whose addresses begin with ``base``, each with its catalogue record.

    Links between entries (of a series, of a service) lead to those that ``lookup`` finds, else to the address that the
    source knows them by, if it is one. An entry that ``originals`` finds another one for says that this is the canonical.
    """
    return graph_of(statements(entries, base, lookup, originals))


def statements(
    entries: Sequence[Entry], base: str, lookup: Lookup = lambda keys: {}, originals: Originals = alone
) -> Iterator[Triple]:
    """What ``graph`` holds, one after the other; the same may come twice."""
    ids = lookup({(entry.dataset.source_id, key) for entry in entries for key in _keys(entry.dataset)})
    for entry in entries:
        yield from _entry(entry, base, ids)
    for id, original in originals([entry.dataset.id for entry in entries]).items():
        yield from _canonical(URIRef(dataset_address(base, id)), f"b{id}", URIRef(dataset_address(base, original)))


def _canonical(node: Node, key: str, original: Node) -> Iterator[Triple]:
    """That another entry stands for the dataset that this is an entry of."""
    relationship = BNode(f"{key}-canonical")
    yield node, DCAT.qualifiedRelation, relationship
    yield relationship, RDF.type, DCAT.Relationship
    yield relationship, DCTERMS.relation, original
    yield relationship, DCAT.hadRole, CANONICAL
    yield CANONICAL, RDF.type, DCAT.Role


def catalogue(
    entries: Sequence[Entry],
    base: str,
    page: Page,
    lookup: Lookup = lambda keys: {},
    originals: Originals = alone,
) -> Graph:
    """A page of the catalogue: its entries, and the way to the other pages in Hydra's words."""
    return graph_of(catalogue_statements(entries, base, page, lookup, originals))


def catalogue_statements(
    entries: Sequence[Entry],
    base: str,
    page: Page,
    lookup: Lookup = lambda keys: {},
    originals: Originals = alone,
) -> Iterator[Triple]:
    """What ``catalogue`` holds, one after the other; the same may come twice."""
    whole, view, host = URIRef(f"{base}/catalog"), URIRef(page.address), URIRef(f"{base}/")
    agent = URIRef(f"{base}/#operator")
    yield from (
        (whole, RDF.type, DCAT.Catalog),
        (whole, RDF.type, HYDRA.Collection),
        (whole, DCTERMS.title, Literal("纳川数据目录", lang="zh")),
        (whole, DCTERMS.title, Literal("Nachuan catalogue", lang="en")),
        (whole, DCTERMS.description, Literal("从多个公共数据开放平台采集的数据集目录", lang="zh")),
        (whole, DCTERMS.description, Literal("Datasets harvested from many open-data portals", lang="en")),
        (whole, DCTERMS.publisher, agent),
        (agent, RDF.type, FOAF.Agent),
        (agent, FOAF.name, Literal("纳川", lang="zh")),
        (agent, FOAF.name, Literal("Nachuan", lang="en")),
        (whole, FOAF.homepage, host),
        (host, RDF.type, FOAF.Document),
        (whole, HYDRA.totalItems, Literal(page.total)),
        (whole, HYDRA.view, view),
        (view, RDF.type, HYDRA.PartialCollectionView),
        (view, HYDRA.first, URIRef(page.first)),
        (view, HYDRA.last, URIRef(page.last)),
    )
    if page.previous is not None:
        yield view, HYDRA.previous, URIRef(page.previous)
    if page.next is not None:
        yield view, HYDRA.next, URIRef(page.next)
    for entry in entries:
        address = dataset_address(base, entry.dataset.id)
        yield whole, _MEMBERSHIP[entry.dataset.record_type], URIRef(address)
        yield whole, DCAT.record, URIRef(f"{address}#record")
    yield from statements(entries, base, lookup, originals)


def _keys(dataset: Dataset) -> Iterator[str]:
    """The source keys of the entries that a dataset links to."""
    yield from dataset.series
    yield from dataset.serves
    ends = (dataset.series_previous, dataset.series_next, dataset.series_first, dataset.series_last)
    yield from (key for key in ends if key is not None)
    for distribution in dataset.distributions:
        yield from distribution.service_keys


def _linked(
    subject: Node, predicate: URIRef, dataset: Dataset, keys: tuple[str | None, ...], base: str, ids: Mapping[Key, str]
) -> Iterator[Triple]:
    for key in keys:
        if key is None:
            continue
        id = ids.get((dataset.source_id, key))
        address = iri(key) if id is None else dataset_address(base, id)
        if address is not None:
            yield subject, predicate, URIRef(address)


def _entry(entry: Entry, base: str, ids: Mapping[Key, str]) -> Iterator[Triple]:
    dataset = entry.dataset
    node = URIRef(dataset_address(base, dataset.id))
    for kind in _CLASSES[dataset.record_type]:
        yield node, RDF.type, kind
    yield from _words(node, dataset)
    yield from _people(node, dataset, base)
    yield from _scope(node, dataset, base)
    yield from _conditions(node, dataset)
    yield from _links(node, dataset, base, ids)
    for distribution in dataset.distributions:
        yield from _distribution(node, dataset, distribution, base, ids)
    yield from _record(node, entry, base)


def _words(node: Node, dataset: Dataset) -> Iterator[Triple]:
    for title in literals(dataset.title, dataset.titles):
        yield node, DCTERMS.title, title
    for description in literals(dataset.description, dataset.descriptions):
        yield node, DCTERMS.description, description
    tagged = {keyword for keywords in dataset.keywords_by_language.values() for keyword in keywords}
    for tag, keywords in dataset.keywords_by_language.items():
        for keyword in keywords:
            yield node, DCAT.keyword, literal(keyword, tag)
    for keyword in dataset.keywords:
        if keyword not in tagged:
            yield node, DCAT.keyword, literal(keyword)
    for identifier in dataset.identifiers or (dataset.source_key,):
        yield node, DCTERMS.identifier, literal(identifier)
    if dataset.version:
        yield node, DCAT.version, literal(dataset.version)
    if dataset.issued is not None:
        yield node, DCTERMS.issued, _instant(dataset.issued)
    modified = dataset.data_modified or dataset.modified
    if modified is not None:
        yield node, DCTERMS.modified, _instant(modified)
    yield from terms.languages(node, dataset.languages)


def _people(node: Node, dataset: Dataset, base: str) -> Iterator[Triple]:
    if dataset.publisher is not None:
        yield from _publisher(node, dataset.publisher, base)
    if dataset.creator:
        creator = BNode(f"b{dataset.id}-creator")
        yield node, DCTERMS.creator, creator
        yield creator, RDF.type, FOAF.Agent
        yield creator, FOAF.name, literal(dataset.creator)
    if dataset.contact is not None:
        yield from _contact(node, dataset.contact, BNode(f"b{dataset.id}-contact"))


def _publisher(node: Node, publisher: Publisher, base: str) -> Iterator[Triple]:
    agent = URIRef(publisher_address(base, publisher.id))
    yield node, DCTERMS.publisher, agent
    yield agent, RDF.type, FOAF.Agent
    for name in literals(publisher.name, publisher.names):
        yield agent, FOAF.name, name
    address = iri(publisher.uri)
    if address is not None:
        yield agent, OWL.sameAs, URIRef(address)
    if publisher.uscc:
        yield agent, DCTERMS.identifier, literal(publisher.uscc)


def _contact(node: Node, contact: Contact, card: BNode) -> Iterator[Triple]:
    addresses = (
        (VCARD.hasEmail, mail_iri(contact.email or "")),
        (VCARD.hasTelephone, telephone_iri(contact.phone or "")),
        (VCARD.hasURL, web_iri(contact.url)),
    )
    said = [(card, predicate, URIRef(address)) for predicate, address in addresses if address is not None]
    if not said and not contact.name:
        return
    yield node, DCAT.contactPoint, card
    yield card, RDF.type, VCARD.Kind
    if contact.name:
        yield card, VCARD.fn, literal(contact.name)
    yield from said


def _scope(node: Node, dataset: Dataset, base: str) -> Iterator[Triple]:
    key = f"b{dataset.id}"
    yield from terms.themes(node, base, dataset)
    yield from terms.region(node, key, dataset)
    for number, place in enumerate(dataset.places):
        yield from terms.place(node, f"{key}-place{number}", place)
    for number, period in enumerate(dataset.periods):
        yield from _period(node, period, BNode(f"{key}-period{number}"))
    yield from terms.frequency(node, key, dataset)


def _period(node: Node, period: Period, span: BNode) -> Iterator[Triple]:
    ends = ((DCAT.startDate, _date(period.start)), (DCAT.endDate, _date(period.end)))
    said = [(span, predicate, date) for predicate, date in ends if date is not None]
    if said:
        yield node, DCTERMS.temporal, span
        yield span, RDF.type, DCTERMS.PeriodOfTime
        yield from said


def _conditions(node: Node, dataset: Dataset) -> Iterator[Triple]:
    key = f"b{dataset.id}"
    yield from terms.access_right(node, key, dataset)
    yield from terms.licence(node, key, dataset.licence, dataset.licence_raw, dataset.licence_url)
    for name, words in (("rights", dataset.rights), ("condition", dataset.openness_condition)):
        yield from terms.coded(
            node, DCTERMS.rights, DCTERMS.RightsStatement, f"{key}-{name}", address=words, words=words
        )
    yield from terms.high_value(node, dataset.hvd_categories)
    yield from terms.legislation(node, dataset.applicable_legislation)
    yield from terms.standards(node, key, dataset.conforms_to)
    provenance = dataset.provenance
    yield from terms.coded(
        node, DCTERMS.provenance, DCTERMS.ProvenanceStatement, f"{key}-provenance", address=None, words=provenance
    )


def _links(node: Node, dataset: Dataset, base: str, ids: Mapping[Key, str]) -> Iterator[Triple]:
    page = web_iri(dataset.landing_page)
    if page is not None:
        yield node, DCAT.landingPage, URIRef(page)
        yield URIRef(page), RDF.type, FOAF.Document
    origin = web_iri(dataset.source_key)
    if origin is not None:
        yield node, OWL.sameAs, URIRef(origin)
    for related in dataset.related:
        address = iri(related)
        if address is not None:
            yield node, DCTERMS.relation, URIRef(address)
    endpoint = web_iri(dataset.endpoint_url)
    if endpoint is not None:
        yield node, DCAT.endpointURL, URIRef(endpoint)
    for predicate, keys in (
        (DCAT.servesDataset, dataset.serves),
        (DCAT.inSeries, dataset.series),
        (DCAT.prev, (dataset.series_previous,)),
        (DCAT.next, (dataset.series_next,)),
        (DCAT.first, (dataset.series_first,)),
        (DCAT.last, (dataset.series_last,)),
    ):
        yield from _linked(node, predicate, dataset, keys, base, ids)


def _distribution(
    of: URIRef, dataset: Dataset, said: Distribution, base: str, ids: Mapping[Key, str]
) -> Iterator[Triple]:
    """What a dataset says of licence and rights holds for a distribution that says nothing else."""
    node, key = URIRef(f"{of}#{said.id}"), f"b{dataset.id}-{said.id}"
    yield of, DCAT.distribution, node
    yield node, RDF.type, DCAT.Distribution
    for title in literals(said.title, said.titles):
        yield node, DCTERMS.title, title
    if said.description:
        yield node, DCTERMS.description, literal(said.description)
    download = web_iri(said.download_url)
    # DCAT-AP asks for an access address always, and a file's own address is one.
    access = web_iri(said.access_url) or download
    if access is not None:
        yield node, DCAT.accessURL, URIRef(access)
    if download is not None:
        yield node, DCAT.downloadURL, URIRef(download)
    yield from terms.file_format(node, key, said.format, said.format_raw)
    yield from terms.media_type(node, said.media_type)
    if said.size_bytes is not None and said.size_bytes >= 0:
        yield node, DCAT.byteSize, Literal(str(said.size_bytes), datatype=XSD.nonNegativeInteger)
    yield from terms.checksum(node, key, said.checksum)
    if said.issued is not None:
        yield node, DCTERMS.issued, _instant(said.issued)
    if said.modified is not None:
        yield node, DCTERMS.modified, _instant(said.modified)
    if said.licence is not None or said.licence_raw is not None:
        yield from terms.licence(node, key, said.licence, said.licence_raw)
    else:
        yield from terms.licence(node, key, dataset.licence, dataset.licence_raw, dataset.licence_url)
    yield from terms.coded(
        node, DCTERMS.rights, DCTERMS.RightsStatement, f"{key}-rights", address=dataset.rights, words=dataset.rights
    )
    yield from terms.standards(node, key, said.conforms_to)
    yield from terms.legislation(node, dataset.applicable_legislation)
    yield from _linked(node, DCAT.accessService, dataset, said.service_keys, base, ids)


def _record(node: URIRef, entry: Entry, base: str) -> Iterator[Triple]:
    """Our own words: since when the catalogue lists it, where the description comes from, whether it still stands.

    And where its quality is told: of the dataset itself, since that is where consumers of DQV look for it.
    """
    if is_assessed(entry):
        yield from dqv.reference(node)
    record = URIRef(f"{node}#record")
    yield record, RDF.type, DCAT.CatalogRecord
    yield record, FOAF.primaryTopic, node
    yield record, DCTERMS.identifier, Literal(entry.dataset.id)
    yield record, DCTERMS.issued, _instant(entry.first_seen)
    yield record, DCTERMS.modified, _instant(entry.changed)
    yield record, PROV.wasDerivedFrom, URIRef(f"{base}/sources/{entry.dataset.source_id}")
    page, modified = web_iri(entry.dataset.landing_page), entry.dataset.data_modified or entry.dataset.modified
    origin = page or web_iri(entry.dataset.source_key)
    if origin is not None:
        yield record, PROV.wasDerivedFrom, URIRef(origin)
    # The portal's page is its own record of the dataset; DCAT-AP wants to know of such a record when it changed.
    if page is not None and modified is not None:
        yield record, DCTERMS.source, URIRef(page)
        yield URIRef(page), RDF.type, DCAT.CatalogRecord
        yield URIRef(page), FOAF.primaryTopic, node
        yield URIRef(page), DCTERMS.modified, _instant(modified)
    if entry.state is DatasetState.RETIRED:
        withdrawn = URIRef("http://purl.org/adms/status/Withdrawn")
        yield record, ADMS.status, withdrawn
        yield withdrawn, RDF.type, SKOS.Concept
        yield withdrawn, SKOS.prefLabel, Literal("Withdrawn", lang="en")
        if entry.retired is not None:
            yield record, PROV.invalidatedAtTime, _instant(entry.retired)


def _instant(at: datetime) -> Literal:
    return Literal(at.astimezone(UTC))


def _date(text: str | None) -> Literal | None:
    """An end of a period as exact as the portal gave it; None for what is no date."""
    if text is None:
        return None
    coarse = _MONTH_OR_YEAR.fullmatch(text)
    if coarse is not None:
        return Literal(text, datatype=XSD.gYearMonth if coarse[1] else XSD.gYear)
    try:
        if "T" in text:
            return Literal(datetime.fromisoformat(text))
        return Literal(date.fromisoformat(text))
    except ValueError:
        return None
