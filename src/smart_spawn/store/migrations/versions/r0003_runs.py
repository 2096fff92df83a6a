"""Runs: steps, calls with their money, events, artifacts, executors."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the tables of durable runs."""
    op.create_table(
        "runs",
        sa.Column("id", sa.Text(), nullable=False, comment="sorts by time"),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("deadline_at", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger()),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("parent", sa.Text()),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.Column(
            "queued_times", sa.Integer(), nullable=False, comment="number of the ticket that may begin it"
        ),
        sa.Column("handed_out", sa.Boolean(), nullable=False),
        sa.Column("executor", sa.Text()),
        sa.Column("executions", sa.Integer(), nullable=False, comment="only the newest execution may write"),
        sa.Column("events", sa.Integer(), nullable=False, comment="number of the newest event"),
        sa.Column(
            "purses", sa.Text(), nullable=False, comment="JSON list: whose caps its calls count against"
        ),
        sa.Column("allow_unknown_price", sa.Boolean(), nullable=False),
        sa.Column("idempotency_key", sa.Text()),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False, comment="JSON"),
        sa.Column("outcome", sa.LargeBinary(), comment="JSON"),
        sa.Column("error", sa.LargeBinary(), comment="JSON"),
        sa.ForeignKeyConstraint(["parent"], ["runs.id"], name="fk_runs_parent", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
        sa.UniqueConstraint("idempotency_key", name="uq_runs_idempotency_key"),
    )
    op.create_index("ix_runs_ended_at", "runs", ["ended_at"], unique=False)
    op.create_index("ix_runs_executor", "runs", ["executor"], unique=False)
    op.create_index("ix_runs_parent", "runs", ["parent"], unique=False)
    op.create_index("ix_runs_status_id", "runs", ["status", "id"], unique=False)
    op.create_table(
        "run_steps",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False, comment="number of the event of its begin"),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("model", sa.Text()),
        sa.Column("provider", sa.Text()),
        sa.Column("result", sa.LargeBinary(), comment="JSON; none while it runs"),
        sa.Column("error", sa.Text()),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger()),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_run_steps_run_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "name", name="pk_run_steps"),
    )
    op.create_table(
        "run_calls",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("executor", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False, comment="open, settled or in_doubt"),
        sa.Column("reserved_micro_usd", sa.BigInteger(), nullable=False),
        sa.Column("cost_micro_usd", sa.BigInteger()),
        sa.Column("opened_us", sa.BigInteger(), nullable=False),
        sa.Column("closed_us", sa.BigInteger()),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_run_calls_run_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "step", "number", name="pk_run_calls"),
    )
    op.create_index("ix_run_calls_provider_opened_us", "run_calls", ["provider", "opened_us"], unique=False)
    op.create_table(
        "purses",
        sa.Column("name", sa.Text(), nullable=False, comment="`run:ID` or `key:ID`"),
        sa.Column("cap_micro_usd", sa.BigInteger()),
        sa.Column("held_micro_usd", sa.BigInteger(), nullable=False, comment="under way or in doubt"),
        sa.Column("spent_micro_usd", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_purses"),
    )
    op.create_table(
        "run_events",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("once", sa.Text(), comment="an event of the mode is stored once under its name"),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False, comment="JSON"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_run_events_run_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "number", name="pk_run_events"),
        sa.UniqueConstraint("run_id", "once", name="uq_run_events_run_id_once"),
    )
    op.create_table(
        "run_artifacts",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_run_artifacts_run_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "step", name="pk_run_artifacts"),
    )
    op.create_table(
        "executors",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("machine", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("process_started", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("started_us", sa.BigInteger(), nullable=False),
        sa.Column("seen_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_executors"),
    )
