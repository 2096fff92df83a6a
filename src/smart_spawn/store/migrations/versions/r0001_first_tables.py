"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create every table of the first release."""
    op.create_table(
        "catalogs",
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("codec", sa.String(length=8), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False, comment="before compression"),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("built_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("version", name="pk_catalogs"),
    )
    op.create_index("ix_catalogs_built_at", "catalogs", ["built_at"], unique=False)
    op.create_table(
        "decisions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("catalog_version", sa.Text(), nullable=False),
        sa.Column("beliefs_version", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_decisions"),
    )
    op.create_index("ix_decisions_created_at", "decisions", ["created_at"], unique=False)
    op.create_table(
        "known_ids",
        sa.Column("model_id", sa.Text(), nullable=False),
        sa.Column("first_seen", sa.BigInteger(), nullable=False),
        sa.Column("last_seen", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("model_id", name="pk_known_ids"),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("expires_us", sa.BigInteger(), nullable=False, comment="by the database's clock"),
        sa.PrimaryKeyConstraint("name", name="pk_leases"),
    )
    op.create_table(
        "payload_bodies",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("codec", sa.String(length=8), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False, comment="before compression"),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_payload_bodies"),
    )
    op.create_table(
        "prices",
        sa.Column("model_id", sa.Text(), nullable=False),
        sa.Column(
            "day",
            sa.String(length=10),
            nullable=False,
            comment="UTC day on which this price was first seen, YYYY-MM-DD",
        ),
        sa.Column("price", sa.LargeBinary(), nullable=False, comment="JSON"),
        sa.PrimaryKeyConstraint("model_id", "day", name="pk_prices"),
    )
    op.create_table(
        "quarantined",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_quarantined"),
    )
    op.create_index("ix_quarantined_source", "quarantined", ["source"], unique=False)
    op.create_table(
        "source_statuses",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("last_pull", sa.BigInteger()),
        sa.Column("last_ok", sa.BigInteger()),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("matched", sa.Integer(), nullable=False),
        sa.Column("unmatched", sa.Integer(), nullable=False),
        sa.Column("published_on", sa.String(length=10)),
        sa.Column("error", sa.Text()),
        sa.Column("quarantined", sa.Boolean(), nullable=False),
        sa.Column("notices", sa.Text(), nullable=False, comment="JSON object of header name to value"),
        sa.Column("next_pull", sa.BigInteger()),
        sa.Column("not_before", sa.BigInteger()),
        sa.Column("requests_day", sa.String(length=10), nullable=False),
        sa.Column("requests_today", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("source", name="pk_source_statuses"),
    )
    op.create_table(
        "catalog_choice",
        sa.Column("slot", sa.Integer(), autoincrement=False, nullable=False, comment="always 0: one row"),
        sa.Column("newest", sa.Text()),
        sa.Column("pinned", sa.Text()),
        sa.ForeignKeyConstraint(["newest"], ["catalogs.version"], name="fk_catalog_choice_newest"),
        sa.ForeignKeyConstraint(["pinned"], ["catalogs.version"], name="fk_catalog_choice_pinned"),
        sa.PrimaryKeyConstraint("slot", name="pk_catalog_choice"),
    )
    op.create_table(
        "payloads",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("part", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("fetched_at", sa.BigInteger(), nullable=False),
        sa.Column("etag", sa.Text()),
        sa.Column("last_modified", sa.Text()),
        sa.Column("notices", sa.Text(), nullable=False, comment="JSON object of header name to value"),
        sa.ForeignKeyConstraint(["sha256"], ["payload_bodies.sha256"], name="fk_payloads_sha256"),
        sa.PrimaryKeyConstraint("id", name="pk_payloads"),
        sa.UniqueConstraint(
            "source", "part", "sha256", "fetched_at", name="uq_payloads_source_part_sha256_fetched_at"
        ),
    )
    op.create_index("ix_payloads_fetched_at", "payloads", ["fetched_at"], unique=False)
    op.create_index("ix_payloads_sha256", "payloads", ["sha256"], unique=False)
    op.create_index("ix_payloads_source_part", "payloads", ["source", "part"], unique=False)
    op.create_table(
        "catalog_payloads",
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("payload_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["payload_id"], ["payloads.id"], name="fk_catalog_payloads_payload_id"),
        sa.ForeignKeyConstraint(
            ["version"], ["catalogs.version"], name="fk_catalog_payloads_version", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("version", "position", name="pk_catalog_payloads"),
    )
    op.create_index("ix_catalog_payloads_payload_id", "catalog_payloads", ["payload_id"], unique=False)
    op.create_table(
        "held_payloads",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("payload_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["payload_id"], ["payloads.id"], name="fk_held_payloads_payload_id"),
        sa.PrimaryKeyConstraint("source", "position", name="pk_held_payloads"),
    )
    op.create_index("ix_held_payloads_payload_id", "held_payloads", ["payload_id"], unique=False)
    op.create_table(
        "quarantined_payloads",
        sa.Column("quarantine_id", sa.Integer(), nullable=False),
        sa.Column("payload_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["payload_id"], ["payloads.id"], name="fk_quarantined_payloads_payload_id"),
        sa.ForeignKeyConstraint(
            ["quarantine_id"],
            ["quarantined.id"],
            name="fk_quarantined_payloads_quarantine_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("quarantine_id", "payload_id", name="pk_quarantined_payloads"),
    )
    op.create_index(
        "ix_quarantined_payloads_payload_id", "quarantined_payloads", ["payload_id"], unique=False
    )
