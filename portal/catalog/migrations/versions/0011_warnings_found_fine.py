"""What operators looked at and found fine."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "clearance",
        sa.Column("number", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("dataset_id", sa.String(length=16), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("field", sa.Text(), nullable=True),
        sa.Column("seen", sa.Text(), nullable=True),
        sa.Column("by", sa.String(length=60), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("undone_by", sa.String(length=60), nullable=True),
        sa.Column("undone", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_clearance")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_clearance_dataset_id"), "clearance", ["dataset_id"])


def downgrade() -> None:
    op.drop_table("clearance")
