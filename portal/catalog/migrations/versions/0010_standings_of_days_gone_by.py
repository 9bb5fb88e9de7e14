"""The standings of days gone by."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "standing_past",
        sa.Column("rules", sa.String(length=60), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("code", sa.String(length=100), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("version", sa.String(length=20), nullable=False),
        sa.Column("datasets", sa.Integer(), nullable=False),
        sa.Column("point", sa.Float(), nullable=True),
        sa.Column("low", sa.Float(), nullable=False),
        sa.Column("high", sa.Float(), nullable=False),
        sa.Column("measured", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("rules", "kind", "code", "day", name=op.f("pk_standing_past")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_standing_past_day"), "standing_past", ["day"])


def downgrade() -> None:
    op.drop_table("standing_past")
