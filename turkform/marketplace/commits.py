"""Group commit: those who ask at the same time share a transaction, and are answered once it is on disk.

    do() --> a line --> one transaction of up to MOST jobs, in order --> commit --> their answers

On SQLite all wait in one line; on PostgreSQL each requester has one to change things and one to read, and lines move
side by side in threads. A disk is waited for once a transaction, not once a call. A job that fails after it wrote takes
the transaction down with it: it is rolled back and the others are done again, which nobody sees, since nobody was
answered yet. So a job may run more than once, and touches nothing but its connection.

In: a `Store`, jobs. Out: what each job returned or raised. A store that went away is waited for a while, as long as
no commit was under way; where one was, what became of it is not known, and `StoreError` says so.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import event
from sqlalchemy.exc import DBAPIError

from turkform.marketplace.statements import WROTE, begin, flush
from turkform.marketplace.store import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection

    from turkform.marketplace.store import Store

T = TypeVar("T")

MOST = 64
THREADS = 8
"""Transactions that one process has open on PostgreSQL at a time."""
PATIENCE = 10.0
"""Seconds that a store may be gone before callers are told."""
_PAUSE = 0.1
_AGAIN = {"40001", "40P01"}
"""SQLSTATE of transactions that PostgreSQL gave up in favour of others: serialization_failure, deadlock_detected."""


@dataclass(slots=True)
class Shared:
    """One transaction, what its jobs are about, and what they have found out about it, by name."""

    connection: Connection
    subjects: Sequence[Any] = ()
    known: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class _Job:
    work: Callable[[Shared], Any]
    asked: asyncio.Future[Any]
    subject: Any = None
    result: Any = None
    error: Exception | None = None


class Commits:
    """The lines of one store."""

    def __init__(self, store: Store) -> None:
        self._engine = store.engine
        self._side_by_side = store.engine.dialect.name == "postgresql"
        self._lines: dict[str, deque[_Job]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._threads = ThreadPoolExecutor(THREADS if self._side_by_side else 1, "commits")
        event.listen(store.engine, "before_cursor_execute", _notice)

    async def do(self, line: str, work: Callable[[Shared], T], subject: Any = None) -> T:
        """What `work` returns, once that is on disk; or what it raises, and nothing of it was done.

        All jobs of a transaction can see each other's `subject`.

        Raises:
            StoreError: the store does not answer, or went away during a commit.
        """
        loop = asyncio.get_running_loop()
        job = _Job(work, loop.create_future(), subject)
        name = line if self._side_by_side else ""
        queue = self._lines.get(name)
        if queue is None:
            self._lines[name] = deque((job,))
            task = loop.create_task(self._run(name))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            queue.append(job)
        found: T = await job.asked
        return found

    async def _run(self, line: str) -> None:
        queue, loop = self._lines[line], asyncio.get_running_loop()
        while queue:
            jobs = [queue.popleft() for _ in range(min(len(queue), MOST))]
            try:
                if self._side_by_side:
                    await loop.run_in_executor(self._threads, self._settle, jobs)
                else:
                    await self._settle_here(jobs)
            except (StoreError, DBAPIError) as error:
                for job in jobs:
                    job.error = error
            for job in jobs:
                if job.asked.cancelled():
                    continue
                if job.error is not None:
                    job.asked.set_exception(job.error)
                else:
                    job.asked.set_result(job.result)
        del self._lines[line]

    async def _settle_here(self, jobs: list[_Job]) -> None:
        """Work in this thread, which is fastest for SQLite, and wait for the disk in another."""
        with self._engine.connect() as connection:
            if _perform(connection, jobs):
                await asyncio.get_running_loop().run_in_executor(self._threads, connection.commit)
            else:
                connection.commit()

    def _settle(self, jobs: list[_Job]) -> None:
        """Work in a thread of its own, and once more where the store went away or gave up before the commit."""
        until = time.monotonic() + PATIENCE
        while True:
            try:
                with self._engine.connect() as connection:
                    _perform(connection, jobs)
                    _commit(connection)
                    return
            except DBAPIError as error:
                if not _worth_trying(error):
                    raise
                if time.monotonic() > until:
                    raise StoreError("the store does not answer") from error
                time.sleep(_PAUSE)

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown()


def _perform(connection: Connection, jobs: list[_Job]) -> bool:
    """Do every job in one transaction, left open; whether any of them wrote."""
    todo, exact = list(jobs), False
    while True:
        begin(connection, exact=exact)
        shared, failed, wrote = Shared(connection, [job.subject for job in todo]), None, False
        try:
            for job in todo:
                connection.info[WROTE] = False
                failed = job if _fails(job, shared) else None
                if failed is not None:
                    break
                wrote = wrote or connection.info[WROTE]
            if failed is None:
                flush(connection)
                return wrote
        except DBAPIError as error:
            if exact or _worth_trying(error):
                raise
        connection.rollback()
        # What the database refuses may have been left for later by another job: the next time nothing is.
        if failed is not None and (exact or not isinstance(failed.error, DBAPIError)):
            todo.remove(failed)
        exact = exact or failed is None or isinstance(failed.error, DBAPIError)


def _fails(job: _Job, shared: Shared) -> bool:
    """Do a job; whether the transaction has to be done again without it."""
    connection = shared.connection
    try:
        job.result, job.error = job.work(shared), None
    except Exception as error:
        if isinstance(error, DBAPIError) and _worth_trying(error):
            raise
        job.result, job.error = None, error
        return bool(connection.info[WROTE]) or isinstance(error, DBAPIError)
    return False


def _commit(connection: Connection) -> None:
    try:
        connection.commit()
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) in _AGAIN:
            raise
        raise StoreError("the store went away during a commit; what became of it is not known") from error


def _worth_trying(error: DBAPIError) -> bool:
    """Whether the same transaction may do better: its connection is gone, or it was in another's way."""
    state = getattr(error.orig, "sqlstate", None) or ""
    # Class 57 is a server that shuts down or starts up; a refused connection has no SQLSTATE at all.
    return error.connection_invalidated or state in _AGAIN or state.startswith("57") or _refused(error)


def _refused(error: DBAPIError) -> bool:
    return type(error.orig).__name__ == "OperationalError" and getattr(error.orig, "sqlstate", "") is None


def _notice(connection: Connection, _cursor: Any, _text: str, _given: Any, context: Any, _many: bool) -> None:  # noqa: FBT001
    """Remember that a statement writes, and do before it what was left for later."""
    flush(connection)
    if context is not None and (context.isinsert or context.isupdate or context.isdelete):
        connection.info[WROTE] = True
