"""From the catalogue to the index: what is indexed of a dataset, and that the two stay together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from threading import Event

import pytest
from msgspec.structs import replace

from portal.catalog.model import (
    Column,
    Dataset,
    DatasetState,
    Distribution,
    Entry,
    Place,
    Publisher,
    RecordType,
)
from portal.catalog.store import Catalog
from portal.scorecard.assess import catch_up, rebuild
from portal.search import indexing
from portal.search.indexing import Comparison, Reconciled, document
from portal.search.memory import MemoryIndex
from portal.search.query import IndexCorrupt, Position, Query, Sort
from tests.catalogs import filled, record

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def entry(state: DatasetState = DatasetState.CURRENT, **fields: object) -> Entry:
    given: dict[str, object] = {"id": "x", "source_id": "hangzhou", "source_key": "k-1", "title": "公交线路"} | fields
    dataset = Dataset(**given)  # type: ignore[arg-type]
    return Entry(dataset=dataset, state=state, first_seen=NOW, changed=NOW)


def test_a_region_is_found_by_its_names_and_those_of_the_regions_around_it() -> None:
    made = document(entry(region="330102", places=(Place(name="西湖"),)))
    assert made.values["region"] == ("330102", "330100", "330000", "100000")
    assert {"上城区", "杭州市", "浙江省", "Zhejiang", "西湖"} <= set(made.places)


def test_what_the_portal_did_not_say_is_in_no_facet_and_no_text() -> None:
    made = document(entry())
    assert made.values == {"source": ("hangzhou",)}
    assert (made.descriptions, made.keywords, made.columns, made.publishers, made.places) == ((), (), (), (), ())
    assert (made.modified, made.created, made.quality) == (None, None, None)


def test_every_facet_takes_its_values_from_the_dataset() -> None:
    made = document(
        entry(
            themes=("health",),
            publisher=Publisher(
                id="p1", name="卫健委", institution_type="government_department", functions=("health", "sport")
            ),
            distributions=(
                Distribution(id="1", format="csv"),
                Distribution(id="2", format="xls"),
                Distribution(id="3", format="csv"),
            ),
            openness="conditional",
            licence="cc0",
            frequency="daily",
            hvd_categories=("c_60182062",),
        )
    )
    assert made.values == {
        "theme": ("health",),
        "publisher": ("p1",),
        "institution": ("government_department",),
        "format": ("csv", "xls"),
        "department": ("health", "sport"),
        "openness": ("conditional",),
        "license": ("cc0",),
        "frequency": ("daily",),
        "source": ("hangzhou",),
        "hvd": ("c_60182062", "c_ac64a52d"),
    }


def test_texts_in_every_language_columns_and_labels_are_searched() -> None:
    made = document(
        entry(
            titles={"zh": "公交线路", "en": "Bus lines"},
            descriptions={"en": "All lines", "zh": "全部线路"},
            keywords=("公交",),
            keywords_by_language={"en": ("bus", "公交")},
            columns=(Column(name="XLMC", title="线路名称"), Column(name="XLMC")),
            themes=("health",),
            distributions=(Distribution(id="1", title="线路表"),),
            identifiers=("10.1/x",),
        )
    )
    assert made.titles == ("公交线路", "Bus lines")
    assert made.descriptions == ("All lines", "全部线路")
    assert made.keywords == ("公交", "bus")
    assert made.columns == ("XLMC", "线路名称")
    assert {"医疗卫生", "Health care", "线路表", "10.1/x", "k-1"} <= set(made.other)


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        ("<p>Bus&nbsp;&amp; tram</p>", "Bus\xa0& tram"),
        ("a < b and c > d", "a < b and c > d"),
        ("<script>alert('x')</script>text<!-- no -->", "text"),
        ("# 题\n- **水质** `pH`\n* 见 [说明](https://a.example/x_y)\n> 引", "题\n水质 pH\n见 说明\n引"),
        ("__bold__ and snake__case, 5 - 3 * 2", "bold and snake__case, 5 - 3 * 2"),
        ("x" * 6000, "x" * 5000),
    ],
)
def test_a_description_is_searched_without_its_markup(given: str, plain: str) -> None:
    assert document(entry(description=given)).descriptions == (plain,)


def test_the_later_of_the_two_dates_of_change_counts() -> None:
    earlier = datetime(2025, 1, 1, tzinfo=UTC)
    assert document(entry(modified=earlier, data_modified=NOW)).modified == NOW
    assert document(entry(data_modified=earlier)).modified == earlier


def test_the_digest_is_that_of_everything_indexed() -> None:
    assert document(entry()).digest == document(entry()).digest
    assert document(entry()).digest != document(entry(keywords=("水",))).digest
    assert document(entry()).digest != document(entry(), quality=0.5).digest


@pytest.mark.parametrize(
    ("state", "kind", "indexed"),
    [
        (DatasetState.CURRENT, RecordType.DATASET, True),
        (DatasetState.UNUSABLE, RecordType.DATASET, True),
        (DatasetState.MISSING, RecordType.DATASET, True),
        (DatasetState.RETIRED, RecordType.DATASET, False),
        (DatasetState.CURRENT, RecordType.SERVICE, False),
        (DatasetState.CURRENT, RecordType.SERIES, False),
    ],
)
def test_datasets_that_are_not_retired_are_indexed(state: DatasetState, kind: RecordType, indexed: bool) -> None:
    assert indexing.is_indexed(entry(state, record_type=kind)) is indexed


def found(index: MemoryIndex) -> list[str]:
    return [hit.id[-1] for hit in index.search(Query()).hits]


def test_an_index_never_filled_is_built_and_then_follows_the_change_log(catalog: Catalog) -> None:
    index = MemoryIndex()
    filled(catalog, record("a"), record("b"))
    assert indexing.behind(catalog, index) == 2
    assert indexing.catch_up(catalog, index) == 2
    filled(catalog, record("a", title="新题"), record("c"))
    assert indexing.behind(catalog, index) == 2
    assert indexing.catch_up(catalog, index) == 2
    assert found(index) == ["a", "b", "c"]
    assert index.search(Query(text="新题")).total == 1
    assert (indexing.behind(catalog, index), indexing.catch_up(catalog, index)) == (0, 0)
    assert indexing.check(catalog, index) == Comparison(3, (), (), ())


def test_long_change_logs_are_followed_in_parts(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexing, "CHANGES_AT_ONCE", 3)
    index = MemoryIndex()
    indexing.catch_up(catalog, index)
    filled(catalog, *(record(str(number)) for number in range(8)))
    assert indexing.catch_up(catalog, index) == 8
    assert index.search(Query()).total == 8


def test_what_becomes_a_service_or_is_retired_leaves_the_index(catalog: Catalog) -> None:
    index = MemoryIndex()
    filled(catalog, record("a"), record("b"))
    indexing.catch_up(catalog, index)
    filled(catalog, record("a", record_type=RecordType.SERVICE))
    indexing.catch_up(catalog, index)
    assert found(index) == ["b"]
    assert indexing.rebuild(catalog, index) == 1
    assert found(index) == ["b"]


def test_an_index_ahead_of_a_restored_database_is_rebuilt(catalog: Catalog) -> None:
    index = MemoryIndex()
    index.rebuild([document(entry())], Position(900))
    filled(catalog, record("a"))
    indexing.catch_up(catalog, index)
    assert (index.position(), found(index)) == (Position(1), ["a"])


def apart(catalog: Catalog) -> MemoryIndex:
    """An index that followed every change of three datasets, and is wrong about each of them all the same."""
    index = MemoryIndex()
    filled(catalog, record("a"), record("b"), record("c"))
    indexing.catch_up(catalog, index)
    stale = catalog.entry(record("b").dataset.id)
    assert stale is not None
    gone = record("c").dataset.id
    index.apply([document(entry()), document(replace(stale, dataset=replace(stale.dataset, title="旧")))], [gone], Position(3))
    return index


def test_x94_check_names_every_difference_between_index_and_catalogue(catalog: Catalog) -> None:
    index = apart(catalog)
    compared = indexing.check(catalog, index)
    assert compared == Comparison(3, (record("c").dataset.id,), ("x",), (record("b").dataset.id,))
    assert not compared.agrees
    indexing.rebuild(catalog, index)
    assert indexing.check(catalog, index).agrees


def test_x94_what_differs_although_every_change_was_followed_is_made_good(catalog: Catalog) -> None:
    index = apart(catalog)
    assert indexing.behind(catalog, index) == 0
    assert indexing.reconcile(catalog, index, Event()) == Reconciled(3, lacking=1, surplus=1, stale=1)
    assert found(index) == ["a", "b", "c"]
    assert (indexing.check(catalog, index).agrees, index.position()) == (True, Position(3))
    assert indexing.reconcile(catalog, index, Event()) == Reconciled(3, 0, 0, 0)


class Damaged(MemoryIndex):
    """An index that opens well, and of which following changes finds that it is damaged."""

    def apply(self, *given: object) -> None:  # type: ignore[override]
        raise IndexCorrupt("cannot be read")


def test_x93_damage_that_shows_only_when_changes_are_followed_is_made_good(catalog: Catalog) -> None:
    index = Damaged()
    filled(catalog, record("a"))
    indexing.rebuild(catalog, index)
    filled(catalog, record("b"))
    assert indexing.catch_up(catalog, index) == 1
    assert found(index) == ["a", "b"]


def test_x94_more_differences_than_one_commit_takes_are_made_good(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = MemoryIndex()
    filled(catalog, *(record(str(number)) for number in range(8)))
    indexing.catch_up(catalog, index)
    index.apply((), [record(str(number)).dataset.id for number in range(7)], Position(8))
    monkeypatch.setattr(indexing, "CHANGES_AT_ONCE", 3)
    assert indexing.reconcile(catalog, index, Event()) == Reconciled(8, lacking=7, surplus=0, stale=0)
    assert indexing.check(catalog, index).agrees


class Busy:
    """A catalogue that changes while it is walked."""

    def __init__(self, catalog: Catalog, meanwhile: Callable[[], object]) -> None:
        self._catalog, self._meanwhile = catalog, meanwhile

    def __getattr__(self, name: str) -> object:
        return getattr(self._catalog, name)

    def walk(self) -> Iterator[Entry]:
        self._meanwhile()
        yield from self._catalog.walk()


def test_x94_what_changes_while_it_is_compared_is_no_difference(catalog: Catalog) -> None:
    index = MemoryIndex()
    filled(catalog, record("a"), record("b"))
    indexing.catch_up(catalog, index)
    busy = Busy(catalog, lambda: filled(catalog, record("a", title="新"), record("c")))
    assert indexing.reconcile(busy, index, Event()) == Reconciled(3, 0, 0, 0)  # type: ignore[arg-type]
    assert (index.position(), found(index)) == (Position(4), ["a", "b", "c"])


def test_x94_a_comparison_that_is_stopped_makes_nothing_good(catalog: Catalog) -> None:
    index, stop = apart(catalog), Event()
    assert indexing.reconcile(Busy(catalog, stop.set), index, stop) is None  # type: ignore[arg-type]
    assert not indexing.check(catalog, index).agrees


def test_changes_made_during_a_rebuild_are_followed_afterwards(catalog: Catalog) -> None:
    index = MemoryIndex()
    filled(catalog, record("a"))
    indexing.rebuild(Busy(catalog, lambda: filled(catalog, record("b"))), index)  # type: ignore[arg-type]
    assert index.position() == Position(1)
    assert indexing.catch_up(catalog, index) == 1
    assert found(index) == ["a", "b"]


def test_the_best_record_comes_first_once_it_is_assessed_and_not_before(catalog: Catalog) -> None:
    index = MemoryIndex()
    said = {"licence": "cc-by-4.0", "description": "各站的名称、位置和开通时间，每月更新。"}
    bare, told = record("a"), record("b", **said)
    filled(catalog, bare, told)
    indexing.catch_up(catalog, index)
    assert index.search(Query(sort=Sort.QUALITY)).total == 2
    rebuild(catalog)
    assert indexing.behind(catalog, index) == 1
    assert indexing.catch_up(catalog, index) == 2
    assert [hit.id for hit in index.search(Query(sort=Sort.QUALITY)).hits] == [told.dataset.id, bare.dataset.id]
    assert (indexing.behind(catalog, index), indexing.catch_up(catalog, index)) == (0, 0)
    filled(catalog, record("a", **said, frequency="monthly", keywords=("公交", "车站")))
    catch_up(catalog)
    indexing.catch_up(catalog, index)
    assert [hit.id for hit in index.search(Query(sort=Sort.QUALITY)).hits] == [bare.dataset.id, told.dataset.id]
    assert indexing.check(catalog, index).agrees
