"""The limiter against a token bucket, on a simulated clock: no test here takes time."""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass, field

import pytest

from turkform.pace import Pace


@dataclass
class World:
    """An endpoint with a limit, threads that ask it, and their clock."""

    limit: float
    threads: int
    latency: float
    calls: int
    bound: float | None = None
    now: float = 0.0
    turn: float = 0.0
    taken: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)

    def run(self) -> None:
        pace = Pace(self.bound, clock=lambda: self.now, sleep=self.sleep)
        chance = random.Random(1)  # noqa: S311 - jitter
        room = burst = max(1.0, self.limit / 10)
        filled, left = 0.0, self.calls
        events = [(0.0, thread, "ask") for thread in range(self.threads)]
        while events:
            self.now, thread, what = heapq.heappop(events)
            if what == "next":
                left -= 1
                what = "ask" if left >= self.threads else "end"
            if what == "ask":
                self.turn = 0.0
                pace.wait()
                heapq.heappush(events, (self.now + self.turn, thread, "send"))
            elif what == "send":
                heapq.heappush(events, (self.now + self.latency * chance.uniform(0.4, 0.6), thread, "arrive"))
            elif what == "arrive":
                room, filled = min(burst, room + (self.now - filled) * self.limit), self.now
                answer = "taken" if room >= 1 else "refused"
                room -= answer == "taken"
                (self.taken if answer == "taken" else self.refused).append(self.now)
                heapq.heappush(events, (self.now + self.latency / 2, thread, answer))
            elif what == "taken":
                pace.taken()
                heapq.heappush(events, (self.now, thread, "next"))
            elif what == "refused":
                pace.throttled()
                heapq.heappush(events, (self.now + chance.uniform(0.025, 0.075), thread, "ask"))

    def sleep(self, seconds: float) -> None:
        self.turn = seconds

    def second_half(self) -> tuple[float, float]:
        """Calls a second that were taken, as a share of the limit, and how many were refused for each of them."""
        half = self.taken[len(self.taken) // 2 :]
        refused = sum(at >= half[0] for at in self.refused)
        return len(half) / (half[-1] - half[0]) / self.limit, refused / len(half)


@pytest.mark.parametrize(
    ("limit", "threads", "latency"),
    [(20, 8, 0.05), (20, 64, 0.005), (100, 8, 0.05), (100, 64, 0.05), (400, 64, 0.05), (400, 64, 0.005)],
)
def test_a_limit_is_found_and_met_with_few_refusals(limit: float, threads: int, latency: float) -> None:
    world = World(limit, threads, latency, calls=int(60 * limit))
    world.run()
    rate, refused = world.second_half()
    assert rate >= 0.97
    assert refused < 0.02


def test_nothing_is_held_back_by_an_endpoint_that_takes_everything() -> None:
    world = World(limit=1e9, threads=8, latency=0.1, calls=800)
    world.run()
    assert not world.refused
    assert world.now == pytest.approx(10.0, rel=0.1)


def test_a_bound_is_kept_whatever_the_endpoint_would_take() -> None:
    world = World(limit=1e9, threads=8, latency=0.01, calls=400, bound=20)
    world.run()
    assert world.now == pytest.approx(20.0, rel=0.03)


def test_a_bound_above_the_limit_gives_way_to_it() -> None:
    world = World(limit=50, threads=16, latency=0.05, calls=3000, bound=200)
    world.run()
    rate, refused = world.second_half()
    assert rate >= 0.97
    assert refused < 0.02
