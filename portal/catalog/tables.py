"""The tables. A dataset is one JSON document plus the columns SQL must filter on, so a new unified field needs no
migration; only a new filtered column does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _as_it_is(value: Any) -> Any:
    return value


class Instant(TypeDecorator[datetime]):
    """An aware UTC datetime; stored without a zone, since SQLite has none and PostgreSQL would show the session's."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], Any] | None:
        # A batch of 500 records carries the same few instants some 2,000 times; each is put into words once.
        return lru_cache(maxsize=256)(super().bind_processor(dialect) or _as_it_is)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


# SQLite numbers rows by itself only in a column of exactly this type.
Number = BigInteger().with_variant(Integer, "sqlite")

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

publisher = Table(
    "publisher",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("source_id", String(100), nullable=False),
    Column("document", LargeBinary, nullable=False),
    Index(None, "source_id"),
)

dataset = Table(
    "dataset",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("source_id", String(100), nullable=False),
    Column("source_key", Text, nullable=False),
    Column("record_type", String(10), nullable=False),
    Column("state", String(10), nullable=False),
    Column("publisher_id", String(16)),
    Column("region", String(20)),
    Column("raw_digest", LargeBinary(16), nullable=False),
    Column("digest", LargeBinary(16), nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("first_seen", Instant, nullable=False),
    Column("changed", Instant, nullable=False),
    Column("missing_since", Instant),
    Column("retired", Instant),
    Column("retired_because", String(20)),
    # Derived: the dataset that is counted instead of this entry; NULL for one that counts itself.
    Column("counted_as", String(16)),
    # Which of all the times that ``counted_as`` of some dataset became another one this was; NULL where it never did.
    Column("counted_number", Number),
    UniqueConstraint("source_id", "source_key"),
    Index(None, "source_id", "raw_digest"),
    Index(None, "publisher_id"),
    # Whatever counts over everything reads this instead of every document: a seventh of the time at 200,000 datasets.
    Index("ix_dataset_counted", "record_type", "state", "region", "publisher_id", "source_id", "counted_as"),
    Index(None, "counted_as"),
    Index(None, "counted_number"),
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

raw_record = Table(
    "raw_record",
    metadata,
    Column("dataset_id", String(16), primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Column("media_type", String(100), nullable=False),
    Column("url", Text),
    Column("read", Instant, nullable=False),
)

change = Table(
    "change",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("kind", String(10), nullable=False),
    Column("dataset_id", String(16), nullable=False),
    Column("source_id", String(100), nullable=False),
    Column("at", Instant, nullable=False),
    Column("run_id", Number),
    Column("cause", String(10)),
    Column("fields", Text),
    Column("before", LargeBinary),
    Index(None, "dataset_id"),
    sqlite_autoincrement=True,
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

scorecard_state = Table(
    "scorecard_state",
    metadata,
    Column("name", String(20), primary_key=True),
    Column("generation", Number, nullable=False),
    Column("document", LargeBinary, nullable=False),
)

# What is derived carries a generation: a rebuild writes the next one batch by batch, beside the one that is read.
assessment = Table(
    "assessment",
    metadata,
    Column("generation", Number, primary_key=True, autoincrement=False),
    Column("dataset_id", String(16), primary_key=True),
    Column("source_id", String(100), nullable=False),
    Column("publisher_id", String(16)),
    Column("department", String(60)),
    Column("region", String(20)),
    Column("institution_type", String(40)),
    Column("themes", Text, nullable=False),
    Column("vector", LargeBinary, nullable=False),
    Column("due", Instant),
    Index(None, "generation", "publisher_id"),
    Index(None, "generation", "department"),
    Index(None, "generation", "region"),
    Index(None, "generation", "source_id"),
    Index(None, "generation", "due"),
    sqlite_with_rowid=False,
)

tally = Table(
    "tally",
    metadata,
    Column("generation", Number, primary_key=True, autoincrement=False),
    Column("kind", String(12), primary_key=True),
    Column("code", String(100), primary_key=True),
    Column("counts", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

standing = Table(
    "standing",
    metadata,
    Column("generation", Number, primary_key=True, autoincrement=False),
    Column("rules", String(60), primary_key=True),
    Column("kind", String(12), primary_key=True),
    Column("code", String(100), primary_key=True),
    Column("peers", String(60), nullable=False),
    Column("datasets", Integer, nullable=False),
    Column("point", Float),
    Column("low", Float, nullable=False),
    Column("high", Float, nullable=False),
    Column("least", Float, nullable=False),
    Column("most", Float, nullable=False),
    Column("measured", Float, nullable=False),
    Index("ix_standing_peers", "generation", "rules", "kind", "peers", "least", "most"),
    sqlite_with_rowid=False,
)

period = Table(
    "period",
    metadata,
    Column("id", String(10), primary_key=True),
    Column("frozen", Instant, nullable=False),
    Column("manifest", LargeBinary, nullable=False),
    Column("signature", String(64), nullable=False),
)

# As frozen, beside the evidence it was made of: a league table of then is read without opening all of that.
period_standing = Table(
    "period_standing",
    metadata,
    Column("period_id", String(10), ForeignKey("period.id"), primary_key=True),
    Column("rules", String(60), primary_key=True),
    Column("kind", String(12), primary_key=True),
    Column("code", String(100), primary_key=True),
    Column("peers", String(60), nullable=False),
    Column("datasets", Integer, nullable=False),
    Column("point", Float),
    Column("low", Float, nullable=False),
    Column("high", Float, nullable=False),
    Column("least", Float, nullable=False),
    Column("most", Float, nullable=False),
    Column("measured", Float, nullable=False),
    Index("ix_period_standing_peers", "period_id", "rules", "kind", "peers"),
    sqlite_with_rowid=False,
)

period_part = Table(
    "period_part",
    metadata,
    Column("period_id", String(10), ForeignKey("period.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("body", LargeBinary, nullable=False),
)
