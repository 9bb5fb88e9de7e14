"""Checks of one distribution: how the data is reached, in what form, and what may be done with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

import schemas
from portal.catalog.model import Dataset, Distribution, DistributionKind
from portal.scorecard.describing import Options, licence_finding, stated, unread
from portal.scorecard.probing import link_finding
from portal.scorecard.subjects import NO_ADDRESS, Subject, way_to
from portal.scorecard.verdicts import Finding, Verdict, all_of

_FILE_TYPES = "http://publications.europa.eu/resource/authority/file-type/"

_REGISTERED_TYPE = re.compile(
    r"(?:application|audio|font|haptics|image|message|model|multipart|text|video)/(?!x[-.])[\w!#$&^.+-]+", re.ASCII
)


def _verdict(passes: bool, passed: str, failed: str, seen: str | None) -> Finding:
    return Finding(Verdict.PASS, passed, seen) if passes else Finding(Verdict.FAIL, failed, seen)


def reachable(subject: Subject, distribution: Distribution, options: Options) -> Finding:
    """Whether one of its addresses works."""
    return way_to(subject, distribution)


def access_url_works(subject: Subject, distribution: Distribution, options: Options) -> Finding:
    """Whether the access address answered with a status from ``least`` to ``most``."""
    return _answers("access-url", distribution.access_url, subject, options)


def download_url_works(subject: Subject, distribution: Distribution, options: Options) -> Finding:
    """Whether the download address answered with a status from ``least`` to ``most``."""
    return _answers("download-url", distribution.download_url, subject, options)


def _answers(name: str, url: str | None, subject: Subject, options: Options) -> Finding:
    if url is None:
        return Finding(Verdict.FAIL, f"{name}.missing")
    least, most = int(options.get("least", 200)), int(options.get("most", 399))
    return link_finding(url, subject.links.get(url), subject.day, least=least, most=most)


def download_url_given(subject: Subject, distribution: Distribution, options: Options) -> Finding:
    """Whether it says where the file itself is."""
    return stated("download-url", distribution.download_url, None, unread(distribution, "download_url", options))


def whole_file(subject: Subject, distribution: Distribution, options: Options) -> Finding:
    """Whether the data can be had as a whole, as a file."""
    is_file = distribution.kind is DistributionKind.FILE or distribution.download_url is not None
    return _verdict(is_file, "whole.file", "whole.no-file", distribution.download_url or distribution.kind)


def is_api(subject: Subject, distribution: Distribution, options: Options) -> Finding:
    """Whether programs can ask for parts of the data."""
    family = _attribute("family").get(distribution.format or "")
    found = distribution.kind is DistributionKind.API or family == "api" or bool(distribution.service_keys)
    return _verdict(found, "api.offered", "api.none", distribution.access_url or distribution.format_raw)


def format_given(subject: Subject, distribution: Distribution, options: Options) -> Finding:
    """Whether it states a format; a media type alone is none."""
    return stated("format", distribution.format_raw, None, unread(distribution, "format_raw", options))


def format_known(subject: Subject, distribution: Distribution, options: Options) -> Finding:
    """Whether its format is one of the table."""
    raw = distribution.format_raw or distribution.media_type
    if distribution.format is not None:
        return Finding(Verdict.PASS, "format.known", raw or distribution.format)
    return Finding(Verdict.FAIL, "format.unknown", raw) if raw else Finding(Verdict.FAIL, "format.missing")


def media_type_given(subject: Subject, distribution: Distribution, options: Options) -> Finding:
    """Whether it states a media type; one that we read from its format is none."""
    return stated("media-type", distribution.media_type_raw, None, unread(distribution, "media_type_raw", options))


def both_aligned(subject: Subject, distribution: Distribution, options: Options) -> Finding:
    """Whether the format is an entry of the EU's list of file types and the media type a registered one."""
    raw, media_type = distribution.format_raw, distribution.media_type_raw
    if raw is None or media_type is None:
        return Finding(Verdict.FAIL, "format.not-both", raw or media_type)
    listed = raw.replace("https:", "http:").startswith(_FILE_TYPES)
    registered = _REGISTERED_TYPE.fullmatch(distribution.media_type or "") is not None
    return _verdict(listed and registered, "format.aligned", "format.not-aligned", f"{raw}, {media_type}")


@lru_cache(maxsize=8)
def _attribute(name: str) -> Mapping[str, str]:
    """A column of the table of formats, by code."""
    terms = schemas.vocabulary("formats").terms.values()
    return {term.code: term.attributes[name] for term in terms if name in term.attributes}


def machine_readable(subject: Subject, distribution: Distribution, options: Options) -> Finding:
    """Whether programs can read its format, by our table or, with ``list = "eu"``, by the EU's."""
    return _listed(distribution, options, "machine_readable", "machine-readable")


def open_format(subject: Subject, distribution: Distribution, options: Options) -> Finding:
    """Whether its format belongs to nobody, by our table or, with ``list = "eu"``, by the EU's."""
    return _listed(distribution, options, "open", "format-open")


def _listed(distribution: Distribution, options: Options, column: str, name: str) -> Finding:
    code = distribution.format
    raw = distribution.format_raw or distribution.media_type
    if options.get("list") == "eu":
        codes = {code, _format_of(distribution.media_type)}
        return _verdict(not codes.isdisjoint(eu_formats(column)), f"{name}.yes", f"{name}.no", raw)
    if code is None:
        return Finding(Verdict.UNKNOWN, f"{name}.unknown-format", raw) if raw else Finding(Verdict.FAIL, "format.missing")
    return _verdict(_attribute(column).get(code) == "yes", f"{name}.yes", f"{name}.no", raw or code)


@lru_cache(maxsize=1024)
def _format_of(media_type: str | None) -> str | None:
    """The format that a media type names: of the EU's lists it is enough that either of the two is on them."""
    return media_type and schemas.vocabulary("formats").resolve(media_type)


@lru_cache(maxsize=8)
def eu_formats(column: str) -> frozenset[str]:
    """Our codes of the formats that the EU's list has as ``open`` or ``machine_readable``."""
    listed = {_FILE_TYPES + row["file_type"] for row in schemas.eu_formats() if row[column] == "yes"}
    return frozenset(term.code for term in schemas.vocabulary("formats").terms.values() if term.uri in listed)


def licence_given(subject: Subject, distribution: Distribution, options: Options) -> Finding:
    """Whether it states a licence; with ``of_dataset`` the dataset's stands for it."""
    given = _licence(subject.dataset, distribution, options)[1]
    return stated("licence", given, None, unread(distribution, "licence_raw", options))


def licence_listed(subject: Subject, distribution: Distribution, options: Options) -> Finding:
    """Whether the licence is one that the EU's list of licences has."""
    code, raw = _licence(subject.dataset, distribution, options)
    if not raw:
        return Finding(Verdict.FAIL, "licence.missing")
    return _verdict(code in _eu_licences(), "licence.known", "licence.unknown", raw)


@lru_cache(maxsize=1)
def _eu_licences() -> frozenset[str]:
    return frozenset(term.code for term in schemas.vocabulary("licences").terms.values() if term.uri)


def _licence(dataset: Dataset, distribution: Distribution, options: Options) -> tuple[str | None, str | None]:
    code, raw = distribution.licence, distribution.licence_raw
    # Where no licence is stated, the crosswalk reads one out of the rights; what is asked here is whether one is stated.
    if raw is not None and raw == distribution.rights:
        code, raw = None, None
    if options.get("of_dataset") and raw is None:
        code, raw = dataset.licence, dataset.licence_raw
    return code, raw or code


def rights_given(subject: Subject, distribution: Distribution, options: Options) -> Finding:
    """Whether it states rights."""
    return stated("rights", distribution.rights, None, unread(distribution, "rights", options))


def size_given(subject: Subject, distribution: Distribution, options: Options) -> Finding:
    """Whether it states its size."""
    size = distribution.size_bytes
    said = None if size is None else str(size)
    return stated("size", said, None, unread(distribution, "size_bytes", options))


def issued_given(subject: Subject, distribution: Distribution, options: Options) -> Finding:
    """Whether it, or else the dataset, says when it was published."""
    return _date_given("issued", subject.dataset, distribution, options)


def modified_given(subject: Subject, distribution: Distribution, options: Options) -> Finding:
    """Whether it, or else the dataset, says when it last changed."""
    return _date_given("modified", subject.dataset, distribution, options)


def _date_given(field: str, dataset: Dataset, distribution: Distribution, options: Options) -> Finding:
    at = getattr(distribution, field) or getattr(dataset, field)
    words = unread(distribution, field, options) or unread(dataset, field, options)
    return stated(field, at and at.date().isoformat(), None, words)


_LINKED = frozenset(
    ("rdf", "rdf-xml", "turtle", "n-triples", "n-quads", "trig", "n3", "json-ld", "rdfa", "sparql")
)


def star(subject: Subject, distribution: Distribution, options: Options) -> Finding:
    """Whether it earns the star of this ``number`` (1 to 4), each with all below it.

    1: it can be had under an open licence; 2: machine-readable; 3: in an open format; 4: linked data.
    """
    number = int(options["number"])
    licence = distribution.licence or subject.dataset.licence
    raw = distribution.licence_raw or subject.dataset.licence_raw
    allowed = licence_finding(licence, raw)
    if allowed.verdict is Verdict.UNKNOWN:
        allowed = Finding(Verdict.FAIL, allowed.reason, allowed.seen)
    way = way_to(subject, distribution)
    needed = [Finding(Verdict.FAIL, way.reason) if way is NO_ADDRESS else way, allowed]
    code = distribution.format or ""
    form = distribution.format_raw or distribution.media_type
    if number >= 2:
        readable = _attribute("machine_readable").get(code) == "yes"
        needed.append(_verdict(readable, "machine-readable.yes", "machine-readable.no", form))
    if number >= 3:
        is_open = _attribute("open").get(code) == "yes"
        needed.append(_verdict(is_open, "format-open.yes", "format-open.no", form))
    if number >= 4:
        needed.append(_verdict(code in _LINKED, "linked.yes", "linked.no", form))
    decisive = all_of(needed)
    if not decisive.verdict.passes:
        return decisive
    return Finding(decisive.verdict, "star.earned", form, None, decisive.until)


def closed_or_none(subject: Subject, distribution: Distribution, options: Options) -> Finding:
    """udata's reading of an open format: stated, and none of the office formats of its list."""
    code = distribution.format
    raw = distribution.format_raw or distribution.media_type
    if code is None and raw is None:
        return Finding(Verdict.FAIL, "format.missing")
    closed = code in ("pdf", "doc", "docx", "xls", "xlsx", "spreadsheet")
    return _verdict(not closed, "format-open.yes", "format-open.no", raw or code)
