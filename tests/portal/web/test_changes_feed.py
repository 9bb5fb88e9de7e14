"""The change log for programs: whoever follows it meets every change exactly once, however it is cut."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from msgspec.structs import replace

from portal.catalog.store import Catalog
from portal.search.memory import MemoryIndex
from tests.catalogs import SOURCE, empty_catalog, record
from tests.portal.web.town import client_of, dataset_of

FEED = "/api/v1/changes"


def asked(client: FlaskClient, address: str = FEED) -> dict[str, Any]:
    """What the feed answers."""
    response = client.get(address)
    assert response.status_code == 200, response.get_data(as_text=True)
    found: dict[str, Any] = response.get_json()
    return found


def followed(client: FlaskClient, address: str) -> Iterator[dict[str, Any]]:
    """The answers from an address on, until there is nothing more now."""
    while True:
        found = asked(client, address)
        yield found
        address = found["next"].removeprefix("http://localhost")
        if not found["more"]:
            return


def test_the_log_is_read_whole_in_pieces(client: FlaskClient, town: Catalog) -> None:
    log = town.changes()
    pieces = list(followed(client, f"{FEED}?limit=7"))
    assert len(pieces) == -(-len(log) // 7) > 3
    told = [one for piece in pieces for one in piece["changes"]]
    assert [(one["number"], one["kind"], one["dataset_id"], one["source_id"]) for one in told] == [
        (one.number, one.kind, one.dataset_id, one.source_id) for one in log
    ]
    assert {piece["newest"] for piece in pieces} == {log[-1].number} == {pieces[-1]["next_since"]}


def test_an_update_says_its_cause_and_its_fields_and_nothing_says_what_is_not_known(client: FlaskClient) -> None:
    changes = asked(client)["changes"]
    (updated,) = [one for one in changes if one["kind"] == "updated"]
    assert (updated["dataset_id"], updated["cause"], updated["run_id"]) == (dataset_of("1"), "mapping", 1)
    assert updated["fields"] == ["frequency"]
    (gone,) = [one for one in changes if one["kind"] == "retired"]
    assert not {"cause", "fields"} & set(gone) and gone["dataset_id"] == dataset_of("gone")


def test_whoever_has_everything_is_told_so_and_where_to_ask_again(client: FlaskClient, town: Catalog) -> None:
    newest = town.last_change()
    found = asked(client, f"{FEED}?since={newest}&limit=5")
    assert (found["changes"], found["next_since"], found["more"]) == ([], newest, False)
    assert urlsplit(found["next"]).query == f"limit=5&since={newest}"


def test_an_empty_catalogue_has_an_empty_log(empty_client: FlaskClient) -> None:
    found = asked(empty_client)
    assert found == {
        "since": 0, "newest": 0, "changes": [], "next_since": 0, "more": False, "next": f"http://localhost{FEED}?since=0",
    }


@pytest.mark.parametrize("query,said", [
    ("since=1000000", "begin again without since"),
    ("since=-1", "since is a whole number from 0"),
    ("since=x", "since is a whole number from 0"),
    ("since=", "since is a whole number from 0"),
    ("since=" + "9" * 5000, "since is a whole number from 0"),
    ("since=9223372036854775808", "since is a whole number from 0"),
    ("limit=0", "limit is a whole number from 1 to 1000"),
    ("limit=1001", "limit is a whole number from 1 to 1000"),
    ("after=3", "there is no such parameter"),
])
def test_what_cannot_be_heeded_is_a_problem_that_says_what_would_do(client: FlaskClient, query: str, said: str) -> None:
    response = client.get(f"{FEED}?{query}")
    assert (response.status_code, response.mimetype) == (400, "application/problem+json")
    assert said in response.get_json()["detail"]


def test_a_piece_that_is_known_is_not_sent_again(client: FlaskClient) -> None:
    tag = client.get(f"{FEED}?limit=3").headers["ETag"]
    assert client.get(f"{FEED}?limit=3", headers={"If-None-Match": tag}).status_code == 304


def put(catalog: Catalog, source: str, keys: range) -> None:
    """A batch of a harvest of a source."""
    lease = catalog.sources.lease(source, "test")
    of = replace(SOURCE, id=source)
    with catalog.transaction(lease, None) as transaction:
        transaction.put([record(f"{key}", source=of, title=f"数据 {key}", body=b"%d" % key) for key in keys])
    catalog.sources.release(lease)


def test_every_change_is_met_once_between_the_batches_of_harvests(any_catalog: Catalog) -> None:
    client, address, met = client_of(any_catalog, MemoryIndex()), f"{FEED}?limit=3", []
    for batch in range(12):
        put(any_catalog, f"source-{batch % 2}", range(batch, batch + 4))
        for found in followed(client, address):
            met += [one["number"] for one in found["changes"]]
            address = found["next"]
    assert met == [one.number for one in any_catalog.changes()] and len(met) > 20


def test_every_change_is_met_once_while_two_harvests_write(tmp_path: Path) -> None:
    catalog = Catalog(f"sqlite:///{tmp_path / 'catalogue.db'}")
    with empty_catalog().engine.connect() as made, catalog.engine.connect() as new:
        made.connection.driver_connection.backup(new.connection.driver_connection)  # type: ignore[union-attr]
    client, met = client_of(catalog, MemoryIndex()), []

    def harvest(source: str) -> None:
        for start in range(0, 200, 10):
            put(catalog, source, range(start, start + 10))

    with ThreadPoolExecutor(2) as pool:
        harvests = [pool.submit(harvest, source) for source in ("source-1", "source-2")]
        address = f"{FEED}?limit=7"
        while True:
            over = all(one.done() for one in harvests)
            for found in followed(client, address):
                met += [one["number"] for one in found["changes"]]
                address = found["next"]
            if over:
                break
    for one in harvests:
        one.result()
    assert met == [one.number for one in catalog.changes()]
    assert len(met) == 400
    catalog.close()
