"""What is learned: the spawn log with its sums, votes, beliefs, reports of others."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

SUMS = (
    "spawns",
    "costed",
    "cost_micro_usd",
    "estimated_micro_usd",
    "compared",
    "saved_micro_usd",
    "saved_squared",
    "could_escalate",
    "escalated",
    "judged",
    "ok",
)


def upgrade() -> None:
    """Create the tables of learning."""
    _spawns()
    _ratings()
    op.create_table(
        "beliefs",
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False, comment="JSON, compressed"),
        sa.PrimaryKeyConstraint("version", name="pk_beliefs"),
    )
    op.create_index("ix_beliefs_created_at", "beliefs", ["created_at"], unique=False)
    _community()


def _spawns() -> None:
    op.create_table(
        "spawns",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False, comment="days since 1970, UTC"),
        sa.Column("caller", sa.Text(), nullable=False, comment="id of the key, or `local`"),
        sa.Column("subject", sa.Text(), comment="what must be logged once only, e.g. `run:ID`"),
        sa.Column("decision_id", sa.Text()),
        sa.Column("run_id", sa.Text()),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("budget", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("role", sa.Text()),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False, comment="separated by commas"),
        sa.Column("cost_micro_usd", sa.BigInteger()),
        sa.Column("estimated", sa.Boolean(), nullable=False),
        sa.Column("baseline_micro_usd", sa.BigInteger()),
        sa.Column("escalated", sa.Boolean(), comment="none where nothing can escalate"),
        sa.Column("ok", sa.Boolean(), comment="none where nobody knows yet"),
        sa.PrimaryKeyConstraint("id", name="pk_spawns"),
        sa.UniqueConstraint("subject", name="uq_spawns_subject"),
    )
    op.create_index("ix_spawns_day", "spawns", ["day"], unique=False)
    op.create_table(
        "spawn_days",
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("caller", "model", "category", "mode")),
        *(
            sa.Column(name, sa.Float() if name == "saved_squared" else sa.BigInteger(), nullable=False)
            for name in SUMS
        ),
        sa.PrimaryKeyConstraint("day", "caller", "model", "category", "mode", name="pk_spawn_days"),
    )
    op.create_table(
        "spawn_marks",
        sa.Column("slot", sa.Integer(), autoincrement=False, nullable=False, comment="always 0: one row"),
        sa.Column(
            "summed_up_to", sa.Integer(), nullable=False, comment="id of the newest row within `spawn_days`"
        ),
        sa.PrimaryKeyConstraint("slot", name="pk_spawn_marks"),
    )


def _ratings() -> None:
    op.create_table(
        "ratings",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("voter", sa.Text(), nullable=False, comment="id of the key, or `local`"),
        sa.Column(
            "subject",
            sa.Text(),
            nullable=False,
            comment="id of the decision or run; empty where none was named",
        ),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False, comment="separated by commas"),
        sa.Column("cluster", sa.Text(), nullable=False),
        sa.Column("value", sa.Float(), nullable=False, comment="1 to 5"),
        sa.Column("comment", sa.Text()),
        sa.Column("replaces", sa.Integer(), comment="id of the voter's earlier row on the same subject"),
        sa.Column("reversed_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_ratings"),
    )
    op.create_index("ix_ratings_voter_subject", "ratings", ["voter", "subject"], unique=False)
    op.create_index("ix_ratings_subject_kind", "ratings", ["subject", "kind"], unique=False)
    op.create_index("ix_ratings_at", "ratings", ["at"], unique=False)
    op.create_index("ix_ratings_replaces", "ratings", ["replaces"], unique=False)
    op.create_index("ix_ratings_reversed_at", "ratings", ["reversed_at"], unique=False)


def _community() -> None:
    op.create_table(
        "community_reports",
        sa.Column("contributor", sa.Text(), nullable=False, comment="a keyed pseudonym"),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("caller", sa.Text(), nullable=False, comment="id of the key it came with, or `local`"),
        sa.Column("ratings", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.Float(), nullable=False, comment="sum of the ratings"),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False, comment="of the newest report, days since 1970"),
        sa.Column("today", sa.Integer(), nullable=False, comment="reports on that day"),
        sa.PrimaryKeyConstraint("contributor", "model", "category", name="pk_community_reports"),
    )
    op.create_index("ix_community_reports_caller_day", "community_reports", ["caller", "day"], unique=False)
    op.create_index("ix_community_reports_last_at", "community_reports", ["last_at"], unique=False)
    op.create_table(
        "community_posteriors",
        sa.Column("publisher", sa.Text(), nullable=False, comment="fingerprint of the key that signed them"),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("rating", sa.Float(), nullable=False, comment="1 to 5"),
        sa.Column("contributors", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("publisher", "model", "category", name="pk_community_posteriors"),
    )
