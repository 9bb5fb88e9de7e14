"""Which entries of the catalogue are one dataset, which of them stands for it, and what people decided; pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations

import schemas
from harvester import regions, sameness
from harvester.sameness import Key, Traits
from portal.catalog.appearances import Appearance, Decision, Verdict

OPERATOR = "operator"
"""The reason of a link that a person made."""

MOST_COMPARED = 200
"""A key that more entries share than can sensibly be compared one by one tells nothing apart."""

_FAR = 99


class Clusters:
    """Entries that are joined one link after the other, never against what a person took apart.

    Links must come in an order that does not depend on what was known first: then the outcome does not either.
    """

    def __init__(self, ids: Iterable[str], decisions: Sequence[Decision]) -> None:
        """``decisions`` are those in force, the newest first; of those that contradict one another the newer holds."""
        self._root = {id: id for id in ids}
        self._members = {id: [id] for id in self._root}
        self._apart: dict[str, set[str]] = defaultdict(set)
        self._links: dict[str, list[tuple[str, str]]] = defaultdict(list)
        known = [one for one in decisions if one.first in self._root and one.second in self._root]
        for decision in known:
            if decision.verdict is Verdict.TOGETHER:
                self.join(decision.first, decision.second, OPERATOR)
            elif self._root[decision.first] != self._root[decision.second]:
                self._apart[decision.first].add(decision.second)
                self._apart[decision.second].add(decision.first)

    def root(self, id: str) -> str:
        """What all members of an entry's cluster have in common."""
        return self._root[id]

    def members(self, id: str) -> Sequence[str]:
        """The entries of an entry's cluster."""
        return self._members[self._root[id]]

    def join(self, one: str, other: str, reason: str) -> None:
        """Joins the clusters of two entries unless a person took apart members of them."""
        first, second = self._root[one], self._root[other]
        if first == second or self._apart and self._were_parted(first, second):
            return
        if len(self._members[first]) < len(self._members[second]):
            first, second = second, first
        for id in self._members[second]:
            self._root[id] = first
        self._members[first] += self._members.pop(second)
        self._links[one].append((other, reason))
        self._links[other].append((one, reason))

    def _were_parted(self, first: str, second: str) -> bool:
        return any(not self._apart[id].isdisjoint(self._members[second]) for id in self._members[first] if id in self._apart)

    def several(self) -> Iterator[Sequence[str]]:
        """The clusters of more than one entry."""
        return (members for members in self._members.values() if len(members) > 1)

    def ways(self, start: str) -> Iterator[tuple[str, str, str]]:
        """Every other entry of a cluster with the reason it is linked by and the entry that is nearer to ``start``."""
        seen = {start}
        here = [start]
        for id in here:
            for other, reason in sorted(self._links[id]):
                if other not in seen:
                    seen.add(other)
                    here.append(other)
                    yield other, reason, id


def appearances(
    entries: Mapping[str, Traits], keys: Mapping[str, Sequence[Key]], decisions: Sequence[Decision]
) -> list[Appearance]:
    """The entries of every dataset that has several, by canonical id, the canonical one first.

    ``entries`` must be whole: whatever shares a key or a decision in force with one of them is among them. People's
    decisions (the newest first) come before every rule.
    """
    clusters = Clusters(sorted(entries), decisions)
    shared = _shared(entries, keys)
    # What one portal lists twice comes first: later links must see it as one.
    for reason in sameness.REASONS:
        for key_reason, members in shared:
            # A key of a place alone never says that a portal repeats itself.
            if key_reason == reason or reason == sameness.REPEATED and key_reason != sameness.PLACE:
                for one, other, why in _links(entries, clusters, members, key_reason, reason):
                    clusters.join(one, other, why)
    found: list[Appearance] = []
    for cluster in clusters.several():
        canonical = _canonical([entries[id] for id in cluster])
        found.append(Appearance(dataset_id=canonical, canonical_id=canonical))
        found += (
            Appearance(dataset_id=id, canonical_id=canonical, reason=reason, beside=beside)
            for id, reason, beside in clusters.ways(canonical)
        )
    return found


def _shared(entries: Mapping[str, Traits], keys: Mapping[str, Sequence[Key]]) -> list[tuple[str, list[str]]]:
    """The ids that share a key, with the reason it gives; in an order of the keys alone."""
    by_key: dict[Key, list[str]] = defaultdict(list)
    for id in sorted(entries):
        for key in keys[id]:
            by_key[key].append(id)
    groups = [(key, members) for key, members in by_key.items() if len(members) > 1]
    return [(key.reason, members) for key, members in sorted(groups, key=lambda group: group[0].digest)]


def _links(
    entries: Mapping[str, Traits], clusters: Clusters, members: Sequence[str], key_reason: str, reason: str
) -> Iterator[tuple[str, str, str]]:
    """The pairs of entries sharing one key that are the same dataset, each with why."""
    if reason == sameness.REPEATED:
        yield from _repeated(entries, members, key_reason)
        return
    if reason == sameness.PLACE:
        yield from _of_one_portal(entries, members)
    heads = sorted({clusters.root(id): id for id in reversed(members)}.values())
    if not 1 < len(heads) <= MOST_COMPARED:
        return
    held = {head: {entries[id].source_id for id in clusters.members(head)} for head in heads}
    is_open = sum(map(len, held.values())) > len(set().union(*held.values()))
    if is_open and reason in (sameness.IDENTIFIER, sameness.PLACE):
        # An identifier of several things is none; which of several offices' lists the place's is, nobody says.
        return
    alone = {its for its, times in Counter(map(_wording, map(entries.__getitem__, heads))).items() if times == 1}
    for one, other in combinations(heads, 2):
        a, b = entries[one], entries[other]
        # What one portal lists apart stays apart.
        if not held[one].isdisjoint(held[other]):
            continue
        if is_open and not (a.description and a.description == b.description):
            if a.title.said != b.title.said or not alone.issuperset((_wording(a), _wording(b))):
                continue
        why = sameness.same(a, b, reason)
        if why is not None:
            yield one, other, why
            if clusters.root(one) == clusters.root(other):
                both = held[one] | held[other]
                held |= {head: both for head in heads if clusters.root(head) == clusters.root(one)}


def _wording(its: Traits) -> tuple[str, str]:
    return its.source_id, its.title.said


def _of_one_portal(entries: Mapping[str, Traits], members: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """The pairs of which a portal lists no third under the same title."""
    by_source: dict[str, list[str]] = defaultdict(list)
    for id in members:
        by_source[entries[id].source_id].append(id)
    for listed in by_source.values():
        if len(listed) == 2:
            why = sameness.same(entries[listed[0]], entries[listed[1]], sameness.PLACE)
            if why is not None:
                yield listed[0], listed[1], why


def _repeated(
    entries: Mapping[str, Traits], members: Sequence[str], key_reason: str
) -> Iterator[tuple[str, str, str]]:
    # Compared with the first of each kind only: a portal may list one thing ten thousand times.
    firsts: dict[tuple[object, ...], list[str]] = defaultdict(list)
    for id in members:
        its = entries[id]
        alike = firsts[its.source_id, its.title.whole, its.publisher, its.description, its.name]
        for first in alike[:MOST_COMPARED]:
            if sameness.same(entries[first], its, key_reason) == sameness.REPEATED:
                yield first, id, sameness.REPEATED
                break
        else:
            alike.append(id)


def _canonical(members: Sequence[Traits]) -> str:
    """The entry of the level that made the dataset, else of the next level above it; then the first issued."""
    makers = [(len(schemas.region_ancestors(its.maker)), its.maker) for its in members if its.maker is not None]
    maker = max(makers, default=(0, None))[1]
    return min(members, key=lambda its: (_distance(maker, its.source_region), its.issued, its.id)).id


def _distance(maker: str | None, source: str | None) -> int:
    """Levels from the place of the maker up to that of a source."""
    if maker is None or source is None:
        return _FAR
    above = (*schemas.region_ancestors(maker), schemas.COUNTRY)
    if source in above:
        return above.index(source)
    return _FAR - 1 if regions.is_in(source, maker) else _FAR
