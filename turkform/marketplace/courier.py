"""The courier: takes notifications out of the outbox and delivers them, again and again until they are taken.

In: a store and settings. Out: messages sent, at least once each, in no order. Before each round it lets happen what
is due by time and nobody has asked about yet, so that this is told as well. A message is claimed by putting its
next attempt off, so that several processes share one outbox and a crash loses nothing. Destinations are served side
by side, each its messages in turn up to the first that is not taken: one that is slow or gone holds up no other.
"""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select, update
from sqlalchemy.exc import SQLAlchemyError

from turkform.marketplace.destinations import UndeliveredError, deliver
from turkform.marketplace.lifecycle import elapse_for_all
from turkform.marketplace.tables import outbox

if TYPE_CHECKING:
    from sqlalchemy import Row

    from turkform.marketplace.settings import Settings
    from turkform.marketplace.store import Store

ATTEMPTS = 15
"""Tries before a message is given up; by then about three hours have passed."""
_FIRST = 1.0
_LONGEST = 3600.0
_CLAIM = 60.0
_AT_ONCE = 20
_SIDE_BY_SIDE = 8
"""Destinations served at a time."""
_PAUSE = 0.5
_log = logging.getLogger(__name__)


class Courier:
    """Threads that deliver what one store's outbox holds."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store, self._settings = store, settings
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="courier", daemon=True)
        self._rounds = ThreadPoolExecutor(_SIDE_BY_SIDE, "courier")
        self._served: set[str] = set()

    def start(self) -> None:
        """Begin to deliver."""
        self._thread.start()

    def stop(self) -> None:
        """End after the deliveries at hand; what is left stays in the outbox."""
        self._over.set()
        self._thread.join(_CLAIM)
        self._rounds.shutdown()

    def _run(self) -> None:
        while not self._over.is_set():
            claimed: list[Row[Any]] = []
            try:
                elapse_for_all(self._store, self._settings)
                claimed = self._claim()
            except SQLAlchemyError as error:
                _log.warning("the store does not answer the courier: %s", type(error).__name__)
            for destination, rows in groupby(claimed, lambda row: row.destination):
                self._served.add(destination)
                self._rounds.submit(self._serve, destination, list(rows))
            if not claimed:
                self._over.wait(_PAUSE)

    def _claim(self) -> list[Row[Any]]:
        """Messages that are due, by destination, put off so that nobody else takes them meanwhile."""
        o, now, served = outbox.c, time.time(), list(self._served)
        free = _SIDE_BY_SIDE - len(served)
        if free <= 0:
            return []
        with self._store.transaction() as connection:
            due = select(outbox).where(o.due <= now, o.destination.not_in(served)).order_by(o.due).limit(_AT_ONCE)
            rows = connection.execute(due.with_for_update(skip_locked=True)).all()
            chosen = list(dict.fromkeys(row.destination for row in rows))[:free]
            taken = [row for destination in chosen for row in rows if row.destination == destination]
            if taken:
                put_off = update(outbox).where(o.seq.in_([row.seq for row in taken]))
                connection.execute(put_off.values(due=now + _CLAIM * len(taken)))
        return taken

    def _serve(self, destination: str, rows: list[Row[Any]]) -> None:
        """Deliver to one destination; what was not tried is due again when the first that failed is, or at once."""
        wait = 0.0
        try:
            while rows and not wait and not self._over.is_set():
                wait = self._try(rows.pop(0))
            if rows:
                rest = update(outbox).where(outbox.c.seq.in_([row.seq for row in rows]))
                with self._store.transaction() as connection:
                    connection.execute(rest.values(due=time.time() + wait))
        except SQLAlchemyError as error:
            _log.warning("the store does not answer the courier: %s", type(error).__name__)
        finally:
            self._served.discard(destination)

    def _try(self, row: Row[Any]) -> float:
        """Deliver a message; how many seconds to wait for the next try, 0 where it is done with."""
        done: Any = delete(outbox).where(outbox.c.seq == row.seq)
        wait = 0.0
        try:
            deliver(self._settings, row.transport, row.destination, row.body)
        except UndeliveredError as error:
            if row.attempts + 1 < ATTEMPTS:
                wait = min(_LONGEST, _FIRST * 2**row.attempts)
                values = {"due": time.time() + wait, "attempts": row.attempts + 1}
                done = update(outbox).where(outbox.c.seq == row.seq).values(**values)
            else:
                _log.warning("a notification is given up after %d attempts: %s", ATTEMPTS, error)
        with self._store.transaction() as connection:
            connection.execute(done)
        return wait
