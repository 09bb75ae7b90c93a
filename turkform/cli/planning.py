"""Plans: `plan`, `show`, `check`, `graph`."""

from __future__ import annotations

import shlex
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from turkform.cli.commands import Command
from turkform.cli.reports import FORMAT_VERSION, invocation
from turkform.errors import RefusedError, StalePlanError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from turkform.choices import Choices
    from turkform.cli.session import Session
    from turkform.journal import Journal
    from turkform.kinds.resource import Address
    from turkform.plan import Plan
    from turkform.survey import Survey

CHANGES = 2
"""The exit code of `plan --detailed-exitcode` where there is something to do."""


_CHOICES = {
    "target": "Plan only this and what it needs.",
    "exclude": "Leave this out of the plan.",
    "reopen": "Open a batch or an item again that `close`, `destroy` or somebody else expired.",
    "allow_destroy": "Let a batch lose more HITs than `max_deletes` allows.",
    "allow_rekey": "Let a batch get more new keys for vanished ones than `max_rekey` allows.",
    "touch": "Unblock a worker and block them anew, with the reason declared now.",
    "discard_answers": "Delete HITs of removed items though their reviewed answers are lost with them.",
}


def choices_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What a person may say about one plan beside the files; each may be said several times."""
    for name, text in reversed(_CHOICES.items()):
        flag = f"--{name.replace('_', '-')}"
        command = click.option(flag, name, multiple=True, metavar="ADDRESS", help=text)(command)
    return command


def read_choices(said: Mapping[str, Iterable[str]], *, destroy: bool = False) -> Choices:
    """The options as planning takes them."""
    from turkform.choices import Choices

    return Choices(destroy=destroy, **{name: read_addresses(said.get(name, ())) for name in _CHOICES})


def take_choices(options: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    """Take the choices out of a command's options."""
    return {name: options.pop(name) for name in _CHOICES}


def read_addresses(texts: Iterable[str]) -> frozenset[Address]:
    """Addresses as they are written everywhere.

    Raises:
        UsageError: not an address.
    """
    from turkform.kinds.resource import Address

    try:
        return frozenset(map(Address.parse, texts))
    except ValueError as error:
        raise UsageError(str(error)) from None


def choices_of(document: Mapping[str, Any]) -> Choices:
    """The choices a saved plan was made with."""
    return read_choices(document["choices"], destroy=document["command"] == "destroy")


def show_plan(session: Session, document: Mapping[str, Any], *, full: bool = False, on_stderr: bool = False) -> None:
    """Draw the plan: as wide as the terminal, unwrapped where a program or a file takes it."""
    from turkform.render import draw

    stream = sys.stderr if on_stderr else sys.stdout
    console = session.terminal.console(stream)
    console.print(draw(document, full=full, width=console.width if stream.isatty() else None))


@click.command(cls=Command)
@click.option("-o", "--out", "file", metavar="FILE", help="Save the plan, for `apply FILE`.")
@click.option("--json", "as_json", is_flag=True, help="Print the plan document as JSON.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 where there is something to do, 0 where not.")
@click.option("--full", is_flag=True, help="Show every item the plan lists, what each step rests on, sample pages.")
@choices_options
@click.pass_obj
def plan(
    session: Session,
    /,
    *,
    file: str | None,
    as_json: bool,
    detailed_exitcode: bool,
    full: bool,
    **said: tuple[str, ...],
) -> None:
    """Show what would change, in which order, and what it costs.

    Reads the campaign and the account, and changes nothing. ADDRESS is what the plan shows, such as
    batch.pilot or 'batch.pilot["img-7"]'; an option that takes one may be said several times.

    Examples:
      turkform plan
      turkform plan -o plan.json && turkform apply plan.json
      turkform --env lab plan --var reward=0.20 --json
      turkform plan --reopen batch.pilot
      turkform plan --target batch.pilot --exclude 'batch.pilot["img-7"]'
    """
    with session.survey(read_choices(said)) as (found, _):
        made = found.plan
    if file is not None:
        made.save(Path(file))
    if as_json:
        session.terminal.json(made.document)
    else:
        show_plan(session, made.document, full=full)
    _after(session, made, file, as_json=as_json)
    if detailed_exitcode and not made.empty:
        raise click.exceptions.Exit(CHANGES)


def _after(session: Session, made: Plan, file: str | None, *, as_json: bool) -> None:
    """Refuse where the plan does, or say what to do next."""
    if made.refusals:
        raise RefusedError(made.refusals if as_json else ())  # the plan, just shown, names the reasons
    if not made.empty and not as_json:
        what = f"apply {shlex.quote(file)}" if file else "apply"
        session.terminal.say(f"Nothing was changed. To do exactly this: {invocation(session, what)}")


@click.command(cls=Command)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--format", "form", type=click.Choice(["text", "markdown", "html", "json"]), default="text", help="How to draw it."
)
@click.option("--full", is_flag=True, help="Show every item the plan lists, what each step rests on, sample pages.")
@click.pass_obj
def show(session: Session, file: Path, form: str, *, full: bool) -> None:
    """Draw a saved plan.

    Needs neither the campaign nor the account: everything shown stands in FILE. Markdown is for a comment
    on a pull request, never longer than one may be; html is a page to review changed tasks on, before
    and after, which loads nothing.

    Examples:
      turkform show plan.json
      turkform show plan.json --format markdown > comment.md
      turkform show plan.json --format html > plan.html
      turkform show plan.json --format json | jq .price
    """
    from turkform.plan import load

    document = load(file).document
    match form:
        case "json":
            session.terminal.json(document)
        case "markdown":
            from turkform.markdown import markdown

            session.terminal.out(markdown(document))
        case "html":
            from turkform.webpage import webpage

            session.terminal.out(webpage(document))
        case _:
            show_plan(session, document, full=full)


@click.command(cls=Command)
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--format", "form", type=click.Choice(["dot", "mermaid"]), default="dot", show_default=True, help="The language."
)
@click.pass_obj
def graph(session: Session, file: Path | None, form: str) -> None:
    """Draw what waits for what.

    Without FILE: everything the campaign declares, and what it needs; no network. With FILE, a saved plan: its
    steps, and what each of them waits for.

    Examples:
      turkform graph | dot -Tsvg > campaign.svg
      turkform graph plan.json --format mermaid
    """
    from turkform.graph import dot, mermaid, of_campaign, of_plan

    if file is None:
        drawn = of_campaign(session.load().campaign)
    else:
        from turkform.plan import load

        drawn = of_plan(load(file).document)
    session.terminal.out(dot(drawn) if form == "dot" else mermaid(drawn))


@click.command(cls=Command)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
@click.pass_obj
def check(session: Session, file: Path, *, as_json: bool) -> None:
    """Say whether a saved plan is still true, without applying it.

    Exits 0 where `apply FILE` would run, and 4 where it would not, listing what moved.

    Examples:
      turkform check plan.json
    """
    from turkform.plan import load

    with _compared(session, load(file)) as (_, _, moved):
        pass
    if as_json:
        session.terminal.json({"format_version": FORMAT_VERSION, "true": not moved, "moved": moved})
        raise click.exceptions.Exit(StalePlanError.exit_code if moved else 0)
    if moved:
        raise StalePlanError(moved)
    session.terminal.out(f"{file} is still true. To apply it: {invocation(session, f'apply {shlex.quote(str(file))}')}")


@contextmanager
def _compared(
    session: Session, saved: Plan, *, quiet: bool = False
) -> Iterator[tuple[Survey, Journal | None, list[str]]]:
    """The account within the approval of a plan, and everything that keeps the plan from running."""
    from turkform.approval import Approval
    from turkform.staleness import moved

    document = saved.document
    approval = Approval.of(document)
    if document["command"] == "review":
        from turkform.reviewing import Asked

        asked = Asked.of(document, session.existing_folder())
        looking = session.review(asked, approval=approval, quiet=quiet)
    else:
        looking = session.survey(choices_of(document), approval=approval, quiet=quiet)
    with looking as (found, journal):
        used = journal is not None and journal.plan_used(document["digest"])
        yield found, journal, moved(saved, found, used=used)


@contextmanager
def still_true(session: Session, saved: Plan, *, quiet: bool = False) -> Iterator[tuple[Survey, Journal | None]]:
    """The survey whose plan is the saved one, or a narrower one where workers have moved on.

    Raises:
        StalePlanError: something else moved.
    """
    with _compared(session, saved, quiet=quiet) as (found, journal, moved):
        if moved:
            raise StalePlanError(moved)
        yield found, journal


COMMANDS = (plan, show, check, graph)
