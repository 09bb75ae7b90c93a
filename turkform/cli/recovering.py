"""`recover`: what an apply cannot settle by itself, and a journal that is lost."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from turkform.cli.commands import Command
from turkform.cli.planning import read_addresses
from turkform.cli.reports import SHOWN, invocation
from turkform.errors import RefusedError, TurkformError, UnknownOutcomeError, UsageError
from turkform.printable import many

if TYPE_CHECKING:
    from collections.abc import Mapping

    from turkform.cli.session import Session
    from turkform.journal import Journal
    from turkform.kinds.resource import Address
    from turkform.memory import OpenCall
    from turkform.recovery import Fate, Unvouched
    from turkform.run import Run
    from turkform.survey import Survey


@click.command(cls=Command)
@click.option("--new-journal", is_flag=True, help="The journal is lost: begin a new one for this campaign.")
@click.option(
    "--unvouched",
    type=click.Choice(["done", "publish"]),
    help="With --new-journal: what every row without a HIT is, bought already or to be published.",
)
@click.option("--item", "items", multiple=True, metavar="ADDRESS=FATE", help="The same for one row; done or publish.")
@click.option("--environment", "renamed", metavar="NAME", help="The environment was only renamed, and is now NAME.")
@click.pass_obj
def recover(
    session: Session, *, new_journal: bool, unvouched: Fate | None, items: tuple[str, ...], renamed: str | None
) -> None:
    """Settle what is not known, or begin again where the journal is lost.

    Without options: find out from the account what became of every call whose answer was never learned.
    Exits 7 while some are too young to tell; a minute later they are not.

    With --new-journal: every HIT of this campaign in the account is adopted, and each row without a HIT is
    listed with its price, because nobody can say whether it was bought before. Say what they are with
    --unvouched or --item. Nothing is bought; what you call `publish` is a purchase of the next plan.

    Examples:
      turkform recover
      turkform recover --new-journal --unvouched done
      turkform recover --new-journal --unvouched done --item 'batch.pilot["img-7"]=publish'
      turkform --env lab recover --environment lab
    """
    if new_journal and renamed:
        raise UsageError("--new-journal and --environment are two different recoveries", "Do one after the other.")
    if (unvouched or items) and not new_journal:
        raise UsageError("--unvouched and --item go with --new-journal")
    if new_journal:
        _begin_anew(session, dict(map(_fate, items)), unvouched)
    elif renamed:
        _rename(replace(session, environment=renamed), renamed)
    else:
        _settle(session)


def _settle(session: Session) -> None:
    from turkform.recovery import settle

    with session.survey() as (found, journal):
        if journal is None:
            raise TurkformError("there is no journal, so nothing is open", "See `turkform recover --help`.")
        gone: list[OpenCall] = []
        with _run(session, journal, found) as run:
            left = settle(found, run, gone)
            run.end(UnknownOutcomeError.exit_code if left else 0)
    session.terminal.out(f"{many(len(found.memory.open) - len(left), 'call')} settled, {len(left):,} still open.")
    for call in gone:
        said = (
            f"{call.operation} of {call.key} in {call.address}: its HIT is gone, so nobody can tell what became of it"
        )
        session.terminal.out(f"  {said}. It counts as done; ask the worker.")
    if left:
        raise UnknownOutcomeError(
            f"{many(len(left), 'call')} too young to tell",
            f"Wait a minute, then: {invocation(session, 'recover')}",
        )


def _rename(session: Session, name: str) -> None:
    """Let the campaign record say the environment's new name."""
    from turkform.journal import Journal
    from turkform.survey import recall

    with session.survey() as (found, _):
        record = found.observed.record
        if record is None:
            raise TurkformError("this account has no record of this campaign, so there is nothing to rename")
        own = Journal.find(found.desired.target.journal, journal=record.journal)
        if own is None:
            raise RefusedError(
                [f"the journal of environment {record.environment} is not at hand under the name {name}"],
                f"Rename the folder .turkform/{record.environment} to .turkform/{name}, or set `journal:` in {name}.",
            )
        with own, _run(session, own, replace(found, memory=recall(own, now=found.local))) as run:
            _rewrite(found, run, own, name)
            run.end(0)
    session.terminal.out(f"The campaign record now names environment {name}; it was {record.environment}.")


def _begin_anew(session: Session, fates: Mapping[Address, Fate], otherwise: Fate | None) -> None:
    """A new journal that adopts what the account shows and vouches for what a person said."""
    from turkform.choices import Choices
    from turkform.recovery import start_anew, unvouched
    from turkform.survey import survey

    desired = session.load()
    with session.account(desired) as account, session.journal(desired) as before:
        found = survey(desired, account, None, Choices())
        record = found.observed.record
        if record is None:
            raise RefusedError(["this account has no record of this campaign, so no journal was lost"])
        if before is not None and before.id == record.journal:
            raise RefusedError(["the journal at hand is the one the campaign record names: it is not lost"])
        _vouched(session, list(unvouched(found)), fates, otherwise)
        if before is not None and "://" not in desired.target.journal:
            _set_aside(session, Path(desired.target.journal))
        with session.make_journal(desired, anew=True) as journal, _run(session, journal, found) as run:
            counts = start_anew(found, run, fates=fates, otherwise=otherwise)
            run.flush()
            _rewrite(found, run, journal, desired.target.name)
            run.end(0)
    session.terminal.out(
        f"A new journal: {many(counts['adopted'], 'HIT')} adopted, {many(counts['done'], 'row')} counted as bought, "
        f"{counts['publish']:,} to publish.\nNext: {invocation(session, 'plan')}"
    )


def _vouched(session: Session, items: list[Unvouched], fates: Mapping[Address, Fate], otherwise: Fate | None) -> None:
    """List and price what nobody can vouch for.

    Raises:
        UsageError: a row was told nothing, or a fate names no such row.
    """
    from turkform.money import Money

    price = Money(sum(item.cents for item in items))
    if items:
        session.terminal.out(f"{many(len(items), 'row')} without a HIT, ${price} if bought again:")
    for item in items[:SHOWN]:
        session.terminal.out(f"  {item.address}  ${Money(item.cents)}  {fates.get(item.address, otherwise) or '?'}")
    if len(items) > SHOWN:
        session.terminal.out(f"  … and {len(items) - SHOWN:,} more")
    strange = fates.keys() - {item.address for item in items}
    if strange:
        raise UsageError(f"--item {min(map(str, strange))}: this row has a HIT, or is not in the files")
    silent = sum((fates.get(item.address) or otherwise) is None for item in items)
    if silent:
        raise UsageError(
            f"nobody can say whether {many(silent, 'row')} had a HIT before",
            "Say --unvouched done or --unvouched publish for all, or --item ADDRESS=done for one.",
        )


def _rewrite(found: Survey, run: Run, journal: Journal, environment: str) -> None:
    """Let the campaign record name this journal and environment."""
    from turkform.pace import Pace
    from turkform.recovery import rewritten
    from turkform.sender import Request, Sender, Stop
    from turkform.steps import RECORD

    record = found.observed.record
    assert record is not None
    parameters = rewritten(record, journal=journal.id, environment=environment)
    sender = Sender(found.account, run, Pace(found.desired.target.rate), Stop())
    sender.send(Request("UpdateQualificationType", parameters, RECORD, object_id=record.id))
    journal.bind(
        record_id=record.id,
        campaign=found.desired.campaign.campaign,
        environment=environment,
        endpoint=found.desired.target.endpoint,
    )


def _run(session: Session, journal: Journal, found: Survey) -> Run:
    from turkform.cli.applying import who

    info = who(session, "recover")
    return journal.begin(
        command=info.command,
        environment=found.desired.target.name,
        commit=info.commit,
        user=info.user,
        host=info.host,
        now=found.observed.now,
        after=found.memory.mark,
    )


def _set_aside(session: Session, path: Path) -> None:
    """Keep the journal that belongs elsewhere, under another name."""
    mark = time.strftime("%Y%m%dT%H%M%S")
    for end in ("", "-wal", "-shm"):
        part = path.with_name(path.name + end)
        if part.exists():
            part.rename(path.with_name(f"{path.name}.{mark}{end}"))
    session.terminal.say(f"the journal that was there is kept as {path.name}.{mark}")


def _fate(text: str) -> tuple[Address, Fate]:
    address, _, fate = text.rpartition("=")
    if fate not in _FATES:
        raise UsageError(f'--item "{text}" is not ADDRESS=done or ADDRESS=publish')
    return next(iter(read_addresses([address]))), _FATES[fate]


_FATES: Mapping[str, Fate] = {"done": "done", "publish": "publish"}


COMMANDS = (recover,)
