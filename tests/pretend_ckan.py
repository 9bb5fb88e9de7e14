"""A CKAN small enough to be scripted: a real server on loopback whose habits a test can change."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

Packages = list[dict[str, Any]]


class Failing(Exception):
    """The server answers this instead."""

    def __init__(self, status: int, body: Any, media_type: str = "application/json") -> None:
        super().__init__(status)
        self.status = status
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.media_type = media_type


class PretendCkan:
    """Answers ``package_search``, ``package_list`` and ``package_show`` over ``packages``; every habit is a member."""

    def __init__(self, packages: Packages) -> None:
        self.packages = packages
        self.rows_max = 1000
        self.ignores: frozenset[str] = frozenset()
        """Parameters of the search it pays no heed to."""
        self.surplus = 0
        """How many more packages it says it holds than it gives."""
        self.has_search = True
        self.before: Callable[[str, dict[str, str]], None] = lambda action, parameters: None
        """Called before each answer; may change the packages or raise ``Failing``."""
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.headers: list[dict[str, str]] = []
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def searches(self) -> list[dict[str, str]]:
        """The parameters of each search asked."""
        return [parameters for action, parameters in self.asked if action == "package_search"]

    def answer(self, action: str, parameters: dict[str, str]) -> Any:
        """The result of an action."""
        self.before(action, parameters)
        if action == "package_search" and self.has_search:
            return self._search({name: said for name, said in parameters.items() if name not in self.ignores})
        if action == "package_list":
            return sorted(package["name"] for package in self.packages)
        if action == "package_show":
            for package in self.packages:
                if parameters["id"] in (package.get("name"), package.get("id")):
                    return package
            raise Failing(404, {"success": False, "error": {"message": "Not found", "__type": "Not Found Error"}})
        raise Failing(404, b"<html><h1>Not Found</h1></html>", "text/html")

    def _search(self, parameters: dict[str, str]) -> Any:
        key, _, direction = parameters.get("sort", "id asc").partition(" ")
        found = [package for package in self.packages if _matches(package, parameters.get("fq", ""))]
        found.sort(key=lambda package: str(package.get(key)), reverse=direction == "desc")
        start, rows = int(parameters.get("start", 0)), min(int(parameters.get("rows", 10)), self.rows_max)
        names = [(package.get("organization") or {}).get("name") for package in found]
        counts = {name: names.count(name) for name in names if name}
        return {
            "count": len(found) + self.surplus,
            "results": found[start:start + rows],
            "facets": {"organization": counts},
        }


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False


def _matches(package: dict[str, Any], fq: str) -> bool:
    organization = (package.get("organization") or {}).get("name")
    groups = {group["name"] for group in package.get("groups", [])}
    for minus, field, asked in re.findall(r"(-?)(\w+):(\([^)]*\)|\[[^\]]*\]|\S+)", fq):
        names = set(re.findall(r'"([^"]*)"', asked))
        if field == "metadata_modified":
            fits = str(package.get("metadata_modified")) >= asked[1:].split("Z")[0]
        elif field == "organization":
            fits = bool(names & {organization, f"{organization}-id"}) if names else organization is not None
        elif field == "groups":
            fits = bool(groups & names)
        else:
            fits = str(package.get(field)) == asked
        if fits == bool(minus):
            return False
    return True


def _handler(portal: PretendCkan) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            action, parameters = parts.path.rpartition("/")[2], dict(parse_qsl(parts.query, keep_blank_values=True))
            portal.asked.append((action, parameters))
            portal.headers.append(dict(self.headers))
            status, media_type = 200, "application/json"
            try:
                body = json.dumps({"help": "", "success": True, "result": portal.answer(action, parameters)}).encode()
            except Failing as failing:
                status, media_type, body = failing.status, failing.media_type, failing.body
            self.send_response(status)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler
