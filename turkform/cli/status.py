"""How a campaign stands: `status`, once or again and again, and `report`."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from turkform.cli.commands import Command
from turkform.cli.drawing import lines
from turkform.cli.reports import FORMAT_VERSION
from turkform.cli.watching import watch
from turkform.errors import TurkformError, UsageError
from turkform.printable import many

if TYPE_CHECKING:
    from turkform.answers import Answers
    from turkform.cli.session import Session
    from turkform.results import Stand
    from turkform.survey import Survey


class _Every(click.ParamType[float]):
    """How long to wait, as people write it: 30s, 5m."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        from turkform.times import parse_duration

        try:
            seconds = parse_duration(str(value)).total_seconds()
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if seconds < 1:
            self.fail("the account is asked at most once a second. Write 1s or more", param, ctx)
        return seconds


@click.command(cls=Command)
@click.option("--json", "as_json", is_flag=True, help="Print it as one JSON document; with --watch, a line each time.")
@click.option("--all", "everything", is_flag=True, help="Also say what else the account holds.")
@click.option(
    "--exact", is_flag=True, help="First fetch the answers that are not stored: who was approved and rejected."
)
@click.option("--watch", "again", is_flag=True, help="Look again and again, until all is handed in; Ctrl-C ends it.")
@click.option("--every", default="10s", show_default=True, type=_Every(), help="With --watch: how long between looks.")
@click.pass_obj
def status(session: Session, *, as_json: bool, everything: bool, exact: bool, again: bool, every: float) -> None:
    """Show how far the workers are, what it has cost, and what will soon be too late.

    Free places are those a worker can still take. Committed is what the campaign has cost and may still cost:
    every place that is taken or can be taken, fees included; spent is what was paid. The account lists HITs with
    counters only: how long answers took, what they paid by the hour and whether they were approved is known of those
    that `results` or --exact have fetched, and the number of calls that would fetch the rest is said. With --all, the
    account's other HITs and what they hold: other campaigns', and those that no campaign made.

    Examples:
      turkform status
      turkform status --exact
      turkform status --watch --every 1m
      turkform status --all
      turkform status --json | jq .batches.pilot.hits
    """

    def look() -> dict[str, Any]:
        with session.survey(quiet=again) as (found, _):
            told = {"format_version": FORMAT_VERSION, **stand(session, found, fetch=exact).document}
            if everything:
                from turkform.inventory import inventory

                target, name = found.desired.target, found.desired.campaign.campaign
                told["elsewhere"] = inventory(found.account, name, target.fees, found.observed.now).document()
            return told

    if again:
        with _kept_open(session):
            watch(session, look, every=every, as_json=as_json)
        return
    document = look()
    if as_json:
        session.terminal.json(document)
    else:
        for line in lines(session, document):
            session.terminal.out(line)


def _kept_open(session: Session) -> AbstractContextManager[Any]:
    """The embedded marketplace lives as long as this, and not only for one look at it."""
    desired = session.load()
    return session.account(desired) if desired.target.endpoint == "local" else nullcontext()


def stand(session: Session, found: Survey, *, fetch: bool) -> Stand:
    """How the campaign stands, by what is stored; with `fetch`, what is not stored is fetched first."""
    from turkform.results import stand as measured

    with session.any_answers(found) as answers:
        if fetch and answers is not None:
            _fetch(session, found, answers)
        return measured(found, answers)


def _fetch(session: Session, found: Survey, answers: Answers) -> None:
    from turkform.cli.state import own_state
    from turkform.collecting import collect, due

    own_state(session.folder)
    wanted = due(found, answers)
    if wanted.hits:
        session.terminal.say(
            f"fetching the answers of {many(wanted.hits, 'HIT')}: at most {many(wanted.calls, 'call')}"
        )
        collect(found, answers)


# --- report ---------------------------------------------------------------------------------------


@click.command(cls=Command)
@click.option("-o", "--out", "file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Where to.")
@click.option("--stored", is_flag=True, help="Draw what is stored, and fetch no answers.")
@click.pass_obj
def report(session: Session, *, file: Path | None, stored: bool) -> None:
    """Draw how the campaign stands as a web page: progress, work time, pay by the hour, spend.

    Answers that are not stored yet are fetched first. The page is one file that asks no other host for anything, to be
    mailed or kept. It names no worker and quotes no answer.

    Examples:
      turkform report -o report.html
      turkform --env lab report --stored > report.html
    """
    from turkform.reportage import draw

    if file is None and sys.stdout.isatty():
        raise UsageError("the page would be written to this terminal", "Say where to: -o report.html")
    with session.survey() as (found, _):
        page = draw(stand(session, found, fetch=not stored))
    if file is None:
        session.terminal.out(page)
        return
    try:
        file.write_text(page, encoding="utf-8")
    except OSError as error:
        raise TurkformError(f"{file} cannot be written: {error.strerror}") from None
    session.terminal.out(str(file))


COMMANDS = (status, report)
