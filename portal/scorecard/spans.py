"""Why one group's score changed between two days, worked out from its own datasets and no others.

Assessing the whole catalogue as of two days takes minutes at 365,000 datasets. The datasets of a department, a publisher, a
region or a source are found by a column of the catalogue, and those that left it by the change log; what is counted by theme
or institution type is found by neither, and is left to ``nachuan assess why``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, time, timedelta

from msgspec import Struct

from portal.catalog.assessments import Kind
from portal.catalog.earlier import Facet
from portal.catalog.store import Catalog
from portal.scorecard import periods, scoring
from portal.scorecard.assess import standard_layout
from portal.scorecard.changes import Explanation, explain, score_of
from portal.scorecard.fixes import mends_empty
from portal.scorecard.groups import AS_ONE, Group, groups_of, members
from portal.scorecard.rules import RuleSet
from portal.scorecard.scoring import Score
from portal.scorecard.snapshots import Snapshot, as_of
from portal.scorecard.vectors import Layout
from portal.scorecard.verdicts import Verdict

MOST_DATASETS = 3000
"""What is worked out while somebody waits, see docs/scorecard.md#why-a-score-changed for what it takes."""

_FIELDS: Mapping[Kind, tuple[Facet, str | None]] = {
    Kind.DEPARTMENT: (Facet.PUBLISHER, "publisher"),
    Kind.PUBLISHER: (Facet.PUBLISHER, "publisher"),
    Kind.REGION: (Facet.REGION, "region"),
    Kind.SOURCE: (Facet.SOURCE, None),
}
"""By what the datasets of a group are found, and the field whose update moves a dataset out of it; None = nothing does."""


FOUND = frozenset(_FIELDS)
"""The kinds of groups whose datasets are found without going through all there are."""


class TooMuch(Exception):
    """So much is not worked out while somebody waits."""


class Span(Struct, frozen=True, kw_only=True):
    """A group on two days."""

    group: Group
    rules: RuleSet
    layout: Layout
    explanation: Explanation | None
    """None where it had no score on one of the days."""
    later: Snapshot
    """Its own datasets on the later day."""

    @property
    def counts(self) -> bytes | None:
        """On the later day; None where it then had no datasets."""
        return self.later.counts().get(self.group)

    @property
    def score(self) -> Score | None:
        """On the later day; None where it then had no datasets."""
        counts = self.counts
        if counts is None:
            return None
        return scoring.score(scoring.lanes(counts), self.rules, self.layout, is_department=self.group[0] in AS_ONE)

    def mendable(self, indicator: str) -> list[str]:
        """The datasets that fail an indicator on the later day and would pass if that alone were mended."""
        place = self.layout.place(self.rules.id, indicator)
        failing = [row for row in self.later.rows if Verdict(row.vector[place]).fails]
        if not self.rules.empty_earns_nothing or mends_empty(self.rules.indicator(indicator)):
            return [row.dataset_id for row in failing]
        empty = self.layout.flag("empty")
        return [row.dataset_id for row in failing if row.vector[empty] != Verdict.PASS]


def span(
    catalog: Catalog, group: Group, first: date, last: date, rules: str = "national", *, most: int | None
) -> Span:
    """A group at the ends of two days, and why its score changed in between.

    Raises TooMuch where more than ``most`` datasets would have to be assessed twice; with None it is done however long it
    takes. Where a period frozen on the first day had other rules, its scores stand
    and the change of rules is a part.
    """
    given = standard_layout().rules(rules)
    layout = Layout.of([given])
    ids = None if most is None else _ids(catalog, group, first, most)
    before, after = (as_of(catalog, day, layout, ids=ids) for day in (first, last))
    earlier = frozen_scores(catalog, first, {group}, given).get(group)
    explanation = explain(catalog, before, after, group, rules, earlier)
    own = tuple(row for row in after.rows if group in groups_of(row))
    return Span(
        group=group, rules=given, layout=layout, explanation=explanation,
        later=Snapshot(layout, after.day, after.number, own),
    )


def _ids(catalog: Catalog, group: Group, first: date, most: int) -> set[str]:
    """Whatever may have been of a group at some time since a day."""
    kind, code = group
    if kind not in _FIELDS:
        found = catalog.ids(most + 1)
        if len(found) > most:
            raise TooMuch(f"every dataset would be assessed twice for a {kind.value}")
        return set(found)
    facet, field = _FIELDS[kind]
    values = catalog.publishers_of(code) if kind is Kind.DEPARTMENT else members(kind, code)
    filed = set(catalog.filed_under(facet, values, most + 1))
    if field is not None:
        since = catalog.number_before(datetime.combine(first, time(), UTC) + timedelta(days=1))
        filed.update(catalog.refiled(field, since, most + 1))
    if len(filed) > most:
        raise TooMuch(f"more than {most:,} datasets would be assessed twice")
    return filed


def frozen_scores(catalog: Catalog, day: date, groups: Collection[Group], rules: RuleSet) -> dict[Group, Score]:
    """Groups' scores in a period frozen on a day by other rules than these; none where there is no such period."""
    for stored in catalog.periods.all():
        manifest = periods.manifest_of(stored)
        if manifest.day != day or manifest.layout == standard_layout().digest:
            continue
        _, layout, rows = periods.streamed(catalog, stored.id)
        if {one.id: one for one in layout.rule_sets}.get(rules.id, rules) == rules:
            return {}
        totals: dict[Group, int] = {}
        for row in rows:
            for group in groups_of(row):
                if group in groups:
                    totals[group] = totals.get(group, 0) + scoring.spread(row.vector)
        return {group: score_of(counts, layout, rules.id, group) for group, counts in totals.items()}
    return {}
