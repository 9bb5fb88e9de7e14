"""Who may sign in, and how often somebody may try."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from argon2 import PasswordHasher

from portal.catalog import accounts
from portal.catalog.accounts import (
    FOR_ONE_NAME,
    FROM_ONE_ADDRESS,
    FROM_ONE_ADDRESS_FOR_ONE_NAME,
    AccountRefused,
    Role,
    SignInRefused,
    TooManyAttempts,
    UnknownAccount,
)
from portal.catalog.audit import COMMAND, Action
from portal.catalog.store import Catalog
from tests.catalogs import empty_catalog

PASSWORD = "seven rivers run east"
HERE = "192.0.2.1"


@pytest.fixture(scope="module")
def made() -> Iterator[Catalog]:
    """A catalogue with one operator, for tests that only look."""
    catalog = empty_catalog()
    catalog.accounts.add("Lin.Qing", Role.OPERATOR, PASSWORD, by=COMMAND)
    yield catalog
    catalog.close()


def test_an_account_signs_in_with_its_password_whatever_the_width_and_case_of_its_name(any_catalog: Catalog) -> None:
    any_catalog.accounts.add("林青", Role.OPERATOR, PASSWORD, by=COMMAND)
    any_catalog.accounts.add("Lin", Role.ADMIN, PASSWORD, by=COMMAND)
    assert any_catalog.accounts.sign_in("林青", PASSWORD, address=HERE).role is Role.OPERATOR
    assert any_catalog.accounts.sign_in(" ＬＩＮ ", PASSWORD, address=HERE).name == "lin"
    assert [line.what for line in any_catalog.audit.recent()] == [Action.SIGNED_IN] * 2 + [Action.ACCOUNT_ADDED] * 2


def test_no_password_is_kept_and_the_hash_is_argon2id(tmp_path: Path) -> None:
    catalog = empty_catalog(f"sqlite:///{tmp_path / 'people.db'}")
    catalog.accounts.add("lin", Role.OPERATOR, PASSWORD, by=COMMAND)
    with catalog.engine.connect() as connection:
        (stored,) = connection.exec_driver_sql("SELECT password FROM account").scalars()
    catalog.close()
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert all(PASSWORD.encode() not in file.read_bytes() for file in tmp_path.iterdir())


@pytest.mark.parametrize("password", ["short", "x" * 201, "aaaaaaaaaaaaaaaa", "abababababab"])
def test_a_password_that_is_guessed_at_once_is_refused(made: Catalog, password: str) -> None:
    with pytest.raises(AccountRefused, match="password"):
        made.accounts.add("other", Role.OPERATOR, password, by=COMMAND)


@pytest.mark.parametrize("name", ["", "  ", "two words", "a" * 61, "(nachuan)", "-x", "a\nb", "a\0b"])
def test_what_is_no_name_is_refused(made: Catalog, name: str) -> None:
    with pytest.raises(AccountRefused, match="cannot be a name"):
        made.accounts.add(name, Role.OPERATOR, PASSWORD, by=COMMAND)
    with pytest.raises(SignInRefused):
        made.accounts.sign_in(name, PASSWORD, address=repr(name))


def test_a_name_is_given_once(made: Catalog) -> None:
    with pytest.raises(AccountRefused, match="already"):
        made.accounts.add("lin.qing", Role.ADMIN, PASSWORD, by=COMMAND)


@pytest.mark.parametrize(
    ("role", "department"),
    [(Role.OFFICER, None), (Role.OPERATOR, "330100.market"), (Role.OFFICER, "330100"), (Role.OFFICER, "999.market")],
)
def test_an_officer_and_nobody_else_has_a_department_that_exists(
    made: Catalog, role: Role, department: str | None
) -> None:
    with pytest.raises(AccountRefused, match="department"):
        made.accounts.add("officer", role, PASSWORD, by=COMMAND, department=department)


def test_a_session_ends_on_disabling_on_another_password_and_on_signing_out(catalog: Catalog) -> None:
    people = catalog.accounts
    stamps = [people.add("lin", Role.OPERATOR, PASSWORD, by=COMMAND).stamp]
    people.set_password("lin", PASSWORD + "s", by="lin")
    stamps.append(people.sign_in("lin", PASSWORD + "s", address=HERE).stamp)
    people.sign_out("lin")
    stamps.append(people.get("lin").stamp)
    assert [people.signed_in("lin", stamp) is not None for stamp in stamps] == [False, False, True]
    people.disable("lin", by=COMMAND)
    assert people.signed_in("lin", stamps[-1]) is None
    with pytest.raises(SignInRefused):
        people.sign_in("lin", PASSWORD + "s", address=HERE)
    people.enable("lin", by=COMMAND)
    assert people.signed_in("lin", stamps[-1]) is None, "what ended does not come back"
    assert people.sign_in("lin", PASSWORD + "s", address=HERE).name == "lin"


def test_whoever_does_not_exist_is_unknown_to_everything_but_the_sign_in(catalog: Catalog) -> None:
    people = catalog.accounts
    for act in (people.get, people.sign_out):
        with pytest.raises(UnknownAccount):
            act("nobody")
    for change in (people.disable, people.enable):
        with pytest.raises(UnknownAccount):
            change("nobody", by=COMMAND)


def test_an_unknown_name_costs_the_same_work_as_a_wrong_password(
    made: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified: list[str] = []

    class Counting(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> bool:
            verified.append(str(hash).rpartition("$")[0].rpartition("$")[0])
            return super().verify(hash, password)

    hasher = accounts._HASHER
    monkeypatch.setattr(
        accounts, "_HASHER", Counting(hasher.time_cost, hasher.memory_cost, hasher.parallelism)
    )
    for name in ("lin.qing", "nobody", "\0"):
        with pytest.raises(SignInRefused) as refusal:
            made.accounts.sign_in(name, "something else", address="192.0.2.7")
        assert str(refusal.value) == "name and password do not belong together"
    assert len(verified) == 3 and len(set(verified)) == 1, "one verification each, of the same parameters"


def test_after_some_failures_even_the_right_password_is_not_looked_at(any_catalog: Catalog) -> None:
    any_catalog.accounts.add("lin", Role.OPERATOR, PASSWORD, by=COMMAND)
    for _ in range(FROM_ONE_ADDRESS_FOR_ONE_NAME):
        with pytest.raises(SignInRefused):
            any_catalog.accounts.sign_in("lin", "something else", address=HERE)
    with pytest.raises(TooManyAttempts):
        any_catalog.accounts.sign_in("lin", PASSWORD, address=HERE)
    with pytest.raises(TooManyAttempts):
        any_catalog.accounts.sign_in("lin", PASSWORD, address=HERE)
    blocked = any_catalog.audit.recent(what=Action.SIGN_IN_BLOCKED)
    assert [(line.who, line.about, line.detail) for line in blocked] == [("(nobody)", "lin", HERE)], "told once"
    assert any_catalog.accounts.sign_in("lin", PASSWORD, address="192.0.2.2").name == "lin", "elsewhere one still can"
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=16), tick=False):
        assert any_catalog.accounts.sign_in("lin", PASSWORD, address=HERE).name == "lin"


def test_attempts_that_come_all_at_once_are_not_all_looked_at(tmp_path: Path) -> None:
    catalog = empty_catalog(f"sqlite:///{tmp_path / 'people.db'}")

    def attempt(_: int) -> type[Exception]:
        with pytest.raises((SignInRefused, TooManyAttempts)) as refusal:
            catalog.accounts.sign_in("lin", "something else", address=HERE)
        return refusal.type

    with ThreadPoolExecutor(8) as pool:
        kinds = list(pool.map(attempt, range(16)))
    catalog.close()
    assert kinds.count(SignInRefused) == FROM_ONE_ADDRESS_FOR_ONE_NAME


def test_many_addresses_for_one_name_and_many_names_from_one_address_are_limited(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "_fits", lambda hash, password: False)
    kinds = []
    for number in range(FOR_ONE_NAME + 1):
        with pytest.raises((SignInRefused, TooManyAttempts)) as refusal:
            catalog.accounts.sign_in("lin", "x", address=f"192.0.2.{number}")
        kinds.append(refusal.type)
    assert kinds == [SignInRefused] * FOR_ONE_NAME + [TooManyAttempts]
    for number in range(FROM_ONE_ADDRESS + 1):
        with pytest.raises((SignInRefused, TooManyAttempts)) as refusal:
            catalog.accounts.sign_in(f"name{number}", "x", address="198.51.100.1")
        kinds.append(refusal.type)
    assert kinds.count(TooManyAttempts) == 2 and kinds[-1] is TooManyAttempts


def test_the_attempts_of_an_hour_ago_are_forgotten(catalog: Catalog) -> None:
    with pytest.raises(SignInRefused):
        catalog.accounts.sign_in("a", "x", address=HERE)
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=1), tick=False), pytest.raises(SignInRefused):
        catalog.accounts.sign_in("b", "x", address=HERE)
    with catalog.engine.connect() as connection:
        assert list(connection.exec_driver_sql("SELECT name FROM sign_in_attempt").scalars()) == ["b"]
