"""Recognises pages that stand in the way of data: checks of the browser, captchas, logins."""

from __future__ import annotations

import re
from collections.abc import Mapping

_SEARCHED_BYTES = 32 * 1024

_CHALLENGES = (
    ("__jsl_clearance", "a cookie challenge (Knownsec)"),
    ("acw_sc__v2", "a cookie challenge (Alibaba Cloud)"),
    ("$_ts=window", "a script challenge (Ruishu)"),
    ("_incapsula_resource", "a script challenge (Imperva)"),
    ("/cdn-cgi/challenge-platform/", "a script challenge (Cloudflare)"),
)
"""Marks that only challenge pages carry, in lower case."""

_OBSTACLES = (
    ("captcha", "a captcha"),
    ("人机验证", "a captcha"),
    ("滑动验证", "a captcha"),
    ("安全验证", "a captcha"),
    ("just a moment...", "a script challenge"),
    ('type="password"', "a login page"),
    ("type='password'", "a login page"),
    ('http-equiv="refresh"', "a page that sends browsers elsewhere (meta refresh)"),
    ("http-equiv=refresh", "a page that sends browsers elsewhere (meta refresh)"),
    ("document.cookie", "a cookie challenge"),
)
"""Marks that honest pages may carry too: they count only where data was to be."""

_CHALLENGE_STATUSES = frozenset((412, 468, 521))
"""What Chinese application firewalls send a challenge page with: Ruishu 412, Tencent 468, Knownsec 521."""


def looks_like_markup(body: bytes) -> bool:
    """Whether a body begins as HTML or XML does."""
    return body[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


_FIRST_ELEMENT = re.compile(rb"\s*(?:<[?!][^>]*>\s*)*<([A-Za-z_][\w.:-]*)")
_HTML = frozenset("html head body div script style title meta link p h1 h2 h3 center table ul ol pre br span form a".split())


def kind_of_markup(body: bytes) -> str:
    """``HTML``, or ``XML`` with the name of its first element: an interface that answers in another form is no page."""
    first = _FIRST_ELEMENT.match(body[:_SEARCHED_BYTES].removeprefix(b"\xef\xbb\xbf"))
    if first is None or first[1].decode().lower() in _HTML:
        return "HTML"
    return f"XML ({first[1].decode()})"


def challenge(status: int, headers: Mapping[str, str], body: bytes) -> str | None:
    """What keeps us out, in words; None when it is an ordinary answer."""
    if "cf-mitigated" in headers:
        return "a script challenge (Cloudflare)"
    if not looks_like_markup(body):
        return None
    if status in _CHALLENGE_STATUSES:
        return f"a challenge page (status {status})"
    return _found(body, _CHALLENGES)


def obstacle(body: bytes) -> str | None:
    """What an HTML page in place of data is, in words; None when it is no known obstacle."""
    return _found(body, _CHALLENGES + _OBSTACLES)


def _found(body: bytes, marks: tuple[tuple[str, str], ...]) -> str | None:
    page = body[:_SEARCHED_BYTES].decode("utf-8", "replace").lower()
    return next((words for mark, words in marks if mark in page), None)
