"""The standings of frozen periods."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "period_standing",
        sa.Column("period_id", sa.String(length=10), nullable=False),
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
        sa.ForeignKeyConstraint(["period_id"], ["period.id"], name=op.f("fk_period_standing_period_id_period")),
        sa.PrimaryKeyConstraint("period_id", "rules", "kind", "code", name=op.f("pk_period_standing")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_period_standing_peers", "period_standing", ["period_id", "rules", "kind", "peers"])


def downgrade() -> None:
    op.drop_table("period_standing")
