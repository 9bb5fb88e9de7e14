"""The operators' pages: sources and runs, held retirements, publishers' names, issues, the audit log."""

from portal.catalog.accounts import OPERATE
from portal.web.operate import decided, duplicates, held, issues, log, names, sources
from portal.web.signing_in import only_for

OPERATING = (sources.pages, held.pages, names.pages, decided.pages, duplicates.pages, issues.pages, log.pages)

for _pages in OPERATING:
    only_for(_pages, OPERATE)
