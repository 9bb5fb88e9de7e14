"""A look at what a source would become, with nothing written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import count

from msgspec import Struct

from harvester import privacy
from harvester.connectors import CONNECTORS
from harvester.crosswalk import to_dataset
from harvester.errors import HarvestError
from harvester.http import Http
from harvester.records import Records
from portal.catalog.model import Dataset, Issue, Source


class Previewed(Struct, frozen=True):
    """One record: what it would become (None when it cannot be used) and what is wrong with it."""

    raw: str
    dataset: Dataset | None
    issues: tuple[Issue, ...]


class Preview(Struct, frozen=True):
    """The first records of a source."""

    records: tuple[Previewed, ...]
    declared: int | None
    error: str | None
    """Why it broke off; None when it did not."""
    complaints: tuple[Issue, ...]
    """What is wrong with the portal rather than with one record."""

    def issue_counts(self) -> Mapping[str, int]:
        """How often each issue code stands, most frequent first."""
        codes = [issue.code for record in self.records for issue in record.issues]
        return dict(Counter([*codes, *(issue.code for issue in self.complaints)]).most_common())


def preview(source: Source, http: Http, *, limit: int | None) -> Preview:
    """Reads and translates the first ``limit`` records of a source (all when None). A portal's error is part of it."""
    shown: list[Previewed] = []
    complaints: list[Issue] = []
    records: Records = CONNECTORS[source.kind](source, http, None)
    declared = error = None
    try:
        for _ in count():
            if limit is not None and len(shown) >= limit:
                break
            item = next(records)
            if isinstance(item, Issue):
                complaints.append(item)
                continue
            if item.withdrawn:
                # What the portal itself says is gone becomes nothing.
                continue
            dataset, issues = to_dataset(item, source)
            suspected = () if dataset is None else privacy.issues(dataset)
            shown.append(Previewed(item.body.decode("utf-8", "replace"), dataset, (*issues, *suspected)))
    except StopIteration as end:
        declared = end.value.declared
    except HarvestError as broke:
        error = f"{broke.code}: {broke.detail}"
    return Preview(tuple(shown), declared, error, tuple(complaints))
