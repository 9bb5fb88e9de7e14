"""The addresses pages link to: in the language in use, in the other one, and the lasting ones for machines."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from urllib.parse import quote, urlencode

from flask import request, url_for

from portal.web.site import site


def address(endpoint: str, **values: object) -> str:
    """The path of a page; it keeps the language that the current address says."""
    return url_for(endpoint, **values)  # type: ignore[arg-type]


def in_language(language: str) -> str:
    """The current page in ``zh`` or ``en``."""
    query = urlencode(list(request.args.items(multi=True)))
    path = f"{_mount()}/{language}{quote(request.path)}"
    return f"{path}?{query}" if query else path


def lasting(endpoint: str, **values: object) -> str:
    """The absolute address of a thing whatever the language: what citations, feeds and RDF name it by."""
    path = address(endpoint, **values).removeprefix(request.script_root)
    return f"{base()}{path}"


def base() -> str:
    """What every lasting address begins with: the origin and where the site is mounted."""
    return origin() + _mount()


def origin() -> str:
    """Scheme and host of this portal: as the installation sets it, else as asked."""
    return site().settings.base_url or request.host_url.rstrip("/")


def asset(name: str) -> str:
    """The path of a static file; its query changes when the file does, so browsers may keep it for a year."""
    return f"{_mount()}/static/{name}?{urlencode({'v': _digest(name)})}"


def _mount() -> str:
    return str(request.environ["nachuan.mount"])


@cache
def _digest(name: str) -> str:
    return hashlib.blake2b(files("portal.web").joinpath("static", name).read_bytes(), digest_size=6).hexdigest()
