"""Whole harvests for tests: a portal on loopback, the connector, the translation, the catalogue."""

from __future__ import annotations

import gzip
import ipaddress
import json
from collections import Counter
from collections.abc import Mapping
from functools import cache
from typing import Any

import msgspec

import schemas
from harvester.connectors import CONNECTORS
from harvester.http import Http, Validators
from harvester.http.limits import Limits
from harvester.pipeline import harvest
from portal.catalog.model import ChangeKind, Dataset, DatasetState, Guard, Issue, Politeness, Run, Source
from portal.catalog.store import Catalog
from tests.fixtures import FIXTURES
from tests.hostile import HostileServer, Script, Talk, answer

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)

NO_GRACE = Guard(grace_days=0)
"""What a complete listing lacks is retired at once, as the peers do it; the guard stays on."""

MEDIA_TYPES = {
    "json": "application/json",
    "jsonld": "application/ld+json",
    "rdf": "application/rdf+xml",
    "trig": "application/trig",
    "ttl": "text/turtle",
    "xml": "application/rdf+xml",
}

_STATE_AFTER = {
    ChangeKind.ADDED: DatasetState.CURRENT,
    ChangeKind.RESTORED: DatasetState.CURRENT,
    ChangeKind.UNUSABLE: DatasetState.UNUSABLE,
    ChangeKind.MISSING: DatasetState.MISSING,
    ChangeKind.RETIRED: DatasetState.RETIRED,
}


class Documents:
    """Documents on loopback, each replaced as a test goes on. Usable between ``with`` and its end."""

    def __init__(self) -> None:
        self._scripts: dict[str, Script] = {}
        self._server = HostileServer(self._play)

    def _play(self, talk: Talk) -> None:
        target = talk.seen.target
        script = self._scripts.get(target) or self._scripts.get(target.partition("?")[0])
        (script or answer("not here", status=404))(talk)

    def __enter__(self) -> Documents:
        self._server.__enter__()
        return self

    def __exit__(self, *raised: Any) -> None:
        self._server.__exit__(*raised)

    @property
    def url(self) -> str:
        """The portal's address without a slash at its end."""
        return self._server.url

    @property
    def paths(self) -> list[str]:
        """What was asked for, in order."""
        return self._server.paths

    def put(self, path: str, given: Script | bytes | Any, content_type: str | None = None) -> None:
        """What is answered at a path, with or without its query: bytes, a value as JSON, or a script's doing."""
        if not callable(given):
            body = given if isinstance(given, bytes) else json.dumps(given, ensure_ascii=False).encode()
            media_type = content_type or MEDIA_TYPES[path.partition("?")[0].rpartition(".")[2]]
            given = answer(body, headers={"Content-Type": media_type})
        self._scripts[path] = given


def source(kind: str, url: str, *, id: str = "portal", guard: Guard = Guard(), **options: Any) -> Source:
    """A portal on this machine as a source, asked without pauses."""
    return Source(
        id=id,
        title=id,
        kind=kind,
        url=url,
        politeness=Politeness(requests_per_second=0),
        guard=guard,
        options=options,
    )


def run_of(catalog: Catalog, source: Source, *, full: bool = False, limits: Limits = Limits()) -> Run:
    """One run, nothing of it imitated. Retries do not wait."""

    def way_out(validators: Mapping[str, Validators]) -> Http:
        return Http(
            requests_per_second=0,
            allow_private=LOOPBACK,
            validators=validators,
            limits=limits,
            sleep=lambda seconds: None,
        )

    catalog.sources.put(source)
    return harvest(source, catalog, CONNECTORS[source.kind], way_out, holder="test", full=full)


def harvested(catalog: Catalog, source: Source, *, full: bool = False, limits: Limits = Limits()) -> Run:
    """One run; what holds for every run is asserted of it."""
    before = catalog.last_change()
    run = run_of(catalog, source, full=full, limits=limits)
    assert catalog.runs.get(run.id) == run, "what is stored of the run is what was returned"
    counts = run.counts
    given = counts.added + counts.updated + counts.unchanged + counts.unusable + counts.duplicate
    assert given == counts.listed, counts
    logged = Counter(change.kind for change in catalog.changes(before, limit=1_000_000))
    assert (counts.added, counts.updated) == (logged[ChangeKind.ADDED], logged[ChangeKind.UPDATED])
    assert (counts.restored, counts.retired) == (logged[ChangeKind.RESTORED], logged[ChangeKind.RETIRED])
    assert codes(catalog, run).keys() <= _severities().keys(), "every issue has its words"
    assert_log_tells_states(catalog)
    return run


def assert_log_tells_states(catalog: Catalog) -> None:
    """Played from its beginning, the change log leads to the state of every dataset."""
    told: dict[str, DatasetState] = {}
    for change in catalog.changes(limit=1_000_000):
        assert (change.kind is ChangeKind.ADDED) == (change.dataset_id not in told), change
        if change.kind is not ChangeKind.UPDATED:
            told[change.dataset_id] = _STATE_AFTER[change.kind]
    assert told == {entry.dataset.id: entry.state for entry in catalog.walk(retired=True)}


def datasets(catalog: Catalog, source_id: str | None = None) -> dict[str, Dataset]:
    """The present datasets by the source's own keys."""
    return {entry.dataset.source_key: entry.dataset for entry in catalog.walk(source_id=source_id)}


def dataset(catalog: Catalog, key: str, source_id: str = "portal") -> Dataset:
    """The dataset a source knows by this key, tombstones too."""
    entry = catalog.find(source_id, key)
    assert entry is not None, key
    return entry.dataset


def states(catalog: Catalog, source_id: str | None = None) -> dict[str, str]:
    """The state of every dataset that ever was, by the source's own key."""
    return {
        entry.dataset.source_key: entry.state.value
        for entry in catalog.walk(retired=True, source_id=source_id)
    }


def issues(catalog: Catalog, run: Run, code: str | None = None) -> list[Issue]:
    """The issues of a run in the order they came."""
    return [stored.issue for stored in catalog.runs.issues(run.id, code=code, limit=100_000)]


def codes(catalog: Catalog, run: Run) -> dict[str, int]:
    """How often each issue stands in a run."""
    return dict(catalog.runs.issue_counts(run.id))


def errors(catalog: Catalog, run: Run) -> list[str]:
    """The codes of a run's issues whose severity is error."""
    severities = _severities()
    return [issue.code for issue in issues(catalog, run) if severities[issue.code] == "error"]


@cache
def _severities() -> Mapping[str, str]:
    return {code: term.attributes["severity"] for code, term in schemas.vocabulary("issues").terms.items()}


def snapshot(catalog: Catalog) -> dict[str, bytes]:
    """Everything the catalogue says of its datasets but when: to compare catalogues with."""
    return {
        entry.dataset.id: msgspec.json.encode(
            (entry.dataset, entry.state, entry.retired_because), order="deterministic"
        )
        for entry in catalog.walk(retired=True)
    }


def fixture(path: str) -> bytes:
    """A real file, unpacked."""
    body = (FIXTURES / path).read_bytes()
    return gzip.decompress(body) if path.endswith(".gz") else body
