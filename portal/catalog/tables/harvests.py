"""Sources, their runs, what was wrong, and what is understood of them."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, LargeBinary, String, Table, Text

from portal.catalog.tables.columns import Instant, Number, metadata

source = Table(
    "source",
    metadata,
    Column("id", String(100), primary_key=True),
    Column("definition", LargeBinary, nullable=False),
    Column("paused", Boolean, nullable=False),
    Column("provisioned", Boolean, nullable=False),
    Column("created", Instant, nullable=False),
    Column("updated", Instant, nullable=False),
)

run = Table(
    "run",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("source_id", String(100), nullable=False),
    Column("mode", String(12), nullable=False),
    Column("started", Instant, nullable=False),
    Column("finished", Instant),
    Column("outcome", String(10)),
    Column("summary", LargeBinary, nullable=False),
    Index(None, "source_id", "id"),
    sqlite_autoincrement=True,
)

issue = Table(
    "issue",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("run_id", Number, ForeignKey("run.id"), nullable=False),
    Column("source_id", String(100), nullable=False),
    Column("dataset_id", String(16)),
    Column("code", String(60), nullable=False),
    Column("at", Instant, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Index(None, "run_id", "code"),
    Index(None, "dataset_id"),
    sqlite_autoincrement=True,
)

held = Table(
    "held",
    metadata,
    Column("run_id", Number, ForeignKey("run.id"), primary_key=True),
    Column("dataset_id", String(16), primary_key=True),
)

lease = Table(
    "lease",
    metadata,
    Column("source_id", String(100), primary_key=True),
    Column("token", String(32), nullable=False),
    Column("holder", String(200), nullable=False),
    Column("expires", Instant, nullable=False),
)

run_request = Table(
    "run_request",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("source_id", String(100), nullable=False),
    Column("mode", String(12), nullable=False),
    Column("asked", Instant, nullable=False),
    Column("asked_by", String(200)),
    Column("taken", Instant),
    Index(None, "taken"),
    sqlite_autoincrement=True,
)

normalisation = Table(
    "normalisation",
    metadata,
    Column("source_id", String(100), primary_key=True),
    Column("document", LargeBinary, nullable=False),
)

validator = Table(
    "validator",
    metadata,
    Column("source_id", String(100), primary_key=True),
    Column("url", String(2000), primary_key=True),
    Column("etag", Text),
    Column("last_modified", Text),
)
