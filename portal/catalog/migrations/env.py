"""Alembic's entry: migrates over the connection that ``portal.catalog.engines`` hands in."""

from alembic import context

from portal.catalog.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
