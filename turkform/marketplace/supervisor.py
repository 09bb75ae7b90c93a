"""Several processes of one server: they share an address, and the store keeps them in step.

In: how many, and what each is to run. Out: nothing, when SIGTERM or SIGINT came and all have ended. One that dies is
replaced; if this process dies, however that comes about, the others see their pipe close and end.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_LOG = logging.getLogger("turkform.marketplace")
_PAUSE = 1.0
"""Seconds before one that died is replaced: a cause that stays must not keep the machine busy."""
_FAILED = 1


class Supervisor:
    """The parent of `count` workers; `work(life, started)` is one: it ends when `life` does, and calls `started`."""

    def __init__(self, count: int, work: Callable[[int, Callable[[], None]], None]) -> None:
        self._count, self._work = count, work
        self._pids: set[int] = set()
        self._over = False
        self._life = os.pipe()

    def run(self, announce: Callable[[], None]) -> int:
        """Start them, call `announce` when all answer, and return an exit code when all have ended."""
        ready, started = os.pipe()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        for _ in range(self._count):
            self._fork(started)
        os.close(started)
        # Each sends a byte when it answers; fewer bytes than workers means that one could not start.
        answering = b""
        while len(answering) < self._count and (part := os.read(ready, self._count)):
            answering += part
        os.close(ready)
        if len(answering) == self._count:
            announce()
        elif not self._over:
            self._stop()
            self._wait()
            return _FAILED
        self._wait()
        return 0

    def _fork(self, started: int | None) -> None:
        pid = os.fork()
        if pid:
            self._pids.add(pid)
            return
        status = _FAILED
        try:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)
            os.close(self._life[1])
            self._work(self._life[0], lambda: _tell(started))
            status = 0
        except Exception:  # noqa: BLE001 - nothing is above: whatever it is, it must be said here
            _LOG.exception("a worker failed")
        finally:
            sys.stderr.flush()
            os._exit(status)

    def _wait(self) -> None:
        while self._pids:
            pid, status = os.wait()
            self._pids.discard(pid)
            if not self._over:
                _LOG.warning("a worker ended with status %d and is replaced", os.waitstatus_to_exitcode(status))
                time.sleep(_PAUSE)
                if not self._over:
                    self._fork(None)

    def _stop(self, *_: Any) -> None:
        self._over = True
        for pid in self._pids:
            os.kill(pid, signal.SIGTERM)


def _tell(started: int | None) -> None:
    if started is not None:
        os.write(started, b".")
        os.close(started)
