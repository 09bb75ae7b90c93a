"""Imports point down only, and each library has one door."""

from __future__ import annotations

import ast
import sys
from graphlib import TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

import turkform

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(turkform.__file__).parent

LAYERS = (
    # The lowest first. A module imports from its own layer and those below; a folder stands for all in it.
    ("errors", "money", "times", "printable", "expressions"),
    ("kinds",),
    ("packed",),
    ("tables", "files", "items", "hits", "decisions"),
    ("pages", "placeholders", "html5", "documents", "formatted", "forms"),
    ("jinja_pages", "questions", "offsite", "form_pages", "reviewed", "inspection"),
    ("policies", "eligibility", "campaign"),
    ("signature", "connections"),
    ("account",),
    ("observed",),
    ("memory", "ownership", "choices", "approval"),
    ("item_change", "matching", "pricing", "tally"),
    ("publication", "superseded", "type_diff", "changes"),
    ("yaml_tree", "variables", "references", "messages", "rosters", "environments"),
    ("contents", "loader", "formatting", "diff", "notifications"),
    ("carried", "amti", "requester_site", "migration"),
    ("steps", "batch_draft", "draft", "plan", "plan_schema"),
    (
        "wording",
        "render",
        "markdown",
        "webpage",
        "graph",
        "ledger",
        "lease",
        "scribe",
        "past",
        "entries",
        "run",
        "journal",
        "answers",
        "replies",
        "pace",
    ),
    ("survey",),
    (
        "sender",
        "doers",
        "publisher",
        "rules",
        "judging",
        "review_draft",
        "reviewer",
        "recovery",
        "staleness",
        "outcomes",
        "resources",
        "apply",
        "closing",
        "verification",
    ),
    (
        "figures",
        "results",
        "plots",
        "reportage",
        "collecting",
        "reviewing",
        "exporting",
        "preview",
        "inventory",
        "drift",
        "importing",
    ),
    ("cli",),
)
RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}

EXCEPTIONS = {
    # Who needs a name from above or beside, for its types or only when a function runs; and why.
    ("questions", "jinja_pages"): "a Jinja page is one of the templates that questions opens; only *.j2 needs Jinja",
}

DOORS = {
    "argon2": ("marketplace.accounts",),
    "boto3": ("account",),
    "botocore": ("account", "marketplace.protocol"),
    "click": (
        "cli",
        "marketplace.__main__",
        "marketplace.calling",
        "marketplace.crowd.command",
        "marketplace.doctor_command",
        "marketplace.requester_commands",
        "marketplace.worker_commands",
    ),
    "cryptography": ("marketplace.sealing",),
    "httptools": ("connections",),
    "jinja2": ("jinja_pages", "markdown", "webpage", "marketplace"),
    "markupsafe": ("marketplace.website.templates",),
    "lxml": ("documents", "marketplace"),
    "msgspec": ("account", "items", "observed", "past", "marketplace"),
    "networkx": ("plan",),
    "pyarrow": ("exporting",),
    "pydantic": ("",),
    "pydantic_core": ("",),
    "rich": ("cli", "render"),
    "ruamel": ("yaml_tree",),
    "sqlalchemy": ("answers", "entries", "journal", "ledger", "lease", "past", "run", "scribe", "marketplace"),
    "starlette": ("marketplace",),
    "uvicorn": ("marketplace.process",),
}
"""Library → the modules that may import it; an empty name stands for all but the command line."""


class Import(NamedTuple):
    importer: str
    imported: str
    late: bool
    place: str


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix("__init__").strip(".")


def imports() -> Iterator[Import]:
    """Every import statement of the package, wherever in a module it stands."""
    for path in sorted(ROOT.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        late = {id(inner) for node in ast.walk(tree) if is_late(node) for inner in ast.walk(node)}
        for node in ast.walk(tree):
            place = f"{path.relative_to(ROOT.parent)}:{getattr(node, 'lineno', 0)}"
            for name in imported(node):
                yield Import(module_name(path), name, id(node) in late, place)


def is_late(node: ast.AST) -> bool:
    """Whether what stands in it is not imported together with the module."""
    for_types = isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    return for_types or isinstance(node, ast.FunctionDef)


def imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    assert node.level == 0, "imports name the whole path"
    assert node.module
    if node.module.partition(".")[0] != "turkform":
        return [node.module]
    names = [f"{node.module}.{alias.name}" for alias in node.names]
    return [name if is_module(name) else node.module for name in names if is_module(name) or node.module != "turkform"]


def is_module(name: str) -> bool:
    path = ROOT.parent.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").exists()


ALL = list(imports())
OURS = [i._replace(imported=i.imported.removeprefix("turkform.")) for i in ALL if i.imported.startswith("turkform.")]


def rank(module: str) -> int:
    return RANK[module if module in RANK else module.partition(".")[0]]


def test_every_module_has_a_layer() -> None:
    modules = {module_name(p) for p in ROOT.rglob("*.py")} - {""}
    unplaced = [m for m in modules if m.partition(".")[0] not in {*RANK, "marketplace"}]
    assert not unplaced
    gone = [name for name in RANK if not any(m == name or m.startswith(name + ".") for m in modules)]
    assert not gone


def test_imports_point_down() -> None:
    upward = [
        f"{i.place}: {i.importer} imports {i.imported}"
        for i in OURS
        if i.importer and not i.importer.startswith("marketplace") and not i.imported.startswith("marketplace")
        if rank(i.imported) > rank(i.importer)
        if not (i.late and (i.importer, i.imported) in EXCEPTIONS)
    ]
    assert not upward


def test_no_two_modules_need_each_other() -> None:
    needs: dict[str, set[str]] = {}
    for i in OURS:
        if i.importer and i.importer != i.imported and not (i.late and (i.importer, i.imported) in EXCEPTIONS):
            needs.setdefault(i.importer, set()).add(i.imported)
    TopologicalSorter(needs).prepare()


def test_what_is_listed_as_an_exception_is_one() -> None:
    used = {(i.importer, i.imported) for i in OURS if i.late}
    assert used >= set(EXCEPTIONS)


def test_the_marketplace_is_apart() -> None:
    both = [
        i.place
        for i in OURS
        if i.importer.startswith("marketplace") != i.imported.startswith("marketplace") and i.importer
    ]
    assert not both


def test_only_the_package_itself_names_what_it_offers() -> None:
    """Other packages re-export nothing, the list of kinds apart."""
    offering = [
        module_name(path)
        for path in ROOT.rglob("__init__.py")
        if any(i.importer == module_name(path) for i in OURS) and module_name(path)
    ]
    assert sorted(offering) == ["cli", "kinds"]


@pytest.mark.parametrize("library", sorted(DOORS))
def test_a_library_has_one_door(library: str) -> None:
    outside = [
        i.place
        for i in ALL
        if i.imported.partition(".")[0] == library
        and not any(i.importer == door or not door or i.importer.startswith(door + ".") for door in DOORS[library])
    ]
    assert not outside


def test_every_library_is_behind_a_door() -> None:
    """Libraries that nobody imports by name, such as uvloop, are found by those that use them."""
    known = {*DOORS, *sys.stdlib_module_names, "turkform"}
    strangers = {i.imported.partition(".")[0]: i.place for i in ALL if i.imported.partition(".")[0] not in known}
    assert not strangers


def test_the_command_line_needs_click_only() -> None:
    """At the top of its modules; what a command needs of the pipeline it imports when it runs."""
    heavy = []
    for path in (ROOT / "cli").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in tree.body:
            heavy += [
                f"{path.name}: {name}"
                for name in imported(node)
                if name.partition(".")[0] not in {*sys.stdlib_module_names, "click"}
                and not name.startswith(("turkform.cli", "turkform.errors", "turkform.printable"))
                and name != "turkform"
            ]
    assert not heavy
