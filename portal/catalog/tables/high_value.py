"""Which datasets serve which entry of the high-value list."""

from __future__ import annotations

from sqlalchemy import Column, Index, String, Table, Text

from portal.catalog.tables.columns import Instant, Number, metadata

# Where a dataset is and who made it stand here too: reading them from 100,000 whole documents takes ten times as long.
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
    Column("source_id", String(100), nullable=False),
    Column("region", String(20)),
    Column("publisher_id", String(16)),
    Index(None, "dataset_id"),
    sqlite_with_rowid=False,
)

high_value_position = Table(
    "high_value_position",
    metadata,
    Column("change", Number, primary_key=True, autoincrement=False),
    Column("method", String(40), nullable=False),
)
