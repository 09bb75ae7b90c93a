"""The first step: `init`, from a campaign of ours or from the files of another tool."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import click

import turkform
from turkform.cli.commands import Command
from turkform.errors import CampaignError, TurkformError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from turkform.cli.session import Session

_DEFAULT = "reviews"
_NAME = "my-campaign"
"""Where a folder's name gives no campaign's."""
_DECLARED = re.compile(r"^campaign: (\S+)( *)", re.MULTILINE)
_FOR_EDITORS = re.compile(r"^# yaml-language-server: .*\n+", re.MULTILINE)
"""The line by which an editor finds the schema in our own repository."""
_TITLE = re.compile(r"^title: (.*)$", re.MULTILINE)


def templates() -> dict[str, Path]:
    """The campaigns that `init` can begin with: name → folder.

    A wheel carries them inside the package; a checkout has them beside it.
    """
    inside = Path(str(files("turkform"))) / "campaigns"
    home = inside if inside.is_dir() else Path(turkform.__file__).resolve().parent.parent / "campaigns"
    return {path.parent.name: path.parent for path in sorted(home.glob("*/campaign.yaml"))}


def _template_names(_ctx: click.Context, _parameter: click.Parameter, start: str) -> list[str]:
    return [name for name in templates() if name.startswith(start)]


@click.command(cls=Command)
@click.argument("folder", metavar="[DIR]", required=False, default=None)
@click.option(
    "--template",
    metavar="NAME",
    shell_complete=_template_names,
    help=f"The campaign to begin with; `list` names them.  [default: {_DEFAULT}]",
)
@click.option(
    "--from",
    "sources",
    metavar="PATH",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Another tool's files, made into a campaign.",
)
@click.pass_obj
def init(session: Session, folder: str | None, *, template: str | None, sources: tuple[Path, ...]) -> None:
    """Write a campaign to start from.

    Without options, a small one. Every template is complete: it can be applied as it stands, to a marketplace on
    this machine. DIR is made where it does not exist; nothing that exists is overwritten.

    --from reads an amti definition folder; a page with ${columns} and its CSV, as Turkle and the requester
    website took them; or the website's CSV of a finished batch. What could not be carried over is said, and
    stands at the top of the campaign.

    Examples:
      turkform init reviews
      turkform init weather --template image-labels
      turkform init old --from ~/amti/my-task/definition --from data.jsonl
      turkform init again --from Batch_123_batch_results.csv --from task.html
    """
    if template == "list":
        for name, found in templates().items():
            session.terminal.out(f"{name:<14} {_about(found)}")
        return
    if template is not None and sources:
        raise click.UsageError("--template and --from do not go together")
    target = session.folder if folder is None else Path(folder)
    notes: list[str] = []
    if sources:
        from turkform.migration import migrate

        carried = migrate(sources, _campaign_name(target))
        contents, notes = carried.write(), carried.notes
    else:
        contents = _from_template(template or _DEFAULT, target)
    _write(session, target, contents)
    for note in notes:
        session.terminal.say(f"note: {note}")
    option = "" if target.resolve() == Path.cwd() else f" -C {target}"
    if sources:
        _check(session, target, option)
    session.terminal.out(f"\nNext: turkform{option} plan")


def _about(folder: Path) -> str:
    found = _TITLE.search((folder / "campaign.yaml").read_text(encoding="utf-8"))
    return found[1] if found else ""


def _from_template(name: str, target: Path) -> dict[str, bytes]:
    """A campaign of ours under a name of the user's."""
    known = templates()
    if name not in known:
        raise click.UsageError(f'there is no template "{name}"; there are {", ".join(known)}')
    paths = sorted(p for p in known[name].rglob("*") if p.is_file() and not _hidden(p.relative_to(known[name])))
    contents = {p.relative_to(known[name]).as_posix(): p.read_bytes() for p in paths}
    text = contents.pop("campaign.yaml").decode()
    return {"campaign.yaml": _named(text, _campaign_name(target)).encode(), **contents}


def _hidden(path: Path) -> bool:
    """Whether it belongs to a run of the template in place."""
    return any(part.startswith(".") for part in path.parts)


def _named(text: str, name: str) -> str:
    """The campaign under another name, the comment beside it in its column where there is room."""

    def replaced(match: re.Match[str]) -> str:
        room = len(match[1]) + len(match[2]) - len(name)
        return f"campaign: {name}" + (" " * max(2, room) if match[2] else "")

    return _DECLARED.sub(replaced, _FOR_EDITORS.sub("", text, count=1), count=1)


def _write(session: Session, target: Path, contents: Mapping[str, bytes]) -> None:
    existing = [name for name in contents if (target / name).exists()]
    if existing:
        raise TurkformError(f"{target / existing[0]} exists already", "Name an empty folder: turkform init DIR")
    for name, content in contents.items():
        path = target / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        except OSError as error:
            raise TurkformError(f"{path} cannot be written: {error.strerror}") from None
        session.terminal.out(f"wrote {path}")


def _check(session: Session, target: Path, option: str) -> None:
    """Say at once what is still wrong with a campaign made of other files.

    Raises:
        TurkformError: something is; the files stand there to be corrected.
    """
    from turkform.loader import load

    try:
        load(target)
    except CampaignError as error:
        session.terminal.diagnostics([d for d in error.diagnostics if d.severity == "error"])
        raise TurkformError(
            f"the campaign was written, and {error} remain to be solved",
            f"Correct them, then: turkform{option} validate",
        ) from None


def _campaign_name(folder: Path) -> str:
    """A campaign's name made of the folder's: lower case, words joined by hyphens, at most 40 characters."""
    words = re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower()).strip("-")
    return words[:40].rstrip("-") if re.match("[a-z]", words) else _NAME


COMMANDS = (init,)
