"""Saved, lost and brought back; upgraded and broken off half-way (faults D92)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import event

from portal.catalog import backup, engines
from portal.catalog.engines import DatabaseError
from portal.catalog.store import Catalog
from tests.catalogs import filled, postgresql_database, postgresql_runs, record
from tests.fixtures import needs
from tests.portal.web.town import build

BACKENDS = [
    "sqlite",
    pytest.param(
        "postgresql", marks=(pytest.mark.slow, needs("postgresql", postgresql_runs(), "no PostgreSQL answers"))
    ),
]


@contextmanager
def database(backend: str, folder: Path, name: str) -> Iterator[str]:
    """The address of an empty database."""
    if backend == "sqlite":
        yield f"sqlite:///{folder / name}.db"
        return
    with postgresql_database() as url:
        yield url


def everything(catalog: Catalog) -> tuple[Any, ...]:
    """All that a catalogue says: its datasets, their words, their history, its runs, issues and sources."""
    ids = [entry.dataset.id for entry in catalog.walk(retired=True)]
    return (
        catalog.figures(),
        list(catalog.walk(retired=True)),
        [catalog.raw(id) for id in ids],
        [catalog.history(id) for id in ids],
        catalog.runs.recent(),
        catalog.runs.issues(limit=1000, for_operators=True),
        catalog.sources.all(),
    )


@pytest.mark.parametrize("backend", BACKENDS)
def test_d92_what_was_saved_is_brought_back_to_the_last_word(backend: str, tmp_path: Path) -> None:
    with database(backend, tmp_path, "one") as one, database(backend, tmp_path, "two") as two:
        catalog = Catalog(one)
        catalog.upgrade()
        build(catalog)
        saved = tmp_path / "saved"
        backup.save(one, saved)
        before = everything(catalog)
        filled(catalog, record("later"))
        assert everything(catalog) != before
        backup.restore(two, saved, replace=False)
        other = Catalog(two)
        other.check()
        assert everything(other) == before
        with pytest.raises(DatabaseError, match="--replace"):
            backup.restore(one, saved, replace=False)
        catalog.close()
        backup.restore(one, saved, replace=True)
        assert everything(Catalog(one)) == before
        other.close()


def test_d92_a_file_that_is_no_saved_database_takes_nothing_away(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'nachuan.db'}"
    catalog = Catalog(url)
    catalog.upgrade()
    build(catalog)
    before = everything(catalog)
    saved = tmp_path / "saved"
    backup.save(url, saved)
    whole = saved.read_bytes()
    other = tmp_path / "other"
    with sqlite3.connect(other) as database:
        database.execute("CREATE TABLE something (else_ TEXT)")
    database.close()
    middle = len(whole) // 2
    damaged = whole[:middle] + b"\xff" * 4096 + whole[middle + 4096:]
    for content in (b"", b"garbage" * 1000, whole[:middle], damaged, other.read_bytes()):
        saved.write_bytes(content)
        with pytest.raises(DatabaseError, match="was not brought back|is a database, but no catalogue"):
            backup.restore(url, saved, replace=True)
        assert everything(catalog) == before
    catalog.close()


def test_d92_what_could_not_be_saved_whole_is_not_there(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'nachuan.db'}"
    with pytest.raises(DatabaseError, match="there is no folder"):
        backup.save(url, tmp_path / "no such folder" / "saved")
    (tmp_path / "nachuan.db").write_bytes(b"garbage" * 1000)
    with pytest.raises(DatabaseError, match="file is not a database"):
        backup.save(url, tmp_path / "saved")
    assert not (tmp_path / "saved").exists()


class Died(Exception):
    """The upgrade ends here."""


@contextmanager
def dying_at(catalog: Catalog, statement: int) -> Iterator[list[int]]:
    heard = [0]

    def hear(*_: Any) -> None:
        heard[0] += 1
        if heard[0] == statement:
            raise Died

    event.listen(catalog.engine, "before_cursor_execute", hear)
    try:
        yield heard
    finally:
        event.remove(catalog.engine, "before_cursor_execute", hear)


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
def test_d92_an_upgrade_that_breaks_off_anywhere_leaves_all_as_it_was_and_is_made_again(
    backend: str, tmp_path: Path
) -> None:
    with database(backend, tmp_path, "one") as url, database(backend, tmp_path, "two") as again:
        whole = Catalog(again)
        with dying_at(whole, 0) as heard:
            whole.upgrade()
        whole.close()
        catalog = Catalog(url)
        # Every third: each dies in another migration and at another kind of statement.
        for statement in range(1, heard[0] + 1, 3):
            with dying_at(catalog, statement), pytest.raises(Died):
                catalog.upgrade()
            with pytest.raises(DatabaseError, match="nachuan db upgrade"):
                catalog.check()
        catalog.upgrade()
        catalog.check()
        build(catalog)
        catalog.upgrade()
        assert catalog.figures().entries
        catalog.close()


def test_d92_a_program_older_than_its_database_refuses_and_names_the_version(catalog: Catalog) -> None:
    with catalog.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(DatabaseError, match="newer than this version of Nachuan"):
        catalog.check()
    head = ScriptDirectory.from_config(engines._alembic()).get_current_head()
    assert head is not None and head != "9999"
