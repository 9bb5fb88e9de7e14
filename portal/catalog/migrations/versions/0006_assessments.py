"""Assessments: evidence, tallies, standings, frozen periods."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "scorecard_state",
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("generation", NUMBER, nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_scorecard_state")),
    )
    op.create_table(
        "assessment",
        sa.Column("generation", NUMBER, autoincrement=False, nullable=False),
        sa.Column("dataset_id", sa.String(length=16), nullable=False),
        sa.Column("source_id", sa.String(length=100), nullable=False),
        sa.Column("publisher_id", sa.String(length=16), nullable=True),
        sa.Column("department", sa.String(length=60), nullable=True),
        sa.Column("region", sa.String(length=20), nullable=True),
        sa.Column("institution_type", sa.String(length=40), nullable=True),
        sa.Column("themes", sa.Text(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.Column("due", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("generation", "dataset_id", name=op.f("pk_assessment")),
        sqlite_with_rowid=False,
    )
    for column in ("publisher_id", "department", "region", "source_id", "due"):
        op.create_index(op.f(f"ix_assessment_generation_{column}"), "assessment", ["generation", column])
    op.create_table(
        "tally",
        sa.Column("generation", NUMBER, autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("code", sa.String(length=100), nullable=False),
        sa.Column("counts", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("generation", "kind", "code", name=op.f("pk_tally")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "standing",
        sa.Column("generation", NUMBER, autoincrement=False, nullable=False),
        sa.Column("rules", sa.String(length=60), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("code", sa.String(length=100), nullable=False),
        sa.Column("peers", sa.String(length=60), nullable=False),
        sa.Column("datasets", sa.Integer(), nullable=False),
        sa.Column("point", sa.Float(), nullable=True),
        sa.Column("low", sa.Float(), nullable=False),
        sa.Column("high", sa.Float(), nullable=False),
        sa.Column("least", sa.Float(), nullable=False),
        sa.Column("most", sa.Float(), nullable=False),
        sa.Column("measured", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("generation", "rules", "kind", "code", name=op.f("pk_standing")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_standing_peers", "standing", ["generation", "rules", "kind", "peers", "least", "most"])
    op.create_table(
        "period",
        sa.Column("id", sa.String(length=10), nullable=False),
        sa.Column("frozen", sa.DateTime(), nullable=False),
        sa.Column("manifest", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_period")),
    )
    op.create_table(
        "period_part",
        sa.Column("period_id", sa.String(length=10), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["period_id"], ["period.id"], name=op.f("fk_period_part_period_id_period")),
        sa.PrimaryKeyConstraint("period_id", "number", name=op.f("pk_period_part")),
    )
