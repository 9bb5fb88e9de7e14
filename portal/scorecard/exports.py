"""An assessment as tables for others' tools: scores, counts of every indicator, evidence of every dataset."""

from __future__ import annotations

import csv
import importlib
import io
import json
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import TypeAlias

from portal.scorecard import scoring
from portal.scorecard.cards import VERDICTS
from portal.scorecard.snapshots import Snapshot, scores
from portal.scorecard.vectors import FLAGS
from portal.scorecard.verdicts import Verdict

Cell: TypeAlias = str | int | float | None
Line: TypeAlias = dict[str, Cell]


class FormatUnavailable(Exception):
    """What writes a format is not installed; the message says how to install it."""


def score_lines(snapshot: Snapshot) -> Iterator[Line]:
    """A line for every group and rule set."""
    for rules, (kind, code), score in scores(snapshot.counts(), snapshot.layout):
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


def indicator_lines(snapshot: Snapshot) -> Iterator[Line]:
    """A line for every group, rule set and measured indicator."""
    layout = snapshot.layout
    for (kind, code), stored in sorted(snapshot.counts().items()):
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


def dataset_lines(snapshot: Snapshot) -> Iterator[Line]:
    """A line for every dataset: its groups, its flags, and each verdict in a column of its own."""
    words = {verdict: answer.value for answer, verdicts in VERDICTS.items() for verdict in verdicts}
    columns = [
        (f"{rules.id}.{indicator.id}", place)
        for rules in snapshot.layout.rule_sets
        for place, indicator in enumerate(rules.measured, snapshot.layout.starts[rules.id])
    ]
    for row in snapshot.rows:
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


TABLES: Mapping[str, Callable[[Snapshot], Iterator[Line]]] = MappingProxyType(
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


def as_parquet(
    lines: Iterator[Line] | Iterator[dict[str, object]], types: Mapping[str, str] | None = None
) -> Iterator[bytes]:
    """The lines as a Parquet file. Raises FormatUnavailable where PyArrow is not installed.

    ``types`` are the columns and what is in each, as PyArrow calls it; None = as the lines have it.
    """
    try:
        arrow, parquet = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise FormatUnavailable("Parquet needs PyArrow: pip install 'nachuan[parquet]'") from error
    schema = None if types is None else arrow.schema([(name, getattr(arrow, of)()) for name, of in types.items()])
    body = io.BytesIO()
    parquet.write_table(arrow.Table.from_pylist(list(lines), schema=schema), body)
    yield body.getvalue()


FORMATS: Mapping[str, Callable[[Iterator[Line]], Iterator[bytes]]] = MappingProxyType(
    {"csv": as_csv, "json": as_json, "parquet": as_parquet}
)
