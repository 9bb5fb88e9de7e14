"""One generator function for each kind of portal."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct

from harvester.connectors import calls, ckan, csvlist, csw, csw_requests, datajson, dcat, dkan, oaipmh
from harvester.records import Connector

CONNECTORS: Mapping[str, Connector] = MappingProxyType(
    {
        "ckan": ckan.records,
        "csvlist": csvlist.records,
        "csw": csw.records,
        "datajson": datajson.records,
        "dcat": dcat.records,
        "dkan": dkan.records,
        "jsonapi": calls.records,
        "htmltable": calls.records,
        "oaipmh": oaipmh.records,
    }
)
"""Kind of source, as its file names it, and the connector that reads it."""

OPTIONS: Mapping[str, type[Struct]] = MappingProxyType(
    {"ckan": ckan.Options, "csw": csw_requests.Options, "oaipmh": oaipmh.Options}
)
"""What the options of a kind must look like, where the kind says so."""
