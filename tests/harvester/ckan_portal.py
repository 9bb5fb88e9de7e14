"""A CKAN on loopback that lists what a test puts into it, with paging, orders and filters as the real one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.ckan.solr import Query
from tests.hostile import HostileServer, Script, Talk, json_answer

ROWS_AT_MOST = 1000
"""CKAN's own limit since 2.8."""

Package = dict[str, Any]
Asked = Mapping[str, str]


class CkanPortal:
    """The packages of one portal. ``instead`` may answer a question in the portal's place."""

    def __init__(self, packages: Sequence[Package] = (), organizations: Sequence[Package] = ()) -> None:
        self.packages = list(packages)
        self.rows_at_most = ROWS_AT_MOST
        self.searches = True
        """Whether ``package_search`` is switched on."""
        self.instead: Callable[[str, Asked], Script | None] = lambda action, asked: None
        self.url = ""
        self._names = {each["id"]: each["name"] for each in organizations}
        self._server: HostileServer | None = None

    @property
    def paths(self) -> list[str]:
        """What was asked for, in order."""
        assert self._server is not None
        return self._server.paths

    @contextmanager
    def running(self) -> Iterator[str]:
        """Answers on loopback, at the address given, until the block ends."""
        with HostileServer(self._play) as server:
            self._server, self.url = server, f"{server.url}/"
            yield self.url

    def _play(self, talk: Talk) -> None:
        parts = urlsplit(talk.seen.target)
        action = parts.path.rpartition("/")[2]
        asked = dict(parse_qsl(parts.query, keep_blank_values=True))
        script = self.instead(action, asked) or self._answer(action, asked)
        script(talk)

    def _answer(self, action: str, asked: Asked) -> Script:
        if action == "package_search" and self.searches:
            return _success(self._found(asked))
        if action == "package_list":
            return _success([package["name"] for package in self.packages])
        if action == "package_show":
            for package in self.packages:
                if asked.get("id") in (package.get("id"), package.get("name")):
                    return _success(package)
        error = {"__type": "Not Found Error", "message": "Not found"}
        return json_answer({"help": "", "success": False, "error": error}, status=404)

    def _found(self, asked: Asked) -> Package:
        test = Query(asked.get("fq") or "*:*").test()
        found = [package for package in self.packages if test(self._indexed(package))]
        field, _, direction = asked.get("sort", "").partition(" ")
        if field:
            found.sort(key=lambda package: str(package.get(field, "")), reverse=direction == "desc")
        start, rows = int(asked.get("start", 0)), min(int(asked.get("rows", 10)), self.rows_at_most)
        return {
            "count": len(found),
            "sort": asked.get("sort"),
            "facets": {},
            "results": found[start:start + rows],
        }

    def _indexed(self, package: Package) -> Package:
        organization = package.get("organization") or {}
        return {
            "id": package.get("id"),
            "organization": organization.get("name") or self._names.get(package.get("owner_org")),
            "groups": [group["name"] for group in package.get("groups", ())],
            "metadata_modified": _instant(package.get("metadata_modified")),
        }


def _instant(said: str | None) -> str | None:
    return said and f"{said[:19]}Z"


def _success(result: Any) -> Script:
    return json_answer({"help": "", "success": True, "result": result})


def package(key: str, **fields: Any) -> Package:
    """A small sound package."""
    return {
        "id": key,
        "name": f"name-{key}",
        "title": f"数据集 {key}",
        "state": "active",
        "resources": [],
    } | fields
