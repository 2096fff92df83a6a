"""Which runs spend which key's money, so that a key's runs are found without reading everybody's."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

AT_ONCE = 1_000


def upgrade() -> None:
    """Create the table, and fill it from the purses of the runs there are."""
    run_keys = op.create_table(
        "run_keys",
        sa.Column("key", sa.Text(), nullable=False, comment="id of a key whose money the run spends"),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_run_keys_run_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("key", "run_id", name="pk_run_keys"),
    )
    op.create_index("ix_run_keys_run_id", "run_keys", ["run_id"])
    connection = op.get_bind()
    found = connection.execute(sa.text("SELECT id, purses FROM runs")).all()
    rows = [
        {"key": key, "run_id": run_id}
        for run_id, purses in found
        for key in sorted({name.split(":")[1] for name in json.loads(purses) if name.startswith("key:")})
    ]
    for at in range(0, len(rows), AT_ONCE):
        connection.execute(sa.insert(run_keys), rows[at : at + AT_ONCE])
