"""The nouns of the catalogue: frozen values, no behaviour, no store.

``None`` (or an empty tuple or mapping) always means that the portal did not say. Nothing here is ever filled in by us
without a second field that says so (``region_inferred_from``). Beside every normalised value stands the raw one.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct


class RecordType(StrEnum):
    """What kind of thing a catalogue entry describes; only datasets are counted as datasets."""

    DATASET = "dataset"
    SERVICE = "service"
    SERIES = "series"


class DistributionKind(StrEnum):
    """How a distribution is reached."""

    FILE = "file"
    API = "api"
    LINK = "link"


class Contact(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whom to ask about a dataset."""

    name: str | None = None
    email: str | None = None
    phone: str | None = None
    url: str | None = None


class Publisher(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who publishes a dataset, in the portal's words.

    ``id`` is made by ``harvester.identity.publisher_id`` from the source and the portal's own key or name.
    """

    id: str
    name: str
    names: dict[str, str] = {}
    """The name by language tag, where the portal gives several."""
    key: str | None = None
    """The portal's own id of the organisation."""
    uscc: str | None = None
    """Unified social credit code (GB 32100), 18 characters."""
    uri: str | None = None
    parent_name: str | None = None
    institution_type: str | None = None
    """A code of ``institution_types``."""
    institution_inferred_from: str | None = None
    """What told the institution type when the portal did not say it: ``name``, ``decision`` (a person's, about the
    name) or ``source`` (the type set for the whole portal, where the name says nothing)."""
    functions: tuple[str, ...] = ()
    """Codes of ``department_functions``, the main one first: always read from the name, by us."""
    department: str | None = None
    """Region and main function (``330100.market``): the same for every name one department has or had, in every portal;
    always made by us, and only for the authority itself."""
    decision: int | None = None
    """The number of the decision by which a person said what the name means; None where it is read from the tables."""


class Column(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One field (信息项) of a dataset's data."""

    name: str
    title: str | None = None
    description: str | None = None
    data_type: str | None = None
    length: int | None = None


class Period(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A time span the data covers; ISO 8601 dates or instants as text, either end may be open."""

    start: str | None = None
    end: str | None = None


class Place(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A place the data covers: a name, an address in a gazetteer, a GeoJSON geometry, as far as said."""

    name: str | None = None
    uri: str | None = None
    geometry: dict[str, Any] | None = None


class Distribution(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One way to get a dataset's data."""

    id: str
    """Stable within the dataset over harvests: see ``harvester.identity.distribution_ids``."""
    key: str | None = None
    """The portal's own id of it (a CKAN resource id, a URI)."""
    title: str | None = None
    titles: dict[str, str] = {}
    description: str | None = None
    kind: DistributionKind | None = None
    access_url: str | None = None
    download_url: str | None = None
    format: str | None = None
    """A code of ``formats``; None when not said or not understood."""
    format_raw: str | None = None
    media_type: str | None = None
    """Read from what the portal says of the format where it says no media type."""
    media_type_raw: str | None = None
    size_bytes: int | None = None
    rows: int | None = None
    checksum: str | None = None
    """``algorithm:hexadecimal``, e.g. ``sha1:5a2b…``."""
    issued: datetime | None = None
    modified: datetime | None = None
    licence: str | None = None
    licence_raw: str | None = None
    access_rights: str | None = None
    rights: str | None = None
    """What the portal says of rights apart from the licence."""
    conforms_to: tuple[str, ...] = ()
    service_keys: tuple[str, ...] = ()
    """Source keys of the data services that give access to it."""
    unread: dict[str, str] = {}
    """As of a dataset: fields that the portal filled with what we could not read, and its words."""


class Dataset(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One entry of the national catalogue in the unified schema (``schemas/dataset.schema.json``)."""

    id: str
    """Public, for ever: made from ``source_id`` and ``source_key`` alone by ``harvester.identity.dataset_id``."""
    source_id: str
    source_key: str
    """The source's own id of it."""
    record_type: RecordType = RecordType.DATASET

    title: str
    titles: dict[str, str] = {}
    """The title by language tag, where the portal gives languages."""
    description: str | None = None
    """Markdown or HTML as the portal gave it; sanitised only when shown."""
    descriptions: dict[str, str] = {}
    identifiers: tuple[str, ...] = ()
    """Other ids the portal states (a DOI, a catalogue code)."""
    name: str | None = None
    """The portal's short name, as used in its addresses."""
    landing_page: str | None = None
    """The dataset's own page at the source."""
    languages: tuple[str, ...] = ()
    version: str | None = None

    publisher: Publisher | None = None
    creator: str | None = None
    contact: Contact | None = None

    region: str | None = None
    """A code of ``regions`` (GB/T 2260 for China) or a country's own."""
    region_inferred_from: str | None = None
    """``source``, ``publisher`` or ``title`` when the record itself did not say."""
    region_former: str | None = None
    """A code of ``former_regions``: the county that is no more, where ``region`` was said with its code or its name."""
    places: tuple[Place, ...] = ()
    periods: tuple[Period, ...] = ()

    themes: tuple[str, ...] = ()
    """Codes of ``themes``."""
    themes_raw: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    keywords_by_language: dict[str, tuple[str, ...]] = {}
    columns: tuple[Column, ...] = ()

    openness: str | None = None
    """A code of ``openness``: unconditional, registration, conditional, denied; open-unqualified without its conditions."""
    openness_raw: str | None = None
    openness_condition: str | None = None
    sharing: str | None = None
    """Between authorities; the same codes as openness."""
    sharing_raw: str | None = None
    frequency: str | None = None
    """A code of ``frequencies``."""
    frequency_raw: str | None = None
    licence: str | None = None
    """A code of ``licences``."""
    licence_raw: str | None = None
    licence_url: str | None = None
    access_rights: str | None = None
    rights: str | None = None

    issued: datetime | None = None
    """First published, by the portal's word."""
    modified: datetime | None = None
    """The description or the data last changed, by the portal's word."""
    data_modified: datetime | None = None
    """The data last changed, where the portal says it apart from ``modified``."""

    distributions: tuple[Distribution, ...] = ()
    endpoint_url: str | None = None
    """Of a service: where it answers."""
    serves: tuple[str, ...] = ()
    """Of a service: source keys of the datasets it serves."""
    series: tuple[str, ...] = ()
    """Source keys of the series or collections it is part of."""
    series_previous: str | None = None
    """Of a member: the source key of the one before it in the series, by the portal's word; so for the next."""
    series_next: str | None = None
    series_first: str | None = None
    """Of a series: the source key of its first member, by the portal's word; so for the last."""
    series_last: str | None = None
    catalogue: str | None = None
    """The portal's inner catalogue it was found in, where the portal nests catalogues."""

    conforms_to: tuple[str, ...] = ()
    hvd_categories: tuple[str, ...] = ()
    """Codes of the EU high-value vocabulary (``c_…``)."""
    applicable_legislation: tuple[str, ...] = ()
    provenance: str | None = None
    registration_number: str | None = None
    security_level: str | None = None
    related: tuple[str, ...] = ()
    rows: int | None = None
    views: int | None = None
    downloads: int | None = None
    unread: dict[str, str] = {}
    """Fields that the portal filled with what we could not read, by their names, and its words: they are stated, though
    nothing is known of them. Of objects (a publisher without a name, a place that is nowhere) the words are JSON."""
    violations: tuple[str, ...] = ()
    """Of a record in RDF: what DCAT-AP 3.0.1 asks of its statements and they do not keep, each as the property and SHACL's
    word for the rule (``dcat:accessURL sh:nodeKind``)."""


class DatasetState(StrEnum):
    """Where a dataset stands in its life."""

    CURRENT = "current"
    UNUSABLE = "unusable"
    """Still listed, but the portal broke its record: the last good one is shown and said to be so."""
    MISSING = "missing"
    """A complete listing lacked it; it is retired when that lasts longer than the source's grace."""
    RETIRED = "retired"
    """A tombstone: the page stays and says when it went."""


class ChangeKind(StrEnum):
    """What happened to a dataset."""

    ADDED = "added"
    UPDATED = "updated"
    UNUSABLE = "unusable"
    MISSING = "missing"
    RETIRED = "retired"
    RESTORED = "restored"
    """Listed again after it was missing, retired or unusable."""


class ChangeCause(StrEnum):
    """Why an update happened: the portal's words changed, or our reading of them."""

    SOURCE = "source"
    MAPPING = "mapping"


class Change(Struct, frozen=True, kw_only=True):
    """One line of the append-only change log."""

    number: int
    kind: ChangeKind
    dataset_id: str
    source_id: str
    at: datetime
    run_id: int | None
    cause: ChangeCause | None = None
    fields: tuple[str, ...] = ()
    """Of an update: the names of the unified fields that changed."""
    before: Dataset | None = None
    """Of an update, when asked for: the dataset as it was."""


class Entry(Struct, frozen=True, kw_only=True):
    """A dataset as the catalogue holds it: the record and its life."""

    dataset: Dataset
    state: DatasetState
    first_seen: datetime
    changed: datetime
    """When we last saw it change (not when we last looked)."""
    missing_since: datetime | None = None
    retired: datetime | None = None
    retired_because: str | None = None
    """``missing``, ``approved``, ``withdrawn`` (the source said so) or ``source-removed``."""


class RawStored(Struct, frozen=True, kw_only=True):
    """The portal's own words for one dataset, as last read."""

    body: bytes
    media_type: str
    url: str | None
    read: datetime


class Outcome(StrEnum):
    """How a run ended."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    HELD = "held"
    FAILED = "failed"


class RunMode(StrEnum):
    """What a run asked for."""

    FULL = "full"
    INCREMENTAL = "incremental"
    REREAD = "reread"
    """Nothing of the portal: its words as they are kept were read again."""


class Counts(Struct, frozen=True, kw_only=True):
    """What became of the records a portal listed.

    ``added + updated + unchanged + unusable + duplicate == listed`` holds for every run.
    ``missing``, ``retired``, ``restored`` and ``held`` count datasets, not records.
    """

    listed: int = 0
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    unusable: int = 0
    duplicate: int = 0
    missing: int = 0
    retired: int = 0
    restored: int = 0
    held: int = 0


class Run(Struct, frozen=True, kw_only=True):
    """One harvest of one source, or one reading of it again. ``outcome`` is None while it is under way."""

    id: int
    source_id: str
    mode: RunMode
    started: datetime
    finished: datetime | None = None
    outcome: Outcome | None = None
    not_modified: bool = False
    """The source answered that nothing changed since last time; the counts then restate what stands."""
    declared: int | None = None
    """How many datasets the portal said it holds."""
    counts: Counts = Counts()
    requests: int = 0
    bytes_received: int = 0
    cause: str | None = None
    """The code of the issue that decided an outcome other than complete."""
    not_before: datetime | None = None
    """When the portal, which was busy, asked us to come back at the earliest; None where it did not."""
    decision: str | None = None
    """Of a held run: ``approved``, ``rejected`` or ``superseded`` once decided."""
    fingerprint: str | None = None
    """Of the schemas and options it translated with."""
    decisions: str | None = None
    """Of the decisions about publishers' names it translated with; None = there were none."""


class LinkState(StrEnum):
    """What is known of an address that a dataset gives."""

    AVAILABLE = "available"
    GONE = "gone"
    """Several refusals to find it, days apart: never one bad answer."""
    REFUSED = "refused"
    """It answers, but not to us: a login, a wall, a ban."""
    UNKNOWN = "unknown"
    """Asked without an answer that tells: slow, broken, overloaded, or our own trouble."""


class Link(Struct, frozen=True, kw_only=True):
    """One address of a distribution and what came of asking for it; an address never asked for has none."""

    url: str
    state: LinkState
    since: datetime
    """When it came to be in this state."""
    checked: datetime
    """When it was last asked for."""
    last_available: datetime | None = None
    status: int | None = None
    """Of the last answer; None where none came."""
    cause: str | None = None
    """The code of the issue that says why it is not available."""
    detail: str | None = None
    """What the network or the server said to that, in its own words."""
    media_type: str | None = None
    """As the server said it when the address was last available, without parameters; so the size."""
    size_bytes: int | None = None
    is_error_page: bool = False
    """A page of HTML with status 200 where a file was promised."""


class Severity(StrEnum):
    """How bad an issue is: an error lost something, a warning doubts something."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Issue(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is wrong with one record or one portal. Texts in zh and en: ``schemas/vocabularies/issues.csv``."""

    code: str
    """Stable, dotted, e.g. ``record.title-missing``; a row of the issues vocabulary, which gives its severity."""
    url: str | None = None
    source_key: str | None = None
    field: str | None = None
    """A path into the record, e.g. ``distribution[2].accessURL``."""
    seen: str | None = None
    """What was there instead, cut to 500 characters."""
    detail: str | None = None
    """What the parser or the network said, in its own words."""


class StoredIssue(Struct, frozen=True, kw_only=True):
    """An issue as the catalogue keeps it."""

    id: int
    run_id: int
    source_id: str
    dataset_id: str | None
    at: datetime
    issue: Issue


HARVESTER = "Nachuan/0.1 (open data catalogue)"
"""What our harvester calls itself to every portal."""


class Politeness(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """How gently a source is asked."""

    requests_per_second: float = 1.0
    """0 = no pause (a portal of one's own)."""


class Trust(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Whom to believe that a server is the portal, where the usual authorities and today's TLS are not enough."""

    ca_file: str | None = None
    """A PEM file of further authorities, on the machine that harvests."""
    verify: bool = True
    """False only as an explicit choice, which the source's page shows."""
    legacy: bool = False
    """TLS 1.0 and 1.1, short keys and unsafe renegotiation, for old servers that know nothing better."""


class Guard(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """When retirements are held for a person to look at."""

    max_retired: int = 10
    max_retired_share: float = 0.2
    grace_days: float = 7.0


class Source(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One portal, as its TOML file or the web form describes it (``schemas/source.schema.json``)."""

    id: str
    title: str
    title_en: str | None = None
    kind: str
    url: str
    region: str | None = None
    institution_type: str | None = None
    schedule: str = "@daily"
    timezone: str = "Asia/Shanghai"
    full_every: str = "7d"
    paused: bool = False
    politeness: Politeness = Politeness()
    guard: Guard = Guard()
    trust: Trust = Trust()
    options: dict[str, Any] = {}
