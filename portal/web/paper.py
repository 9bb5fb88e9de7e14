"""What a page says on paper: where it stands, of what day it is, and in a PDF all that it needs to be drawn."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.resources import files
from urllib.parse import quote

from flask import Flask, request
from markupsafe import Markup
from werkzeug.test import EnvironBuilder, run_wsgi_app

from portal.web.addresses import in_language, origin
from portal.web.languages import language
from portal.web.notation import date
from portal.web.pdf import chromium
from portal.web.site import site

STYLES = ("site", "charts", "print")
"""The style sheets, the last for paper only."""

PRINTED = ("/datasets/<id>", "/publishers/<id>", "/regions/<code>", "/sources/<id>", "/runs/<int:id>",
           "/scorecards/<kind>/<code>", "/scorecards/<kind>/<code>/<rules>", "/scorecards/<kind>/<code>/<rules>/matrix")
"""The pages that are offered as PDF, under their path and ``.pdf``."""

_ON_PAPER = "nachuan.on_paper"


def on_paper() -> bool:
    """Whether this page is made to be printed: without scripts, with its style within."""
    return _ON_PAPER in request.environ


def own_address() -> str:
    """The lasting address of this page in its language."""
    return origin() + in_language(language())


def today() -> str:
    """The day this page is of."""
    return date(datetime.now(UTC))


def pdf_address() -> str | None:
    """Where the PDF of this page is; None where none is offered. A print is asked for by its path alone."""
    if request.url_rule is None or request.url_rule.rule not in PRINTED or request.query_string:
        return None
    if chromium(site().settings.chromium) is None:
        return None
    return f"{request.script_root}{request.path}.pdf"


def style_within() -> Markup:
    """The style of the site, and below every sheet the address of the page and its day."""
    sheets = (files("portal.web").joinpath(f"static/{name}.css").read_text(encoding="utf-8") for name in STYLES)
    below = f'@page {{ @bottom-left {{ content: "{_in_css(f"{own_address()} · {today()}")}"; }} }}'
    return Markup("<style>{}</style>").format(Markup("\n".join((*sheets, below))))


def as_anyone_sees_it(app: Flask, path: str) -> tuple[int, str]:
    """Status and HTML of the page at ``path``, made for paper, asked without any of the reader's cookies or headers."""
    builder = EnvironBuilder(
        path=quote(f"/{language()}{path}"),
        base_url=f"{request.scheme}://{request.host}{request.environ['nachuan.mount']}/",
        environ_overrides={_ON_PAPER: True},
    )
    body, status, _ = run_wsgi_app(app.wsgi_app, builder.get_environ(), buffered=True)
    return int(status.split()[0]), _text(body)


def _text(body: Iterable[bytes]) -> str:
    return b"".join(body).decode()


def _in_css(text: str) -> str:
    """A text within the quotes of a style sheet within a page."""
    return "".join(one if one.isalnum() or one in " ./:-_" else f"\\{ord(one):x} " for one in text)
