"""How to cite a dataset."""

from __future__ import annotations

from datetime import date, datetime

from portal.catalog.model import Dataset
from portal.web.notation import ZONE

_TEX = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "{": r"\{",
        "}": r"\}",
        "&": r"\&",
        "%": r"\%",
        "$": r"\$",
        "#": r"\#",
        "_": r"\_",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
    }
)


def gb_t_7714(dataset: Dataset, url: str, accessed: datetime) -> str:
    """The reference by GB/T 7714-2015; what the portal did not say is left out, as the norm has it."""
    who = f"{dataset.publisher.name}. " if dataset.publisher else ""
    changed = dataset.data_modified or dataset.modified
    when = f"({_day(changed).isoformat()})" if changed else ""
    return f"{who}{dataset.title}[DS/OL]. {when}[{_day(accessed).isoformat()}]. {url}."


def bibtex(dataset: Dataset, url: str, accessed: datetime) -> str:
    """The reference for BibTeX."""
    changed = dataset.data_modified or dataset.modified
    fields = {
        "title": f"{{{dataset.title.translate(_TEX)}}}",
        "author": dataset.publisher and f"{{{dataset.publisher.name.translate(_TEX)}}}",
        "year": changed and str(_day(changed).year),
        "url": url,
        "urldate": _day(accessed).isoformat(),
    }
    lines = "".join(f"  {name} = {{{value}}},\n" for name, value in fields.items() if value)
    return f"@misc{{{dataset.id},\n{lines}}}"


def _day(instant: datetime) -> date:
    return instant.astimezone(ZONE).date()
