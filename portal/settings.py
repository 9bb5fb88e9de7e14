"""What an installation sets, read from the environment once, at the edge."""

from __future__ import annotations

import ipaddress
import os
import re
import secrets
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


SECRET_KEY_LENGTH = 32

SECRET_KEY_FILE = "secret-key"
"""Within the home: the key that was made because none is set."""


class SettingsError(ValueError):
    """A setting has a value we cannot use; the message names both."""


class Settings(Struct, frozen=True, kw_only=True):
    """One installation. Each field is described in ``docs/operating.md`` under its environment variable."""

    home: Path = Path("var")
    database_url: str = "sqlite:///var/nachuan.db"
    search_url: str = "tantivy:"
    secret_key: str | None = None
    """Signs sessions; None = the one ``with_secret_key`` makes and keeps."""
    base_url: str | None = None
    """Scheme and host under which the public reaches the site; None = as asked."""
    contact: str | None = None
    """Where people write to who runs the site: an address for mail, or of a page; None = not published."""
    allow_private: tuple[Network, ...] = ()
    """Networks a harvest may reach although they are not public."""
    sources: Path | None = None
    """A folder of source files applied at start."""
    locale: str = "zh"
    """The language where the browser asks for neither."""
    chromium: str | None = None
    """The browser that prints pages to PDF, ``off`` for none; None = the one of the machine, if it has one."""
    links_a_day: int = 100_000
    """Addresses of resources the schedule asks for in a day; 0 = none."""
    links_every_days: float = 14.0
    """Until an address that is well is asked for again."""
    dumps_kept: int = 7
    """Nights of which a dump of the catalogue is kept; 0 = none is made."""
    searches_a_minute: int = 300
    """Narrowed searches that one client may make in a minute, for each process; 0 = as many as it likes."""
    proxies: int = 0
    """How many proxies of ours stand before the site, each adding to ``X-Forwarded-For``; 0 = the header is not believed."""


def _networks(text: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())


def _locale(text: str) -> str:
    if text not in ("zh", "en"):
        raise ValueError("it must be zh or en")
    return text


def _secret_key(text: str) -> str:
    if len(text) < SECRET_KEY_LENGTH:
        raise ValueError(f"it must have at least {SECRET_KEY_LENGTH} characters")
    return text


def _chromium(text: str) -> str:
    if text != "off" and shutil.which(text) is None:
        raise ValueError("it must be a program of this machine, or off")
    return text


def _base_url(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise ValueError("it must begin with http:// or https://")
    return text.rstrip("/")


def _contact(text: str) -> str:
    if not re.fullmatch(r"https?://\S+|[^\s@:]+@[^\s@:]+", text):
        raise ValueError("it must be an address for mail, or begin with http:// or https://")
    return text


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
    ("NACHUAN_SECRET_KEY", "secret_key", _secret_key),
    ("NACHUAN_BASE_URL", "base_url", _base_url),
    ("NACHUAN_CONTACT", "contact", _contact),
    ("NACHUAN_ALLOW_PRIVATE", "allow_private", _networks),
    ("NACHUAN_SOURCES", "sources", Path),
    ("NACHUAN_LOCALE", "locale", _locale),
    ("NACHUAN_CHROMIUM", "chromium", _chromium),
    ("NACHUAN_LINKS_A_DAY", "links_a_day", _not_negative),
    ("NACHUAN_LINKS_EVERY_DAYS", "links_every_days", _days),
    ("NACHUAN_DUMPS_KEPT", "dumps_kept", _not_negative),
    ("NACHUAN_SEARCHES_A_MINUTE", "searches_a_minute", _not_negative),
    ("NACHUAN_PROXIES", "proxies", _not_negative),
)
"""Environment variable, setting, how its text is read."""


def from_environment(environment: Mapping[str, str]) -> Settings:
    """The settings an environment gives; an empty variable counts as absent. Raises SettingsError."""
    given: dict[str, Any] = {}
    for variable, name, read in VARIABLES:
        text = environment.get(variable, "")
        if text:
            try:
                given[name] = read(text)
            except ValueError as error:
                shown = "…" if name == "secret_key" else repr(text)
                raise SettingsError(f"{variable}={shown} cannot be used: {error}") from error
    home = given.get("home", Path("var"))
    given.setdefault("database_url", f"sqlite:///{home / 'nachuan.db'}")
    return Settings(**given)


def with_secret_key(settings: Settings) -> Settings:
    """The settings with the key that signs sessions: the one set, else the one kept in the home.

    Where none is kept yet one is made, readable by its owner alone. Raises SettingsError where the file cannot be
    used.
    """
    if settings.secret_key is not None:
        return settings
    file = settings.home / SECRET_KEY_FILE
    try:
        if not file.exists():
            _keep_new_key(file)
        key = file.read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        raise SettingsError(f"{file} cannot be used: {error}; set NACHUAN_SECRET_KEY") from error
    if len(key) < SECRET_KEY_LENGTH:
        raise SettingsError(f"{file} holds no key: delete it, or set NACHUAN_SECRET_KEY")
    return replace(settings, secret_key=key)


def _keep_new_key(file: Path) -> None:
    """Writes a key beside the file and links it into place: of two processes one wins, and none reads half a key."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as opened:
            opened.write(secrets.token_hex(32))
        try:
            os.link(draft, file)
        except FileExistsError:
            return
    finally:
        draft.unlink()
