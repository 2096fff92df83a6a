"""Indexes that statistics read votes by."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Leave votes that count out of the index of reversals; add what rates of success and drift are read from."""
    op.drop_index("ix_ratings_reversed_at", "ratings")
    for column in ("reversed_at", "replaces"):
        only = sa.text(f"{column} IS NOT NULL")
        op.create_index(f"ix_ratings_{column}", "ratings", [column], sqlite_where=only, postgresql_where=only)
    columns = ["model", "category", "at", "kind", "value", "reversed_at"]
    op.create_index("ix_ratings_model", "ratings", columns)
