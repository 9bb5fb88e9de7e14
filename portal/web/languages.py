"""Which language a page is in: its address says it (``/zh/…``, ``/en/…``), else the browser, else the installation."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import g, request
from markupsafe import Markup, escape
from msgspec import Struct

from portal.web.site import site

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

LANGUAGES = ("zh", "en")

_PREFIX = re.compile(r"/(zh|en)(?=/|$)")
_HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff]")


class LanguagePrefix:
    """Takes the language off the path before routing.

    It becomes a part of the mount point, so that every address made during the request keeps it by itself.
    """

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serves one request."""
        path = environ.get("PATH_INFO", "")
        environ["nachuan.mount"] = environ.get("SCRIPT_NAME", "")
        match = _PREFIX.match(path)
        if match:
            environ["nachuan.language"] = match[1]
            environ["SCRIPT_NAME"] = environ["nachuan.mount"] + match[0]
            environ["PATH_INFO"] = path.removeprefix(match[0]) or "/"
        return self._application(environ, start_response)


def language() -> str:
    """The language of this page, ``zh`` or ``en``."""
    # A page asks some hundred times.
    if "language" not in g:
        g.language = request.environ.get("nachuan.language") or _browsers() or site().settings.locale
    return str(g.language)


def _browsers() -> str | None:
    return request.accept_languages.best_match(LANGUAGES)


def language_in_address() -> bool:
    """Whether the address itself says the language."""
    return "nachuan.language" in request.environ


class Text(Struct, frozen=True):
    """Words of a portal with the language they are in."""

    text: str
    language: str = ""
    """A BCP 47 tag; empty = unknown, which is what HTML's ``lang`` means by an empty value."""


def tongue(text: str, said: tuple[str, ...] = ()) -> str:
    """The language tag of a portal's text: Chinese where it has Han characters, else the one language ``said``."""
    if _HAN.search(text) and not any(tag.startswith("ja") for tag in said):
        return "zh"
    return said[0] if len(said) == 1 else ""


def said(text: str, tag: str | None = None) -> Markup:
    """Words of a portal for a page, marked with their language where it is not the page's."""
    tag = tongue(text) if tag is None else tag
    page = language()
    if tag.split("-")[0] == page or (tag == "" and page == "en"):
        return escape(text)
    return Markup('<span lang="{}">{}</span>').format(tag, text)


def for_reader(plain: str, by_language: dict[str, str], said: tuple[str, ...] = ()) -> Text:
    """The wording in the reader's language where the portal gives one, else its own."""
    wanted = language()
    for tag, text in by_language.items():
        if tag.split("-")[0].lower() == wanted and text:
            return Text(text, tag)
    return Text(plain, tongue(plain, said))
