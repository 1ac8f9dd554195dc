"""Run by Alembic: applies the migrations on the connection that `migrate.py` hands over."""

from __future__ import annotations

from alembic import context

from hedgerow_orchestrator.store.schema import metadata

connection = context.config.attributes.get("connection")
if connection is None:
    raise RuntimeError("Alembic was started without a connection; use `hedgerow db upgrade`")
# In batches: SQLite cannot alter most of a table, Alembic then copies it.
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
