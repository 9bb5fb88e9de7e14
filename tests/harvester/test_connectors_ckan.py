"""CKAN is read to its end whatever its habits, or the harvest says that it was not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any

import pytest

from harvester.connectors.ckan import records
from harvester.crosswalk import to_dataset
from harvester.errors import (
    HarvestError,
    PagingBroken,
    PortalAnsweredError,
    PortalBlocked,
    PortalNotUnderstood,
    SourceInvalid,
)
from harvester.http import Http
from harvester.records import Listing, RawRecord
from portal.catalog.model import Issue, Source
from tests.fixtures import FIXTURES, needs_fixtures
from tests.pretend_ckan import Failing, Packages, PretendCkan

LAST_RUN = datetime(2024, 6, 2, tzinfo=UTC)


def package(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"id-{number:05}",
        "name": f"dataset-{number:05}",
        "title": f"数据集 {number}",
        "state": "active",
        "private": False,
        "metadata_modified": "2024-05-01T00:00:00.000000",
        "organization": {"id": f"org-{number % 3}-id", "name": f"org-{number % 3}"},
        "groups": [{"id": "g", "name": f"group-{number % 2}"}],
        "resources": [],
        **changes,
    }


def packages(count: int) -> Packages:
    return [package(number) for number in range(count)]


@pytest.fixture
def http() -> Iterator[Http]:
    with Http(
        requests_per_second=0, allow_private=[ip_network("127.0.0.0/8")], sleep=lambda seconds: None
    ) as way_out:
        yield way_out


@pytest.fixture
def portal() -> Iterator[PretendCkan]:
    with PretendCkan(packages(25)) as pretend:
        yield pretend


class Read:
    """What a connector gave."""

    def __init__(self, portal: PretendCkan, http: Http, since: datetime | None = None, **options: Any) -> None:
        self.source = Source(id="test", title="test", kind="ckan", url=portal.url + "/", options=options)
        self.records: list[RawRecord] = []
        self.issues: list[Issue] = []
        self.listing: Listing | None = None
        self.error: HarvestError | None = None
        given = records(self.source, http, since)
        try:
            while True:
                item = next(given)
                if isinstance(item, Issue):
                    self.issues.append(item)
                else:
                    self.records.append(item)
        except StopIteration as end:
            self.listing = end.value
        except HarvestError as error:
            self.error = error

    @property
    def keys(self) -> list[str]:
        return [json.loads(record.body)["id"] for record in self.records]

    @property
    def codes(self) -> list[str]:
        return [issue.code for issue in self.issues]

    def complete(self) -> bool:
        """Whether the pipeline may take what is absent for gone."""
        listing = self.listing
        return listing is not None and not listing.partial and len(self.records) >= (listing.declared or 0)


def ids(portal: PretendCkan) -> list[str]:
    return sorted(each["id"] for each in portal.packages)


def test_everything_is_read_in_one_request_where_it_fits(portal: PretendCkan, http: Http) -> None:
    read = Read(portal, http)
    assert (read.keys, read.listing) == (ids(portal), Listing(declared=25))
    assert portal.searches() == [{"q": "", "sort": "id asc", "start": "0", "rows": "1000"}]


def test_a_record_is_the_portals_own_bytes(portal: PretendCkan, http: Http) -> None:
    assert Read(portal, http).records[0].body == json.dumps(portal.packages[0]).encode()


def test_s54_a_portal_that_caps_rows_is_followed_by_what_it_gives(portal: PretendCkan, http: Http) -> None:
    portal.rows_max = 7
    read = Read(portal, http)
    assert read.keys == ids(portal) and read.complete()


def test_s55_a_portal_that_gives_the_same_page_again_is_found_out(portal: PretendCkan, http: Http) -> None:
    portal.rows_max, portal.ignores = 7, frozenset({"start"})
    read = Read(portal, http)
    assert isinstance(read.error, PagingBroken) and len(read.records) == 7
    assert len(portal.searches()) == 2


def test_s56_fewer_than_the_portal_says_is_not_everything(portal: PretendCkan, http: Http) -> None:
    portal.surplus, portal.rows_max = 5, 10
    read = Read(portal, http)
    assert (sorted(read.keys), read.complete()) == (ids(portal), False)
    assert read.listing == Listing(declared=30)


def test_s53_a_package_removed_while_paging_hides_none(portal: PretendCkan, http: Http) -> None:
    portal.rows_max = 5

    def remove(action: str, parameters: dict[str, str]) -> None:
        if parameters.get("start") == "9":
            portal.packages = [each for each in portal.packages if each["id"] != "id-00001"]

    portal.before = remove
    read = Read(portal, http)
    assert set(ids(portal)) <= set(read.keys) and len(read.keys) == len(set(read.keys))
    assert read.complete()


def test_s53_a_package_inserted_while_paging_doubles_none(portal: PretendCkan, http: Http) -> None:
    portal.rows_max = 5

    def insert(action: str, parameters: dict[str, str]) -> None:
        if parameters.get("start") == "9" and len(portal.packages) == 25:
            portal.packages = [package(0, id="id-00000a", name="new"), *portal.packages]

    portal.before = insert
    read = Read(portal, http)
    assert sorted(read.keys) == ids(portal) and read.complete()


def test_h7_a_package_that_reappears_on_the_next_page_is_given_once(http: Http) -> None:
    with PretendCkan([package(1)]) as portal:
        portal.surplus = 1

        def add(action: str, parameters: dict[str, str]) -> None:
            if len(portal.searches()) == 2:
                portal.packages, portal.surplus = [package(0), package(1)], 0

        portal.before = add
        read = Read(portal, http)
    assert sorted(read.keys) == ["id-00000", "id-00001"] and read.complete()


def test_h1_h2_a_second_reading_gives_the_same_bytes(portal: PretendCkan, http: Http) -> None:
    first, second = Read(portal, http), Read(portal, http)
    assert [each.body for each in first.records] == [each.body for each in second.records]


def test_h3_only_what_changed_is_given(portal: PretendCkan, http: Http) -> None:
    portal.packages[2]["metadata_modified"] = "2024-06-03T10:00:00.000000"
    read = Read(portal, http, LAST_RUN)
    assert (read.keys, read.listing) == (["id-00002"], Listing(partial=True))
    assert portal.searches()[0]["fq"] == "metadata_modified:[2024-06-01T00:00:00Z TO *]"


def test_s59_a_portal_whose_clock_is_hours_behind_hides_nothing(portal: PretendCkan, http: Http) -> None:
    portal.packages[2]["metadata_modified"] = (LAST_RUN - timedelta(hours=8)).isoformat().removesuffix("+00:00")
    assert Read(portal, http, LAST_RUN).keys == ["id-00002"]


def test_nothing_changed_costs_two_requests_and_says_nothing_of_what_is_absent(
    portal: PretendCkan, http: Http
) -> None:
    read = Read(portal, http, LAST_RUN)
    assert (read.records, read.listing, len(portal.searches())) == ([], Listing(partial=True), 2)


def test_s58_a_portal_that_ignores_the_date_is_read_whole(portal: PretendCkan, http: Http) -> None:
    portal.ignores = frozenset({"fq"})
    read = Read(portal, http, LAST_RUN)
    assert (read.keys, read.codes) == (ids(portal), ["portal.date-filter-ignored"])
    assert read.complete()


def test_s58_a_portal_that_finds_nothing_by_date_although_something_changed_is_read_whole(
    portal: PretendCkan, http: Http
) -> None:
    portal.packages[2]["metadata_modified"] = "2024-06-03 10:00:00"

    def forget(action: str, parameters: dict[str, str]) -> None:
        if "metadata_modified:" in parameters.get("fq", ""):
            raise Failing(200, {"success": True, "result": {"count": 0, "results": []}})

    portal.before = forget
    read = Read(portal, http, LAST_RUN)
    assert (read.keys, read.codes) == (ids(portal), ["listing.date-filter-wrong"])
    assert read.complete()


def test_a_portal_that_refuses_the_date_is_read_whole(portal: PretendCkan, http: Http) -> None:
    def refuse(action: str, parameters: dict[str, str]) -> None:
        if "metadata_modified:" in parameters.get("fq", ""):
            raise Failing(409, {"success": False, "error": {"message": "no such field", "__type": "Search Error"}})

    portal.before = refuse
    read = Read(portal, http, LAST_RUN)
    assert (read.keys, read.codes) == (ids(portal), ["portal.date-filter-ignored"])
    assert read.issues[0].detail == "Search Error: no such field"


def test_a_portal_that_refuses_our_order_is_asked_in_another(portal: PretendCkan, http: Http) -> None:
    def refuse(action: str, parameters: dict[str, str]) -> None:
        if parameters.get("sort") == "id asc":
            raise Failing(400, {"success": False, "error": {"message": "sort", "__type": "Search Query Error"}})

    portal.before = refuse
    read = Read(portal, http)
    assert read.keys == ids(portal) and read.complete()


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({"organizations_include": ["org-1"]}, lambda number: number % 3 == 1),
        ({"organizations_include": ["org-1", "org-2-id"]}, lambda number: number % 3 > 0),
        ({"organizations_exclude": ["org-1"]}, lambda number: number % 3 != 1),
        ({"groups_include": ["group-1"]}, lambda number: number % 2 == 1),
        ({"groups_exclude": ["group-1"], "organizations_exclude": ["org-0"]},
         lambda number: number % 2 == 0 and number % 3 != 0),
    ],
)
@pytest.mark.parametrize("heeds", [True, False])
def test_h4_h5_organisations_and_groups_are_chosen(
    portal: PretendCkan, http: Http, options: dict[str, Any], wanted: Any, heeds: bool
) -> None:
    portal.ignores = frozenset() if heeds else frozenset({"fq"})
    read = Read(portal, http, **options)
    assert read.keys == [each["id"] for number, each in enumerate(portal.packages) if wanted(number)]
    assert read.complete()


def test_h8_a_portal_that_answers_500_everywhere_gives_an_error_and_no_listing(
    portal: PretendCkan, http: Http
) -> None:
    def fail(action: str, parameters: dict[str, str]) -> None:
        raise Failing(500, b"<html>Internal Server Error</html>", "text/html")

    portal.before = fail
    read = Read(portal, http)
    assert isinstance(read.error, PortalAnsweredError) and read.error.status == 500
    assert (read.records, read.listing) == ([], None)


def test_h11_a_404_names_the_address_and_the_code(portal: PretendCkan, http: Http) -> None:
    def fail(action: str, parameters: dict[str, str]) -> None:
        raise Failing(404, b"<html>Not Found</html>", "text/html")

    portal.before = fail
    read = Read(portal, http)
    assert isinstance(read.error, PortalAnsweredError)
    assert (read.error.status, "404" in read.error.detail) == (404, True)
    assert (read.error.url or "").startswith(portal.url + "/api/3/action/package_search")


@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        (200, {"success": False, "error": "no luck"}, PortalAnsweredError, "no luck"),
        (200, {"success": False, "error": {"message": "no luck"}}, PortalAnsweredError, "no luck"),
        (403, {"success": False, "error": {"message": "Access denied", "__type": "Authorization Error"}},
         PortalBlocked, "Authorization Error: Access denied"),
        (200, {"success": False, "error": {"message": "Access denied", "__type": "Authorization Error"}},
         PortalAnsweredError, "Authorization Error: Access denied"),
        (200, "Some error", PortalAnsweredError, "Some error"),
        (200, b"<!DOCTYPE html><html><body>Oops</body></html>", PortalNotUnderstood, "HTML instead of JSON"),
        (200, b"plain text", PortalNotUnderstood, "malformed JSON"),
        (200, b"", PortalNotUnderstood, "empty body"),
        (200, None, PortalNotUnderstood, "no answer of CKAN's"),
        (200, [], PortalNotUnderstood, "no answer of CKAN's"),
        (200, {}, PortalAnsweredError, "the action failed"),
        (200, {"success": True}, PortalNotUnderstood, "no search result"),
        (200, {"success": True, "result": {"count": 3}}, PortalNotUnderstood, "no search result"),
        (200, {"success": True, "result": {"count": 3, "results": {}}}, PortalNotUnderstood, "no search result"),
    ],
)
def test_u10_p24_p25_p26_a_portals_error_is_said_in_its_own_words(
    portal: PretendCkan, http: Http, status: int, body: Any, kind: type[HarvestError], message: str
) -> None:
    def fail(action: str, parameters: dict[str, str]) -> None:
        raise Failing(status, body)

    portal.before = fail
    read = Read(portal, http)
    assert type(read.error) is kind and message in read.error.detail
    assert "<" not in read.error.detail
    assert (read.records, read.listing) == ([], None)


def test_without_search_every_package_is_asked_by_name(portal: PretendCkan, http: Http) -> None:
    portal.has_search = False
    read = Read(portal, http)
    assert (read.keys, read.listing) == (ids(portal), Listing(declared=25))
    assert [action for action, _ in portal.asked] == ["package_search", "package_list", *["package_show"] * 25]


def test_without_search_a_package_gone_meanwhile_is_no_loss_and_one_that_fails_is(
    portal: PretendCkan, http: Http
) -> None:
    portal.has_search = False

    def fail(action: str, parameters: dict[str, str]) -> None:
        if parameters.get("id") == "dataset-00003":
            raise Failing(404, {"success": False})
        if parameters.get("id") == "dataset-00005":
            raise Failing(500, b"oops", "text/plain")

    portal.before = fail
    read = Read(portal, http)
    assert (len(read.records), read.listing) == (23, Listing(declared=24))
    assert read.codes == ["portal.answered-error"] and not read.complete()


@pytest.mark.slow
def test_p32_a_package_the_portal_cannot_give_is_passed_over_and_said(http: Http) -> None:
    with PretendCkan(packages(1500)) as portal:

        def stumble(action: str, parameters: dict[str, str]) -> None:
            start, rows = int(parameters.get("start", 0)), int(parameters.get("rows", 0))
            if start <= 1250 < start + rows:
                raise Failing(500, b"Internal Server Error", "text/plain")

        portal.before = stumble
        read = Read(portal, http)
    assert sorted(read.keys) == [each for each in ids(portal) if each != "id-01250"]
    assert len(portal.asked) < 80
    assert read.codes == ["portal.answered-error"] and not read.complete()


def test_n11_a_page_that_keeps_failing_ends_the_reading_with_what_came(http: Http) -> None:
    with PretendCkan(packages(300)) as portal:

        def stumble(action: str, parameters: dict[str, str]) -> None:
            if int(parameters.get("start", 0)) + int(parameters.get("rows", 0)) > 250:
                raise Failing(500, b"Internal Server Error", "text/plain")

        portal.before = stumble
        read = Read(portal, http, page_size=100)
    assert read.error is not None and read.listing is None
    assert read.keys == ids(portal)[:250]


def test_s60_where_far_pages_are_refused_organisations_are_read_one_by_one(http: Http) -> None:
    with PretendCkan([*packages(30), package(30, organization=None)]) as portal:

        def refuse(action: str, parameters: dict[str, str]) -> None:
            if int(parameters.get("start", 0)) >= 12:
                raise Failing(400, {"success": False, "error": {"message": "too deep", "__type": "Search Query Error"}})

        portal.before, portal.rows_max = refuse, 5
        read = Read(portal, http)
    assert sorted(read.keys) == ids(portal) and read.complete()


def test_private_and_deleted_packages_are_told_apart(portal: PretendCkan, http: Http) -> None:
    portal.packages[3]["private"] = True
    portal.packages[4]["state"] = "deleted"
    read = Read(portal, http)
    assert "id-00003" not in read.keys
    assert [record.withdrawn for record in read.records].count(True) == 1
    assert read.listing == Listing(declared=23)


def test_u26_no_more_than_the_source_wants_is_read_and_then_it_is_not_everything(
    portal: PretendCkan, http: Http
) -> None:
    read = Read(portal, http, max_records=10)
    assert (len(read.records), read.listing) == (10, Listing(partial=True))
    assert Read(portal, http, max_records=100).listing == Listing(declared=25)


def test_a_key_is_sent_with_every_question(portal: PretendCkan, http: Http) -> None:
    portal.has_search = False
    Read(portal, http, api_key="secret-key")
    assert {headers.get("Authorization") for headers in portal.headers} == {"secret-key"}


def test_f81_a_key_never_leaves_with_a_redirect(portal: PretendCkan, http: Http) -> None:
    with PretendCkan(packages(2)) as other:
        source = Source(id="x", title="x", kind="ckan", url=portal.url, options={
            "api_key": "secret-key", "api_root": f"{other.url}/api/3/action"})
        assert len(list(records(source, http, None))) == 2
        assert portal.asked == []


@pytest.mark.parametrize(
    "options", [{"page_size": "many"}, {"organizations_include": "org-1"}, {"max_records": [1]}, {"api_key": 7}]
)
def test_options_of_the_wrong_type_are_refused(portal: PretendCkan, http: Http, options: dict[str, Any]) -> None:
    read = Read(portal, http, **options)
    assert isinstance(read.error, SourceInvalid) and read.error.code == "source.invalid"
    assert portal.asked == []


def test_a_record_that_is_no_package_is_given_on_for_the_translation_to_refuse(portal: PretendCkan, http: Http) -> None:
    portal.packages = [package(0), {"title": "no id"}, {"id": 7, "title": "a number"}]
    read = Read(portal, http)
    said = [issue.code for record in read.records for issue in to_dataset(record, read.source)[1]]
    assert (len(read.records), said) == (3, ["record.key-missing"])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_another_charset_is_read(portal: PretendCkan, http: Http, encoding: str) -> None:
    answer = {"success": True, "result": {"count": 1, "results": [package(1, title="水质监测数据")]}}

    def write(action: str, parameters: dict[str, str]) -> None:
        raise Failing(200, json.dumps(answer, ensure_ascii=False).encode(encoding))

    portal.before = write
    read = Read(portal, http)
    assert [json.loads(record.body)["title"] for record in read.records] == ["水质监测数据"]


def test_half_a_surrogate_pair_on_a_page_costs_no_record(portal: PretendCkan, http: Http) -> None:
    portal.packages[2]["title"] = "a\ud800b"
    read = Read(portal, http)
    assert read.keys == ids(portal)
    made, _ = to_dataset(read.records[2], read.source)
    assert made is not None and made.title == "a\ufffdb"


@needs_fixtures
def test_h1_to_h7_the_peers_own_packages_are_read(http: Http) -> None:
    given = json.loads((FIXTURES / "ckan/ckanext_harvest_mock/mock_ckan_data.json").read_text())["DATASETS"]
    with PretendCkan(given) as portal:
        read = Read(portal, http)
        made = [to_dataset(record, read.source) for record in read.records]
        assert [(each.source_key, each.name) for each, _ in made if each] == [
            ("1c65c66a-fdec-4138-9c64-0f9bf087bcbb", "cabinet-office-energy-use"), ("dataset1-id", "dataset1")
        ]
        assert [issue.code for _, said in made for issue in said] == []
        given[1]["metadata_modified"] = "2024-06-03T10:00:00.000000"
        given[0]["metadata_modified"] = "2014-06-03T10:00:00.000000"
        assert Read(portal, http, LAST_RUN).keys == ["1c65c66a-fdec-4138-9c64-0f9bf087bcbb"]
        only = Read(portal, http, organizations_include=["cabinet-office"])
        assert only.keys == ["1c65c66a-fdec-4138-9c64-0f9bf087bcbb"]
        assert Read(portal, http, groups_exclude=["remote-group"]).keys == ["dataset1-id"]
