"""Small portals that answer as each family of Chinese portals does: real servers, every value invented."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from ipaddress import ip_network
from typing import Any, NamedTuple
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

from harvester import crosswalk
from harvester.connectors import CONNECTORS
from harvester.errors import HarvestError
from harvester.http import Http
from harvester.records import Listing, RawRecord
from harvester.sourcefiles import validate
from portal.catalog.model import Dataset, Issue, Source
from tests.hostile import HostileServer, Script, Talk, answer, json_answer


class Reading(NamedTuple):
    """All that a connector gave, what became of it, and what it asked for."""

    datasets: list[Dataset]
    issues: list[Issue]
    listing: Listing
    asked: list[str]
    raws: list[RawRecord]

    @property
    def keys(self) -> list[str]:
        return [dataset.source_key for dataset in self.datasets]


def way_out(**options: Any) -> Http:
    """To loopback only; it waits neither between questions nor before it asks again."""
    unhurried = {"requests_per_second": math.inf, "sleep": lambda seconds: None}
    return Http(allow_private=[ip_network("127.0.0.0/8")], **{**unhurried, **options})


def source_at(url: str, kind: str, **options: Any) -> Source:
    return validate({"id": "cn", "title": "示例", "kind": kind, "url": url, "options": options})


def read(
    scripts: Mapping[str, Script], kind: str = "jsonapi", *, base: str = "/", since: Any = None,
    http: Http | None = None, seen: list[str] | None = None, **options: Any,
) -> Reading:
    """A source's records, translated, from a portal that answers by these scripts.

    ``seen`` takes the paths that were asked for even where the reading raises.
    """
    datasets: list[Dataset] = []
    issues: list[Issue] = []
    raws: list[RawRecord] = []
    with HostileServer(scripts) as portal, http or way_out() as out:
        source = source_at(portal.url + base, kind, **options)
        listing = CONNECTORS[kind](source, out, since)
        while True:
            try:
                item = next(listing)
            except HarvestError:
                if seen is not None:
                    seen += portal.paths
                raise
            except StopIteration as end:
                return Reading(datasets, issues, end.value, portal.paths, raws)
            if isinstance(item, Issue):
                issues.append(item)
                continue
            raws.append(item)
            dataset, remarks = crosswalk.to_dataset(item, source)
            datasets += [dataset] if dataset else []
            issues += remarks


def asked_json(talk: Talk) -> Any:
    return json.loads(talk.seen.body)


def asked_form(talk: Talk) -> dict[str, str]:
    return dict(parse_qsl(talk.seen.body.decode(), keep_blank_values=True))


def asked_query(talk: Talk) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(talk.seen.target).query).items()}


def asked_encoded_json(talk: Talk) -> Any:
    return json.loads(unquote(talk.seen.body.decode()))


def paged(
    records: Sequence[Any], page_of: Callable[[Talk], tuple[int, int]], told: Callable[[Sequence[Any]], Any]
) -> Script:
    """Answers with ``told(page)``; ``page_of`` reads the offset and the size from a question."""

    def script(talk: Talk) -> None:
        offset, size = page_of(talk)
        json_answer(told(records[offset:offset + size]))(talk)

    return script


def one_of(details: Mapping[str, Any], key_of: Callable[[Talk], object], told: Callable[[Any], Any]) -> Script:
    """Answers with ``told(detail)`` of the one asked for, 404 where there is none."""

    def script(talk: Talk) -> None:
        key = key_of(talk)
        # A distorted list may have had us ask for an object.
        detail = details.get(key) if isinstance(key, str) else None
        (answer("不存在", status=404) if detail is None else json_answer(told(detail)))(talk)

    return script


def html(text: str) -> Script:
    head = "<head><meta charset='utf-8'><title>示例</title></head>"
    return answer(f"<!DOCTYPE html><html>{head}<body>{text}</body></html>")
