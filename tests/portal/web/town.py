"""An invented catalogue with one of everything that pages must show, and browsers to look at it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from flask.testing import FlaskClient
from jinja2.bccache import Bucket, BytecodeCache
from lxml import html
from msgspec.structs import replace
from werkzeug.routing import Rule

from portal.catalog.model import (
    Column,
    Contact,
    Counts,
    Dataset,
    Distribution,
    Issue,
    Outcome,
    Period,
    Place,
    Publisher,
    RunMode,
    Source,
)
from portal.catalog.normalisation import Normalisation, understanding
from portal.catalog.store import Catalog
from portal.catalog.writing import NewRecord
from portal.search.indexing import catch_up
from portal.search.memory import MemoryIndex
from portal.search.query import SearchIndex
from portal.settings import Settings
from portal.web.app import create_app
from tests.catalogs import record

NOW = datetime.now(UTC)

_HOME = TemporaryDirectory(prefix="nachuan-town-")
"""Where sites keep what they keep of their readers."""

HANGZHOU = Source(
    id="hangzhou", title="杭州市公共数据开放平台", kind="ckan", url="https://data.example.cn/", region="330100"
)
RIVERTON = Source(id="riverton", title="Riverton Open Data", kind="dcat", url="https://data.example.org/")

WATER = Publisher(id="water", name="杭州市水务局", institution_type="government_department", uscc="11330100002489518W")
ROADS = Publisher(id="roads", name="Department of Roads")

EVERYTHING = dict(
    title="饮用水水源地水质监测",
    titles={"en": "Water quality of drinking water sources"},
    description="　　每月监测。\n\n- **pH** 值\n- 溶解氧\n\n见 [说明](https://data.example.cn/help)。",
    publisher=WATER,
    contact=Contact(name="数据科", email="data@example.cn", phone="0571-00000000"),
    landing_page="https://data.example.cn/dataset/1",
    region="330100",
    region_inferred_from="source",
    places=(Place(name="千岛湖"),),
    periods=(Period(start="2020-01-01"),),
    themes=("environment",),
    themes_raw=("生态环保",),
    keywords=("水质", "监测"),
    columns=(Column(name="ph", title="pH 值", data_type="数值型", length=8), Column(name="统一社会信用代码")),
    openness="conditional",
    openness_condition="实名认证",
    frequency="monthly",
    licence="cc-by-4.0",
    licence_url="https://creativecommons.org/licenses/by/4.0/",
    issued=NOW - timedelta(days=900),
    modified=NOW - timedelta(days=65),
    distributions=(
        Distribution(
            id="csv1", title="水质.csv", format="csv", size_bytes=34_567, download_url="https://data.example.cn/1.csv"
        ),
        Distribution(id="doc1", format_raw="奇怪的格式"),
    ),
)


class _Compiled(BytecodeCache):
    """The templates compiled so far, for every site of this process: compiling one takes longer than showing it."""

    def __init__(self) -> None:
        self.codes: dict[tuple[str, str], Any] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self.codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        self.codes[bucket.key, bucket.checksum] = bucket.code


_COMPILED = _Compiled()


class _Rules:
    """What builds the addresses of a rule, compiled once for all sites of this process: half of making one is compiling."""

    def __init__(self, compile: Callable[[Rule, bool], Any]) -> None:
        self._compile = compile
        self._compiled: dict[object, Any] = {}

    def __get__(self, rule: Rule, kind: type) -> Callable[..., Any]:
        return partial(self._builder, rule)

    def _builder(self, rule: Rule, append_unknown: bool = True) -> Any:
        # Everything that Werkzeug compiles it from; the rule itself is passed to it when an address is built.
        key = tuple(rule._trace), repr(rule.defaults), append_unknown
        if key not in self._compiled:
            self._compiled[key] = self._compile(rule, append_unknown)
        return self._compiled[key]


Rule._compile_builder = _Rules(Rule._compile_builder)  # type: ignore[assignment, arg-type, method-assign]


def dataset_of(key: str, source: Source = HANGZHOU) -> str:
    """The public id of the dataset with this key."""
    return record(key, source=source).dataset.id


def made(key: str, source: Source = HANGZHOU, **fields: Any) -> NewRecord:
    """A translated record."""
    return record(key, source=source, body=f'{{"id": "{key}"}}'.encode(), **fields)


def build(catalog: Catalog) -> None:
    """Fills ``catalog``: a good source and its history, a source in trouble, one never harvested."""
    catalog.sources.put(HANGZHOU)
    catalog.sources.put(RIVERTON)
    catalog.sources.put(replace(HANGZHOU, id="later", title="尚未采集的平台"))
    old = dict(EVERYTHING, frequency="annual")
    lease = catalog.sources.lease("hangzhou", "test")
    run = catalog.runs.start("hangzhou", RunMode.FULL, "test")
    records = [made("1", **old), made("bare", title="什么都没有说明的数据集"), made("late"), made("gone"), made("broken")]
    records += [
        made(f"bus{n}", title=f"公交线路 {n}", themes=("transport",), region="330102", publisher=WATER)
        for n in range(25)
    ]
    with catalog.transaction(lease, run.id) as transaction:
        transaction.put(records)
    with catalog.transaction(lease, run.id) as transaction:
        transaction.put([made("1", **EVERYTHING)])
        transaction.mark_missing([dataset_of("late")])
        transaction.retire([dataset_of("gone")], "withdrawn")
        transaction.mark_unusable([dataset_of("broken")])
    counts = Counts(listed=32, added=29, updated=1, unchanged=0, unusable=1, duplicate=1, missing=1, retired=1)
    run = replace(run, counts=counts, declared=33, requests=3, bytes_received=123_456)
    catalog.runs.add_issues(
        run,
        [
            (dataset_of("1"), Issue(code="field.not-understood", field="frequency", seen="逢年过节", source_key="1")),
            (None, Issue(code="record.title-missing", source_key="=HYPERLINK(1)")),
        ],
    )
    catalog.runs.save(replace(run, finished=datetime.now(UTC), outcome=Outcome.COMPLETE))
    catalog.sources.release(lease)
    fields = understanding(entry.dataset for entry in catalog.walk(source_id="hangzhou"))
    catalog.normalisations.put(Normalisation(source_id="hangzhou", run_id=run.id, counted=NOW, fields=fields))
    _trouble(catalog)


def _trouble(catalog: Catalog) -> None:
    lease = catalog.sources.lease("riverton", "test")
    run = catalog.runs.start("riverton", RunMode.FULL, "test")
    bridges = made("b", RIVERTON, title="Bridge inspections", publisher=ROADS, languages=("en",))
    with catalog.transaction(lease, run.id) as transaction:
        transaction.put([bridges])
    held = replace(run, counts=Counts(held=1), outcome=Outcome.HELD, cause="listing.shrank", finished=NOW)
    catalog.runs.save(held)
    catalog.runs.hold(held, [bridges.dataset.id])
    catalog.runs.add_issues(held, [(None, Issue(code="listing.shrank", seen="1/1"))])
    catalog.runs.start("riverton", RunMode.INCREMENTAL, "test")


def client_of(catalog: Catalog, index: SearchIndex | None = None, **settings: Any) -> FlaskClient:
    """A browser on the site over ``catalog``; without an index of its own the catalogue is indexed now."""
    if index is None:
        index = MemoryIndex()
        catch_up(catalog, index)
    settings.setdefault("home", Path(_HOME.name))
    app = create_app(Settings(secret_key="a key of thirty-two characters or more", **settings), catalog, index, hold_s=0)
    app.jinja_env.bytecode_cache = _COMPILED
    return app.test_client()


def page(client: FlaskClient, path: str, status: int = 200, **headers: str) -> html.HtmlElement:
    """The parsed page at ``path``."""
    response = client.get(path, headers=headers)
    assert response.status_code == status, (path, response.status_code)
    return html.document_fromstring(response.get_data(as_text=True))


def words(element: html.HtmlElement) -> str:
    """What a reader sees of an element, in one line."""
    return re.sub(r"\s+", " ", element.text_content()).strip()


def says(client: FlaskClient, path: str, status: int = 200) -> str:
    """What a reader sees of a page's content, in one line."""
    (main,) = page(client, path, status).xpath("//main")
    return words(main)


def fields_of_dataset() -> tuple[str, ...]:
    """The names of the unified fields."""
    return Dataset.__struct_fields__
