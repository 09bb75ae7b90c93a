"""What an apply did and what others did, drawn for people and written for programs."""

from __future__ import annotations

import shlex
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from turkform.errors import InterruptedApplyError, PartlyAppliedError, UnknownOutcomeError
from turkform.printable import brief, clean, many

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from turkform.cli.session import Session
    from turkform.drift import Finding
    from turkform.journal import Journal
    from turkform.outcomes import Failure, Report

FORMAT_VERSION = "1.0"
"""Of the documents that `--json` prints; readers may meet new keys within one major version."""
SHOWN = 8
"""So many published HITs, failures and skipped steps are named."""

_DONE = {
    "create": "created",
    "update": "updated",
    "delete": "deleted",
    "replace": "replaced",
    "revert": "no longer Reviewing",
    "move": "moved to new terms",
    "extend": "given more assignments",
    "prolong": "given a new end",
    "close": "expired",
    "retire": "retired",
    "discard": "deleted with their answers",
    "archive": "deleted, their answers stored",
    "rekey": "re-keyed",
    "approve": "approved",
    "reject": "rejected",
    "overturn": "approved after all",
    "bonus": "bonuses paid",
}


def published(journal: Journal) -> list[tuple[str, str]]:
    """Address and HIT id of the first HITs that the last run published, and one more to tell that there are more."""
    from turkform.kinds.resource import Address

    runs = journal.runs()
    calls = journal.calls(run=runs[-1].id, operation="CreateHITWithHITType") if runs else iter(())
    done = ((str(Address.parse(c.address).item(c.key)), c.object_id) for c in calls if c.object_id)
    return sorted(islice(done, SHOWN + 1))


def report_document(report: Report, plan: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What was done, for programs."""
    from turkform.money import Money

    def failures(found: Sequence[Failure]) -> list[dict[str, str]]:
        return [{"address": str(f.address), "message": f.message, "hint": f.hint} for f in found]

    return {
        "format_version": FORMAT_VERSION,
        "plan": {"id": plan["id"], "digest": plan["digest"], "price": plan["price"]["total"]} if plan else None,
        "exit_code": report.exit_code,
        "interrupted": report.interrupted,
        "done": dict(report.done),
        "narrowed": dict(report.narrowed),
        "failed": report.failed,
        "failures": failures(report.failures),
        "unknown": failures(report.unknown),
        "skipped": [{"address": str(address), "because": because} for address, because in report.skipped],
        "waits": [{"address": str(address), "reason": reason} for address, reason in report.waits],
        "committed": str(Money(report.cents)),
    }


def draw_report(session: Session, report: Report, hits: Sequence[tuple[str, str]] = ()) -> None:
    """What was done, on stdout."""
    from turkform.money import Money

    say = session.terminal.out
    done = [f"{count:,} {_DONE.get(word, word)}" for word, count in sorted(report.done.items()) if count]
    spent = f" Committed by it: ${Money(report.cents)}." if report.cents else ""
    say(f"\nDone: {', '.join(done) or 'nothing'}.{spent}")
    for word, count in sorted(report.narrowed.items()):
        say(f"  {count:,} {clean(word)}")
    for address, reason in report.waits:
        say(f"  {clean(str(address))} waits: {clean(reason)}")
    if hits:
        say("Published:")
        for item, hit in hits[:SHOWN]:
            say(f"  {clean(item)}  {clean(hit)}")
        if len(hits) > SHOWN:
            say(f"  … all of them: {invocation(session, 'log')}")


def draw_next(session: Session, hit: str) -> None:
    """What a person may want to do now; `hit` is one that can be played with, where it can."""
    rows = [("how far the workers are", "status")]
    if hit:
        rows.append(("play a worker", f'worker submit --hit {hit} --worker A2PLAYED --answers \'{{"answer": "1"}}\''))
    rows.append(("stop everything now", "close --all"))
    session.terminal.out("\nNext:")
    for text, words in rows:
        session.terminal.out(f"  {text + ':':<25}{invocation(session, words)}")


def invocation(session: Session, words: str) -> str:
    """The command line that does something with this very campaign."""
    folder = [] if session.folder == Path() else ["-C", shlex.quote(str(session.folder))]
    environment = ["--env", session.environment] if session.environment else []
    return " ".join(["turkform", *folder, *environment, words])


def tell_failures(session: Session, report: Report, *, again: str = "apply") -> None:
    """Every failure once, with what to do, and what was skipped because of it; `again` is what to run to go on.

    Raises:
        UnknownOutcomeError: what became of some calls is not known.
        InterruptedApplyError: it was told to stop.
        PartlyAppliedError: some steps failed or were skipped.
    """
    for failure in [*report.failures[:SHOWN], *report.unknown[:SHOWN]]:
        message = failure.message if failure.message.startswith(str(failure.address)) else ""
        session.terminal.failure(message or f"{failure.address}: {failure.message}", failure.hint)
    for address, because in report.skipped[:SHOWN]:
        session.terminal.failure(f"{address}: skipped, because {because}", "")
    if report.interrupted:
        raise InterruptedApplyError(
            report.stopped_by or "stopped; what was done is in the journal",
            f"To go on: {invocation(session, again)}",
        )
    if report.unknown:
        raise UnknownOutcomeError(
            f"what became of {many(len(report.unknown), 'call')} is not known",
            f"Wait a minute, then: {invocation(session, 'recover')}",
        )
    if report.exit_code:
        skipped = f", {len(report.skipped):,} skipped because of that" if report.skipped else ""
        raise PartlyAppliedError(
            f"{report.failed:,} failed{skipped}; everything else was done",
            f"Put right what the messages say, then: {invocation(session, again)}",
        )


# --- drift ----------------------------------------------------------------------------------------


def draw_drift(session: Session, findings: Sequence[Finding]) -> None:
    """What moved without us, on stdout: interference first."""
    say = session.terminal.out
    if not findings:
        say("No drift: everything is as our applies left it.")
    for finding in findings:
        count = f": {many(finding.count, 'HIT')}" if finding.count else ""
        say(clean(f"{finding.cause:<12}  {finding.address} {finding.text}{count}"))
        if finding.keys and finding.cause == "interference":
            named = ", ".join(brief(key) for key in finding.keys)
            left = finding.count - len(finding.keys)
            say(f"{'':<14}{named}" + (f" and {left:,} more" if left else ""))
    if any(finding.cause == "interference" for finding in findings):
        say("\nSomebody else did what is marked interference. `turkform plan` says what would be done about it.")
