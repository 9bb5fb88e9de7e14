"""The house rules a machine can check: arrows, library homes, names, broad excepts."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("schemas", "portal", "harvester", "nachuan")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))

ARROWS: dict[str, tuple[str, ...]] = {
    "schemas": (),
    "portal.catalog": ("schemas",),
    "portal.settings": (),
    "portal.search": ("schemas", "portal.catalog"),
    "portal.scorecard": ("schemas", "portal.catalog"),
    "portal.web": ("schemas", "portal.catalog", "portal.search", "portal.scorecard", "portal.settings"),
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


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports(path: Path) -> Iterator[tuple[str, ast.stmt]]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((f"{node.module}.{alias.name}", node) for alias in node.names)


def within(name: str, part: str) -> bool:
    return name == part or name.startswith(f"{part}.")


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_arrows_point_at_what_is_more_stable(path: Path) -> None:
    part = max((part for part in ARROWS if within(name_of(path), part)), key=len, default=None)
    if part is None:
        return
    for imported, _ in imports(path):
        if imported.split(".")[0] in PACKAGES and imported not in PACKAGES:
            allowed = (part, *ARROWS[part])
            assert any(within(imported, one) for one in allowed), f"{name_of(path)} may not import {imported}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_library_is_imported_only_where_it_lives(path: Path) -> None:
    place = path.relative_to(ROOT).as_posix()
    for imported, _ in imports(path):
        homes = HOMES.get(imported.split(".")[0])
        assert homes is None or place.startswith(homes), f"{imported} does not live in {place}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_first_party_import_hides_in_a_function(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        for node in ast.walk(function):
            if isinstance(node, ast.ImportFrom):
                assert (node.module or "").split(".")[0] not in PACKAGES, f"line {node.lineno}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_every_module_says_what_it_is_for_and_no_name_says_nothing(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if "migrations/versions" not in path.as_posix():
        assert ast.get_docstring(tree), "no docstring"
    assert path.stem not in {"utils", "helpers", "common", "misc", "lib", "manager", "base"}
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            assert not node.name.endswith(("Manager", "Handler", "Helper", "Base", "Impl")), node.name


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_excepts_name_what_they_expect(path: Path) -> None:
    place = path.relative_to(ROOT).as_posix()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None, f"a bare except in line {node.lineno}"
            broad = {"Exception", "BaseException"} & {
                leaf.id for leaf in ast.walk(node.type) if isinstance(leaf, ast.Name)
            }
            assert not broad or place in BROAD_EXCEPTS, f"a broad except in line {node.lineno}"


def test_modules_import_one_another_without_a_cycle() -> None:
    names = {name_of(path): path for path in MODULES}
    graph = {
        name: {
            target
            for imported, node in imports(path)
            if node.col_offset == 0
            for target in (imported, imported.rpartition(".")[0])
            if target in names and target != name
        }
        for name, path in names.items()
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
    for path in ROOT.rglob("*"):
        if path.suffix in {".py", ".md", ".toml", ".cfg", ".html", ".csv", ".sh"} and not {
            ".venv",
            ".venv-ckan",
            "var",
            "build",
            ".git",
        } & set(path.relative_to(ROOT).parts):
            text = path.read_text(encoding="utf-8")
            assert not any(word in text for word in words), path
