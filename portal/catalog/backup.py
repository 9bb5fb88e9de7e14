"""Saving a whole database while it is in use, and bringing it back."""

from __future__ import annotations

import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from sqlalchemy import URL, inspect, make_url

from portal.catalog.engines import DatabaseError, connect, make_room, revision


def save(url: str, file: Path) -> None:
    """Writes the database into ``file``: an SQLite database, or a PostgreSQL archive made by ``pg_dump``.

    Raises DatabaseError when there is no catalogue to save, when the file exists, or it cannot be written whole: then there
    is none.
    """
    if file.exists():
        raise DatabaseError(f"{file} exists already: choose another name")
    if not file.absolute().parent.is_dir():
        raise DatabaseError(f"there is no folder {file.absolute().parent}")
    engine = connect(url)
    revision(engine)
    engine.dispose()
    address = make_url(url)
    if address.get_backend_name() == "postgresql":
        _run(address, "pg_dump", "--format=custom", f"--file={file}")
        return
    try:
        with closing(sqlite3.connect(_sqlite_file(address))) as database:
            database.execute("VACUUM INTO ?", (str(file),))
    except sqlite3.Error as error:
        file.unlink(missing_ok=True)
        raise DatabaseError(f"{file} was not written: {error}") from error


def restore(url: str, file: Path, *, replace: bool) -> None:
    """Brings back what ``save`` wrote.

    Raises DatabaseError when there are tables already and not ``replace``, and for a file that is no saved catalogue: what
    stood then stands.
    """
    engine = connect(url)
    make_room(engine.url)
    taken = inspect(engine).has_table("dataset")
    engine.dispose()
    if taken and not replace:
        raise DatabaseError("the database already holds a catalogue: --replace overwrites it")
    address = make_url(url)
    if address.get_backend_name() == "postgresql":
        _run(address, "pg_restore", "--clean", "--if-exists", "--no-owner", str(file))
        return
    try:
        with closing(sqlite3.connect(file)) as saved:
            if not saved.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchall():
                raise DatabaseError(f"{file} is a database, but no catalogue")
            if saved.execute("PRAGMA quick_check").fetchone() != ("ok",):
                raise DatabaseError(f"{file} was not brought back: it is damaged")
            with closing(sqlite3.connect(_sqlite_file(address))) as database:
                saved.backup(database)
    except sqlite3.Error as error:
        raise DatabaseError(f"{file} was not brought back: {error}") from error


def _sqlite_file(address: URL) -> str:
    if not address.database:
        raise DatabaseError("a database in memory cannot be saved")
    return address.database


def _run(address: URL, tool: str, *arguments: str) -> None:
    target = address.set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        subprocess.run([tool, *arguments, f"--dbname={target}"], check=True, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise DatabaseError(f"{tool} is not installed: it comes with PostgreSQL's client programs") from error
    except subprocess.CalledProcessError as error:
        raise DatabaseError(f"{tool} failed: {error.stderr.strip()}") from error
