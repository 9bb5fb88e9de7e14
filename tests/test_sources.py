"""The portals of China whose addresses are known, in ``sources/cn``: every file can be applied, and none asks twice."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import msgspec
import pytest

import schemas
from harvester import sourcefiles
from harvester.connectors import CONNECTORS
from harvester.crosswalk import to_dataset
from harvester.families import family
from harvester.records import RawRecord
from harvester.sourcefiles import AddressRepeated
from nachuan.commands.sources import apply_sources
from portal.catalog.model import Source
from portal.catalog.store import Catalog
from tests.fixtures import FIXTURES, needs_fixtures
from tests.harvester.family_portals import way_out
from tests.hostile import HostileServer, json_answer, sequence

FOLDER = Path(__file__).resolve().parents[1] / "sources" / "cn"
SOURCES = sourcefiles.read_all(FOLDER)
NO_PROFILE = list(csv.DictReader((FOLDER / "without-profile.csv").read_text(encoding="utf-8").splitlines()))


def known_portals() -> list[dict[str, Any]]:
    portals: list[dict[str, Any]] = json.loads(
        (FIXTURES.parent / "domain" / "portal_families.json").read_text(encoding="utf-8")
    )
    return portals


def list_address(source: Source) -> str:
    path = next(iter(family(source).listings.values())).path
    return urljoin(source.url, re.sub(r"\{(\w+)\}", lambda name: str(family(source).variables[name[1]]), path))


def test_all_are_applied_paused_and_a_second_time_nothing_changes(catalog: Catalog) -> None:
    assert len(apply_sources(catalog, FOLDER)) == len(SOURCES) == 111
    assert all(entry.paused and entry.provisioned for entry in catalog.sources.all())
    assert apply_sources(catalog, FOLDER) == []


def test_a_source_is_named_after_its_file_and_its_codes_are_terms() -> None:
    for source in SOURCES:
        region = schemas.vocabulary("regions").terms.get(source.region or "")
        assert (FOLDER / f"{source.id}.toml").is_file(), source.id
        assert region is not None and source.title.startswith(region.zh), source.id
        assert source.title_en is not None and source.title_en.startswith(region.en), source.id
        assert source.institution_type in schemas.vocabulary("institution_types").terms, source.id
        assert 0 < source.politeness.requests_per_second <= 1, source.id


def test_what_a_file_cannot_know_stands_in_the_environment() -> None:
    with_code = {source.id: source.options["variables"]["appCode"] for source in SOURCES
                 if source.options.get("family") == "exchangeopengateway"}
    assert with_code == {
        "js-xuzhou": "${JS_XUZHOU_APP_CODE}", "sc-deyang": "${SC_DEYANG_APP_CODE}",
        "sc-ganzi": "${SC_GANZI_APP_CODE}", "sc-suining": "${SC_SUINING_APP_CODE}",
    }


@needs_fixtures
def test_every_portal_whose_address_is_known_is_a_source_that_asks_there_or_has_its_reason() -> None:
    asked = [list_address(source) for source in SOURCES]
    left_out = {row["list"] for row in NO_PROFILE}
    known = [re.sub(r"(?<!:)//", "/", portal["list_url"]) for portal in known_portals()]
    assert sorted(known) == sorted([*asked, *(re.sub(r"(?<!:)//", "/", row["list"]) for row in NO_PROFILE)])
    assert len(left_out) == len(NO_PROFILE) == 27
    assert all(row["why"] and row["region"] in schemas.vocabulary("regions").terms for row in NO_PROFILE)


def planted(values: dict[str, Any]) -> Any:
    """An answer in which these values stand at these paths."""
    answer: dict[str, Any] = {}
    for path, value in values.items():
        place: Any = answer
        steps = path.split(".")
        for step, after in zip(steps, [*steps[1:], None], strict=True):
            fresh: Any = value if after is None else [{}] if after == "0" else {}
            if isinstance(place, list):
                place[0] = value if after is None else place[0]
            else:
                place.setdefault(step, fresh)
            place = place[int(step)] if isinstance(place, list) else place[step]
    return answer


DESCRIBED = [
    pytest.param(source, word, id=f"{source.id}-{word}" if word else source.id)
    for source in SOURCES if "family" not in source.options
    for word in family(source).listings["datasets"].details or (None,)
]
"""Each with the word by which a detail call is chosen, where one is."""


@pytest.mark.parametrize("source,word", DESCRIBED)
def test_a_source_that_describes_its_portal_asks_for_what_it_lists_and_reads_it(source: Source, word: str | None) -> None:
    """No proof that the portal answers so: that the file agrees with itself, down to its placeholders and codes."""
    call = family(source).listings["datasets"]
    asked = call.detail if word is None else call.details[word]
    assert asked is not None
    wanted = re.findall(r"\{([\w.]+)\}", json.dumps([asked.path, asked.query, asked.body]))
    listed = planted({name: "7" for name in wanted} | ({} if call.detail_by is None else {call.detail_by: word}))
    own: dict[str, str] = source.options["crosswalk"]
    read = {path.removeprefix("detail.") for path in own.values() if path.startswith("detail.") and "|" not in path}
    said = {path.replace("[0]", ".0"): "公交站点" for path in read} or {"tableRemark": "公交站点"}
    counted = {path: 1 for path in (call.total, call.pages) if path is not None}
    base = urlsplit(source.url).path
    detail = re.sub(r"\{\w+\}", "7", asked.path)
    with HostileServer({
        base + call.path: sequence(*(json_answer(planted({call.records: page} | counted)) for page in ([listed], []))),
        base + detail: json_answer(planted({path: 200 for path in asked.success} | {
            f"{asked.record}.{path}": value for path, value in said.items()})),
    }) as portal, way_out() as http:
        there = msgspec.structs.replace(source, url=portal.url + base)
        records = list(CONNECTORS[source.kind](there, http, None))
    (raw,) = [record for record in records if isinstance(record, RawRecord)]
    dataset, _ = to_dataset(raw, there)
    assert dataset is not None
    assert (dataset.source_key, dataset.title) == ("7", "公交站点")


ONE = """
id = "{id}"
title = "示例"
kind = "{kind}"
url = "{url}"
"""


def folder_of(path: Path, **addresses: str) -> Path:
    path.mkdir(exist_ok=True)
    for id, url in addresses.items():
        text = ONE.format(id=id, url=url, kind="dcat" if id == "c" else "ckan")
        (path / f"{id}.toml").write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("again", ["http://Data.Example.cn/open", "https://data.example.cn/open/"])
def test_two_files_of_one_address_are_refused_with_a_code(tmp_path: Path, catalog: Catalog, again: str) -> None:
    folder = folder_of(tmp_path / "new", a="https://data.example.cn/open", c=again)
    with pytest.raises(AddressRepeated) as refused:
        apply_sources(catalog, folder)
    assert str(refused.value).startswith(f"source.address-repeated: {again} is already harvested as 'a'")
    assert catalog.sources.all() == []


def test_a_file_with_the_address_of_another_source_is_refused_and_its_own_may_change(
    tmp_path: Path, catalog: Catalog
) -> None:
    apply_sources(catalog, folder_of(tmp_path / "first", a="https://data.example.cn/open"))
    with pytest.raises(AddressRepeated, match="is already harvested as 'a', so 'b' would double"):
        apply_sources(catalog, folder_of(tmp_path / "second", b="https://data.example.cn/open/"))
    assert [entry.source.id for entry in catalog.sources.all()] == ["a"]
    moved = folder_of(tmp_path / "first", a="https://new.example.cn/", b="https://data.example.cn/open")
    assert apply_sources(catalog, moved) == ["a", "b"]


def test_one_address_asked_with_other_options_is_another_source() -> None:
    guizhou = [source for source in SOURCES if source.url == "https://data.guizhou.gov.cn/"]
    assert len(guizhou) == 11
    sourcefiles.refuse_repeated_addresses(guizhou)
