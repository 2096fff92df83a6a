"""The tables of runs: what was asked, every step, every call with its money, events, artifacts, executors.

Money is in whole micro-USD. What is counted by the database's own clock has `_us` in its name.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from smart_spawn.store.tables import Moment, metadata


def _of_run() -> Column[str]:
    return Column("run_id", ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)


runs = Table(
    "runs",
    metadata,
    Column("id", Text, primary_key=True, comment="sorts by time"),
    Column("mode", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("deadline_at", Moment, nullable=False),
    Column("started_at", Moment),
    Column("ended_at", Moment, index=True),
    Column("cancel_requested", Boolean, nullable=False),
    Column("parent", ForeignKey("runs.id", ondelete="SET NULL"), index=True),
    Column("depth", Integer, nullable=False),
    Column("queued_times", Integer, nullable=False, comment="number of the ticket that may begin it"),
    Column("handed_out", Boolean, nullable=False),
    Column("executor", Text, index=True),
    Column("executions", Integer, nullable=False, comment="only the newest execution may write"),
    Column("events", Integer, nullable=False, comment="number of the newest event"),
    Column("purses", Text, nullable=False, comment="JSON list: whose caps its calls count against"),
    Column("allow_unknown_price", Boolean, nullable=False),
    Column("idempotency_key", Text, unique=True),
    Column("fingerprint", String(64), nullable=False),
    Column("request", LargeBinary, nullable=False, comment="JSON"),
    Column("outcome", LargeBinary, comment="JSON"),
    Column("error", LargeBinary, comment="JSON"),
)
Index("ix_runs_status_id", runs.c.status, runs.c.id)

run_keys = Table(
    "run_keys",
    metadata,
    Column("key", Text, primary_key=True, comment="id of a key whose money the run spends"),
    Column("run_id", ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True, index=True),
)

run_steps = Table(
    "run_steps",
    metadata,
    _of_run(),
    Column("name", Text, primary_key=True),
    Column("position", Integer, nullable=False, comment="number of the event of its begin"),
    Column("state", String(16), nullable=False),
    Column("model", Text),
    Column("provider", Text),
    Column("result", LargeBinary, comment="JSON; none while it runs"),
    Column("error", Text),
    Column("started_at", Moment, nullable=False),
    Column("ended_at", Moment),
)

run_calls = Table(
    "run_calls",
    metadata,
    _of_run(),
    Column("step", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("model", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("executor", Text, nullable=False),
    Column("state", String(16), nullable=False, comment="open, settled or in_doubt"),
    Column("reserved_micro_usd", BigInteger, nullable=False),
    Column("cost_micro_usd", BigInteger),
    Column("opened_us", BigInteger, nullable=False),
    Column("closed_us", BigInteger),
)
Index("ix_run_calls_provider_opened_us", run_calls.c.provider, run_calls.c.opened_us)

purses = Table(
    "purses",
    metadata,
    Column("name", Text, primary_key=True, comment="`run:ID` or `key:ID`"),
    Column("cap_micro_usd", BigInteger),
    Column("held_micro_usd", BigInteger, nullable=False, comment="under way or in doubt"),
    Column("spent_micro_usd", BigInteger, nullable=False),
)

run_events = Table(
    "run_events",
    metadata,
    _of_run(),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("once", Text, comment="an event of the mode is stored once under its name"),
    Column("at", Moment, nullable=False),
    Column("data", LargeBinary, nullable=False, comment="JSON"),
    UniqueConstraint("run_id", "once"),
)

run_artifacts = Table(
    "run_artifacts",
    metadata,
    _of_run(),
    Column("step", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("created_at", Moment, nullable=False),
)

executors = Table(
    "executors",
    metadata,
    Column("id", Text, primary_key=True),
    Column("machine", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("process_started", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("started_us", BigInteger, nullable=False),
    Column("seen_us", BigInteger, nullable=False),
)
