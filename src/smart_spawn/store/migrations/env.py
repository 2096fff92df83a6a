"""What alembic runs: the revisions, on the connection and in the transaction that `schema.py` hands over."""

from __future__ import annotations

from alembic import context

from smart_spawn.store.tables import REVISION_TABLE, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=REVISION_TABLE,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
