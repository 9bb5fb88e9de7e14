"""Each dataset counted once."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

COUNTED = ["record_type", "state", "region", "publisher_id", "source_id"]


def upgrade() -> None:
    op.add_column("dataset", sa.Column("counted_as", sa.String(length=16), nullable=True))
    op.add_column("dataset", sa.Column("counted_number", NUMBER, nullable=True))
    op.create_index(op.f("ix_dataset_counted_number"), "dataset", ["counted_number"], unique=False)
    op.drop_index("ix_dataset_counted", table_name="dataset")
    op.create_index("ix_dataset_counted", "dataset", [*COUNTED, "counted_as"], unique=False)
    op.create_index(op.f("ix_dataset_counted_as"), "dataset", ["counted_as"], unique=False)
    op.create_table(
        "appearance",
        sa.Column("dataset_id", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("beside", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("dataset_id", name=op.f("pk_appearance")),
    )
    op.create_index(op.f("ix_appearance_reason_dataset_id"), "appearance", ["reason", "dataset_id"], unique=False)
    op.create_table(
        "appearance_key",
        sa.Column("digest", sa.BigInteger(), nullable=False),
        sa.Column("dataset_id", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("digest", "dataset_id", name=op.f("pk_appearance_key")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_appearance_key_dataset_id"), "appearance_key", ["dataset_id"], unique=False)
    op.create_table(
        "family_member",
        sa.Column("dataset_id", sa.String(length=16), nullable=False),
        sa.Column("family_id", sa.String(length=16), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("area", sa.String(length=20), nullable=False),
        sa.PrimaryKeyConstraint("dataset_id", name=op.f("pk_family_member")),
    )
    op.create_index(op.f("ix_family_member_family_id"), "family_member", ["family_id"], unique=False)
    op.create_table(
        "appearance_decision",
        sa.Column("number", NUMBER, autoincrement=True, nullable=False),
        sa.Column("first", sa.String(length=16), nullable=False),
        sa.Column("second", sa.String(length=16), nullable=False),
        sa.Column("verdict", sa.String(length=10), nullable=False),
        sa.Column("by", sa.String(length=200), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_appearance_decision")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_appearance_decision_first_second"), "appearance_decision", ["first", "second"], unique=False
    )
    op.create_table(
        "appearance_position",
        sa.Column("change", NUMBER, autoincrement=False, nullable=False),
        sa.Column("decision", NUMBER, nullable=False),
        sa.Column("method", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("change", name=op.f("pk_appearance_position")),
    )
