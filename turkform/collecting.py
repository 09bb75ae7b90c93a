"""Fetching what workers handed in, into the answers store; only what is new.

In: a `Survey`, an open `Answers`. Out: a `Collected`. A HIT is asked for its assignments only where its counters say
that more was handed in or reviewed than is stored; a batch of a million costs no call where nothing happened.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from turkform.account import PAGE
from turkform.answers import PRICE, Answers, StoredHIT
from turkform.items import Marker, stored_key
from turkform.kinds.hit_type import HITType
from turkform.kinds.resource import spell
from turkform.memory import NOT_STORED, Stored
from turkform.money import Money
from turkform.pace import Pace
from turkform.pricing import Pricing
from turkform.reviewer import payments
from turkform.times import format_time, from_epoch

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from turkform.hits import HIT
    from turkform.observed import BatchKey
    from turkform.survey import Survey


@dataclass(slots=True)
class Collected:
    """What a fetch brought."""

    hits: int = 0
    """HITs that were asked."""
    answers: int = 0
    """Assignments that are stored of them now."""
    new: int = 0
    """Of those, how many were not stored before."""
    calls: int = 0


@dataclass(frozen=True, slots=True)
class Due:
    """What a fetch would ask for."""

    hits: int = 0
    answers: int = 0
    """Assignments that are handed in and not stored."""
    reviews: int = 0
    """Assignments whose review is not stored."""
    calls: int = 0
    """At most; an endpoint that says at once that a list ends there is asked less."""

    def __add__(self, other: Due) -> Due:
        return Due(
            self.hits + other.hits,
            self.answers + other.answers,
            self.reviews + other.reviews,
            self.calls + other.calls,
        )

    @classmethod
    def of(cls, hit: HIT, stored: Stored) -> Due:
        """Of one HIT."""
        there = handed_in(hit)
        if not there or stored == Stored(there, hit.completed):
            return cls()
        reviews = max(0, hit.completed - stored.reviewed)
        return cls(1, max(0, there - stored.handed_in), reviews, 1 - (-there // PAGE))


def due(survey: Survey, answers: Answers) -> Due:
    """What `collect` would ask for now."""
    stored, found = answers.stored(), Due()
    for listed in survey.observed.hits.values():
        for hits in listed.values():
            for hit in hits:
                found += Due.of(hit, stored.get(hit.id, NOT_STORED))
    return found


class _Wanted(NamedTuple):
    hit: HIT
    about: StoredHIT
    before: Stored


def collect(
    survey: Survey,
    answers: Answers,
    *,
    batches: Collection[str] | None = None,
    bonuses: bool = False,
    rate: float | None = None,
    tell: Callable[[int, int], None] = lambda _done, _total: None,
) -> Collected:
    """Fetch what is new, of all batches or of these permanent ids.

    `bonuses` asks for every HIT with work what bonuses were paid, a call each at least. `rate` is in calls a second;
    `tell` is told how many of how many HITs are done.

    Raises:
        EndpointError: the account cannot be read; what was fetched until then is stored.
    """
    answers.make()
    wanted = list(_wanted(survey, answers, batches, everything=bonuses))
    collected, lock = Collected(), threading.Lock()
    pace = Pace(rate or survey.desired.target.rate)

    def called() -> None:
        with lock:
            collected.calls += 1
        pace.wait()

    def one(want: _Wanted) -> None:
        of: dict[str, str] = {"HITId": want.hit.id}
        pages = survey.account.pages("ListAssignmentsForHIT", "Assignments", before=called, **of)
        found = [assignment for page in pages for assignment in page]
        paid: dict[str, Money] | None = None
        if bonuses and found:
            paid = defaultdict(Money)
            for assignment, bonus in payments(survey.account, before=called, **of):
                paid[assignment] += bonus.amount
        answers.put(want.about, found, bonuses=paid)
        with lock:
            collected.hits += 1
            collected.answers += len(found)
            collected.new += max(0, len(found) - want.before.handed_in)
            tell(collected.hits, len(wanted))

    with ThreadPoolExecutor(survey.desired.target.concurrency) as pool:
        running: set[Future[None]] = set()
        for want in wanted:
            running.add(pool.submit(one, want))
            if len(running) >= 4 * survey.desired.target.concurrency:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    future.result()
        for future in running:
            future.result()
    if paid := _paid(survey):
        answers.note_bonuses(paid)
    return collected


def _paid(survey: Survey) -> Mapping[str, int]:
    """Assignment → cents of bonuses that the journal knows as paid."""
    paid: dict[str, int] = defaultdict(int)
    for bonus in survey.memory.bonuses.values():
        paid[bonus.assignment] += bonus.amount
    return paid


def _wanted(
    survey: Survey, answers: Answers, batches: Collection[str] | None, *, everything: bool
) -> Iterator[_Wanted]:
    """The HITs whose counters say more than is stored, of every round."""
    stored = answers.stored()
    # Of a rejection that was overturned no counter tells.
    overturned = {key for key, rejection in survey.memory.rejections.items() if rejection.overturned}
    changed = answers.rejected(overturned) if overturned else set()
    terms = Pricing(survey.desired, survey.observed, survey.found.ids).observed(None)
    campaign = survey.desired.campaign.campaign
    for batch, listed in sorted(survey.observed.hits.items()):
        if batches is not None and batch[0] not in batches:
            continue
        wanted = [
            (key, hit)
            for key, hits in listed.items()
            for hit in hits
            if handed_in(hit) and (everything or hit.id in changed or Due.of(hit, stored.get(hit.id, NOT_STORED)).hits)
        ]
        rows = _rows(survey, batch, {key for key, _ in wanted})
        for key, hit in wanted:
            marker = Marker(campaign, *batch, hit.key, hit.generation, hit.version, hit.fingerprint)
            about = _about(hit, survey) | {
                "RequesterAnnotation": str(marker),
                PRICE: str(Money(terms[hit.type_id].unit(hit.maximum))),
            }
            stored_hit = StoredHIT(hit.id, *batch, key, rows.get(key, {}), about)
            yield _Wanted(hit, stored_hit, stored.get(hit.id, NOT_STORED))


def handed_in(hit: HIT) -> int:
    """Assignments that were submitted, reviewed ones among them."""
    return max(0, hit.maximum - hit.available - hit.pending)


def _rows(survey: Survey, batch: BatchKey, keys: Collection[str]) -> Mapping[str, Mapping[str, str]]:
    """The rows of these stored keys, as the data has them now: a key names a row in every round."""
    publications = [found for found in survey.found.publications.values() if found.batch[0] == batch[0]]
    source = next((found.source for found in publications if found.source is not None), None)
    if source is None or not keys:
        return {}
    rekeyed = next((found.matching.rekeyed for found in publications if found.batch == batch), {})
    named = ((stored_key(item.key), item) for item in source.items())
    return {under: item.row for key, item in named if (under := rekeyed.get(key, key)) in keys}


def _about(hit: HIT, survey: Survey) -> dict[str, Any]:
    """Terms and times as the API spells them, for a HIT that may be gone when they are asked for."""
    terms = survey.observed.terms[hit.type_id]
    said = {wire.name: spell(terms.get(name)) for name, wire in HITType.wires().items() if name != "requirements"}
    return {
        "HITTypeId": hit.type_id,
        **{name: value for name, value in said.items() if value is not None},
        "MaxAssignments": hit.maximum,
        "CreationTime": format_time(from_epoch(hit.created)),
        "Expiration": format_time(from_epoch(hit.expires)),
        "LifetimeInSeconds": round(hit.expires - hit.created),
    }
