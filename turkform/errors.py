"""What can go wrong, and with which exit code a command then ends.

    TurkformError                1
    ├── CampaignError            1    mistakes in the user's files, all of them at once
    ├── EndpointError            1    no usable answer before anything was sent
    ├── DeclinedError            1    a person said no, or could not be asked
    ├── UsageError              64    the command line does not fit
    ├── RefusedError             3    policy, budget, impossible, lost journal
    ├── StalePlanError           4    a saved plan is no longer true; nothing was sent
    ├── LeaseHeldError           5    another apply is at work
    ├── PartlyAppliedError       6    some steps failed; every outcome is known
    ├── UnknownOutcomeError      7    what became of a call is not known: `turkform recover`
    └── InterruptedApplyError  130    stopped by a signal, the journal is consistent

A problem in a user's file is found by code that knows the *field path* and placed by `loader`, which
alone knows lines. Everything here is a value: nothing in this module reads or prints.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

FieldPath = tuple[str | int, ...]
"""Where in a document: `("hit_types", "label", "reward")`, list positions as numbers."""


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place in a file; `line` and `column` count from 1, 0 means the file as a whole."""

    path: Path
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return ":".join([str(self.path), *(str(n) for n in (self.line, self.column) if n)])


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem in the user's files: what is wrong with which value, where, and what to do.

    `points_at` tells which of the YAML places a field path has: its `key` (unknown keys), its `value`
    (the usual case) or its `parent` (a key that is missing).
    """

    summary: str
    detail: str = ""
    path: FieldPath = ()
    location: Location | None = None
    severity: Literal["error", "warning", "note"] = "error"
    points_at: Literal["key", "value", "parent"] = field(default="value", compare=False)

    def __str__(self) -> str:
        place = f"{self.location}: " if self.location else ""
        return f"{place}{self.severity}: {self.summary}" + (f"\n  {self.detail}" if self.detail else "")


class TurkformError(Exception):
    """Anything turkform says instead of a traceback; `hint` is what to do next."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class CampaignError(TurkformError):
    """A person's files do not say what is valid; carries every diagnostic in file order."""

    def __init__(self, diagnostics: Iterable[Diagnostic], where: str = "in the campaign files") -> None:
        self.diagnostics = tuple(diagnostics)
        errors = sum(d.severity == "error" for d in self.diagnostics)
        super().__init__(f"{errors} problem{'s' if errors != 1 else ''} {where}")


class EndpointError(TurkformError):
    """The endpoint could not be reached or refused the credentials; nothing was changed."""


class DeclinedError(TurkformError):
    """The answer was no, or nobody could be asked."""


class UsageError(TurkformError):
    """The command line does not fit the command."""

    exit_code = 64


class RefusedError(TurkformError):
    """The plan is complete but must not run: each reason says what to do instead."""

    exit_code = 3

    def __init__(self, reasons: Iterable[str], hint: str = "") -> None:
        self.reasons = tuple(reasons)
        super().__init__("\n".join(self.reasons), hint)


class StalePlanError(TurkformError):
    """The saved plan is not true any more; `moved` lists what moved, and nothing was sent."""

    exit_code = 4

    def __init__(self, moved: Iterable[str]) -> None:
        self.moved = tuple(moved)
        super().__init__("the plan is no longer true:\n" + "\n".join(f"- {m}" for m in self.moved))


class LeaseHeldError(TurkformError):
    """Another apply holds the journal."""

    exit_code = 5


class PartlyAppliedError(TurkformError):
    """Some steps failed and what depended on them was skipped; the outcome of every call is known."""

    exit_code = 6


class UnknownOutcomeError(TurkformError):
    """At least one call was sent whose outcome could not be learned yet."""

    exit_code = 7


class InterruptedApplyError(TurkformError):
    """An apply was told to stop and did; what it had done is in the journal."""

    exit_code = 130
