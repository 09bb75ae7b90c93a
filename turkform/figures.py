"""What can be measured of answers that are stored: how long they took, what they paid by the hour, how fast they come.

In: a `Survey`, the answers store. Out: `Figures` by batch and round, which add up. Eighteen bytes an assignment are
held, so that a million of them have a median.

Time worked is from accepting to handing in, at least a second: nothing tells when a worker looked away. What an
assignment pays by the hour is its reward and bonuses over that time; a rejected one pays its bonuses alone.
"""

from __future__ import annotations

import heapq
import json
from array import array
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple, Self

from turkform.answers import PRICE
from turkform.batch_draft import SOON
from turkform.money import Money

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from turkform.answers import Answers, Work
    from turkform.memory import Memory
    from turkform.money import Fees
    from turkform.observed import BatchKey
    from turkform.survey import Survey

_RECENT = 100
"""So many of the latest answers say how fast they come."""
FEW = 5
"""Fewer answers than this say nothing of a pace, or of what work pays."""
_MOST_RATE = 2**32 - 1
_HOUR = 3_600_000
"""Milliseconds."""


class _Price(NamedTuple):
    """In cents: what a worker gets, and what that costs, fees included."""

    reward: int
    cost: int


_SUMS = (
    "approved", "rejected", "waiting", "gone_hits", "gone_answers", "guessed",
    "paid", "gone_paid", "bonuses", "released", "soon",
)  # fmt: skip


@dataclass(slots=True)
class Figures:
    """What the stored answers of a batch, or of several, come to; money in cents, times in ms since 1970."""

    approved: int = 0
    rejected: int = 0
    waiting: int = 0
    """Handed in, and not reviewed as far as is stored."""
    gone_hits: int = 0
    """HITs that the account has no more."""
    gone_answers: int = 0
    """Answers to them."""
    guessed: int = 0
    """Answers to them whose review was not stored: they count as approved."""
    paid: int = 0
    """For approved assignments, fees included."""
    gone_paid: int = 0
    """Of that, for HITs that are gone."""
    bonuses: int = 0
    """Bonuses, fees included."""
    released: int = 0
    """What rejected assignments of HITs that are there would have cost."""
    next_due: int | None = None
    """When the next answer approves itself."""
    soon: int = 0
    """How many do within `SOON`."""
    seconds: array[int] = field(default_factory=lambda: array("I"))
    """From accepting to handing in."""
    rates: array[int] = field(default_factory=lambda: array("I"))
    """Cents an hour."""
    submitted: array[int] = field(default_factory=lambda: array("q"))
    decided: array[int] = field(default_factory=lambda: array("q"))
    """When they were approved or rejected."""

    @property
    def answers(self) -> int:
        """How many are stored."""
        return len(self.submitted)

    @property
    def median_seconds(self) -> int | None:
        """Half of the answers took no longer."""
        return median(self.seconds)

    @property
    def median_rate(self) -> Money | None:
        """By the hour: half of the answers paid no more."""
        found = median(self.rates)
        return None if found is None else Money(found)

    def pace(self, until: int | None = None) -> float | None:
        """Answers an hour, by the latest hundred; None where there are too few to say.

        `until` is the time up to which all answers are known; without it, the time of the last one that is.
        """
        latest = heapq.nlargest(_RECENT, self.submitted)
        if len(latest) < FEW:
            return None
        return (len(latest) - 1) * _HOUR / max(1_000, (latest[0] if until is None else until) - latest[-1])

    def add(self, work: Work, price: _Price, now: int) -> None:
        """One more assignment, as it stands at `now`."""
        self.submitted.append(work.submitted)
        taken = max(1, (work.submitted - work.accepted) // 1000)
        earned = work.bonus + (0 if work.status == "Rejected" else price.reward)
        self.seconds.append(taken)
        self.rates.append(min(_MOST_RATE, earned * 3600 // taken))
        if work.status == "Submitted":
            self.waiting += 1
            self._due(work, now)
            return
        self.decided.append(work.approved or work.rejected or work.submitted)
        self.rejected += work.status == "Rejected"
        if work.status == "Approved":
            self.approved += 1
            self.paid += price.cost

    def add_gone(self, work: Work, price: _Price, now: int) -> None:
        """One more, of a HIT that is gone: it was reviewed, or it could not have gone."""
        if work.status == "Submitted":
            self.guessed += 1
            work = work._replace(status="Approved", approved=work.due or work.submitted)
        self.gone_answers += 1
        self.gone_paid += price.cost * (work.status == "Approved")
        self.add(work, price, now)

    def _due(self, work: Work, now: int) -> None:
        if work.due is not None and work.due > now:
            self.next_due = min(self.next_due or work.due, work.due)
            self.soon += work.due <= now + SOON // timedelta(milliseconds=1)

    def __iadd__(self, other: Figures) -> Self:
        for name in _SUMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        due = [moment for moment in (self.next_due, other.next_due) if moment is not None]
        self.next_due = min(due, default=None)
        for name in ("seconds", "rates", "submitted", "decided"):
            getattr(self, name).extend(getattr(other, name))
        return self


def median(values: array[int]) -> int | None:
    """The middle one; of an even number, the lower of the two."""
    return sorted(values)[(len(values) - 1) // 2] if values else None


def together(figures: Iterable[Figures]) -> Figures:
    """All of them as one."""
    found = Figures()
    for one in figures:
        found += one
    return found


def measure(survey: Survey, answers: Answers | None) -> Mapping[BatchKey, Figures]:
    """Go once over everything that is stored; nothing where there is no store yet."""
    found: defaultdict[BatchKey, Figures] = defaultdict(Figures)
    if answers is None:
        return found
    now = int(survey.observed.now.timestamp() * 1000)
    fees = survey.desired.target.fees
    live = {hit.id for listed in survey.observed.hits.values() for hits in listed.values() for hit in hits}
    hit_id, price = "", _Price(0, 0)
    ours = _paid(survey.memory)
    for work in answers.work():
        bonus = ours.get(work.assignment_id, _Price(0, 0))
        more = max(0, work.bonus - bonus.reward)  # somebody else's
        work = work._replace(bonus=bonus.reward + more)  # noqa: PLW2901 - the store learns of it at the next fetch
        figures = found[work.batch, work.round]
        gone = work.hit_id not in live
        if work.hit_id != hit_id:
            hit_id, price = work.hit_id, _price(work.about, fees)
            figures.gone_hits += gone
        if gone:
            figures.add_gone(work, price, now)
        else:
            figures.add(work, price, now)
            figures.released += price.cost * (work.status == "Rejected")
        figures.bonuses += bonus.cost + (more + fees.bonus_fee(Money(more)).cents if more else 0)
    return found


def _paid(memory: Memory) -> Mapping[str, _Price]:
    """Assignment → what the journal knows as paid besides the reward; each bonus has a fee of its own."""
    found: dict[str, _Price] = {}
    for paid in memory.bonuses.values():
        before = found.get(paid.assignment, _Price(0, 0))
        found[paid.assignment] = _Price(before.reward + paid.amount, before.cost + paid.cents)
    return found


def _price(about: str, fees: Fees) -> _Price:
    """By what is stored of the HIT; where no price is, by reward and fees."""
    told = json.loads(about)
    reward = Money.parse(told.get("Reward", "0"))
    if PRICE in told:
        return _Price(reward.cents, Money.parse(told[PRICE]).cents)
    fee = fees.fee(reward, assignments=told.get("MaxAssignments", 1), masters=False)
    return _Price(reward.cents, (reward + fee).cents)
