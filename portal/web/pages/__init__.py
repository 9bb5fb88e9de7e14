"""The pages, one module for each noun."""

from portal.web.pages import (
    account,
    changes,
    datasets,
    digests,
    home,
    normalisation,
    printed,
    publishers,
    regions,
    runs,
    scorecards,
    search,
    sources,
    texts,
    themes,
)

PAGES = (
    home.pages,
    search.pages,
    datasets.pages,
    publishers.pages,
    regions.pages,
    themes.pages,
    scorecards.pages,
    changes.pages,
    digests.pages,
    sources.pages,
    normalisation.pages,
    runs.pages,
    texts.pages,
    account.pages,
    account.own,
    printed.pages,
)
