"""What an installation sets, read from the environment once, at the edge."""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from msgspec import Struct

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


class SettingsError(ValueError):
    """A setting has a value we cannot use; the message names both."""


class Settings(Struct, frozen=True, kw_only=True):
    """One installation. Each field is described in ``docs/operating.md`` under its environment variable."""

    home: Path = Path("var")
    database_url: str = "sqlite:///var/nachuan.db"
    search_url: str = "tantivy:"
    secret_key: str
    base_url: str | None = None
    """Scheme and host under which the public reaches the site; None = as asked."""
    allow_private: tuple[Network, ...] = ()
    """Networks a harvest may reach although they are not public."""
    sources: Path | None = None
    """A folder of source files applied at start."""
    locale: str = "zh"
    """The language where the browser asks for neither."""
    links_a_day: int = 100_000
    """Addresses of resources the schedule asks for in a day; 0 = none."""
    links_every_days: float = 14.0
    """Until an address that is well is asked for again."""


def _networks(text: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())


def _locale(text: str) -> str:
    if text not in ("zh", "en"):
        raise ValueError("it must be zh or en")
    return text


def _base_url(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise ValueError("it must begin with http:// or https://")
    return text.rstrip("/")


def _not_negative(text: str) -> int:
    if int(text) < 0:
        raise ValueError("it must not be negative")
    return int(text)


def _days(text: str) -> float:
    if not 1 <= float(text) <= 3650:
        raise ValueError("it must be from 1 to 3650")
    return float(text)


VARIABLES: tuple[tuple[str, str, Callable[[str], Any]], ...] = (
    ("NACHUAN_HOME", "home", Path),
    ("NACHUAN_DATABASE_URL", "database_url", str),
    ("NACHUAN_SEARCH_URL", "search_url", str),
    ("NACHUAN_SECRET_KEY", "secret_key", str),
    ("NACHUAN_BASE_URL", "base_url", _base_url),
    ("NACHUAN_ALLOW_PRIVATE", "allow_private", _networks),
    ("NACHUAN_SOURCES", "sources", Path),
    ("NACHUAN_LOCALE", "locale", _locale),
    ("NACHUAN_LINKS_A_DAY", "links_a_day", _not_negative),
    ("NACHUAN_LINKS_EVERY_DAYS", "links_every_days", _days),
)
"""Environment variable, setting, how its text is read."""


def from_environment(environment: Mapping[str, str]) -> Settings:
    """The settings an environment gives; an empty variable counts as absent. Raises SettingsError.

    Without ``NACHUAN_SECRET_KEY`` every process makes its own key, so sessions end when it does.
    """
    given: dict[str, Any] = {}
    for variable, name, read in VARIABLES:
        text = environment.get(variable, "")
        if text:
            try:
                given[name] = read(text)
            except ValueError as error:
                raise SettingsError(f"{variable}={text!r} cannot be used: {error}") from error
    home = given.get("home", Path("var"))
    given.setdefault("database_url", f"sqlite:///{home / 'nachuan.db'}")
    given.setdefault("secret_key", secrets.token_hex(32))
    return Settings(**given)
