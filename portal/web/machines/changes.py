"""The change log for programs that keep a copy of the catalogue: what happened after a number, and where to go on."""

from __future__ import annotations

from datetime import datetime

import msgspec
from flask import Blueprint, Response
from msgspec import Struct

from portal.catalog.model import Change, ChangeCause, ChangeKind
from portal.web.answers import answer, problem, refused
from portal.web.asking import NotUnderstood
from portal.web.cursors import next_address, number_asked
from portal.web.site import site

machines = Blueprint("changes_feed", __name__)

CHANGES = 100
"""In one answer, where no number is asked for."""

MOST_CHANGES = 1000


class ChangeDocument(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the log; the fields are those of ``portal.catalog.model.Change``."""

    number: int
    kind: ChangeKind
    dataset_id: str
    source_id: str
    at: datetime
    run_id: int | None = None
    cause: ChangeCause | None = None
    fields: tuple[str, ...] = ()


class ChangesDocument(Struct, frozen=True, kw_only=True):
    """A piece of the log."""

    since: int
    newest: int
    """The last number there is; whoever has it has everything."""
    changes: tuple[ChangeDocument, ...]
    next_since: int
    """The number to go on from: that of the last change here, or ``since`` again."""
    more: bool
    """Whether there are further ones now."""
    next: str


@machines.get("/api/v1/changes")
def changes() -> Response:
    """What happened after ``since``, in the order of the numbers."""
    catalog = site().catalog
    try:
        since = number_asked("since", 0)
        limit = number_asked("limit", CHANGES, least=1, most=MOST_CHANGES)
    except NotUnderstood as error:
        return refused(error)
    # Asked for first: what is written meanwhile is then among the changes, never counted and left out.
    newest = catalog.last_change()
    if since > newest:
        return problem(
            400,
            "No such change",
            f"The newest change has the number {newest}, and {since} is not given yet. Whoever has it followed another "
            "catalogue, or this one before it was restored from an older copy: begin again without since.",
        )
    found = catalog.changes(since, limit)
    last = found[-1].number if found else since
    document = ChangesDocument(
        since=since,
        newest=max(newest, last),
        changes=tuple(map(_change, found)),
        next_since=last,
        more=last < newest,
        next=next_address(since=last),
    )
    return answer(msgspec.json.encode(document), "application/json")


def _change(change: Change) -> ChangeDocument:
    return ChangeDocument(
        number=change.number,
        kind=change.kind,
        dataset_id=change.dataset_id,
        source_id=change.source_id,
        at=change.at,
        run_id=change.run_id,
        cause=change.cause,
        fields=change.fields,
    )
