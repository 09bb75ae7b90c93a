"""The courier: takes notifications out of the outbox and delivers them, again and again until they are taken.

In: a store and settings. Out: messages sent, at least once each, in no order. Before each round it lets happen what
is due by time and nobody has asked about yet, so that this is told as well. A message is claimed by putting its
next attempt off, so that several processes share one outbox and a crash loses nothing.
"""

from __future__ import annotations

import logging
import threading
import time
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
_PAUSE = 0.5
_log = logging.getLogger(__name__)


class Courier:
    """A thread that delivers what one store's outbox holds."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store, self._settings = store, settings
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="courier", daemon=True)

    def start(self) -> None:
        """Begin to deliver."""
        self._thread.start()

    def stop(self) -> None:
        """End after the delivery at hand; what is left stays in the outbox."""
        self._over.set()
        self._thread.join(_CLAIM)

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                elapse_for_all(self._store, self._settings)
                claimed = self._claim()
                for row in claimed:
                    if self._over.is_set():
                        return
                    self._try(row)
            except SQLAlchemyError as error:
                _log.warning("the store does not answer the courier: %s", type(error).__name__)
                claimed = []
            if len(claimed) < _AT_ONCE:
                self._over.wait(_PAUSE)

    def _claim(self) -> list[Row[Any]]:
        """Messages that are due, put off so that nobody else takes them meanwhile."""
        o, now = outbox.c, time.time()
        with self._store.transaction() as connection:
            due = select(outbox).where(o.due <= now).order_by(o.due).limit(_AT_ONCE)
            rows = list(connection.execute(due.with_for_update(skip_locked=True)).all())
            if rows:
                taken = update(outbox).where(o.seq.in_([row.seq for row in rows]))
                connection.execute(taken.values(due=now + _CLAIM * len(rows), attempts=o.attempts + 1))
        return rows

    def _try(self, row: Row[Any]) -> None:
        done: Any = delete(outbox).where(outbox.c.seq == row.seq)
        try:
            deliver(self._settings, row.transport, row.destination, row.body)
        except UndeliveredError as error:
            if row.attempts + 1 < ATTEMPTS:
                wait = min(_LONGEST, _FIRST * 2**row.attempts)
                done = update(outbox).where(outbox.c.seq == row.seq).values(due=time.time() + wait)
            else:
                _log.warning("a notification is given up after %d attempts: %s", ATTEMPTS, error)
        with self._store.transaction() as connection:
            connection.execute(done)
