"""What programs read, one module for each kind of answer."""

from portal.web.machines import (
    catalogue,
    datasets,
    downloads,
    feeds,
    high_value,
    openapi,
    probes,
    quality,
    requests,
    scorecards,
    sitemaps,
)

MACHINES = (
    datasets.machines,
    catalogue.machines,
    feeds.machines,
    downloads.machines,
    scorecards.machines,
    high_value.machines,
    requests.machines,
    quality.machines,
    openapi.machines,
    sitemaps.machines,
    probes.machines,
)
