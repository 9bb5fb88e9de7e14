"""Sources as TOML files: read, checked, written."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import msgspec

from harvester import crosswalk, errors, families
from harvester.connectors import CONNECTORS, OPTIONS
from harvester.http.wire import security
from harvester.intervals import days
from harvester.scheduler import ScheduleInvalid, next_run
from portal.catalog.model import Source

_ID = re.compile(r"[a-z0-9-]{1,100}")
_SECRET = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class SourceInvalid(ValueError):
    """A source file says what no source can be; the message names the file, the key and the value."""


class AddressRepeated(SourceInvalid):
    """Two sources ask one address for the same: every dataset there would stand in the catalogue twice."""

    code = "source.address-repeated"


def read(path: Path) -> Source:
    """The source a file describes. Raises SourceInvalid."""
    try:
        with path.open("rb") as file:
            given = tomllib.load(file)
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise SourceInvalid(f"{path}: {error}") from error
    try:
        return validate(given)
    except SourceInvalid as error:
        raise SourceInvalid(f"{path}: {error}") from error


def read_all(path: Path) -> list[Source]:
    """The sources of a file, or of every ``*.toml`` in a folder and its folders. Raises SourceInvalid."""
    if not path.exists():
        raise SourceInvalid(f"{path}: there is no such file or folder")
    paths = sorted(path.rglob("*.toml")) if path.is_dir() else [path]
    sources = [read(file) for file in paths]
    met: dict[str, Path] = {}
    for source, file in zip(sources, paths, strict=True):
        if source.id in met:
            raise SourceInvalid(f"{file}: the id {source.id!r} is already used by {met[source.id]}")
        met[source.id] = file
    refuse_repeated_addresses(sources)
    return sources


def refuse_repeated_addresses(sources: Iterable[Source]) -> None:
    """Raises AddressRepeated where two of them ask one address for the same.

    An address is the same by http and https, in capitals and with a closing slash. Other options are another question:
    one interface answers for every prefecture of Guizhou.
    """
    met: dict[tuple[str, bytes], Source] = {}
    for source in sources:
        parts = urlsplit(source.url)
        address = f"{parts.netloc.lower()}{parts.path.rstrip('/')}?{parts.query}"
        options = msgspec.json.encode(source.options, order="deterministic")
        first = met.setdefault((address, options), source)
        if first is not source:
            raise AddressRepeated(
                f"{AddressRepeated.code}: {source.url} is already harvested as {first.id!r}, so {source.id!r} would "
                f"double its datasets: remove one of the two"
            )


def validate(given: Mapping[str, Any]) -> Source:
    """The source these values describe. Raises SourceInvalid naming the first thing wrong."""
    try:
        source = msgspec.convert(given, Source)
    except msgspec.ValidationError as error:
        raise SourceInvalid(str(error)) from error
    if not _ID.fullmatch(source.id):
        raise SourceInvalid(f"id {source.id!r}: only a-z, 0-9 and - may stand in it")
    if source.kind not in CONNECTORS:
        raise SourceInvalid(f"kind {source.kind!r} is not one of {', '.join(sorted(CONNECTORS))}")
    if not source.url.startswith(("http://", "https://")):
        raise SourceInvalid(f"url {source.url!r}: it must begin with http:// or https://")
    try:
        days(source.full_every)
        ZoneInfo(source.timezone)
        next_run(source, None)
        msgspec.convert(source.options, OPTIONS.get(source.kind, dict))
        if source.kind in families.KINDS:
            families.family(source)
        crosswalk.check(source)
        if source.trust.ca_file is not None:
            security(source.trust)
    except (ValueError, KeyError, ScheduleInvalid, errors.SourceInvalid) as error:
        raise SourceInvalid(str(error)) from error
    return source


def with_secrets(source: Source, environment: Mapping[str, str]) -> Source:
    """The source with every ``${NAME}`` in its options replaced from the environment, for the moment of a harvest.

    Raises SourceInvalid when the environment lacks one.
    """

    def filled(value: Any) -> Any:
        if isinstance(value, str):
            return _SECRET.sub(lambda match: secret(match[1]), value)
        if isinstance(value, dict):
            return {key: filled(member) for key, member in value.items()}
        if isinstance(value, list):
            return [filled(member) for member in value]
        return value

    def secret(name: str) -> str:
        if name not in environment:
            raise SourceInvalid(f"source {source.id}: its options name ${{{name}}}, which the environment lacks")
        return environment[name]

    return msgspec.structs.replace(source, options=filled(source.options))


def secrets(source: Source, environment: Mapping[str, str]) -> tuple[str, ...]:
    """The values of the secrets a source names: what no message may show."""
    text = msgspec.json.encode(source.options).decode()
    return tuple(environment[name] for name in sorted(set(_SECRET.findall(text))) if environment.get(name))


def write(source: Source) -> str:
    """The TOML text of a source; reading it gives the source back."""
    given: dict[str, Any] = msgspec.to_builtins(source)
    return msgspec.toml.encode(given).decode()
