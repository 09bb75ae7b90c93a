"""Who may write: one process at a time, under an epoch that only rises.

In: a ledger and who asks. Out: a `Lease`, or `LeaseHeldError` naming who has it. The lease keeps two
honest processes apart; the epoch stops one that was asleep. Whoever writes an intent checks, in the same
transaction, that the epoch is still its own: a holder that was paused, taken over and woken writes
nothing more, and what is not written is not sent.

On SQLite the holder also has an operating-system lock on `<journal>.lock`. It dies with the process, so
after a kill the next one takes over at once. Elsewhere a lease whose heartbeat has not moved for 10 s is
dead; that is judged by watching it, so no two machines' clocks are ever compared.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import bindparam, select, update

from turkform.errors import InterruptedApplyError, LeaseHeldError
from turkform.ledger import JournalError, from_ms, lease, runs
from turkform.times import format_time

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy import Connection, Row

    from turkform.ledger import Ledger

HEARTBEAT = 2.0
"""Seconds between two signs of life."""
SILENCE = 10.0
"""Seconds without one after which a holder counts as dead."""

_OURS = (lease.c.journal == bindparam("of"), lease.c.epoch == bindparam("under"))
_CHECK = select(lease.c.epoch).where(*_OURS).with_for_update(read=True)
_BEAT = update(lease).where(*_OURS).values(heartbeat=bindparam("now"))
_RELEASE = update(lease).where(*_OURS).values(owner="")


class LeaseLostError(InterruptedApplyError):
    """Another process has raised the epoch; nothing more may be sent."""


@dataclass(frozen=True, slots=True)
class Owner:
    """A process that wants to write."""

    user: str
    host: str
    command: str
    pid: int = field(default_factory=os.getpid)

    def __str__(self) -> str:
        return f"{self.user}@{self.host}/{self.pid}"


class Clocks(NamedTuple):
    """The machine's time and how to let it pass, so that a test can."""

    now: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def ms(self) -> int:
        """This machine's time as the tables hold it."""
        return int(self.now() * 1000)


class FileLock:
    """A lock on a file that the operating system gives back when its process dies."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: int | None = None

    def acquire(self) -> bool:
        """Take it if it is free; never waits.

        Raises:
            JournalError: the file cannot be made.
        """
        if self._file is not None:
            return True
        try:
            file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise JournalError(
                f"the lock {self.path} cannot be made: {error.strerror}", "Allow this user to write its folder."
            ) from None
        try:
            _lock(file)
        except OSError:
            os.close(file)
            return False
        self._file = file
        return True

    def release(self) -> None:
        """Give it back. The file stays: deleting it would let two processes lock two files of one name."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


if sys.platform == "win32":
    import msvcrt

    def _lock(file: int) -> None:
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


class Lease:
    """One process's right to write one journal."""

    def __init__(self, ledger: Ledger, journal: str, owner: Owner, clocks: Clocks) -> None:
        self.ledger, self.journal, self.owner, self.clocks = ledger, journal, owner, clocks
        self.epoch = 0
        path = ledger.path
        self._lock = FileLock(path.with_name(path.name + ".lock")) if path else None
        self.seized = False
        """Somebody else had it, and may be at work still."""
        self.due = 0.0
        """When the next sign of life is due, on the monotonic clock."""

    def wait(self, *, patient: bool) -> None:
        """Return as soon as nobody else holds it, or at once when it is to be seized.

        Raises:
            LeaseHeldError: somebody alive does.
        """
        if self._lock is not None:
            self.seized = not self._lock.acquire()
            if self.seized and patient:
                raise self._held(self._read())
            return
        if not patient:
            return
        first, since = self._read(), self.clocks.monotonic()
        while first.owner and self.clocks.monotonic() - since < SILENCE:
            self.clocks.sleep(HEARTBEAT / 4)
            now = self._read()
            if not now.owner:
                break
            if (now.epoch, now.heartbeat) != (first.epoch, first.heartbeat):
                raise self._held(now)
        self.epoch = first.epoch

    def take(self, connection: Connection, *, seize: bool) -> int:
        """Begin a new epoch, in the caller's transaction.

        `seize` asks nobody: the one at work stops at its next intent.

        Raises:
            LeaseHeldError: another process was faster.
        """
        row = connection.execute(select(lease).where(lease.c.journal == self.journal).with_for_update()).one()
        if self._lock is None and not seize and row.epoch != self.epoch:
            raise self._held(row)
        self.seized = self.seized or (self._lock is None and seize and bool(row.owner))
        self.epoch = row.epoch + 1
        now = self.clocks.ms()
        connection.execute(
            update(lease)
            .where(lease.c.journal == self.journal)
            .values(
                epoch=self.epoch,
                owner=str(self.owner),
                user=self.owner.user,
                host=self.owner.host,
                command=self.owner.command,
                pid=self.owner.pid,
                since=now,
                heartbeat=now,
            )
        )
        self.due = self.clocks.monotonic() + HEARTBEAT
        return self.epoch

    def verify(self, connection: Connection) -> bool:
        """Whether the epoch is still ours, held so until this transaction ends; gives the sign of life when due."""
        if self._lock is not None:
            self._lock.acquire()  # who seized the epoch gets the lock as soon as the other one has stopped
        ours = {"of": self.journal, "under": self.epoch}
        if self.clocks.monotonic() < self.due:
            return connection.scalar(_CHECK, ours) is not None
        beat = connection.execute(_BEAT, ours | {"now": self.clocks.ms()})
        self.due = self.clocks.monotonic() + HEARTBEAT
        return beat.rowcount == 1

    def lost(self, connection: Connection) -> LeaseLostError:
        """Who took it."""
        later = select(runs).where(runs.c.journal == self.journal, runs.c.epoch > self.epoch)
        row = connection.execute(later.order_by(runs.c.id).limit(1)).first()
        who = f"by `{row.command}` of {row.user} on {row.host}" if row else "from outside"
        return LeaseLostError(
            f"this run was stopped {who}; nothing was sent after that",
            "What it had done is in the journal: plan again.",
        )

    def release(self, connection: Connection) -> None:
        """Let the next one have it, in the caller's transaction; a lease that was lost is left alone."""
        connection.execute(_RELEASE, {"of": self.journal, "under": self.epoch})

    def let_go(self) -> None:
        """Give the operating system's lock back."""
        if self._lock is not None:
            self._lock.release()

    def _read(self) -> Row[Any]:
        with self.ledger.reading() as connection:
            return connection.execute(select(lease).where(lease.c.journal == self.journal)).one()

    def _held(self, row: Row[Any]) -> LeaseHeldError:
        who = (
            f"{_who(row)} is at work on it since {format_time(from_ms(row.since))}"
            if row.owner
            else "another turkform is at work on it"
        )
        return LeaseHeldError(
            f"the journal {self.ledger.shown} is taken: {who}",
            "Wait until it is done. `turkform close` stops it, and everything that is open.",
        )


def raise_epoch(ledger: Ledger, journal: str) -> int:
    """Stop whoever writes, at its next intent, without asking or waiting; returns the new epoch."""
    with ledger.writing() as connection:
        one = lease.c.journal == journal
        connection.execute(update(lease).where(one).values(epoch=lease.c.epoch + 1, owner=""))
        return int(connection.scalar(select(lease.c.epoch).where(one)) or 0)


def _who(row: Row[Any]) -> str:
    return f"`{row.command}` of {row.user} on {row.host} (process {row.pid})"
