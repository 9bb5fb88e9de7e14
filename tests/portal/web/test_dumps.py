"""Dumps of the catalogue: whole or not there at all, as the exports write it, served whole and in parts."""

from __future__ import annotations

import gzip
import hashlib
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from portal.catalog.store import Catalog
from portal.web import dumps
from portal.web.dumps import DumpBusy, DumpExists, DumpStopped
from tests.portal.web.town import build, client_of

NOW = datetime(2026, 6, 2, 0, 3, tzinfo=UTC)
BASE = "https://data.example.gov"
DAY = "2026-06-02"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def client(town: Catalog, home: Path) -> FlaskClient:
    """A browser on a site with a dump."""
    dumps.make(home, town, BASE, NOW)
    return client_of(town, home=home, base_url=BASE)


def left(home: Path) -> set[str]:
    """What lies in the folder of the dumps, but for the lock."""
    return {one.name for one in (home / dumps.FOLDER).iterdir()} - {".lock"}


def test_a_dump_is_what_the_exports_write_with_its_checksums(town: Catalog, home: Path) -> None:
    made = dumps.make(home, town, BASE, NOW)
    folder = home / dumps.FOLDER / DAY
    assert left(home) == {DAY} and {one.name for one in folder.iterdir()} == {*dumps.FILES, "manifest.json", "SHA256SUMS"}
    exports = client_of(town, base_url=BASE)
    for name, export in (("catalogue.jsonl.gz", "/datasets.jsonl"), ("catalogue.csv.gz", "/datasets.csv")):
        assert gzip.decompress((folder / name).read_bytes()) == exports.get(export, base_url=BASE).get_data()
    assert (made.day, made.change, dumps.manifest(home, DAY)) == (DAY, town.last_change(), made)
    for one in made.files:
        body = (folder / one.name).read_bytes()
        assert (one.bytes, one.sha256) == (len(body), hashlib.sha256(body).hexdigest())
        assert one.unpacked_bytes == len(gzip.decompress(body)) and one.datasets == 30
    checked = subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=folder, capture_output=True, text=True)
    assert checked.returncode == 0 and checked.stdout.count("OK") == 3


def test_the_same_catalogue_packs_to_the_same_bytes(town: Catalog, home: Path) -> None:
    first = dumps.make(home, town, BASE, NOW)
    assert dumps.make(home, town, BASE, NOW + timedelta(hours=2), again=True).files == first.files
    assert left(home) == {DAY}


def test_a_day_has_one_dump_unless_another_is_asked_for(town: Catalog, home: Path) -> None:
    dumps.make(home, town, BASE, NOW)
    with pytest.raises(DumpExists, match=DAY):
        dumps.make(home, town, BASE, NOW)
    assert left(home) == {DAY}


@pytest.mark.parametrize("again", [False, True])
def test_what_is_stopped_or_has_no_room_leaves_everything_as_it_was(town: Catalog, home: Path, again: bool) -> None:
    stood = dumps.make(home, town, BASE, NOW) if again else None
    answers = iter([False] * 40 + [True] * 100)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(DumpStopped):
        dumps.make(home, town, BASE, NOW, again=again, is_stopped=lambda: next(answers))
    with pytest.raises(OSError, match="No space left"):
        dumps.make(home, town, BASE, NOW, again=again, progress=full)
    assert left(home) == ({DAY} if again else set())
    assert dumps.manifest(home, DAY) == stood


MAKER = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from portal.catalog.store import Catalog
from portal.web import dumps

written = []
def slowly(count):
    written.append(count)
    if len(written) == 45:
        print("half", flush=True)
        time.sleep(60)

dumps.make(Path(sys.argv[1]), Catalog(sys.argv[2]), "http://x", datetime(2026, 6, 2, tzinfo=UTC), progress=slowly)
"""


@pytest.mark.slow
def test_a_killed_dump_is_never_seen_and_the_next_clears_it_away(tmp_path: Path, home: Path) -> None:
    url = f"sqlite:///{tmp_path / 'catalogue.db'}"
    catalog = Catalog(url)
    catalog.upgrade()
    build(catalog)
    maker = subprocess.Popen([sys.executable, "-c", MAKER, str(home), url], stdout=subprocess.PIPE, text=True)
    assert maker.stdout is not None and maker.stdout.readline() == "half\n"
    client = client_of(catalog, home=home)
    assert client.get("/dumps/").get_json() == {"dumps": []}
    with pytest.raises(DumpBusy):
        dumps.make(home, catalog, BASE, NOW)
    os.kill(maker.pid, signal.SIGKILL)
    maker.wait()
    assert dumps.days(home) == [] and client.get("/dumps/").get_json() == {"dumps": []}
    dumps.make(home, catalog, BASE, NOW)
    assert left(home) == {DAY}
    catalog.close()


def test_the_newest_nights_are_kept(town: Catalog, home: Path) -> None:
    for day in range(5):
        dumps.make(home, town, BASE, NOW + timedelta(days=day))
    assert dumps.keep(home, 3) == ["2026-06-03", "2026-06-02"]
    assert dumps.days(home) == ["2026-06-06", "2026-06-05", "2026-06-04"] and left(home) == set(dumps.days(home))
    assert dumps.keep(home, 3) == []


def test_one_is_due_each_day_once_there_was_something_before_it_began(catalog: Catalog, home: Path) -> None:
    now = datetime.now(UTC)
    assert not dumps.is_due(home, catalog, now)
    build(catalog)
    assert not dumps.is_due(home, catalog, now), "what came today is dumped at night"
    tomorrow = now + timedelta(days=1)
    assert dumps.is_due(home, catalog, tomorrow)
    dumps.make(home, catalog, BASE, tomorrow)
    assert not dumps.is_due(home, catalog, tomorrow)
    assert dumps.is_due(home, catalog, tomorrow + timedelta(days=1))


def test_the_list_leads_to_every_file(client: FlaskClient, home: Path) -> None:
    (found,) = client.get("/dumps/").get_json()["dumps"]
    assert found["manifest"]["day"] == DAY
    assert set(found["links"]) == {*dumps.FILES, "manifest.json", "SHA256SUMS"}
    for name, address in found["links"].items():
        response = client.get(address.removeprefix(BASE))
        assert response.get_data() == (home / dumps.FOLDER / DAY / name).read_bytes()
        assert response.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize("asked", ["bytes=0-0,5-9", "lines=0-1", "bytes=-99999999", "bytes=a-b", "bytes=9-5", "nonsense"])
def test_who_asks_for_no_one_part_gets_the_whole(client: FlaskClient, home: Path, asked: str) -> None:
    body = (home / dumps.FOLDER / DAY / "catalogue.csv.gz").read_bytes()
    response = client.get(f"/dumps/{DAY}/catalogue.csv.gz", headers={"Range": asked})
    assert (response.status_code, response.get_data()) == (200, body)


def test_the_newest_is_led_to(client: FlaskClient, town: Catalog, home: Path) -> None:
    assert client.get("/dumps/latest/catalogue.csv.gz").headers["Location"] == f"{BASE}/dumps/{DAY}/catalogue.csv.gz"
    dumps.make(home, town, BASE, NOW + timedelta(days=1))
    assert client.get("/dumps/latest/manifest.json").headers["Location"] == f"{BASE}/dumps/2026-06-03/manifest.json"
    assert client.get("/dumps/latest/nonesuch").status_code == 404


def test_a_file_is_sent_whole_in_parts_or_not_again(client: FlaskClient, home: Path) -> None:
    address, body = f"/dumps/{DAY}/catalogue.jsonl.gz", (home / dumps.FOLDER / DAY / "catalogue.jsonl.gz").read_bytes()
    whole = client.get(address)
    assert (whole.status_code, whole.mimetype, whole.get_data()) == (200, "application/gzip", body)
    assert "Expires" not in whole.headers
    assert whole.headers["Content-Disposition"] == f"attachment; filename=nachuan-{DAY}.jsonl.gz"
    assert whole.headers["ETag"] == f'"{hashlib.sha256(body).hexdigest()}"' and "Content-Encoding" not in whole.headers
    assert (whole.headers["Accept-Ranges"], int(whole.headers["Content-Length"])) == ("bytes", len(body))
    part = client.get(address, headers={"Range": "bytes=100-199", "If-Range": whole.headers["ETag"]})
    assert (part.status_code, part.get_data()) == (206, body[100:200])
    assert part.headers["Content-Range"] == f"bytes 100-199/{len(body)}"
    rest = client.get(address, headers={"Range": "bytes=200-"})
    assert part.get_data() and body[:100] + part.get_data() + rest.get_data() == body
    another = client.get(address, headers={"Range": "bytes=100-199", "If-Range": '"of another file"'})
    assert (another.status_code, another.get_data()) == (200, body)
    known = client.get(address, headers={"If-None-Match": whole.headers["ETag"]})
    assert (known.status_code, known.get_data()) == (304, b"")
    beyond = client.get(address, headers={"Range": f"bytes={len(body)}-"})
    assert (beyond.status_code, beyond.mimetype) == (416, "application/problem+json")


def test_turns_are_given_back_however_a_download_ends(client: FlaskClient) -> None:
    address = f"/dumps/{DAY}/catalogue.jsonl.gz"
    for number in range(12):
        response = client.get(address, headers={"Range": ("bytes=0-9", "bytes=9999999-", "")[number % 3]})
        assert response.status_code in (200, 206, 416)
        response.close()
        client.head(address).close()
    assert client.get(address).status_code == 200


def test_more_downloads_than_there_are_turns_for_come_back_later(client: FlaskClient) -> None:
    turns = client.application.extensions["nachuan"].downloads
    while turns.acquire(blocking=False):
        pass
    response = client.get(f"/dumps/{DAY}/catalogue.jsonl.gz")
    assert response.status_code == 503 and int(response.headers["Retry-After"]) > 0
    assert client.get(f"/dumps/{DAY}/manifest.json").status_code == 200


@pytest.mark.parametrize("path", [
    "2026-06-01/manifest.json", f"{DAY}/nonesuch", f"{DAY}/..%2f.lock", "..%2f..%2f/manifest.json", ".lock/manifest.json",
    f"{DAY}/%2e%2e/{DAY}/manifest.json",
])
def test_nothing_else_of_the_home_is_served(client: FlaskClient, path: str) -> None:
    assert client.get(f"/dumps/{path}").status_code == 404


def test_an_installation_without_dumps_has_an_empty_list(town: Catalog, home: Path) -> None:
    client = client_of(town, home=home)
    assert client.get("/dumps/").get_json() == {"dumps": []}
    assert client.get("/dumps/latest/manifest.json").status_code == 404
