"""Eligibility: whether anybody can meet the requirements of a HIT type, all of them together.

In: a HIT type. Out: `Finding`s, each about one of its requirements: what excludes everybody, what stands twice,
and what reads otherwise than it works.

Source: "QualificationRequirement" in the API reference (read 25 Nov 2026): all requirements must hold; a worker
without a qualification fails every comparison but DoesNotExist; a subdivision is part of its country.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from turkform.kinds.requirement import LOCALE, SYSTEM_TYPES, Requirement

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_RANGES = {
    # Values that the system qualifications can have.
    SYSTEM_TYPES["percent_approved"]: (0, 100),
    SYSTEM_TYPES["hits_approved"]: (0, 2**31 - 1),
    SYSTEM_TYPES["adult"]: (0, 1),
}
_SMALLEST, _LARGEST = -(2**31), 2**31 - 1


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about the requirement of this number, counted from 0."""

    number: int
    summary: str
    detail: str
    severity: Literal["error", "warning", "note"] = "error"


def judge(requirements: Iterable[Requirement], best: Mapping[str, int] = {}) -> Iterator[Finding]:
    """Everything that is to be said about requirements that must hold together.

    `best` is the highest value that the tests of the campaign's own types can give.
    """
    subjects: dict[str, _Subject] = {}
    seen: dict[str, int] = {}
    for number, requirement in enumerate(requirements):
        text = repr(requirement)
        if text in seen:
            said = f"the requirement on {_name(requirement)} stands twice"
            yield Finding(number, said, f"It counts once; remove it, or number {seen[text] + 1}.", "note")
            continue
        seen[text] = number
        subject = subjects.setdefault(_key(requirement), _Subject(_name(requirement)))
        conflict = subject.add(number, requirement)
        if conflict:
            yield Finding(number, *conflict)
        most = best.get(requirement.qualification or "")
        least = requirement.at_least if requirement.greater_than is None else requirement.greater_than + 1
        if most is not None and least is not None and least > most:
            said = f"the test of {_name(requirement)} gives {most} at best, and {least} is required"
            yield Finding(number, said, f"Write  at_least: {most}  or less, or raise the scores of its key.", "warning")
        excluding = requirement.not_equal_to is not None or requirement.not_in is not None
        if excluding and requirement.system is None and _key(requirement) != LOCALE:
            said = f"whether {_name(requirement)} lets workers through who do not hold it is not documented"
            yield Finding(number, said, "To leave out those who hold it, write  exists: false", "warning")


def _key(requirement: Requirement) -> str:
    if requirement.system is not None:
        return SYSTEM_TYPES[requirement.system]
    return requirement.id or f"qualification_type.{requirement.qualification}"


def _name(requirement: Requirement) -> str:
    return requirement.system or requirement.qualification or requirement.id or ""


@dataclass(slots=True)
class _Subject:
    """What the requirements so far leave of one qualification's values."""

    name: str
    first: int = -1
    exists: bool | None = None
    low: int = _SMALLEST
    high: int = _LARGEST
    allowed: frozenset[int | str] | None = None
    """The only values left, where some were named."""
    excluded: set[int | str] = field(default_factory=set)

    def add(self, number: int, requirement: Requirement) -> tuple[str, str] | None:
        """Take one more requirement; what is returned says why nobody is left."""
        before, self.first = self.first, number if self.first < 0 else self.first
        also = f" together with number {before + 1}" if before >= 0 else ""
        held = requirement.exists is not False
        if self.exists is not None and self.exists != held:
            return f"nobody both holds {self.name} and does not{also}", "Remove one of the two."
        self.exists = held
        self._narrow(requirement)
        if self._empty(_key(requirement)):
            return f"nobody can meet this{also}: no value of {self.name} is left", self._left(_key(requirement))
        return None

    def _narrow(self, requirement: Requirement) -> None:
        if requirement.at_least is not None:
            self.low = max(self.low, requirement.at_least)
        if requirement.greater_than is not None:
            self.low = max(self.low, requirement.greater_than + 1)
        if requirement.at_most is not None:
            self.high = min(self.high, requirement.at_most)
        if requirement.less_than is not None:
            self.high = min(self.high, requirement.less_than - 1)
        named = requirement.in_ or ((requirement.equal_to,) if requirement.equal_to is not None else None)
        if named is not None:
            known = frozenset(named)
            self.allowed = known if self.allowed is None else frozenset(_both(self.allowed, known))
        self.excluded.update(requirement.not_in or ())
        if requirement.not_equal_to is not None:
            self.excluded.add(requirement.not_equal_to)

    def _empty(self, key: str) -> bool:
        low, high = self._bounds(key)
        if self.allowed is None:
            few = high - low < 200  # only then can exclusions use a range up
            return low > high or (few and all(value in self.excluded for value in range(low, high + 1)))
        return not any(self._fits(value, low, high) for value in self.allowed)

    def _fits(self, value: int | str, low: int, high: int) -> bool:
        if isinstance(value, int):
            return low <= value <= high and value not in self.excluded
        return value not in self.excluded and value.partition("-")[0] not in self.excluded

    def _bounds(self, key: str) -> tuple[int, int]:
        least, most = _RANGES.get(key, (_SMALLEST, _LARGEST))
        return max(self.low, least), min(self.high, most)

    def _left(self, key: str) -> str:
        low, high = _RANGES.get(key, (_SMALLEST, _LARGEST))
        values = f"Its values are {low} to {high}. " if key in _RANGES and high < _LARGEST else ""
        return f"{values}Loosen it, or remove one."


def _both(one: Iterable[int | str], other: Iterable[int | str]) -> Iterator[int | str]:
    """What is in both: of a country and its subdivision, the subdivision."""
    for left in one:
        for right in other:
            if left == right or str(left).startswith(f"{right}-"):
                yield left
            elif str(right).startswith(f"{left}-"):
                yield right
