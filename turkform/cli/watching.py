"""Looking again and again: in a terminal what was drawn is drawn over, elsewhere a line is added each time.

In: a function that looks once. Out: stdout; ends when nothing is free or in work any more, or by Ctrl-C.
"""

from __future__ import annotations

import json
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from turkform.cli.drawing import lines, progress, spent
from turkform.errors import EndpointError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from turkform.cli.session import Session

    Document = Mapping[str, Any]


def watch(session: Session, look: Callable[[], Document], *, every: float, as_json: bool) -> None:
    """Look, show, wait `every` seconds. An endpoint that fails for once is told of and asked again.

    Raises:
        EndpointError: it failed at the first look.
    """
    document = look()
    with _shown(session, as_json=as_json) as show:
        show(document)
        while not _all_in(document):
            time.sleep(every)
            try:
                document = look()
            except EndpointError as error:
                session.terminal.say(f"{error}; trying again")
            else:
                show(document)


def _all_in(document: Document) -> bool:
    """Nothing more can come."""
    return not document["total"]["open"] and not document["total"]["pending"]


@contextmanager
def _shown(session: Session, *, as_json: bool) -> Iterator[Callable[[Document], None]]:
    if as_json or not sys.stdout.isatty():
        yield lambda document: _line(session, json.dumps(document) if as_json else sentence(document))
        return
    from rich.live import Live
    from rich.text import Text

    console = session.terminal.console(sys.stdout)
    with Live(console=console, auto_refresh=False) as live:

        def draw(document: Document) -> None:
            told = list(lines(session, document))
            if len(told) >= console.height:  # what does not fit cannot be drawn over
                told = list(lines(session, document, batches=False))
            live.update(Text("\n".join(told)), refresh=True)

        yield draw


def _line(session: Session, text: str) -> None:
    session.terminal.out(text)
    sys.stdout.flush()


def sentence(document: Document) -> str:
    """All of it in one line."""
    total = document["total"]
    parts = [
        f"{progress(total)}, {total['open']:,} free, {total['pending']:,} in work, {total['submitted']:,} to review",
        f"${total['committed']} committed, {spent(total)} spent",
    ]
    if total["done_at"]:
        parts.append(f"{total['pace']:,} an hour, all handed in about {total['done_at']}")
    if document["warnings"]:
        parts.append(f"{len(document['warnings'])} warnings")
    return f"{document['now']}  {'; '.join(parts)}"
