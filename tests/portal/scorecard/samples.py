"""Datasets, links and days for the tests of the scorecards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from portal.catalog.model import (
    Column,
    Contact,
    Dataset,
    Distribution,
    DistributionKind,
    Link,
    LinkState,
    Period,
    Place,
    Publisher,
)
from portal.scorecard.rules import RuleSet, load
from portal.scorecard.subjects import Subject, subject
from portal.scorecard.vectors import findings
from portal.scorecard.verdicts import Finding, Verdict

DAY = datetime(2026, 6, 15, tzinfo=UTC)

FILE = "https://data.hangzhou.gov.cn/bus.csv"
PAGE = "https://data.hangzhou.gov.cn/bus"

TRANSPORT = Publisher(
    id="hz-transport",
    name="杭州市交通运输局",
    uscc="11330100002489559A",
    institution_type="government_department",
    department="330100.transport",
)

CSV = Distribution(
    id="1",
    kind=DistributionKind.FILE,
    description="逗号分隔，首行为字段名",
    access_url=PAGE,
    download_url=FILE,
    format="csv",
    format_raw="http://publications.europa.eu/resource/authority/file-type/CSV",
    media_type="text/csv",
    media_type_raw="text/csv",
    size_bytes=2048,
    issued=datetime(2025, 1, 1, tzinfo=UTC),
    modified=datetime(2026, 6, 1, tzinfo=UTC),
    licence="cc-by-4.0",
    licence_raw="http://publications.europa.eu/resource/authority/licence/CC_BY_4_0",
    rights="可自由使用",
)


def whole(**changes: Any) -> Dataset:
    """A dataset that lacks nothing, but for ``changes``."""
    given: dict[str, Any] = {
        "id": "hang000000000001",
        "source_id": "hangzhou",
        "source_key": "1",
        "title": "公共汽车站点",
        "description": "全市公共汽车线路与站点的名称、编号、位置和运营单位，由市交通运输局每月从运营系统导出，坐标为国家大地坐标系。" * 3,
        "publisher": TRANSPORT,
        "contact": Contact(name="数据科", email="data@hangzhou.example", phone="0571-12345"),
        "region": "330100",
        "places": (Place(name="杭州市"),),
        "periods": (Period(start="2026-01-01", end="2026-05-31"),),
        "themes": ("transport",),
        "themes_raw": ("交通运输",),
        "keywords": ("公交", "站点"),
        "columns": (Column(name="zdmc", title="站点名称"), Column(name="jd", title="经度")),
        "openness": "unconditional",
        "openness_raw": "无条件开放",
        "access_rights": "http://publications.europa.eu/resource/authority/access-right/PUBLIC",
        "frequency": "monthly",
        "frequency_raw": "每月",
        "licence": "cc-by-4.0",
        "licence_raw": "CC BY 4.0",
        "issued": datetime(2025, 1, 1, tzinfo=UTC),
        "modified": datetime(2026, 6, 1, tzinfo=UTC),
        "distributions": (CSV,),
        "rows": 4321,
    }
    return Dataset(**(given | changes))


def link(url: str, state: LinkState = LinkState.AVAILABLE, **changes: Any) -> Link:
    """An address asked for five days before ``DAY``, at which it had been in this state for a month."""
    asked = DAY - timedelta(days=5)
    given: dict[str, Any] = {"since": asked - timedelta(days=30), "checked": asked}
    if state is LinkState.AVAILABLE:
        given |= {"status": 200, "last_available": asked, "media_type": "text/csv"}
    return Link(url=url, state=state, **(given | changes))


def working() -> dict[str, Link]:
    """Both addresses of ``CSV``, working."""
    return {FILE: link(FILE), PAGE: link(PAGE)}


def seen(dataset: Dataset | None = None, **given: Any) -> Subject:
    """A subject: ``whole()`` with working links on ``DAY`` unless told otherwise."""
    links = given.pop("links", working())
    return subject(dataset or whole(), given.pop("day", DAY), links=links, **given)


def evidence(subject: Subject, rules: str | RuleSet = "national") -> dict[str, Finding]:
    """The findings by indicator."""
    given = load(rules) if isinstance(rules, str) else rules
    return {one.id: found for one, found in zip(given.measured, findings(subject, given), strict=True)}


def verdicts(subject: Subject, rules: str | RuleSet = "national") -> dict[str, Verdict]:
    """The verdicts by indicator."""
    return {id: found.verdict for id, found in evidence(subject, rules).items()}


def points(subject: Subject, rules: str) -> float:
    """What a dataset earns where passes earn points."""
    given = load(rules)
    found = verdicts(subject, given)
    return sum(one.weight for one in given.measured if found[one.id].passes)
