"""Which datasets serve which entry of the high-value list."""

from __future__ import annotations

from sqlalchemy import Column, Index, String, Table, Text

from portal.catalog.tables.columns import Instant, Number, metadata

# Who made a dataset, where, and what it is counted as are read where it stands: nothing of it is here a second time.
high_value_match = Table(
    "high_value_match",
    metadata,
    Column("entry", String(20), primary_key=True),
    Column("dataset_id", String(16), primary_key=True),
    Column("reason", String(12), nullable=False),
    # What follows are lists, their items between "|".
    Column("words", Text, nullable=False),
    Column("fields", Text),
    Column("shortfalls", Text, nullable=False),
    Column("fresh_until", Instant),
    Index(None, "dataset_id"),
    sqlite_with_rowid=False,
)

high_value_position = Table(
    "high_value_position",
    metadata,
    Column("change", Number, primary_key=True, autoincrement=False),
    Column("method", String(40), nullable=False),
)
