"""The operators' pages: sources and runs, held retirements, publishers' names, duplicates, issues, people, the audit log."""

from portal.catalog.accounts import OPERATE, Role
from portal.web.operate import decided, duplicates, held, issues, log, names, people, sources
from portal.web.signing_in import only_for

OPERATING = (
    sources.pages,
    held.pages,
    names.pages,
    decided.pages,
    duplicates.pages,
    issues.pages,
    log.pages,
    people.pages,
)

ADMINISTERING = frozenset((people.pages.name,))
"""What of it is for administrators alone."""

for _pages in OPERATING:
    only_for(_pages, (Role.ADMIN,) if _pages.name in ADMINISTERING else OPERATE)
