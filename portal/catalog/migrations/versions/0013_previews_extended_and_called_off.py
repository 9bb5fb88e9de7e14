"""Previews that were extended or called off, and why."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "preview_step",
        sa.Column("number", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("period", sa.String(length=10), nullable=False),
        sa.Column("kept", sa.String(length=10), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("before", sa.DateTime(), nullable=False),
        sa.Column("until", sa.DateTime(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by", sa.String(length=60), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["period"], ["preview.period"], name=op.f("fk_preview_step_period_preview")),
        sa.ForeignKeyConstraint(["kept"], ["period.id"], name=op.f("fk_preview_step_kept_period")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_preview_step")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_preview_step_period"), "preview_step", ["period"])


def downgrade() -> None:
    op.drop_table("preview_step")
