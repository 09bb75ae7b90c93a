"""The one thread that writes a run's records, many at a time: group commit.

In: intents, whose callers wait; outcomes and adoptions, whose callers do not. Out: transactions. While
one is being made durable the next callers queue up, and all of them share the one after: so durability
costs an fsync per group, and there is no timer to tune.

An intent is written only under the lease's own epoch, checked in the same transaction. Outcomes and
adoptions are facts about the account and are written whatever the epoch. A failed transaction fails its
intents, which are then not sent; its facts are kept and tried again.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, insert, text, update
from sqlalchemy.exc import SQLAlchemyError

from turkform.lease import HEARTBEAT
from turkform.ledger import JournalError, adoptions, calls, next_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from turkform.errors import TurkformError
    from turkform.lease import Lease, LeaseLostError
    from turkform.ledger import Ledger

LINGER = 0.1
"""Seconds an outcome may wait for an intent to be written with."""
MOST_FACTS = 20_000
"""Facts that may wait; then their callers wait too."""

_INTEND = insert(calls)
_SETTLE = (
    update(calls)
    .where(
        calls.c.journal == bindparam("of"),
        calls.c.id == bindparam("call"),
        # Written once. Only a guess gives way: that nothing was learned, and, to an answer, that nothing happened.
        text("(outcome IS NULL OR outcome = 'unknown' OR (outcome = 'void' AND :now = 'done'))"),
    )
    .values(
        outcome=bindparam("now"),
        settled=bindparam("at"),
        object_id=bindparam("object"),
        request_id=bindparam("request"),
        error=bindparam("why"),
    )
)


class _Ticket:
    """What one caller waits for."""

    __slots__ = ("_done", "error", "job", "rows")

    def __init__(self, rows: list[dict[str, Any]], job: Callable[[Connection], TurkformError | None] | None) -> None:
        self.rows, self.job = rows, job
        self.error: TurkformError | None = None
        self._done = threading.Lock()
        self._done.acquire()

    def finish(self, error: TurkformError | None) -> None:
        self.error = error
        self._done.release()

    def wait(self) -> None:
        self._done.acquire()
        if self.error is not None:
            raise self.error


class Scribe:
    """Writes for one run, from its first intent until it is closed."""

    def __init__(self, ledger: Ledger, lease: Lease) -> None:
        self.ledger, self.lease = ledger, lease
        self.lost: LeaseLostError | None = None
        """Set once the epoch turned out not to be ours."""
        self._monotonic = lease.clocks.monotonic
        self._changed = threading.Condition()
        self._tickets: deque[_Ticket] = deque()
        self._settled: list[dict[str, Any]] = []
        self._adopted: list[dict[str, Any]] = []
        self._facts_since = 0.0
        self._asleep = self._closing = self._failing = self._ended = False
        self._connection: Connection | None = None
        self._next = 0
        self._intend_sql, self._settle_sql = ledger.sql(_INTEND), ledger.sql(_SETTLE)
        self._thread = threading.Thread(target=self._work, name="journal", daemon=True)
        self._thread.start()

    def write(self, rows: list[dict[str, Any]]) -> list[int]:
        """Make calls durable and number them; returns when the disk has them.

        Raises:
            LeaseLostError: the epoch is not ours any more; nothing was written.
            JournalError: they could not be written.
        """
        self._wait(_Ticket(rows, None))
        return [row["id"] for row in rows]

    def do(self, job: Callable[[Connection], TurkformError | None]) -> None:
        """Run `job` in a transaction under our epoch; it returns what is to be raised here, or None."""
        self._wait(_Ticket([], job))

    def settle(self, row: dict[str, Any]) -> None:
        """Take an outcome; it is written soon, and always before the run ends."""
        self._fact(self._settled, row)

    def adopt(self, row: dict[str, Any]) -> None:
        """Take an adoption; it is written before any intent that comes later."""
        self._fact(self._adopted, row)

    def close(self) -> None:
        """Write what is left and stop.

        Raises:
            JournalError: some facts could not be written; the next apply finds them out again.
        """
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()
        left = len(self._settled) + len(self._adopted)
        if left:
            raise JournalError(
                f"the journal {self.ledger.shown} cannot be written: {left} outcomes are only in the account",
                "Make it writable and run `turkform apply` again: it reads them from there.",
            )

    # --- callers ----------------------------------------------------------------------------------

    def _wait(self, ticket: _Ticket) -> None:
        with self._changed:
            self._must_be_open()
            self._tickets.append(ticket)
            if self._asleep:
                self._changed.notify()
        ticket.wait()

    def _fact(self, facts: list[dict[str, Any]], row: dict[str, Any]) -> None:
        with self._changed:
            self._must_be_open()
            if not (self._settled or self._adopted):
                self._facts_since = self._monotonic()
                if self._asleep:
                    self._changed.notify()
            facts.append(row)
            full = len(facts) > MOST_FACTS and not self._failing
        if full:
            self.do(lambda _: None)

    def _must_be_open(self) -> None:
        if self._ended or self._closing:
            raise JournalError("this run has ended; nothing more can be written for it")

    # --- the thread -------------------------------------------------------------------------------

    def _work(self) -> None:
        try:
            while True:
                tickets, settled, adopted, closing = self._take()
                self._write(tickets, settled, adopted)
                if closing:
                    return
        finally:
            self._drop()
            with self._changed:
                self._ended = True
                for ticket in self._tickets:
                    ticket.finish(JournalError("the journal's writer has stopped"))

    def _take(self) -> tuple[list[_Ticket], list[dict[str, Any]], list[dict[str, Any]], bool]:
        """Wait until there is something to write, and take all of it."""
        with self._changed:
            while not self._tickets and not self._closing:
                until = self._facts_since + LINGER if self._settled or self._adopted else self.lease.due
                rest = min(until, self.lease.due) - self._monotonic()
                if rest <= 0:
                    break
                self._asleep = True
                self._changed.wait(rest)
                self._asleep = False
            tickets, self._tickets = list(self._tickets), deque()
            # Copied and emptied, never exchanged: a caller who waits for the lock holds the very list.
            settled, adopted = list(self._settled), list(self._adopted)
            self._settled.clear()
            self._adopted.clear()
            return tickets, settled, adopted, self._closing

    def _write(self, tickets: list[_Ticket], settled: list[dict[str, Any]], adopted: list[dict[str, Any]]) -> None:
        """One transaction for all of it; nobody is told of success before it is durable."""
        failure: TurkformError | None = JournalError("the journal's writer has stopped")
        answers: list[TurkformError | None] = []
        try:
            if self._connection is None:
                self._connection = self._open()
            with self._connection.begin():
                if not self.lease.verify(self._connection) and self.lost is None:
                    self.lost = self.lease.lost(self._connection)
                self._write_facts(self._connection, settled, adopted)
                answers = [self.lost] * len(tickets) if self.lost else self._write_tickets(self._connection, tickets)
            failure = None
        except (SQLAlchemyError, sqlite3.Error, UnicodeError) as error:
            failure = self.ledger.explain(error)
        finally:
            if failure is not None:
                self._drop()
                self._keep(settled, adopted)
                answers = [failure] * len(tickets)
            self._failing = failure is not None
            for ticket, answer in zip(tickets, answers, strict=True):
                ticket.finish(answer)

    def _write_tickets(self, connection: Connection, tickets: list[_Ticket]) -> list[TurkformError | None]:
        rows = [row for ticket in tickets for row in ticket.rows]
        for row in rows:
            row["id"] = self._next
            self._next += 1
        if rows:
            connection.exec_driver_sql(self._intend_sql, rows)
        return [ticket.job(connection) if ticket.job else None for ticket in tickets]

    def _write_facts(
        self, connection: Connection, settled: list[dict[str, Any]], adopted: list[dict[str, Any]]
    ) -> None:
        if adopted:
            first = next_id(connection, adoptions, adopted[0]["journal"])
            rows = [{**row, "id": first + n} for n, row in enumerate(adopted)]
            connection.execute(insert(adoptions), rows)
        if settled:
            connection.exec_driver_sql(self._settle_sql, settled)

    def _keep(self, settled: list[dict[str, Any]], adopted: list[dict[str, Any]]) -> None:
        with self._changed:
            self._settled[:0] = settled
            self._adopted[:0] = adopted
            self._facts_since = self.lease.due = self._monotonic() + HEARTBEAT

    def _open(self) -> Connection:
        connection = self.ledger.connect()
        try:
            with connection.begin():
                self._next = next_id(connection, calls, self.lease.journal)
        except BaseException:
            connection.close()
            raise
        return connection

    def _drop(self) -> None:
        """Let go of a connection; what it had not committed is gone with it."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
