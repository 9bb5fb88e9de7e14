"""Pages as PDF, each under its own address with ``.pdf``."""

from __future__ import annotations

import logging

from flask import Blueprint, Response, abort, current_app, request

from portal.web.errors import error_page
from portal.web.languages import language_in_address
from portal.web.paper import PRINTED, as_anyone_sees_it
from portal.web.pdf import PATIENCE_S, NotPrinted, PrinterBusy, chromium, printed
from portal.web.site import site

log = logging.getLogger(__name__)

KEPT_S = 300
"""Whoever stands before the portal may keep a PDF so long: it is the same for everyone, and dear to make."""

pages = Blueprint("printed", __name__)


def pdf(**_: object) -> Response:
    """The page as anyone sees it, on A4. Where it is not a page with status 200, there is nothing to print."""
    browser = chromium(site().settings.chromium)
    if browser is None:
        return error_page(501, "pdf_missing")
    status, html = as_anyone_sees_it(current_app, request.path.removesuffix(".pdf"))
    if status != 200:
        abort(status if status in (404, 410) else 404)
    try:
        body = printed(html, browser, site().settings.home)
    except PrinterBusy:
        response = error_page(503, "pdf_busy")
        response.headers["Retry-After"] = f"{PATIENCE_S:.0f}"
        return response
    except NotPrinted as error:
        log.error("%s was not printed: %s", request.path, error)
        return error_page(503, "pdf_failed")
    response = Response(body, mimetype="application/pdf")
    response.headers["Cache-Control"] = f"public, max-age={KEPT_S}"
    if not language_in_address():
        response.vary.add("Accept-Language")
    response.headers["X-Robots-Tag"] = "noindex"
    return response


for _rule in PRINTED:
    pages.add_url_rule(f"{_rule}.pdf", view_func=pdf)
