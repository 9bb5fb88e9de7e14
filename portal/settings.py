"""What an installation sets, read from the environment once, at the edge."""

from __future__ import annotations

import ipaddress
import secrets
import shutil
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
    chromium: str | None = None
    """The browser that prints pages to PDF, ``off`` for none; None = the one of the machine, if it has one."""


def _networks(text: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())


def _locale(text: str) -> str:
    if text not in ("zh", "en"):
        raise ValueError("it must be zh or en")
    return text


def _chromium(text: str) -> str:
    if text != "off" and shutil.which(text) is None:
        raise ValueError("it must be a program of this machine, or off")
    return text


def _base_url(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise ValueError("it must begin with http:// or https://")
    return text.rstrip("/")


VARIABLES: tuple[tuple[str, str, Callable[[str], Any]], ...] = (
    ("NACHUAN_HOME", "home", Path),
    ("NACHUAN_DATABASE_URL", "database_url", str),
    ("NACHUAN_SEARCH_URL", "search_url", str),
    ("NACHUAN_SECRET_KEY", "secret_key", str),
    ("NACHUAN_BASE_URL", "base_url", _base_url),
    ("NACHUAN_ALLOW_PRIVATE", "allow_private", _networks),
    ("NACHUAN_SOURCES", "sources", Path),
    ("NACHUAN_LOCALE", "locale", _locale),
    ("NACHUAN_CHROMIUM", "chromium", _chromium),
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
