"""What serves the list follows the catalogue, whatever happens to it, and is the same as made from nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from portal.catalog import counting
from portal.catalog.appearances import Appearance
from portal.catalog.high_value import LEASE, AsOf, Matched
from portal.catalog.model import Column, Distribution, RecordType, Source
from portal.catalog.sources import LeaseLost, SourceHeld
from portal.catalog.store import Catalog
from portal.catalog.writing import NewRecord
from portal.highvalue import following, matching
from portal.highvalue.following import catch_up, is_current, rebuild
from schemas import high_value_entries
from tests.catalogs import SOURCE, filled, record

FIELDS = tuple(Column(name=field.zh) for field in high_value_entries()["TRA-1"].fields)


def buses(key: str, **fields: object) -> NewRecord:
    """A dataset that serves one entry in full."""
    given: dict[str, object] = {
        "title": "公交线路站点信息",
        "columns": FIELDS,
        "openness": "unconditional",
        "region": "330100",
        "distributions": (Distribution(id="1", format="csv"),),
    }
    return record(key, **(given | fields))


def standing(catalog: Catalog) -> list[Matched]:
    """Everything that is kept, by entry and dataset."""
    kept = [one for id in catalog.ids() for one in catalog.high_value.of(id)]
    return sorted(kept, key=lambda one: (one.entry, one.dataset_id))


def write(catalog: Catalog, *, put: list[NewRecord] = [], retire: list[NewRecord] = []) -> None:  # noqa: B006
    """Changes the catalogue as a later harvest would."""
    lease = catalog.sources.lease(SOURCE.id, "test")
    with catalog.transaction(lease, None) as transaction:
        transaction.put(put)
        transaction.retire([one.dataset.id for one in retire], "withdrawn")
    catalog.sources.release(lease)


def test_what_serves_an_entry_is_found_and_nothing_else(any_catalog: Catalog) -> None:
    filled(any_catalog, buses("1"), record("2", title="机关党建工作动态"))
    assert not is_current(any_catalog)
    assert catch_up(any_catalog, "test") == 2
    assert is_current(any_catalog) and catch_up(any_catalog, "test") == 0
    (found,) = standing(any_catalog)
    assert (found.entry, found.dataset_id, found.reason) == ("TRA-1", buses("1").dataset.id, "title")
    assert found.words and found.fields is not None
    assert found.shortfalls == ("no-date",) and found.fresh_until is None


def test_changes_are_followed_to_what_a_rebuild_would_make(any_catalog: Catalog) -> None:
    filled(any_catalog, *(buses(str(number)) for number in range(4)))
    catch_up(any_catalog, "test")
    write(
        any_catalog,
        put=[buses("0", title="机关党建工作动态"), buses("1", openness="denied"), buses("2", columns=()), buses("9")],
        retire=[buses("3")],
    )
    assert catch_up(any_catalog, "test") == 5
    followed = standing(any_catalog)
    assert [(one.dataset_id, one.shortfalls) for one in followed] == [
        (buses("1").dataset.id, ("not-open", "no-date")),
        (buses("2").dataset.id, ("fields-not-listed", "no-date")),
        (buses("9").dataset.id, ("no-date",)),
    ]
    rebuild(any_catalog, "test")
    assert standing(any_catalog) == followed


def test_another_list_or_method_looks_at_everything_again(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(catalog, buses("1"), buses("2"))
    catch_up(catalog, "test")
    monkeypatch.setattr(following, "_method", lambda: "another")
    assert not is_current(catalog)
    assert catch_up(catalog, "test") == 2
    assert is_current(catalog)


def test_a_catalogue_restored_from_an_older_copy_is_looked_at_again(catalog: Catalog) -> None:
    filled(catalog, buses("1"))
    catch_up(catalog, "test")
    lease = catalog.sources.lease(LEASE, "test")
    position = catalog.high_value.position()
    assert position is not None
    catalog.high_value.arrive(lease, type(position)(position.change + 100, position.method))
    catalog.sources.release(lease)
    assert catch_up(catalog, "test") == 1 and is_current(catalog)


def test_a_killed_rebuild_is_begun_again(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(catalog, *(buses(str(number)) for number in range(3)))
    catch_up(catalog, "test")
    before = standing(catalog)
    monkeypatch.setattr(following, "ENTRIES_AT_ONCE", 1)
    seen = 0

    def killed(count: int) -> None:
        nonlocal seen
        seen += count
        if seen == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rebuild(catalog, "test", killed)
    assert standing(catalog) == before and not is_current(catalog)
    catch_up(catalog, "test")
    assert standing(catalog) == before and is_current(catalog)


def test_one_process_at_a_time_looks(any_catalog: Catalog) -> None:
    filled(any_catalog, buses("1"))
    lease = any_catalog.sources.lease(LEASE, "another")
    assert catch_up(any_catalog, "test") == 0
    with pytest.raises(SourceHeld):
        rebuild(any_catalog, "test")
    any_catalog.sources.release(lease)
    with pytest.raises(LeaseLost):
        any_catalog.high_value.keep(lease, [], [])
    assert catch_up(any_catalog, "test") == 1


def test_a_further_appearance_and_a_retired_dataset_are_placed_nowhere(any_catalog: Catalog) -> None:
    province = Source(id="zhejiang", title="浙江", kind="ckan", url="http://127.0.0.1/", region="330000")
    filled(any_catalog, buses("1"), buses("2"))
    copy = record("1", source=province, title="公交线路站点信息")
    filled(any_catalog, copy, source=province)
    catch_up(any_catalog, "test")
    write(any_catalog, retire=[buses("2")])
    _count_as(any_catalog, copy.dataset.id, buses("1").dataset.id)
    catch_up(any_catalog, "test")
    (found,) = any_catalog.high_value.serving()
    assert (found.dataset_id, found.region, found.source_id) == (buses("1").dataset.id, "330100", SOURCE.id)
    as_of = AsOf({}, datetime.now(UTC))
    assert any_catalog.high_value.listing("TRA-1", as_of) == [(found, False)]
    assert any_catalog.high_value.listing("COM-1", as_of) == []
    assert any_catalog.high_value.counts("TRA-1", as_of) == {(True, False): 1}
    assert any_catalog.high_value.counts("TRA-1", as_of, ["330200"]) == {}
    assert any_catalog.high_value.count() == 1


def test_a_listing_has_the_best_first_and_tells_what_is_late_by_its_sources_last_reading(any_catalog: Catalog) -> None:
    now = datetime(2026, 11, 29, tzinfo=UTC)
    filled(
        any_catalog,
        buses("1", modified=now - timedelta(days=9000)),
        buses("2", modified=now, openness=None),
        buses("3", modified=now),
        buses("4", modified=now, region="330200"),
    )
    catch_up(any_catalog, "test")
    ids = [buses(str(number)).dataset.id for number in range(5)]
    store, as_of = any_catalog.high_value, AsOf({}, now)
    assert [(one.dataset_id, late) for one, late in store.listing("TRA-1", as_of)] == [
        (ids[3], False), (ids[4], False), (ids[2], False), (ids[1], True),
    ]
    assert store.counts("TRA-1", as_of) == {(False, False): 2, (True, False): 1, (False, True): 1}
    assert [one.dataset_id for one, _ in store.listing("TRA-1", as_of, ["330100"], is_late=False, lacks=False)] == [ids[3]]
    assert [one.dataset_id for one, _ in store.listing("TRA-1", as_of, is_late=True)] == [ids[1]]
    assert [one.dataset_id for one, _ in store.listing("TRA-1", as_of, start=1, limit=2)] == [ids[4], ids[2]]
    before = AsOf({SOURCE.id: now - timedelta(days=9000)}, now)
    assert [late for _, late in store.listing("TRA-1", before)] == [False] * 4
    assert sum(one.datasets for one in store.tallies(before) if one.is_late) == 0


def _count_as(catalog: Catalog, copy: str, original: str) -> None:
    lease = catalog.sources.lease(counting.LEASE, "test")
    link = Appearance(dataset_id=copy, canonical_id=original, reason="record", beside=original)
    catalog.counting.link(lease, [copy, original], [link])
    catalog.sources.release(lease)


def test_services_and_series_serve_nothing(catalog: Catalog) -> None:
    assert matching.matches(buses("1").dataset)
    filled(catalog, buses("1", record_type=RecordType.SERVICE))
    catch_up(catalog, "test")
    assert standing(catalog) == []
