"""What programs read, one module for each kind of answer."""

from portal.web.machines import catalogue, datasets, downloads, feeds, probes, scorecards, sitemaps

MACHINES = (
    datasets.machines,
    catalogue.machines,
    feeds.machines,
    downloads.machines,
    scorecards.machines,
    sitemaps.machines,
    probes.machines,
)
