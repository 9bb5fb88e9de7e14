"""``nachuan user`` and ``nachuan sources reread``, called in this process: a start of Python each would cost more."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result

from nachuan.cli import nachuan
from nachuan.commands.doctor import doctor
from nachuan.errors import EXPECTED
from portal.catalog.accounts import AccountRefused, Role, UnknownAccount
from portal.catalog.store import Catalog
from tests.catalogs import SOURCE, empty_catalog, record
from tests.portal.web.people import PASSWORD


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with an empty catalogue."""
    monkeypatch.setenv("NACHUAN_HOME", str(tmp_path))
    monkeypatch.setenv("NACHUAN_SEARCH_URL", "whoosh:")
    monkeypatch.delenv("NACHUAN_SECRET_KEY", raising=False)
    catalog = empty_catalog(f"sqlite:///{tmp_path / 'nachuan.db'}")
    catalog.close()
    return tmp_path


def ran(*arguments: str, typed: str = "") -> Result:
    return CliRunner().invoke(nachuan, arguments, input=typed)


def test_an_account_is_made_with_a_password_from_standard_input_and_listed_without_it(home: Path) -> None:
    made = ran("user", "add", "Lin", "--role", "operator", "--password-stdin", typed=PASSWORD + "\n")
    assert (made.exit_code, made.output) == (0, "lin can sign in as operator.\n")
    officer = ("user", "add", "wu", "--role", "officer", "--department", "330100.market", "--password-stdin")
    assert ran(*officer, typed=PASSWORD).exit_code == 0
    listed = json.loads(ran("user", "list", "--json").output)
    assert [(one["name"], one["role"], one["department"]) for one in listed] == [
        ("lin", "operator", None), ("wu", "officer", "330100.market"),
    ]
    assert "argon2" not in ran("user", "list", "--json").output and "stamp" not in listed[0]
    assert "wu" in ran("user", "list").output


def test_no_option_takes_a_password(home: Path) -> None:
    for command in (("add", "lin", "--role", "operator"), ("password", "lin")):
        assert ran("user", *command, "--password", PASSWORD).exit_code == 2
    without = ran("user", "add", "lin", "--role", "operator")
    assert without.exit_code == 2 and "--password-stdin" in without.output


def test_what_cannot_be_is_one_line(home: Path) -> None:
    short = ran("user", "add", "lin", "--role", "operator", "--password-stdin", typed="short\n")
    assert isinstance(short.exception, AccountRefused) and isinstance(short.exception, EXPECTED)
    nobody = ran("user", "disable", "nobody")
    assert isinstance(nobody.exception, UnknownAccount) and isinstance(nobody.exception, EXPECTED)
    assert ran("user", "add", "lin", "--role", "king", "--password-stdin").exit_code == 2


def test_an_account_is_disabled_enabled_and_given_another_password(home: Path) -> None:
    ran("user", "add", "lin", "--role", "admin", "--password-stdin", typed=PASSWORD)
    for command, said in (("disable", "Disabled.\n"), ("enable", "Enabled.\n")):
        assert ran("user", command, "lin").output == said
    assert ran("user", "password", "lin", "--password-stdin", typed="eight rivers run east\n").output == "Changed.\n"
    catalog = Catalog(f"sqlite:///{home / 'nachuan.db'}")
    assert catalog.accounts.sign_in("lin", "eight rivers run east", address="here").role is Role.ADMIN
    assert {line.who for line in catalog.audit.recent()} == {"(nachuan)", "lin"}
    catalog.close()


def test_the_doctor_says_which_key_signs_sessions_and_whether_anybody_can_decide(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = CliRunner().invoke(doctor).output
    assert "secret key: not set; `nachuan serve` will make one" in told and "operators: nobody can sign in" in told
    (home / "secret-key").write_text("k" * 64)
    (home / "secret-key").chmod(0o644)
    assert "CURE  secret key" in CliRunner().invoke(doctor).output
    (home / "secret-key").chmod(0o600)
    assert "well  secret key: not set; the one made" in CliRunner().invoke(doctor).output
    monkeypatch.setenv("NACHUAN_SECRET_KEY", "k" * 64)
    assert "well  secret key: set" in CliRunner().invoke(doctor).output
    ran("user", "add", "lin", "--role", "operator", "--password-stdin", typed=PASSWORD)
    assert "operators" not in CliRunner().invoke(doctor).output


def test_kept_words_are_read_again_by_command(home: Path) -> None:
    catalog = Catalog(f"sqlite:///{home / 'nachuan.db'}")
    catalog.sources.put(SOURCE)
    lease = catalog.sources.lease(SOURCE.id, "test")
    body = b'{"id": "1", "title": "\xe6\xb0\xb4\xe8\xb4\xa8", "resources": []}'
    with catalog.transaction(lease, None) as transaction:
        transaction.put([record("1", body=body)])
    catalog.sources.release(lease)
    catalog.close()
    told = ran("sources", "reread", SOURCE.id)
    assert told.output == f"{SOURCE.id}: complete, 1 read again, 0 changed\n", told.output
    (run,) = json.loads(ran("sources", "reread", "--json").output)
    assert run["mode"] == "reread" and run["counts"]["unusable"] == 1, "an id of another making is left alone"


@pytest.mark.parametrize(("used_gb", "is_told"), [(84, False), (86, True), (99, True)])
def test_k90_the_doctor_tells_of_a_disk_that_is_nearly_full(
    home: Path, monkeypatch: pytest.MonkeyPatch, used_gb: int, is_told: bool
) -> None:
    gb = 1024**3
    disk = SimpleNamespace(total=100 * gb, used=used_gb * gb, free=(100 - used_gb) * gb)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: disk)
    found = json.loads(ran("doctor", "--json").stdout)
    (told,) = [one for one in found if one["about"] == "disk"]
    assert told["found"].startswith(f"{used_gb}% full, {100 - used_gb} GB free")
    assert (told["cure"] is not None) is is_told
