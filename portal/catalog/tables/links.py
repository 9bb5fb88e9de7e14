"""Addresses, who gives them, and their hosts."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, String, Table, Text

from portal.catalog.tables.columns import Instant, Number, metadata

link = Table(
    "link",
    metadata,
    # Of the address, because addresses are longer than some databases index.
    Column("key", LargeBinary(16), primary_key=True),
    Column("url", Text, nullable=False),
    Column("host", String(260), nullable=False),
    Column("promised", String(40)),
    Column("state", String(10)),
    Column("since", Instant),
    Column("checked", Instant),
    Column("last_available", Instant),
    Column("status", Integer),
    Column("cause", String(60)),
    Column("detail", Text),
    Column("media_type", String(200)),
    Column("size_bytes", BigInteger),
    Column("is_error_page", Boolean, nullable=False),
    Column("failing", String(20)),
    Column("failures", Integer, nullable=False),
    Column("failing_since", Instant),
    # None: no dataset gives the address at present, so nobody asks for it.
    Column("due", Instant),
    Column("changed", Number, nullable=False),
    Index(None, "host", "due"),
    Index(None, "state", "is_error_page", "due"),
    Index(None, "changed"),
)

# What an address told, as it last stood, until another answer ended it: see ``portal.catalog.link_past``.
link_past = Table(
    "link_past",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("key", LargeBinary(16), nullable=False),
    Column("until", Instant, nullable=False),
    Column("state", String(10), nullable=False),
    Column("since", Instant, nullable=False),
    Column("checked", Instant, nullable=False),
    Column("last_available", Instant),
    Column("status", Integer),
    Column("is_error_page", Boolean, nullable=False),
    Index(None, "key", "until"),
    sqlite_autoincrement=True,
)

link_use = Table(
    "link_use",
    metadata,
    Column("dataset_id", String(16), primary_key=True),
    Column("link_key", LargeBinary(16), primary_key=True),
    Column("source_id", String(100), nullable=False),
    # The address's own, copied here so that counting a source's million need not look each of them up.
    Column("state", String(10)),
    Column("is_error_page", Boolean, nullable=False),
    Index(None, "link_key"),
    Index(None, "source_id", "state", "is_error_page"),
)

link_host = Table(
    "link_host",
    metadata,
    Column("host", String(260), primary_key=True),
    Column("due", Instant, nullable=False),
    Column("free", Instant, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("answered", Instant),
    Index("ix_link_host_waiting", "due"),
)

counter = Table(
    "counter",
    metadata,
    Column("name", String(60), primary_key=True),
    Column("number", Number, nullable=False),
)
