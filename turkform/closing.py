"""The emergency stop: expire HITs now, without a plan, because it can only save money.

In: a survey and the addresses to close. Out: a `Report`. It waits for no lease: it seizes the journal,
which stops a running apply at its next call. What that apply had under way is let come in, and the account
is read again; then every open HIT is expired. Afterwards nothing reopens by itself.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from turkform.account import CallUnansweredError
from turkform.errors import InterruptedApplyError, TurkformError, UsageError
from turkform.item_change import ItemChange, Op
from turkform.items import stored_key
from turkform.kinds.resource import Address
from turkform.outcomes import Failure, Report, RunInfo
from turkform.pace import Pace
from turkform.publication import SETTLING, Publication
from turkform.publisher import Publisher
from turkform.recovery import settle
from turkform.sender import Sender, Stop
from turkform.survey import survey as look

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from turkform.entries import Call
    from turkform.hits import HIT
    from turkform.journal import Journal
    from turkform.run import Run
    from turkform.survey import Survey

UNDER_WAY = 5.0
"""Seconds that calls of the apply which was stopped may take to be answered; then they count as unknown."""
_GLANCE = 0.25
"""Seconds between two looks at them."""


def close(
    survey: Survey,
    journal: Journal,
    addresses: Iterable[Address] | None,
    *,
    run: RunInfo,
    stop: Stop | None = None,
    patience: float = UNDER_WAY,
) -> Report:
    """Expire every open HIT under the addresses; None closes the whole campaign.

    `patience` is in seconds: how long to wait for what a running apply had under way.

    Raises:
        UsageError: an address that has no HITs.
    """
    wanted = None if addresses is None else list(addresses)
    list(_open(survey, wanted))  # a wrong address stops nobody
    session = journal.begin(
        command=run.command,
        plan_digest="",
        intent="",
        environment=survey.desired.target.name,
        commit=run.commit,
        user=run.user,
        host=run.host,
        now=survey.observed.now,
        seize=True,
    )
    report = Report()
    with session:
        left = _await(journal, session, patience)
        if journal.mark() != (survey.memory.mark[0] + 1, survey.memory.mark[1]) or session.seized:
            survey = look(survey.desired, survey.account, journal, survey.choices)
        unsettled = {call.id for call in settle(survey, session)}
        left = [call for call in left if call.id in unsettled]
        sender = Sender(survey.account, session, Pace(survey.desired.target.rate), stop or Stop())
        _expire(survey, sender, list(_open(survey, wanted)), report)
        for call in left:
            text = f"{call.operation} of the apply that was stopped is not answered yet; what it did may be open"
            report.unknown.append(Failure(Address.parse(call.address).item(call.key), text, "Close again in a minute."))
        session.end(report.exit_code)
    return report


def _await(journal: Journal, session: Run, patience: float) -> list[Call]:
    """Let the calls come in that another run had under way; returns those that did not."""
    deadline = time.monotonic() + patience
    while True:
        left = [call for call in journal.open_intents() if call.epoch < session.epoch and _young(call)]
        if not left or not session.seized or time.monotonic() >= deadline:
            return left
        time.sleep(_GLANCE)


def _young(call: Call) -> bool:
    return time.time() - call.local_time.timestamp() < SETTLING


def _expire(survey: Survey, sender: Sender, targets: list[tuple[Address, Publication, HIT]], report: Report) -> None:
    def one(target: tuple[Address, Publication, HIT]) -> None:
        address, publication, hit = target
        campaign = survey.desired.campaign.campaign
        publisher = Publisher(sender, campaign, address, publication, lambda: "", ending="close")
        change = ItemChange(hit.key, hit.key, (Op.CLOSE,), (0,), hit, hit.generation, hit.fingerprint)
        try:
            publisher.expire(change)
        except InterruptedApplyError as error:
            report.interrupted, report.stopped_by = True, str(error)
        except CallUnansweredError as error:
            report.unknown.append(Failure(address.item(hit.key), str(error), error.hint))
        except TurkformError as error:
            report.failed += 1
            report.failures.append(Failure(address.item(hit.key), str(error), error.hint))
        else:
            report.done["close"] += 1

    with ThreadPoolExecutor(survey.desired.target.concurrency) as pool:
        list(pool.map(one, targets))


def _open(survey: Survey, wanted: list[Address] | None) -> Iterator[tuple[Address, Publication, HIT]]:
    """The HITs that can still be found, of every round, under the addresses."""
    now = survey.observed.now.timestamp()
    publications = survey.found.publications
    for address in wanted or ():
        if address.parent not in publications:
            raise UsageError(f"{address} has no HITs here", f"Close one of {', '.join(map(str, publications))}.")
    for address, publication in publications.items():
        for key, hits in publication.hits.items():
            item = address.item(key)
            if wanted is None or any(w == address or _same(w, item) for w in wanted):
                yield from ((address, publication, hit) for hit in hits if hit.expires > now)


def _same(wanted: Address, item: Address) -> bool:
    return wanted.key is not None and wanted.parent == item.parent and stored_key(wanted.key) == item.key
