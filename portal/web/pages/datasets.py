"""One dataset, present or gone."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

from flask import Blueprint, Response, abort, after_this_request, make_response, redirect, render_template
from msgspec import Struct
from werkzeug.wrappers import Response as AnyResponse

from portal.catalog.model import Dataset, DatasetState, Entry, Link, RawStored, StoredIssue
from portal.catalog.sources import SourceEntry, UnknownSource
from portal.scorecard import cards
from portal.scorecard.assess import Ways
from portal.scorecard.cards import Evidence
from portal.web import high_value, places, schema_org
from portal.web.addresses import address, base, lasting
from portal.web.answers import representation_wanted
from portal.web.appearances import appearances, family
from portal.web.citations import bibtex, gb_t_7714
from portal.web.documents import REPRESENTATIONS
from portal.web.languages import language
from portal.web.representations import representation
from portal.web.site import site
from portal.web.summaries import description_of, formats_of, publisher_of, title_of
from portal.web.timeline import timeline
from portal.web.timeliness import timeliness

pages = Blueprint("datasets", __name__)

RAW_SHOWN = 20_000
"""Characters of the portal's own record on the page."""

_NOT_IN_SLUG = re.compile(r"[^\w]+")


class RawShown(Struct, frozen=True):
    """The portal's own record, readable, with whether it had to be cut."""

    text: str
    cut: bool


@pages.get("/datasets/<id>")
def dataset(id: str) -> Response:
    """The dataset's page; of a retired one the tombstone, with status 410. Programs get the format they ask for."""
    after_this_request(_by_accept)
    suffix = representation_wanted()
    if suffix is not None:
        response = representation(id, suffix)
        response.headers["Content-Location"] = f"{lasting('datasets.dataset', id=id)}.{suffix}"
        return response
    entry = site().catalog.entry(id)
    if entry is None:
        abort(404)
    return make_response(_page(entry), 410 if entry.state is DatasetState.RETIRED else 200)


def _by_accept(response: AnyResponse) -> AnyResponse:
    response.vary.add("Accept")
    return response


@pages.get("/datasets/<id>/<slug>")
def decorated(id: str, slug: str) -> AnyResponse:
    """The same page under an address that people can read; another slug leads to the right one."""
    entry = site().catalog.entry(id)
    if entry is None:
        abort(404)
    right = slug_of(entry.dataset.title)
    if slug == right:
        return dataset(id)
    target = address("datasets.decorated", id=id, slug=right) if right else address("datasets.dataset", id=id)
    return redirect(target, 301)


def slug_of(title: str) -> str:
    """A title as a part of an address: letters of every script and digits, joined by hyphens."""
    return _NOT_IN_SLUG.sub("-", title.casefold()).strip("-_")[:80].rstrip("-")


def _page(entry: Entry) -> str:
    shown = entry.dataset
    now = datetime.now(UTC)
    url = lasting("datasets.dataset", id=shown.id)
    met = appearances(shown.id)
    return render_template(
        "pages/dataset.html",
        entry=entry,
        dataset=shown,
        title=title_of(shown),
        description=description_of(shown),
        publisher=publisher_of(shown),
        formats=formats_of(shown),
        links=_links(shown),
        region_trail=_region_trail(shown.region),
        source=_source(shown.source_id),
        standing=timeliness(shown, _last_known(entry, now)),
        serves=[] if entry.state is DatasetState.RETIRED else high_value.served(entry, _last_known(entry, now)),
        lacking=high_value.words,
        marks=high_value.MARKS,
        appearances=met,
        family=family(shown.id, met[0].id if met else shown.id),
        steps=timeline(site().catalog.history(shown.id), shown),
        issues=_issues(shown.id),
        scores=_scores(entry),
        url=url,
        gb_t_7714=gb_t_7714(shown, url, now),
        bibtex=bibtex(shown, url, now),
        machine_formats=REPRESENTATIONS,
        linked_data=schema_org.script(entry, base()),
        raw=site().catalog.raw(shown.id),
        readable=_readable,
    )


def _last_known(entry: Entry, now: datetime) -> datetime:
    """Until when we would know of a change: its source was read then, and it was not withdrawn yet."""
    read = site().catalog.runs.last_read(source_id=entry.dataset.source_id).get(entry.dataset.source_id, now)
    return min(read, entry.retired or now)


def _region_trail(code: str | None) -> list[tuple[str, str]]:
    if code is None:
        return []
    return [(one, places.name(one, language())) for one in (*places.ancestors(code), code)]


def _source(id: str) -> SourceEntry | None:
    try:
        return site().catalog.sources.get(id)
    except UnknownSource:
        # Its definition was removed; its datasets keep their pages.
        return None


def _scores(entry: Entry) -> tuple[Evidence, ...]:
    """What was found of the dataset under each rule set; nothing before the first assessment, and of a retired one."""
    if entry.state is DatasetState.RETIRED:
        return ()
    return cards.whole_evidence(site().catalog, Ways(), entry.dataset.id)


def _links(shown: Dataset) -> dict[str, Link]:
    urls = [one.download_url or one.access_url for one in shown.distributions]
    return site().catalog.links.known([url for url in urls if url is not None])


def _issues(id: str) -> list[StoredIssue]:
    """What the newest run that had anything to say about a dataset said."""
    newest = site().catalog.runs.issues(dataset_id=id, newest_first=True, limit=50)
    return [one for one in newest if one.run_id == newest[0].run_id]


def _readable(raw: RawStored) -> RawShown:
    text = raw.body.decode("utf-8", "replace")
    if len(text) <= RAW_SHOWN:
        try:
            text = json.dumps(json.loads(text), ensure_ascii=False, indent=2)
        except (ValueError, RecursionError):
            # Not JSON, or nested past reading: shown as it came.
            pass
    return RawShown(text[:RAW_SHOWN], len(text) > RAW_SHOWN)
