"""How far an apply is: a live display in a terminal, plain lines or JSON lines elsewhere.

In: events of `apply`, from any of its threads. Out: stderr. Nothing here may stop an apply: when nobody
reads stderr any more, it goes on in silence.
"""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Protocol, Self

from turkform.printable import clean

if TYPE_CHECKING:
    from types import TracebackType

    from rich.progress import Progress, TaskID

    from turkform.cli.terminal import Terminal
    from turkform.outcomes import Event

_EVERY = 5.0
"""Seconds between two plain lines about one step."""


class Display(Protocol):
    """Something that is told what happens."""

    def __enter__(self) -> Self:
        """Begin."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the terminal as it was."""

    def tell(self, event: Event) -> None:
        """Show one event; called from any thread."""

    def say(self, text: str) -> None:
        """A line beside the progress; called from a signal handler, so the locks here can be taken twice."""


def display(terminal: Terminal) -> Display:
    """The display that fits whoever watches."""
    return _Live(terminal) if terminal.log_format == "text" and sys.stderr.isatty() else _Lines(terminal)


class _Lines:
    """A line per step when it begins and ends, and one every few seconds between."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._lock = threading.RLock()
        self._told: dict[str, float] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def tell(self, event: Event) -> None:
        with self._lock:
            if event.kind == "item" and time.monotonic() - self._told.get(str(event.address), 0.0) < _EVERY:
                return
            self._told[str(event.address)] = time.monotonic()
            if event.kind == "begin" and not event.total:
                return
            _quietly(self._say, event)

    def say(self, text: str) -> None:
        _quietly(self._terminal.say, text)

    def _say(self, event: Event) -> None:
        if self._terminal.log_format == "json":
            self._terminal.say(sentence(event), **details(event))
        else:
            self._terminal.say(sentence(event))


class _Live:
    """A bar per step under way: how many, how fast, at what price, how long still; ended ones above."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._progress = _bars(terminal)
        self._tasks: dict[str, TaskID] = {}
        self._lock = threading.RLock()

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        _quietly(self._progress.stop)

    def tell(self, event: Event) -> None:
        with self._lock:
            _quietly(self._show, event)

    def say(self, text: str) -> None:
        _quietly(self._progress.console.print, _mark("·", "bold", text))

    def _show(self, event: Event) -> None:
        name = str(event.address)
        match event.kind:
            case "begin":
                if event.total:
                    self._tasks[name] = self._progress.add_task(clean(name), total=event.total, spent="")
            case "item":
                self._move(name, event)
            case "done":
                self._move(name, event)
                self._end(name)
                stopped = event.done < event.total
                self._progress.console.print(_mark(*(("·", "bold") if stopped else ("✓", "green")), sentence(event)))
            case "failed":
                self._progress.console.print(_mark("✗", "red", sentence(event)))
            case _:
                self._progress.console.print(_mark("·", "dim", sentence(event)))

    def _move(self, name: str, event: Event) -> None:
        if name in self._tasks:
            spent = _dollars(event.cents)
            self._progress.update(self._tasks[name], completed=event.done, spent=spent)

    def _end(self, name: str) -> None:
        if name in self._tasks:
            self._progress.remove_task(self._tasks.pop(name))


def _bars(terminal: Terminal) -> Progress:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn
    from rich.text import Text

    class Rate(ProgressColumn):
        """Items a second."""

        def render(self, task: Any) -> Text:
            return Text(f"{task.speed:,.0f}/s" if task.speed else "", style="cyan")

    return Progress(
        TextColumn("  {task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        TextColumn("{task.fields[spent]}", style="bold", markup=False),
        TimeRemainingColumn(compact=True),
        console=terminal.console(sys.stderr),
        refresh_per_second=8,
        transient=True,
    )


def _mark(mark: str, style: str, text: str) -> Any:
    from rich.text import Text

    return Text.assemble("  ", (mark, style), " ", text)


def _quietly(action: Any, *arguments: Any) -> None:
    """Do it unless nobody reads any more."""
    try:
        action(*arguments)
    except (OSError, ValueError):  # a closed pipe, a closed file
        return


_VERBS = {
    "begin": "begins",
    "item": "at work",
    "done": "done",
    "failed": "failed",
    "skipped": "skipped",
    "narrowed": "kept as it is",
    "waiting": "waits",
}


def sentence(event: Event) -> str:
    """The event in words."""
    stopped = event.kind == "done" and event.done < event.total
    parts = [f"{event.address}: {'stopped' if stopped else _VERBS.get(event.kind, event.kind)}"]
    if event.kind == "begin":
        parts.append(f"{event.total:,} to do")
    elif event.total:
        parts.append(f"{event.done:,} of {event.total:,}")
    if event.cents:
        parts.append(_dollars(event.cents))
    if event.text and event.kind != "failed":  # told in full, with its hint, when all is done
        parts.append(clean(event.text))
    return ", ".join(parts)


def details(event: Event) -> dict[str, Any]:
    """The event for programs."""
    return {
        "event": event.kind,
        "address": str(event.address),
        "op": event.op,
        "done": event.done,
        "total": event.total,
        "price": _dollars(event.cents).removeprefix("$") or "0.00",
        "text": event.text,
    }


def _dollars(cents: int) -> str:
    from turkform.money import Money

    return f"${Money(cents)}" if cents else ""
