"""The emergency stop: expire HITs now, without a plan, because it can only save money.

In: a survey and the addresses to close. Out: a `Report`. It waits for no lease: it seizes the journal,
which stops a running apply at its next call, and then expires. Afterwards nothing reopens by itself.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from turkform.account import CallUnansweredError
from turkform.apply import Failure, Report, RunInfo
from turkform.errors import TurkformError, UsageError
from turkform.items import stored_key
from turkform.pace import Pace
from turkform.publication import ItemChange, Op, Publication
from turkform.publisher import Publisher
from turkform.sender import Sender, Stop

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from turkform.journal import Journal
    from turkform.kinds.resource import Address
    from turkform.observed import HIT
    from turkform.survey import Survey


def close(
    survey: Survey, journal: Journal, addresses: Iterable[Address] | None, *, run: RunInfo, stop: Stop | None = None
) -> Report:
    """Expire every open HIT under the addresses; None closes the whole campaign.

    Raises:
        UsageError: an address that has no HITs.
    """
    wanted = None if addresses is None else list(addresses)
    targets = list(_open(survey, wanted))
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
    with session, ThreadPoolExecutor(survey.desired.target.concurrency) as pool:
        sender = Sender(survey.account, session, Pace(survey.desired.target.rate), stop or Stop())

        def one(target: tuple[Address, Publication, HIT]) -> None:
            address, publication, hit = target
            publisher = Publisher(
                sender, survey.desired.campaign.campaign, address, publication, lambda: "", ending="close"
            )
            change = ItemChange(hit.key, hit.key, (Op.CLOSE,), (0,), hit, hit.generation, hit.fingerprint)
            try:
                publisher.expire(change)
            except CallUnansweredError as error:
                report.unknown.append(Failure(address.item(hit.key), str(error), error.hint))
            except TurkformError as error:
                report.failed += 1
                report.failures.append(Failure(address.item(hit.key), str(error), error.hint))
            else:
                report.done["close"] += 1

        list(pool.map(one, targets))
        session.end(report.exit_code)
    return report


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
