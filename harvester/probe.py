"""Finds out what kind of portal answers at an address, and what it can do."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

import msgspec
from msgspec import Struct

from harvester.audit import audit
from harvester.connectors import csvlist, csw, csw_requests, oaipmh
from harvester.connectors.calls import Page, first_page, first_records
from harvester.connectors.recognition import KEYS_LOOKED_AT, LOOKED_AT, expect_datasets
from harvester.crosswalk import to_dataset
from harvester.errors import (
    AddressRefused,
    HarvestError,
    PortalAnsweredError,
    PortalCertificateInvalid,
    PortalNotUnderstood,
    PortalTimedOut,
    PortalUnreachable,
)
from harvester.familiar import Familiar, familiar
from harvester.families import Family, family
from harvester.http import Http, Response
from harvester.records import RawRecord
from portal.catalog.model import Issue, Source
from portal.catalog.normalisation import not_understood


_NO_ANSWER = (PortalUnreachable, PortalTimedOut, PortalCertificateInvalid)


class Finding(Struct, frozen=True, kw_only=True):
    """A kind of portal that answers here, with what it says of itself; None where it does not say."""

    kind: str
    url: str
    """What to put into the source's file."""
    asked: str
    """The address that answered."""
    title: str | None = None
    version: str | None = None
    datasets: int | None = None
    pages: bool | None = None
    """Whether it answers page by page."""
    filters_by_date: bool | None = None
    """Whether it can be asked for what changed since a moment."""
    validators: bool | None = None
    """Whether it says (ETag, Last-Modified) how to ask if anything changed."""
    family: str | None = None
    """The product family of the portal, where its kind has families: ``options.family``."""
    wants: tuple[str, ...] = ()
    """What of ``options.variables`` only the portal's own people know."""
    records: int | None = None
    """Of a catalogue service or a repository: records of every type, of which only some are datasets."""
    fields: tuple[str, ...] = ()
    """Of a portal that is read by configuration: the unified fields that its first records fill."""
    undecided: tuple[str, ...] = ()
    """Keys of those records that nobody decided about."""
    strange: tuple[str, ...] = ()
    """What those records say that is not understood: the field and the words."""
    broken: str | None = None
    """Why its records are not read although its list is."""
    deletions: str | None = None
    """Of a repository: its policy on deleted records, ``no``, ``transient`` or ``persistent``."""


class Attempt(Struct, frozen=True):
    """An address that was tried and why it is not what was looked for."""

    kind: str
    asked: str
    why: str


class Probe(Struct, frozen=True):
    """What was found, best first, and what was tried in vain."""

    findings: tuple[Finding, ...]
    attempts: tuple[Attempt, ...]


def probe(url: str, http: Http) -> Probe:
    """Tries every kind we know at ``url``, where none answers the Chinese families, and last whether it is a file of rows.

    Raises AddressRefused where the address itself may not be asked.
    """
    root = url if url.endswith("/") or "." in url.rsplit("/", 1)[-1] else url + "/"
    findings: list[Finding] = []
    attempts: list[Attempt] = []
    is_reached = False
    for kind, path, read in _TRIALS:
        asked = _with_question(url, path) if path.startswith("?") else urljoin(root, path)
        if findings and path in _CUSTOMARY:
            continue
        try:
            findings.append(read(url, http.get(asked), http))
        except AddressRefused:
            raise
        except HarvestError as error:
            is_reached = is_reached or not isinstance(error, _NO_ANSWER)
            attempts.append(Attempt(kind, asked, f"{error.code}: {error.detail}"))
    # Each family is a question or more: none is put to a server that is not there.
    for met in familiar(url, http) if is_reached and not findings else ():
        if isinstance(met, Familiar):
            findings.append(_familiar(met.name, met.source, met.profile, met.page, http))
        else:
            attempts.append(Attempt(met.name, met.why.url or met.url, f"{met.why.code}: {met.why.detail}"))
    if is_reached and not findings:
        file = probe_source(Source(id="probe", title=url, kind="csvlist", url=url), http)
        return Probe(file.findings, (*attempts, *file.attempts))
    return Probe(tuple(findings), tuple(attempts))


def probe_source(source: Source, http: Http) -> Probe:
    """Asks a source's portal as its own options say, or where they say nothing every kind at its address."""
    if source.kind == "csvlist":
        read = _file(source, http)
        return Probe((read,), ()) if isinstance(read, Finding) else Probe((), (read,))
    if source.kind not in ("jsonapi", "htmltable"):
        return probe(source.url, http)
    name = source.options.get("family")
    try:
        found = _familiar(name, source, family(source), first_page(source, http), http)
    except AddressRefused:
        raise
    except HarvestError as error:
        why = f"{error.code}: {error.detail}"
        return Probe((), (Attempt(name or source.kind, error.url or source.url, why),))
    return Probe((msgspec.structs.replace(found, title=source.title, wants=()),), ())


def _familiar(name: str | None, source: Source, profile: Family, page: Page, http: Http) -> Finding:
    call = next(each for each in profile.listings.values() if not each.left_out)
    finding = Finding(
        kind=profile.kind,
        family=name,
        url=source.url,
        asked=page.url,
        datasets=page.total if call.paged else len(page.records),
        pages=call.paged,
        filters_by_date=call.newest_first is not None,
        validators=False,
        wants=tuple(profile.recognition.variables) if profile.recognition else (),
    )
    variables = profile.recognition.variables if profile.recognition else {}
    try:
        first = first_records(source, http, page, variables, most=LOOKED_AT)
    except AddressRefused:
        raise
    except HarvestError as error:
        return msgspec.structs.replace(finding, broken=f"{error.code}: {error.detail}")
    return _looked_at(source, finding, first)


def _file(source: Source, http: Http) -> Finding | Attempt:
    """A file of rows, or a folder of them, read to its end."""
    given: list[RawRecord | Issue] = []
    records = csvlist.records(source, http, None)
    try:
        while True:
            given.append(next(records))
    except StopIteration as end:
        finding = Finding(
            kind="csvlist", url=source.url, asked=source.url, datasets=end.value.declared, pages=False,
            filters_by_date=False, validators=any(each.etag or each.last_modified for each in http.seen_validators.values()),
        )
        return _looked_at(source, finding, given[:KEYS_LOOKED_AT])
    except AddressRefused:
        raise
    except HarvestError as error:
        return Attempt("csvlist", error.url or source.url, f"{error.code}: {error.detail}")


def _looked_at(source: Source, finding: Finding, first: Sequence[RawRecord | Issue]) -> Finding:
    """The finding with what its first records say and what of it is understood."""
    raws = [item for item in first if isinstance(item, RawRecord)]
    broken = None
    try:
        expect_datasets(source, first)
    except HarvestError as error:
        broken = f"{error.code}: {error.detail}"
    made = [dataset for raw in raws if (dataset := to_dataset(raw, source)[0]) is not None]
    fields = {
        field: None for dataset in made for field in _TOLD
        if getattr(dataset, field) not in (None, ()) and not (field == "region" and dataset.region_inferred_from)
    }
    undecided = tuple(each.path for each in audit(source, raws).undecided)
    return msgspec.structs.replace(
        finding, fields=tuple(fields), undecided=undecided, strange=not_understood(made), broken=broken
    )


_TOLD = (
    "title", "description", "publisher", "contact", "region", "themes", "keywords", "openness", "sharing", "frequency",
    "licence", "issued", "modified", "distributions", "rows", "columns", "landing_page",
)
"""The fields of which it is told whether the first records fill them."""


def _with_question(url: str, question: str) -> str:
    """The address itself with a protocol's first question; what its query says stays."""
    address = csw_requests.endpoint(oaipmh.endpoint(url))
    return f"{address}{'&' if urlsplit(address).query else '?'}{question[1:]}"


def _object(response: Response) -> Mapping[str, Any]:
    try:
        document = json.loads(response.text)
    except ValueError as error:
        raise PortalNotUnderstood("not JSON", url=response.url, seen=response.text[:200]) from error
    if not isinstance(document, dict):
        raise PortalNotUnderstood("JSON, but not an object", url=response.url)
    return document


def _ckan(url: str, response: Response, http: Http) -> Finding:
    status = _object(response).get("result")
    if not isinstance(status, dict):
        raise PortalNotUnderstood("no CKAN status", url=response.url)
    base = response.url.removesuffix("api/3/action/status_show")
    every = _ckan_count(http, f"{base}api/3/action/package_search?rows=0")
    future = _ckan_count(
        http, f"{base}api/3/action/package_search?rows=0&fq=metadata_modified:[2999-01-01T00:00:00Z TO *]"
    )
    dkan = "dkan" in str(status.get("extensions", "")).lower()
    return Finding(
        kind="dkan" if dkan else "ckan",
        url=base,
        asked=response.url,
        title=_text(status.get("site_title")),
        version=_text(status.get("ckan_version")),
        datasets=every,
        pages=every is not None,
        filters_by_date=None if every is None or future is None else every == 0 or future == 0,
        validators=False,
    )


def _ckan_count(http: Http, url: str) -> int | None:
    try:
        result = _object(http.get(url)).get("result")
    except HarvestError:
        # A portal with its search switched off is still a CKAN; it is then read name by name.
        return None
    count = result.get("count") if isinstance(result, dict) else None
    return count if isinstance(count, int) else None


def _dkan(url: str, response: Response, _http: Http) -> Finding:
    try:
        items = json.loads(response.text)
    except ValueError as error:
        raise PortalNotUnderstood("not JSON", url=response.url) from error
    if not isinstance(items, list):
        raise PortalNotUnderstood("no list of datasets", url=response.url)
    base = response.url.removesuffix("api/1/metastore/schemas/dataset/items")
    return Finding(kind="dkan", url=base, asked=response.url, datasets=len(items), pages=False, filters_by_date=False)


def _datajson(url: str, response: Response, _http: Http) -> Finding:
    document = _object(response)
    datasets = document.get("dataset")
    if not isinstance(datasets, list):
        raise PortalNotUnderstood("JSON without a list called dataset", url=response.url)
    return Finding(
        kind="datajson",
        url=response.url,
        asked=response.url,
        title=_text(document.get("title")),
        version=_text(document.get("conformsTo")),
        datasets=len(datasets),
        pages=False,
        filters_by_date=False,
        validators=_has_validators(response),
    )


_RDF_TYPES = ("text/turtle", "application/rdf+xml", "application/ld+json", "application/n-triples", "application/trig")


def _dcat(url: str, response: Response, _http: Http) -> Finding:
    media_type = response.headers.get("Content-Type", "").split(";")[0].strip().lower()
    if media_type not in _RDF_TYPES or b"dcat" not in response.body:
        raise PortalNotUnderstood(f"not an RDF catalogue ({media_type or 'no type given'})", url=response.url)
    return Finding(
        kind="dcat",
        url=response.url,
        asked=response.url,
        version=media_type,
        pages=b"hydra" in response.body,
        filters_by_date=False,
        validators=_has_validators(response),
    )


def _csw(_url: str, response: Response, http: Http) -> Finding:
    service = csw_requests.service(response.url, http)
    future = service.changed_since(datetime(2999, 1, 1, tzinfo=UTC))
    records = _csw_count(http, service, None)
    changed = None if future is None else _csw_count(http, service, future)
    # Of an empty catalogue, and of one that does not count, it cannot be told whether it heeds a filter.
    heeds = None if not records or changed is None else changed == 0
    return Finding(
        kind="csw",
        url=csw_requests.endpoint(response.url),
        asked=response.url,
        title=service.title,
        version=service.version,
        records=records,
        pages=True,
        filters_by_date=False if future is None else heeds,
        validators=False,
    )


def _csw_count(http: Http, service: csw_requests.Service, changed: csw_requests.Constraint | None) -> int | None:
    try:
        return csw.matched(http, service, csw_requests.Options(), changed)
    except (PortalAnsweredError, PortalNotUnderstood):
        # A service that describes itself is one, even if it refuses this question.
        return None


def _oaipmh(_url: str, response: Response, http: Http) -> Finding:
    repository = oaipmh.identify(response.url, http)
    return Finding(
        kind="oaipmh",
        url=repository.url,
        asked=response.url,
        title=repository.title,
        version="2.0",
        pages=True,
        filters_by_date=True,
        validators=False,
        records=oaipmh.size(repository, http),
        deletions=repository.deleted,
    )


def _has_validators(response: Response) -> bool:
    return "ETag" in response.headers or "Last-Modified" in response.headers


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


_TRIALS: tuple[tuple[str, str, Callable[[str, Response, Http], Finding]], ...] = (
    ("ckan", "api/3/action/status_show", _ckan),
    ("dkan", "api/1/metastore/schemas/dataset/items", _dkan),
    ("datajson", "", _datajson),
    ("datajson", "data.json", _datajson),
    ("dcat", "", _dcat),
    ("dcat", "catalog.ttl", _dcat),
    ("dcat", "catalog.rdf", _dcat),
    ("dcat", "catalog.jsonld", _dcat),
    ("csw", "?service=CSW&request=GetCapabilities", _csw),
    ("oaipmh", "?verb=Identify", _oaipmh),
    ("csw", "geonetwork/srv/eng/csw?service=CSW&request=GetCapabilities", _csw),
    ("csw", "csw?service=CSW&request=GetCapabilities", _csw),
    ("oaipmh", "oai/request?verb=Identify", _oaipmh),
    ("oaipmh", "server/oai/request?verb=Identify", _oaipmh),
    ("oaipmh", "oai?verb=Identify", _oaipmh),
    ("oaipmh", "oai2d?verb=Identify", _oaipmh),
    ("oaipmh", "cgi/oai2?verb=Identify", _oaipmh),
)

_CUSTOMARY = frozenset(path for kind, path, _ in _TRIALS if kind in ("csw", "oaipmh") and not path.startswith("?"))
"""Where GeoNetwork, pycsw, DSpace, Dataverse, Invenio and EPrints usually answer: tried where nothing else did."""
