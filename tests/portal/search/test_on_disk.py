"""Indexes on disk: what readers and writers of several processes see, and what happens to damaged files."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import resource
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from portal.search import generations
from portal.search.engines import open_index
from portal.search.facets import SearchDocument
from portal.search.generations import Generations
from portal.search.memory import MemoryIndex
from portal.search.query import IndexBusy, IndexCorrupt, IndexOutdated, Position, Query, SearchIndex, Sort
from portal.search.tantivy_index import TantivyIndex
from portal.search.whoosh_index import WhooshIndex

ENGINES = {"tantivy": TantivyIndex, "whoosh": WhooshIndex}


def batch(number: int, size: int) -> list[SearchDocument]:
    """Documents that all say which commit they are of."""
    return [
        SearchDocument(id=f"d{place}", digest=str(number), titles=("数据",), keywords=(f"批{number}",), values={})
        for place in range(size)
    ]


@pytest.fixture(params=sorted(ENGINES))
def engine(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def index(engine: str, tmp_path: Path) -> Iterator[SearchIndex]:
    opened = open_index(f"{engine}:", tmp_path)
    yield opened
    opened.close()


def root(engine: str, home: Path) -> Path:
    return home / "search" / engine


def test_an_index_is_opened_where_its_address_says(tmp_path: Path) -> None:
    open_index(f"tantivy:{tmp_path / 'here'}", tmp_path).rebuild(batch(1, 1), Position(1))
    open_index("whoosh:", tmp_path).rebuild(batch(1, 1), Position(1))
    assert (tmp_path / "here" / "current.json").is_file()
    assert (tmp_path / "search" / "whoosh" / "current.json").is_file()
    assert isinstance(open_index("memory:", tmp_path), MemoryIndex)
    for wrong in ("elastic:", "tantivy", "", "https://search.example"):
        with pytest.raises(ValueError, match="no search engine"):
            open_index(wrong, tmp_path)


def test_an_index_opened_again_stands_where_it_stood(engine: str, index: SearchIndex, tmp_path: Path) -> None:
    index.rebuild(batch(1, 3), Position(1))
    index.apply(batch(2, 2), ["d2"], Position(7))
    again = open_index(f"{engine}:", tmp_path)
    assert (again.position(), again.digests()) == (Position(7), {"d0": "2", "d1": "2"})


def test_a_reader_sees_commits_and_rebuilds_of_another(engine: str, index: SearchIndex, tmp_path: Path) -> None:
    reader = open_index(f"{engine}:", tmp_path)
    assert reader.search(Query()).total == 0
    index.apply(batch(1, 3), [], Position(1))
    assert reader.search(Query(text="批1")).total == 3
    index.rebuild(batch(2, 5), Position(2))
    assert (reader.search(Query(text="批2")).total, reader.position()) == (5, Position(2))
    index.apply([], ["d0"], Position(3))
    assert (reader.search(Query()).total, reader.position()) == (4, Position(3))


def test_a_rebuild_that_fails_leaves_the_old_index(engine: str, index: SearchIndex, tmp_path: Path) -> None:
    index.rebuild(batch(1, 3), Position(1))

    def broken() -> Iterator[SearchDocument]:
        yield from batch(2, 2)
        raise RuntimeError("the database went away")

    with pytest.raises(RuntimeError):
        index.rebuild(broken(), Position(2))
    assert (index.position(), index.search(Query(text="批1")).total) == (Position(1), 3)
    with pytest.raises(RuntimeError):
        index.apply(broken(), [], Position(2))
    assert (index.position(), index.search(Query(text="批2")).total) == (Position(1), 0)
    index.rebuild(batch(3, 4), Position(3))
    assert index.search(Query()).total == 4
    assert len(list(root(engine, tmp_path).glob("g*"))) == 1


def test_a_reader_goes_on_while_a_rebuild_is_under_way(engine: str, index: SearchIndex, tmp_path: Path) -> None:
    index.rebuild(batch(1, 3), Position(1))
    reader = open_index(f"{engine}:", tmp_path)
    seen = []

    def watched() -> Iterator[SearchDocument]:
        for document in batch(2, 4):
            seen.append((reader.search(Query()).total, reader.position()))
            yield document

    index.rebuild(watched(), Position(2))
    assert seen == [(3, Position(1))] * 4
    assert (reader.search(Query()).total, reader.position()) == (4, Position(2))


def test_x93_an_index_of_another_version_is_outdated(engine: str, index: SearchIndex, tmp_path: Path) -> None:
    index.rebuild(batch(1, 3), Position(1))
    pointer = root(engine, tmp_path) / "current.json"
    pointer.write_text(json.dumps({**json.loads(pointer.read_text()), "layout": f"{engine}-0.1"}))
    again = open_index(f"{engine}:", tmp_path)
    assert again.position() is None
    with pytest.raises(IndexOutdated, match=f"{engine}-0.1"):
        again.search(Query())
    with pytest.raises(IndexOutdated):
        again.apply(batch(2, 1), [], Position(2))
    again.rebuild(batch(2, 2), Position(2))
    assert (again.position(), again.search(Query()).total) == (Position(2), 2)


@pytest.mark.parametrize("damage", ["no pointer text", "no files", "cut files", "garbage"])
def test_x93_a_damaged_index_says_so_and_is_rebuilt(
    engine: str, index: SearchIndex, tmp_path: Path, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generations, "_POLL_S", 0.001)
    index.rebuild(batch(1, 50), Position(1))
    folder = next(root(engine, tmp_path).glob("g*"))
    if damage == "no pointer text":
        (root(engine, tmp_path) / "current.json").write_text("{")
    for path in [path for path in folder.iterdir() if path.suffix != ".lock"]:
        if damage == "no files":
            path.unlink()
        elif damage == "cut files":
            path.write_bytes(path.read_bytes()[:path.stat().st_size // 2])
        elif damage == "garbage":
            path.write_bytes(b"\xff" * 300)
    again = open_index(f"{engine}:", tmp_path)
    assert again.position() is None
    with pytest.raises(IndexCorrupt):
        again.search(Query(text="数据"))
    assert IndexCorrupt.code == "index.corrupt"
    again.rebuild(batch(2, 2), Position(2))
    assert (again.position(), again.search(Query()).total) == (Position(2), 2)


SHOWN = Query(text="数据", facets=("theme",))
ASKED: tuple[Callable[[SearchIndex], object], ...] = (
    lambda index: index.search(SHOWN),
    lambda index: index.search(Query(sort=Sort.TITLE)),
    lambda index: list(index.walk(Query(text="批1"))),
    lambda index: index.after(Query(text="批"), "d1", 3),
    lambda index: index.digests(),
    lambda index: index.suggest("数"),
    lambda index: index.apply(batch(3, 5), ["d9"], Position(3)),
)  # fmt: skip


def spoilt(folder: Path, rng: random.Random) -> str:
    """Overwrites a piece of one file of a generation, or cuts the file there; which file."""
    path = rng.choice(sorted(path for path in folder.glob("g*/*") if path.stat().st_size and "lock" not in path.name.lower()))
    words = path.read_bytes()
    place, length = rng.randrange(len(words)), rng.randrange(1, 400)
    spoiling = rng.choice((b"\xff" * length, rng.randbytes(length), None))
    path.write_bytes(words[:place] if spoiling is None else words[:place] + spoiling + words[place + length :])
    return path.name


@pytest.mark.slow
def test_x93_whatever_is_damaged_the_index_answers_or_says_that_it_cannot(
    engine: str, index: SearchIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing else comes of it: a panic of compiled code is no Exception, and would end the thread that met it."""
    monkeypatch.setattr(generations, "_POLL_S", 0.0)
    index.rebuild(batch(1, 100), Position(1))
    for number in range(3):
        index.apply(batch(2, 3), [], Position(number + 2))
    rng = random.Random(93)
    unusable = answered = 0
    for number in range(60):
        folder = tmp_path / f"damaged-{number}"
        shutil.copytree(root(engine, tmp_path), folder)
        spoilt(folder, rng)
        damaged = ENGINES[engine](folder)
        damaged.position()
        for ask in ASKED:
            try:
                ask(damaged)
                answered += 1
            except IndexCorrupt:
                unusable += 1
        damaged.rebuild(batch(4, 7), Position(9))
        assert (damaged.position(), damaged.search(SHOWN).total) == (Position(9), 7)
        shutil.rmtree(folder)
    assert unusable > 30 and answered > 30


def test_x93_a_rebuild_that_breaks_off_again_and_again_leaves_one_beginning(
    engine: str, index: SearchIndex, tmp_path: Path
) -> None:
    index.rebuild(batch(1, 3), Position(1))

    def broken() -> Iterator[SearchDocument]:
        yield from batch(2, 2)
        raise RuntimeError("the database went away")

    for _ in range(3):
        with pytest.raises(RuntimeError):
            index.rebuild(broken(), Position(2))
    assert len(list(root(engine, tmp_path).glob("g*"))) == 2
    assert (index.position(), index.search(Query(text="批1")).total) == (Position(1), 3)


def test_x94_a_crash_between_commit_and_its_record_is_made_good_by_applying_again(
    engine: str, index: SearchIndex, tmp_path: Path
) -> None:
    index.rebuild(batch(1, 3), Position(1))
    before = (root(engine, tmp_path) / "current.json").read_bytes()
    index.apply(batch(2, 3), ["d1"], Position(2))
    (root(engine, tmp_path) / "current.json").write_bytes(before)
    again = open_index(f"{engine}:", tmp_path)
    assert again.position() == Position(1)
    again.apply([document for document in batch(2, 3) if document.id != "d1"], ["d1"], Position(2))
    assert (again.position(), again.digests()) == (Position(2), {"d0": "2", "d2": "2"})


def test_x95_a_second_writer_waits_and_is_then_refused(engine: str, index: SearchIndex, tmp_path: Path) -> None:
    index.rebuild(batch(1, 1), Position(1))
    impatient = ENGINES[engine](root(engine, tmp_path), patience_s=0.1)
    with Generations(root(engine, tmp_path), "any").writing():
        for write in (
            lambda: impatient.apply(batch(2, 1), [], Position(2)), lambda: impatient.rebuild(batch(2, 1), Position(2))
        ):
            with pytest.raises(IndexBusy, match="another process is writing"):
                write()
        assert impatient.search(Query()).total == 1
    impatient.apply(batch(2, 2), [], Position(2))
    assert index.search(Query()).total == 2


@pytest.mark.slow
def test_x95_a_thousand_updates_leave_an_index_of_bounded_size(tmp_path: Path) -> None:
    index = open_index("tantivy:", tmp_path)
    index.rebuild(batch(0, 200), Position(0))

    def size() -> int:
        return sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())

    fresh = size()
    for number in range(1, 1001):
        index.apply([batch(number, 200)[number % 200]], [], Position(number))
    assert index.search(Query()).total == 200
    assert size() < 10 * fresh
    assert len(list((tmp_path / "search" / "tantivy").rglob("*"))) < 250


def _write(home: Path, engine: str, writer: int, commits: int) -> None:
    index = open_index(f"{engine}:", home)
    for number in range(commits):
        if number % 7 == 3:
            index.rebuild(batch(number + 1, 40), Position(writer * 1000 + number))
        else:
            index.apply(batch(number + 1, 40), [], Position(writer * 1000 + number))


@pytest.mark.slow
def test_readers_of_other_processes_see_whole_commits_only(engine: str, tmp_path: Path) -> None:
    """Two processes write by turns, rebuilding now and then; whatever a reader sees is all of one commit."""
    open_index(f"{engine}:", tmp_path).rebuild(batch(0, 40), Position(0))
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write, args=(tmp_path, engine, writer, 20)) for writer in (1, 2)]
    for writer in writers:
        writer.start()
    readers = [open_index(f"{engine}:", tmp_path) for _ in range(2)]
    looks = 0
    seen = set()
    deadline = time.monotonic() + 120
    while any(writer.is_alive() for writer in writers) and time.monotonic() < deadline:
        for reader in readers:
            digests = reader.digests()
            assert len(digests) == 40
            assert len(set(digests.values())) == 1
            assert reader.search(Query(text="数据", facets=("region",))).total == 40
            seen |= set(digests.values())
            looks += 1
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert looks > 4 and len(seen) > 2
    assert os.listdir(root(engine, tmp_path)).count("writer.lock") == 1


def _without_room(home: Path, engine: str, rebuild: bool) -> None:
    """Writes in a process whose files may not grow, as on a full disk; 7 says that it was told so."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
    index = open_index(f"{engine}:", home)
    try:
        if rebuild:
            index.rebuild(batch(2, 3000), Position(2))
        else:
            index.apply(batch(2, 3000), [], Position(2))
    except (OSError, ValueError, RuntimeError):
        os._exit(7)
    os._exit(0)


@pytest.mark.slow
@pytest.mark.parametrize("rebuild", [False, True])
def test_k90_a_full_disk_leaves_the_index_that_was_and_the_next_with_room_makes_good(
    engine: str, index: SearchIndex, tmp_path: Path, rebuild: bool
) -> None:
    index.rebuild(batch(1, 3), Position(1))
    process = multiprocessing.get_context("spawn").Process(target=_without_room, args=(tmp_path, engine, rebuild))
    process.start()
    process.join()
    assert process.exitcode == 7
    reader = open_index(f"{engine}:", tmp_path)
    assert (reader.position(), reader.search(Query(text="批1")).total) == (Position(1), 3)
    reader.apply(batch(3, 5), [], Position(3))
    assert (reader.position(), reader.search(Query(text="批3")).total) == (Position(3), 5)
