"""The simulation: people who come, work and leave, in an order and at times that their seed decides.

In: people, a clock that can be moved on. Out: a `Summary`. One thing happens after the other, each at its own moment
of the marketplace's time; so the same seed meets the same account in the same way, and a week of work takes as long
as its requests do.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from turkform.marketplace.crowd.people import Person, Task

_PATIENCE: Final = 3
"""So often somebody takes up again what was not done the first time."""
_MARGIN: Final = 60
"""Seconds after which a place that nobody used is surely free again: requests take a time that no seed decides."""


class Clock(Protocol):
    """The marketplace's time, which can be moved on."""

    def reach(self, moment: float) -> None:
        """Let time pass until this moment, in seconds since the simulation began."""
        ...


@dataclass(frozen=True, slots=True)
class Bounds:
    """Where a simulation ends at the latest: tasks handed in by all, and by each; seconds of the marketplace's time."""

    tasks: int
    each: int
    seconds: float


@dataclass(slots=True)
class Summary:
    """What happened. `unanswered` were returned because their page had nothing to fill in, `refused` came too late."""

    workers: int = 0
    accepted: int = 0
    submitted: int = 0
    returned: int = 0
    abandoned: int = 0
    unanswered: int = 0
    refused: int = 0
    qualifications: int = 0
    seconds: float = 0.0
    by_worker: dict[str, int] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Tasks handed in in an hour of the marketplace's time."""
        return self.submitted * 3600 / self.seconds if self.seconds else 0.0


def simulate(people: Sequence[Person], clock: Clock, bounds: Bounds, pace: float) -> Summary:
    """Let people work until nothing is left for them, or a bound is reached. They come within `pace` seconds."""
    return _Simulation(people, clock, bounds, pace).run()


class _Simulation:
    def __init__(self, people: Sequence[Person], clock: Clock, bounds: Bounds, pace: float) -> None:
        self._people, self._clock, self._bounds = people, clock, bounds
        self._held: dict[int, Task] = {}
        self._lapses: list[float] = []
        self._agenda = [(person.chance("comes").random() * pace, n) for n, person in enumerate(people)]
        self._found = Summary(workers=len(people))

    def run(self) -> Summary:
        heapq.heapify(self._agenda)
        now = 0.0
        while self._agenda and self._agenda[0][0] <= self._bounds.seconds:
            now, number = heapq.heappop(self._agenda)
            self._clock.reach(now)
            following = self._hand_in(number, now) if number in self._held else self._begin(number, now)
            if following is not None:
                heapq.heappush(self._agenda, (following, number))
        self._found.seconds = now
        self._found.qualifications = sum(person.qualifications for person in self._people)
        return self._found

    def _begin(self, number: int, now: float) -> float | None:
        """Let a person look for a task: the moment of the next thing, or None to leave."""
        person, found = self._people[number], self._found
        mine = found.by_worker.get(person.worker, 0)
        if found.submitted + len(self._held) >= self._bounds.tasks or mine >= self._bounds.each:
            return None
        soon = [lapse for lapse in self._lapses if now < lapse <= now + _MARGIN]
        if soon:
            # Whether that place is free by now would be chance.
            return min(soon)
        task = person.accept()
        if task is None:
            # Places that others hold and do not use come back; who found nothing looks again then.
            later = [lapse for lapse in self._lapses if lapse > now]
            return min(later) if later else None
        found.accepted += 1
        if person.mind(task) == "abandon":
            found.abandoned += 1
            if task.again >= _PATIENCE:
                person.shun(task)
            lapse = now + task.seconds + _MARGIN
            self._lapses.append(lapse)
            return lapse
        self._held[number] = task
        return now + person.seconds_for(task)

    def _hand_in(self, number: int, now: float) -> float:
        person, task, found = self._people[number], self._held.pop(number), self._found
        outcome = "returned" if person.mind(task) == "return" else person.submit(task)
        if outcome in {"returned", "unanswered"}:
            person.give_back(task)
        if outcome != "submitted" and (outcome != "returned" or task.again >= _PATIENCE):
            person.shun(task)
        setattr(found, outcome, getattr(found, outcome) + 1)
        if outcome == "submitted":
            found.by_worker[person.worker] = found.by_worker.get(person.worker, 0) + 1
        return now + 1
