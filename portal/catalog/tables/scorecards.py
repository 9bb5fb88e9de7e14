"""Assessments and frozen periods."""

from __future__ import annotations

from sqlalchemy import Column, Date, Float, ForeignKey, Index, Integer, LargeBinary, String, Table, Text

from portal.catalog.tables.columns import Instant, Number, metadata

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
    Column("quality", Float),
    # When the quality came to be another, by the counter of ratings; 0: when this generation took the place of the last.
    Column("rated", Number, nullable=False, server_default="0"),
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

# One row for each day after which it was another one; until then it held. Another generation does not touch it.
standing_past = Table(
    "standing_past",
    metadata,
    Column("rules", String(60), primary_key=True),
    Column("kind", String(12), primary_key=True),
    Column("code", String(100), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("version", String(20), nullable=False),
    Column("datasets", Integer, nullable=False),
    Column("point", Float),
    Column("low", Float, nullable=False),
    Column("high", Float, nullable=False),
    Column("measured", Float, nullable=False),
    Index(None, "day"),
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

# Why the score of a large group changed between the ends of two days, worked out beforehand.
explanation = Table(
    "explanation",
    metadata,
    Column("kind", String(12), primary_key=True),
    Column("code", String(100), primary_key=True),
    Column("rules", String(60), primary_key=True),
    Column("first", Date, primary_key=True),
    Column("last", Date, primary_key=True),
    Column("body", LargeBinary, nullable=False),
)
