"""The accounts: who may sign in, for administrators."""

from __future__ import annotations

from flask import Blueprint, Response, abort, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as Answer

from portal.catalog.accounts import PASSWORD_LENGTH, AccountRefused, Role, UnknownAccount
from portal.web.addresses import address
from portal.web.signing_in import signed_in
from portal.web.site import site

pages = Blueprint("operate_people", __name__)

DONE = ("added", "disabled", "enabled")


@pages.get("/operate/users")
def people() -> Response:
    """Every account, and the form to make one."""
    return _page(200)


@pages.post("/operate/users")
def add() -> Response | Answer:
    """Makes an account."""
    given = {name: request.form.get(name, "").strip() for name in ("name", "role", "department")}
    if given["role"] not in tuple(Role):
        return _page(422, problem="account_role")
    try:
        site().catalog.accounts.add(
            given["name"],
            Role(given["role"]),
            request.form.get("password", ""),
            by=signed_in().name,
            department=given["department"] or None,
        )
    except AccountRefused as refused:
        return _page(422, problem=f"account_{refused.why}")
    return _back("added")


@pages.post("/operate/users/<name>/disable")
def disable(name: str) -> Response | Answer:
    """Lets somebody else sign in no more: nobody locks themselves out."""
    if name == signed_in().name:
        return _page(409, problem="oneself")
    return _change(name, True)


@pages.post("/operate/users/<name>/enable")
def enable(name: str) -> Response | Answer:
    """Lets a disabled account sign in again."""
    return _change(name, False)


def _change(name: str, disabled: bool) -> Answer:
    accounts = site().catalog.accounts
    try:
        (accounts.disable if disabled else accounts.enable)(name, by=signed_in().name)
    except UnknownAccount:
        abort(404)
    return _back("disabled" if disabled else "enabled")


def _back(done: str) -> Answer:
    return redirect(address("operate_people.people", done=done), 303)


def _page(status: int, problem: str | None = None) -> Response:
    done = request.args.get("done")
    page = render_template(
        "operate/people.html",
        accounts=site().catalog.accounts.all(),
        roles=tuple(Role),
        form=request.form,
        least=PASSWORD_LENGTH[0],
        done=done if done in DONE else None,
        problem=problem,
    )
    return make_response(page, status)
