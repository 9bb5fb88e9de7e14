"""The rows of the Chinese portals in the fixtures: which region each source is of, who published, under what title."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct

from harvester.crosswalk import to_dataset
from harvester.records import RawRecord
from portal.catalog.model import Dataset, Source
from tests.fixtures import FIXTURES

REGIONS = {
    "anhui_anhui": "340000",
    "guangxi_chongzuo": "451400",
    "guangxi_fangchenggang": "450600",
    "guangxi_guigang": "450800",
    "guangxi_hezhou": "451100",
    "guangxi_laibin": "451300",
    "guangxi_nanning": "450100",
    "guangxi_qinzhou": "450700",
    "guangxi_wuzhou": "450400",
    "guizhou_anshun": "520400",
    "guizhou_bijie": "520500",
    "guizhou_qiannan": "522700",
    "guizhou_qianxinan": "522300",
    "guizhou_zunyi": "520300",
    "jiangsu_huaian": "320800",
    "jiangsu_jiangsu": "320000",
    "jiangsu_suqian": "321300",
    "jiangsu_xuzhou": "320300",
    "jiangsu_yancheng": "320900",
    "sichuan_aba": "513200",
    "sichuan_yibin": "511500",
    "zhejiang_hangzhou": "330100",
    "zhejiang_jiaxing": "330400",
    "zhejiang_jinhua": "330700",
    "zhejiang_quzhou": "330800",
    "zhejiang_taizhou": "331000",
    "zhejiang_zhejiang": "330000",
    "zhejiang_zhoushan": "330900",
}
"""The region of the portal each file was read from."""

PUBLISHER = (
    "提供单位", "来源部门", "数据提供方", "所属部门", "所属单位", "资源提供方", "提供部门", "orgName", "发布部门", "数源单位"
)
OPENNESS = ("开放属性", "开放等级", "开放状态", "开放方式", "openTypeName", "开放条件", "开放类型")
"""The keys that state openness. 开放条件 is a condition in words on some portals and the openness itself on others, where
开放类型 says only 可开放."""

TITLE = ("标题", "资源名称", "目录名称", "subjectBaseName")


class Row(Struct, frozen=True):
    """What a portal says of one dataset; texts are empty where it says nothing."""

    portal: str
    source_region: str
    publisher: str
    title: str
    district: str | None
    """Of Hangzhou: the district (所属区县) the record itself states."""


def records() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every record of every file with the name of its portal, in the order of the files."""
    for path in sorted((FIXTURES / "cn_portals").iterdir()):
        for record in json.loads(content(path)):
            yield path.name.partition(".")[0], record


def rows() -> Iterator[Row]:
    """Every row of every file, in the order of the files."""
    for portal, record in records():
        publisher, title = _first(record, PUBLISHER), _first(record, TITLE)
        yield Row(portal, REGIONS[portal], publisher, title, record.get("所属区县"))


def datasets() -> Iterator[tuple[dict[str, Any], Dataset]]:
    """Every record of every file and the dataset that a harvest of the file makes of it."""
    sources = {
        portal: Source(id=portal, title=portal, kind="csvlist", url="https://data.example.cn/", region=region)
        for portal, region in REGIONS.items()
    }
    for portal, record in records():
        dataset, _ = to_dataset(RawRecord(body=json.dumps(record).encode()), sources[portal])
        assert dataset is not None, record
        yield record, dataset


def content(path: Path) -> bytes:
    """What a fixture holds, unpacked."""
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def _first(record: dict[str, Any], names: tuple[str, ...]) -> str:
    return next((str(record[name] or "") for name in names if name in record), "")
