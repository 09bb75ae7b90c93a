"""The answers store: what workers handed in, kept where a deleted HIT cannot take it along.

In: a place (`.turkform/<environment>/answers.sqlite`, or the journal's PostgreSQL database), HITs and their assignments
as the API shows them. Out: an `Answers`, which says what is stored of each HIT, and streams what workers answered.

    answer_hits   HITs with work: which item, its row and its terms, and how many assignments are stored
    answers       assignments: who, when, status, feedback, bonus, and the answer as it came

Every row carries the id of its journal, because a PostgreSQL database holds many. Nothing is ever deleted: an
assignment that is read again is written over.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from sqlalchemy import BigInteger, Column, MetaData, Table, Text, bindparam, func, select, update

from turkform.ledger import Ledger, from_ms, to_ms
from turkform.memory import Stored
from turkform.money import Money

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row, Select

    from turkform.journal import Journal

T = TypeVar("T")
_METADATA = MetaData()
_CHUNK = 1_000
PRICE = "AssignmentPrice"
"""What one assignment of a HIT costs, fees included: our own word among the terms that are stored of it."""

hits = Table(
    "answer_hits",
    _METADATA,
    Column("journal", Text, primary_key=True),
    Column("hit_id", Text, primary_key=True),
    Column("batch", Text, nullable=False),
    Column("round", BigInteger, nullable=False),
    Column("key", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("handed_in", BigInteger, nullable=False),
    Column("reviewed", BigInteger, nullable=False),
    Column("row", Text, nullable=False),
    Column("about", Text, nullable=False),
)
assignments = Table(
    "answers",
    _METADATA,
    Column("journal", Text, primary_key=True),
    Column("assignment_id", Text, primary_key=True),
    Column("hit_id", Text, nullable=False, index=True),
    Column("worker", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("accepted", BigInteger, nullable=False),
    Column("submitted", BigInteger, nullable=False),
    Column("due", BigInteger),
    Column("approved", BigInteger),
    Column("rejected", BigInteger),
    Column("deadline", BigInteger),
    Column("feedback", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("bonus", BigInteger, nullable=False),
)


class StoredHIT(NamedTuple):
    """A HIT with work: which item it is, and what it asked."""

    hit_id: str
    batch: str
    round: int
    key: str
    """As stored in its marker, re-keys included."""
    row: Mapping[str, str]
    """The row's values when its answers were first read; empty where the row was gone by then."""
    about: Mapping[str, Any]
    """Its terms and times, as the API spells them; and `PRICE`."""


class Answer(NamedTuple):
    """One assignment that was handed in."""

    assignment_id: str
    hit_id: str
    worker: str
    status: str
    """`Submitted`, `Approved` or `Rejected`."""
    accepted: datetime
    submitted: datetime
    due: datetime | None
    """When it approves itself."""
    approved: datetime | None
    rejected: datetime | None
    deadline: datetime | None
    feedback: str
    answer: str
    """QuestionFormAnswers, as it came."""
    bonus: Money

    @property
    def seconds(self) -> int:
        """How long the worker had it."""
        return int((self.submitted - self.accepted).total_seconds())


class Work(NamedTuple):
    """One assignment without what was answered: what is counted by the million; times in milliseconds since 1970."""

    assignment_id: str
    hit_id: str
    batch: str
    round: int
    about: str
    """Of its HIT, as JSON: the same text for every assignment of one HIT."""
    status: str
    accepted: int
    submitted: int
    due: int | None
    approved: int | None
    rejected: int | None
    bonus: int
    """Cents."""


class Answers:
    """The answers of one journal."""

    def __init__(self, where: str | Path, journal: str) -> None:
        """Say where; nothing is opened yet."""
        self.ledger = Ledger(where, what="the answers store")
        self.journal = journal

    @classmethod
    def beside(cls, place: str, journal: str) -> Answers:
        """The answers of the journal at `place`: in the same PostgreSQL database, or in `answers.sqlite` beside it."""
        return cls(place if "://" in place else Path(place).with_name("answers.sqlite"), journal)

    @property
    def exists(self) -> bool:
        """Whether anything was ever stored here."""
        return self.ledger.has(hits.name)

    def make(self) -> None:
        """Make the tables where they are not there yet."""
        self.ledger.make(_METADATA)

    def close(self) -> None:
        """Let go of the database."""
        self.ledger.close()

    # --- writing ----------------------------------------------------------------------------------

    def put(
        self, hit: StoredHIT, found: Sequence[Mapping[str, Any]], *, bonuses: Mapping[str, Money] | None = None
    ) -> None:
        """Store a HIT's assignments as ListAssignmentsForHIT shows them; durable on return.

        `bonuses` says what was paid, by assignment; None leaves what is known.
        """
        rows = [_row(self.journal, wire) for wire in found]
        done = sum(wire["AssignmentStatus"] != "Submitted" for wire in found)
        with self.ledger.writing() as connection:
            known = self._known_bonuses(connection, hit.hit_id)
            paid = known if bonuses is None else {i: m.cents for i, m in bonuses.items()}
            for row in rows:
                row["bonus"] = max(paid.get(row["assignment_id"], 0), known.get(row["assignment_id"], 0))
            self._write(connection, hit, Stored(len(found), done))
            ids = [row["assignment_id"] for row in rows]
            _replace(connection, assignments, self.journal, "assignment_id", ids, rows)

    def _known_bonuses(self, connection: Connection, hit_id: str) -> dict[str, int]:
        a = assignments.c
        query = select(a.assignment_id, a.bonus).where(a.journal == self.journal, a.hit_id == hit_id)
        return {row.assignment_id: row.bonus for row in connection.execute(query)}

    def _write(self, connection: Connection, hit: StoredHIT, stored: Stored) -> None:
        h = hits.c
        query = select(h.position, h.row).where(h.journal == self.journal, h.hit_id == hit.hit_id)
        before = connection.execute(query).first()
        position = before.position if before else time.time_ns()  # to count them would cost more with every one
        row = {
            "journal": self.journal, "hit_id": hit.hit_id, "batch": hit.batch, "round": hit.round, "key": hit.key,
            "position": position,
            "handed_in": stored.handed_in, "reviewed": stored.reviewed,
            "row": before.row if before and before.row != "{}" else json.dumps(dict(hit.row), ensure_ascii=False),
            "about": json.dumps(dict(hit.about), ensure_ascii=False),
        }  # fmt: skip
        _replace(connection, hits, self.journal, "hit_id", [hit.hit_id], [row])

    def note_bonuses(self, paid: Mapping[str, int]) -> None:
        """Remember cents that were paid by assignment, at least: what is known to be more stays."""
        a = assignments.c
        change = update(assignments).where(
            a.journal == self.journal, a.assignment_id == bindparam("which"), a.bonus < bindparam("paid")
        )
        with self.ledger.writing() as connection:
            connection.execute(
                change.values(bonus=bindparam("paid")),
                [{"which": which, "paid": cents} for which, cents in paid.items()],
            )

    # --- reading ----------------------------------------------------------------------------------

    def stored(self) -> dict[str, Stored]:
        """HIT id → how much of its work is stored."""
        h = hits.c
        query = select(h.hit_id, h.handed_in, h.reviewed).where(h.journal == self.journal)
        return {row.hit_id: Stored(row.handed_in, row.reviewed) for row in self._read(query)}

    def due(self) -> dict[str, float]:
        """HIT id → when the first of its stored answers that are not reviewed approves itself, in epoch seconds."""
        a = assignments.c
        query = (
            select(a.hit_id, func.min(a.due).label("due"))
            .where(a.journal == self.journal, a.status == "Submitted", a.due.is_not(None))
            .group_by(a.hit_id)
        )
        return {row.hit_id: row.due / 1000 for row in self._read(query)}

    def rejected(self, among: Collection[str]) -> set[str]:
        """The HITs that hold an assignment of these as rejected."""
        a = assignments.c
        query = select(a.hit_id, a.assignment_id).where(a.journal == self.journal, a.status == "Rejected")
        return {row.hit_id for row in self._read(query) if row.assignment_id in among}

    def rows(self, batches: Iterable[str] | None = None) -> Iterator[tuple[StoredHIT, Answer]]:
        """Every answer, by HIT in the order they were first stored, then by time; of these batches' permanent ids."""
        h, a = hits.c, assignments.c
        query = (
            select(hits, assignments)
            .join(assignments, (a.journal == h.journal) & (a.hit_id == h.hit_id))
            .where(h.journal == self.journal)
            .order_by(h.position, h.hit_id, a.submitted, a.assignment_id)
        )
        if batches is not None:
            query = query.where(h.batch.in_(sorted(batches)))
        before: StoredHIT | None = None
        for row in self._read(query):
            if before is None or before.hit_id != row.hit_id:
                before = StoredHIT(
                    row.hit_id, row.batch, row.round, row.key, json.loads(row.row), json.loads(row.about)
                )
            yield before, _answer(row)

    def work(self) -> Iterator[Work]:
        """Every assignment, those of a HIT together, without what was answered."""
        h, a = hits.c, assignments.c
        query = (
            select(
                a.assignment_id, a.hit_id, h.batch, h.round, h.about, a.status, a.accepted, a.submitted, a.due,
                a.approved, a.rejected, a.bonus,
            )
            .join(hits, (h.journal == a.journal) & (h.hit_id == a.hit_id))
            .where(a.journal == self.journal)
            .order_by(a.hit_id)
        )  # fmt: skip
        return (Work._make(row) for row in self._read(query))

    def _read(self, query: Select[Any]) -> Iterator[Row[Any]]:
        if not self.exists:
            return
        with self.ledger.reading() as connection:
            yield from connection.execute(query.execution_options(yield_per=_CHUNK))


def _replace(
    connection: Connection, table: Table, journal: str, name: str, ids: Sequence[str], rows: Sequence[Mapping[str, Any]]
) -> None:
    """Write rows over those of the same ids: one way that both databases take."""
    gone = table.delete().where(table.c.journal == bindparam("of"), table.c[name] == bindparam("which"))
    if ids:
        connection.execute(gone, [{"of": journal, "which": which} for which in ids])
        connection.execute(table.insert(), [dict(row) for row in rows])


def _row(journal: str, wire: Mapping[str, Any]) -> dict[str, Any]:
    def at(name: str) -> int | None:
        return to_ms(wire[name]) if wire.get(name) else None

    return {
        "journal": journal,
        "assignment_id": wire["AssignmentId"],
        "hit_id": wire["HITId"],
        "worker": wire["WorkerId"],
        "status": wire["AssignmentStatus"],
        "accepted": to_ms(wire["AcceptTime"]),
        "submitted": to_ms(wire["SubmitTime"]),
        "due": at("AutoApprovalTime"),
        "approved": at("ApprovalTime"),
        "rejected": at("RejectionTime"),
        "deadline": at("Deadline"),
        "feedback": wire.get("RequesterFeedback") or "",
        "answer": (wire.get("Answer") or "").replace("\0", ""),
        "bonus": 0,
    }


def _answer(row: Row[Any]) -> Answer:
    def at(value: int | None) -> datetime | None:
        return None if value is None else from_ms(value)

    return Answer(
        assignment_id=row.assignment_id,
        hit_id=row.hit_id,
        worker=row.worker,
        status=row.status,
        accepted=from_ms(row.accepted),
        submitted=from_ms(row.submitted),
        due=at(row.due),
        approved=at(row.approved),
        rejected=at(row.rejected),
        deadline=at(row.deadline),
        feedback=row.feedback,
        answer=row.answer,
        bonus=Money(row.bonus),
    )


class _Kept(Mapping[str, T]):
    """What the store says of each HIT, read when it is first asked for: most plans never ask."""

    def __init__(self, answers: Answers, read: Callable[[Answers], Mapping[str, T]]) -> None:
        self._answers, self._reading = answers, read

    @cached_property
    def _found(self) -> Mapping[str, T]:
        try:
            return self._reading(self._answers)
        finally:
            self._answers.close()

    def __getitem__(self, hit_id: str) -> T:
        return self._found[hit_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


def kept(journal: Journal) -> Mapping[str, Stored]:
    """What the store beside a journal holds of each HIT."""
    return _Kept(Answers.beside(journal.place, journal.id), Answers.stored)


def due(journal: Journal) -> Mapping[str, float]:
    """When the first answer of each HIT approves itself, as far as the store beside a journal knows."""
    return _Kept(Answers.beside(journal.place, journal.id), Answers.due)
