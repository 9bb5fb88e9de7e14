"""Who is signed in, what every form must carry, and which roles a part of the site is for.

The session is Flask's signed cookie. It holds the account's name and stamp (see ``portal.catalog.accounts``), when it
was begun, and the token of its forms; pages of the public site never touch it, so that their readers get no cookie.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Collection
from urllib.parse import quote

from flask import Blueprint, Flask, Response, abort, g, redirect, request, session
from werkzeug.wrappers import Response as Answer

from portal.catalog.accounts import Account, Role
from portal.web.addresses import address
from portal.web.site import site

SESSION_S = 12 * 3600
"""A session ends after this long whatever is done in it: a working day."""

_READS = frozenset(("GET", "HEAD", "OPTIONS"))

_WAY_BACK = re.compile(r"/(?:operate|account|desk)(?:/[\w-]+)*(?:\?[\w.~%&=+-]*)?", re.ASCII)
"""What a sign-in may lead back to: pages of ours that need one, by path, never another host."""


def guard_forms(app: Flask, machines: Collection[str]) -> None:
    """Refuses every writing request without the token of its session.

    ``machines`` are the blueprints that never look at a session, which therefore nobody can be tricked into using.
    """

    @app.before_request
    def refuse_forged() -> None:
        if request.method in _READS or request.endpoint is None or request.blueprint in machines:
            return
        sent, own = request.form.get("token", ""), session.get("token", "")
        if not own or not secrets.compare_digest(sent.encode(), own.encode()):
            abort(403)


def form_token() -> str:
    """The token that a form of this session carries."""
    if "token" not in session:
        session["token"] = secrets.token_urlsafe(32)
    return str(session["token"])


def begin(account: Account) -> None:
    """Begins a session of its own for ``account``: nothing of what the browser brought along is kept."""
    session.clear()
    session.update(name=account.name, stamp=account.stamp, begun=int(time.time()))
    form_token()
    g.person = account


def end() -> None:
    """Takes the session off the browser."""
    session.clear()
    g.person = None


def person() -> Account | None:
    """Who is signed in; None where nobody is, or no longer."""
    if "person" not in g:
        g.person = _person()
    found: Account | None = g.person
    return found


def _person() -> Account | None:
    name, stamp, begun = session.get("name"), session.get("stamp"), session.get("begun")
    if not (isinstance(name, str) and isinstance(stamp, str) and isinstance(begun, int)):
        return None
    return site().catalog.accounts.signed_in(name, stamp) if 0 <= time.time() - begun < SESSION_S else None


def signed_in() -> Account:
    """Who is signed in, on a page that is only for those who are."""
    found = person()
    if found is None:
        abort(403)
    return found


def only_for(pages: Blueprint, roles: Collection[Role]) -> None:
    """Lets only people with one of ``roles`` see anything of a blueprint; the others are asked to sign in."""
    pages.after_request(_private)

    @pages.before_request
    def admit() -> Answer | None:
        found = person()
        if found is None:
            return redirect(address("account.login", back=_here() if request.method in _READS else None), 303)
        if found.role not in roles:
            abort(403)
        return None


def keep_private(pages: Blueprint) -> None:
    """Tells every cache to keep nothing of a blueprint's pages."""
    pages.after_request(_private)


def _private(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def _here() -> str:
    query = request.query_string.decode("ascii", "ignore")
    return quote(request.path) + (f"?{query}" if query else "")


def way_back(text: str) -> str | None:
    """The address a sign-in leads back to, in the language of the page; None for any that is not a page for it."""
    return request.script_root + text if _WAY_BACK.fullmatch(text) else None
