"""Preview weeks: previews, each department's part of a period, statements and answers."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "preview",
        sa.Column("period", sa.String(length=10), nullable=False),
        sa.Column("kept", sa.String(length=10), nullable=False),
        sa.Column("begun", sa.DateTime(), nullable=False),
        sa.Column("until", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["kept"], ["period.id"], name=op.f("fk_preview_kept_period")),
        sa.PrimaryKeyConstraint("period", name=op.f("pk_preview")),
    )
    op.create_table(
        "period_department",
        sa.Column("period_id", sa.String(length=10), nullable=False),
        sa.Column("department", sa.String(length=60), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["period_id"], ["period.id"], name=op.f("fk_period_department_period_id_period")),
        sa.PrimaryKeyConstraint("period_id", "department", name=op.f("pk_period_department")),
    )
    op.create_table(
        "statement",
        sa.Column("number", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("period", sa.String(length=10), nullable=False),
        sa.Column("department", sa.String(length=60), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("rules", sa.String(length=60), nullable=True),
        sa.Column("indicator", sa.String(length=60), nullable=True),
        sa.Column("dataset_id", sa.String(length=16), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("by", sa.String(length=60), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("withdrawn", sa.DateTime(), nullable=True),
        sa.Column("withdrawn_by", sa.String(length=60), nullable=True),
        sa.ForeignKeyConstraint(["period"], ["preview.period"], name=op.f("fk_statement_period_preview")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_statement")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_statement_period_department"), "statement", ["period", "department"])
    op.create_table(
        "statement_answer",
        sa.Column("number", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("statement", _NUMBER, nullable=False),
        sa.Column("verdict", sa.String(length=20), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("by", sa.String(length=60), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["statement"], ["statement.number"], name=op.f("fk_statement_answer_statement_statement")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_statement_answer")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_statement_answer_statement"), "statement_answer", ["statement"])


def downgrade() -> None:
    for table in ("statement_answer", "statement", "period_department", "preview"):
        op.drop_table(table)
