"""Counting once in the catalogue: following changes gives what making everything again gives; people's words hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

import pytest
from sqlalchemy import select

from harvester import counting
from harvester.departments import resolve
from harvester.identity import dataset_id, publisher_id
from harvester.regions import locate
from portal.catalog import tables
from portal.catalog.appearances import UnknownDataset, Verdict
from portal.catalog.counting import LEASE
from portal.catalog.model import Dataset, Publisher, RunMode, Source
from portal.catalog.sources import SourceHeld
from portal.catalog.store import Catalog
from portal.catalog.writing import NewRecord
from portal.search import indexing
from portal.search.facets import Appearances
from portal.search.memory import MemoryIndex
from portal.search.query import Position, Query, SearchIndex
from tests.catalogs import record

PORTALS = {
    "jiangsu": Source(id="jiangsu", title="江苏", kind="ckan", url="http://127.0.0.1/", region="320000"),
    "xuzhou": Source(id="xuzhou", title="徐州", kind="ckan", url="http://127.0.0.1/", region="320300"),
    "bijie": Source(id="bijie", title="毕节", kind="ckan", url="http://127.0.0.1/", region="520500"),
}
TITLES = ("保安培训机构", "市公安局_保安培训机构", "2021年保安培训机构", "公交线路站点信息", "徐州市公交线路站点信息")
OFFICES = ("徐州市公安局", "市公安局", "徐州市交通运输局", "徐州市大数据管理局")


def made(portal: str, key: str, title: str, office: str, description: str | None = None) -> NewRecord:
    region = PORTALS[portal].region
    body = resolve(office, region)
    located = locate(region, None, body.region if body else None, title)
    given = Dataset(
        id=dataset_id(portal, key), source_id=portal, source_key=key, title=title, description=description,
        publisher=Publisher(
            id=publisher_id(portal, None, office), name=office, functions=body.functions if body else (),
            department=body.id if body else None,
        ),
        region=located.code if located else None,
        region_inferred_from=located.inferred_from if located else None,
    )
    return NewRecord(
        dataset=given, body=repr(given).encode(), raw_digest=record(repr(given)).raw_digest,
        media_type="application/json", url=None,
    )


def put(catalog: Catalog, *records: NewRecord, retire: Sequence[str] = ()) -> None:
    """Stores the records of each portal as a run would, and retires the ids named, which are of the first one's."""
    for portal in sorted({one.dataset.source_id for one in records} | ({"xuzhou"} if retire else set())):
        catalog.sources.put(PORTALS[portal])
        lease = catalog.sources.lease(portal, "test")
        run = catalog.runs.start(portal, RunMode.FULL, "test")
        with catalog.transaction(lease, run.id) as transaction:
            transaction.put([one for one in records if one.dataset.source_id == portal])
            transaction.retire([id for id in retire], "withdrawn")
        catalog.sources.release(lease)


def derived(catalog: Catalog) -> dict[str, Any]:
    """Everything that counting writes."""
    with catalog.engine.connect() as connection:
        return {
            table.name: connection.execute(select(*columns).order_by(*columns)).all()
            for table, columns in (
                (tables.dataset, (tables.dataset.c.id, tables.dataset.c.counted_as)),
                (tables.appearance, tuple(tables.appearance.c)),
                (tables.appearance_key, tuple(tables.appearance_key.c)),
                (tables.family_member, tuple(tables.family_member.c)),
                (tables.appearance_position, tuple(tables.appearance_position.c)),
            )
        }


@pytest.fixture
def pair(any_catalog: Catalog) -> Iterator[tuple[Catalog, str, str]]:
    """A catalogue with one dataset at two portals, counted: the city's entry and the province's."""
    city = made("xuzhou", "1", "市公安局_保安培训机构", "徐州市公安局")
    province = made("jiangsu", "1", "保安培训机构", "徐州市公安局")
    put(any_catalog, city, province)
    counting.catch_up(any_catalog, "test")
    yield any_catalog, city.dataset.id, province.dataset.id


def test_a_dataset_met_at_two_portals_counts_once_where_it_was_made(pair: tuple[Catalog, str, str]) -> None:
    catalog, city, province = pair
    figures = catalog.figures()
    assert (figures.datasets, figures.entries, figures.publishers) == (1, 2, 2)
    assert figures.regions == {"320300": 1}
    assert {one.source_id: (one.datasets, one.entries) for one in catalog.publishers()} == {
        "xuzhou": (1, 1), "jiangsu": (0, 1),
    }
    assert catalog.sources.dataset_counts() == {"xuzhou": 1, "jiangsu": 1}
    for id in (city, province):
        assert [(one.dataset_id, one.canonical_id, one.reason, one.beside) for one in catalog.appearances.of(id)] == [
            (city, city, None, None), (province, city, "department", city),
        ]
    assert catalog.appearances.others([city, province, "nobody"]) == {city: 1, province: 1}
    assert catalog.appearances.reasons() == {"department": 1}
    assert [one.dataset_id for one in catalog.appearances.page(10, reason="department")] == [province]


def test_making_everything_again_keeps_only_what_it_changes(pair: tuple[Catalog, str, str]) -> None:
    catalog, city, province = pair

    def kept() -> list[tuple[str, str | None]]:
        table = tables.counted_past.c
        with catalog.engine.connect() as connection:
            found = connection.execute(select(table.dataset_id, table.counted_as).order_by(table.number))
            return [(row.dataset_id, row.counted_as) for row in found]

    assert kept() == [(province, None)]
    counting.rebuild(catalog, "test")
    assert kept() == [(province, None)]
    catalog.appearances.decide(province, city, Verdict.APART, by="审核员")
    counting.rebuild(catalog, "test")
    assert kept() == [(province, None), (province, city)]


def listed_once(index: SearchIndex, text: str | None = None, **filters: tuple[str, ...]) -> list[str]:
    query = Query(text=text, filters=filters, appearances=Appearances.ONCE)
    return sorted(hit.id for hit in index.search(query).hits)


def followed(catalog: Catalog, index: SearchIndex) -> None:
    """Counts, then brings the index up to it, and sees that the index is what the catalogue makes of it anew."""
    counting.catch_up(catalog, "test")
    indexing.catch_up(catalog, index)
    assert indexing.check(catalog, index).agrees
    assert indexing.behind(catalog, index) == 0


def test_the_index_follows_what_an_entry_comes_to_be_counted_as(pair: tuple[Catalog, str, str]) -> None:
    catalog, city, province = pair
    index = MemoryIndex()
    followed(catalog, index)
    assert listed_once(index) == listed_once(index, source=("jiangsu",)) == [city]
    catalog.appearances.decide(province, city, Verdict.APART, by="审核员")
    counting.catch_up(catalog, "test")
    assert indexing.behind(catalog, index) == 1 and not indexing.check(catalog, index).agrees
    followed(catalog, index)
    assert listed_once(index) == sorted((city, province))
    assert listed_once(index, source=("jiangsu",)) == [province]
    catalog.appearances.decide(province, city, Verdict.OPEN, by="审核员")
    followed(catalog, index)
    assert listed_once(index) == listed_once(index, source=("jiangsu",)) == [city]


def test_the_index_follows_an_entry_whose_counted_one_goes_and_comes_back(pair: tuple[Catalog, str, str]) -> None:
    catalog, city, province = pair
    index = MemoryIndex()
    followed(catalog, index)
    put(catalog, retire=[city])
    followed(catalog, index)
    assert listed_once(index) == [province]
    put(catalog, made("xuzhou", "1", "市公安局_保安培训机构", "徐州市公安局"))
    followed(catalog, index)
    assert listed_once(index) == listed_once(index, source=("jiangsu",)) == [city]


def test_new_words_of_a_further_entry_find_the_counted_one(pair: tuple[Catalog, str, str]) -> None:
    catalog, city, province = pair
    index = MemoryIndex()
    followed(catalog, index)
    put(catalog, made("jiangsu", "1", "保安培训机构", "徐州市公安局", description="含联系电话"))
    followed(catalog, index)
    assert listed_once(index, "联系电话") == [city]
    assert [hit.id for hit in index.search(Query(text="联系电话")).hits] == [province]
    put(catalog, retire=[province])
    followed(catalog, index)
    assert listed_once(index, "联系电话") == []


def test_an_index_ahead_of_what_is_counted_is_made_again(pair: tuple[Catalog, str, str]) -> None:
    catalog, city, _ = pair
    index = MemoryIndex()
    index.rebuild((), Position(catalog.last_change(), 900))
    followed(catalog, index)
    assert listed_once(index) == [city]


def test_long_lists_of_what_is_counted_otherwise_are_followed_in_parts(
    pair: tuple[Catalog, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog, city, _ = pair
    index = MemoryIndex()
    index.rebuild((), Position(catalog.last_change()))
    monkeypatch.setattr(indexing, "CHANGES_AT_ONCE", 1)
    put(
        catalog,
        made("jiangsu", "3", "公交线路站点信息", "徐州市交通运输局"),
        made("xuzhou", "3", "公交线路站点信息", "徐州市交通运输局"),
    )
    followed(catalog, index)
    assert len(catalog.appearances.changed_datasets()[0]) == 2
    assert listed_once(index, source=("jiangsu",)) == sorted((city, dataset_id("xuzhou", "3")))


def test_a_retired_copy_leaves_the_other_standing(pair: tuple[Catalog, str, str]) -> None:
    catalog, city, province = pair
    put(catalog, retire=[city])
    counting.catch_up(catalog, "test")
    assert catalog.appearances.of(province) == [] and catalog.appearances.of(city) == []
    assert (catalog.figures().datasets, catalog.figures().entries) == (1, 1)


def test_what_a_person_took_apart_stays_apart_over_every_later_run(pair: tuple[Catalog, str, str]) -> None:
    catalog, city, province = pair
    said = catalog.appearances.decide(province, city, Verdict.APART, by="审核员", note="口径不同")
    assert counting.behind(catalog) == 1
    counting.catch_up(catalog, "test")
    assert catalog.appearances.of(city) == [] and catalog.figures().datasets == 2
    put(catalog, made("jiangsu", "1", "保安培训机构", "徐州市公安局", "改过的说明"))
    counting.catch_up(catalog, "test")
    counting.rebuild(catalog, "test")
    assert catalog.appearances.of(city) == []
    assert catalog.appearances.decisions(dataset_id=city) == [said]


def test_a_person_puts_together_what_no_rule_would_and_takes_it_back(any_catalog: Catalog) -> None:
    one, other = made("bijie", "1", "公交线路", "毕节市交通运输局"), made("xuzhou", "1", "常规公交", "徐州市交通运输局")
    put(any_catalog, one, other)
    ids = one.dataset.id, other.dataset.id
    any_catalog.appearances.decide(*ids, Verdict.TOGETHER, by="审核员")
    counting.catch_up(any_catalog, "test")
    assert [link.reason for link in any_catalog.appearances.of(ids[0])] == [None, "operator"]
    counting.rebuild(any_catalog, "test")
    assert any_catalog.figures().datasets == 1
    any_catalog.appearances.decide(*ids, Verdict.OPEN, by="审核员", note="看错了")
    counting.catch_up(any_catalog, "test")
    assert any_catalog.figures().datasets == 2
    assert [one.verdict for one in any_catalog.appearances.decisions()] == [Verdict.TOGETHER, Verdict.OPEN]
    assert any_catalog.appearances.in_force() == []


def test_a_decision_names_two_entries_that_exist(catalog: Catalog) -> None:
    with pytest.raises(ValueError, match="one with itself"):
        catalog.appearances.decide("a", "a", Verdict.APART, by="审核员")
    with pytest.raises(UnknownDataset, match="there is no dataset a"):
        catalog.appearances.decide("a", "b", Verdict.APART, by="审核员")
    assert catalog.appearances.decisions() == []


def test_a_family_shows_each_dataset_once(any_catalog: Catalog) -> None:
    put(
        any_catalog,
        made("xuzhou", "21", "2021年保安培训机构", "徐州市公安局"),
        made("jiangsu", "21", "2021年保安培训机构", "徐州市公安局"),
        made("xuzhou", "22", "2022年保安培训机构", "徐州市公安局"),
        made("xuzhou", "x", "2022年公交线路", "徐州市公安局"),
    )
    counting.catch_up(any_catalog, "test")
    city, copy = dataset_id("xuzhou", "21"), dataset_id("jiangsu", "21")
    family = any_catalog.appearances.family(copy)
    assert family is not None and family == any_catalog.appearances.family(city)
    assert [(member.dataset_id, member.period, member.area) for member in family.members] == [
        (city, "2021", "320300"), (dataset_id("xuzhou", "22"), "2022", "320300"),
    ]
    assert any_catalog.appearances.family(dataset_id("xuzhou", "x")) is None


def test_a_family_stands_in_the_order_of_time(catalog: Catalog) -> None:
    months = ("2021年10月", "2021年2月", "2020年12月", "")
    put(catalog, *(made("xuzhou", month, f"{month}保安培训机构", "徐州市公安局") for month in months))
    counting.catch_up(catalog, "test")
    family = catalog.appearances.family(dataset_id("xuzhou", ""))
    assert family is not None
    assert [member.period for member in family.members] == ["", "2020|12", "2021|2", "2021|10"]


def test_nothing_new_writes_nothing(pair: tuple[Catalog, str, str]) -> None:
    catalog, _, _ = pair
    before = derived(catalog)
    assert counting.behind(catalog) == 0
    assert counting.catch_up(catalog, "test") == counting.Counted(0, 0)
    assert derived(catalog) == before


def test_one_counts_at_a_time(pair: tuple[Catalog, str, str]) -> None:
    catalog, city, province = pair
    catalog.appearances.decide(city, province, Verdict.APART, by="审核员")
    lease = catalog.sources.lease(LEASE, "another")
    assert counting.catch_up(catalog, "test") == counting.Counted(0, 0)
    with pytest.raises(SourceHeld, match="another"):
        counting.rebuild(catalog, "test")
    catalog.sources.release(lease)
    assert counting.catch_up(catalog, "test").followed == 1


def test_a_source_that_moved_to_another_region_makes_everything_be_made_again(pair: tuple[Catalog, str, str]) -> None:
    catalog, city, province = pair
    moved = Source(id="jiangsu", title="江苏", kind="ckan", url="http://127.0.0.1/", region="100000")
    catalog.sources.put(moved)
    assert counting.behind(catalog) > 1
    counting.catch_up(catalog, "test")
    assert counting.behind(catalog) == 0 and len(catalog.appearances.of(city)) == 2


def test_a_rebuild_that_was_killed_is_made_again(pair: tuple[Catalog, str, str]) -> None:
    catalog, city, _ = pair
    before = derived(catalog)
    lease = catalog.sources.lease(LEASE, "killed")
    catalog.counting.forget(lease)
    catalog.sources.release(lease)
    # What stood stays visible meanwhile.
    assert len(catalog.appearances.of(city)) == 2
    assert counting.behind(catalog) > 0
    counting.catch_up(catalog, "test")
    assert derived(catalog) == before


@pytest.mark.parametrize("seed", [*range(3), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(3, 12))])
def test_following_changes_gives_what_making_everything_again_gives(seed: int, catalog: Catalog) -> None:
    rng = Random(seed)
    known: list[str] = []
    for _ in range(12):
        for _ in range(rng.randrange(2, 7)):
            portal, key = rng.choice(sorted(PORTALS)), str(rng.randrange(6))
            title, office = rng.choice(TITLES), rng.choice(OFFICES)
            put(catalog, made(portal, key, title, office, rng.choice((None, "甲", "乙"))))
            known.append(dataset_id(portal, key))
        here = [id for id in known if id in {dataset_id("xuzhou", str(key)) for key in range(6)}]
        if here and rng.random() < 0.3:
            put(catalog, retire=[rng.choice(here)])
        one, other = rng.choice(known), rng.choice(known)
        if one != other and rng.random() < 0.5:
            catalog.appearances.decide(one, other, rng.choice(list(Verdict)), by="审核员")
        if rng.random() < 0.7:
            counting.catch_up(catalog, "test")
    counting.catch_up(catalog, "test")
    followed = derived(catalog)
    counting.rebuild(catalog, "test")
    assert derived(catalog) == followed
    assert any(row.counted_as for row in followed["dataset"])
