"""Dumps of the whole catalogue: which there are, and their files, whole or in part."""

from __future__ import annotations

import msgspec
from flask import Blueprint, Response, redirect
from msgspec import Struct
from werkzeug.exceptions import NotFound, RequestedRangeNotSatisfiable
from werkzeug.wrappers import Response as AnyResponse

from portal.web import dumps
from portal.web.addresses import base
from portal.web.answers import answer, file_sent, problem
from portal.web.dumps import CHECKSUMS, MANIFEST, Manifest
from portal.web.site import site

machines = Blueprint("dumps", __name__)

_TOLD = "application/json"


class DumpDocument(Struct, frozen=True):
    """A dump with the addresses of its files, by name."""

    manifest: Manifest
    links: dict[str, str]


class DumpsDocument(Struct, frozen=True):
    """Every dump, the newest first."""

    dumps: tuple[DumpDocument, ...]


@machines.errorhandler(404)
def missing(error: NotFound) -> Response:
    """Programs get their errors as JSON."""
    return problem(404, "Not found", "There is no such dump, or no such file in it.")


@machines.errorhandler(416)
def beyond_the_end(error: RequestedRangeNotSatisfiable) -> Response:
    """Whoever asks for a part that is not there is told how much there is."""
    response = problem(416, "No such range", "The file ends before it.")
    response.headers.extend((name, value) for name, value in error.get_headers() if name == "Content-Range")
    return response


@machines.get("/dumps/")
def list_() -> Response:
    """The dumps there are."""
    home = site().settings.home
    # One may be removed between the two looks at the folder.
    found = [one for day in dumps.days(home) if (one := dumps.manifest(home, day)) is not None]
    told = tuple(DumpDocument(one, {name: f"{base()}/dumps/{one.day}/{name}" for name in _names(one)}) for one in found)
    return answer(msgspec.json.encode(DumpsDocument(told)), _TOLD)


@machines.get("/dumps/latest/<name>")
def latest(name: str) -> AnyResponse:
    """Leads to a file of the newest dump: of two files of one dump whoever wants both takes the day from the first."""
    home = site().settings.home
    for day in dumps.days(home):
        found = dumps.manifest(home, day)
        if found is not None and name in _names(found):
            response = redirect(f"{base()}/dumps/{day}/{name}", 302)
            response.headers["Cache-Control"] = "no-cache"
            return response
    return missing(NotFound())


@machines.get("/dumps/<day>/<name>")
def file(day: str, name: str) -> Response:
    """A file of a dump; with Range a part of it."""
    home = site().settings.home
    found = dumps.manifest(home, day)
    if found is None or name not in _names(found):
        return missing(NotFound())
    path, packed = home / dumps.FOLDER / day / name, found.file(name)
    try:
        if packed is None:
            return answer(path.read_bytes(), _TOLD if name == MANIFEST else "text/plain")
        # Flask would look for a relative one beside its own modules.
        filename = f"nachuan-{day}.{name.partition('.')[2]}"
        return file_sent(path.absolute(), "application/gzip", filename, packed.sha256, found.finished)
    except FileNotFoundError:
        # Its days were over in this moment.
        return missing(NotFound())


def _names(found: Manifest) -> tuple[str, ...]:
    return (MANIFEST, CHECKSUMS, *(one.name for one in found.files))
