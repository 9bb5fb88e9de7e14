"""Which datasets serve which entry of the high-value list."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "high_value_match",
        sa.Column("entry", sa.String(length=20), nullable=False),
        sa.Column("dataset_id", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=12), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("fields", sa.Text(), nullable=True),
        sa.Column("shortfalls", sa.Text(), nullable=False),
        sa.Column("fresh_until", sa.DateTime(), nullable=True),
        sa.Column("source_id", sa.String(length=100), nullable=False),
        sa.Column("region", sa.String(length=20), nullable=True),
        sa.Column("publisher_id", sa.String(length=16), nullable=True),
        sa.PrimaryKeyConstraint("entry", "dataset_id", name=op.f("pk_high_value_match")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_high_value_match_dataset_id"), "high_value_match", ["dataset_id"])
    op.create_table(
        "high_value_position",
        sa.Column("change", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("method", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("change", name=op.f("pk_high_value_position")),
    )


def downgrade() -> None:
    op.drop_table("high_value_position")
    op.drop_table("high_value_match")
