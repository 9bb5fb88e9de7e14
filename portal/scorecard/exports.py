"""An assessment as tables for others' tools: scores, counts of every indicator, evidence of every dataset.

Rows come in and lines go out one after the other, so that a table takes the memory of its groups, not of its datasets.
"""

from __future__ import annotations

import csv
import importlib
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from types import MappingProxyType
from typing import TypeAlias

from portal.catalog.assessments import Assessed
from portal.scorecard import scoring
from portal.scorecard.cards import VERDICTS
from portal.scorecard.snapshots import counts_of, scores
from portal.scorecard.vectors import FLAGS, Layout
from portal.scorecard.verdicts import Verdict

Cell: TypeAlias = str | int | float | None
Line: TypeAlias = dict[str, Cell]

LINES_IN_GROUP = 5000
"""Of a Parquet file: as many are in memory at a time."""


class FormatUnavailable(Exception):
    """What writes a format is not installed; the message says how to install it."""


def score_lines(layout: Layout, rows: Iterable[Assessed]) -> Iterator[Line]:
    """A line for every group and rule set."""
    for rules, (kind, code), score in scores(counts_of(rows, layout), layout):
        yield {
            "rules": rules,
            "kind": kind.value,
            "code": code,
            "datasets": score.datasets,
            "score": score.point,
            "low": score.low,
            "high": score.high,
            "least": score.least,
            "most": score.most,
            "share_measured": score.measured,
        }


def indicator_lines(layout: Layout, rows: Iterable[Assessed]) -> Iterator[Line]:
    """A line for every group, rule set and measured indicator."""
    for (kind, code), stored in sorted(counts_of(rows, layout).items()):
        counts = scoring.lanes(stored)
        for rules in layout.rule_sets:
            for place, indicator in enumerate(rules.measured, layout.starts[rules.id]):
                tally = scoring.tally(counts, place)
                yield {
                    "rules": rules.id,
                    "kind": kind.value,
                    "code": code,
                    "indicator": indicator.id,
                    "passed": tally.passed,
                    "failed": tally.failed,
                    "unknown": tally.unknown,
                    "passed_before": tally.passed_before,
                    "failed_before": tally.failed_before,
                    "not_applicable": tally.not_applicable,
                }


def dataset_lines(layout: Layout, rows: Iterable[Assessed]) -> Iterator[Line]:
    """A line for every dataset: its groups, its flags, and each verdict in a column of its own."""
    words = {verdict: answer.value for answer, verdicts in VERDICTS.items() for verdict in verdicts}
    columns = [
        (f"{rules.id}.{indicator.id}", place)
        for rules in layout.rule_sets
        for place, indicator in enumerate(rules.measured, layout.starts[rules.id])
    ]
    for row in rows:
        held = [name for place, name in enumerate(FLAGS) if row.vector[place] == Verdict.PASS]
        line: Line = {
            "dataset": row.dataset_id,
            "source": row.source_id,
            "publisher": row.publisher_id,
            "department": row.department,
            "region": row.region,
            "institution_type": row.institution_type,
            "flags": " ".join(held),
        }
        yield line | {name: words[Verdict(row.vector[place])] for name, place in columns}


TABLES: Mapping[str, Callable[[Layout, Iterable[Assessed]], Iterator[Line]]] = MappingProxyType(
    {"scores": score_lines, "indicators": indicator_lines, "datasets": dataset_lines}
)


def as_csv(lines: Iterator[Line]) -> Iterator[bytes]:
    """The lines as CSV with a byte order mark, which spreadsheets need to read Chinese."""
    text = io.StringIO()
    writer: csv.DictWriter[str] | None = None
    for line in lines:
        if writer is None:
            writer = csv.DictWriter(text, list(line), lineterminator="\r\n")
            text.write("\ufeff")
            writer.writeheader()
        writer.writerow(line)
        yield text.getvalue().encode()
        text.seek(0)
        text.truncate()


def as_json(lines: Iterator[Line]) -> Iterator[bytes]:
    """The lines as one JSON array, a line each."""
    between = "[\n"
    for line in lines:
        yield f"{between}{json.dumps(line, ensure_ascii=False)}".encode()
        between = ",\n"
    yield b"[]\n" if between == "[\n" else b"\n]\n"


_TYPES: Mapping[str, str] = MappingProxyType(
    dict.fromkeys("datasets passed failed unknown passed_before failed_before not_applicable".split(), "int64")
    | dict.fromkeys("score low high least most share_measured".split(), "float64")
)
"""What is in the columns of periods that hold numbers; the others hold words. Parquet is told before the first line: in that
alone a column may be empty."""


class _Sink:
    """A file that is carried off while it is written: its writer asks of it only how far it got."""

    closed = False

    def __init__(self) -> None:
        self._waiting, self._length = bytearray(), 0

    def write(self, words: bytes) -> int:
        self._waiting += words
        self._length += len(words)
        return len(words)

    def tell(self) -> int:
        return self._length

    def flush(self) -> None:
        """Nothing is held back."""

    def taken(self) -> bytes:
        """What was written since this was last asked."""
        words = bytes(self._waiting)
        self._waiting.clear()
        return words


def as_parquet(
    lines: Iterator[Mapping[str, object]], types: Mapping[str, str] | None = None
) -> Iterator[bytes]:
    """The lines as a Parquet file, so many a row group. Raises FormatUnavailable where PyArrow is not installed.

    ``types`` are the columns and what is in each, as PyArrow calls it; None = those of a period's tables.
    """
    try:
        arrow, parquet = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise FormatUnavailable("Parquet needs PyArrow: pip install 'nachuan[parquet]'") from error
    group = list(islice(lines, LINES_IN_GROUP))
    columns = {name: _TYPES.get(name, "string") for name in (group[0] if group else ())} if types is None else types
    schema = arrow.schema([(name, getattr(arrow, of)()) for name, of in columns.items()])
    sink = _Sink()
    with parquet.ParquetWriter(sink, schema) as writer:
        while group:
            writer.write_table(arrow.Table.from_pylist(group, schema=schema))
            yield sink.taken()
            group = list(islice(lines, LINES_IN_GROUP))
    yield sink.taken()


FORMATS: Mapping[str, Callable[[Iterator[Line]], Iterator[bytes]]] = MappingProxyType(
    {"csv": as_csv, "json": as_json, "parquet": as_parquet}
)
