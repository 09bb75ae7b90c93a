"""Reviewing: `review`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from turkform.cli.applying import Manner, apply_approved, manner_options, plan_and_apply
from turkform.cli.commands import Command
from turkform.cli.planning import show_plan
from turkform.cli.reports import invocation
from turkform.errors import RefusedError, UsageError

if TYPE_CHECKING:
    from turkform.cli.session import Session
    from turkform.reviewing import Asked


@click.command(cls=Command)
@click.argument("batches", nargs=-1, metavar="[BATCH...]")
@click.option(
    "--decisions",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="What to approve, reject and pay: *.csv, *.tsv or *.jsonl.",
)
@click.option("--overturn", multiple=True, metavar="ASSIGNMENT", help="Undo a rejection: approve and pay after all.")
@click.option("-o", "--out", "out", metavar="FILE", help="Save the plan, for `apply FILE`; nothing is sent.")
@click.option("--full", is_flag=True, help="With -o: show every assignment the plan lists.")
@click.option("--approved", metavar="INTENT", help="Do it where the plan's intent is this; needs --max-spend.")
@manner_options
@click.pass_obj
def review(
    session: Session,
    /,
    *,
    batches: tuple[str, ...],
    file: Path | None,
    overturn: tuple[str, ...],
    out: str | None,
    full: bool,
    approved: str | None,
    **options: Any,
) -> None:
    """Approve, reject and pay bonuses: planned, priced, shown, and then done exactly once.

    Fetches what is new, shows the plan, asks, and carries it out; with -o it saves the plan for `apply FILE` instead.
    Without FILE the campaign decides, by the `decisions:` of its batches, which approve and pay and never reject.
    FILE is what a person decided: results with the requester website's Approve and Reject filled in, or rows of
    AssignmentId, decision, feedback, bonus and bonus_reason. A rejection needs a reason, which the worker reads, and
    can be overturned for 30 days from the submission. A bonus that was paid is not paid again. What is decided
    already, by whomever, is left as it is.

    Examples:
      turkform review
      turkform results -o answers.csv       # fill in Approve and Reject
      turkform review --decisions answers.csv
      turkform review pilot --decisions bonuses.csv -o plan.json && turkform apply plan.json
      turkform review --overturn 3ASSIGNMENT
    """
    from turkform.reviewing import Asked

    if file is not None and overturn:
        raise UsageError("--decisions and --overturn are two reviews", "Write `overturn` as a decision in the file.")
    if out is not None and approved:
        raise UsageError("-o saves a plan, and --approved carries one out", "Say one of them.")
    asked = Asked(batches, file, overturn)
    manner = Manner(**options, again=_again(asked))
    looking = session.review(asked, rate=manner.rate)
    if approved:
        apply_approved(session, looking, manner, approved, "review")
        return
    if out is None:
        plan_and_apply(session, looking, manner, "review")
        return
    with looking as (found, _):
        made = found.plan
    made.save(Path(out))
    if manner.as_json:
        session.terminal.json(made.document)
    else:
        show_plan(session, made.document, full=full)
    if made.refusals:
        raise RefusedError(made.refusals if manner.as_json else ())  # the plan, just shown, names the reasons
    if not made.empty and not manner.as_json:
        what = invocation(session, f"apply {shlex.quote(out)}")
        session.terminal.say(f"Nothing was changed. To do exactly this: {what}")


def _again(asked: Asked) -> str:
    """The words that go on with this review."""
    file = [] if asked.file is None else ["--decisions", shlex.quote(str(asked.file))]
    overturn = [word for key in asked.overturn for word in ("--overturn", shlex.quote(key))]
    return " ".join(["review", *map(shlex.quote, asked.batches), *file, *overturn])


COMMANDS = (review,)
