"""Publishers' names that nobody resolved: the queue, and the form in which a person says what one means."""

from __future__ import annotations

from flask import Blueprint, Response, abort, make_response, redirect, render_template, request
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as Answer

import schemas
from portal.catalog.decisions import MOST_FUNCTIONS, Ruling, RulingRefused, Verdict, name_key
from portal.catalog.model import Publisher, RunMode, Source
from portal.search.query import IndexUnusable, Query, Sort
from portal.web.addresses import address
from portal.web.asking import LONGEST_TEXT
from portal.web.nearest import nearest
from portal.web.paging import page_asked, paging
from portal.web.signing_in import signed_in
from portal.web.site import site
from portal.web.summaries import Summary, found
from portal.web.unresolved import Lack, Unresolved, of_name, unresolved

pages = Blueprint("operate_names", __name__)

ROWS = 50
NEAREST = 8
SAMPLES = 8

LACKS = {
    "": (Lack.TYPE, Lack.FUNCTION),
    Lack.TYPE.value: (Lack.TYPE,),
    Lack.FUNCTION.value: (Lack.FUNCTION,),
    Lack.DEPARTMENT.value: (Lack.DEPARTMENT,),
}
"""What the queue can be narrowed to, and what is then wanted."""


@pages.get("/operate/departments")
def names() -> str:
    """The names not resolved, most datasets first."""
    words = request.args.get("q", "").strip()[:LONGEST_TEXT]
    lack = request.args.get("lack", "")
    source_id = request.args.get("source", "")
    lack = lack if lack in LACKS else ""
    sources = _sources()
    wanted = schemas.fold(words).split()
    rows = [
        one
        for one in unresolved(site().overviews.publishers(), sources, _decided(), LACKS[lack])
        if all(word in schemas.fold(one.name) for word in wanted)
        and (not source_id or any(each.source_id == source_id for each in one.publishers))
    ]
    kept = {"q": words or None, "lack": lack or None, "source": source_id or None}
    pages = paging(
        page_asked(),
        len(rows),
        ROWS,
        lambda page: address("operate_names.names", **kept, page=page if page > 1 else None),
    )
    done = request.args.get("done", "")
    return render_template(
        "operate/names.html",
        rows=rows[(pages.page - 1) * ROWS:][:ROWS],
        total=len(rows),
        datasets=sum(one.datasets for one in rows),
        paging=pages,
        words=words,
        lack=lack,
        lacks=tuple(LACKS),
        source=source_id,
        sources=sources,
        waiting=sum(RunMode.REREAD in modes for modes in site().catalog.sources.requested().values()),
        done=done if done in ("decided", "undone") else None,
    )


@pages.get("/operate/departments/name")
def name() -> Response:
    """One name: who has it, what was understood, what it looks like, and the form."""
    form: MultiDict[str, str] = MultiDict()
    like = site().catalog.publisher(request.args.get("like", "")[:16])
    if like is not None:
        form.setlist("function", list(like.publisher.functions))
        form["institution_type"] = like.publisher.institution_type or ""
        form["verdict"] = Verdict.DEPARTMENT if like.publisher.functions else Verdict.NO_DEPARTMENT
    return _page(_asked(request.args.get("name", "")), form, 200)


@pages.post("/operate/departments/name")
def decide() -> Response | Answer:
    """Writes the decision down and asks for what stands to be read again."""
    form = request.form
    shown = _asked(form.get("name", ""))
    try:
        site().catalog.decisions.decide(_ruling(form, shown), by=signed_in().name)
    except RulingRefused as refusal:
        return _page(shown, form, 422, problem=refusal.problem)
    return redirect(address("operate_names.names", done="decided"), 303)


def _asked(name: str) -> Unresolved:
    found = of_name(name[:LONGEST_TEXT], site().overviews.publishers())
    if found is None:
        abort(404)
    return found


def _ruling(form: MultiDict[str, str], shown: Unresolved) -> Ruling:
    """What a form says. Raises RulingRefused where it says something that is not there to choose."""
    given = {name: form.get(name, "").strip() for name in ("verdict", "scope", "institution_type", "region", "note")}
    if given["verdict"] not in tuple(Verdict):
        raise RulingRefused("verdict")
    if given["scope"] and given["scope"] not in {one.source_id for one in shown.publishers}:
        raise RulingRefused("scope")
    region = schemas.vocabulary("regions").resolve(given["region"]) if given["region"] else None
    if given["region"] and region is None:
        raise RulingRefused("region")
    return Ruling(
        name=shown.name,
        source_id=given["scope"] or None,
        verdict=Verdict(given["verdict"]),
        functions=tuple(code for code in form.getlist("function")[:MOST_FUNCTIONS] if code),
        institution_type=given["institution_type"] or None,
        region=region,
        note=given["note"] or None,
    )


def _page(shown: Unresolved, form: MultiDict[str, str], status: int, problem: str | None = None) -> Response:
    sources = _sources()
    page = render_template(
        "operate/name.html",
        shown=shown,
        sources=sources,
        form=form,
        chosen=form.getlist("function"),
        problem=problem,
        history=site().catalog.decisions.of_name(shown.name),
        near=nearest(shown.name, _known(shown), NEAREST),
        samples=_samples(shown),
        verdicts=tuple(Verdict),
        functions=schemas.vocabulary("department_functions").terms.values(),
        institution_types=schemas.vocabulary("institution_types").terms.values(),
        most_functions=MOST_FUNCTIONS,
        regions=tuple(dict.fromkeys(
            source.region for one in shown.publishers if (source := sources.get(one.source_id)) and source.region
        )),
    )
    return make_response(page, status)


def _known(shown: Unresolved) -> list[tuple[str, Publisher]]:
    """Other names whose function or type is known, each once."""
    own = name_key(shown.name)
    known: dict[str, Publisher] = {}
    for one in site().overviews.publishers():
        publisher = one.publisher
        if (publisher.functions or publisher.institution_type) and name_key(publisher.name) != own:
            known.setdefault(publisher.name, publisher)
    return list(known.items())


def _samples(shown: Unresolved) -> list[Summary]:
    ids = tuple(one.publisher.id for one in shown.publishers[:20])
    try:
        return found(site().index.search(Query(filters={"publisher": ids}, sort=Sort.MODIFIED, rows=SAMPLES)).hits)
    except IndexUnusable:
        # A name can be decided about while the index is built again.
        return []


def _decided() -> set[tuple[str, str | None]]:
    standing = site().catalog.decisions.standing()
    return {(name_key(one.ruling.name), one.ruling.source_id) for one in standing}


def _sources() -> dict[str, Source]:
    return {entry.source.id: entry.source for entry in site().catalog.sources.all()}
