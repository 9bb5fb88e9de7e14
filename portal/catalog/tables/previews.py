"""The preview of a period: how long it is open, each department's part of what is kept, and what was said and answered."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, String, Table, Text

from portal.catalog.tables.columns import Instant, Number, metadata

preview = Table(
    "preview",
    metadata,
    Column("period", String(10), primary_key=True),
    Column("kept", String(10), ForeignKey("period.id"), nullable=False),
    Column("begun", Instant, nullable=False),
    Column("until", Instant, nullable=False),
)

# What became of previews besides. ``preview`` has the newest of a period; those called off before it are known from here.
preview_step = Table(
    "preview_step",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("period", String(10), ForeignKey("preview.period"), nullable=False),
    Column("kept", String(10), ForeignKey("period.id"), nullable=False),
    Column("kind", String(10), nullable=False),
    Column("before", Instant, nullable=False),
    Column("until", Instant, nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", String(60), nullable=False),
    Column("at", Instant, nullable=False),
    Index(None, "period"),
    sqlite_autoincrement=True,
)

# The rows of one department, which stand in ``period_part`` among all others: what its page needs is read alone.
period_department = Table(
    "period_department",
    metadata,
    Column("period_id", String(10), ForeignKey("period.id"), primary_key=True),
    Column("department", String(60), primary_key=True),
    Column("body", LargeBinary, nullable=False),
)

statement = Table(
    "statement",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("period", String(10), ForeignKey("preview.period"), nullable=False),
    Column("department", String(60), nullable=False),
    Column("kind", String(10), nullable=False),
    Column("rules", String(60)),
    Column("indicator", String(60)),
    Column("dataset_id", String(16)),
    Column("text", Text, nullable=False),
    Column("by", String(60), nullable=False),
    Column("at", Instant, nullable=False),
    Column("withdrawn", Instant),
    Column("withdrawn_by", String(60)),
    Index(None, "period", "department"),
    sqlite_autoincrement=True,
)

statement_answer = Table(
    "statement_answer",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("statement", Number, ForeignKey("statement.number"), nullable=False),
    Column("verdict", String(20)),
    Column("text", Text, nullable=False),
    Column("by", String(60), nullable=False),
    Column("at", Instant, nullable=False),
    Index(None, "statement"),
    sqlite_autoincrement=True,
)
