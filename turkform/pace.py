"""How fast calls go out: as fast as the endpoint takes them, and no faster than was asked.

In: a bound from `--rate`, and the endpoint's throttling answers. Out: `wait()`, which every call passes
before it is sent. Without a bound nothing is held back until the endpoint first says no; then the rate
it had been taking is the estimate, held just below and raised in small steps.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_WINDOW = 2.0
"""Seconds over which the endpoint's real rate is measured."""
_BELOW = 0.95
_STEP = 1.02
_EASE = 1.0
"""Seconds without throttling before the rate is raised by one step."""


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
        self._next = clock()
        self._taken: deque[float] = deque()
        self._changed = clock()

    @property
    def rate(self) -> float | None:
        """Calls a second at present; None while nothing holds them back."""
        return self._rate

    def wait(self) -> None:
        """Wait for this call's turn."""
        if self._rate is None:
            return
        with self._lock:
            now = self._clock()
            turn = max(now, self._next)
            self._next = turn + 1 / (self._rate or 1)
        if turn > now:
            self._sleep(turn - now)

    def taken(self) -> None:
        """The endpoint took a call."""
        with self._lock:
            now = self._clock()
            self._taken.append(now)
            self._forget(now)
            if self._rate is not None and self._rate != self._bound and now - self._changed > _EASE:
                self._rate = min(self._rate * _STEP, self._bound or float("inf"))
                self._changed = now

    def throttled(self) -> None:
        """The endpoint said: too fast. Hold just under what it had been taking."""
        with self._lock:
            now = self._clock()
            self._forget(now)
            span = min(_WINDOW, max(0.25, now - self._taken[0])) if self._taken else _WINDOW
            measured = max(1.0, len(self._taken) / span)
            if self._rate is None or now - self._changed > _EASE / 4:
                self._rate = min(measured, self._rate or measured) * _BELOW
                self._changed = now
                self._next = max(self._next, now + 1 / self._rate)

    def _forget(self, now: float) -> None:
        while self._taken and self._taken[0] < now - _WINDOW:
            self._taken.popleft()
