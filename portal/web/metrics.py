"""The state of the installation in figures for Prometheus, in its text format 0.0.4.

Written by hand: of a client library only the escaping would be used, for nothing is counted here that is not read from the
catalogue. What is said is public elsewhere on the site; no person, address or setting is named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from portal.catalog.model import Outcome
from portal.catalog.store import Catalog
from portal.search.indexing import behind
from portal.search.query import SearchIndex
from portal.web.health import Health
from portal.web.overview import Overviews

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"

DAY = timedelta(days=1)


class Sample(Struct, frozen=True):
    """One value with its labels; whole numbers and seconds since 1970."""

    value: int | float
    labels: Mapping[str, str] = {}


class Metric(Struct, frozen=True):
    """What is measured, and its samples; of what is not known there is no sample."""

    name: str
    kind: str
    """``gauge`` or ``counter``."""
    help: str
    samples: tuple[Sample, ...]


def metrics(catalog: Catalog, index: SearchIndex, overviews: Overviews, now: datetime) -> Iterator[Metric]:
    """Everything; figures counted over the whole catalogue may be a minute old."""
    figures, sources, newest = overviews.current().figures, overviews.sources(), catalog.last_change()
    health = Counter(one.health for one in sources)
    ended = catalog.runs.ended_since(now - DAY)
    assessed, matched, counted = catalog.assessments.state(), catalog.high_value.position(), catalog.counting.position()

    yield _gauge("datasets", "Datasets, each counted once.", figures.datasets)
    yield _gauge("entries", "Entries of datasets that portals list.", figures.entries)
    yield _gauge("publishers", "Publishers that have a dataset.", figures.publishers)
    yield _by("sources", "Sources by how their last run ended.", "health", {one.value: health[one] for one in Health})
    yield _by(
        "source_last_success_timestamp_seconds", "When a source was last harvested completely; absent where it never was.",
        "source", {one.entry.source.id: one.last_success.timestamp() for one in sources if one.last_success},
    )
    yield _by(
        "source_datasets", "Datasets that a source lists.", "source", {one.entry.source.id: one.datasets for one in sources}
    )
    yield _gauge("sources_under_way", "Sources being harvested now.", sum(one.under_way for one in sources))
    yield _by(
        "runs_last_day", "Runs that ended within 24 hours, by outcome.", "outcome",
        {one.value: ended.get(one, 0) for one in Outcome},
    )
    yield _gauge("runs_undecided", "Held runs that wait for a person.", len(catalog.runs.undecided()))
    yield Metric("nachuan_changes_total", "counter", "The newest number of the change log.", (Sample(newest),))
    yield _gauge("index_ready", "1 while the search index can be read, else 0.", int(index.position() is not None))
    yield _gauge("index_behind", "Changes that the search index has not followed.", behind(catalog, index))
    for name, of, reached in (
        ("assessment", "the assessment", 0 if assessed is None else assessed.number),
        ("high_value", "the high-value list", 0 if matched is None else matched.change),
        ("counting", "the counting of each dataset once", 0 if counted is None else counted.change),
    ):
        yield _gauge(f"{name}_behind", f"Changes that {of} has not followed.", max(0, newest - reached))


def written(found: Iterable[Metric]) -> str:
    """The metrics in the text format."""
    return "".join(line for metric in found for line in _lines(metric))


def read(catalog: Catalog, index: SearchIndex, overviews: Overviews) -> str:
    """Everything as it is now, in the text format."""
    return written(metrics(catalog, index, overviews, datetime.now(UTC)))


def _gauge(name: str, help: str, value: int | float) -> Metric:
    return Metric(f"nachuan_{name}", "gauge", help, (Sample(value),))


def _by(name: str, help: str, label: str, values: Mapping[str, int | float]) -> Metric:
    samples = tuple(Sample(value, {label: of}) for of, value in values.items())
    return Metric(f"nachuan_{name}", "gauge", help, samples)


def _lines(metric: Metric) -> Iterator[str]:
    yield f"# HELP {metric.name} {_escaped(metric.help)}\n"
    yield f"# TYPE {metric.name} {metric.kind}\n"
    for sample in metric.samples:
        labels = ",".join(f'{name}="{_quoted(value)}"' for name, value in sample.labels.items())
        yield f"{metric.name}{{{labels}}} {sample.value}\n" if labels else f"{metric.name} {sample.value}\n"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n")


def _quoted(text: str) -> str:
    return _escaped(text).replace('"', r"\"")
