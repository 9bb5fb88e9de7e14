"""What the public asks for: requests, who wants each, what was decided about them, and what was answered."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, Text

from portal.catalog.tables.columns import Instant, Number, metadata

# ``counts_for`` is the request that its supporters are counted with: itself, or the last of those it was merged into.
# That, ``wanted`` and ``verdict`` follow from the other tables, and are kept so that a list need not read them all.
data_request = Table(
    "data_request",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("region", String(20)),
    Column("theme", String(40)),
    Column("entry", String(20)),
    Column("function", String(40)),
    Column("department", String(60)),
    Column("asker", String(70), nullable=False),
    Column("asked", Instant, nullable=False),
    Column("state", String(10), nullable=False),
    Column("published", Instant),
    Column("merged_into", Number, ForeignKey("data_request.number")),
    Column("counts_for", Number),
    Column("wanted", Integer, nullable=False),
    Column("verdict", String(20)),
    Index(None, "state", "merged_into"),
    Index(None, "counts_for"),
    Index(None, "department"),
    Index(None, "asked"),
    sqlite_autoincrement=True,
)

# A supporter is ``account:`` and a name, or ``visitor:`` and a digest that nobody can lead back to an address once the
# salt of its day is gone.
request_supporter = Table(
    "request_supporter",
    metadata,
    Column("request", Number, ForeignKey("data_request.number"), primary_key=True),
    Column("supporter", String(70), primary_key=True),
    Column("at", Instant, nullable=False),
    Index(None, "supporter"),
    sqlite_with_rowid=False,
)

request_salt = Table(
    "request_salt",
    metadata,
    Column("day", String(10), primary_key=True),
    Column("salt", String(64), nullable=False),
)

request_step = Table(
    "request_step",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("request", Number, ForeignKey("data_request.number"), nullable=False),
    Column("kind", String(10), nullable=False),
    Column("other", Number, ForeignKey("data_request.number")),
    Column("department", String(60)),
    Column("reason", Text),
    Column("by", String(60), nullable=False),
    Column("at", Instant, nullable=False),
    Index(None, "request"),
    sqlite_autoincrement=True,
)

request_answer = Table(
    "request_answer",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("request", Number, ForeignKey("data_request.number"), nullable=False),
    Column("verdict", String(20), nullable=False),
    Column("text", Text),
    Column("datasets", Text, nullable=False),
    Column("department", String(60)),
    Column("by", String(60), nullable=False),
    Column("at", Instant, nullable=False),
    Index(None, "request"),
    sqlite_autoincrement=True,
)
