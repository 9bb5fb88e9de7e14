"""Count without reading documents."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_index(
        "ix_dataset_counted",
        "dataset",
        ["record_type", "state", "region", "publisher_id", "source_id"],
        unique=False,
    )
