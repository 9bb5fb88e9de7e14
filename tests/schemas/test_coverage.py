"""How much of what real portals say the vocabularies understand.

The values are split as simply as can be here; reading glued and list-shaped values is the cleaners' work.
"""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

import schemas
from tests.fixtures import FIXTURES, needs_fixtures

pytestmark = needs_fixtures

EMPTY = {"", "null", "None", "无", "暂无", "[]"}
"""What Chinese portals write where they have nothing to say."""

UNFILLED = {"开放条件", "请补充开放条件"}
"""The form's own label and its reminder, left standing in 272 records of one portal as the mode of opening."""

LISTED = re.compile(r"[\[\]\"'\s]*[,;、][\[\]\"'\s]*")

FORMAT_KEYS = ("数据格式", "资源格式", "dataType")

FREQUENCY_KEYS = ("更新频率", "更新周期", "frequency")

THEME_KEYS = ("重点领域", "主题名称", "数据领域", "领域分类", "所属领域", "主题分类", "所属主题", "领域")

OPENNESS_KEYS = ("开放属性", "开放等级", "开放状态", "开放方式", "openTypeName", "开放条件", "开放类型")
"""开放条件 is a condition in words on some portals and the attribute itself on others, where 开放类型 says only 可开放:
the first of them that is understood counts."""


def text(path: Path) -> str:
    opened = gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8")
    with opened as stream:
        return stream.read()


@pytest.fixture(scope="module")
def chinese_records() -> list[dict[str, Any]]:
    """Every record of the Chinese portals, with no more than what is looked at here."""
    return [
        {key: record[key] for key in (*FORMAT_KEYS, *FREQUENCY_KEYS, *OPENNESS_KEYS, *THEME_KEYS) if key in record}
        for path in sorted((FIXTURES / "cn_portals").iterdir())
        for record in json.loads(text(path))
    ]


def values(raw: object) -> Iterator[str]:
    """The single values of one that is a list, looks like one, or is glued together."""
    parts = raw if isinstance(raw, list) else LISTED.split(str(raw).strip("[]"))
    for part in parts:
        value = str(part).strip("[]\"' ")
        if value not in EMPTY:
            yield value


def understood(vocabulary: str, found: Iterable[str]) -> tuple[float, Counter[str]]:
    """The share (0-1) of values that resolve, and those that do not."""
    resolve = schemas.vocabulary(vocabulary).resolve
    counted = Counter(found)
    unknown = Counter({value: count for value, count in counted.items() if resolve(value) is None})
    return 1 - unknown.total() / counted.total(), unknown


def test_formats_of_chinese_portals_are_understood(chinese_records: list[dict[str, Any]]) -> None:
    found = [value for record in chinese_records for key in FORMAT_KEYS for value in values(record.get(key))]
    share, unknown = understood("formats", found)
    assert len(found) > 60_000
    assert share >= 0.999, unknown.most_common(20)


def test_update_frequencies_of_chinese_portals_are_understood(chinese_records: list[dict[str, Any]]) -> None:
    notes = re.compile(r"[(（]更新说明.*")
    found = [
        notes.sub("", value)
        for record in chinese_records
        for key in FREQUENCY_KEYS
        if (value := str(record.get(key))) not in EMPTY
    ]
    share, unknown = understood("frequencies", found)
    assert len(found) > 40_000
    assert share >= 0.999, unknown.most_common(20)


def test_openness_of_chinese_portals_is_understood(chinese_records: list[dict[str, Any]]) -> None:
    found = [
        next((value for value in stated if schemas.vocabulary("openness").resolve(value)), stated[0])
        for record in chinese_records
        if (stated := [str(record[key]) for key in OPENNESS_KEYS if str(record.get(key)) not in EMPTY | UNFILLED])
    ]
    share, unknown = understood("openness", found)
    assert len(found) > 35_000
    # Sentences of conditions (用于数据校验) are among the values and are no openness.
    assert share >= 0.99, unknown.most_common(40)


def test_themes_of_chinese_portals_are_understood(chinese_records: list[dict[str, Any]]) -> None:
    found = [value for record in chinese_records for key in THEME_KEYS for value in values(record.get(key))]
    share, unknown = understood("themes", found)
    assert share >= 0.9, unknown.most_common(20)


def argentine_packages() -> list[dict[str, Any]]:
    path = FIXTURES / "ckan" / "ar_datos_gob_ar_package_show.jsonl.gz"
    return [json.loads(line) for line in text(path).splitlines()]


def test_a_spanish_ckan_portal_is_understood() -> None:
    packages = argentine_packages()
    extras = [extra for package in packages for extra in package["extras"]]
    formats = [r["format"] for package in packages for r in package["resources"] if r["format"]]
    shares = {
        "formats": understood("formats", formats),
        "frequencies": understood("frequencies", (e["value"] for e in extras if e["key"] == "accrualPeriodicity")),
        "licences": understood("licences", (package["license_id"] for package in packages)),
        "themes": understood(
            "themes", (v for e in extras if e["key"] == "superTheme" for v in values(e["value"]))
        ),
    }
    assert {name: round(share, 2) for name, (share, _) in shares.items()} == {
        "formats": 1.0,
        "frequencies": 1.0,
        "licences": 1.0,
        "themes": 1.0,
    }, shares


def data_json_distributions() -> Iterator[dict[str, Any]]:
    for path in sorted((FIXTURES / "dcat_us").rglob("*.json*")):
        if not path.is_file():
            continue
        document = json.loads(text(path))
        datasets = document.get("dataset") if isinstance(document, dict) else document
        for dataset in datasets if isinstance(datasets, list) else []:
            listed = dataset.get("distribution") if isinstance(dataset, dict) else None
            yield from (d for d in listed or [] if isinstance(d, dict))


def test_formats_of_data_json_portals_are_understood() -> None:
    found = [d["format"] for d in data_json_distributions() if isinstance(d.get("format"), str) and d["format"]]
    share, unknown = understood("formats", found)
    assert len(found) > 2_000
    assert share >= 0.98, unknown.most_common(20)


@pytest.mark.slow
def test_european_addresses_in_belgian_catalogues_are_understood() -> None:
    authority = re.compile(r"http://publications\.europa\.eu/resource/authority/([a-z-]+)/[\w#]+")
    vocabularies = {
        "file-type": "formats",
        "frequency": "frequencies",
        "licence": "licences",
        "data-theme": "themes",
        "access-right": "openness",
    }
    found: dict[str, list[str]] = {kind: [] for kind in vocabularies}
    for path in (FIXTURES / "dcat" / "be" / "sources").iterdir():
        for match in authority.finditer(text(path)):
            if match[1] in found:
                found[match[1]].append(match[0])
    for kind, vocabulary in vocabularies.items():
        assert found[kind], kind
        share, unknown = understood(vocabulary, found[kind])
        assert share >= 0.99, (kind, unknown.most_common(10))
