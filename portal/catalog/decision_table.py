"""Decisions about publishers' names as a table: to be taken to another installation, or into tables of our own."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping

from portal.catalog.decisions import Decision, Ruling, RulingRefused, Verdict

COLUMNS = ("name", "source", "verdict", "functions", "institution_type", "region", "note", "by", "at")
"""Codes as ``schemas`` has them; functions parted by ``|``; an empty cell says nothing. The last two are not read."""


def written(decisions: Iterable[Decision], cell: Callable[[str], str] = str) -> str:
    """The table as CSV; ``cell`` is done to every cell of a row."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for decision in decisions:
        writer.writerow([cell(value) for value in _cells(decision)])
    return text.getvalue()


def read(text: str) -> list[Ruling]:
    """The rulings of a table. Raises RulingRefused, with the number of the line, for one that is not such a table."""
    rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    if not set(COLUMNS[:3]) <= set(rows.fieldnames or ()):
        raise RulingRefused(f"the first line must name the columns {', '.join(COLUMNS)}")
    rulings = []
    for row in rows:
        try:
            rulings.append(_ruling(row))
        except ValueError as error:
            raise RulingRefused(f"line {rows.line_num}: {error}") from error
    return rulings


def _cells(decision: Decision) -> tuple[str, ...]:
    ruling = decision.ruling
    return (
        ruling.name,
        ruling.source_id or "",
        ruling.verdict.value,
        "|".join(ruling.functions),
        ruling.institution_type or "",
        ruling.region or "",
        ruling.note or "",
        decision.by,
        decision.at.isoformat(),
    )


def _ruling(row: Mapping[str, str | None]) -> Ruling:
    given = {name: (row.get(name) or "").strip() for name in COLUMNS}
    return Ruling(
        name=given["name"],
        source_id=given["source"] or None,
        verdict=Verdict(given["verdict"]),
        functions=tuple(filter(None, given["functions"].split("|"))),
        institution_type=given["institution_type"] or None,
        region=given["region"] or None,
        note=given["note"] or None,
    )
