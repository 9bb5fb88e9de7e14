"""How good the record of each dataset is, and when that came to be another."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("assessment", sa.Column("quality", sa.Float(), nullable=True))
    op.add_column("assessment", sa.Column("rated", _NUMBER, nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("assessment", "rated")
    op.drop_column("assessment", "quality")
