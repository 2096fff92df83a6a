"""What the owner does to votes: reversals, and undoing them."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Create the log of reversals; `replaces` needs no index any more."""
    op.create_table(
        "rating_acts",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column(
            "at",
            sa.BigInteger(),
            nullable=False,
            comment="is `reversed_at` of the votes that it reversed",
        ),
        sa.Column("act", sa.String(length=8), nullable=False, comment="`reverse` or `undo`"),
        sa.Column("of", sa.Integer(), comment="id of the act that was undone"),
        sa.Column("voter", sa.Text()),
        sa.Column("since", sa.BigInteger()),
        sa.Column("until", sa.BigInteger()),
        sa.Column("votes", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_rating_acts"),
        sa.UniqueConstraint("at", name="uq_rating_acts_at"),
    )
    op.drop_index("ix_ratings_replaces", "ratings")
