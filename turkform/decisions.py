"""Decisions on answers, from a file: what a person wants approved, rejected and paid.

In: a file of rows, either results with the requester website's `Approve` and `Reject` filled in, or one of the columns
AssignmentId, decision, feedback, bonus and bonus_reason. Out: a `Decision` for each assignment that is named; or every
problem with its file:line:column. Names of columns are read whatever their case; columns of other names are not read.

    Approve         a mark, such as x
    Reject          the reason, which the worker reads: a mark alone is none
    decision        approve, reject, overturn (a rejection, by approving after all), or nothing
    feedback        what the worker reads of it; a rejection needs it
    bonus           US dollars; several bonuses for one assignment are several rows
    bonus_reason    what the worker reads of it; left out: the feedback
    WorkerId        whoever it names must be the worker of the assignment: nobody is paid by this column

Sources: ApproveAssignment, RejectAssignment and SendBonus in the API reference (limits of texts), and the batch results
of the requester website (read 23 Nov 2026).
"""

from __future__ import annotations

import csv
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

from turkform.errors import CampaignError, Diagnostic, Location
from turkform.items import Problems
from turkform.kinds.decisions import unfit
from turkform.money import Money
from turkform.tables import Table, cell_column, likely

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

Wish = Literal["", "approve", "reject", "overturn"]

_LARGEST_CELL = 64_000_000
"""Characters: answers stand in the file as well, and a worker may have written a million."""
_MARKS = {"x", "✓", "✔", "y", "yes", "true", "1"}
_WISHES: Mapping[str, Wish] = {
    "": "", "approve": "approve", "approved": "approve", "reject": "reject", "rejected": "reject",
    "overturn": "overturn", "override": "overturn",
}  # fmt: skip
_COLUMNS = ("assignmentid", "workerid", "approve", "reject", "decision", "feedback", "bonus", "bonus_reason")
_DECIDING = ("approve", "reject", "decision", "bonus")
_ASSIGNMENT = re.compile(r"[A-Z0-9]{1,64}")


class Bonus(NamedTuple):
    """A payment beyond the reward."""

    amount: Money
    reason: str
    """What the worker reads."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What is wanted of one assignment."""

    assignment: str
    wish: Wish = ""
    feedback: str = ""
    bonuses: tuple[Bonus, ...] = ()
    worker: str = ""
    """Whom the file names; empty where it names nobody."""
    place: Location | None = field(default=None, compare=False)


def read_decisions(path: Path) -> dict[str, Decision]:
    """Every decision of a file, by assignment.

    Raises:
        CampaignError: everything that is wrong with the file.
    """
    reading = _Reading(path)
    with _large_cells():
        found = reading.run()
    if told := reading.problems.told():
        raise CampaignError(told, f"in {path.name}")
    return found


@contextmanager
def _large_cells() -> Iterator[None]:
    before = csv.field_size_limit(_LARGEST_CELL)
    try:
        yield
    finally:
        csv.field_size_limit(before)


class _CellError(ValueError):
    """What is wrong with the value of a column, and what to write."""

    def __init__(self, column: str, summary: str, remedy: str) -> None:
        super().__init__(summary)
        self.column, self.remedy = column, remedy


class _Reading:
    """One pass over the rows."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problems = Problems(path)
        self.names: dict[str, str] = {}
        """Our name of a column → how the file writes it."""

    def run(self) -> dict[str, Decision]:
        found: dict[str, Decision] = {}
        table = Table(self.path, self.problems)
        lines = self.path.suffix.lower() == ".jsonl"  # each of which may have columns of its own
        for line, row in table:
            if lines or not self.names:
                self.names = {_plain(name): name for name in row if _plain(name) in _COLUMNS}
            if not lines and not self._header(table.columns):
                break
            try:
                decision = self._row(row, line)
                if decision is not None:
                    before = found.get(decision.assignment)
                    found[decision.assignment] = decision if before is None else _joined(before, decision)
            except _CellError as error:
                place = self._place(table, line, error.column)
                self.problems(Diagnostic(str(error), error.remedy, location=place))
        if lines and table.columns:
            self._header(table.columns)
        return found

    def _header(self, columns: Mapping[str, None]) -> bool:
        """Whether the columns have something to decide, each once; a problem where they have not."""
        written = [name for name in columns if _plain(name) in _COLUMNS]
        names = set(map(_plain, written))
        problem = None
        if len(names) < len(written):
            remedy = "Keep one of them: their names are read whatever their case."
            problem = Diagnostic(f"two columns mean the same: {', '.join(sorted(written, key=_plain))}", remedy)
        elif "assignmentid" not in names:
            near = likely("AssignmentId", dict(columns))
            remedy = f'Rename the column "{near}" to AssignmentId.' if near else "`turkform results` writes it."
            problem = Diagnostic(f"{self.path.name} has no column AssignmentId", remedy)
        elif not names.intersection(_DECIDING):
            remedy = "Name one of Approve, Reject, decision and bonus."
            problem = Diagnostic(f"no column of {self.path.name} says what to decide", remedy)
        elif "decision" in names and {"approve", "reject"} & names:
            remedy = "Keep Approve and Reject, or decision."
            problem = Diagnostic(f"{self.path.name} has Approve or Reject, and decision as well", remedy)
        if problem is not None:
            self.problems(Diagnostic(problem.summary, problem.detail, location=Location(self.path, 1, 1)))
        return problem is None

    def _place(self, table: Table, line: int, column: str) -> Location:
        names = list(table.columns)
        name = self.names.get(column, "")
        number = names.index(name) if name in names else 0
        return Location(self.path, line, cell_column(self.path, line, number))

    def _row(self, row: Mapping[str, str], line: int) -> Decision | None:
        """What one row says; None where it decides nothing.

        Raises:
            _CellError: it says something that cannot be done.
        """
        said = {name: row.get(written, "").strip() for name, written in self.names.items()}
        assignment = said.get("assignmentid", "")
        wish, feedback = self._wish(said)
        bonuses = self._bonuses(said, feedback)
        if not wish and not bonuses:
            return None
        if not _ASSIGNMENT.fullmatch(assignment):
            shown = f'"{assignment[:70]}" is no assignment\'s id' if assignment else "the row names no assignment"
            raise _CellError("assignmentid", shown, "It is A-Z and 0-9, as in `turkform results`.")
        if wish == "reject" and not feedback:
            remedy = "Write it as feedback: the worker reads it, and may answer."
            raise _CellError("feedback" if "feedback" in self.names else "decision", _NO_REASON, remedy)
        place = Location(self.path, line, 1)
        return Decision(assignment, wish, feedback, bonuses, said.get("workerid", ""), place)

    def _wish(self, said: Mapping[str, str]) -> tuple[Wish, str]:
        """What is to be done, and what the worker reads of it."""
        approve, reject, feedback = said.get("approve", ""), said.get("reject", ""), said.get("feedback", "")
        if approve and reject:
            raise _CellError("reject", "the row approves and rejects", "Empty one of the two.")
        if approve and approve.casefold() not in _MARKS:
            raise _CellError("approve", f'Approve is "{approve[:70]}", which is no mark', "Write x, or leave it empty.")
        word = said.get("decision", "").casefold()
        if word not in _WISHES:
            near = likely(word, [name for name in _WISHES if name])
            remedy = f"Write {near}." if near else "Write approve, reject, overturn, or nothing."
            raise _CellError("decision", f'"{word[:70]}" is no decision', remedy)
        if reject.casefold() in _MARKS:
            raise _CellError("reject", _NO_REASON, "Write the reason instead of a mark: the worker reads it.")
        wish: Wish = "approve" if approve else "reject" if reject else _WISHES[word]
        column = "reject" if reject else "feedback"
        if problem := unfit(reject or feedback):
            raise _CellError(column, f"the worker cannot be sent this: {problem}", "Shorten or retype it.")
        return wish, reject or feedback

    def _bonuses(self, said: Mapping[str, str], feedback: str) -> tuple[Bonus, ...]:
        """The bonus of a row, if there is one."""
        text = said.get("bonus", "")
        if not text:
            return ()
        try:
            amount = Money.parse(text)
        except ValueError as error:
            summary, _, remedy = str(error).rpartition(". ")
            raise _CellError("bonus", summary, f"{remedy}.") from None
        if not amount:
            return ()
        reason = said.get("bonus_reason", "") or feedback
        if not reason:
            remedy = "Write it as bonus_reason or feedback."
            raise _CellError("bonus", f"the bonus of ${amount} has no reason, and the worker reads one", remedy)
        if problem := unfit(reason):
            raise _CellError("bonus_reason", f"the worker cannot be sent this: {problem}", "Shorten or retype it.")
        return (Bonus(amount, reason),)


_NO_REASON = "the rejection has no reason"


def _plain(name: str) -> str:
    return name.strip().casefold()


def _joined(first: Decision, second: Decision) -> Decision:
    """Two rows of one assignment: they may add bonuses to a decision, and must not contradict each other.

    Raises:
        _CellError: they do, or pay the same bonus twice.
    """
    assert first.place is not None
    assert second.place is not None
    lines = f"line {first.place.line} and line {second.place.line}"
    if first.wish and second.wish and (first.wish, first.feedback) != (second.wish, second.feedback):
        summary = f"assignment {first.assignment} is decided twice, and not alike: {lines}"
        raise _CellError("assignmentid", summary, "Keep one of the rows.")
    if first.worker and second.worker and first.worker != second.worker:
        summary = f"assignment {first.assignment} has two workers: {lines}"
        raise _CellError("workerid", summary, "One of the rows is of another assignment: look at them again.")
    if set(first.bonuses) & set(second.bonuses):
        summary = f"assignment {first.assignment} gets the same bonus twice: {lines}"
        raise _CellError("bonus", summary, "Remove one of the rows; or give another reason, where two are meant.")
    decided = first if first.wish else second
    return Decision(
        first.assignment, decided.wish, decided.feedback, first.bonuses + second.bonuses,
        first.worker or second.worker, first.place,
    )  # fmt: skip
