"""A dataset that says everything there is to say, and the life around it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from portal.catalog.model import (
    Column,
    Contact,
    Dataset,
    DatasetState,
    Distribution,
    Entry,
    Period,
    Place,
    Publisher,
    RecordType,
)
from portal.web.dcat import Key

BASE = "https://catalogue.example.cn"

FIRST_SEEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CHANGED = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)

FULL = Dataset(
    id="aaaaaaaaaaaaaaa2",
    source_id="hangzhou",
    source_key="https://data.example.cn/id/1",
    title="公交站点",
    titles={"zh": "公交站点", "en": 'Bus "stops" \\ halts'},
    description="每日更新。\n第二行",
    descriptions={"en": "Updated daily."},
    identifiers=("doi:10.1000/1", "HZ-001"),
    landing_page="https://data.example.cn/页面/公交 站点?q=<a>&x=[1]#top",
    languages=("zh-CN", "en", "tlh"),
    version="2.0",
    publisher=Publisher(
        id="p1", name="杭州市交通运输局", names={"en": "Hangzhou Transport"}, uri="https://org.example.cn/1", uscc="1133"
    ),
    creator="杭州公交集团",
    contact=Contact(name="数据科", email="data@example.cn", phone="0571-8700 转8", url="javascript:alert(1)"),
    region="330100",
    places=(
        Place(name="西湖", uri="https://places.example.org/1", geometry={"type": "Point", "coordinates": [120.1, 30.2]}),
        Place(name="钱塘江"),
    ),
    periods=(Period(start="2020", end="2021-02"), Period(start="2022-01-01", end="2022-02-03T04:05:06Z")),
    themes=("transport", "weather", "other"),
    themes_raw=("交通", "https://themes.example.org/t1"),
    keywords=("公交", "站点", "bus"),
    keywords_by_language={"en": ("bus",)},
    columns=(Column(name="stop_id", title="站点编号"), Column(name="经度")),
    openness="conditional",
    openness_condition="实名认证",
    frequency="daily",
    licence="cc-by-4.0",
    rights="署名即可",
    issued=FIRST_SEEN,
    modified=CHANGED,
    distributions=(
        Distribution(
            id="csv1",
            title="站点.csv",
            titles={"en": "stops.csv"},
            download_url="https://data.example.cn/files/公交 站点.csv",
            format="csv",
            media_type="text/csv; charset=utf-8",
            size_bytes=12_345,
            checksum="SHA-1:4304CF2E751E6053C90B1804C89C0EBB758F395A",
            service_keys=("service-1",),
        ),
        Distribution(id="odd1", access_url="https://data.example.cn/api", format_raw="奇怪", licence_raw="自定许可"),
    ),
    series=("series-1", "https://series.example.org/1", "nowhere"),
    series_previous="older",
    series_next="newer",
    conforms_to=("标准一", "https://standards.example.org/1"),
    hvd_categories=("c_b79e35eb",),
    applicable_legislation=("http://data.europa.eu/eli/reg_impl/2023/138/oj", "某法"),
    provenance="车载设备",
    related=("https://related.example.org/1", "无地址"),
)

SERIES = Dataset(
    id="aaaaaaaaaaaaaaa3",
    source_id="hangzhou",
    source_key="series-1",
    record_type=RecordType.SERIES,
    title="公交站点历年",
    description="历年",
    series_first="older",
    series_last="newer",
)

SERVICE = Dataset(
    id="aaaaaaaaaaaaaaa4",
    source_id="hangzhou",
    source_key="service-1",
    record_type=RecordType.SERVICE,
    title="公交接口",
    endpoint_url="https://data.example.cn/api",
    serves=("https://data.example.cn/id/1",),
)


def here(keys: Collection[Key]) -> Mapping[Key, str]:
    """Of the entries linked to, those in the samples."""
    known = {(one.source_id, one.source_key): one.id for one in (FULL, SERIES, SERVICE)}
    return {key: known[key] for key in keys if key in known}


def entry(dataset: Dataset = FULL, state: DatasetState = DatasetState.CURRENT, **changes: Any) -> Entry:
    """A dataset as the catalogue holds it, some of its fields replaced."""
    retired = CHANGED if state is DatasetState.RETIRED else None
    return Entry(
        dataset=replace(dataset, **changes), state=state, first_seen=FIRST_SEEN, changed=CHANGED, retired=retired
    )


CORPUS = (
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "]]><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'-alert(1)-'",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "{{ 7 * 7 }}",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "\u2028alert(1)\u2029",
    "<svg/onload=alert(1)>",
    "\x00\x08\x0b\ufffe",
)
"""Texts that act where they are not made harmless."""
