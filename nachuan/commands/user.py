"""``nachuan user``: the people who may sign in."""

from __future__ import annotations

import sys

import click

from nachuan import installation
from portal.catalog.accounts import PASSWORD_LENGTH, Role
from portal.catalog.audit import COMMAND

_STDIN = click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")


@click.group()
def user() -> None:
    """The people who may sign in."""


@user.command()
@click.argument("name")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
@click.option("--department", help="Of an officer: region and function, such as 330100.market.")
@_STDIN
def add(name: str, role: str, department: str | None, password_stdin: bool) -> None:
    """Make an account. The password is asked for, and never an argument: others can read those."""
    with installation.catalog() as catalog:
        password = _password(password_stdin)
        account = catalog.accounts.add(name, Role(role), password, by=COMMAND, department=department)
    click.echo(f"{account.name} can sign in as {account.role}.")


@user.command("list")
@click.option("--json", "as_json", is_flag=True)
def list_(as_json: bool) -> None:
    """Every account."""
    with installation.catalog() as catalog:
        accounts = catalog.accounts.all()
    if as_json:
        shown = ("name", "role", "department", "created", "disabled")
        installation.print_json([{name: getattr(account, name) for name in shown} for account in accounts])
        return
    table = installation.table("name", "role", "department", "made", "disabled")
    for account in accounts:
        disabled = "" if account.disabled is None else f"{account.disabled:%Y-%m-%d %H:%M}"
        table.add_row(
            account.name, account.role, account.department or "", f"{account.created:%Y-%m-%d}", disabled
        )
    installation.print_table(table)


@user.command()
@click.argument("name")
@_STDIN
def password(name: str, password_stdin: bool) -> None:
    """Set another password; every session of the account ends."""
    with installation.catalog() as catalog:
        catalog.accounts.get(name)
        catalog.accounts.set_password(name, _password(password_stdin), by=COMMAND)
    click.echo("Changed.")


@user.command()
@click.argument("name")
def disable(name: str) -> None:
    """Let an account sign in no more; its sessions end at once."""
    with installation.catalog() as catalog:
        catalog.accounts.disable(name, by=COMMAND)
    click.echo("Disabled.")


@user.command()
@click.argument("name")
def enable(name: str) -> None:
    """Let a disabled account sign in again."""
    with installation.catalog() as catalog:
        catalog.accounts.enable(name, by=COMMAND)
    click.echo("Enabled.")


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise click.UsageError("there is no terminal to ask for the password: say --password-stdin")
    prompt = f"Password ({PASSWORD_LENGTH[0]} characters at least)"
    told: str = click.prompt(prompt, hide_input=True, confirmation_prompt=True)
    return told
