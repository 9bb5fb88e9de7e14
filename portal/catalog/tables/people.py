"""Accounts, what they did, and what they decided about publishers' names and about warnings."""

from __future__ import annotations

from sqlalchemy import Column, Index, String, Table, Text

from portal.catalog.tables.columns import Instant, Number, metadata

account = Table(
    "account",
    metadata,
    Column("name", String(60), primary_key=True),
    Column("role", String(12), nullable=False),
    Column("password", String(200), nullable=False),
    Column("department", String(60)),
    Column("stamp", String(32), nullable=False),
    Column("created", Instant, nullable=False),
    Column("disabled", Instant),
)

sign_in_attempt = Table(
    "sign_in_attempt",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("at", Instant, nullable=False),
    Column("name", String(60), nullable=False),
    Column("address", String(60), nullable=False),
    Index(None, "at"),
    sqlite_autoincrement=True,
)

audit = Table(
    "audit",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("at", Instant, nullable=False),
    Column("who", String(60), nullable=False),
    Column("what", String(40), nullable=False),
    Column("about", Text, nullable=False),
    Column("detail", Text),
    Index(None, "what"),
    sqlite_autoincrement=True,
)

clearance = Table(
    "clearance",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("dataset_id", String(16), nullable=False),
    Column("code", String(60), nullable=False),
    Column("field", Text),
    Column("seen", Text),
    Column("by", String(60), nullable=False),
    Column("at", Instant, nullable=False),
    Column("undone_by", String(60)),
    Column("undone", Instant),
    Index(None, "dataset_id"),
    sqlite_autoincrement=True,
)

publisher_decision = Table(
    "publisher_decision",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("folded", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("source_id", String(100)),
    Column("verdict", String(20), nullable=False),
    Column("functions", Text, nullable=False),
    Column("institution_type", String(40)),
    Column("region", String(20)),
    Column("note", Text),
    Column("by", String(60), nullable=False),
    Column("at", Instant, nullable=False),
    Column("undone_by", String(60)),
    Column("undone", Instant),
    Index(None, "folded"),
    sqlite_autoincrement=True,
)
