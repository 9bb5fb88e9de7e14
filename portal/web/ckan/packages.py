"""A dataset as CKAN shows one: the package with its resources, tags, groups and organisation.

``None`` (null) always means that the portal did not say. What CKAN has no place for is an extra: under ckanext-dcat's name
where that has one, else under the name of the unified field (docs/ckan-api.md).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from portal.catalog.model import Dataset, DatasetState, Distribution, Entry, Publisher
from portal.web.ckan import licences
from portal.web.documents import dataset_address
from portal.web.languages import tongue
from schemas import vocabulary

BETWEEN = "-"
"""Between the ids of dataset and distribution in the id of a resource."""


class Extra(Struct, frozen=True):
    """A field that CKAN does not know; structures are JSON."""

    key: str
    value: str


class Tag(Struct, frozen=True, kw_only=True):
    """A keyword, in the portal's own spelling, which is its id too."""

    display_name: str
    id: str
    name: str
    state: str = "active"
    vocabulary_id: None = None


class Group(Struct, frozen=True, kw_only=True):
    """A theme of a package."""

    description: str | None = None
    display_name: str
    id: str
    image_display_url: str | None = None
    name: str
    title: str


class Organization(Struct, frozen=True, kw_only=True):
    """The publisher of a package, in the portal's words."""

    id: str
    name: str
    title: str
    type: str = "organization"
    description: str | None = None
    image_url: str | None = None
    created: str | None = None
    is_organization: bool = True
    approval_status: str = "approved"
    state: str = "active"


class Resource(Struct, frozen=True, kw_only=True):
    """A distribution. What stands last is there only where it is said."""

    cache_last_updated: None = None
    cache_url: None = None
    created: str | None
    description: str | None
    format: str | None
    """The name of the format where it is understood, else the portal's word."""
    hash: str | None
    id: str
    last_modified: str | None
    metadata_modified: None = None
    mimetype: str | None
    mimetype_inner: None = None
    name: str | None
    package_id: str
    position: int
    resource_type: str | None
    size: int | None
    state: str = "active"
    url: str | None
    url_type: None = None
    access_url: str | UnsetType = UNSET
    download_url: str | UnsetType = UNSET
    hash_algorithm: str | UnsetType = UNSET
    name_translated: dict[str, str] | UnsetType = UNSET
    license: str | UnsetType = UNSET
    rights: str | UnsetType = UNSET
    conforms_to: tuple[str, ...] | UnsetType = UNSET


class Package(Struct, frozen=True, kw_only=True):
    """A dataset. Instants are UTC without saying so, and whole seconds, which is what a search compares."""

    author: str | None
    author_email: None = None
    creator_user_id: None = None
    id: str
    isopen: bool | None
    license_id: str | None
    license_title: str | None
    license_url: str | None
    maintainer: str | None
    maintainer_email: str | None
    metadata_created: str
    """Since when our catalogue lists it; the portal's own date is the extra ``issued``."""
    metadata_modified: str
    """When our catalogue last saw it change; the portal's own date is the extra ``modified``."""
    name: str
    notes: str | None
    num_resources: int
    num_tags: int
    organization: Organization | None
    owner_org: str | None
    private: bool = False
    state: str = "active"
    title: str
    type: str = "dataset"
    url: str | None
    """The dataset's page at its portal."""
    version: str | None
    extras: tuple[Extra, ...]
    groups: tuple[Group, ...]
    resources: tuple[Resource, ...]
    tags: tuple[Tag, ...]
    relationships_as_subject: tuple[()] = ()
    relationships_as_object: tuple[()] = ()
    title_translated: dict[str, str] | UnsetType = UNSET
    notes_translated: dict[str, str] | UnsetType = UNSET
    tags_translated: dict[str, tuple[str, ...]] | UnsetType = UNSET


def package(entry: Entry, language: str, base: str, original: str | None = None) -> Package:
    """The package of an entry, names of codes in ``language``.

    ``original`` is the entry that is counted instead of this one where it is a further appearance of a dataset.
    """
    dataset = entry.dataset
    publisher, contact = dataset.publisher, dataset.contact
    keywords = tags_of(dataset)
    code = dataset.licence
    return Package(
        author=dataset.creator,
        id=dataset.id,
        isopen=licences.is_open(code),
        license_id=None if code is None else licences.id_of(code),
        license_title=dataset.licence_raw if code is None else vocabulary("licences").label(code, language),
        license_url=dataset.licence_url or licences.address(code),
        maintainer=contact.name if contact else None,
        maintainer_email=contact.email if contact else None,
        metadata_created=moment(entry.first_seen),
        metadata_modified=moment(entry.changed),
        name=dataset.id,
        notes=dataset.description,
        num_resources=len(dataset.distributions),
        num_tags=len(keywords),
        organization=organization(publisher) if publisher else None,
        owner_org=publisher.id if publisher else None,
        title=dataset.title,
        url=dataset.landing_page,
        version=dataset.version,
        extras=_extras(entry, base, original),
        groups=tuple(group(theme, language) for theme in dataset.themes),
        resources=tuple(resource(dataset, one, place) for place, one in enumerate(dataset.distributions)),
        tags=tuple(map(tag, keywords)),
        title_translated=_translated(dataset.title, dataset.titles, dataset.languages),
        notes_translated=_translated(dataset.description, dataset.descriptions, dataset.languages),
        tags_translated=dataset.keywords_by_language or UNSET,
    )


def _translated(
    main: str | None, others: dict[str, str], languages: tuple[str, ...]
) -> dict[str, str] | UnsetType:
    """A text in all its languages where the portal gives several; whoever reads these does not look at the one beside."""
    if not others or main is None or main in others.values():
        return others or UNSET
    tag = tongue(main, languages)
    return others if not tag or tag in others else {tag: main, **others}


def resource(dataset: Dataset, shown: Distribution, position: int) -> Resource:
    """The resource of a distribution."""
    algorithm, _, digest = (shown.checksum or "").partition(":")
    return Resource(
        created=None if shown.issued is None else _utc(shown.issued).isoformat(),
        description=shown.description,
        format=format_name(shown),
        hash=digest or None,
        id=f"{dataset.id}{BETWEEN}{shown.id}",
        last_modified=None if shown.modified is None else _utc(shown.modified).isoformat(),
        mimetype=shown.media_type or shown.media_type_raw,
        name=shown.title,
        package_id=dataset.id,
        position=position,
        resource_type=None if shown.kind is None else shown.kind.value,
        size=shown.size_bytes,
        url=shown.download_url or shown.access_url,
        access_url=shown.access_url or UNSET,
        download_url=shown.download_url or UNSET,
        hash_algorithm=algorithm if digest else UNSET,
        name_translated=shown.titles or UNSET,
        license=shown.licence or shown.licence_raw or UNSET,
        rights=shown.access_rights or shown.rights or UNSET,
        conforms_to=shown.conforms_to or UNSET,
    )


def format_name(shown: Distribution) -> str | None:
    """What a resource says its format is: the name of ours, which a search takes too, else the portal's word."""
    return shown.format_raw if shown.format is None else vocabulary("formats").label(shown.format, "en")


def organization(publisher: Publisher) -> Organization:
    """The organisation of a publisher."""
    return Organization(id=publisher.id, name=publisher.id, title=publisher.name)


def group(theme: str, language: str) -> Group:
    """The group of a theme."""
    label = vocabulary("themes").label(theme, language)
    return Group(display_name=label, id=theme, name=theme, title=label)


def tag(keyword: str) -> Tag:
    """The tag of a keyword."""
    return Tag(display_name=keyword, id=keyword, name=keyword)


def tags_of(dataset: Dataset) -> tuple[str, ...]:
    """The keywords of a dataset in every language, each once, as a search knows them."""
    every = (dataset.keywords, *dataset.keywords_by_language.values())
    return tuple(dict.fromkeys(keyword for several in every for keyword in several if keyword))


def moment(at: datetime) -> str:
    """An instant as CKAN writes one, to the second."""
    return _utc(at).replace(microsecond=0).isoformat()


def _utc(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(tzinfo=None)


def _extras(entry: Entry, base: str, original: str | None) -> tuple[Extra, ...]:
    found: dict[str, Any] = {key: said(entry.dataset) for key, said in _EXTRAS.items()}
    found["canonical_id"] = original
    found["entry_state"] = None if entry.state is DatasetState.CURRENT else entry.state.value
    found["catalogue_page"] = dataset_address(base, entry.dataset.id)
    return tuple(Extra(key, _written(value)) for key, value in found.items() if value not in (None, (), [], {}))


def _written(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _given(**said: Any) -> dict[str, Any]:
    return {name: value for name, value in said.items() if value is not None}


def _places(dataset: Dataset) -> list[dict[str, Any]]:
    return [_given(text=one.name, uri=one.uri, geom=one.geometry) for one in dataset.places]


def _first_place(name: str) -> Callable[[Dataset], Any]:
    return lambda dataset: getattr(dataset.places[0], name) if dataset.places else None


def _first_period(name: str) -> Callable[[Dataset], Any]:
    return lambda dataset: getattr(dataset.periods[0], name) if dataset.periods else None


def _periods(dataset: Dataset) -> list[dict[str, Any]]:
    return [_given(start=one.start, end=one.end) for one in dataset.periods]


def _columns(dataset: Dataset) -> list[dict[str, Any]]:
    return [
        _given(name=one.name, title=one.title, description=one.description, type=one.data_type, length=one.length)
        for one in dataset.columns
    ]


_EXTRAS: Mapping[str, Callable[[Dataset], Any]] = {
    "source_id": lambda dataset: dataset.source_id,
    "source_key": lambda dataset: dataset.source_key,
    "source_name": lambda dataset: dataset.name,
    "identifier": lambda dataset: dataset.identifiers[0] if dataset.identifiers else None,
    "alternate_identifier": lambda dataset: dataset.identifiers[1:],
    "language": lambda dataset: dataset.languages,
    "publisher_uri": lambda dataset: dataset.publisher.uri if dataset.publisher else None,
    "contact_phone": lambda dataset: dataset.contact.phone if dataset.contact else None,
    "contact_uri": lambda dataset: dataset.contact.url if dataset.contact else None,
    "region": lambda dataset: dataset.region,
    "region_inferred_from": lambda dataset: dataset.region_inferred_from,
    "region_former": lambda dataset: dataset.region_former,
    "spatial": _first_place("geometry"),
    "spatial_text": _first_place("name"),
    "spatial_uri": _first_place("uri"),
    "spatial_coverage": lambda dataset: _places(dataset) if len(dataset.places) > 1 else None,
    "temporal_start": _first_period("start"),
    "temporal_end": _first_period("end"),
    "temporal_coverage": lambda dataset: _periods(dataset) if len(dataset.periods) > 1 else None,
    "theme": lambda dataset: dataset.themes_raw,
    "columns": _columns,
    "openness": lambda dataset: dataset.openness,
    "openness_raw": lambda dataset: dataset.openness_raw,
    "openness_condition": lambda dataset: dataset.openness_condition,
    "sharing": lambda dataset: dataset.sharing,
    "sharing_raw": lambda dataset: dataset.sharing_raw,
    "frequency": lambda dataset: dataset.frequency,
    "frequency_raw": lambda dataset: dataset.frequency_raw,
    "licence_raw": lambda dataset: dataset.licence_raw,
    "access_rights": lambda dataset: dataset.access_rights,
    "rights": lambda dataset: dataset.rights,
    "issued": lambda dataset: dataset.issued,
    "modified": lambda dataset: dataset.modified,
    "data_modified": lambda dataset: dataset.data_modified,
    "in_series": lambda dataset: dataset.series,
    "conforms_to": lambda dataset: dataset.conforms_to,
    "hvd_category": lambda dataset: dataset.hvd_categories,
    "applicable_legislation": lambda dataset: dataset.applicable_legislation,
    "provenance": lambda dataset: dataset.provenance,
    "registration_number": lambda dataset: dataset.registration_number,
    "security_level": lambda dataset: dataset.security_level,
    "is_referenced_by": lambda dataset: dataset.related,
    "record_count": lambda dataset: dataset.rows,
    "views": lambda dataset: dataset.views,
    "downloads": lambda dataset: dataset.downloads,
}
"""Key and what is said of it, in the order they are given."""

EXTRAS = frozenset(_EXTRAS)
