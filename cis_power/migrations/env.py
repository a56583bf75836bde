"""Alembic's environment: the connection comes from the caller, there is no alembic.ini."""

from alembic import context

from cis_power.migrations import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata(),
    transaction_per_migration=False,
)
context.run_migrations()
