"""Half-years that are frozen: the assessment as of their last day, kept with its rules, a hash and a signature.

The manifest names the day, the last change, the rules, and the SHA-256 of the evidence and of the scores; none of it depends
on when or where the period was frozen, so whoever assesses the same catalogue as of the same day gets the same hashes. The
signature is an HMAC-SHA256 of the manifest by this installation's key: it proves to whoever has the key that the manifest is
the one that was frozen. To others it proves nothing; for them the hashes are published.

A period may be previewed first. Then the words of the day are taken as they are read when it is frozen, so that what was
corrected in between takes hold, and the manifest has the hashes of what was shown and of all that was said about it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from portal.catalog.assessments import Assessed
from portal.catalog.periods import Also, FrozenPeriod, PeriodFrozen
from portal.catalog.previews import Preview, PreviewRefused, StepKind, beginning, ending, name_of
from portal.catalog.statements import Statement
from portal.catalog.store import Catalog
from portal.scorecard.assess import standard_layout, standings
from portal.scorecard.drafts import Draft, drafted
from portal.scorecard.groups import Group, groups_of
from portal.scorecard.rules import RuleSet
from portal.scorecard.snapshots import Reading, Snapshot, scores
from portal.scorecard.vectors import Layout
from portal.scorecard.weeks import digest, end_of, refuse_open

WRITTEN_AFTER = timedelta(hours=1)
"""By when what was found on a day is surely written down: until then a period would be frozen without the last of it."""

PREVIEW_DAYS = 7

_NAME = re.compile(r"(20\d\d)H([12])")


class PeriodInvalid(Exception):
    """Not a period that can be frozen, or one whose evidence is not what was frozen."""


class RulesOfPeriod(Struct, frozen=True):
    """A rule set of a period."""

    id: str
    version: str


class PreviewStep(Struct, frozen=True, kw_only=True):
    """A preview was extended, or called off, and why: as the manifest has it."""

    kept: str
    """The name of what that preview showed."""
    kind: StepKind
    before: datetime
    until: datetime
    reason: str
    at: datetime


class Previewed(Struct, frozen=True, omit_defaults=True):
    """The preview of a period, as the manifest of the frozen one has it."""

    begun: datetime
    until: datetime
    evidence_sha256: str
    scores_sha256: str
    statements: int
    statements_sha256: str
    """Of all that was said and answered: see ``portal.scorecard.weeks``."""
    steps: tuple[PreviewStep, ...] = ()
    """What became of it, and of previews called off before it, in order."""


class Manifest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a frozen period holds, or what a preview shows."""

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
    reading: Reading | None = None
    """Up to where what was corrected after the day is let in; None where all is as it was known at its end."""
    until: datetime | None = None
    """Of a preview: until when departments may speak. None of what is frozen."""
    preview: Previewed | None = None
    """The preview that came before; None where there was none."""


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
    *,
    now: datetime | None = None,
    layout: Layout | None = None,
    progress: Callable[[int], None] = lambda count: None,
) -> Manifest:
    """Freezes the assessment as of the last day of a period that is over.

    Raises PeriodInvalid for one that is not, or at whose end there was no dataset,
    ``portal.catalog.periods.PeriodFrozen`` for one that is frozen, and ``portal.catalog.previews.PreviewRefused`` while its
    preview is open or disputes wait for their answer.
    """
    frozen = now or datetime.now(UTC)
    day, preview = _day_over(period, frozen), catalog.previews.get(period)
    if preview is not None:
        refuse_open(preview, catalog.statements.of(period), frozen)
    reading = None if preview is None else Reading(catalog.last_change(), frozen)
    with drafted(catalog, day, layout or standard_layout(), progress, reading=reading) as draft:
        _refuse_empty(period, draft)
        said = catalog.statements.of(period)
        shown = None if preview is None else _previewed(catalog, preview, said)
        manifest = replace(manifest_for(period, draft), reading=reading, preview=shown)
        _keep(catalog, period, frozen, manifest, draft, key, ending(period, preview, said))
    return manifest


def begin_preview(
    catalog: Catalog,
    period: str,
    key: str,
    days: int = PREVIEW_DAYS,
    *,
    now: datetime | None = None,
    layout: Layout | None = None,
    progress: Callable[[int], None] = lambda count: None,
) -> Manifest:
    """Shows what a period that is over would be frozen as, and lets departments speak about it for some days.

    Raises PeriodInvalid for a period that is not over, and ``portal.catalog.previews.PreviewRefused`` for one that is
    frozen, or has a preview that was not called off.
    """
    begun = now or datetime.now(UTC)
    day, stood = _day_over(period, begun), catalog.previews.get(period)
    if stood is not None and stood.called_off is None:
        raise PreviewRefused(f"the preview of {period} was begun already, on {stood.begun:%Y-%m-%d}")
    kept = name_of(period, stood)
    reading = Reading(catalog.last_change(), begun)
    with drafted(catalog, day, layout or standard_layout(), progress, reading=reading) as draft:
        _refuse_empty(period, draft)
        preview = Preview(period=period, kept=kept, begun=begun, until=end_of(begun, days))
        manifest = replace(manifest_for(period, draft), reading=reading, until=preview.until)
        try:
            _keep(catalog, kept, begun, manifest, draft, key, beginning(preview, stood))
        except PeriodFrozen as error:
            raise PreviewRefused(f"the preview of {period} was begun by somebody else meanwhile") from error
    return manifest


def recomputed(catalog: Catalog, period: str, progress: Callable[[int], None] = lambda count: None) -> Manifest:
    """The manifest of a frozen period when it is assessed again now, by its own rules: that which is kept, unless something
    was deleted, or is not remembered (docs/scorecard.md#what-is-remembered).

    Raises ``portal.catalog.periods.UnknownPeriod``, and PeriodInvalid when the evidence is not what was frozen.
    """
    manifest, layout, _ = streamed(catalog, period)
    with drafted(catalog, manifest.day, layout, progress, reading=manifest.reading) as draft:
        again = manifest_for(manifest.period, draft)
    return replace(again, reading=manifest.reading, until=manifest.until, preview=manifest.preview)


def manifest_for(period: str, draft: Draft) -> Manifest:
    """What a period that held this assessment would say of itself."""
    found = scores(draft.counts, draft.layout)
    lines = (msgspec.json.encode((rules, kind, code, score)) for rules, (kind, code), score in found)
    return Manifest(
        period=period,
        day=draft.day.date(),
        number=draft.number,
        datasets=draft.datasets,
        rules=tuple(RulesOfPeriod(rules.id, rules.version) for rules in draft.layout.rule_sets),
        layout=draft.layout.digest,
        evidence_sha256=_sha256(draft.parts()),
        scores_sha256=_sha256(lines),
    )


def manifest_of(stored: FrozenPeriod) -> Manifest:
    """What a frozen period says it holds."""
    return msgspec.json.decode(stored.manifest, type=Manifest)


def opened(catalog: Catalog, period: str, group: Group | None = None) -> tuple[Manifest, Snapshot]:
    """A frozen period's manifest and evidence, with ``group`` only that of its datasets.

    Raises PeriodInvalid when the evidence is not what was frozen.
    """
    manifest, layout, rows = streamed(catalog, period)
    kept = rows if group is None else (row for row in rows if group in groups_of(row))
    return manifest, Snapshot(layout, datetime.combine(manifest.day, time(), UTC), manifest.number, tuple(kept))


def streamed(catalog: Catalog, period: str) -> tuple[Manifest, Layout, Iterator[Assessed]]:
    """A frozen period's manifest, the layout of its evidence, and the evidence, read part by part.

    All of it is held against its hash before this returns: it is read twice, and never in memory as a whole. Raises
    PeriodInvalid when it is not what was frozen.
    """
    manifest = manifest_of(catalog.periods.get(period))
    if _sha256(catalog.periods.parts(period)) != manifest.evidence_sha256:
        raise PeriodInvalid(f"the evidence of {period} is not what was frozen")
    parts = catalog.periods.parts(period)
    layout = Layout.of(msgspec.json.decode(next(parts), type=tuple[RuleSet, ...]))
    return manifest, layout, (row for part in parts for row in _rows(part))


def is_signed(catalog: Catalog, period: str, key: str) -> bool:
    """Whether a frozen period's manifest bears this key's signature."""
    stored = catalog.periods.get(period)
    return hmac.compare_digest(stored.signature, _signature(stored.manifest, key))


def _day_over(period: str, now: datetime) -> date:
    day = last_day(period)
    if now < datetime.combine(day, time(), UTC) + timedelta(days=1) + WRITTEN_AFTER:
        raise PeriodInvalid(f"the period {period} is not over: it ends on {day}, and may be frozen an hour after that")
    return day


def _refuse_empty(period: str, draft: Draft) -> None:
    # What is frozen stays, so nothing is frozen for a catalogue that began later.
    if not draft.datasets:
        raise PeriodInvalid(f"there was no dataset on {draft.day:%Y-%m-%d}: there is nothing to freeze for {period}")


def _previewed(catalog: Catalog, preview: Preview, said: Sequence[Statement]) -> Previewed:
    shown = manifest_of(catalog.periods.get(preview.kept))
    steps = tuple(
        PreviewStep(
            kept=one.kept, kind=one.kind, before=one.before, until=one.until, reason=one.reason, at=one.at
        )
        for one in preview.steps
    )
    return Previewed(
        preview.begun, preview.until, shown.evidence_sha256, shown.scores_sha256, len(said), digest(said), steps
    )


def _keep(catalog: Catalog, id: str, at: datetime, manifest: Manifest, draft: Draft, key: str, also: Also) -> None:
    """Signs and writes an assessment under a name."""
    words = _words(manifest)
    frozen = FrozenPeriod(id, at, words, _signature(words, key))
    stood = standings(catalog, draft.counts, draft.layout)
    catalog.periods.add(frozen, draft.parts(), stood, draft.departments(), also)


_rows = msgspec.msgpack.Decoder(list[Assessed]).decode


def _sha256(parts: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()


def _words(manifest: Manifest) -> bytes:
    return msgspec.json.encode(manifest, order="deterministic")


def _signature(words: bytes, key: str) -> str:
    return hmac.new(key.encode(), words, hashlib.sha256).hexdigest()
