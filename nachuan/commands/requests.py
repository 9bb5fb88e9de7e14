"""``nachuan requests``: what the public asks for, looked at, decided about and answered without the site."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click
import msgspec

from nachuan import installation
from portal.catalog.audit import COMMAND
from portal.catalog.demand import Order, Standing, Which, standing
from portal.catalog.requests import Filing, Reply, Request, State, Verdict
from portal.catalog.store import Catalog

_WAITING = State.WAITING.value

_STATES = (_WAITING, State.REFUSED.value, *(one.value for one in Standing))


@click.group()
def requests() -> None:
    """What the public asks for."""


@requests.command("list")
@click.option("--state", type=click.Choice(_STATES), help="Only these; else all that are public.")
@click.option("--department", metavar="REGION.FUNCTION", help="Only what one department is to answer.")
@click.option("--order", type=click.Choice([one.value for one in Order]), default=Order.NEWEST.value, show_default=True)
@click.option("-n", "--limit", type=click.IntRange(1), default=50, show_default=True)
@click.option("--json", "as_json", is_flag=True)
def list_requests(state: str | None, department: str | None, order: str, limit: int, as_json: bool) -> None:
    """The public requests; with --state waiting those that nobody has looked at."""
    if department is not None and state in (_WAITING, State.REFUSED):
        raise click.UsageError(f"--department: what is {state} is nobody's to answer")
    with installation.catalog() as catalog:
        found = _found(catalog, state, department, Order(order), limit)
    if as_json:
        installation.print_json([_described(one) for one in found])
        return
    table = installation.table("number", "asked", "wanted", "state", "for", "what")
    for one in found:
        stands = standing(one).value if one.state is State.PUBLIC else one.state.value
        asked = one.asked.date().isoformat()
        table.add_row(str(one.number), asked, f"{one.wanted:,}", stands, one.department or "", one.wish.title)
    installation.print_table(table)


@requests.command()
@click.argument("number", type=int)
@click.option("--json", "as_json", is_flag=True)
def show(number: int, as_json: bool) -> None:
    """One request with everything that was decided and answered, and by whom."""
    with installation.catalog() as catalog:
        one = catalog.requests.get(number)
        merged = [other.number for other in catalog.requests.merged_into(number)]
    if as_json:
        installation.print_json({**_described(one), "merged": merged})
        return
    wish = one.wish
    click.echo(f"{one.number}  {wish.title}\n{wish.description}\n")
    told = {
        "state": one.state.value, "asked": _moment(one.asked), "wanted by": one.wanted, "region": wish.region,
        "theme": wish.theme, "entry": wish.entry, "function": wish.function, "department": one.department,
        "merged into": one.merged_into, "merged into it": ", ".join(map(str, merged)) or None,
    }  # fmt: skip
    for name, value in told.items():
        if value is not None:
            click.echo(f"{name}: {value}")
    for step in one.decisions:
        rest = " ".join(str(each) for each in (step.other, step.department, step.reason) if each is not None)
        click.echo(f"{_moment(step.at)} {step.by}: {step.kind.value} {rest}".rstrip())
    for given in one.answers:
        rest = " ".join((*given.reply.datasets, given.reply.text or ""))
        click.echo(f"{_moment(given.at)} {given.by}: {given.reply.verdict.value} {rest}".rstrip())


@requests.command()
@click.argument("number", type=int)
@click.option("--region", metavar="CODE", help="File it here instead of where it was asked for.")
@click.option("--theme", metavar="CODE")
@click.option("--entry", metavar="ID", help="Of the high-value list.")
@click.option("--department", metavar="REGION.FUNCTION", help="Which department is to answer.")
def publish(number: int, region: str | None, theme: str | None, entry: str | None, department: str | None) -> None:
    """Make request NUMBER public. What no option says stays as it is filed."""

    def decide(catalog: Catalog, one: Request) -> Request:
        wish = one.wish
        filing = Filing(
            region=region or wish.region, theme=theme or wish.theme, entry=entry or wish.entry,
            department=department or one.department,
        )  # fmt: skip
        return catalog.requests.publish(number, filing, by=COMMAND, after=_last(one))

    _decided(number, decide, "is public")


@requests.command()
@click.argument("number", type=int)
@click.option("--reason", required=True, help="Why; the public reads it.")
def refuse(number: int, reason: str) -> None:
    """Keep request NUMBER from the public, or take it down."""
    _decided(
        number, lambda catalog, one: catalog.requests.refuse(number, reason, by=COMMAND, after=_last(one)), "is not public"
    )


@requests.command()
@click.argument("number", type=int)
@click.argument("into", type=int)
def merge(number: int, into: int) -> None:
    """Count request NUMBER with request INTO, which asks for the same."""
    def decide(catalog: Catalog, one: Request) -> Request:
        return catalog.requests.merge(number, into, by=COMMAND, after=_last(one))

    _decided(number, decide, f"is merged into {into}")


@requests.command()
@click.argument("number", type=int)
def unmerge(number: int) -> None:
    """Take the merge of request NUMBER back."""
    _decided(
        number, lambda catalog, one: catalog.requests.unmerge(number, by=COMMAND, after=_last(one)), "counts for itself"
    )


@requests.command()
@click.argument("number", type=int)
@click.argument("verdict", type=click.Choice([one.value for one in Verdict]))
@click.option("--dataset", "datasets", multiple=True, metavar="ID", help="Of published or already there; repeatable.")
@click.option("--text", help="The ground where it is planned or not possible; may be left out otherwise.")
def answer(number: int, verdict: str, datasets: tuple[str, ...], text: str | None) -> None:
    """Answer request NUMBER in public, for the operators."""
    with installation.catalog() as catalog:
        answers = catalog.requests.get(number).answers
        reply = Reply(verdict=Verdict(verdict), text=text, datasets=datasets)
        catalog.requests.answer(number, reply, by=COMMAND, after=answers[-1].number if answers else None)
    click.echo(f"Request {number} is answered: {verdict}.")


def _found(catalog: Catalog, state: str | None, department: str | None, order: Order, limit: int) -> list[Request]:
    if state == _WAITING:
        return catalog.requests.waiting(limit)
    if state == State.REFUSED:
        return catalog.requests.refused(limit)
    standings = None if state is None else (Standing(state),)
    return catalog.demand.listed(Which(standings=standings, department=department), order, limit=limit)


def _decided(number: int, decide: Callable[[Catalog, Request], Request], done: str) -> None:
    with installation.catalog() as catalog:
        decide(catalog, catalog.requests.get(number))
    click.echo(f"Request {number} {done}.")


def _last(one: Request) -> int | None:
    return one.decisions[-1].number if one.decisions else None


def _described(one: Request) -> dict[str, Any]:
    described: dict[str, Any] = msgspec.to_builtins(one)
    if one.state is State.PUBLIC:
        described["standing"] = standing(one).value
    return described


def _moment(at: Any) -> str:
    return str(at.isoformat(timespec="seconds"))
