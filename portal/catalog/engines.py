"""Connections to SQLite (write-ahead log) and PostgreSQL, and the schema they must have."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, StaticPool, create_engine, event, exc, make_url, text
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import InterfaceError, OperationalError

log = logging.getLogger(__name__)

T = TypeVar("T")

TRIES = 3
"""Of a transaction that was broken off."""

_CONNECTIONS = 40
"""Above the five that are kept: sixteen runs, their heartbeats and what goes on beside may all wait for the one writer."""

_AGAIN_S = 1.0
"""Between two attempts to reach a database."""

# Any number will do, as long as every writer uses the same one.
_WRITERS_LOCK = 7_628_014


# Whoever waited for the lock must see what the one before wrote. Under a stricter level, which a server may be set to, it
# would see what stood when it began to wait: two operators would clear one warning twice.
_ISOLATION = "READ COMMITTED"

# A batch of 500 writes some ten megabytes of pages, mostly the same index pages as the batch before it. Moved from the
# log into the database every 64 MB, not after every batch, each is moved once instead of six times.
_SQLITE = ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "cache_size=-65536", "wal_autocheckpoint=16384")


class DatabaseError(Exception):
    """The database is not one we can use: its address is wrong, or its schema is not ours."""


class DatabaseUnusable(DatabaseError):
    """It does not answer, is full, cannot be written, or is damaged: nothing that a statement of ours could help."""


AWAY = (OperationalError, InterfaceError, DatabaseUnusable)
"""What a database raises that restarts, gives a transaction up, is locked or has no room: trying again may help."""

_UNUSABLE_SQLITE = (
    "unable to open database file",
    "attempt to write a readonly database",
    "database or disk is full",
    "disk I/O error",
    "database is locked",
    "database disk image is malformed",
    "file is not a database",
)

# Connection exception, insufficient resources, operator intervention, read-only transaction.
_UNUSABLE_POSTGRESQL = ("08", "53", "57", "25006")


def connect(url: str, *, patience_s: float = 0.0) -> Engine:
    """An engine for ``sqlite:///path``, ``sqlite://`` (in memory, for tests) or ``postgresql://…``.

    ``patience_s`` is how long a PostgreSQL that cannot be reached is waited for. Raises DatabaseError for any other
    address.
    """
    try:
        address = make_url(url)
    except exc.ArgumentError as error:
        raise DatabaseError(f"not a database address: {url!r}") from error
    backend = address.get_backend_name()
    if backend == "postgresql":
        engine = create_engine(
            address.set(drivername="postgresql+psycopg"),
            pool_pre_ping=True,
            isolation_level=_ISOLATION,
            max_overflow=_CONNECTIONS,
        )
        event.listen(engine, "do_connect", _waiting(patience_s))
        event.listen(engine, "handle_error", _told)
        return engine
    if backend != "sqlite":
        raise DatabaseError(f"only sqlite and postgresql are supported, not {backend}")
    memory = _file(address) is None
    options: dict[str, Any] = {"connect_args": {"check_same_thread": False, "timeout": 60}}
    engine = (
        create_engine(address, **options, poolclass=StaticPool)
        if memory
        else create_engine(address, **options, max_overflow=_CONNECTIONS)
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    event.listen(engine, "handle_error", _told)
    return engine


def _waiting(patience_s: float) -> Callable[..., Any]:
    """Connects as the driver does, again and again while the server is away, for as long as ``patience_s``."""

    def reach(dialect: Any, _record: Any, arguments: Any, options: Any) -> Any:
        until = time.monotonic() + patience_s
        while True:
            try:
                return dialect.connect(*arguments, **options)
            except dialect.loaded_dbapi.OperationalError as error:
                if time.monotonic() >= until:
                    raise
                log.warning("the database cannot be reached, trying again: %s", error)
                time.sleep(_AGAIN_S)

    return reach


def insisting(attempt: Callable[[], T]) -> T:
    """What an attempt gives, made again where the database broke it off. Each must be a transaction of its own.

    Raises what the last of ``TRIES`` attempts raised.
    """
    for tried in range(1, TRIES):
        try:
            return attempt()
        except AWAY as error:
            log.warning("attempt %d was broken off by the database: %s", tried, error)
    return attempt()


def _file(address: URL) -> Path | None:
    """Where an SQLite database lies; None for one in memory, or at a server."""
    if address.get_backend_name() != "sqlite" or address.database in (None, "", ":memory:"):
        return None
    return Path(str(address.database))


def make_room(address: URL) -> None:
    """Makes the folder that an SQLite database will lie in. Raises DatabaseUnusable."""
    file = _file(address)
    if file is not None:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DatabaseUnusable(f"no database can be made at {file}: {error.strerror}") from error


def _told(context: ExceptionContext) -> None:
    """Raises what is not a statement's fault as DatabaseUnusable, in one line."""
    found = context.original_exception
    if context.is_pre_ping or not isinstance(context.sqlalchemy_exception, exc.DatabaseError):
        # A connection of the pool that died is replaced by another, and no error.
        return
    line = " ".join(str(found).split())
    state = getattr(found, "sqlstate", None) or ""
    is_unusable = (
        context.connection is None
        or context.is_disconnect
        or any(line.startswith(one) for one in _UNUSABLE_SQLITE)
        or state.startswith(_UNUSABLE_POSTGRESQL)
    )
    if is_unusable and context.engine is not None:
        where = context.engine.url.render_as_string(hide_password=True)
        raise DatabaseUnusable(f"the database {where} cannot be used: {line}") from found


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # The driver's own transactions begin too late for BEGIN IMMEDIATE; _begin_sqlite begins them instead.
    connection.isolation_level = None
    for pragma in _SQLITE:
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    writing = connection.get_execution_options().get("writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction for writing. Writers come one after another.

    On SQLite that is its nature; on PostgreSQL a lock makes it so, because a reader of the change log may otherwise
    see number 8 before number 7 is committed, and would then never come back for 7.
    """
    with engine.connect().execution_options(writing=True) as connection, connection.begin():
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _WRITERS_LOCK})
        yield connection


def tell_planner(connection: Connection, tables: Sequence[str]) -> None:
    """Has PostgreSQL look how tables are filled now that everything in them was written anew.

    Its own look comes later, or never where autovacuum is off; until then it takes a full table for an empty one.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"ANALYZE {', '.join(tables)}"))


def upgrade(engine: Engine) -> None:
    """Brings the schema to this version; does nothing where it already is. Raises DatabaseUnusable."""
    make_room(engine.url)
    with writing(engine) as connection:
        config = _alembic()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def check(engine: Engine) -> None:
    """Raises DatabaseError, with the cure, unless the schema is the one this version works with."""
    found = revision(engine)
    script = ScriptDirectory.from_config(_alembic())
    if found == script.get_current_head():
        return
    if found in {each.revision for each in script.walk_revisions()}:
        raise DatabaseError("the database is older than this version of Nachuan: run `nachuan db upgrade`")
    raise DatabaseError(
        f"the database (revision {found}) is newer than this version of Nachuan: install that version"
    )


def revision(engine: Engine) -> str:
    """The revision of the schema that is there. Raises DatabaseError where there is no catalogue of any version."""
    file = _file(engine.url)
    found = None
    # To connect would make an empty database, wherever a setting points by mistake.
    if file is None or file.exists():
        with engine.connect() as connection:
            found = MigrationContext.configure(connection).get_current_revision()
    if found is None:
        where = engine.url.render_as_string(hide_password=True)
        raise DatabaseError(
            f"there is no catalogue in {where}: run `nachuan db upgrade`, or say with NACHUAN_HOME where it is"
        )
    return found


def _alembic() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config
