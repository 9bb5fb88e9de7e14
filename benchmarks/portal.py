"""A CKAN portal of make-believe packages that answers at once, in a process of its own."""

from __future__ import annotations

import json
import multiprocessing
import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOPICS = (
    "路灯井盖",
    "公交线路",
    "空气质量",
    "企业登记",
    "食品抽检",
    "停车场",
    "学校名录",
    "医疗机构",
    "水质监测",
    "行政许可",
)
OFFICES = ("城市管理局", "交通运输局", "生态环境局", "市场监督管理局", "教育局", "卫生健康委员会")


def package(number: int, rng: random.Random) -> dict[str, Any]:
    """A package as CKAN 2.10 shows it, about 3.3 kB of JSON with three resources."""
    key = f"{number:08x}-0000-4000-8000-{rng.getrandbits(48):012x}"
    topic, office = rng.choice(TOPICS), rng.randrange(len(OFFICES))
    created = f"20{rng.randrange(18, 25)}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}T03:04:05.123456"
    return {
        "id": key,
        "name": f"dataset-{number}",
        "title": f"{topic}信息（{number}）",
        "notes": f"本数据集包含{topic}的名称、位置、编号和权属单位，由{OFFICES[office]}维护。" * rng.randrange(1, 4),
        "state": "active",
        "type": "dataset",
        "private": False,
        "metadata_created": created,
        "metadata_modified": created.replace("T03", "T04"),
        "license_id": rng.choice(("cc-by", "notspecified", "odc-by")),
        "license_title": "",
        "organization": {
            "id": f"office-{office}",
            "name": f"office-{office}",
            "title": OFFICES[office],
            "type": "organization",
            "description": "",
            "state": "active",
        },
        "maintainer": "数据专员",
        "maintainer_email": "data@example.org",
        "author": None,
        "url": None,
        "version": "",
        "tags": [
            {"id": f"tag-{word}", "name": word, "display_name": word, "state": "active", "vocabulary_id": None}
            for word in (topic, OFFICES[office], "城市运行")
        ],
        "groups": [{"id": "g", "name": "transport", "title": "交通运输", "display_name": "交通运输"}],
        "extras": [
            {"key": "frequency", "value": rng.choice(("每月", "每年", "实时"))},
            {"key": "openness", "value": "无条件开放"},
        ],
        "resources": [
            {
                "id": f"{number}-{kind}",
                "package_id": key,
                "name": f"{topic}.{kind}",
                "description": "",
                "format": kind.upper(),
                "url": f"https://data.example.gov/{number}.{kind}",
                "mimetype": None,
                "size": rng.randrange(1000, 10_000_000),
                "created": created,
                "last_modified": None,
                "hash": "",
                "position": place,
                "state": "active",
            }
            for place, kind in enumerate(("csv", "json", "xlsx"))
        ],
        "num_resources": 3,
        "num_tags": 3,
    }


def _answer(count: int, ready: Connection) -> None:
    rng = random.Random(count)
    packages = sorted((package(number, rng) for number in range(count)), key=lambda found: str(found["id"]))
    encoded = [json.dumps(found, ensure_ascii=False).encode() for found in packages]

    @cache
    def page(start: int, rows: int) -> bytes:
        head = b'{"help": "", "success": true, "result": {"count": %d, "results": [' % count
        return head + b", ".join(encoded[start : start + rows]) + b"]}}"

    class Answers(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            address = urlsplit(self.path)
            asked = {name: values[0] for name, values in parse_qs(address.query).items()}
            if re.search("package_search$", address.path):
                body = page(int(asked.get("start", 0)), min(int(asked.get("rows", 10)), 1000))
            else:
                body = b'{"help": "", "success": true, "result": {"ckan_version": "2.10.4", "extensions": []}}'
            self.send_response(200)
            self.send_header("Content-Type", "application/json;charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    for start in range(0, count, 1000):
        page(start, 1000)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    ready.send(server.server_port)
    server.serve_forever()


@contextmanager
def portal(count: int) -> Iterator[str]:
    """The address of a portal with ``count`` packages, its pages of 1,000 made beforehand."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_answer, args=(count, theirs), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}/"
    finally:
        process.terminate()
        process.join()
