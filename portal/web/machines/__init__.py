"""What programs read, one module for each kind of answer."""

from portal.web.ckan import views as ckan
from portal.web.machines import (
    catalogue,
    datasets,
    downloads,
    feeds,
    high_value,
    openapi,
    probes,
    quality,
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
    quality.machines,
    openapi.machines,
    ckan.machines,
    sitemaps.machines,
    probes.machines,
)
