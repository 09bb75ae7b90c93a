"""Runs of the real command that die, or meet trouble, at a chosen point.

In: the command's words and what is to happen. Out: its exit code, what it said, and how many points it passed.
A point lies before and after every write of the journal, every commit (which waits for the disk), every request
and every answer. The command's pipeline is loaded once, in a process of its own; each run is a fork of it that
installs the points from outside and then runs `turkform`, so nothing of this is in the product.

    with Runner() as runner:
        ended = runner.run("-C", folder, "apply", "--auto-approve", kill=17)
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

KILLED = -signal.SIGKILL


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended: its exit code, `KILLED` where it was; its output; the points that it passed, by name."""

    code: int
    out: str
    err: str
    points: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Order:
    """One run: its words and environment, and what is to happen; a `kill` of 0 never comes."""

    words: tuple[str, ...]
    environ: Mapping[str, str]
    folder: str
    """Where its output and its points are written."""
    kill: int = 0
    freeze: int = 0
    """The point at which the journal becomes read-only."""
    room: int = -1
    """Bytes by which no file may grow beyond; -1 for no bound."""
    ahead: float = 0.0
    """Seconds by which this machine's clock is wrong."""
    behind: float = 0.0
    """Seconds by which the endpoint's clock seems to have run backwards."""


class Runner:
    """The process that forks the runs."""

    def __init__(self) -> None:
        self._process = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._folder = tempfile.TemporaryDirectory(prefix="kill-points-")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(20)
        self._process.stdout.close()
        self._folder.cleanup()

    def run(self, *words: str | Path, environ: Mapping[str, str], **what: Any) -> Ended:
        """Run `turkform WORDS`; `what` are the fields of an `Order`."""
        pid = self.start(*words, environ=environ, **what)
        return self.wait(pid)

    def start(self, *words: str | Path, environ: Mapping[str, str], **what: Any) -> int:
        """Begin a run; returns its process id."""
        order = Order(tuple(map(str, words)), dict(environ), self._folder.name, **what)
        return int(self._ask(asdict(order)))

    def wait(self, pid: int) -> Ended:
        """How the run ends."""
        code = int(self._ask({"wait": pid}))
        out, err, points = ((Path(self._folder.name) / f"{pid}.{end}") for end in ("out", "err", "points"))
        ended = Ended(code, out.read_text(), err.read_text(), points.read_text().split() if points.exists() else [])
        for path in (out, err, points):
            path.unlink(missing_ok=True)
        return ended

    def _ask(self, question: dict[str, Any]) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question).encode() + b"\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().decode()


# --- the process that forks -----------------------------------------------------------------------


def _serve() -> None:
    from turkform import account, apply, closing, loader, survey  # noqa: F401 - loaded once for every run
    from turkform.cli import app  # noqa: F401

    for line in sys.stdin:
        question = json.loads(line)
        if "wait" in question:
            _, status = os.waitpid(question["wait"], 0)
            _say(os.waitstatus_to_exitcode(status))
            continue
        pid = os.fork()
        if not pid:
            _child(Order(**question))
        _say(pid)


def _say(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def _child(order: Order) -> None:
    """Be one run; never returns."""
    import resource

    from turkform.cli import run

    stem = Path(order.folder) / str(os.getpid())
    for number, end in ((1, "out"), (2, "err")):
        os.dup2(os.open(f"{stem}.{end}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ.update(order.environ)
    points = _Points(order)
    points.install()
    if order.room >= 0:
        resource.setrlimit(resource.RLIMIT_FSIZE, (order.room, resource.RLIM_INFINITY))
    code = 1
    try:
        code = run(list(order.words))
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        if order.room >= 0:
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        Path(f"{stem}.points").write_text("\n".join(points.passed))
        os._exit(code)


class _Points:
    """Counts the points of this process, and lets happen at one of them what was ordered."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.passed: list[str] = []
        self._lock = threading.Lock()
        self._writing = threading.local()

    def reach(self, name: str, connection: Any = None) -> None:
        with self._lock:
            self.passed.append(name)
            number = len(self.passed)
        if number == self.order.kill:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.order.freeze and number >= self.order.freeze and connection is not None:
            connection.connection.driver_connection.execute("PRAGMA query_only=ON")

    def install(self) -> None:
        self._watch_journal()
        self._watch_requests()
        self._set_clock()

    def _watch_journal(self) -> None:
        from sqlalchemy import Engine, event
        from sqlalchemy.engine.default import DefaultDialect

        def before(connection: Any, _c: Any, statement: str, *_: Any) -> None:
            if statement.startswith(("INSERT", "UPDATE")):
                self._writing.on = True
                self.reach("write", connection)

        def after(_n: Any, _c: Any, statement: str, *_: Any) -> None:
            if statement.startswith(("INSERT", "UPDATE")):
                self.reach("written")

        commit = DefaultDialect.do_commit

        def do_commit(dialect: Any, connection: Any) -> None:
            writing, self._writing.on = getattr(self._writing, "on", False), False
            if writing:
                self.reach("sync")
            commit(dialect, connection)
            if writing:
                self.reach("synced")

        event.listen(Engine, "before_cursor_execute", before)
        event.listen(Engine, "after_cursor_execute", after)
        DefaultDialect.do_commit = do_commit  # type: ignore[method-assign]

    def _watch_requests(self) -> None:
        """Reads change nothing, so dying beside one is dying between two writes."""
        from datetime import timedelta

        from turkform.account import Account

        call = Account.call

        def watched(account: Account, operation: str, *given: Any, **more: Any) -> Any:
            writes = not operation.startswith(("Get", "List"))
            if writes:
                self.reach("request")
            first = account.now is None
            try:
                answer = call(account, operation, *given, **more)
            finally:
                if writes:
                    self.reach("answer")
            if not self.order.behind:
                return answer
            answer = answer._replace(at=answer.at - timedelta(seconds=self.order.behind))
            if first:
                account.now = answer.at
            return answer

        Account.call = watched  # type: ignore[method-assign]

    def _set_clock(self) -> None:
        import time

        now, ahead = time.time, self.order.ahead
        if ahead:
            time.time = lambda: now() + ahead
            _replace_default("turkform.survey", "survey", time.time)


def _replace_default(module: str, function: str, clock: Any) -> None:
    """Defaults are bound when a function is made, before the clock was changed."""
    import importlib

    from turkform.lease import Clocks
    from turkform.sender import Sender

    found = getattr(importlib.import_module(module), function)
    found.__kwdefaults__["clock"] = clock
    assert Sender.__init__.__kwdefaults__ is not None
    Sender.__init__.__kwdefaults__["clock"] = clock
    Clocks.__new__.__defaults__ = (clock, *(Clocks.__new__.__defaults__ or ())[1:])


if __name__ == "__main__":
    _serve()
