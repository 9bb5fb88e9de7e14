"""Portals whose every answer is spoiled at random (faults P25 to P32): a run always ends, adds up, and heals."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from harvester.http.limits import Limits
from harvester.sandbox.exchange import Response
from harvester.sandbox.serve import Sandbox
from portal.catalog.model import Outcome
from portal.catalog.store import Catalog
from tests.federation import own_federation
from tests.harvester.harvesting import harvested, snapshot

__all__ = ["own_federation"]

JUNK: tuple[Any, ...] = (
    None, True, False, 0, -1, 1e308, 10**30, "", "是", "否", [], {}, [[]], [None], {"a": {"b": []}}, ["a", 1, None], "null",
    "\x00", "a\x00b", "x" * 70_000, "\ud800", "\U0010ffff\ufffe", "2024-13-45", "9999-12-31T23:59:59-23:59",
    "0001-01-01T00:00:00+14:00", "<b>", "javascript:alert(1)", "http://127.0.0.1:1/x", "1" * 5000,
)  # fmt: skip

BYTES = (b"<x>", b"</dataset>", b"&amp;&lol;", b"\x00", b"\xff\xfe", b"]]>", b'"', b"\\u0000", b"{", b"}")

PORTALS = (
    "zj-zhejiang", "sd-shandong", "gd-guangdong", "gz-guiyang", "bj-beijing", "sc-sichuan", "fj-fujian", "fj-xiamen",
    "hb-libraries", "sc-geoportal",
)  # fmt: skip
"""CKAN with and without search, DKAN 2 and 1, data.json, RDF/XML, JSON-LD, a JSON list, OAI-PMH, CSW."""

HASTY = Limits(retries=0, read_gap_s=3, deadline_s=5)


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where something stands in decoded JSON: a few of many alike."""
    yield path
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for place, (key, inner) in enumerate(members):
        if place < 30:
            yield from places(inner, (*path, key))


def put(value: Any, path: tuple[str | int, ...], junk: Any) -> Any:
    """The same with junk at a place."""
    if not path:
        return junk
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = put(value[path[0]], path[1:], junk)  # type: ignore[index]
    return copy


def spoiled(body: bytes, rng: random.Random) -> bytes:
    """The answer with junk in the place of some values, or with some bytes of it changed, doubled or lost."""
    try:
        said = json.loads(body)
    except ValueError:
        return with_odd_bytes(body, rng)
    if rng.random() < 0.2:
        return with_odd_bytes(body, rng)
    for _ in range(rng.randint(1, 3)):
        # More often near the top, where an answer says what it is.
        found = sorted(places(said), key=len)
        said = put(said, found[min(int(rng.expovariate(0.08)), len(found) - 1)], rng.choice(JUNK))
    return json.dumps(said).encode()


def with_odd_bytes(body: bytes, rng: random.Random) -> bytes:
    odd = bytearray(body)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(odd) + 1)
        change: Callable[[], None] = rng.choice((
            lambda: odd.__setitem__(slice(at, at + 1), bytes((rng.randrange(256),))),
            lambda: odd.__delitem__(slice(at, at + rng.randint(1, 50))),
            lambda: odd.__setitem__(slice(at, at), odd[at:at + 100]),
            lambda: odd.__delitem__(slice(at, None)),
            lambda: odd.__setitem__(slice(at, at), rng.choice(BYTES)),
        ))
        change()
    return bytes(odd)


class Spoiler:
    """Stands before a make-believe portal; ``share`` of its answers are spoiled."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._answer = sandbox.answer
        self.rng = random.Random()
        self.share = 0.0
        sandbox.answer = self.answer  # type: ignore[method-assign,assignment]

    def answer(self, *asked: Any) -> Response:
        given = self._answer(*asked)
        if given.status == 304 or self.rng.random() >= self.share:
            return given
        return replace(given, body=spoiled(given.body, self.rng))


@pytest.mark.slow
@pytest.mark.parametrize("portal", PORTALS)
def test_p31_whatever_a_portal_answers_its_run_ends_adds_up_and_heals(
    any_catalog: Catalog, own_federation: Sandbox, portal: str
) -> None:
    """What every run must keep is asserted in ``harvested``; once the portal is well again, so is the catalogue."""
    spoiler = Spoiler(own_federation)
    place = own_federation.source(portal)
    harvested(any_catalog, place)
    for seed in range(15):
        spoiler.rng, spoiler.share = random.Random(seed), (1.0, 0.5, 0.2)[seed % 3]
        run = harvested(any_catalog, place, full=True, limits=HASTY)
        assert run.outcome is Outcome.COMPLETE or run.cause is not None, f"seed {seed}"
    spoiler.share = 0.0
    healed = harvested(any_catalog, place, full=True)
    assert healed.outcome in (Outcome.COMPLETE, Outcome.HELD)
    truth = {key: title for key, title in own_federation.truth(portal).items() if title is not None}
    current = {entry.dataset.source_key: entry.dataset.title for entry in any_catalog.walk() if entry.state == "current"}
    assert truth.items() <= current.items() and truth
    before = snapshot(any_catalog)
    assert harvested(any_catalog, place, full=True).counts.unchanged == healed.counts.listed - healed.counts.unusable
    assert snapshot(any_catalog) == before
