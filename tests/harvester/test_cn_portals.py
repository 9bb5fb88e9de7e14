"""Real rows of 28 Chinese and 15 Taiwanese portals, harvested: as files, and in the real shape of their families."""

from __future__ import annotations

import gzip
import json
import math
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import msgspec
import pytest
import time_machine

import schemas
from harvester import crosswalk
from harvester.audit import audit
from harvester.connectors import CONNECTORS
from harvester.http import Http, Validators
from harvester.native_cleaners import UNFILLED
from harvester.pipeline import harvest
from harvester.records import RawRecord
from harvester.texts import says_nothing
from portal.catalog.model import Counts, Guard, Outcome, Run, Source
from portal.catalog.store import Catalog
from tests.chinese_portals import OPENNESS, datasets
from tests.fixtures import FIXTURES, needs_fixtures
from tests.harvester.family_portals import Reading, read, source_at
from tests.harvester.replays import (
    Replay,
    aba,
    anhui,
    athena,
    beijing,
    chongqing,
    dataservice,
    epoint,
    exchange,
    fujian,
    gd_dataset,
    gd_opendata,
    guizhou,
    hangzhou,
    huaian,
    inspur,
    jdop,
    odweb,
    shanghai,
    tianjin,
    yancheng,
    zhoushan,
)
from tests.hostile import HostileServer, answer, sequence

pytestmark = needs_fixtures

CN = FIXTURES / "cn_portals"
NAMES = sorted(path.name for path in CN.iterdir()) if CN.is_dir() else []

REPEATED = {"sichuan_yibin.json.gz": 654, "zhejiang_jinhua.json": 2}
"""Rows that stand in a file again, exactly: all others have none."""


def content(path: Path) -> bytes:
    body = path.read_bytes()
    return gzip.decompress(body) if path.suffix == ".gz" else body


def rows_of(name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(content(CN / name))
    return rows


def manifest() -> Mapping[str, int]:
    lines = (FIXTURES / "MANIFEST.tsv").read_text(encoding="utf-8").splitlines()[1:]
    return {line.split("\t")[0]: int(line.split("\t")[5] or 0) for line in lines}


def way_out(validators: Mapping[str, Validators] = {}) -> Http:  # noqa: B006
    return Http(
        requests_per_second=math.inf, allow_private=[ip_network("127.0.0.0/8")], validators=validators
    )


def harvested(catalog: Catalog, source: Source, *, full: bool = True) -> Run:
    catalog.sources.put(source)
    return harvest(source, catalog, CONNECTORS[source.kind], way_out, holder="test", full=full)


def read_whole(name: str) -> Reading:
    return read({"/list": answer((FIXTURES / name).read_bytes())}, "csvlist", base="/list")


LARGE = {name for name in NAMES if name.endswith(".gz") or (CN / name).stat().st_size > 300_000}


@pytest.mark.parametrize("name", [
    pytest.param(name, marks=pytest.mark.slow) if name in LARGE else name for name in NAMES
])
def test_every_file_gives_as_many_datasets_as_the_manifest_says_less_exact_repeats(name: str) -> None:
    reading = read_whole(f"cn_portals/{name}")
    rows = rows_of(name)
    distinct = len({json.dumps(row, sort_keys=True) for row in rows})
    assert len(rows) == len(reading.raws) == reading.listing.declared == manifest()[f"cn_portals/{name}"]
    assert len(rows) - distinct == REPEATED.get(name, 0)
    assert len(reading.datasets) == len(rows)
    assert len(set(reading.keys)) == distinct
    assert Counter(issue.code for issue in reading.issues if issue.code != "field.not-understood") == {}


@pytest.mark.slow
def test_r3_and_r1_rows_that_repeat_are_duplicates_and_the_run_is_complete(catalog: Catalog) -> None:
    """R3: Yibin's 4,430 rows are 3,776 datasets. R1: pages fetched again and again are no failure of the run."""
    with HostileServer({"/list": answer((CN / "sichuan_yibin.json.gz").read_bytes())}) as portal:
        run = harvested(catalog, source_at(f"{portal.url}/list", "csvlist"))
    assert (run.outcome, run.declared) == (Outcome.COMPLETE, 4430)
    assert run.counts == Counts(listed=4430, added=3776, duplicate=654)


def test_r1_a_page_fetched_115_times_is_its_20_datasets(catalog: Catalog) -> None:
    page = rows_of("guangxi_laibin.json")[:20]
    body = "".join(json.dumps(page) for _ in range(115))
    with HostileServer({"/list": answer(body)}) as portal:
        run = harvested(catalog, source_at(f"{portal.url}/list", "csvlist"))
    assert (run.outcome, run.counts) == (Outcome.COMPLETE, Counts(listed=2300, added=20, duplicate=2280))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["jiangsu_huaian.json", "zhejiang_jinhua.json", "guizhou_zunyi.json"])
def test_r8_a_second_harvest_changes_nothing(catalog: Catalog, name: str) -> None:
    with HostileServer({"/list": answer((CN / name).read_bytes())}) as portal:
        source = source_at(f"{portal.url}/list", "csvlist")
        first, second = harvested(catalog, source), harvested(catalog, source)
    assert second.counts == Counts(
        listed=first.counts.listed, unchanged=first.counts.added, duplicate=first.counts.duplicate
    )


@pytest.mark.slow
def test_r9_the_hundred_records_that_went_are_retired_after_their_grace(catalog: Catalog) -> None:
    rows = rows_of("sichuan_aba.json.gz")
    shrunk = answer(json.dumps(rows[100:]))
    with HostileServer({"/list": sequence(answer(json.dumps(rows)), shrunk)}) as portal:
        source = msgspec.structs.replace(
            source_at(f"{portal.url}/list", "csvlist"), guard=Guard(max_retired=100, grace_days=7)
        )
        assert harvested(catalog, source).counts == Counts(listed=7379, added=7379)
        assert harvested(catalog, source).counts == Counts(listed=7279, unchanged=7279, missing=100)
        with time_machine.travel(datetime.now(UTC) + timedelta(days=8)):
            assert harvested(catalog, source).counts == Counts(listed=7279, unchanged=7279, retired=100)


@pytest.mark.slow
def test_r10_every_word_of_openness_stands_beside_ours_exactly_as_often() -> None:
    """Where a record states several, the one that is understood; 可开放 stands beside 无条件开放 or 有条件开放."""
    resolve = schemas.vocabulary("openness").resolve
    said: Counter[str] = Counter()
    wanted: Counter[str | None] = Counter()
    kept: Counter[str | None] = Counter()
    for record, dataset in datasets():
        words = [str(record[key]).strip() for key in OPENNESS if key in record]
        words = [word for word in words if not says_nothing(word) and word not in UNFILLED]
        said.update(words)
        wanted[next((word for word in words if resolve(word)), words[0]) if words else None] += 1
        kept[dataset.openness_raw] += 1
    assert kept == wanted
    assert said - wanted == {"可开放": 2427}
    assert len(said) == 100 and said.total() == 45_581


def test_r11_a_byte_order_mark_is_no_part_of_the_first_column() -> None:
    reading = read_whole("tw_portals/raw/08_Taichung.csv")
    assert len(reading.datasets) == len(set(reading.keys)) == 1136
    assert list(json.loads(reading.raws[0].body))[0] == "編號"


@pytest.mark.slow
def test_r12_the_national_table_of_taiwan_is_read_with_its_numbers_and_dates() -> None:
    reading = read_whole("tw_portals/raw/16-22_data_gov_download.csv.gz")
    assert len(reading.datasets) == len(set(reading.keys)) == 35_955
    first = reading.datasets[0]
    assert (first.views, first.downloads) == (7472, 1099)
    assert first.issued == datetime(2013, 3, 17, 16, tzinfo=UTC)
    assert len({dataset.publisher.name for dataset in reading.datasets if dataset.publisher}) == 628


TW = sorted(path.name for path in (FIXTURES / "tw_portals" / "json").iterdir()) if FIXTURES.is_dir() else []


@pytest.mark.parametrize("name", TW)
def test_every_taiwanese_list_gives_all_its_rows(name: str) -> None:
    reading = read_whole(f"tw_portals/json/{name}")
    assert len(set(reading.keys)) == len(reading.datasets) == manifest()[f"tw_portals/json/{name}"]


# The same rows in the shape of the portals they came from.


def distinct_rows(name: str) -> list[dict[str, Any]]:
    return list({json.dumps(row, sort_keys=True): row for row in rows_of(name)}.values())


OWN: Mapping[str, Replay] = {
    **{name: guizhou for name in NAMES if name.startswith("guizhou_")},
    **{name: inspur for name in NAMES if name.startswith(("guangxi_", "sichuan_yibin", "jiangsu_suqian"))},
    **{name: jdop for name in NAMES if name.startswith(
        ("zhejiang_jiaxing", "zhejiang_jinhua", "zhejiang_quzhou", "zhejiang_zhejiang"))},
    "jiangsu_jiangsu.json": epoint, "jiangsu_xuzhou.json": exchange, "zhejiang_taizhou.json": athena,
    "anhui_anhui.json": anhui, "jiangsu_huaian.json": huaian, "jiangsu_yancheng.json.gz": yancheng,
    "sichuan_aba.json.gz": aba, "zhejiang_zhoushan.json": zhoushan,
    "zhejiang_hangzhou.json.gz": hangzhou,
}
"""The 28 files as their portals answer."""

BORROWED: Mapping[str, Replay] = {
    "guangxi_wuzhou.json": gd_opendata, "guangxi_qinzhou.json": gd_dataset, "guangxi_chongzuo.json": odweb,
    "anhui_anhui.json": fujian, "guangxi_guigang.json": shanghai, "guangxi_hezhou.json": chongqing,
    "zhejiang_jiaxing.json": beijing, "guizhou_qianxinan.json": tianjin, "guangxi_fangchenggang.json": dataservice,
}
"""Whose rows are read in the shape of a family of which there are none."""

PLAIN = frozenset((
    "title", "region", "frequency", "openness", "themes", "themes_raw", "issued", "modified", "rows", "keywords",
))
"""Fields that a portal's own shape must give as the table of its rows does."""

UNTOLD: Mapping[Replay, frozenset[str]] = {
    chongqing: frozenset(("issued", "rows", "keywords")), shanghai: frozenset(("rows",)), odweb: frozenset(("themes",)),
    zhoushan: frozenset(("themes_raw",)),
}
"""What a shape has no place for, or says by a code."""


def shaped(name: str, replay: Replay) -> None:
    rows = distinct_rows(name)
    scripts, given = replay(rows)
    reading = read(scripts, **given)
    assert len(rows) == manifest()[f"cn_portals/{name}"] - REPEATED.get(name, 0)
    assert len(set(reading.keys)) == len(reading.datasets) == len(rows)
    assert Counter(issue.code for issue in reading.issues if issue.code != "field.not-understood") == {}
    options = {key: value for key, value in given.items() if key not in ("kind", "base")}
    assert audit(source_at("http://127.0.0.1/", given["kind"], **options), reading.raws).undecided == ()
    source = source_at("http://127.0.0.1/", "csvlist")
    for row, dataset in zip(rows, reading.datasets, strict=True):
        expected, _ = crosswalk.to_dataset(RawRecord(body=json.dumps(row).encode()), source)
        assert expected is not None
        differing = {
            field: (getattr(dataset, field), getattr(expected, field))
            for field in PLAIN - UNTOLD.get(replay, frozenset())
            if getattr(dataset, field) != getattr(expected, field)
        }
        assert differing == {}, row


@pytest.mark.slow
@pytest.mark.parametrize("name", OWN)
def test_a_portal_in_its_familys_shape_gives_what_its_rows_say(name: str) -> None:
    shaped(name, OWN[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", BORROWED)
def test_rows_of_another_portal_in_a_familys_shape_give_what_they_say(name: str) -> None:
    shaped(name, BORROWED[name])


def test_every_family_was_given_real_rows() -> None:
    replays = {*OWN.values(), *BORROWED.values()}
    families = {replay([])[1].get("family") for replay in replays}
    assert families - {None} == set(schemas.families())
    assert sorted(OWN) == NAMES


@pytest.mark.slow
@pytest.mark.parametrize("name,replay", [
    ("guangxi_qinzhou.json", inspur), ("zhejiang_jiaxing.json", jdop), ("zhejiang_taizhou.json", athena),
    ("guizhou_qianxinan.json", guizhou), ("zhejiang_zhoushan.json", zhoushan), *BORROWED.items(),
])
def test_r8_a_portal_in_its_familys_shape_is_harvested_whole_and_a_second_time_nothing_changes(
    catalog: Catalog, name: str, replay: Replay
) -> None:
    rows = distinct_rows(name)
    scripts, given = replay(rows)
    options = {key: value for key, value in given.items() if key not in ("kind", "base")}
    with HostileServer(scripts) as portal:
        source = source_at(portal.url + given.get("base", "/"), given["kind"], **options)
        first, second = harvested(catalog, source), harvested(catalog, source)
    assert (first.outcome, first.counts) == (Outcome.COMPLETE, Counts(listed=len(rows), added=len(rows)))
    assert (second.outcome, second.counts) == (Outcome.COMPLETE, Counts(listed=len(rows), unchanged=len(rows)))
