"""Which entries are one dataset, which are one family, and what people decided about it."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, String, Table, Text

from portal.catalog.tables.columns import Instant, Number, metadata

# What an entry was counted as until an instant, at which it came to be counted as another one or as itself again.
counted_past = Table(
    "counted_past",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("dataset_id", String(16), nullable=False),
    Column("until", Instant, nullable=False),
    Column("counted_as", String(16)),
    Index(None, "dataset_id", "until"),
    sqlite_autoincrement=True,
)

appearance = Table(
    "appearance",
    metadata,
    Column("dataset_id", String(16), primary_key=True),
    Column("reason", String(20), nullable=False),
    Column("beside", String(16), nullable=False),
    Index(None, "reason", "dataset_id"),
)

appearance_key = Table(
    "appearance_key",
    metadata,
    Column("digest", BigInteger, primary_key=True),
    Column("dataset_id", String(16), primary_key=True),
    Index(None, "dataset_id"),
    sqlite_with_rowid=False,
)

family_member = Table(
    "family_member",
    metadata,
    Column("dataset_id", String(16), primary_key=True),
    Column("family_id", String(16), nullable=False),
    Column("period", Text, nullable=False),
    Column("area", String(20), nullable=False),
    Index(None, "family_id"),
)

appearance_decision = Table(
    "appearance_decision",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("first", String(16), nullable=False),
    Column("second", String(16), nullable=False),
    Column("verdict", String(10), nullable=False),
    Column("by", String(200), nullable=False),
    Column("at", Instant, nullable=False),
    Column("note", Text),
    Index(None, "first", "second"),
    sqlite_autoincrement=True,
)

appearance_position = Table(
    "appearance_position",
    metadata,
    Column("change", Number, primary_key=True, autoincrement=False),
    Column("decision", Number, nullable=False),
    Column("method", String(40), nullable=False),
)
