"""Half-years that are frozen: the assessment as of their last day, kept with its rules, a hash and a signature.

The manifest names the day, the last change, the rules, and the SHA-256 of the evidence and of the scores; none of it depends
on when or where the period was frozen, so whoever assesses the same catalogue as of the same day gets the same hashes. The
signature is an HMAC-SHA256 of the manifest by this installation's key: it proves to whoever has the key that the manifest is
the one that was frozen. To others it proves nothing; for them the hashes are published.

Comments and disputes of departments, and the week in which they preview, belong to a frozen period: they come with the pages.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice

import msgspec
from msgspec import Struct

from portal.catalog.assessments import Assessed
from portal.catalog.periods import FrozenPeriod
from portal.catalog.store import Catalog
from portal.scorecard.assess import Ways, standard_layout, standings
from portal.scorecard.groups import Group, groups_of
from portal.scorecard.rules import RuleSet
from portal.scorecard.snapshots import Snapshot, as_of, scores
from portal.scorecard.vectors import Layout

ROWS_IN_PART = 20_000

_NAME = re.compile(r"(20\d\d)H([12])")


class PeriodInvalid(Exception):
    """Not a period that can be frozen, or one whose evidence is not what was frozen."""


class RulesOfPeriod(Struct, frozen=True):
    """A rule set of a period."""

    id: str
    version: str


class Manifest(Struct, frozen=True, kw_only=True):
    """What a frozen period holds."""

    period: str
    day: date
    """Its last day."""
    number: int
    """The last change of the catalogue that it knows of."""
    datasets: int
    rules: tuple[RulesOfPeriod, ...]
    layout: str
    evidence_sha256: str
    scores_sha256: str


def last_day(period: str) -> date:
    """The last day of a half-year such as ``2026H1``. Raises PeriodInvalid."""
    found = _NAME.fullmatch(period)
    if found is None:
        raise PeriodInvalid(f"{period!r} is not a half-year such as 2026H1")
    return date(int(found[1]), *((6, 30) if found[2] == "1" else (12, 31)))


def freeze(
    catalog: Catalog,
    period: str,
    key: str,
    ways: Ways = Ways(),
    *,
    now: datetime | None = None,
    layout: Layout | None = None,
    progress: Callable[[int], None] = lambda count: None,
) -> Manifest:
    """Freezes the assessment as of the last day of a period that is over.

    Raises PeriodInvalid for one that is not, or at whose end there was no dataset, and
    ``portal.catalog.periods.PeriodFrozen`` for one that is frozen.
    """
    day, frozen = last_day(period), now or datetime.now(UTC)
    if frozen < datetime.combine(day, time(), UTC) + timedelta(days=1):
        raise PeriodInvalid(f"the period {period} is not over: it ends on {day}")
    snapshot = as_of(catalog, day, layout or standard_layout(), ways, progress)
    if not snapshot.rows:
        # What is frozen stays, so nothing is frozen for a catalogue that began later.
        raise PeriodInvalid(f"there was no dataset on {day}: there is nothing to freeze for {period}")
    parts = list(_parts(snapshot))
    manifest = _manifest(period, day, snapshot, parts)
    words = _words(manifest)
    # A list, because they read the catalogue, which cannot be while the period is written.
    stood = list(standings(catalog, snapshot.counts(), snapshot.layout))
    catalog.periods.add(FrozenPeriod(period, frozen, words, _signature(words, key)), parts, stood)
    return manifest


def manifest_of(stored: FrozenPeriod) -> Manifest:
    """What a frozen period says it holds."""
    return msgspec.json.decode(stored.manifest, type=Manifest)


def opened(catalog: Catalog, period: str, group: Group | None = None) -> tuple[Manifest, Snapshot]:
    """A frozen period's manifest and evidence, with ``group`` only that of its datasets.

    Raises PeriodInvalid when the evidence is not what was frozen.
    """
    manifest = manifest_of(catalog.periods.get(period))
    digest = hashlib.sha256()
    rule_sets: tuple[RuleSet, ...] = ()
    rows: list[Assessed] = []
    for place, part in enumerate(catalog.periods.parts(period)):
        _add(digest, part)
        if place == 0:
            rule_sets = msgspec.json.decode(part, type=tuple[RuleSet, ...])
            continue
        found = msgspec.msgpack.decode(part, type=list[Assessed])
        rows += found if group is None else (row for row in found if group in groups_of(row))
    if digest.hexdigest() != manifest.evidence_sha256:
        raise PeriodInvalid(f"the evidence of {period} is not what was frozen")
    day = datetime.combine(manifest.day, time(), UTC)
    return manifest, Snapshot(Layout.of(rule_sets), day, manifest.number, tuple(rows))


def is_signed(catalog: Catalog, period: str, key: str) -> bool:
    """Whether a frozen period's manifest bears this key's signature."""
    stored = catalog.periods.get(period)
    return hmac.compare_digest(stored.signature, _signature(stored.manifest, key))


def _manifest(period: str, day: date, snapshot: Snapshot, parts: Sequence[bytes]) -> Manifest:
    found = scores(snapshot.counts(), snapshot.layout)
    lines = [msgspec.json.encode((rules, kind, code, score)) for rules, (kind, code), score in found]
    return Manifest(
        period=period,
        day=day,
        number=snapshot.number,
        datasets=len(snapshot.rows),
        rules=tuple(RulesOfPeriod(rules.id, rules.version) for rules in snapshot.layout.rule_sets),
        layout=snapshot.layout.digest,
        evidence_sha256=_sha256(parts),
        scores_sha256=_sha256(lines),
    )


def _parts(snapshot: Snapshot) -> Iterator[bytes]:
    """The rules, word for word, then the rows."""
    yield msgspec.json.encode(snapshot.layout.rule_sets, order="deterministic")
    rest = iter(snapshot.rows)
    while part := list(islice(rest, ROWS_IN_PART)):
        yield msgspec.msgpack.encode(part)


def _sha256(parts: Sequence[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        _add(digest, part)
    return digest.hexdigest()


def _add(digest: hashlib._Hash, part: bytes) -> None:
    digest.update(len(part).to_bytes(8, "big"))
    digest.update(part)


def _words(manifest: Manifest) -> bytes:
    return msgspec.json.encode(manifest, order="deterministic")


def _signature(words: bytes, key: str) -> str:
    return hmac.new(key.encode(), words, hashlib.sha256).hexdigest()
