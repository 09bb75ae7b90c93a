"""Changing the account: `apply`, `destroy`, `close`."""

from __future__ import annotations

import getpass
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from turkform.cli.commands import Command
from turkform.cli.planning import (
    choices_options,
    read_addresses,
    read_choices,
    show_plan,
    still_true,
    take_choices,
)
from turkform.cli.reports import draw_next, draw_report, published, report_document, tell_failures
from turkform.errors import DeclinedError, LeaseHeldError, RefusedError, StalePlanError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from turkform.campaign import Target
    from turkform.cli.session import Session
    from turkform.journal import Journal
    from turkform.money import Money
    from turkform.outcomes import Report, RunInfo
    from turkform.plan import Plan
    from turkform.sender import Stop
    from turkform.survey import Survey

    Looking = AbstractContextManager[tuple[Survey, Journal | None]]


@dataclass(frozen=True, slots=True)
class Manner:
    """How an apply is to go about it."""

    auto_approve: bool = False
    max_spend: Money | None = None
    concurrency: int | None = None
    rate: float | None = None
    as_json: bool = False
    confirm: str | None = None
    """The environment's name, where it was said on the command line."""
    again: str = ""
    """What to run to go on, where it is more than the command's name."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an apply did, and the first HITs it published."""

    report: Report
    hits: list[tuple[str, str]]
    rehearsal: bool


def manner_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of every command that changes the account."""
    options = (
        click.option("--auto-approve", is_flag=True, help="Do not ask."),
        click.option("--confirm", metavar="NAME", help="The environment's name, where it has `confirm: true`."),
        click.option("--max-spend", metavar="USD", callback=_dollars, help="Refuse a plan that may cost more."),
        click.option("--concurrency", type=click.IntRange(1, 256), help="API calls at once.  [default: 8]"),
        click.option("--rate", type=click.FloatRange(0.1, 100_000), help="Most API calls a second."),
        click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _dollars(_ctx: click.Context, _option: click.Parameter, text: str | None) -> Money | None:
    from turkform.money import Money

    try:
        return None if text is None else Money.parse(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command(cls=Command)
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--approved", metavar="INTENT", help="Plan afresh, and apply where the intent is this; needs --max-spend."
)
@manner_options
@choices_options
@click.pass_obj
def apply(
    session: Session,
    /,
    *,
    file: Path | None,
    approved: str | None,
    **options: Any,
) -> None:
    """Carry out a plan, each call exactly once.

    Without FILE: plan, show, ask, apply. With FILE, a plan saved by `plan -o`: apply exactly that, without
    asking, or exit 4 where it is no longer true. With --approved: plan afresh, and apply without asking where
    the plan means what INTENT was approved for (`intent` in the plan document) and costs no more than
    --max-spend, or exit 4. In every case an interrupted apply is finished by the next one; nothing is published
    twice. Ctrl-C stops sending and writes down what became of every call; a second one does not wait for
    answers.

    Examples:
      turkform apply
      turkform apply --auto-approve --max-spend 50.00
      turkform plan -o plan.json && turkform apply plan.json
      turkform apply --approved "$(jq -r .intent plan.json)" --max-spend "$(jq -r .price.total plan.json)"
      turkform --env lab apply --rate 5 --concurrency 4
    """
    said = take_choices(options)
    manner = Manner(**options)
    if file is not None and (any(said.values()) or approved):
        raise UsageError("a saved plan holds its own choices", "Give --reopen and the like to `turkform plan -o`.")
    if file is not None:
        _apply_saved(session, file, manner)
    elif approved:
        apply_approved(session, session.survey(read_choices(said)), manner, approved, "apply")
    else:
        plan_and_apply(session, session.survey(read_choices(said)), manner, "apply")


@click.command(cls=Command)
@manner_options
@click.pass_obj
def destroy(session: Session, /, **manner: Any) -> None:
    """Retire everything this campaign has in the account.

    Plans, shows, asks, and then expires every HIT, deletes those nobody ever worked on, takes back our grants
    and blocks, and deletes our qualification types. What workers submitted stays, to be reviewed and paid.
    The journal and the campaign record stay too, so a later `apply` knows what was bought.

    Examples:
      turkform destroy
      turkform --env lab destroy --auto-approve --json
    """
    plan_and_apply(session, session.survey(read_choices({}, destroy=True)), Manner(**manner), "destroy")


@click.command(cls=Command)
@click.argument("addresses", nargs=-1, metavar="ADDRESS...")
@click.option("--all", "everything", is_flag=True, help="Close every batch of the campaign.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
@click.pass_obj
def close(session: Session, *, addresses: tuple[str, ...], everything: bool, as_json: bool) -> None:
    """Expire HITs now, without a plan: the emergency stop.

    Nobody can take up the HITs any more; who is at work may finish, and what was submitted is kept and paid. A
    running apply is stopped. It can only save money, so it does not ask. Nothing opens again by itself:
    `plan --reopen ADDRESS` does.

    Examples:
      turkform close batch.pilot
      turkform close 'batch.pilot["img-7"]' 'batch.pilot["img-9"]'
      turkform close --all
    """
    from turkform.closing import close as expire
    from turkform.sender import Stop

    if bool(addresses) == everything:
        raise UsageError("say what to close: addresses of batches and items, or --all")
    wanted = None if everything else read_addresses(addresses)
    with session.survey() as (found, journal), ExitStack() as stack:
        own = journal or stack.enter_context(session.make_journal(found.desired, lasting=False))
        stop = Stop()
        with _stopping(stop, session.terminal.say):
            report = expire(found, own, wanted, run=who(session, "close"), stop=stop)
    if as_json:
        session.terminal.json(report_document(report))
    else:
        draw_report(session, report)
    tell_failures(session, report)


def plan_and_apply(session: Session, looking: Looking, manner: Manner, command: str) -> None:
    """Plan, show, ask, and carry it out; `looking` is how the account is read and planned."""
    with looking as (found, journal):
        made = found.plan
        if not (manner.as_json and (made.empty or manner.auto_approve)):
            show_plan(session, made.document, on_stderr=manner.as_json)
        _refuse(made, manner)
        if made.empty:
            _settle(session, found, journal, command)
            _nothing(session, manner)
            return
        asked = _consent(found.desired.target, manner, None if manner.auto_approve else command)
        with _now(session, made, found, journal, looked=not asked) as (now, own):
            outcome = _carry_out(session, now, own, manner, command)
    _finish(session, outcome, made, manner, command)


def _apply_saved(session: Session, file: Path, manner: Manner) -> None:
    from turkform.plan import load

    saved = load(file)
    with still_true(session, saved) as (found, journal):
        _refuse(saved, manner)
        asked = _consent(found.desired.target, manner, None)
        with _now(session, saved, found, journal, looked=not asked) as (now, own):
            command = saved.document["command"]
            outcome = _carry_out(session, now, own, manner, command, plan_digest=saved.document["digest"])
    _finish(session, outcome, saved, manner, command)


def apply_approved(session: Session, looking: Looking, manner: Manner, intent: str, command: str) -> None:
    """Plan afresh, and carry it out where it means what was approved and costs no more than was said.

    Raises:
        UsageError: nobody said what it may cost.
    """
    if manner.max_spend is None:
        raise UsageError("--approved names no price", "Say the most it may cost: --max-spend USD")
    with looking as (found, journal):
        made = found.plan
        if made.document["intent"] != intent:
            now = made.document["intent"]
            raise StalePlanError([f"{intent} was approved, and what the plan means now is {now}"])
        if made.refusals:
            raise RefusedError(made.refusals)  # nobody has been shown this plan
        _refuse(made, manner)
        if made.empty:
            _settle(session, found, journal, command)
            _nothing(session, manner)
            return
        _consent(found.desired.target, manner, None)
        outcome = _carry_out(session, found, journal, manner, command)
    _finish(session, outcome, made, manner, command)


def _consent(target: Target, manner: Manner, command: str | None) -> bool:
    """Get the consent that is still missing; `command` where somebody has to be asked for it.

    Returns whether a person was waited for: the account may be another one since.

    Raises:
        DeclinedError: the answer was no, or nobody is here to give it.
    """
    if target.confirm:
        return _confirm(target.name, manner)
    if command is not None:
        _ask(command)
    return command is not None


@contextmanager
def _now(
    session: Session, made: Plan, found: Survey, journal: Journal | None, *, looked: bool
) -> Iterator[tuple[Survey, Journal | None]]:
    """The account as it is now, for the plan that was approved: read again, unless it was `looked` at just now."""
    if looked:
        yield found, journal
    else:
        with still_true(session, made, quiet=True) as (now, own):
            yield now, own


def _refuse(made: Plan, manner: Manner) -> None:
    """Stop before anything is sent, where the plan or the bound on spending says so."""
    if made.refusals:
        raise RefusedError(made.refusals if manner.as_json else ())  # the plan, just shown, names the reasons
    if manner.max_spend is not None and made.price > manner.max_spend:
        raise RefusedError(
            [f"the plan costs up to ${made.price}, more than --max-spend ${manner.max_spend}"],
            "Raise --max-spend, or publish less with `limit:`.",
        )


def _settle(session: Session, found: Survey, journal: Journal | None, command: str) -> None:
    """With nothing to send, write down what became of calls that an interrupted apply left open."""
    from turkform.apply import apply as carry_out
    from turkform.ledger import JournalError

    if journal is not None and found.memory.open:
        with suppress(LeaseHeldError, StalePlanError, JournalError):  # whoever is next does it
            carry_out(found, journal, run=who(session, command))


def _nothing(session: Session, manner: Manner) -> None:
    from turkform.outcomes import Report

    if manner.as_json:
        session.terminal.json(report_document(Report()))


def _ask(command: str) -> None:
    """Ask on stderr, because stdout is for results.

    Raises:
        DeclinedError: the answer was no, or there is nobody to ask.
    """
    if not sys.stdin.isatty():
        saving = {"apply": "plan -o FILE", "review": "review -o FILE"}.get(command)
        hint = f"Run `turkform {command} --auto-approve`" + (
            f", or save it with `turkform {saving}` and apply that." if saving else "."
        )
        raise DeclinedError("nobody is here to approve this plan; nothing was sent", hint)
    click.echo(f"\nType yes to {command} this plan: ", nl=False, err=True)
    if sys.stdin.readline().strip() != "yes":
        raise DeclinedError("not approved; nothing was sent")


def _confirm(environment: str, manner: Manner) -> bool:
    """Take the environment's name, said or typed: what `confirm: true` asks for, whatever else was approved.

    Returns whether it was typed.

    Raises:
        DeclinedError: it was another name, or there is nobody to ask.
    """
    said = manner.confirm
    if said is None:
        if not sys.stdin.isatty():
            raise DeclinedError(
                f"{environment} says `confirm: true`, and nobody is here to type its name; nothing was sent",
                f"Say --confirm {environment}",
            )
        click.echo(f"\nType the environment's name, {environment}, to go on: ", nl=False, err=True)
        said = sys.stdin.readline().strip()
    if said != environment:
        raise DeclinedError(f'"{said}" is not {environment}; nothing was sent')
    return manner.confirm is None


def _carry_out(
    session: Session, found: Survey, journal: Journal | None, manner: Manner, command: str, *, plan_digest: str = ""
) -> Outcome:
    from turkform.apply import apply as carry_out
    from turkform.cli.progress import display
    from turkform.sender import Stop

    with ExitStack() as stack:
        own = journal or stack.enter_context(session.make_journal(found.desired))
        stop = Stop()
        with display(session.terminal) as shown, _stopping(stop, shown.say):
            report = carry_out(
                found,
                own,
                run=who(session, command),
                on_event=shown.tell,
                stop=stop,
                rate=manner.rate,
                concurrency=manner.concurrency,
                plan_digest=plan_digest or None,
            )
        return Outcome(report, published(own), rehearsal=found.desired.target.endpoint == "local")


@contextmanager
def _stopping(stop: Stop, say: Callable[[str], None]) -> Iterator[None]:
    """The first Ctrl-C or SIGTERM drains, the second does not wait for answers."""

    def handle(_signal: int, _frame: object) -> None:
        if stop.requested:
            stop.request_now()
        else:
            stop.request()
            say("stopping: waiting for what was sent; once more to stop at once")

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _finish(session: Session, outcome: Outcome, made: Plan, manner: Manner, command: str) -> None:
    """Tell what was done, what was not, and what to do next; the exit code says it again."""
    report = outcome.report
    if manner.as_json:
        session.terminal.json(report_document(report, made.document))
    else:
        draw_report(session, report, outcome.hits)
    tell_failures(session, report, again=manner.again or command)
    if outcome.hits and not manner.as_json:
        draw_next(session, outcome.hits[0][1] if outcome.rehearsal else "")


def who(session: Session, command: str) -> RunInfo:
    """Who applies, for the audit trail."""
    from turkform.outcomes import RunInfo

    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a container's user without a name
        user = ""
    return RunInfo(command, user, socket.gethostname(), _commit(session.folder))


def _commit(folder: Path) -> str:
    """The commit of the campaign's work tree, with a `+` where files differ from it; empty outside of git."""
    try:
        head = subprocess.run(
            ["git", "-C", str(folder), "describe", "--always", "--abbrev=40", "--dirty=+", "--exclude=*"],  # noqa: S607 - the git on the path
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return head.stdout.strip() if head.returncode == 0 else ""


COMMANDS = (apply, destroy, close)
