"""How fast calls go out: as fast as the endpoint takes them, and no faster than was asked.

In: a bound from `--rate`, and how the endpoint answers. Out: `wait()`, which every call passes before it is
sent. Without a bound nothing is held back until the endpoint first says no. From then on the answers are
counted in windows of a second or more:

    many refused      the endpoint was asked for all it had, so what it took is its rate: hold just below
    a few refused     a small step down
    none refused      a small step up; a large one while its rate was never found, or not met for long

Adding while it goes well and halving when it does not, as networks do, reaches 0.73 to 0.91 of a limit.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_WINDOW = 1.0
_CALLS = 50
"""A window lasts so many seconds, and so many calls: fewer would tell the rate too roughly."""
_MANY = 0.05
_BELOW = 0.985
_DOWN = 0.99
_UP = 0.0025
"""By so much a second it is raised."""
_LEAST = 0.9
"""No window cuts a rate that was found by more: where calls come unevenly, a short allowance refuses some of them."""
_LEAP = 1.5
_LONG = 30
_FASTER = 10
"""After so many windows without a refusal the limit may have been lifted: so many times as fast upwards."""
_LATE = 0.05
"""Turns missed by so many seconds are made up for: a busy machine wakes its threads late."""
_MET = 0.7
"""So much of the rate must have been used, or its window says nothing about a higher one."""


class Pace:
    """One limiter for all threads of an apply; rates are calls a second."""

    def __init__(
        self,
        bound: float | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._bound = bound
        self._rate = bound
        self._clock, self._sleep = clock, sleep
        self._lock = threading.Lock()
        self._next = self._since = clock()
        self._taken = self._refused = self._clean = 0
        self._found = False
        self._out = self._stale = 0
        """Calls that passed and were not answered yet; and those of them that tell of a time before the rate."""

    @property
    def rate(self) -> float | None:
        """Calls a second at present; None while nothing holds them back."""
        return self._rate

    def wait(self) -> None:
        """Wait for this call's turn."""
        with self._lock:
            self._out += 1
            if self._rate is None:
                return
            now = self._clock()
            turn = max(now - _LATE, self._next)
            self._next = turn + 1 / self._rate
        if turn > now:
            self._sleep(turn - now)

    def taken(self) -> None:
        """The endpoint took a call."""
        with self._lock:
            if self._fresh():
                self._taken += 1
                self._look()

    def throttled(self) -> None:
        """The endpoint said: too fast."""
        with self._lock:
            if self._rate is None:
                # What it took so far is a first guess; the answers still under way say nothing of it.
                self._set(_LEAP * self._measured(), found=False)
                self._stale = self._out
            if self._fresh():
                self._refused += 1
                self._look()

    def _fresh(self) -> bool:
        """Whether the answer that came tells of the present rate."""
        self._out -= 1
        self._stale -= self._stale > 0
        return not self._stale

    def _measured(self) -> float:
        """Calls a second that were taken in this window."""
        return max(1.0, self._taken) / max(0.05, self._clock() - self._since)

    def _look(self) -> None:
        """At the end of a window, decide on the rate of the next."""
        if self._rate is None:
            return
        asked, passed = self._taken + self._refused, self._clock() - self._since
        if passed < _WINDOW or (asked < _CALLS and asked < 2 * self._rate * passed and passed < _CALLS / self._rate):
            return
        self._clean = 0 if self._refused else self._clean + 1
        if self._refused > _MANY * asked:
            least = _LEAST * self._rate if self._found else 0.0
            self._set(max(least, _BELOW * self._measured()), found=True)
        elif self._refused:
            self._set(_DOWN * self._rate, found=self._found)
        elif asked >= _MET * self._rate * passed:
            up = 1 + _UP * passed * (1 if self._clean < _LONG else _FASTER)
            self._set((up if self._found else _LEAP) * self._rate, found=self._found)
        else:
            self._set(self._rate, found=self._found)

    def _set(self, rate: float, *, found: bool) -> None:
        """Begin a window at a rate."""
        self._rate = min(rate, self._bound or rate)
        self._found = found
        self._taken = self._refused = 0
        self._since = self._clock()
