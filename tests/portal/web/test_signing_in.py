"""Signing in and what a session allows: roles, forms nobody can forge, sessions that end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask.testing import FlaskClient

from portal.catalog.accounts import ANSWER, FROM_ONE_ADDRESS_FOR_ONE_NAME, OPERATE, Role
from portal.catalog.audit import COMMAND
from portal.catalog.store import Catalog
from portal.web.machines import MACHINES
from tests.catalogs import empty_catalog
from tests.portal.web.people import PASSWORD, add_everyone, cheap_passwords, send, sign_in, token
from tests.portal.web.town import build, client_of, says


@pytest.fixture(scope="module")
def staffed() -> Iterator[Catalog]:
    """A lifelike catalogue with an account for each role."""
    catalog = empty_catalog()
    build(catalog)
    with cheap_passwords():
        add_everyone(catalog)
        yield catalog
    catalog.close()


@pytest.fixture(scope="module")
def browsers(staffed: Catalog) -> dict[Role | None, FlaskClient]:
    """A browser signed in as each role, and one that is not."""
    anonymous = client_of(staffed)
    found: dict[Role | None, FlaskClient] = {None: anonymous}
    for role in Role:
        found[role] = anonymous.application.test_client()
        assert sign_in(found[role], role.value).status_code == 303
    return found


@pytest.fixture
def browser(staffed: Catalog) -> FlaskClient:
    """A browser nobody has signed in with."""
    with staffed.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM sign_in_attempt")
    return client_of(staffed)


def rules(client: FlaskClient) -> list[tuple[str, str]]:
    """Every method and address under ``/operate``, with values that exist."""
    values: dict[str, object] = {"id": 2, "number": 1, "name": "applicant", "period": "2026H1"}
    adapter = client.application.url_map.bind("localhost")
    return [
        (method, adapter.build(rule.endpoint, {name: values[name] for name in rule.arguments}, method=method))
        for rule in client.application.url_map.iter_rules()
        if rule.rule.startswith("/operate")
        for method in sorted((rule.methods or set()) & {"GET", "POST"})
    ]


def may_see(role: Role, path: str) -> bool:
    """Whether a role is let into a page under ``/operate``."""
    if path.startswith("/operate/users"):
        return role is Role.ADMIN
    return role in (ANSWER if path.startswith(("/operate/disputes", "/operate/requests")) else OPERATE)


def test_every_operators_page_lets_in_whom_it_is_for_and_nobody_else(
    browsers: dict[Role | None, FlaskClient]
) -> None:
    anonymous = browsers[None]
    walked = rules(anonymous)
    assert len(walked) >= 20 and {method for method, _ in walked} == {"GET", "POST"}
    for role in Role:
        own_token = {"token": token(browsers[role], "/account")}
        for method, path in walked:
            may = may_see(role, path)
            # Whoever may come in sends no token: nothing is to happen here, and then it is the token that is missing.
            sent = own_token if method == "POST" and not may else None
            status = browsers[role].open(path, method=method, data=sent).status_code
            assert status in ((200, 404) if may and method == "GET" else (403,)), (role, method, path)
    for method, path in walked:
        answer = anonymous.open(path, method=method)
        if method == "GET":
            assert answer.status_code == 303 and answer.headers["Location"].startswith("/login?back="), path
        else:
            assert answer.status_code == 403, path


def test_an_account_has_its_page_whatever_its_role_and_nobody_else_has(
    browsers: dict[Role | None, FlaskClient]
) -> None:
    assert browsers[None].get("/account").headers["Location"] == "/login?back=/account"
    for role in Role:
        text = says(browsers[role], "/en/account")
        assert text.startswith(role.value) and ("Operation" in text) == (role in OPERATE)
        assert ("Desk of the data officer" in text) == (role is Role.OFFICER)


def test_private_pages_are_kept_by_no_cache_and_the_public_ones_never_see_a_session(
    browsers: dict[Role | None, FlaskClient]
) -> None:
    operator = browsers[Role.OPERATOR]
    for path in ("/operate/sources", "/account", "/operate/departments/decided.csv"):
        answer = operator.get(path)
        assert answer.headers["Cache-Control"] == "no-store" and "Cookie" in answer.headers["Vary"], path
        assert "'unsafe" not in answer.headers["Content-Security-Policy"]
    for path in ("/", "/datasets", "/sources", "/runs/2", "/data.json"):
        answer = operator.get(path)
        assert "Set-Cookie" not in answer.headers and "Cookie" not in answer.headers.get("Vary", ""), path
        assert b"operator" not in answer.data, path


def test_a_form_without_the_token_of_its_session_does_nothing(staffed: Catalog, browser: FlaskClient) -> None:
    other = browser.application.test_client()
    sign_in(browser, "operator")
    before = len(staffed.audit.recent(limit=1000))
    for sent in ({}, {"token": ""}, {"token": "guessed"}, {"token": token(other)}, {"token": "é\ud7ff"}):
        assert browser.post("/operate/sources/later/pause", data=sent | {"paused": "yes"}).status_code == 403, sent
        assert browser.post("/account/logout", data=sent).status_code == 403
        assert other.post("/login", data=sent | {"name": "operator", "password": PASSWORD}).status_code in (303, 403)
    assert not staffed.sources.get("later").paused
    written = staffed.audit.recent(limit=1000)[: -before]
    assert {line.what.value for line in written} <= {"signed-in"}


def test_no_page_for_machines_writes_anything_for_a_session(browser: FlaskClient) -> None:
    machines = {blueprint.name for blueprint in MACHINES}
    rules = [rule for rule in browser.application.url_map.iter_rules() if rule.endpoint.split(".")[0] in machines]
    assert {rule.endpoint.split(".")[0] for rule in rules} == machines
    for rule in rules:
        assert not (rule.methods or set()) & {"PUT", "PATCH", "DELETE"}, rule
        assert not rule.rule.startswith(("/operate", "/account", "/login", "/desk")), rule


def test_signing_in_gives_the_browser_a_new_session_with_a_new_token(browser: FlaskClient) -> None:
    before = token(browser)
    with browser.session_transaction() as session:
        session["planted"] = "by somebody else"
    sign_in(browser, "operator")
    with browser.session_transaction() as session:
        assert set(session) == {"name", "stamp", "begun", "token"} and session["token"] != before
    assert token(browser, "/account") != before


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(staffed: Catalog, browser: FlaskClient) -> None:
    (cookie,) = browser.get("/login").headers.getlist("Set-Cookie")
    assert cookie.startswith("nachuan=")
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    assert "Domain" not in cookie and "Expires" not in cookie
    behind = client_of(staffed, base_url="https://data.example.cn")
    (cookie,) = behind.get("/zh/login", base_url="https://data.example.cn").headers.getlist("Set-Cookie")
    assert cookie.startswith("__Host-nachuan=")
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= {part.strip() for part in cookie.split(";")}


def test_a_cookie_signed_with_another_key_is_nobodys(staffed: Catalog, browser: FlaskClient) -> None:
    elsewhere = client_of(staffed)
    elsewhere.application.config["SECRET_KEY"] = "another key of at least thirty-two characters"
    sign_in(elsewhere, "operator")
    stolen = elsewhere.get_cookie("nachuan")
    assert stolen is not None and elsewhere.get("/operate").status_code == 200
    browser.set_cookie("nachuan", stolen.value)
    assert browser.get("/operate").status_code == 303


@pytest.mark.parametrize("how", ["disable", "password", "elsewhere", "late", "early"])
def test_a_session_ends(staffed: Catalog, browser: FlaskClient, how: str) -> None:
    name = f"leaves-{how}"
    people = staffed.accounts
    people.add(name, Role.OPERATOR, PASSWORD, by=COMMAND)
    sign_in(browser, name)
    assert browser.get("/operate").status_code == 200
    now = datetime.now(UTC)
    if how == "disable":
        people.disable(name, by=COMMAND)
    elif how == "password":
        people.set_password(name, PASSWORD + "s", by=COMMAND)
    elif how == "elsewhere":
        other = browser.application.test_client()
        sign_in(other, name)
        send(other, "/account/logout")
        assert other.get("/operate").status_code == 303
    elif how == "late":
        now += timedelta(hours=12, minutes=1)
    else:
        now -= timedelta(minutes=1)
    with time_machine.travel(now, tick=False):
        assert browser.get("/operate").status_code == 303


def test_signing_out_needs_its_form_and_a_kept_cookie_is_worth_nothing_after_it(browser: FlaskClient) -> None:
    sign_in(browser, "reviewer")
    kept = browser.get_cookie("nachuan")
    assert kept is not None and browser.get("/account/logout").status_code == 405
    assert send(browser, "/account/logout").status_code == 303
    browser.set_cookie("nachuan", kept.value)
    assert browser.get("/account").status_code == 303


def test_a_wrong_password_an_unknown_name_and_a_disabled_account_are_told_the_same(
    staffed: Catalog, browser: FlaskClient
) -> None:
    staffed.accounts.add("gone", Role.OPERATOR, PASSWORD, by=COMMAND)
    staffed.accounts.disable("gone", by=COMMAND)
    answers = {
        name: sign_in(browser, name, password)
        for name, password in (("operator", "something else"), ("nobody", PASSWORD), ("gone", PASSWORD))
    }
    assert {answer.status_code for answer in answers.values()} == {403}
    bodies = {answer.get_data(as_text=True).replace(f'value="{name}"', "") for name, answer in answers.items()}
    assert len(bodies) == 1 and "Set-Cookie" not in answers["gone"].headers


def test_guessing_ends_after_some_attempts_and_says_for_how_long(browser: FlaskClient) -> None:
    for _ in range(FROM_ONE_ADDRESS_FOR_ONE_NAME):
        assert sign_in(browser, "admin", "something else").status_code == 403
    answer = sign_in(browser, "admin")
    assert answer.status_code == 429 and answer.headers["Retry-After"] == "900"
    assert "15" in answer.get_data(as_text=True)
    assert sign_in(browser, "operator").status_code == 303, "others still can"


def addresses_tried(catalog: Catalog, forwarded: list[str], **settings: int) -> list[str]:
    """The addresses that failing sign-ins are counted under, asked for with these headers by a proxy on this machine."""
    with catalog.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM sign_in_attempt")
    client = client_of(catalog, **settings)
    for header in forwarded:
        form = {"token": token(client), "name": "admin", "password": "something else"}
        client.post("/login", data=form, headers={"X-Forwarded-For": header})
    with catalog.engine.connect() as connection:
        return list(connection.exec_driver_sql("SELECT address FROM sign_in_attempt ORDER BY id").scalars())


def test_a_header_about_proxies_is_believed_only_as_far_as_there_are_proxies(staffed: Catalog) -> None:
    forwarded = ["203.0.113.7", "198.51.100.1, 203.0.113.8"]
    assert addresses_tried(staffed, forwarded) == ["127.0.0.1", "127.0.0.1"]
    assert addresses_tried(staffed, forwarded, proxies=1) == ["203.0.113.7", "203.0.113.8"], "not what the client wrote"
    assert addresses_tried(staffed, forwarded, proxies=2) == ["127.0.0.1", "198.51.100.1"]


@pytest.mark.parametrize(
    ("back", "leads_to"),
    [
        ("/operate/departments?lack=type&page=2", "/operate/departments?lack=type&page=2"),
        ("/operate/departments/name?name=%E5%9C%B0", "/operate/departments/name?name=%E5%9C%B0"),
        ("/account", "/account"),
        ("https://evil.example/operate", "/operate"),
        ("//evil.example/operate", "/operate"),
        ("/\\evil.example", "/operate"),
        ("/operate@evil.example", "/operate"),
        ("/operate/../../evil", "/operate"),
        ("/operate//evil.example", "/operate"),
        ("/operate/%2e%2e/evil", "/operate"),
        ("/operate\r\nX: y", "/operate"),
        ("javascript:alert(1)", "/operate"),
        ("/login?back=/login", "/operate"),
        ("", "/operate"),
    ],
)
def test_a_sign_in_leads_back_to_our_own_pages_only(browser: FlaskClient, back: str, leads_to: str) -> None:
    answer = sign_in(browser, "operator", back=back)
    assert answer.status_code == 303
    location = answer.headers["Location"]
    assert location == leads_to or (leads_to == "/operate" and location in ("/operate", "/operate/sources"))
    assert not location.startswith("//") and ":" not in location


def test_the_way_back_keeps_the_language(browser: FlaskClient) -> None:
    asked = browser.get("/zh/operate/departments?lack=type").headers["Location"]
    assert asked == "/zh/login?back=/operate/departments?lack%3Dtype"
    page = browser.get(asked).get_data(as_text=True)
    assert 'name="back" value="/operate/departments?lack=type"' in page
    form = {"token": token(browser, asked), "name": "operator", "password": PASSWORD}
    answer = browser.post("/zh/login", data=form | {"back": "/operate/departments?lack=type"})
    assert answer.headers["Location"] == "/zh/operate/departments?lack=type"


def test_a_person_changes_the_password_and_stays_signed_in_here_alone(staffed: Catalog, browser: FlaskClient) -> None:
    staffed.accounts.add("changing", Role.REVIEWER, PASSWORD, by=COMMAND)
    sign_in(browser, "changing")
    other = browser.application.test_client()
    sign_in(other, "changing")
    new = "eight rivers run east"
    wrong = (("something", new, new), (PASSWORD, new, "eight"), (PASSWORD, "short", "short"))
    statuses = [send(browser, "/account/password", old=old, new=one, again=two).status_code for old, one, two in wrong]
    assert statuses == [403, 422, 422]
    answer = send(browser, "/account/password", old=PASSWORD, new=new, again=new)
    assert answer.status_code == 303 and "changed" in says(browser, "/en/account?done=password")
    assert other.get("/account").status_code == 303
    assert sign_in(other, "changing").status_code == 403 and sign_in(other, "changing", new).status_code == 303


def test_guessing_the_present_password_of_an_open_session_ends_too(staffed: Catalog, browser: FlaskClient) -> None:
    staffed.accounts.add("left-open", Role.REVIEWER, PASSWORD, by=COMMAND)
    sign_in(browser, "left-open")
    statuses = [
        send(browser, "/account/password", old="guess", new="x" * 12, again="x" * 12).status_code for _ in range(6)
    ]
    assert statuses == [403] * 5 + [429]
