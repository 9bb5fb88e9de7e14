"""Settings come from the environment, and a wrong one is one clear line."""

from __future__ import annotations

import ipaddress
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from portal.settings import SettingsError, from_environment, with_secret_key

KEY = "a key of at least thirty-two characters"


def test_without_any_setting_everything_lies_under_var() -> None:
    given = from_environment({})
    assert (given.home, given.database_url, given.search_url) == (Path("var"), "sqlite:///var/nachuan.db", "tantivy:")
    assert (given.locale, given.allow_private) == ("zh", ())


def test_the_database_follows_the_home() -> None:
    assert from_environment({"NACHUAN_HOME": "/srv/x"}).database_url == "sqlite:////srv/x/nachuan.db"


def test_an_empty_variable_counts_as_absent() -> None:
    assert from_environment({"NACHUAN_LOCALE": "", "NACHUAN_HOME": ""}).locale == "zh"


@pytest.mark.parametrize("contact", ["data@example.cn", "https://data.example.cn/contact?a=b"])
def test_a_contact_is_an_address_for_mail_or_of_a_page(contact: str) -> None:
    assert from_environment({"NACHUAN_CONTACT": contact}).contact == contact


@pytest.mark.parametrize("contact", ["the data bureau", "javascript:alert(1)", "a@b@c", "a@b c", "mailto:a@b", "@"])
def test_any_other_contact_is_refused(contact: str) -> None:
    with pytest.raises(SettingsError, match="NACHUAN_CONTACT"):
        from_environment({"NACHUAN_CONTACT": contact})


def test_networks_are_read() -> None:
    given = from_environment({"NACHUAN_ALLOW_PRIVATE": "127.0.0.0/8, ::1/128"})
    assert given.allow_private == (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))


def test_a_key_that_is_set_is_used_and_none_is_kept(tmp_path: Path) -> None:
    given = from_environment({"NACHUAN_HOME": str(tmp_path), "NACHUAN_SECRET_KEY": KEY})
    assert with_secret_key(given).secret_key == KEY and list(tmp_path.iterdir()) == []


def test_without_one_a_key_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    given = from_environment({"NACHUAN_HOME": str(tmp_path / "new")})
    with ThreadPoolExecutor(8) as pool:
        keys = {key for key in pool.map(lambda _: with_secret_key(given).secret_key, range(8))}
    assert len(keys) == 1 and all(key is not None and len(key) == 64 for key in keys)
    (file,) = (tmp_path / "new").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_file_without_a_key_is_refused_and_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "secret-key").write_text("")
    with pytest.raises(SettingsError, match="holds no key"):
        with_secret_key(from_environment({"NACHUAN_HOME": str(tmp_path)}))


def test_a_short_key_is_refused_without_being_shown() -> None:
    with pytest.raises(SettingsError, match="NACHUAN_SECRET_KEY=… cannot be used: .*32 characters"):
        from_environment({"NACHUAN_SECRET_KEY": "hunter2"})


def test_the_browser_that_prints_is_a_program_of_this_machine_or_none() -> None:
    given = [from_environment({"NACHUAN_CHROMIUM": text}).chromium for text in ("", "off", "/bin/sh")]
    assert given == [None, "off", "/bin/sh"]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("NACHUAN_ALLOW_PRIVATE", "127.0.0"),
        ("NACHUAN_LOCALE", "fr"),
        ("NACHUAN_BASE_URL", "data.example.org"),
        ("NACHUAN_CHROMIUM", "/no/such/browser"),
        ("NACHUAN_LINKS_A_DAY", "-1"),
        ("NACHUAN_LINKS_A_DAY", "many"),
        ("NACHUAN_LINKS_EVERY_DAYS", "0"),
        ("NACHUAN_LINKS_EVERY_DAYS", "nan"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_it(variable: str, value: str) -> None:
    with pytest.raises(SettingsError) as error:
        from_environment({variable: value})
    assert str(error.value).startswith(f"{variable}={value!r} cannot be used: ")
    assert "\n" not in str(error.value)
