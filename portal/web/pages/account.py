"""Signing in and out, and the page of one's own account."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as Answer

from portal.catalog.accounts import (
    ATTEMPT_WINDOW,
    PASSWORD_LENGTH,
    AccountRefused,
    Role,
    SignInRefused,
    TooManyAttempts,
)
from portal.web import signing_in
from portal.web.addresses import address
from portal.web.site import site

pages = Blueprint("account", __name__)
signing_in.keep_private(pages)

own = Blueprint("own_account", __name__)
signing_in.only_for(own, tuple(Role))


@pages.get("/login")
def login() -> Response | Answer:
    """The form to sign in with."""
    back = request.args.get("back", "")
    if signing_in.person() is not None:
        return redirect(signing_in.way_back(back) or _home())
    return _form(200, back=back)


@pages.post("/login")
def sign_in() -> Response | Answer:
    """Signs in and leads back to where one came from."""
    name, back = request.form.get("name", ""), request.form.get("back", "")
    try:
        account = site().catalog.accounts.sign_in(name, request.form.get("password", ""), address=_from())
    except SignInRefused:
        return _form(403, back=back, name=name, problem="refused")
    except TooManyAttempts:
        response = _form(429, back=back, name=name, problem="too_many")
        response.headers["Retry-After"] = str(int(ATTEMPT_WINDOW.total_seconds()))
        return response
    signing_in.begin(account)
    return redirect(signing_in.way_back(back) or _home(), 303)


@own.get("/account")
def account() -> Response:
    """Who one is here, and what one may change of it."""
    return _account(200, done=request.args.get("done") == "password")


@own.post("/account/password")
def change_password() -> Response | Answer:
    """Sets another password; sessions elsewhere end, this one goes on."""
    person, accounts = signing_in.signed_in(), site().catalog.accounts
    old, new, again = (request.form.get(name, "") for name in ("old", "new", "again"))
    try:
        if not accounts.is_password(person.name, old, address=_from()):
            return _account(403, problem="wrong")
        if new != again:
            return _account(422, problem="different")
        signing_in.begin(accounts.set_password(person.name, new, by=person.name))
    except TooManyAttempts:
        return _account(429, problem="too_many")
    except AccountRefused:
        return _account(422, problem="weak")
    return redirect(address("own_account.account", done="password"), 303)


@own.post("/account/logout")
def logout() -> Answer:
    """Ends every session of the account, this one with them."""
    site().catalog.accounts.sign_out(signing_in.signed_in().name)
    signing_in.end()
    return redirect(address("account.login"), 303)


HOMES = {
    Role.OFFICER: "desk.desk",
    Role.REVIEWER: "operate_disputes.disputes",
    Role.OPERATOR: "operate_sources.sources",
    Role.ADMIN: "operate_sources.sources",
}
"""Where a role's work is, of those that have any."""


def _home() -> str:
    person = signing_in.person()
    return address("own_account.account" if person is None else HOMES.get(person.role, "own_account.account"))


def _from() -> str:
    return request.remote_addr or ""


def _form(status: int, *, back: str, name: str = "", problem: str | None = None) -> Response:
    shown = back if signing_in.way_back(back) else ""
    minutes = int(ATTEMPT_WINDOW.total_seconds()) // 60
    page = render_template("pages/login.html", back=shown, name=name, problem=problem, minutes=minutes)
    return make_response(page, status)


def _account(status: int, *, problem: str | None = None, done: bool = False) -> Response:
    minutes = int(ATTEMPT_WINDOW.total_seconds()) // 60
    page = render_template(
        "pages/account.html",
        account=signing_in.signed_in(),
        problem=problem,
        done=done,
        minutes=minutes,
        least=PASSWORD_LENGTH[0],
        home=HOMES.get(signing_in.signed_in().role),
    )
    return make_response(page, status)
