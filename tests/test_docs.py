"""Nothing that a user can type, meet or write is missing from the documentation."""

from __future__ import annotations

import re
import runpy
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from turkform import errors
from turkform.cli.app import MODULES, App, app
from turkform.messages import model_at

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
KEYS = (ROOT / "docs" / "campaign-file.md").read_text(encoding="utf-8")
SECTIONS = runpy.run_path(str(ROOT / "docs" / "generate.py"))["sections"]
ERRORS = [
    found for found in vars(errors).values() if isinstance(found, type) and issubclass(found, errors.TurkformError)
]


def commands(group: click.Group = app, path: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command, also those of groups, by the words to type."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield f"{path} {name}".strip(), command
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}".strip())


COMMANDS = [pytest.param(name, command, id=name) for name, command in commands()]


@pytest.mark.parametrize(("name", "command"), COMMANDS)
def test_a_command_is_in_the_readme(name: str, command: click.Command) -> None:
    first, *inside = name.split()
    row = re.search(rf"^\| [^|]*`{first}(?:`| )[^|]*\|[^|]*\|$", README, re.MULTILINE)
    assert row, f"README.md has no row for {first}"
    assert not inside or f"`{inside[-1]}`" in row[0] or "…" in row[0]


@pytest.mark.parametrize(("name", "command"), COMMANDS)
def test_a_command_and_each_of_its_options_say_what_they_do(name: str, command: click.Command) -> None:
    assert command.help
    assert command.help.strip().split("\n")[0].endswith((".", ":"))
    unsaid = [p.name for p in command.params if isinstance(p, click.Option) and not p.help and not p.hidden]
    assert unsaid == []


@pytest.mark.parametrize(("module", "names"), MODULES.items())
def test_a_module_of_commands_has_those_the_app_looks_for_in_it(module: str, names: tuple[str, ...]) -> None:
    assert tuple(command.name for command in import_module(f"turkform.cli.{module}").COMMANDS) == names


def test_every_module_of_commands_is_known_to_the_app() -> None:
    written = {path.stem for path in (ROOT / "turkform" / "cli").glob("*.py") if "\nCOMMANDS = " in path.read_text()}
    assert written == MODULES.keys()


@pytest.mark.parametrize("name", app.list_commands(click.Context(app)))
def test_a_command_stands_under_a_heading_of_the_help(name: str) -> None:
    assert any(name in names for names in App.sections.values())


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_an_error_is_documented_with_its_exit_code(error: type[errors.TurkformError]) -> None:
    assert f"| {error.exit_code} | `{error.__name__}` |" in (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    assert f"| {error.exit_code} |" in README


@pytest.mark.parametrize("path", [path for path, _ in SECTIONS()])
def test_every_key_of_a_campaign_file_has_a_row(path: str) -> None:
    steps = path.replace("[]", ".0").split(".") if path else []
    model = model_at(tuple(int(step) if step == "0" else step for step in steps))
    assert model
    heading = f"### `{path.replace('.*', '.NAME')}`" if path else "### The file"
    table = KEYS.partition(f"{heading}\n")[2].partition("\n### ")[0]
    missing = [name for name, info in model.model_fields.items() if f"| `{info.alias or name}`" not in table]
    assert missing == []
