"""DCAT-AP 3.0.1: whether what it makes mandatory is there, and whether a record in RDF keeps its shapes.

What is mandatory is looked for in the unified record, so that portals of every kind are asked the same. What the statements
of a record in RDF break of the shapes (two where one is allowed, a text where a node belongs) was seen when it was read
(``harvester.dcat_shapes``) and stands in ``Dataset.violations``; of others we make the RDF ourselves, and it keeps them.
"""

from __future__ import annotations

from portal.catalog.model import Dataset
from portal.scorecard.describing import Options
from portal.scorecard.subjects import Subject
from portal.scorecard.verdicts import Finding, Verdict

MANDATORY = ("dct:title", "dct:description", "foaf:name", "dcat:accessURL")
"""Of a dataset, its publisher and its distributions."""


def dcat_ap(subject: Subject, options: Options) -> Finding:
    """Whether nothing mandatory is missing; with ``shapes``, whether a record in RDF keeps all rules besides.

    With ``file_counts`` the address of a file is its access address too, as in the RDF that we publish of it.
    """
    lacking = missing(subject.dataset, file_counts=bool(options.get("file_counts", False)))
    if lacking:
        return Finding(Verdict.FAIL, "dcat-ap.lacks", ", ".join(lacking))
    if options.get("shapes") and subject.dataset.violations:
        return Finding(Verdict.FAIL, "dcat-ap.violates", ", ".join(subject.dataset.violations))
    return Finding(Verdict.PASS, "dcat-ap.whole")


def missing(dataset: Dataset, *, file_counts: bool = False) -> tuple[str, ...]:
    """The mandatory properties that are missing, in the words of DCAT-AP.

    What is stated and cannot be read is not missing; what stands in RDF under another name (``dct:abstract``) is.
    """
    lacking = {rule.removesuffix(" sh:minCount") for rule in dataset.violations if rule.endswith(" sh:minCount")}
    if file_counts:
        lacking.discard("dcat:accessURL")
    if not (dataset.title or dataset.titles):
        lacking.add("dct:title")
    if not (dataset.description or dataset.descriptions):
        lacking.add("dct:description")
    if dataset.publisher is not None and not (dataset.publisher.name or dataset.publisher.names):
        lacking.add("foaf:name")
    addresses = [one.access_url or (one.download_url if file_counts else None) for one in dataset.distributions]
    if any(url is None and "access_url" not in one.unread for url, one in zip(addresses, dataset.distributions, strict=True)):
        lacking.add("dcat:accessURL")
    return tuple(name for name in MANDATORY if name in lacking)
