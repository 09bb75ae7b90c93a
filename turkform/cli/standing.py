"""Looking back: `drift` and `log`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from turkform.cli.commands import Command
from turkform.cli.planning import read_addresses
from turkform.cli.reports import FORMAT_VERSION, draw_drift, invocation
from turkform.errors import TurkformError, UnknownOutcomeError, UsageError
from turkform.printable import many

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from turkform.cli.session import Session
    from turkform.entries import Call, PastRun
    from turkform.journal import Journal
    from turkform.kinds.resource import Address

DRIFT = 2
"""The exit code of `drift` where somebody interfered."""


# --- drift ----------------------------------------------------------------------------------------


@click.command(cls=Command)
@click.option("--json", "as_json", is_flag=True, help="Print the findings as one JSON document.")
@click.pass_obj
def drift(session: Session, *, as_json: bool) -> None:
    """Show what somebody else changed of what this campaign made.

    Compares the account with the journal, whatever the files say now. Exits 2 where somebody interfered: expired, moved
    or deleted a HIT, edited or deleted a qualification type, revoked a grant, lifted a block. What only ran out, as
    was said when it was published, is told apart and is no drift.

    Examples:
      turkform drift
      turkform --env lab drift --json | jq '.findings[] | select(.cause == "interference")'
    """
    from turkform.drift import Cause
    from turkform.drift import drift as find

    with session.survey() as (found, journal):
        findings = [] if journal is None else find(found, journal)
    interfered = any(finding.cause is Cause.INTERFERENCE for finding in findings)
    if as_json:
        listed = [finding.document() for finding in findings]
        session.terminal.json({"format_version": FORMAT_VERSION, "drift": interfered, "findings": listed})
    else:
        draw_drift(session, findings)
    if interfered:
        raise click.exceptions.Exit(DRIFT)


# --- log ------------------------------------------------------------------------------------------


@click.command(cls=Command)
@click.option("--json", "as_json", is_flag=True, help="Print runs and calls as one JSON document.")
@click.option("--run", "number", type=int, metavar="N", help="Only this run.")
@click.option("--address", metavar="ADDRESS", help="Only what concerns this resource or item.")
@click.option("--verify", is_flag=True, help="Hold the journal against the account: was each item bought once?")
@click.pass_obj
def log(session: Session, *, as_json: bool, number: int | None, address: str | None, verify: bool) -> None:
    """Show the journal: who ran what, every call that was sent, and what became of it.

    Reads the journal only, not the account. With --verify also the account: whether each item was bought once.
    Named, with what it costs, is every duplicate, every HIT the journal has bought and the account does not have any
    more, and every one that bears the campaign's marker and is not in the journal. Exits 1 where there is a
    duplicate or such a stranger, 7 where the outcome of a purchase is not known.

    Examples:
      turkform log
      turkform log --verify
      turkform log --run 3
      turkform log --address 'batch.pilot["img-7"]'
      turkform log --json | jq '.calls[] | select(.outcome == "failed")'
    """
    if verify:
        if number is not None or address is not None:
            raise UsageError("--verify looks at every item", "Leave out --run and --address.")
        _verify(session, as_json=as_json)
        return
    wanted = None if address is None else next(iter(read_addresses([address])))
    desired = session.load()
    with session.journal(desired) as journal:
        if journal is None:
            raise TurkformError(
                f"no journal yet in environment {desired.target.name}",
                f"The first apply makes it: {invocation(session, 'apply')}",
            )
        runs = [run for run in journal.runs() if number in {None, run.id}]
        if as_json:
            for line in _json_lines(journal, runs, _calls(journal, number, wanted)):
                session.terminal.out(line)
        else:
            _draw_log(session, runs, _calls(journal, number, wanted))


def _verify(session: Session, *, as_json: bool) -> None:
    """Say what does not fit, and what it costs.

    Raises:
        TurkformError: something was bought twice, or by nobody.
        UnknownOutcomeError: some purchases may have happened.
    """
    from turkform.printable import clean
    from turkform.verification import verify

    with session.survey() as (survey, _):
        found = verify(survey)
    if as_json:
        session.terminal.json({"format_version": FORMAT_VERSION, **found.document()})
    else:
        say = session.terminal.out
        say(f"{many(found.items, 'item')}, {many(found.hits, 'HIT')} in the account, ${found.price} committed.")
        for finding in found.findings:
            say(clean(f"  {finding.flaw:<9}  {finding.address}  {finding.hit_id or '?'}  ${finding.price}"))
        if not found.findings:
            say("Each was bought once.")
    counts = found.counts
    if not found.sound:
        raise TurkformError(
            f"{many(counts['duplicate'], 'duplicate')}, {many(counts['stranger'], 'HIT')} unknown to the journal",
            f"See what they are, and close what is too much: {invocation(session, 'close ADDRESS')}",
        )
    if counts["open"]:
        raise UnknownOutcomeError(
            f"what became of {many(counts['open'], 'purchase')} is not known",
            f"Settle it: {invocation(session, 'recover')}",
        )


def _calls(journal: Journal, run: int | None, wanted: Address | None) -> Iterator[Call]:
    """The calls that were asked for; an item is found under the key its HIT is stored by."""
    if wanted is None:
        return journal.calls(run=run)
    if wanted.key is None:
        return journal.calls(run=run, address=str(wanted))
    from turkform.items import stored_key

    return journal.calls(run=run, address=str(wanted.parent), key=stored_key(wanted.key))


def _draw_log(session: Session, runs: Iterable[PastRun], calls: Iterable[Call]) -> None:
    """Runs as headings, their calls beneath, as a stream: a journal may hold millions."""
    say, left = session.terminal.out, list(runs)
    for call in calls:
        while left and left[0].id <= call.run:
            say(_run_line(left.pop(0)))
        say(_call_line(call))
    for run in left:
        say(_run_line(run))


def _run_line(run: PastRun) -> str:
    from turkform.printable import clean
    from turkform.times import format_time

    end = "did not end" if run.ended is None else f"exit {run.exit_code}"
    commit = f", commit {run.commit[:12]}" if run.commit else ""
    return clean(f"run {run.id}  {format_time(run.begun)}  {run.command}, {run.user}@{run.host}{commit}: {end}")


def _call_line(call: Call) -> str:
    from turkform.kinds.resource import Address
    from turkform.printable import clean
    from turkform.times import format_time

    address = str(Address.parse(call.address).item(call.key)) if call.key else call.address
    price = f"  ${call.price}" if call.price else ""
    parts = [format_time(call.endpoint_time), call.operation, address, call.outcome or "open", call.object_id]
    request = f"  request {call.request_id}" if call.request_id else ""
    error = f": {call.error}" if call.error else ""
    return clean("  " + "  ".join(part for part in parts if part) + price + request + error)


def _json_lines(journal: Journal, runs: Iterable[PastRun], calls: Iterator[Call]) -> Iterator[str]:
    """One JSON document, written as it is read."""
    head = {
        "format_version": FORMAT_VERSION,
        "journal": journal.id,
        "campaign": journal.campaign,
        "environment": journal.environment,
        "record": journal.record_id or None,
        "runs": [_run_document(run) for run in runs],
    }
    yield json.dumps(head)[:-1] + ', "calls": ['
    before = next(calls, None)
    while before is not None:
        after = next(calls, None)
        yield "  " + json.dumps(_call_document(before)) + ("," if after is not None else "")
        before = after
    yield "]}"


def _run_document(run: PastRun) -> dict[str, Any]:
    from turkform.times import format_time

    return {
        "id": run.id,
        "command": run.command,
        "user": run.user,
        "host": run.host,
        "commit": run.commit,
        "environment": run.environment,
        "plan": run.plan_digest,
        "begun": format_time(run.begun),
        "ended": format_time(run.ended) if run.ended else None,
        "exit_code": run.exit_code,
    }


def _call_document(call: Call) -> dict[str, Any]:
    from turkform.times import format_time

    return {
        "id": call.id,
        "run": call.run,
        "at": format_time(call.endpoint_time),
        "address": call.address,
        "key": call.key,
        "operation": call.operation,
        "parameters_sha256": call.digest,
        "token": call.token,
        "price": str(call.price),
        "outcome": call.outcome or "open",
        "object_id": call.object_id,
        "request_id": call.request_id,
        "error": call.error,
    }


COMMANDS = (drift, log)
