"""The table of checks: every question a rule set may ask, and what of a dataset each of them reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

from msgspec import Struct

from portal.catalog.model import Distribution
from portal.scorecard import describing, distributing
from portal.scorecard.conformity import dcat_ap
from portal.scorecard.describing import Options
from portal.scorecard.subjects import Subject
from portal.scorecard.verdicts import Finding

DatasetCheck: TypeAlias = Callable[[Subject, Options], Finding]
DistributionCheck: TypeAlias = Callable[[Subject, Distribution, Options], Finding]


class Check(Struct, frozen=True, kw_only=True):
    """One question: a pure function, and what it reads, so that a change of verdict finds its cause."""

    of_dataset: DatasetCheck | None = None
    of_distribution: DistributionCheck | None = None
    """Exactly one of the two is given."""
    reads: tuple[str, ...] = ()
    """Fields of ``Dataset``."""
    probes: bool = False
    """Whether it reads what addresses answered."""
    dated: bool = False
    """Whether its verdict may change by the passing of time alone."""

    @property
    def of_distributions(self) -> bool:
        """Whether it is asked of each distribution."""
        return self.of_distribution is not None


def _dataset(check: DatasetCheck, *reads: str, probes: bool = False, dated: bool = False) -> Check:
    return Check(of_dataset=check, reads=reads, probes=probes, dated=dated)


def _distribution(check: DistributionCheck, *reads: str, probes: bool = False) -> Check:
    return Check(of_distribution=check, reads=("distributions", *reads), probes=probes, dated=probes)


_CHANGES = ("frequency", "frequency_raw", "modified", "data_modified")
_LICENCE = ("licence", "licence_raw", "licence_url", "distributions")

CHECKS: Mapping[str, Check] = MappingProxyType({
    "effective": _dataset(describing.effective, "distributions", "rows", probes=True, dated=True),
    "title-telling": _dataset(describing.title_telling, "title"),
    "description-telling": _dataset(describing.description_telling, "description", "title"),
    "description-longer": _dataset(describing.description_longer, "description"),
    "fields-listed": _dataset(describing.fields_listed, "columns"),
    "fields-described": _dataset(describing.fields_described, "columns"),
    "keyword-given": _dataset(describing.keyword_given, "keywords", "keywords_by_language", "unread"),
    "keywords-sensible": _dataset(describing.keywords_sensible, "keywords", "keywords_by_language"),
    "theme-given": _dataset(describing.theme_given, "themes", "themes_raw", "unread"),
    "theme-known": _dataset(describing.theme_known, "themes", "themes_raw"),
    "place-given": _dataset(describing.place_given, "places", "region", "region_inferred_from", "unread"),
    "place-known": _dataset(describing.place_known, "region"),
    "period-given": _dataset(describing.period_given, "periods", "unread"),
    "contact-given": _dataset(describing.contact_given, "contact", "unread"),
    "contact-reachable": _dataset(describing.contact_reachable, "contact"),
    "publisher-given": _dataset(describing.publisher_given, "publisher", "unread"),
    "publisher-identified": _dataset(describing.publisher_identified, "publisher"),
    "frequency-given": _dataset(describing.frequency_given, "frequency", "frequency_raw"),
    "frequency-known": _dataset(describing.frequency_known, "frequency", "frequency_raw"),
    "dated": _dataset(describing.dated, "modified", "data_modified"),
    "on-time": _dataset(describing.on_time, *_CHANGES, dated=True),
    "fulfilled-in-time": _dataset(describing.fulfilled_in_time, *_CHANGES, dated=True),
    "changed-within": _dataset(describing.changed_within, "modified", "data_modified", dated=True),
    "licence-given": _dataset(describing.licence_given, *_LICENCE),
    "licence-known": _dataset(describing.licence_known, *_LICENCE),
    "licence-open": _dataset(describing.licence_open, *_LICENCE),
    "openness-given": _dataset(describing.openness_given, "openness", "openness_raw", "access_rights"),
    "open-to-all": _dataset(
        describing.open_to_all, "openness", "openness_raw", "distributions", probes=True, dated=True
    ),
    "access-rights-given": _dataset(describing.access_rights_given, "access_rights", "unread"),
    "access-rights-aligned": _dataset(describing.access_rights_aligned, "access_rights"),
    "distributions-documented": _dataset(describing.distributions_documented, "distributions"),
    "dcat-ap": _dataset(dcat_ap, "title", "description", "publisher", "distributions", "violations"),
    "reachable": _distribution(distributing.reachable, probes=True),
    "access-url-works": _distribution(distributing.access_url_works, probes=True),
    "download-url-works": _distribution(distributing.download_url_works, probes=True),
    "download-url-given": _distribution(distributing.download_url_given),
    "whole-file": _distribution(distributing.whole_file),
    "api": _distribution(distributing.is_api),
    "format-given": _distribution(distributing.format_given),
    "format-known": _distribution(distributing.format_known),
    "media-type-given": _distribution(distributing.media_type_given),
    "format-and-media-type-aligned": _distribution(distributing.both_aligned),
    "machine-readable": _distribution(distributing.machine_readable),
    "open-format": _distribution(distributing.open_format),
    "not-closed-format": _distribution(distributing.closed_or_none),
    "distribution-licence-given": _distribution(distributing.licence_given, "licence", "licence_raw"),
    "distribution-licence-listed": _distribution(distributing.licence_listed, "licence", "licence_raw"),
    "rights-given": _distribution(distributing.rights_given),
    "size-given": _distribution(distributing.size_given),
    "issued-given": _distribution(distributing.issued_given, "issued", "unread"),
    "modified-given": _distribution(distributing.modified_given, "modified", "unread"),
    "star": _distribution(distributing.star, "licence", "licence_raw", probes=True),
})
"""Every check by its name."""
