"""Checks of what a dataset says of itself: words, dates, codes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TypeAlias

import schemas
from portal.catalog.frequencies import TOLERANCE, due, midnight_after, period_days
from portal.catalog.model import Dataset, Distribution
from portal.scorecard.subjects import Subject, changed, is_empty, way_to_any
from portal.scorecard.verdicts import Finding, Verdict

Options: TypeAlias = Mapping[str, str | int | float | bool]

NO_OPTIONS: Options = {}

MOST_KEYWORDS = 30
"""More than any portal of the fixtures' median dataset has by a factor of five: beyond, words are there to be found."""


def stated(name: str, value: object, seen: str | None = None, unread: str | None = None) -> Finding:
    """Pass where there is a value: the reasons are ``<name>.stated`` and ``<name>.missing``.

    ``unread`` are the words of a value that was stated and not understood, where stating is enough: ``<name>.unread``.
    """
    if value:
        return Finding(Verdict.PASS, f"{name}.stated", seen or (value if isinstance(value, str) else None))
    if unread is not None:
        return Finding(Verdict.PASS, f"{name}.unread", unread)
    return Finding(Verdict.FAIL, f"{name}.missing")


def unread(noun: Dataset | Distribution, field: str, options: Options) -> str | None:
    """The portal's words for a field that could not be read, where the rule is content with them (``unread = true``)."""
    return noun.unread.get(field) if options.get("unread") else None


def _known(name: str, code: str | None, raw: str | None) -> Finding:
    """Pass where a raw value was understood as a code of our tables."""
    if code is not None:
        return Finding(Verdict.PASS, f"{name}.known", raw or code)
    return Finding(Verdict.FAIL, f"{name}.missing") if not raw else Finding(Verdict.FAIL, f"{name}.unknown", raw)


def effective(subject: Subject, options: Options) -> Finding:
    """Whether there is data to be had: not empty, not a copy, and a way to it that is not known broken."""
    dataset = subject.dataset
    if subject.original is not None:
        return Finding(Verdict.NOT_APPLICABLE, "effective.copy", subject.original)
    if is_empty(dataset):
        return Finding(Verdict.FAIL, "effective.empty", str(dataset.rows or 0))
    way = way_to_any(subject)
    if way is None:
        return Finding(Verdict.FAIL, "effective.no-distribution")
    if way.verdict.fails:
        return Finding(way.verdict, "effective.broken", way.seen, way.limit, way.until)
    return Finding(Verdict.PASS, "effective.yes", None, None, way.until)


def title_telling(subject: Subject, options: Options) -> Finding:
    """Whether the title has ``least`` characters (a Chinese one counts as three)."""
    return _long_enough("title", subject.dataset.title, int(options.get("least", 12)))


def description_telling(subject: Subject, options: Options) -> Finding:
    """Whether the description has ``least`` letters (a Chinese character counts as three) and is not the title again."""
    dataset = subject.dataset
    if not dataset.description:
        return Finding(Verdict.FAIL, "description.missing")
    if dataset.description.strip() == dataset.title:
        return Finding(Verdict.FAIL, "description.is-title", dataset.title)
    return _long_enough("description", dataset.description, int(options.get("least", 90)))


def description_longer(subject: Subject, options: Options) -> Finding:
    """Whether the description has more than ``than`` characters of any kind."""
    than = int(options.get("than", 100))
    length = len(subject.dataset.description or "")
    if length > than:
        return Finding(Verdict.PASS, "description.longer", str(length), str(than))
    return Finding(Verdict.FAIL, "description.not-longer" if length else "description.missing", str(length), str(than))


def _long_enough(name: str, text: str, least: int) -> Finding:
    # In UTF-8 a Chinese character takes three bytes: as many as the letters of a short word that says the same.
    length = len(text) if text.isascii() else len(text.encode())
    if length >= least:
        return Finding(Verdict.PASS, f"{name}.long-enough", str(length), str(least))
    return Finding(Verdict.FAIL, f"{name}.too-short", str(length), str(least))


def fields_listed(subject: Subject, options: Options) -> Finding:
    """Whether the dataset says which fields its data has."""
    columns = subject.dataset.columns
    return stated("fields", columns, str(len(columns)))


def fields_described(subject: Subject, options: Options) -> Finding:
    """Whether every field has a title or a description besides its name."""
    columns = subject.dataset.columns
    if not columns:
        return Finding(Verdict.FAIL, "fields.missing")
    bare = sum(1 for column in columns if not (column.title or column.description))
    if bare:
        return Finding(Verdict.FAIL, "fields.bare", str(bare), str(len(columns)))
    return Finding(Verdict.PASS, "fields.described", str(len(columns)))


def keyword_given(subject: Subject, options: Options) -> Finding:
    """Whether there is a keyword."""
    dataset = subject.dataset
    given = dataset.keywords or dataset.keywords_by_language
    return stated("keywords", given, _keyword_count(subject), unread(dataset, "keywords", options))


def keywords_sensible(subject: Subject, options: Options) -> Finding:
    """Whether there are keywords, each once, and not so many that they are there to be found by."""
    keywords = subject.dataset.keywords
    if not keywords:
        return keyword_given(subject, options)
    if len(keywords) > int(options.get("most", MOST_KEYWORDS)):
        return Finding(Verdict.FAIL, "keywords.stuffed", str(len(keywords)), str(options.get("most", MOST_KEYWORDS)))
    return Finding(Verdict.PASS, "keywords.stated", str(len(keywords)))


def _keyword_count(subject: Subject) -> str:
    return str(len(subject.dataset.keywords) or len(subject.dataset.keywords_by_language))


def theme_given(subject: Subject, options: Options) -> Finding:
    """Whether the portal names a theme, in whatever words."""
    dataset = subject.dataset
    named = dataset.themes_raw or dataset.themes
    return stated("theme", named, ", ".join(named), unread(dataset, "themes_raw", options))


def theme_known(subject: Subject, options: Options) -> Finding:
    """Whether a theme is one of the national list."""
    dataset = subject.dataset
    return _known("theme", next(iter(dataset.themes), None), ", ".join(dataset.themes_raw) or None)


def place_given(subject: Subject, options: Options) -> Finding:
    """Whether the record itself says what place the data covers; what we inferred does not count."""
    dataset = subject.dataset
    said = dataset.region if dataset.region_inferred_from is None else None
    place = next((place.name or place.uri or "geometry" for place in dataset.places), None)
    return stated("place", said or place, None, unread(dataset, "places", options))


def place_known(subject: Subject, options: Options) -> Finding:
    """Whether the region is one of the code list, by whatever way it was found."""
    return stated("region", subject.dataset.region)


def period_given(subject: Subject, options: Options) -> Finding:
    """Whether the record says what time the data covers."""
    period = next(iter(subject.dataset.periods), None)
    spanned = period and f"{period.start or '…'}/{period.end or '…'}"
    return stated("period", spanned, None, unread(subject.dataset, "periods", options))


def contact_given(subject: Subject, options: Options) -> Finding:
    """Whether there is somebody to ask."""
    contact = subject.dataset.contact
    named = contact and (contact.email or contact.phone or contact.url or contact.name)
    return stated("contact", named, None, unread(subject.dataset, "contact", options))


def contact_reachable(subject: Subject, options: Options) -> Finding:
    """Whether there is an address or a number to ask at, and not a name alone."""
    contact = subject.dataset.contact
    return stated("contact", contact and (contact.email or contact.phone or contact.url))


def publisher_given(subject: Subject, options: Options) -> Finding:
    """Whether the record names its publisher."""
    publisher = subject.dataset.publisher
    return stated("publisher", publisher and publisher.name, None, unread(subject.dataset, "publisher", options))


def publisher_identified(subject: Subject, options: Options) -> Finding:
    """Whether the publisher is known beyond its name: a unified social credit code, a URI, or a department of ours."""
    publisher = subject.dataset.publisher
    if publisher is None:
        return Finding(Verdict.FAIL, "publisher.missing")
    known = publisher.uscc or publisher.uri or publisher.department
    if known:
        return Finding(Verdict.PASS, "publisher.identified", known)
    return Finding(Verdict.FAIL, "publisher.name-only", publisher.name)


def frequency_given(subject: Subject, options: Options) -> Finding:
    """Whether the record says how often the data is updated; ``unknown`` says nothing."""
    dataset = subject.dataset
    said = None if dataset.frequency == "unknown" else dataset.frequency or dataset.frequency_raw
    return stated("frequency", said, dataset.frequency_raw)


def frequency_known(subject: Subject, options: Options) -> Finding:
    """Whether the frequency is a code of the list; ``unknown`` is none."""
    dataset = subject.dataset
    return _known("frequency", None if dataset.frequency == "unknown" else dataset.frequency, dataset.frequency_raw)


def dated(subject: Subject, options: Options) -> Finding:
    """Whether the record says when the data or its description last changed."""
    dataset = subject.dataset
    at = dataset.data_modified or dataset.modified
    return stated("modified", at and at.date().isoformat())


def on_time(subject: Subject, options: Options) -> Finding:
    """Whether the data changed within its declared period and a tenth of it, at least a day more.

    A dataset that declares no period cannot keep one: it fails, so that declaring one is never worse. One whose
    declaration is no length of time is left out. While its source cannot be read, nothing turns late.
    """
    dataset = subject.dataset
    if dataset.frequency is None or dataset.frequency == "unknown":
        return Finding(Verdict.FAIL, "on-time.no-frequency", dataset.frequency_raw)
    days = period_days(dataset.frequency)
    if days is None:
        return Finding(Verdict.NOT_APPLICABLE, "on-time.no-period", dataset.frequency_raw)
    at = changed(subject)
    if at is None:
        return Finding(Verdict.FAIL, "on-time.no-date")
    return _by(due(at, days, float(options.get("tolerance", TOLERANCE))), at, subject, "on-time")


def fulfilled_in_time(subject: Subject, options: Options) -> Finding:
    """udata's reading: a day more than the period, and what is no length of time, or ever running, counts as fulfilled."""
    dataset = subject.dataset
    if dataset.frequency is None or dataset.frequency == "unknown":
        return Finding(Verdict.FAIL, "on-time.no-frequency", dataset.frequency_raw)
    days = period_days(dataset.frequency)
    if not days:
        return Finding(Verdict.PASS, "on-time.no-period", dataset.frequency_raw)
    at = dataset.data_modified or dataset.modified
    if at is None:
        return Finding(Verdict.FAIL, "on-time.no-date")
    return _by(at + timedelta(days=days + 1), at, subject, "on-time")


def changed_within(subject: Subject, options: Options) -> Finding:
    """Whether the data changed within ``days``."""
    at = changed(subject)
    if at is None:
        return Finding(Verdict.FAIL, "modified.missing")
    return _by(midnight_after(at + timedelta(days=float(options.get("days", 366)))), at, subject, "changed")


def _by(until: datetime, at: datetime, subject: Subject, name: str) -> Finding:
    """Pass until then; after that a fail, unless the source could not be read since: we would not know of a change."""
    seen, limit = at.date().isoformat(), until.date().isoformat()
    if subject.day <= until:
        return Finding(Verdict.PASS, f"{name}.kept", seen, limit, until)
    if subject.read is not None and subject.read <= until:
        return Finding(Verdict.PASSED_BEFORE, f"{name}.not-read-since", seen, subject.read.date().isoformat(), until)
    reason = "dates-moved" if subject.believed is not None else "late"
    return Finding(Verdict.FAIL, f"{name}.{reason}", seen, limit)


def licence_given(subject: Subject, options: Options) -> Finding:
    """Whether the dataset or one of its distributions states a licence."""
    return stated("licence", _licence_raw(subject))


def licence_known(subject: Subject, options: Options) -> Finding:
    """Whether the licence is one of the table, or at least of the kinds it names."""
    return _known("licence", _licence(subject), _licence_raw(subject))


def licence_open(subject: Subject, options: Options) -> Finding:
    """Whether the licence allows use for any purpose; one we do not know is unknown, not closed."""
    raw, code = _licence_raw(subject), _licence(subject)
    return licence_finding(code, raw)


@lru_cache(maxsize=4096)
def licence_finding(code: str | None, raw: str | None) -> Finding:
    """What a licence is worth: open, closed, not stated, or not one we can judge."""
    if code is None:
        return Finding(Verdict.UNKNOWN, "licence.unknown", raw) if raw else Finding(Verdict.FAIL, "licence.missing")
    is_open = licences().get(code)
    if is_open is None:
        return Finding(Verdict.UNKNOWN, "licence.unjudged", raw or code)
    if is_open:
        return Finding(Verdict.PASS, "licence.open", raw or code)
    return Finding(Verdict.FAIL, "licence.closed", raw or code)


@lru_cache(maxsize=1)
def licences() -> Mapping[str, bool]:
    """Whether each licence of the table is open; those it does not judge are left out."""
    terms = schemas.vocabulary("licences").terms.values()
    return {term.code: term.attributes["open"] == "yes" for term in terms if "open" in term.attributes}


def _licence(subject: Subject) -> str | None:
    dataset = subject.dataset
    return dataset.licence or next((one.licence for one in dataset.distributions if one.licence), None)


def _licence_raw(subject: Subject) -> str | None:
    dataset = subject.dataset
    # Where no licence is stated, the crosswalk reads the rights for one; a statement in which it found none is no licence.
    stated = (one.licence_raw for one in dataset.distributions if one.licence or one.licence_raw != one.rights)
    return dataset.licence_raw or dataset.licence_url or dataset.licence or next(filter(None, stated), None)


def openness_given(subject: Subject, options: Options) -> Finding:
    """Whether the record says who may have the data."""
    dataset = subject.dataset
    return stated("openness", dataset.openness_raw or dataset.openness or dataset.access_rights)


def open_to_all(subject: Subject, options: Options) -> Finding:
    """Whether anyone may have the data, with at most a registration.

    Where the record is silent, or says that they are open and nothing of conditions, an address that gives the data to
    us proves it; without such an answer it is unknown.
    """
    dataset = subject.dataset
    if dataset.openness in ("unconditional", "registration"):
        return Finding(Verdict.PASS, "openness.open", dataset.openness_raw or dataset.openness)
    is_silent = dataset.openness in (None, "open-unqualified")
    if not is_silent:
        return Finding(Verdict.FAIL, "openness.closed", dataset.openness_raw or dataset.openness)
    way = way_to_any(subject)
    if way is not None and way.verdict.passes:
        return Finding(way.verdict, "openness.proved", way.seen, way.limit, way.until)
    reason = "openness.untold" if dataset.openness is None else "openness.unqualified"
    return Finding(Verdict.UNKNOWN, reason, dataset.openness_raw, None, way.until if way else None)


def access_rights_given(subject: Subject, options: Options) -> Finding:
    """Whether the dataset states access rights."""
    dataset = subject.dataset
    return stated("access-rights", dataset.access_rights, None, unread(dataset, "access_rights", options))


_EU_ACCESS_RIGHTS = "http://publications.europa.eu/resource/authority/access-right/"


def access_rights_aligned(subject: Subject, options: Options) -> Finding:
    """Whether the access rights are an entry of the EU's list."""
    given = subject.dataset.access_rights
    if not given:
        return Finding(Verdict.FAIL, "access-rights.missing")
    listed = given.replace("https:", "http:").startswith(_EU_ACCESS_RIGHTS)
    return Finding(Verdict.PASS if listed else Verdict.FAIL, f"access-rights.{'known' if listed else 'unknown'}", given)


def distributions_documented(subject: Subject, options: Options) -> Finding:
    """Whether a distribution has a description."""
    described: Distribution | None = next((one for one in subject.dataset.distributions if one.description), None)
    return stated("documentation", described and described.description)
