"""Settings come from the environment, and a wrong one is one clear line."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest

from portal.settings import SettingsError, from_environment


def test_without_any_setting_everything_lies_under_var() -> None:
    given = from_environment({})
    assert (given.home, given.database_url, given.search_url) == (Path("var"), "sqlite:///var/nachuan.db", "tantivy:")
    assert (given.locale, given.allow_private) == ("zh", ())


def test_the_database_follows_the_home() -> None:
    assert from_environment({"NACHUAN_HOME": "/srv/x"}).database_url == "sqlite:////srv/x/nachuan.db"


def test_an_empty_variable_counts_as_absent() -> None:
    assert from_environment({"NACHUAN_LOCALE": "", "NACHUAN_HOME": ""}).locale == "zh"


def test_networks_are_read() -> None:
    given = from_environment({"NACHUAN_ALLOW_PRIVATE": "127.0.0.0/8, ::1/128"})
    assert given.allow_private == (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))


def test_every_process_makes_its_own_key_unless_one_is_set() -> None:
    assert from_environment({}).secret_key != from_environment({}).secret_key
    assert from_environment({"NACHUAN_SECRET_KEY": "k"}).secret_key == "k"


@pytest.mark.parametrize(
    ("variable", "value"),
    [("NACHUAN_ALLOW_PRIVATE", "127.0.0"), ("NACHUAN_LOCALE", "fr"),
     ("NACHUAN_BASE_URL", "data.example.org"),
     ("NACHUAN_LINKS_A_DAY", "-1"), ("NACHUAN_LINKS_A_DAY", "many"), ("NACHUAN_LINKS_EVERY_DAYS", "0"),
     ("NACHUAN_LINKS_EVERY_DAYS", "nan")],  # fmt: skip
)
def test_a_wrong_value_is_one_line_that_names_it(variable: str, value: str) -> None:
    with pytest.raises(SettingsError) as error:
        from_environment({variable: value})
    assert str(error.value).startswith(f"{variable}={value!r} cannot be used: ")
    assert "\n" not in str(error.value)
