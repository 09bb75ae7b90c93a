"""What a saved plan approves: which rows and workers it may act on, however the market has moved since.

In: a plan document. Out: an `Approval`, which planning takes beside the account as it is now, so that the
plan it makes is the saved one or a narrower one. Workers' comings and goings would widen it otherwise: who
had accepted a task may have returned it, and what was to be kept looks untouched again.

Rows are named by their number in the data file, the first one 1, because the file is bound by its digest.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from turkform.choices import ALL

if TYPE_CHECKING:
    from collections.abc import Container, Iterable


class Rows:
    """Numbers of rows, kept as ranges: `1-500,502`. They are added in ascending order."""

    __slots__ = ("_first", "_last", "count")

    def __init__(self, numbers: Iterable[int] = ()) -> None:
        self._first, self._last = array("q"), array("q")
        self.count = 0
        for number in numbers:
            self.add(number)

    def add(self, number: int) -> None:
        """One more, above all those added before; the last one again changes nothing."""
        if self._last and number <= self._last[-1]:
            return
        if self._last and number == self._last[-1] + 1:
            self._last[-1] = number
        else:
            self._first.append(number)
            self._last.append(number)
        self.count += 1

    def __contains__(self, number: object) -> bool:
        if not isinstance(number, int):
            return False
        at = bisect_right(self._first, number) - 1
        return at >= 0 and number <= self._last[at]

    def __str__(self) -> str:
        pairs = zip(self._first, self._last, strict=True)
        return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in pairs)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `str` wrote."""
        rows = cls()
        for part in filter(None, text.split(",")):
            first, _, last = part.partition("-")
            rows._first.append(int(first))
            rows._last.append(int(last or first))
            rows.count += rows._last[-1] - rows._first[-1] + 1
        return rows


@dataclass(frozen=True, slots=True)
class ApprovedRows:
    """Of one batch: the rows to publish, and those whose HITs the plan leaves alone in one way or another."""

    publish: Rows = field(default_factory=Rows)
    left: Rows = field(default_factory=Rows)
    """On the question and terms they have, because of work on them; or waiting for an earlier call."""
    taken: Rows = field(default_factory=Rows)
    """Expired with every place taken, so that there is nothing to reopen."""


@dataclass(frozen=True, slots=True)
class ApprovedWorkers:
    """Of one roster: who is added or changed, by number in the declared roster; and who is taken off or copied."""

    adding: Rows = field(default_factory=Rows)
    taking: Container[str] = frozenset()
    copying: Container[str] = frozenset()
    """Who gets what they hold of the type that is replaced; all of them where they are too many to be listed."""


ApprovedAssignments = Mapping[str, frozenset[str]]
"""Of the answers of one batch: what happens to an assignment → the assignments it happens to."""


@dataclass(frozen=True, slots=True)
class Approval:
    """What a saved plan approves, by address; an address it does not name is none of its business."""

    rows: Mapping[str, ApprovedRows]
    workers: Mapping[str, ApprovedWorkers]
    deleting: frozenset[str] = frozenset()
    """Resources that are deleted as a whole, and do not only wait for it."""
    assignments: Mapping[str, ApprovedAssignments] = field(default_factory=dict)

    def batch(self, address: object) -> ApprovedRows:
        """The rows of one batch."""
        return self.rows.get(str(address), ApprovedRows())

    def review(self, address: object) -> ApprovedAssignments:
        """The assignments of one batch's review."""
        return self.assignments.get(str(address), {})

    def roster(self, address: object) -> ApprovedWorkers:
        """The workers of one roster."""
        return self.workers.get(str(address), ApprovedWorkers())

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Approval:
        """Read it off a plan document."""
        publish: dict[str, Rows] = {}
        adding: dict[str, Rows] = {}
        taking: dict[str, Container[str]] = {}
        copying: dict[str, Container[str]] = {}
        assignments: dict[str, dict[str, frozenset[str]]] = {}
        for step in document["steps"]:
            address, items = step["address"], step.get("items")
            if address.startswith("review."):
                keys = items["names"].split() if "names" in items else (entry["key"] for entry in items["listed"])
                assignments.setdefault(address, {})[step["op"]] = frozenset(keys)
            elif step.get("op") == "create":
                publish[address] = Rows.parse(items["rows"])
            elif items and not step.get("op") and "rows" in items:
                adding[address] = Rows.parse(items["rows"])
            elif items and not step.get("op"):
                into = {"delete": taking, "create": copying}.get(step["action"], {})
                listed = items["count"] == len(items["listed"])
                into[address] = frozenset(entry["key"] for entry in items["listed"]) if listed else ALL
        return cls(
            {
                address: ApprovedRows(
                    publish.get(address, Rows()), Rows.parse(batch.get("left", "")), Rows.parse(batch.get("taken", ""))
                )
                for address, batch in document["batches"].items()
            },
            {
                address: ApprovedWorkers(
                    adding.get(address, Rows()), taking.get(address, frozenset()), copying.get(address, frozenset())
                )
                for address in adding.keys() | taking.keys() | copying.keys()
            },
            frozenset(s["address"] for s in document["steps"] if s["action"] == "delete" and not s.get("items")),
            assignments,
        )
