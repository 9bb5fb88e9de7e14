"""Addresses of distributions, who gives them, and the queue in which they are asked for."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "link",
        sa.Column("key", sa.LargeBinary(length=16), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("host", sa.String(length=260), nullable=False),
        sa.Column("promised", sa.String(length=40), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=True),
        sa.Column("since", sa.DateTime(), nullable=True),
        sa.Column("checked", sa.DateTime(), nullable=True),
        sa.Column("last_available", sa.DateTime(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("cause", sa.String(length=60), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("media_type", sa.String(length=200), nullable=True),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("is_error_page", sa.Boolean(), nullable=False),
        sa.Column("failing", sa.String(length=20), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failing_since", sa.DateTime(), nullable=True),
        sa.Column("due", sa.DateTime(), nullable=True),
        sa.Column("changed", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_link")),
    )
    op.create_index(op.f("ix_link_host_due"), "link", ["host", "due"], unique=False)
    op.create_index(
        op.f("ix_link_state_is_error_page_due"), "link", ["state", "is_error_page", "due"], unique=False
    )
    op.create_index(op.f("ix_link_changed"), "link", ["changed"], unique=False)
    op.create_table(
        "link_use",
        sa.Column("dataset_id", sa.String(length=16), nullable=False),
        sa.Column("link_key", sa.LargeBinary(length=16), nullable=False),
        sa.Column("source_id", sa.String(length=100), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=True),
        sa.Column("is_error_page", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("dataset_id", "link_key", name=op.f("pk_link_use")),
    )
    op.create_index(op.f("ix_link_use_link_key"), "link_use", ["link_key"], unique=False)
    op.create_index(
        op.f("ix_link_use_source_id_state_is_error_page"),
        "link_use",
        ["source_id", "state", "is_error_page"],
        unique=False,
    )
    op.create_table(
        "link_host",
        sa.Column("host", sa.String(length=260), nullable=False),
        sa.Column("due", sa.DateTime(), nullable=False),
        sa.Column("free", sa.DateTime(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("answered", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("host", name=op.f("pk_link_host")),
    )
    op.create_index("ix_link_host_waiting", "link_host", ["due"], unique=False)
    op.create_table(
        "counter",
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("number", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counter")),
    )
