"""How fast a catalogue of make-believe bilingual datasets is indexed, searched with five facets, and completed.

    python -m benchmarks.search_speed [--datasets 200000] [--engine tantivy]

Four in five datasets are Chinese; titles, keywords, columns and descriptions are put together from the words below,
regions, themes and formats are those of the vocabularies; the same seed gives the same catalogue. Every query runs
once to warm up and then ``--repeats`` times; counts over all datasets, which are kept for a commit, are timed fresh.
"""

from __future__ import annotations

import argparse
import random
import resource
import statistics
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import schemas
from benchmarks.yardstick import packages_parsed_a_second
from harvester.identity import dataset_id, publisher_id
from portal.catalog.model import Column, Dataset, DatasetState, Distribution, Entry, Publisher
from portal.search.engines import open_index
from portal.search.indexing import document
from portal.search.query import Position, Query, SearchIndex, Sort

NOW = datetime(2026, 6, 1, tzinfo=UTC)
FACETS = ("region", "theme", "publisher", "format", "openness")

SUBJECTS = (
    "公共汽车 公交线路 停车场 空气质量 水质监测 地表水 人口普查 义务教育 学校 幼儿园 医疗机构 药品 食品安全 行政许可 行政处罚 "
    "企业登记 个体工商户 财政预算 财政决算 税收 社会保险 最低生活保障 养老机构 残疾人 不动产 建设项目 施工许可 房屋租赁 "
    "旅游景区 文物保护单位 图书馆 体育场馆 气象预警 降水量 森林资源 农产品价格 畜牧业 水产养殖 农业机械 用电量 供水 燃气 "
    "垃圾分类 污水处理 排污许可 道路运输 危险化学品 安全生产 消防 招标投标 政府采购 专利 科技项目 高新技术企业 就业 招聘 "
    "职业培训 统计年鉴 居民消费价格 国内生产总值 固定资产投资 进出口 外商投资 快递 网约车 出租汽车 充电桩 路灯 井盖"
).split()
KINDS = "信息 名录 统计表 清单 数据 明细 公示信息 目录 台账 一览表 情况 汇总表".split()
FIELDS = "序号 名称 地址 联系电话 统一社会信用代码 法定代表人 日期 面积 数量 单位 经度 纬度 类型 备注 有效期 所属区域 年份 状态".split()
OFFICES = "统计局 教育局 卫生健康委员会 交通运输局 市场监督管理局 生态环境局 民政局 财政局 自然资源局 农业农村局 水利局 应急管理局".split()
ENGLISH = (
    "transport bus stops parking air quality water monitoring population census schools hospitals licences budget "
    "expenditure tax planning housing tourism libraries weather rainfall forests prices energy waste roads safety "
    "procurement patents employment training statistics trade investment vehicles charging lighting register survey "
    "annual monthly district regional national open points areas boundaries services"
).split()

QUERIES = (
    Query(text="信息"), Query(text="公交线路"), Query(text="空气质量 统计表"), Query(text="南京市 行政许可"), Query(text="水"),
    Query(text='"停车场信息"'), Query(text="交线"), Query(text="学校 OR 幼儿园 -名录"), Query(text="schools statistics"),
    Query(text="transport"), Query(text="统一社会信用代码 企业登记"), Query(text="信息", filters={"openness": ("unconditional",)}),
    Query(text="数据", filters={"region": ("320000", "330000"), "format": ("csv", "xlsx")}),
    Query(filters={"theme": ("health",), "fresh": ("12m",)}), Query(text="数据", sort=Sort.MODIFIED),
    Query(filters={"openness": ("unconditional",)}, sort=Sort.TITLE), Query(filters={"field": ("经度",)}),
)
"""What people ask, from words in half of all datasets to phrases in a few."""

TYPED = "公 公交 公交线 信息 线路 南京市教 统 统计年鉴 sch transpo air qua 经 pm2".split()


def _codes(vocabulary: str) -> list[str]:
    return list(schemas.vocabulary(vocabulary).terms)


def entries(count: int, seed: int = 7) -> Iterator[Entry]:
    """``count`` datasets as the catalogue would hold them."""
    draw = random.Random(seed)
    regions = [
        term for term in schemas.vocabulary("regions").terms.values() if term.attributes.get("level") != "national"
    ]
    themes, formats, openness = _codes("themes"), _codes("formats")[:12], _codes("openness")
    frequencies, licences = _codes("frequencies"), _codes("licences")[:10]
    # 400 portals with 24 offices each: the 200,000 datasets have some 8,000 publishers.
    portals = [draw.choice(regions) for _ in range(400)]
    for number in range(count):
        place = int(draw.random() ** 2 * len(portals))
        region, source = portals[place], f"source-{place}"
        if draw.random() < 0.8:
            office = draw.choice(OFFICES)
            subject = draw.choice(SUBJECTS)
            publisher, title = f"{region.zh}{office}", f"{region.zh}{subject}{draw.choice(KINDS)}"
            names = draw.sample(FIELDS, 8)
            described = "".join(f"{draw.choice(SUBJECTS)}{draw.choice(KINDS)}，" for _ in range(draw.randint(8, 20)))
            description = f"{title}，包括{'、'.join(names)}等。{described}"
            keywords = (subject, draw.choice(SUBJECTS), draw.choice(KINDS))
        else:
            publisher = f"{region.en} {draw.choice(ENGLISH[:12]).title()} Office"
            title = f"{region.en} {' '.join(draw.sample(ENGLISH, 4))} {draw.randint(2005, 2026)}"
            names = draw.sample(ENGLISH, 8)
            description = f"{title}. {' '.join(draw.choices(ENGLISH, k=draw.randint(15, 40)))}."
            keywords = tuple(draw.sample(ENGLISH, 3))
        changed = NOW - timedelta(days=draw.random() ** 2 * 2500)
        dataset = Dataset(
            id=dataset_id(source, str(number)),
            source_id=source,
            source_key=str(number),
            title=title,
            description=description,
            keywords=keywords,
            columns=tuple(Column(name=name) for name in names),
            publisher=Publisher(id=publisher_id(source, None, publisher), name=publisher),
            region=region.code,
            themes=(draw.choice(themes),),
            openness=draw.choice(openness),
            frequency=draw.choice(frequencies),
            licence=draw.choice(licences),
            issued=changed - timedelta(days=draw.random() * 500),
            modified=changed if draw.random() < 0.95 else None,
            distributions=tuple(
                Distribution(id=f"{number}-{place}", format=one)
                for place, one in enumerate(draw.sample(formats, draw.randint(1, 3)))
            ),
        )
        yield Entry(dataset=dataset, state=DatasetState.CURRENT, first_seen=NOW, changed=changed)


def _resident_mb() -> float:
    """Memory of this process that is in use now, files of the index that are mapped included."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 1e6


def _timed(act: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock, and seconds this thread was computing: others on the machine slow only the first."""
    began, computing = time.perf_counter(), time.thread_time()
    act()
    return time.perf_counter() - began, time.thread_time() - computing


def milliseconds(act: Callable[[], object], repeats: int) -> list[float]:
    """How long each of ``repeats`` goes takes, after one that warms up."""
    act()
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        act()
        times.append((time.perf_counter() - began) * 1000)
    return times


def percentiles(times: list[float]) -> str:
    """The median and the 95th percentile in words."""
    ordered = sorted(times)
    return f"p50 {statistics.median(ordered):.1f} ms, p95 {ordered[int(len(ordered) * 0.95)]:.1f} ms"


def measure(index: SearchIndex, repeats: int) -> None:
    """Prints how long queries and completions take."""
    everything: list[float] = []
    for query in QUERIES:
        asked = Query(text=query.text, filters=query.filters, sort=query.sort, facets=FACETS, today=NOW.date())
        times = milliseconds(partial(index.search, asked), repeats)
        everything += times
        total = index.search(asked).total
        print(f"  {query.text or '':24} {dict(query.filters)} {query.sort}: {total:,} hits, {percentiles(times)}")
    print(f"search with 5 facets and total: {percentiles(everything)}")
    completing = [spent for typed in TYPED for spent in milliseconds(partial(index.suggest, typed), repeats)]
    print(f"suggestions: {percentiles(completing)}")
    # Another day is not among the kept counts.
    days = (NOW.date() + timedelta(days=day) for day in range(1, 1000))
    fresh = milliseconds(lambda: index.search(Query(facets=FACETS, today=next(days))), repeats)
    kept = milliseconds(lambda: index.search(Query(facets=FACETS, today=NOW.date())), repeats)
    print(f"everything, counted: {percentiles(fresh)}; kept: {percentiles(kept)}")


def main() -> None:
    """Prints the figures of one run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--datasets", type=int, default=200_000)
    parser.add_argument("--engine", default="tantivy")
    parser.add_argument("--repeats", type=int, default=30)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        made, made_by_this_thread = _timed(lambda: deque(entries(given.datasets), maxlen=0))
        index = open_index(f"{given.engine}:", Path(home))
        documents = (document(entry) for entry in entries(given.datasets))
        took, by_this_thread = _timed(lambda: index.rebuild(documents, Position(1)))
        took -= made
        size = sum(path.stat().st_size for path in Path(home).rglob("*") if path.is_file()) / 1e6
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
        rate = given.datasets / took
        print(f"yardstick: {packages_parsed_a_second():,.0f}")
        print(f"{given.datasets:,} datasets in {took:.1f} s = {rate:,.0f}/s, {size:,.0f} MB, peak {peak:,.0f} MB")
        analysing = by_this_thread - made_by_this_thread
        print(f"the Python thread alone: {analysing:.1f} s = {given.datasets / analysing:,.0f}/s")
        measure(index, given.repeats)
        print(f"in use at the end: {_resident_mb():,.0f} MB")
        index.close()


if __name__ == "__main__":
    main()
