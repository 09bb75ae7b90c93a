"""What an apply tells while it is at work, and what it came to.

In: what happens, from any thread. Out: `Event`s for whoever watches, and a `Report` with its exit code.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from turkform.errors import InterruptedApplyError, PartlyAppliedError, UnknownOutcomeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from turkform.kinds.resource import Address

_TELL = 0.1
"""Seconds between two progress events of one step."""


@dataclass(frozen=True, slots=True)
class RunInfo:
    """Who applies, for the audit trail."""

    command: str
    user: str = ""
    host: str = ""
    commit: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """Something a person may want to see: `begin`, `item`, `done`, `failed`, `skipped`, `narrowed`, `waiting`."""

    kind: str
    address: Address
    op: str = ""
    done: int = 0
    total: int = 0
    cents: int = 0
    text: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """A step or an item that failed, and what to do."""

    address: Address
    message: str
    hint: str = ""


@dataclass(slots=True)
class Report:
    """What an apply did."""

    done: Counter[str] = field(default_factory=Counter)
    """Op or action → how many."""
    failures: list[Failure] = field(default_factory=list)
    skipped: list[tuple[Address, str]] = field(default_factory=list)
    narrowed: Counter[str] = field(default_factory=Counter)
    unknown: list[Failure] = field(default_factory=list)
    waits: list[tuple[Address, str]] = field(default_factory=list)
    cents: int = 0
    interrupted: bool = False
    stopped_by: str = ""
    """Who took the lease away, where that was it."""
    begun: bool = False
    """Something may have been sent."""
    failed: int = 0
    """Failed items and steps in all; `failures` names the first hundred."""

    @property
    def exit_code(self) -> int:
        """As the command ends: see `errors`."""
        if self.interrupted:
            return InterruptedApplyError.exit_code
        if self.unknown:
            return UnknownOutcomeError.exit_code
        return PartlyAppliedError.exit_code if self.failed or self.skipped else 0


class Meter:
    """Counts one step's items and tells at most ten times a second."""

    def __init__(self, address: Address, total: int, tell: Callable[[Event], None]) -> None:
        self.address, self.total, self.tell = address, total, tell
        self.done, self.cents = 0, 0
        self._lock = threading.Lock()
        self._told = 0.0

    def begin(self) -> None:
        """Say how many there are."""
        self.tell(Event("begin", self.address, total=self.total))

    def step(self, count: int, cents: int) -> None:
        """Count what was done, and its price."""
        with self._lock:
            self.done += count
            self.cents += cents
            now = time.monotonic()
            due = now - self._told >= _TELL
            if due:
                self._told = now
            event = Event("item", self.address, "", self.done, self.total, self.cents)
        if due:
            self.tell(event)

    def end(self) -> None:
        """Say how far it came."""
        self.tell(Event("done", self.address, "", self.done, self.total, self.cents))
