"""What one portal holds at one tick, ready to be put into its software's words."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from types import MappingProxyType
from typing import Any, TypeAlias

from harvester.sandbox.inventing import Dataset, Department, File
from harvester.sandbox.words import Portal, spelling

Encode: TypeAlias = Callable[["Shelf", Dataset], bytes]

Encoded: TypeAlias = dict[tuple[Encode, str, datetime, bool], bytes]
"""Records already in words; they outlive the shelf, because most records do from tick to tick."""


class Shelf:
    """The datasets of a portal as its software finds them."""

    def __init__(
        self,
        portal: Portal,
        base: str,
        datasets: Sequence[Dataset],
        moment: datetime,
        encoded: Encoded,
        surplus: int = 0,
        gone: Mapping[str, datetime] = MappingProxyType({}),
    ) -> None:
        """``base`` is the portal's address without the last slash; it counts ``surplus`` too many.

        ``gone`` is what it has withdrawn, by source key, and when.
        """
        self.portal = portal
        self.base = base
        self.datasets = tuple(datasets)
        self.moment = moment
        self.surplus = surplus
        self.gone = gone
        self._encoded = encoded
        self._orders: dict[str, tuple[Dataset, ...]] = {}

    def record(self, dataset: Dataset, encode: Encode) -> bytes:
        """A dataset in words; made once for as long as it does not change."""
        known = (encode, dataset.key, dataset.modified, dataset.poisoned)
        if known not in self._encoded:
            self._encoded[known] = encode(self, dataset)
        return self._encoded[known]

    def ordered(self, field: str, descending: bool = False) -> tuple[Dataset, ...]:
        """The datasets by ``key``, ``name``, ``title``, ``modified`` or ``issued``; ties by key."""
        order = f"{field} {descending}"
        if order not in self._orders:
            datasets = sorted(self.datasets, key=lambda dataset: dataset.key)
            datasets.sort(key=lambda dataset: getattr(dataset, field) or "", reverse=descending)
            self._orders[order] = tuple(datasets)
        return self._orders[order]

    @cached_property
    def by_handle(self) -> Mapping[str, Dataset]:
        """Each dataset by its key and by its name."""
        return {handle: dataset for dataset in self.datasets for handle in (dataset.name, dataset.key)}

    @cached_property
    def by_file(self) -> Mapping[str, tuple[Dataset, File]]:
        """Each file by its path."""
        return {file.path: (dataset, file) for dataset in self.datasets for file in dataset.files}

    @cached_property
    def departments(self) -> Mapping[str, Department]:
        """Who publishes here, by slug."""
        found = {dataset.department.slug: dataset.department for dataset in self.ordered("name")}
        return dict(sorted(found.items()))

    @property
    def declared(self) -> int:
        """How many datasets the portal says it has."""
        return len(self.datasets) + self.surplus

    def landing_page(self, dataset: Dataset) -> str:
        """The dataset's own page."""
        return f"{self.base}/dataset/{dataset.name}"

    def words(self, dataset: Dataset) -> dict[str, str]:
        """The values this portal spells its own way, by what they say."""
        portal = self.portal
        issued = f"{dataset.issued:%Y-%m-%d}" if dataset.odd_issued is None else dataset.odd_issued
        return {
            "openness": spelling("openness", portal.openness, dataset.openness),
            "frequency": spelling("frequency", portal.frequency, dataset.frequency),
            "theme": spelling("theme", portal.theme, dataset.theme),
            "issued": issued,
            "data_modified": f"{dataset.data_modified:%Y-%m-%d %H:%M:%S}",
            "rows": str(dataset.rows),
            "region": dataset.place,
        }

    def field(self, meaning: str) -> str:
        """What this portal calls a field."""
        return spelling("field", self.portal.fields, meaning)

    def licence(self, part: str) -> str:
        """The ``id``, ``title`` or ``url`` of the licence everything here is under."""
        return spelling("licence", self.portal.licence, part)


def poisoned(record: Mapping[str, Any], kept: Sequence[str]) -> dict[str, Any]:
    """A record as no reader expects it: text became lists and lists became text, but for ``kept``."""
    return {name: value if name in kept else _turned(value) for name, value in record.items()}


def _turned(value: object) -> object:
    if isinstance(value, str):
        return [{"value": value}, None]
    return json.dumps(value) if isinstance(value, (list, dict)) else {"value": value}
