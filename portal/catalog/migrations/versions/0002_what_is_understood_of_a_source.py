"""What is understood of a source's words, counted after its runs."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "normalisation",
        sa.Column("source_id", sa.String(length=100), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("source_id", name=op.f("pk_normalisation")),
    )


def downgrade():
    op.drop_table("normalisation")
