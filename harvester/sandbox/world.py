"""The make-believe world: what every portal holds at every tick, invented from a seed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from itertools import islice
from types import MappingProxyType
from typing import TypeAlias

from msgspec.structs import replace

from harvester.sandbox import words
from harvester.sandbox.inventing import Dataset, editions, invent, revise, stable_random, unique_id
from harvester.sandbox.words import Portal

EPOCH = datetime(2026, 11, 1, tzinfo=timezone.utc)
"""When tick 0 is, unless told otherwise; nothing a portal says at tick 0 is later."""

SIZE = 3000
"""Datasets in the whole federation at tick 0."""

COPIED_SHARE = 0.12
"""The share of a city's datasets that its province's portal lists again."""

MODIFIED_SHARE, ADDED_SHARE, WITHDRAWN_SHARE = 0.03, 0.015, 0.01
"""What a tick changes on each portal, at least one dataset each where there is more than a handful."""

Holdings: TypeAlias = Mapping[str, Dataset]
"""What one portal holds, by source key, in order of the key."""


class World:
    """All portals over time. A tick once made never changes; equal seed, size and moments: equal worlds."""

    def __init__(
        self, seed: int = 1, size: int = SIZE, portals: Sequence[str] | None = None, epoch: datetime = EPOCH
    ) -> None:
        """``size`` datasets spread over ``portals`` (all if None) by their weight, at least three on each."""
        self.seed = seed
        chosen = list(words.portals()) if portals is None else portals
        self.portals: tuple[Portal, ...] = tuple(words.portals()[portal] for portal in chosen)
        self._moments = [epoch]
        self._unused = {portal.id: self._inventions(portal) for portal in self.portals}
        self._history: list[Mapping[str, Holdings]] = [self._first(size)]

    def at(self, tick: int) -> Mapping[str, Holdings]:
        """What each portal holds at a tick, by portal id; ticks not yet made are made, a day apart."""
        while len(self._history) <= tick:
            self.advance()
        return self._history[tick]

    def moment(self, tick: int) -> datetime:
        """When a tick was."""
        self.at(tick)
        return self._moments[tick]

    def advance(self, at: datetime | None = None) -> int:
        """Make the next tick, dated ``at`` or a day after the last one, and give its number."""
        moment = at or self._moments[-1] + timedelta(days=1)
        tick = len(self._history)
        before = self._history[-1]
        after = {portal.id: self._changed(portal, before[portal.id], tick, moment) for portal in self.portals}
        self._moments.append(moment)
        self._history.append(MappingProxyType(after))
        return tick

    def truth(self, portal: str, tick: int) -> dict[str, str | None]:
        """What a perfect harvest of a portal finds: titles by source key, None where it gives none."""
        return {key: dataset.title for key, dataset in self.at(tick)[portal].items()}

    def withdrawn(self, portal: str, tick: int) -> dict[str, datetime]:
        """What a portal has withdrawn up to a tick, by source key, and when."""
        gone: dict[str, datetime] = {}
        for number in range(1, tick + 1):
            before, after = self.at(number - 1)[portal], self.at(number)[portal]
            gone |= dict.fromkeys(before.keys() - after.keys(), self.moment(number))
        return gone

    def _inventions(self, portal: Portal) -> Iterator[Dataset]:
        place = words.places()[portal.region]
        for number, edition in enumerate(editions(portal, place, self.seed)):
            yield invent(portal, place, edition, number, self.seed, self._moments[0])

    def _first(self, size: int) -> Mapping[str, Holdings]:
        total = sum(portal.weight for portal in self.portals)
        counts = {portal.id: max(3, round(size * portal.weight / total)) for portal in self.portals}
        copied = {
            portal.id: round(counts[portal.copies] * COPIED_SHARE)
            for portal in self.portals
            if portal.copies in counts
        }
        own = {
            portal.id: list(islice(self._unused[portal.id], counts[portal.id] - copied.get(portal.id, 0)))
            for portal in self.portals
        }
        for portal in self.portals:
            for original in own.get(portal.copies, [])[: copied.get(portal.id, 0)]:
                own[portal.id].append(self._copy(portal, original))
        return MappingProxyType({portal.id: _holdings(portal, own[portal.id]) for portal in self.portals})

    def _copy(self, portal: Portal, original: Dataset) -> Dataset:
        rng = stable_random(self.seed, portal.id, "copy", original.key)
        key = unique_id(rng)
        later = min(
            original.modified + timedelta(days=rng.randint(0, 20)), self._moments[0] - timedelta(days=1)
        )
        return replace(
            original,
            key=key,
            uri=f"http://{portal.domain}/dataset/{key}",
            name=f"{original.name}-{key[:4]}",
            modified=max(later, original.issued),
        )

    def _changed(self, portal: Portal, before: Holdings, tick: int, moment: datetime) -> Holdings:
        rng = stable_random(self.seed, portal.id, "tick", str(tick))
        keys = list(before)
        rng.shuffle(keys)
        withdrawn = keys[: _some(WITHDRAWN_SHARE, len(keys)) if len(keys) > 5 else 0]
        kept = keys[len(withdrawn):]
        modified = kept[: _some(MODIFIED_SHARE, len(keys))]
        fresh = [
            replace(dataset, issued=moment, modified=moment, data_modified=moment, odd_issued=None)
            for dataset in islice(self._unused[portal.id], _some(ADDED_SHARE, len(keys)))
        ]
        unchanged = [before[key] for key in kept[len(modified):]]
        revised = [revise(before[key], rng, moment) for key in modified]
        return _holdings(portal, [*unchanged, *revised, *fresh])


def source_key(portal: Portal, dataset: Dataset) -> str:
    """The portal's own id of a dataset: its URI where the portal speaks RDF, a repository's identifier of it."""
    if portal.software == "oai-pmh":
        return f"oai:{portal.domain}:{dataset.key}"
    return dataset.uri if portal.software.startswith("dcat") else dataset.key


def _holdings(portal: Portal, datasets: Sequence[Dataset]) -> Holdings:
    keyed = {source_key(portal, dataset): dataset for dataset in datasets}
    return MappingProxyType(dict(sorted(keyed.items())))


def _some(share: float, count: int) -> int:
    return max(1, round(share * count)) if count else 0
