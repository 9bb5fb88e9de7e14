"""INSERT … ON CONFLICT, which SQLAlchemy spells once for each database."""

from __future__ import annotations

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert_or_update(table: Table, connection: Connection) -> sqlite.Insert | postgresql.Insert:
    """An INSERT into ``table`` in the words of the connected database."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)
