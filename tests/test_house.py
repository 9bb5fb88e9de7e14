"""The house rules a machine can check: arrows, library homes, names, broad excepts."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("schemas", "portal", "harvester", "nachuan")

ARROWS: dict[str, tuple[str, ...]] = {
    "schemas": (),
    "portal.catalog": ("schemas",),
    "portal.settings": (),
    "portal.search": ("schemas", "portal.catalog"),
    "portal.scorecard": ("schemas", "portal.catalog"),
    "portal.highvalue": ("schemas", "portal.catalog"),
    "portal.web": (
        "schemas", "portal.catalog", "portal.search", "portal.scorecard", "portal.highvalue", "portal.settings",
    ),
    "harvester": ("schemas", "portal.catalog"),
    "nachuan": ("schemas", "portal", "harvester"),
}
"""Part, and the parts it may import besides itself."""

HOMES: dict[str, tuple[str, ...]] = {
    "sqlalchemy": ("portal/catalog/",),
    "alembic": ("portal/catalog/",),
    "zstandard": ("portal/catalog/",),
    "argon2": ("portal/catalog/accounts.py",),
    "flask": ("portal/web/", "nachuan/commands/serving.py"),
    "tantivy": ("portal/search/",),
    "whoosh": ("portal/search/",),
    "rjieba": ("portal/search/",),
    "ckanapi": ("harvester/connectors/",),
    "rdflib": ("harvester/rdf", "portal/web/"),
    "apscheduler": ("harvester/scheduler.py",),
    "requests": ("harvester/http",),
    "urllib3": ("harvester/http",),
    "rich": ("nachuan/",),
    "click": ("nachuan/",),
}
"""Library, and the only places that import it."""

BROAD_EXCEPTS = ("harvester/scheduler.py",)
"""Where ``except Exception`` may stand, each with its traceback logged."""


class Module(NamedTuple):
    """A module of ours, parsed once for every rule."""

    name: str
    place: str
    """Its path from the root of the tree."""
    tree: ast.Module
    nodes: tuple[ast.AST, ...]
    """All of the tree's, outermost first."""


@cache
def modules() -> tuple[Module, ...]:
    """Every module of our packages."""
    read = []
    for path in sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        place = path.relative_to(ROOT)
        tree = ast.parse(path.read_text(encoding="utf-8"))
        name = ".".join(place.with_suffix("").parts).removesuffix(".__init__")
        read.append(Module(name, place.as_posix(), tree, tuple(ast.walk(tree))))
    assert {module.name.split(".")[0] for module in read} == set(PACKAGES)
    return tuple(read)


def imports(nodes: Iterable[ast.AST]) -> Iterator[tuple[str, ast.stmt]]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from ((alias.name, node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((f"{node.module}.{alias.name}", node) for alias in node.names)


def is_ours(imported: str) -> bool:
    return imported.split(".")[0] in PACKAGES


def within(name: str, part: str) -> bool:
    return name == part or name.startswith(f"{part}.")


def may_import(part: str | None, imported: str) -> bool:
    return part is not None and any(within(imported, one) for one in (part, *ARROWS[part]))


def test_arrows_point_at_what_is_more_stable() -> None:
    parts = {
        module.name: max((part for part in ARROWS if within(module.name, part)), key=len, default=None)
        for module in modules()
    }
    # Above the parts stands only the package that holds them.
    assert [name for name, part in parts.items() if part is None] == ["portal"]
    wrong = [
        f"{module.name} may not import {imported}"
        for module in modules()
        for imported, _ in imports(module.nodes)
        if is_ours(imported) and imported not in PACKAGES and not may_import(parts[module.name], imported)
    ]
    assert wrong == []


def test_a_library_is_imported_only_where_it_lives() -> None:
    met = [
        (imported.split(".")[0], module.place)
        for module in modules()
        for imported, _ in imports(module.nodes)
        if imported.split(".")[0] in HOMES
    ]
    assert {library for library, _ in met} == set(HOMES)
    assert [(library, place) for library, place in met if not place.startswith(HOMES[library])] == []


def test_no_first_party_import_hides_in_a_function() -> None:
    hidden = [
        f"{module.place}:{node.lineno}: {imported}"
        for module in modules()
        for function in module.nodes
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for imported, node in imports(ast.walk(function))
        if is_ours(imported)
    ]
    assert hidden == []


def test_every_module_says_what_it_is_for_and_no_name_says_nothing() -> None:
    wrong = []
    for module in modules():
        if "migrations/versions" not in module.place and not ast.get_docstring(module.tree):
            wrong.append(f"{module.place} has no docstring")
        if Path(module.place).stem in {"utils", "helpers", "common", "misc", "lib", "manager", "base"}:
            wrong.append(module.place)
        wrong += [
            f"{module.place}: {node.name}"
            for node in module.nodes
            if isinstance(node, ast.ClassDef)
            and node.name.endswith(("Manager", "Handler", "Helper", "Base", "Impl"))
        ]
    assert wrong == []


def test_excepts_name_what_they_expect() -> None:
    handlers = [
        (module.place, node) for module in modules() for node in module.nodes if isinstance(node, ast.ExceptHandler)
    ]
    broad = [
        (place, node.lineno)
        for place, node in handlers
        if node.type is None
        or any(
            isinstance(leaf, ast.Name) and leaf.id in {"Exception", "BaseException"} for leaf in ast.walk(node.type)
        )
    ]
    assert {place for place, _ in broad} == set(BROAD_EXCEPTS), broad
    assert all(node.type is not None for _, node in handlers)


def test_modules_import_one_another_without_a_cycle() -> None:
    names = {module.name for module in modules()}
    graph = {
        module.name: {
            target
            for imported, node in imports(module.nodes)
            if node.col_offset == 0
            for target in (imported, imported.rpartition(".")[0])
            if target in names and target != module.name
        }
        for module in modules()
    }
    done: set[str] = set()

    def visit(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, " → ".join((*way, name))
        if name not in done:
            for target in graph[name]:
                # A package's own __init__ is imported before its modules whatever they say.
                if not name.startswith(f"{target}."):
                    visit(target, (*way, name))
            done.add(name)

    for name in graph:
        visit(name, ())


def test_the_tree_names_no_machine_and_no_package_registry() -> None:
    words = ("/" + "work/", "/" + "farm/", "/" + "root/", "pypi" + "-more")
    elsewhere = {".venv", ".venv-ckan", "var", "build", ".git"}
    read = {}
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in elsewhere]
        for path in (Path(folder, name) for name in files):
            if path.suffix in {".py", ".md", ".toml", ".cfg", ".html", ".csv", ".sh"}:
                read[path] = path.read_text(encoding="utf-8")
    assert {"README.md", "setup.cfg", Path(__file__).name} <= {path.name for path in read}
    assert [path for path, text in read.items() if any(word in text for word in words)] == []
