"""What a CKAN answers, read as far as a harvest needs it: packages stay the portal's own bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct

from harvester.errors import PortalAnsweredError, PortalBlocked, PortalNotUnderstood
from harvester.http import Http, Response
from harvester.http.response import refuse_multitudes


class Page(Struct, frozen=True):
    """A page of the search."""

    count: int | None
    """How many packages the whole list holds; None when the portal does not say."""
    results: tuple[bytes, ...]
    url: str


class Head(Struct, frozen=True):
    """What of a package decides whether it is wanted; a portal may write anything there."""

    id: Any = None
    name: Any = None
    state: Any = None
    private: Any = None
    metadata_modified: Any = None

    @property
    def key(self) -> str | None:
        """What tells packages of a portal apart."""
        return next((str(each) for each in (self.id, self.name) if isinstance(each, str | int) and each), None)

    @property
    def modified(self) -> datetime | None:
        """When the package changed; CKAN writes UTC without saying so."""
        try:
            moment = datetime.fromisoformat(self.metadata_modified)
        except (TypeError, ValueError):
            return None
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class Membership(Struct, frozen=True):
    """What of a package says whose it is; read only where a source wants some organisations or groups."""

    organization: Any = None
    owner_org: Any = None
    groups: Any = None

    @property
    def organization_names(self) -> set[str]:
        """The name and the id of the organisation."""
        return _names(self.organization) | _names(self.owner_org)

    @property
    def organization_unnamed(self) -> bool:
        """Only the id of the organisation is said, as by portals that leave out the organisation itself."""
        return not _names(self.organization) and bool(_names(self.owner_org))

    @property
    def group_names(self) -> set[str]:
        """The names and ids of the groups."""
        groups = self.groups if isinstance(self.groups, list) else []
        return {name for group in groups for name in _names(group)}


class _Envelope(Struct):
    success: Any = None
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: Any = None


class _Found(Struct):
    results: list[msgspec.Raw]
    count: Any = None


def _names(body: Any) -> set[str]:
    """An organisation or group as CKAN gives it, an object, or as it did before 2.0, its name."""
    if isinstance(body, str):
        return {body}
    named = [body.get("name"), body.get("id")] if isinstance(body, dict) else []
    return {name for name in named if isinstance(name, str)}


_decode_head = msgspec.json.Decoder(Head).decode
_decode_membership = msgspec.json.Decoder(Membership).decode


def head(body: bytes) -> Head:
    """The head of a package; an empty one when the package is not even an object."""
    try:
        return _decode_head(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Head()


def membership(body: bytes) -> Membership:
    """Whose a package is; nobody's when the package is not even an object."""
    try:
        return _decode_membership(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Membership()


def asked(http: Http, url: str, parameters: Mapping[str, str | int], headers: Mapping[str, str]) -> Response:
    """The portal's answer; its errors in its own words."""
    try:
        return http.get(url, params=parameters, headers=headers)
    except PortalBlocked as error:
        if (said := _complaint(error.seen)) is None:
            raise
        raise PortalBlocked(said, url=error.url, seen=error.seen) from error
    except PortalAnsweredError as error:
        if (said := _complaint(error.seen)) is None:
            raise
        raise PortalAnsweredError(said, url=error.url, seen=error.seen, status=error.status) from error


def page(response: Response) -> Page:
    """A page of ``package_search``."""
    try:
        found = msgspec.json.decode(_result(response), type=_Found)
    except msgspec.DecodeError as error:
        raise PortalNotUnderstood(f"no search result: {error}", url=response.url) from error
    count = found.count if isinstance(found.count, int) and found.count >= 0 else None
    return Page(count, tuple([bytes(result) for result in found.results]), response.url)


def package(response: Response) -> bytes:
    """The package of a ``package_show``; DKAN puts it into a list."""
    body = _result(response)
    if not body.startswith(b"["):
        return body
    listed = msgspec.json.decode(body, type=list[msgspec.Raw])
    if not listed:
        raise PortalNotUnderstood("an empty list in place of a package", url=response.url)
    return bytes(listed[0])


def facet(result: Any, field: str) -> list[str]:
    """The values of a facet in the decoded result of a search."""
    facets = result.get("facets") if isinstance(result, dict) else None
    counts = facets.get(field) if isinstance(facets, dict) else None
    return list(counts) if isinstance(counts, dict) else []


def _result(response: Response) -> bytes:
    """The bytes of an action's result. Raises PortalAnsweredError when the portal says that it failed."""
    body = response.body
    refuse_multitudes(body, response.url)
    try:
        body.decode()
        envelope = msgspec.json.decode(body, type=_Envelope)
    except (UnicodeDecodeError, msgspec.DecodeError, RecursionError):
        # Another charset, half a surrogate pair, no object: the strict reader says what is wrong, or reads it.
        envelope = _read_again(response)
    if envelope.success is not True:
        detail = _words(envelope.error) or "the portal says that the action failed"
        raise PortalAnsweredError(detail, url=response.url, seen=response.text[:500])
    return bytes(envelope.result)


def _read_again(response: Response) -> _Envelope:
    answer = response.json()
    if isinstance(answer, str):
        raise PortalAnsweredError(answer[:500], url=response.url, seen=answer[:500])
    if not isinstance(answer, dict):
        raise PortalNotUnderstood("JSON, but no answer of CKAN's", url=response.url, seen=response.text[:200])
    return msgspec.json.decode(json.dumps(answer, ensure_ascii=False), type=_Envelope)


def _complaint(seen: str | None) -> str | None:
    """What a CKAN says went wrong, in the body of an HTTP error."""
    try:
        answer = json.loads(seen or "")
    except ValueError:
        return None
    return _words(answer.get("error") if isinstance(answer, dict) else answer)


def _words(error: Any) -> str | None:
    """CKAN's errors: a text, ``{message}``, ``{message, __type}``, or the fields that are wrong."""
    if isinstance(error, str):
        return error[:500] or None
    if not isinstance(error, dict) or not error:
        return None
    kind, message = error.get("__type"), error.get("message")
    if message is None:
        message = json.dumps({name: said for name, said in error.items() if name != "__type"}, ensure_ascii=False)
    return ": ".join(str(part) for part in (kind, message) if part)[:500]
