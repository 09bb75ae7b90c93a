"""Faults: trouble on request, so that whatever speaks to the marketplace can be proven against it.

    throttle=20/s       calls beyond a token bucket of 20 a second, burst a tenth: ThrottlingException
    delay=50ms          half before a call is carried out, half before its answer leaves
    error=0.01          this share of calls: ServiceFault with HTTP 500, nothing done
    lost-request=0.01   this share: the connection closes, nothing done
    lost-answer=0.01    this share: carried out, then the connection closes
    duplicate=0.01      this share: carried out twice, as a proxy that repeats would; the second answer leaves
    stale-list=30s      lists lack what was made less than 30 s ago, by the marketplace's clock
    seed=1              the same calls meet the same fate again

In: such words, at the start or through control. Out: the fate of each call, and how often each fault struck.
`troubled` carries it out; what lists lack, `Context.listed` knows. Every call draws the same number of random
numbers, so one fault does not move another.
"""

from __future__ import annotations

import random
import re
import time
from collections import Counter
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_RATE = re.compile(r"(\d+(?:\.\d+)?)/s")
_MEANT = {
    "rate": "a number of calls a second, like 20/s",
    "duration": "a duration, like 50ms or 30s",
    "share": "a share of calls between 0 and 1, like 0.01",
    "number": "a whole number",
}


class FaultError(ValueError):
    """A word that names no fault; the message says what would."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """What was asked for: calls a second, seconds, shares of calls."""

    throttle: float = 0.0
    delay: float = 0.0
    error: float = 0.0
    lost_request: float = 0.0
    lost_answer: float = 0.0
    duplicate: float = 0.0
    stale_list: float = 0.0
    seed: int = 0

    @classmethod
    def named(cls, words: Iterable[str]) -> Trouble:
        """Read `name=value` words; a later one wins.

        Raises:
            FaultError: no such fault, or a value that does not fit it.
        """
        found: dict[str, Any] = {}
        for word in words:
            name, _, value = word.partition("=")
            kind = _KINDS.get(name)
            if kind is None:
                raise FaultError(f'there is no fault "{name}". Faults are {", ".join(_KINDS)}')
            number = _number(kind, value)
            if number is None:
                raise FaultError(f'{name} wants {_MEANT[kind]}, not "{value}"')
            found[name.replace("-", "_")] = number
        return cls(**found)

    def words(self) -> list[str]:
        """The same as words."""
        shown = {"rate": "{:g}/s", "duration": "{:g}s", "share": "{:g}", "number": "{:d}"}
        given = {field.name.replace("_", "-"): getattr(self, field.name) for field in fields(self)}
        return [f"{name}={shown[_KINDS[name]].format(value)}" for name, value in given.items() if value]


_KINDS = {
    "throttle": "rate", "delay": "duration", "error": "share", "lost-request": "share", "lost-answer": "share",
    "duplicate": "share", "stale-list": "duration", "seed": "number",
}  # fmt: skip


def _number(kind: str, text: str) -> float | None:
    if kind == "rate":
        match = _RATE.fullmatch(text)
        return float(match[1]) if match and float(match[1]) else None
    if kind == "duration":
        match = _DURATION.fullmatch(text)
        return float(match[1]) * _UNITS[match[2]] if match else None
    if kind == "number":
        return int(text) if re.fullmatch(r"\d{1,18}", text) else None
    return float(text) if re.fullmatch(r"0(\.\d+)?|1(\.0+)?", text) else None


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of one call; `delay` in seconds."""

    throttled: bool = False
    error: bool = False
    lost_request: bool = False
    lost_answer: bool = False
    duplicate: bool = False
    delay: float = 0.0


SPARED = Fate()


class Faults:
    """The faults of one server, which can be changed while it runs."""

    def __init__(self, trouble: Trouble | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.set(trouble or Trouble())

    def set(self, trouble: Trouble) -> None:
        """Begin anew with these: the bucket is full, the random numbers and the counts start over."""
        self.trouble = trouble
        self.counts: Counter[str] = Counter()
        self._random = random.Random(trouble.seed)  # noqa: S311 - repeatable on purpose, and no secret
        self._burst = max(1.0, trouble.throttle / 10)
        self._tokens, self._filled = self._burst, self._clock()

    def fate(self) -> Fate:
        """The fate of the next call; a call that is throttled meets nothing else."""
        trouble = self.trouble
        if trouble == Trouble():
            return SPARED
        self.counts["calls"] += 1
        struck = {name: self._random.random() < getattr(trouble, name) for name in _SHARES}
        if trouble.throttle and not self._take():
            self.counts["throttle"] += 1
            return Fate(throttled=True)
        # One trouble a call: the first in this order, from what never arrived to what was done twice.
        for name in _SHARES:
            if struck[name]:
                self.counts[name.replace("_", "-")] += 1
                return Fate(delay=trouble.delay, **{name: True})
        return Fate(delay=trouble.delay)

    def _take(self) -> bool:
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._filled) * self.trouble.throttle)
        self._filled = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


_SHARES = ("lost_request", "error", "lost_answer", "duplicate")
