"""Private models and own results."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the tables of what the owner adds."""
    op.create_table(
        "own_models",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False, comment="JSON"),
        sa.PrimaryKeyConstraint("id", name="pk_own_models"),
    )
    op.create_table(
        "own_boards",
        sa.Column("benchmark", sa.Text(), nullable=False),
        sa.Column("edition", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False, comment="JSON"),
        sa.PrimaryKeyConstraint("benchmark", "edition", name="pk_own_boards"),
    )
    op.create_table(
        "own_values",
        sa.Column("benchmark", sa.Text(), nullable=False),
        sa.Column("edition", sa.Text(), nullable=False),
        sa.Column("published_name", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False, comment="JSON"),
        sa.PrimaryKeyConstraint("benchmark", "edition", "published_name", name="pk_own_values"),
    )
