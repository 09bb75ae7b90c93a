"""The plan document, drawn for people; JSON is the document itself.

In: the plan document and nothing else, so that every view shows what was approved and what is saved.
Out: `rich` text for a terminal, complete without colour.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from rich.text import Text

from turkform.printable import clean
from turkform.wording import (
    GRAVE,
    SYMBOLS,
    changed,
    closing,
    gravest,
    heading,
    item_text,
    place,
    price_rows,
    sentence,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    Document = Mapping[str, Any]

FOLD = 20
"""So many items of a step are shown unless the whole plan is asked for."""
NARROW, WIDE = 60, 110
"""Bounds of the width text is set in, in columns."""
SAMPLE_LINES = 40
_ONE_A_LINE = {None, "", "rekey", "approve", "reject", "overturn", "bonus"}
"""Steps whose items are shown with what happens to each; those of the others are keys alone."""
_ROOM = 32
"""Columns a sentence needs beside its head; with fewer it starts on a line of its own."""
_INDENT = " " * 14

_STYLES = {
    "create": "green",
    "update": "yellow",
    "replace": "magenta",
    "delete": "red",
    "adopt": "cyan",
    "wait": "blue",
}


def draw(document: Document, *, full: bool = False, width: int | None = None) -> Text:
    """The plan for a terminal of `width` columns, or unwrapped for a file where it is None.

    `full` shows every item that stands in the document, the facts each step rests on, and sample pages.
    """
    page = _Page(width)
    _head(page, document)
    _first_of_all(page, document)
    _steps(page, document, full=full)
    if full:
        _samples(page, document)
    _price(page, document)
    page.list("Notes", document["notes"], "·", "dim")
    page.list("Refused", document["refusals"], "!", "bold red")
    _close(page, document)
    return page.text()


# --- the page -------------------------------------------------------------------------------------


class _Page:
    """Lines of styled text; wrapped with hanging indents where there is a width to wrap at."""

    def __init__(self, width: int | None) -> None:
        self.width = None if width is None else max(NARROW, min(width, WIDE))
        self._lines: list[Text] = []

    def line(self, *parts: str | tuple[str, str]) -> None:
        """One line of plain or styled parts."""
        self._lines.append(Text.assemble(*parts))

    def gap(self) -> None:
        """An empty line, never two."""
        if self._lines and self._lines[-1].plain:
            self.line("")

    def heading(self, title: str, style: str = "bold") -> None:
        """A title above what follows."""
        self.gap()
        self.line((title, style))

    def wrapped(self, head: Text, body: str, *, style: str = "", tail: str = "") -> None:
        """`head` and `body`, the body hanging under its own beginning; `tail` at the right edge."""
        room = None if self.width is None else self.width - len(head) - len(tail) - bool(tail) * 2
        if room is not None and room < min(_ROOM, len(body)):
            self._lines.append(head)
            head, room = Text(_INDENT), (self.width or WIDE) - len(_INDENT) - len(tail) - bool(tail) * 2
        rows = [body] if room is None else textwrap.wrap(body, room, break_long_words=False) or [""]
        first = Text.assemble(head, (rows[0], style))
        if tail:
            edge = (self.width or 0) - len(tail)
            first.append(" " * max(2, edge - len(first)) + tail, "bold")
        first.rstrip()
        self._lines.append(first)
        self._lines.extend(Text.assemble(" " * len(head), (row, style)) for row in rows[1:])

    def list(self, title: str, entries: Sequence[str], bullet: str, style: str) -> None:
        """A titled list, left out when empty."""
        if not entries:
            return
        self.heading(title, style if style != "dim" else "bold")
        for entry in entries:
            self.wrapped(Text.assemble("  ", (f"{bullet} ", style)), clean(entry), style="" if bullet == "!" else style)

    def text(self) -> Text:
        """Everything, a line each."""
        return Text("\n").join(self._lines)


def _head(page: _Page, document: Document) -> None:
    title = f"  {clean(document['title'])}" if document.get("title") else ""
    page.line((f"{heading(document)} ", "bold"), (clean(document["campaign"]), "bold cyan"), title)
    when = f"made {document['made_at']}, good until {document['valid_until']}"
    page.line((f"environment {place(document)}, {when}", "dim"))


def _close(page: _Page, document: Document) -> None:
    page.gap()
    if document["refusals"]:
        reasons = len(document["refusals"])
        page.line((f"Refused for {reasons} reason{'s' if reasons > 1 else ''}: nothing will be sent.", "bold red"))
    page.line((closing(document), "bold"))


# --- steps ----------------------------------------------------------------------------------------


def _first_of_all(page: _Page, document: Document) -> None:
    """What nothing brings back, and what concerns a worker's standing, before everything else."""
    grave = gravest(document)
    if not grave:
        return
    page.heading("Look at these first", "bold")
    for step in grave:
        head = Text.assemble("  ", _symbol(step), " ", (f"{clean(step['address'])}  ", "bold"))
        page.wrapped(head, f"{sentence(step, document)} ({GRAVE[step['leaves']]})")


def _steps(page: _Page, document: Document, *, full: bool) -> None:
    if not document["steps"]:
        return
    page.heading("Steps, in order")
    for step in document["steps"]:
        _step(page, step, document, full=full)


def _step(page: _Page, step: Mapping[str, Any], document: Document, *, full: bool) -> None:
    head = Text.assemble(
        "  ", _symbol(step), " ", (f"{step['action']:<8}", _STYLES[step["action"]]), (clean(step["address"]), "bold")
    )
    said = sentence(step, document)
    if said:
        head.append("  ")
    page.wrapped(head, said, tail=f"${step['price']}" if step["price"] != "0.00" else "")
    _fields(page, step)
    _items(page, step, full=full)
    if full and step.get("fact"):
        otherwise = f", else {step['narrower']}" if step.get("narrower") else ""
        page.line((f"{_INDENT}only if: {step['fact']}{otherwise}", "dim"))


def _symbol(step: Mapping[str, Any]) -> tuple[str, str]:
    return (f"{SYMBOLS[step['action']]:<3}", _STYLES[step["action"]])


def _fields(page: _Page, step: Mapping[str, Any]) -> None:
    """Field by field: before and after where something changes, the value where something is made."""
    rows = list(changed(step))
    broad = max((len(row.name) for row in rows), default=0)
    for row in rows:
        head = Text.assemble(_INDENT, (f"{row.name:<{broad}}  ", "dim"))
        page.wrapped(head, clean(f"{row.observed} -> {row.desired}" if row.observed else row.desired))


def _items(page: _Page, step: Mapping[str, Any], *, full: bool) -> None:
    """The items by key: workers with their values a line each, keys of rows side by side."""
    items = step.get("items")
    if not items:
        return
    shown = items["listed"] if full else items["listed"][:FOLD]
    entries = [item_text(entry, step) for entry in shown]
    left = items["count"] - len(shown)
    if left:
        hidden = len(items["listed"]) - len(shown)
        entries.append(f"… and {left:,} more" + (f"; --full lists {hidden + len(shown):,}" if hidden else ""))
    if step.get("op") in _ONE_A_LINE:
        for entry in entries:
            page.line(_INDENT, (entry, "dim" if entry.startswith("…") else ""))
    else:
        _side_by_side(page, entries)


def _side_by_side(page: _Page, entries: Iterable[str]) -> None:
    """Short words in rows; each is followed by two spaces, so that a key with a space stays readable."""
    room = (page.width or WIDE) - len(_INDENT)
    row = ""
    for entry in entries:
        if row and len(row) + 2 + len(entry) > room:
            page.line((_INDENT + row, "dim"))
            row = ""
        row = f"{row}  {entry}" if row else entry
    if row:
        page.line((_INDENT + row, "dim"))


# --- money and samples ----------------------------------------------------------------------------


def _price(page: _Page, document: Document) -> None:
    page.heading("Price")
    for name, value in price_rows(document):
        page.line(("  " + f"{name:<11}", "dim"), value)


def _samples(page: _Page, document: Document) -> None:
    """Whole pages as workers will get them, the first lines of each."""
    for sample in document["samples"]:
        page.heading(f"Sample {clean(sample['address'])}")
        lines = (sample["after"] or "").splitlines()
        for line in lines[:SAMPLE_LINES]:
            page.line(("  | ", "dim"), clean(line))
        if len(lines) > SAMPLE_LINES:
            page.line((f"  | … {len(lines) - SAMPLE_LINES} more lines", "dim"))
