"""The addresses of the catalogue: whose they are, what is known of them, in which order they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from portal.catalog.link_past import VALID_DAYS, as_of
from portal.catalog.link_uses import addresses_of, host_of
from portal.catalog.links import Address, Failing, Settled
from portal.catalog.model import Distribution, DistributionKind, Link, LinkState, Source
from portal.catalog.store import Catalog
from portal.catalog.writing import NewRecord
from tests.catalogs import SOURCE, filled, record

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
OTHER = Source(id="ningbo", title="宁波", kind="ckan", url="http://127.0.0.2/")


def giving(key: str, *urls: str, source: Source = SOURCE) -> NewRecord:
    """A dataset with one CSV file at each address."""
    files = [Distribution(id=url[-12:], download_url=url, format="csv") for url in urls]
    return record(key, source=source, distributions=tuple(files))


def retired(catalog: Catalog, *ids: str) -> None:
    lease = catalog.sources.lease(SOURCE.id, "test")
    with catalog.transaction(lease, None) as transaction:
        transaction.retire(ids, "withdrawn")
    catalog.sources.release(lease)


def claimed(catalog: Catalog, now: datetime = NOW, count: int = 100) -> list[Address]:
    while True:
        found = catalog.links.claim(count, now, host_s=120, address_s=3600)
        if found.claims or not found.idle:
            return [claim.address for claim in found.claims]


def settle(
    catalog: Catalog,
    addresses: Sequence[Address],
    *,
    state: LinkState = LinkState.AVAILABLE,
    now: datetime = NOW,
    days: float = 14,
    failing: Failing | None = None,
    free: datetime | None = None,
) -> None:
    def since(before: Link | None) -> datetime:
        return before.since if before is not None and before.state is state else now

    catalog.links.settle(
        [
            Settled(
                address=address,
                link=Link(
                    url=address.url, state=state, since=since(address.link), checked=now, status=200, media_type="text/csv"
                ),
                failing=failing,
                due=now + timedelta(days=days),
                host_free=free or now,
                host_failures=0,
                host_answered=True,
            )
            for address in addresses
        ],
        now,
    )


def everything_asked(catalog: Catalog, now: datetime = NOW) -> list[str]:
    """Asks until nothing is due; the addresses in their order."""
    asked = []
    while addresses := claimed(catalog, now):
        asked += [address.url for address in addresses]
        settle(catalog, addresses, now=now)
    return asked


def test_a_harvested_address_is_known_by_its_datasets_and_asked_once(any_catalog: Catalog) -> None:
    shared = "https://a.example/both.csv"
    filled(any_catalog, giving("1", shared, "https://a.example/1.csv"), giving("2", shared))
    assert any_catalog.links.behind() == 2
    assert any_catalog.links.catch_up() == 2
    assert any_catalog.links.behind() == 0
    assert any_catalog.links.waiting(NOW) == 2
    assert any_catalog.links.counts().states == {None: 2}
    assert sorted(everything_asked(any_catalog)) == ["https://a.example/1.csv", shared]
    assert any_catalog.links.counts().states == {LinkState.AVAILABLE: 2}
    assert any_catalog.links.known([shared, "https://never.example/"])[shared].checked == NOW


def test_following_the_log_again_changes_nothing(catalog: Catalog) -> None:
    filled(catalog, giving("1", "https://a.example/1.csv"))
    catalog.links.catch_up()
    everything_asked(catalog)
    filled(catalog, giving("1", "https://a.example/1.csv", "https://a.example/2.csv"))
    assert catalog.links.catch_up() == 1
    assert everything_asked(catalog) == ["https://a.example/2.csv"]


def test_an_address_that_nobody_gives_any_more_is_not_asked_for_but_what_is_known_of_it_stays(
    any_catalog: Catalog,
) -> None:
    old, shared = "https://a.example/old.csv", "https://a.example/shared.csv"
    filled(any_catalog, giving("1", old, shared), giving("2", shared))
    any_catalog.links.catch_up()
    everything_asked(any_catalog)
    filled(any_catalog, giving("1", "https://a.example/new.csv"))
    any_catalog.links.catch_up()
    later = NOW + timedelta(days=20)
    assert sorted(everything_asked(any_catalog, later)) == ["https://a.example/new.csv", shared]
    assert any_catalog.links.known([old])[old].state is LinkState.AVAILABLE
    assert sum(any_catalog.links.counts().states.values()) == 2
    filled(any_catalog, giving("1", old))
    any_catalog.links.catch_up()
    assert everything_asked(any_catalog, later) == [old]


def test_the_addresses_of_a_retired_dataset_rest_until_it_is_back(catalog: Catalog) -> None:
    given = giving("1", "https://a.example/1.csv")
    filled(catalog, given)
    catalog.links.catch_up()
    retired(catalog, given.dataset.id)
    catalog.links.catch_up()
    assert everything_asked(catalog) == []
    filled(catalog, given)
    catalog.links.catch_up()
    assert everything_asked(catalog) == ["https://a.example/1.csv"]


def test_an_answer_that_comes_after_its_address_was_dropped_does_not_bring_it_back(catalog: Catalog) -> None:
    given = giving("1", "https://a.example/1.csv")
    filled(catalog, given)
    catalog.links.catch_up()
    under_way = claimed(catalog)
    retired(catalog, given.dataset.id)
    catalog.links.catch_up()
    settle(catalog, under_way)
    assert everything_asked(catalog, NOW + timedelta(days=99)) == []


def test_of_each_host_one_address_is_handed_out_and_none_until_it_is_settled(catalog: Catalog) -> None:
    urls = [f"https://{host}.example/{number}.csv" for host in "abc" for number in range(3)]
    filled(catalog, giving("1", *urls))
    catalog.links.catch_up()
    first = claimed(catalog)
    assert sorted(address.host for address in first) == ["a.example", "b.example", "c.example"]
    assert claimed(catalog) == []
    settle(catalog, first[:1])
    assert [address.host for address in claimed(catalog)] == [first[0].host]


def test_hosts_take_turns_and_new_addresses_come_before_old_ones(catalog: Catalog) -> None:
    many = [f"https://many.example/{number}.csv" for number in range(4)]
    filled(catalog, giving("1", *many, "https://few.example/1.csv", "https://few.example/2.csv"))
    catalog.links.catch_up()
    order = []
    for second in range(6):
        now = NOW + timedelta(seconds=second)
        [address] = claimed(catalog, now, count=1)
        order.append(address.host)
        settle(catalog, [address], now=now)
    assert order[:4] == ["few.example", "many.example", "few.example", "many.example"]
    later = NOW + timedelta(days=30)
    filled(catalog, giving("2", "https://many.example/new.csv"))
    catalog.links.catch_up()
    assert [address.url for address in claimed(catalog, later, count=1)] == ["https://many.example/new.csv"]


def test_a_host_that_is_to_be_left_alone_is(catalog: Catalog) -> None:
    filled(catalog, giving("1", "https://a.example/1.csv", "https://a.example/2.csv"))
    catalog.links.catch_up()
    free = NOW + timedelta(minutes=10)
    settle(catalog, claimed(catalog), free=free)
    assert claimed(catalog, NOW + timedelta(minutes=9)) == []
    assert catalog.links.next_free(NOW + timedelta(minutes=9)) == free
    filled(catalog, giving("2", "https://a.example/3.csv"))
    catalog.links.catch_up()
    assert claimed(catalog, NOW + timedelta(minutes=9)) == []
    assert len(claimed(catalog, free)) == 1


def test_what_a_dead_checker_had_claimed_waits_for_its_lease(catalog: Catalog) -> None:
    filled(catalog, giving("1", "https://a.example/1.csv", "https://a.example/2.csv"))
    catalog.links.catch_up()
    [lost] = claimed(catalog)
    assert claimed(catalog, NOW + timedelta(seconds=119)) == []
    rest = everything_asked(catalog, NOW + timedelta(seconds=121))
    assert lost.url not in rest and len(rest) == 1
    assert everything_asked(catalog, NOW + timedelta(seconds=3601)) == [lost.url]


def test_a_renewed_host_stays_claimed(catalog: Catalog) -> None:
    filled(catalog, giving("1", "https://a.example/1.csv", "https://a.example/2.csv"))
    catalog.links.catch_up()
    claimed(catalog)
    catalog.links.renew({"a.example"}, NOW + timedelta(seconds=300))
    assert claimed(catalog, NOW + timedelta(seconds=299)) == []


def test_only_one_sources_addresses_are_handed_out_when_so_asked(catalog: Catalog) -> None:
    filled(catalog, giving("1", "https://a.example/1.csv", "https://b.example/1.csv"))
    filled(catalog, giving("2", "https://a.example/2.csv", source=OTHER), source=OTHER)
    catalog.links.catch_up()
    assert catalog.links.hosts(OTHER.id) == {"a.example"}
    assert catalog.links.waiting(NOW, OTHER.id) == 1
    found = catalog.links.claim(
        9, NOW, host_s=120, address_s=3600, among={"a.example"}, source_id=OTHER.id
    )
    assert [claim.address.url for claim in found.claims] == ["https://a.example/2.csv"]
    settle(catalog, [claim.address for claim in found.claims])
    again = catalog.links.claim(9, NOW, host_s=120, address_s=3600, among={"a.example"}, source_id=OTHER.id)
    assert (again.claims, again.idle) == ((), ("a.example",))
    assert catalog.links.counts(OTHER.id).states == {LinkState.AVAILABLE: 1}
    assert catalog.links.counts(SOURCE.id).states == {None: 2}


def test_datasets_with_an_address_in_another_state_are_told_once_each_number(any_catalog: Catalog) -> None:
    one, two = giving("1", "https://a.example/1.csv"), giving("2", "https://b.example/2.csv")
    filled(any_catalog, one, two)
    any_catalog.links.catch_up()
    assert any_catalog.links.changed_datasets() == ([], 0)
    first = claimed(any_catalog)
    settle(any_catalog, first)
    ids, newest = any_catalog.links.changed_datasets()
    assert (ids, newest) == ([one.dataset.id, two.dataset.id], 1)
    later = NOW + timedelta(days=15)
    again = {address.host: address for address in claimed(any_catalog, later)}
    settle(any_catalog, [again["a.example"]], now=later)
    assert any_catalog.links.changed_datasets(newest) == ([], newest)
    settle(any_catalog, [again["b.example"]], now=later, state=LinkState.GONE)
    assert any_catalog.links.changed_datasets(newest) == ([two.dataset.id], newest + 1)


def past(catalog: Catalog, address: str, *days: float) -> list[LinkState | None]:
    """The state of an address on days since ``NOW``."""
    found = (catalog.links.as_of([address], NOW + timedelta(days=day)).get(address) for day in days)
    return [link and link.state for link in found]


def test_what_an_address_told_is_known_of_every_instant(any_catalog: Catalog) -> None:
    url = "https://a.example/1.csv"
    filled(any_catalog, giving("1", url))
    any_catalog.links.catch_up()
    for day, state in ((0, LinkState.AVAILABLE), (20, LinkState.AVAILABLE), (40, LinkState.GONE), (60, LinkState.REFUSED)):
        now = NOW + timedelta(days=day)
        settle(any_catalog, claimed(any_catalog, now), now=now, state=state)
    available, gone = LinkState.AVAILABLE, LinkState.GONE
    assert past(any_catalog, url, -0.1, 0, 39.9, 40, 59.9, 60, 99) == [
        None, available, available, gone, gone, LinkState.REFUSED, LinkState.REFUSED
    ]
    then = any_catalog.links.as_of([url, "https://never.example/"], NOW + timedelta(days=30))
    assert list(then) == [url]
    # Asked on day 20 and told otherwise on day 40: of day 30 the last answer is that of day 20.
    assert (then[url].checked, then[url].status) == (NOW + timedelta(days=20), 200)


def test_two_answers_alike_vouch_for_nothing_between_them_when_they_are_too_far_apart(catalog: Catalog) -> None:
    url = "https://a.example/1.csv"
    filled(catalog, giving("1", url))
    catalog.links.catch_up()
    asked = [NOW + timedelta(days=day) for day in (0, VALID_DAYS, 2 * VALID_DAYS + 1)]
    for now in asked:
        settle(catalog, claimed(catalog, now), now=now)
    checked = [
        catalog.links.as_of([url], NOW + timedelta(days=day))[url].checked for day in (VALID_DAYS - 1, 2 * VALID_DAYS)
    ]
    assert checked == [NOW + timedelta(days=VALID_DAYS - 1), asked[1]]
    _, newest = catalog.links.changed_datasets()
    assert newest == 2, "the answer after the gap is news: what stood meanwhile was the last good one"


@pytest.mark.parametrize("told_before", [False, True])
def test_an_answer_is_dropped_when_another_was_written_down_since_its_address_was_claimed(
    any_catalog: Catalog, told_before: bool
) -> None:
    url = "https://a.example/1.csv"
    filled(any_catalog, giving("1", url))
    any_catalog.links.catch_up()
    if told_before:
        settle(any_catalog, claimed(any_catalog))
    at = NOW + timedelta(days=20)
    late = claimed(any_catalog, at)
    later = at + timedelta(hours=2)
    settle(any_catalog, claimed(any_catalog, later), now=later, state=LinkState.REFUSED)
    settle(any_catalog, late, now=later + timedelta(hours=1))
    assert any_catalog.links.known([url])[url].state is LinkState.REFUSED
    assert any_catalog.links.counts(SOURCE.id).states == {LinkState.REFUSED: 1}
    before = LinkState.AVAILABLE if told_before else None
    assert past(any_catalog, url, 1, 20.1, 22) == [before, LinkState.REFUSED, LinkState.REFUSED]


def test_before_anything_was_kept_only_that_an_address_had_been_available_is_known() -> None:
    day = timedelta(days=1)
    gone = Link(
        url="u", state=LinkState.GONE, since=NOW, checked=NOW + 9 * day, last_available=NOW - 9 * day
    )
    told = [as_of(gone, NOW + days * day) for days in (-10, -5, 3)]
    assert [link and (link.state, link.checked) for link in told] == [
        None, (LinkState.UNKNOWN, NOW - 9 * day), (LinkState.GONE, NOW + 3 * day)
    ]


def test_pages_in_place_of_files_are_counted_among_their_state(catalog: Catalog) -> None:
    filled(catalog, giving("1", "https://a.example/1.csv", "https://b.example/1.csv"))
    catalog.links.catch_up()
    for address in claimed(catalog):
        page = Link(url=address.url, state=LinkState.UNKNOWN, since=NOW, checked=NOW, is_error_page=True)
        catalog.links.settle(
            [
                Settled(
                    address=address,
                    link=page if address.host == "a.example" else msgspec.structs.replace(page, is_error_page=False),
                    failing=None,
                    due=NOW,
                    host_free=NOW,
                    host_failures=0,
                    host_answered=True,
                )
            ],
            NOW,
        )
    for counts in (catalog.links.counts(), catalog.links.counts(SOURCE.id)):
        assert (counts.states, counts.error_pages) == ({LinkState.UNKNOWN: 2}, 1)


def test_a_source_counts_an_address_with_each_dataset_that_gives_it_old_or_new(any_catalog: Catalog) -> None:
    shared = "https://a.example/both.csv"
    filled(any_catalog, giving("1", shared), giving("2", shared, "https://b.example/2.csv"))
    any_catalog.links.catch_up()
    everything_asked(any_catalog)
    filled(any_catalog, giving("3", shared, "https://c.example/3.csv"))
    any_catalog.links.catch_up()
    assert any_catalog.links.counts(SOURCE.id).states == {LinkState.AVAILABLE: 4, None: 1}
    assert any_catalog.links.counts().states == {LinkState.AVAILABLE: 2, None: 1}


def test_failures_in_a_row_are_kept(catalog: Catalog) -> None:
    filled(catalog, giving("1", "https://a.example/1.csv"))
    catalog.links.catch_up()
    failing = Failing("link.not-found", 2, NOW)
    settle(catalog, claimed(catalog), state=LinkState.UNKNOWN, failing=failing, days=3)
    [address] = claimed(catalog, NOW + timedelta(days=4))
    assert address.failing == failing
    assert address.link is not None and address.link.state is LinkState.UNKNOWN


def test_the_number_asked_is_kept_by_day(catalog: Catalog) -> None:
    filled(catalog, giving("1", "https://a.example/1.csv", "https://b.example/1.csv"))
    catalog.links.catch_up()
    everything_asked(catalog)
    assert catalog.links.asked_on(NOW.date()) == 2
    assert catalog.links.asked_on((NOW + timedelta(days=1)).date()) == 0


def test_a_file_is_promised_where_one_would_download() -> None:
    api = Distribution(id="1", kind=DistributionKind.API, access_url="https://a.example/api", format="json")
    both = Distribution(
        id="2", access_url="https://a.example/page", download_url="https://a.example/x.csv", format="csv"
    )
    only = Distribution(id="3", access_url="https://a.example/y.xls", format="xls")
    given = record("1", distributions=(api, both, only)).dataset
    assert addresses_of(given) == {
        "https://a.example/api": None,
        "https://a.example/page": None,
        "https://a.example/x.csv": "csv",
        "https://a.example/y.xls": "xls",
    }


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://Data.Example.CN./x", "data.example.cn"),
        ("http://a.example:80/", "a.example"),
        ("https://a.example:8443/", "a.example:8443"),
        ("http://[::1]:8080/", "::1:8080"),
        ("http://[broken/", ""),
        ("http://a.example:no/", ""),
    ],
)
def test_the_host_is_the_one_politeness_counts(url: str, host: str) -> None:
    assert host_of(url) == host
