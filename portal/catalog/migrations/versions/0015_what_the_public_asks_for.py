"""What the public asks for, and what is answered."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "data_request",
        sa.Column("number", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("region", sa.String(length=20), nullable=True),
        sa.Column("theme", sa.String(length=40), nullable=True),
        sa.Column("entry", sa.String(length=20), nullable=True),
        sa.Column("function", sa.String(length=40), nullable=True),
        sa.Column("department", sa.String(length=60), nullable=True),
        sa.Column("asker", sa.String(length=70), nullable=False),
        sa.Column("asked", sa.DateTime(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("published", sa.DateTime(), nullable=True),
        sa.Column("merged_into", _NUMBER, nullable=True),
        sa.Column("counts_for", _NUMBER, nullable=True),
        sa.Column("wanted", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.String(length=20), nullable=True),
        sa.ForeignKeyConstraint(
            ["merged_into"], ["data_request.number"], name=op.f("fk_data_request_merged_into_data_request")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_data_request")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_data_request_state_merged_into"), "data_request", ["state", "merged_into"])
    for column in ("counts_for", "department", "asked"):
        op.create_index(op.f(f"ix_data_request_{column}"), "data_request", [column])
    op.create_table(
        "request_supporter",
        sa.Column("request", _NUMBER, nullable=False),
        sa.Column("supporter", sa.String(length=70), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["request"], ["data_request.number"], name=op.f("fk_request_supporter_request_data_request")
        ),
        sa.PrimaryKeyConstraint("request", "supporter", name=op.f("pk_request_supporter")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_request_supporter_supporter"), "request_supporter", ["supporter"])
    op.create_table(
        "request_salt",
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("salt", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_request_salt")),
    )
    op.create_table(
        "request_step",
        sa.Column("number", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("request", _NUMBER, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("other", _NUMBER, nullable=True),
        sa.Column("department", sa.String(length=60), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("by", sa.String(length=60), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["request"], ["data_request.number"], name=op.f("fk_request_step_request_data_request")),
        sa.ForeignKeyConstraint(["other"], ["data_request.number"], name=op.f("fk_request_step_other_data_request")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_request_step")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_request_step_request"), "request_step", ["request"])
    op.create_table(
        "request_answer",
        sa.Column("number", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("request", _NUMBER, nullable=False),
        sa.Column("verdict", sa.String(length=20), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("datasets", sa.Text(), nullable=False),
        sa.Column("department", sa.String(length=60), nullable=True),
        sa.Column("by", sa.String(length=60), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["request"], ["data_request.number"], name=op.f("fk_request_answer_request_data_request")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_request_answer")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_request_answer_request"), "request_answer", ["request"])


def downgrade() -> None:
    for table in ("request_answer", "request_step", "request_salt", "request_supporter", "data_request"):
        op.drop_table(table)
