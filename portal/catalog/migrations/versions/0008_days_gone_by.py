"""What addresses told, and what entries were counted as, before that changed; why scores changed, worked out beforehand."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "link_past",
        sa.Column("number", NUMBER, autoincrement=True, nullable=False),
        sa.Column("key", sa.LargeBinary(length=16), nullable=False),
        sa.Column("until", sa.DateTime(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("since", sa.DateTime(), nullable=False),
        sa.Column("checked", sa.DateTime(), nullable=False),
        sa.Column("last_available", sa.DateTime(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("is_error_page", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_link_past")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_link_past_key_until"), "link_past", ["key", "until"], unique=False)
    op.create_table(
        "counted_past",
        sa.Column("number", NUMBER, autoincrement=True, nullable=False),
        sa.Column("dataset_id", sa.String(length=16), nullable=False),
        sa.Column("until", sa.DateTime(), nullable=False),
        sa.Column("counted_as", sa.String(length=16), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_counted_past")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_counted_past_dataset_id_until"), "counted_past", ["dataset_id", "until"], unique=False)
    op.create_table(
        "explanation",
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("code", sa.String(length=100), nullable=False),
        sa.Column("rules", sa.String(length=60), nullable=False),
        sa.Column("first", sa.Date(), nullable=False),
        sa.Column("last", sa.Date(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "code", "rules", "first", "last", name=op.f("pk_explanation")),
    )


def downgrade() -> None:
    op.drop_table("explanation")
    op.drop_table("counted_past")
    op.drop_table("link_past")
