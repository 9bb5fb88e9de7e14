"""What is built is described: settings, commands, kinds of source, vocabularies of codes."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import click
import pytest

import schemas
from harvester.connectors import CONNECTORS
from nachuan.cli import COMMANDS
from portal.scorecard.rules import packaged
from portal.search.facets import FACETS
from portal.settings import VARIABLES

ROOT = Path(__file__).resolve().parents[1]
DOCS = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md")}
README = (ROOT / "README.md").read_text(encoding="utf-8")


def commands() -> list[tuple[str, click.Command]]:
    found: list[tuple[str, click.Command]] = []
    for name, (place, _) in COMMANDS.items():
        module, attribute = place.split(":")
        command = getattr(importlib.import_module(module), attribute)
        found.append((name, command))
        if isinstance(command, click.Group):
            found += [(f"{name} {sub}", command.commands[sub]) for sub in command.commands]
    return found


@pytest.mark.parametrize("variable", [variable for variable, _, _ in VARIABLES])
def test_every_setting_is_described(variable: str) -> None:
    assert f"`{variable}`" in DOCS["operating.md"]


@pytest.mark.parametrize("name,command", commands(), ids=lambda value: value if isinstance(value, str) else "")
def test_every_command_helps_and_is_described(name: str, command: click.Command) -> None:
    assert command.help, f"nachuan {name} does not say what it does"
    assert re.search(rf"nachuan {name}\b", DOCS["commands.md"]), f"nachuan {name} is not in docs/commands.md"


@pytest.mark.parametrize("kind", sorted(CONNECTORS))
def test_every_kind_of_source_is_described(kind: str) -> None:
    assert re.search(rf"- .*`{kind}`.*: \[", DOCS["sources.md"]), f"{kind} is not in docs/sources.md"


@pytest.mark.parametrize("facet", [facet.name for facet in FACETS])
def test_every_facet_is_described(facet: str) -> None:
    assert f"`{facet}`" in DOCS["api.md"], f"the facet {facet} is not in docs/api.md"


def test_every_indicator_has_its_section_with_its_weight() -> None:
    headings = {
        f"{rules.id}.{one.id}": rf'#### <a id="{rules.id}-{one.id}"></a>`{rules.id}\.{one.id}`: .+ \({one.weight:g}\)\n'
        for rules in packaged()
        for one in rules.indicators
    }
    assert [name for name, heading in headings.items() if not re.search(heading, DOCS["scorecard.md"])] == []


def test_every_issue_says_what_happened_and_what_to_do_in_both_languages() -> None:
    terms = schemas.vocabulary("issues").terms
    assert len(terms) > 50
    for code, term in terms.items():
        assert term.zh and term.en and term.attributes["cure_zh"] and term.attributes["cure_en"], code


def test_every_code_an_error_or_the_pipeline_uses_is_in_the_vocabulary() -> None:
    known = schemas.vocabulary("issues").terms
    families = "|".join(sorted({code.partition(".")[0] for code in known}))
    used: dict[str, str] = {}
    for path in (ROOT / "harvester").rglob("*.py"):
        if "sandbox" in path.parts:
            continue
        for code in re.findall(rf'"((?:{families})\.[a-z-]+)"', path.read_text(encoding="utf-8")):
            used[code] = path.name
    assert len(used) > 30
    missing = {code: place for code, place in used.items() if code not in known and not code.endswith(".py")}
    assert not missing


def links(text: str) -> list[str]:
    """Where a document links to besides the web, without fragments."""
    return re.findall(r"\]\((?!https?:)([^)#]+)", text)


def test_links_between_documents_lead_somewhere() -> None:
    found = [(name, target) for name, text in DOCS.items() for target in links(text)]
    assert len({name for name, _ in found}) > 5
    assert [(name, target) for name, target in found if not (ROOT / "docs" / target).exists()] == []


def test_links_of_the_readme_lead_somewhere() -> None:
    assert links(README) != []
    assert [target for target in links(README) if not (ROOT / target).exists()] == []
