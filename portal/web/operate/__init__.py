"""The operators' pages: sources, runs, held ones, names, duplicates, issues, disputes, requests, people, the audit log."""

from portal.catalog.accounts import ANSWER, OPERATE, Role
from portal.web.operate import decided, disputes, duplicates, held, issues, log, names, people, previews, requests, sources
from portal.web.signing_in import only_for

OPERATING = (
    sources.pages,
    held.pages,
    names.pages,
    decided.pages,
    duplicates.pages,
    issues.pages,
    disputes.pages,
    previews.pages,
    requests.pages,
    log.pages,
    people.pages,
)

ADMITTED = {people.pages.name: frozenset((Role.ADMIN,)), disputes.pages.name: ANSWER, requests.pages.name: ANSWER}
"""Where not those who run the installation: accounts are administrators' alone, disputes and requests reviewers' too."""

for _pages in OPERATING:
    only_for(_pages, ADMITTED.get(_pages.name, OPERATE))
