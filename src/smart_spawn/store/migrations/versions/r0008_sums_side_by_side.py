"""Sums of the spawn log by model, category, mode and caller side by side, where they stood crossed."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

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
ADDED = ", ".join(f"SUM({name})" for name in SUMS)
FILL = """
    INSERT INTO spawn_days (whose, way, day, name, {names})
    SELECT {whose}, '{way}', day, {way}, {added} FROM spawn_days_crossed GROUP BY {groups}
"""


def upgrade() -> None:
    """Make the table anew, and fill it from what it held."""
    op.execute("CREATE TEMPORARY TABLE spawn_days_crossed AS SELECT * FROM spawn_days")
    op.drop_table("spawn_days")
    op.create_table(
        "spawn_days",
        sa.Column("whose", sa.Text(), nullable=False, comment="a caller, or empty: everybody's together"),
        sa.Column(
            "way", sa.String(length=8), nullable=False, comment="`model`, `category`, `mode` or `caller`"
        ),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False, comment="days since 1970, UTC"),
        sa.Column("name", sa.Text(), nullable=False, comment="of the model, category, mode or caller"),
        *(
            sa.Column(name, sa.Float() if name == "saved_squared" else sa.BigInteger(), nullable=False)
            for name in SUMS
        ),
        sa.PrimaryKeyConstraint("whose", "way", "day", "name", name="pk_spawn_days"),
    )
    for way in ("model", "category", "mode", "caller"):
        for whose, groups in (("''", f"day, {way}"), ("caller", f"caller, day, {way}")):
            fill = FILL.format(names=", ".join(SUMS), whose=whose, way=way, added=ADDED, groups=groups)
            op.execute(fill)
    op.execute("DROP TABLE spawn_days_crossed")
    op.create_index("ix_spawns_caller_day", "spawns", ["caller", "day"], unique=False)
