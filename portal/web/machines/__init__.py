"""What programs read, one module for each kind of answer."""

from portal.web.ckan import views as ckan
from portal.web.machines import (
    catalogue,
    changes,
    datasets,
    downloads,
    dumps,
    feeds,
    high_value,
    native,
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
    dumps.machines,
    scorecards.machines,
    high_value.machines,
    native.machines,
    changes.machines,
    requests.machines,
    quality.machines,
    openapi.machines,
    ckan.machines,
    sitemaps.machines,
    probes.machines,
)
