"""Catalogues for tests: real SQLite in memory, and real PostgreSQL where it runs."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache

from sqlalchemy import create_engine, event, text
from sqlalchemy.exc import OperationalError

from portal.catalog.model import Dataset, RunMode, Source
from portal.catalog.store import Catalog
from portal.catalog.writing import NewRecord

POSTGRESQL = os.environ.get("NACHUAN_TEST_POSTGRESQL", "postgresql+psycopg://postgres@127.0.0.1:5432/postgres")

SOURCE = Source(id="hangzhou", title="杭州市公共数据开放平台", kind="ckan", url="http://127.0.0.1/", region="330100")

MEMORY = "sqlite://"

_idle: list[Catalog] = []
"""Catalogues in memory that were closed. Taken again, on a new database, they need not compile their statements again."""


def empty_catalog(url: str = MEMORY) -> Catalog:
    """A catalogue on a new SQLite database, with the tables the migrations make, copied in a hundredth of the time."""
    catalog = _idle.pop() if url == MEMORY and _idle else _opened(url)
    with closing(_migrated().engine.raw_connection()) as made, closing(catalog.engine.raw_connection()) as new:
        made.driver_connection.backup(new.driver_connection)
    return catalog


def _opened(url: str) -> Catalog:
    catalog = Catalog(url)
    if url == MEMORY:
        event.listen(catalog.engine, "engine_disposed", lambda _: catalog in _idle or _idle.append(catalog))
    return catalog


@cache
def _migrated() -> Catalog:
    catalog = Catalog(MEMORY)
    catalog.upgrade()
    return catalog


def postgresql_runs() -> bool:
    """Whether a PostgreSQL server answers."""
    engine = create_engine(POSTGRESQL, connect_args={"connect_timeout": 2})
    try:
        engine.connect().close()
    except OperationalError:
        return False
    finally:
        engine.dispose()
    return True


@contextmanager
def postgresql_database(template: str = "template1") -> Iterator[str]:
    """The address of a fresh database, a copy of the one named ``template``, dropped afterwards."""
    name = f"nachuan_test_{uuid.uuid4().hex[:12]}"
    server = create_engine(POSTGRESQL, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
    try:
        yield str(server.url.set(database=name).render_as_string(hide_password=False))
    finally:
        with server.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        server.dispose()


def record(key: str, *, source: Source = SOURCE, body: bytes | None = None, **fields: object) -> NewRecord:
    """A translated record with an id made from its key, and a body that follows its fields unless given."""
    given: dict[str, object] = {"title": f"数据集 {key}"} | fields
    dataset = Dataset(id=f"{source.id[:4]}{key:0>12}", source_id=source.id, source_key=key, **given)  # type: ignore[arg-type]
    words = body if body is not None else repr((key, sorted(given.items(), key=str))).encode()
    return NewRecord(
        dataset=dataset,
        body=words,
        raw_digest=uuid.uuid5(uuid.NAMESPACE_OID, words.decode()).bytes,
        media_type="application/json",
        url=None,
    )


def filled(catalog: Catalog, *records: NewRecord, source: Source = SOURCE) -> int:
    """Stores records as one run of ``source`` would; the run's number."""
    catalog.sources.put(source)
    lease = catalog.sources.lease(source.id, "test")
    run = catalog.runs.start(source.id, RunMode.FULL, "test")
    with catalog.transaction(lease, run.id) as transaction:
        transaction.put(records)
    catalog.sources.release(lease)
    return run.id
