"""The pages, one module for each noun."""

from portal.web.pages import datasets, home, printed, publishers, regions, runs, search, sources, texts, themes

PAGES = (
    home.pages,
    search.pages,
    datasets.pages,
    publishers.pages,
    regions.pages,
    themes.pages,
    sources.pages,
    runs.pages,
    texts.pages,
    printed.pages,
)
