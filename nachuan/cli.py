"""The entry point: finds the subcommand, imports it, and turns what went wrong into one line and an exit code."""

from __future__ import annotations

import importlib
import logging
import os
import sys
from typing import IO, Any

import click

COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("nachuan.commands.serving:demo", "Show it all: make-believe portals, harvested and served."),
    "serve": ("nachuan.commands.serving:serve", "Serve the portal and run the schedule."),
    "work": ("nachuan.commands.serving:work", "Run the schedule without the portal."),
    "sources": ("nachuan.commands.sources:sources", "The portals that are harvested."),
    "harvest": ("nachuan.commands.harvest:harvest", "Harvest portals now."),
    "runs": ("nachuan.commands.runs:runs", "What harvests did, and what they hold back."),
    "index": ("nachuan.commands.index:index", "The search index."),
    "links": ("nachuan.commands.links:links", "The addresses of the resources: do they answer?"),
    "appearances": ("nachuan.commands.appearances:appearances", "Which entries are one dataset, counted once."),
    "assess": ("nachuan.commands.assess:assess", "How openly the datasets are opened: evidence and scores."),
    "high-value": ("nachuan.commands.high_value:high_value", "The high-value list: which places have what of it."),
    "requests": ("nachuan.commands.requests:requests", "What the public asks for: look, decide, answer."),
    "export": ("nachuan.commands.export:export", "Write out the catalogue."),
    "dump": ("nachuan.commands.dump:dump", "Dump the catalogue as files to take away."),
    "decisions": ("nachuan.commands.decisions:decisions", "What people decided about publishers' names."),
    "user": ("nachuan.commands.user:user", "The people who may sign in."),
    "db": ("nachuan.commands.database:database", "The database."),
    "doctor": ("nachuan.commands.doctor:doctor", "Say what is configured, reachable, behind or broken."),
}
"""Subcommand, where it is, its line in the help; imported only when called, so that ``--help`` is quick."""


class Failed(click.ClickException):
    """Something the user can do something about: one line, exit code 1."""

    exit_code = 1

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(f"nachuan: {self.format_message()}", file=file, err=file is None)


class Subcommands(click.Group):
    """A group that knows its commands' names and lines without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name][0].split(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=Subcommands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show the traceback of an error, and log everything.")
@click.version_option(package_name="nachuan")
def nachuan(debug: bool) -> None:
    """Nachuan takes many open-data portals into one catalogue."""
    logging.basicConfig(
        level=logging.DEBUG if debug else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )


def main(arguments: list[str] | None = None) -> Any:
    """Runs the command and exits: 0 complete, 1 partial, held or failed, 2 wrong usage."""
    # Imported here because they cost a tenth of a second that `nachuan --help` need not spend.
    given = sys.argv[1:] if arguments is None else arguments
    if not given or given[0] in ("-h", "--help", "--version"):
        return nachuan.main(given)
    errors = importlib.import_module("nachuan.errors")
    try:
        return nachuan.main(given, standalone_mode=False)
    except click.exceptions.Exit as leave:
        sys.exit(leave.exit_code)
    except click.Abort:
        click.echo("nachuan: stopped", err=True)
        sys.exit(1)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # Who read the output has read enough. Nothing may be written any more, not even when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except errors.EXPECTED as error:
        if "--debug" in given:
            raise
        click.echo(f"nachuan: {errors.told(error)}", err=True)
        sys.exit(1)
