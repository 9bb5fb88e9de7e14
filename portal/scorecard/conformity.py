"""The mandatory part of DCAT-AP 3.0.1, read from the unified record.

The SHACL shapes ask it of RDF, at some 150 datasets a second; 365,000 datasets would take the better part of an hour.
These are the same constraints on what a record keeps. What it does not keep (a second publisher, a literal where a node
belongs) it cannot show to be wrong: docs/scorecard.md#what-is-not-measured.
"""

from __future__ import annotations

from portal.catalog.model import Dataset
from portal.scorecard.describing import Options
from portal.scorecard.subjects import Subject
from portal.scorecard.verdicts import Finding, Verdict


def dcat_ap(subject: Subject, options: Options) -> Finding:
    """Whether nothing mandatory is missing of the dataset, its publisher and its distributions.

    With ``file_counts`` the address of a file is its access address too, as in the RDF that we publish of it.
    """
    lacking = violations(subject.dataset, file_counts=bool(options.get("file_counts", False)))
    if lacking:
        return Finding(Verdict.FAIL, "dcat-ap.lacks", ", ".join(lacking))
    return Finding(Verdict.PASS, "dcat-ap.whole")


def violations(dataset: Dataset, *, file_counts: bool = False) -> tuple[str, ...]:
    """The mandatory properties that are missing, in the words of DCAT-AP."""
    lacking = []
    if not (dataset.title or dataset.titles):
        lacking.append("dct:title")
    if not (dataset.description or dataset.descriptions):
        lacking.append("dct:description")
    if dataset.publisher is not None and not (dataset.publisher.name or dataset.publisher.names):
        lacking.append("foaf:name")
    addresses = [one.access_url or (one.download_url if file_counts else None) for one in dataset.distributions]
    if None in addresses:
        lacking.append("dcat:accessURL")
    return tuple(lacking)
