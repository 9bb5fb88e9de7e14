"""What a rule looks at: one dataset, what is known of its addresses, and the day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from portal.catalog.model import Dataset, Distribution, Link
from portal.scorecard.probing import link_finding
from portal.scorecard.verdicts import Finding, Verdict, any_of

# Many portals list a file and hand it out only after a login: without an address nothing can be asked, nor held against it.
NO_ADDRESS = Finding(Verdict.UNKNOWN, "link.none")


class Subject(Struct, frozen=True, kw_only=True):
    """Everything a verdict may depend on. The same subject has the same evidence, always."""

    dataset: Dataset
    links: Mapping[str, Link] = {}
    """What is known of those of its addresses that were ever asked for."""
    answers: Mapping[str, Finding] = {}
    """What that says of each of its addresses; made by ``subject``."""
    day: datetime
    """The beginning, in UTC, of the day it is assessed for."""
    read: datetime | None = None
    """When its source was last read without failing; None counts as now: time then passes for it as for everyone."""
    original: str | None = None
    """The id of the dataset it is a further appearance of; None when it counts itself."""
    believed: datetime | None = None
    """The date it had before the portal moved dates and nothing else; None when its own date is believed."""


def subject(
    dataset: Dataset,
    day: datetime,
    *,
    links: Mapping[str, Link] = {},
    read: datetime | None = None,
    original: str | None = None,
    believed: datetime | None = None,
) -> Subject:
    """What the rules look at. Its addresses are judged here once: a dozen rules ask about each of them."""
    answers = {url: link_finding(url, links.get(url), day) for url in urls(dataset)}
    known = {url: links[url] for url in answers if url in links} if links else {}
    return Subject(
        dataset=dataset, links=known, answers=answers, day=day, read=read, original=original, believed=believed
    )


def changed(subject: Subject) -> datetime | None:
    """When the data last changed, by the portal's word as far as it is believed."""
    dataset = subject.dataset
    return subject.believed or dataset.data_modified or dataset.modified


def addresses(distribution: Distribution) -> tuple[str, ...]:
    """The addresses of a distribution, the one of the file first."""
    found = (distribution.download_url, distribution.access_url)
    return tuple(dict.fromkeys(url for url in found if url))


def urls(dataset: Dataset) -> tuple[str, ...]:
    """Every address its distributions give, each once."""
    return tuple(dict.fromkeys(url for distribution in dataset.distributions for url in addresses(distribution)))


def is_empty(dataset: Dataset) -> bool:
    """Whether the portal itself says that there is no data: no rows, or files of no bytes and nothing else.

    What the portal does not say is not held against it.
    """
    if dataset.rows is not None:
        return dataset.rows == 0
    return bool(dataset.distributions) and all(
        distribution.rows == 0 or distribution.size_bytes == 0 for distribution in dataset.distributions
    )


def way_to(subject: Subject, distribution: Distribution) -> Finding:
    """Whether one of a distribution's addresses works."""
    found = [subject.answers[url] for url in addresses(distribution)]
    return any_of(found) if found else NO_ADDRESS


def way_to_any(subject: Subject) -> Finding | None:
    """Whether one address of any distribution works; None where there is no distribution."""
    found = [way_to(subject, distribution) for distribution in subject.dataset.distributions]
    return any_of(found) if found else None
