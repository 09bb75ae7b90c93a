"""The plan document, drawn for people; JSON is the document itself.

In: the plan document and nothing else, so that every view shows what was approved and what is saved.
Out: `rich` text for a terminal, complete without colour.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.text import Text

from turkform.kinds import KINDS
from turkform.kinds.requirement import COMPARATORS, GUARDS, SYSTEM_TYPES, Rule
from turkform.kinds.resource import Address, Pending, show
from turkform.money import Money
from turkform.printable import clean

if TYPE_CHECKING:
    from collections.abc import Iterable

    Document = Mapping[str, Any]

FOLD = 20
"""So many items of a step are shown unless the whole plan is asked for."""
NARROW, WIDE = 60, 110
"""Bounds of the width text is set in, in columns."""
SAMPLE_LINES = 40
_ROOM = 32
"""Columns a sentence needs beside its head; with fewer it starts on a line of its own."""
_INDENT = " " * 14

_SYMBOLS = {"create": "+", "update": "~", "replace": "-/+", "delete": "-", "adopt": "=", "wait": "…"}
_STYLES = {
    "create": "green",
    "update": "yellow",
    "replace": "magenta",
    "delete": "red",
    "adopt": "cyan",
    "wait": "blue",
}
_TALLIED = {"create": "create", "update": "change", "replace": "change", "delete": "retire", "wait": "wait"}


class Counts(NamedTuple):
    """How many things a plan creates, changes and retires: resources, and the items of batches and rosters."""

    create: int = 0
    change: int = 0
    retire: int = 0
    wait: int = 0


def counts(document: Document) -> Counts:
    """Count every resource and item once, however many calls it takes."""
    found: Counter[str] = Counter()
    steps: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for step in document["steps"]:
        word = _TALLIED.get(step["action"], "")
        if step.get("items"):
            steps.setdefault((step["address"], word), []).append(step["items"])
        elif word:
            found[word] += 1
    for (_, word), items in steps.items():
        found[word] += _different(items)
    return Counts(**{word: found[word] for word in Counts._fields})


def _different(items: Sequence[Mapping[str, Any]]) -> int:
    """How many items several steps of one resource concern; two steps that share some count them once.

    Where too many to be listed, steps with equal items are told by their equal digests.
    """
    if all(part["count"] == len(part["listed"]) for part in items):
        return len({entry["key"] for part in items for entry in part["listed"]})
    return sum({part["sha256"]: part["count"] for part in items}.values())


def closing(document: Document) -> str:
    """The last line of every plan: what it does, and at most at what price."""
    found = counts(document)
    if not any(found[:3]):
        waiting = f", {found.wait} waiting" if found.wait else ""
        return f"Plan: nothing to do{waiting}. Committed: ${document['price']['committed_before']}."
    waiting = f", {found.wait:,} waiting" if found.wait else ""
    return (
        f"Plan: {found.create:,} to create, {found.change:,} to change, {found.retire:,} to retire{waiting}. "
        f"Price: {_at_most(document['price']['total'])}."
    )


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
    what = "Destroy" if document["command"] == "destroy" else "Plan"
    page.line((f"{what} ", "bold"), (clean(document["campaign"]), "bold cyan"), title)
    endpoint = clean(document["endpoint"])
    place = (
        document["environment"] if endpoint == document["environment"] else f"{document['environment']} ({endpoint})"
    )
    page.line((f"environment {place}, made {document['made_at']}, good until {document['valid_until']}", "dim"))


def _close(page: _Page, document: Document) -> None:
    page.gap()
    if document["refusals"]:
        reasons = len(document["refusals"])
        page.line((f"Refused for {reasons} reason{'s' if reasons > 1 else ''}: nothing will be sent.", "bold red"))
    page.line((closing(document), "bold"))


# --- steps ----------------------------------------------------------------------------------------


def _first_of_all(page: _Page, document: Document) -> None:
    """What nothing brings back, and what concerns a worker's standing, before everything else."""
    grave = [step for step in document["steps"] if step["leaves"] in _GRAVE]
    if not grave:
        return
    page.heading("Look at these first", "bold")
    for step in sorted(grave, key=lambda s: list(_GRAVE).index(s["leaves"])):
        head = Text.assemble("  ", _symbol(step), " ", (f"{clean(step['address'])}  ", "bold"))
        page.wrapped(head, f"{_sentence(step, document)} ({_GRAVE[step['leaves']]})")


_GRAVE = {"final": "cannot be undone", "person": "concerns people"}


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
    sentence = _sentence(step, document)
    if sentence:
        head.append("  ")
    page.wrapped(head, sentence, tail=f"${step['price']}" if step["price"] != "0.00" else "")
    _fields(page, step)
    _items(page, step, full=full)
    if full and step.get("fact"):
        otherwise = f", else {step['narrower']}" if step.get("narrower") else ""
        page.line((f"{_INDENT}only if: {step['fact']}{otherwise}", "dim"))


def _symbol(step: Mapping[str, Any]) -> tuple[str, str]:
    return (f"{_SYMBOLS[step['action']]:<3}", _STYLES[step["action"]])


def _fields(page: _Page, step: Mapping[str, Any]) -> None:
    """Field by field: before and after where something changes, the value where something is made."""
    rows = list(_changed(step))
    broad = max((len(row.name) for row in rows), default=0)
    for row in rows:
        head = Text.assemble(_INDENT, (f"{row.name:<{broad}}  ", "dim"))
        page.wrapped(head, clean(f"{row.observed} -> {row.desired}" if row.observed else row.desired))


class _Row(NamedTuple):
    name: str
    observed: str
    desired: str


def _changed(step: Mapping[str, Any]) -> Iterator[_Row]:
    if step.get("fields"):
        for change in step["fields"]:
            observed = "" if step["action"] == "create" else change.get("observed", "")
            yield _Row(change["field"], observed, change["desired"])
    elif step["action"] == "create":
        yield from _declared(step)


def _declared(step: Mapping[str, Any]) -> Iterator[_Row]:
    """The parameters of a creation, as a person would declare them."""
    kind = next((k for k in KINDS if k.create in step["operations"] and step["address"] != "record"), None)
    if kind is None:
        return
    parameters = {name: _resolved(value) for name, value in step.get("parameters", {}).items()}
    known = kind.from_wire(parameters)
    for name, wire in kind.wires().items():
        if wire.name in parameters and known[name] not in (None, ()):
            yield _Row(name, "", _value(known[name]))


def _value(value: Any) -> str:
    rules = isinstance(value, tuple) and value and isinstance(value[0], Rule)
    return "; ".join(_rule(rule) for rule in value) if rules else show(value)


def _rule(rule: Rule) -> str:
    """A requirement in the campaign file's words: `trained at_least 80, guards discover`."""
    subject = rule.type_id.address.name if isinstance(rule.type_id, Pending) else rule.type_id
    named = next((name for name, type_id in SYSTEM_TYPES.items() if type_id == subject), subject)
    words = {wire: word for word, wire in COMPARATORS.items()} | {"Exists": "exists", "DoesNotExist": "exists: false"}
    values = " ".join(["", ", ".join(str(value) for value in rule.values)]).rstrip()
    guards = next(word for word, wire in GUARDS.items() if wire == rule.guards)
    return f"{named} {words[rule.comparator]}{values}" + (f", guards {guards}" if guards != "accept" else "")


def _resolved(value: Any) -> Any:
    """`{"ref": ADDRESS}` is an id that an earlier step brings."""
    match value:
        case {"ref": str(address)}:
            return Pending(Address.parse(address))
        case Mapping():
            return {name: _resolved(part) for name, part in value.items()}
        case list():
            return [_resolved(part) for part in value]
        case _:
            return value


def _items(page: _Page, step: Mapping[str, Any], *, full: bool) -> None:
    """The items by key: workers with their values a line each, keys of rows side by side."""
    items = step.get("items")
    if not items:
        return
    shown = items["listed"] if full else items["listed"][:FOLD]
    entries = [_item(entry, step) for entry in shown]
    left = items["count"] - len(shown)
    if left:
        hidden = len(items["listed"]) - len(shown)
        entries.append(f"… and {left:,} more" + (f"; --full lists {hidden + len(shown):,}" if hidden else ""))
    if step.get("op") in {"", None, "rekey"}:
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


def _item(entry: Mapping[str, str], step: Mapping[str, Any]) -> str:
    key = clean(entry["key"])
    if step.get("op") == "rekey":
        return f"{clean(entry['observed'])} -> {key}"
    if "value" not in entry:
        return key
    before = f"{clean(entry['observed'])} -> " if "observed" in entry else ""
    return f"{key}  {before}{clean(entry['value'])}"


# --- sentences ------------------------------------------------------------------------------------


def _sentence(step: Mapping[str, Any], document: Document) -> str:
    """What the step does, as a person would say it."""
    count = step["items"]["count"] if step.get("items") else 0
    reason = clean(step.get("reason", ""))
    if step["address"] == "record":
        return "the campaign record, which ties this account to its journal; no worker can request it"
    template = ""
    if step.get("op"):
        template = _SENTENCES.get(step["op"], "{n} item{s}")
    elif count and step["operations"]:
        template = _SENTENCES.get(step["operations"][0], "{n} worker{s}")
    if step["action"] == "wait" or not template:
        return reason
    return template.format(
        n=f"{count:,}", s="" if count == 1 else "s", moves="moves" if count == 1 else "move", rest=_kept(step, document)
    )


_SENTENCES = {
    "create": "publish {n} HIT{s}",
    "replace": "new question: {n} untouched HIT{s} replaced, the old deleted{rest}",
    "move": "new terms: {n} untouched HIT{s} {moves}{rest}",
    "extend": "more assignments on {n} HIT{s}",
    "prolong": "new end for {n} HIT{s}",
    "close": "expire {n} open HIT{s}; what was submitted is kept for review",
    "retire": "retire {n} HIT{s}: expired, and deleted where nothing was ever submitted",
    "rekey": "{n} re-keyed, nothing sent",
    "CreateWorkerBlock": "{n} worker{s} blocked from all of your HITs",
    "DeleteWorkerBlock": "{n} worker{s} unblocked",
    "AssociateQualificationWithWorker": "granted to {n} worker{s}",
    "DisassociateQualificationFromWorker": "taken from {n} worker{s}, who can no longer do HITs that require it",
}
_KEPT = {"move": ("kept terms", "terms"), "replace": ("kept question", "question")}


def _kept(step: Mapping[str, Any], document: Document) -> str:
    """What a step leaves alone, because workers are at it already."""
    word, what = _KEPT.get(step.get("op", ""), ("", ""))
    kept: int = document["batches"].get(step["address"], {}).get("notes", {}).get(word, 0)
    return f", {kept:,} with work keep{'s' if kept == 1 else ''} the old {what}" if kept else ""


# --- money and samples ----------------------------------------------------------------------------


def _price(page: _Page, document: Document) -> None:
    price = document["price"]
    page.heading("Price")
    before, after = price["committed_before"], price["committed_after"]
    rises = before != after
    rows = [
        ("this plan", _at_most(price["total"])),
        ("committed", f"${before} now, at most ${after} after" if rises else f"${before}"),
        ("budget", _budget(price["budget"], after)),
        ("balance", f"${price['balance']}"),
        ("fees", clean(document["fees"])),
    ]
    for name, value in rows:
        page.line(("  " + f"{name:<11}", "dim"), value)


def _at_most(amount: str) -> str:
    """A price, which is a bound unless it is nothing."""
    return "$0.00" if amount == "0.00" else f"at most ${amount}"


def _budget(budget: str | None, after: str) -> str:
    if budget is None:
        return "none declared"
    left = Money.parse(budget).cents - Money.parse(after).cents
    return f"${budget}, ${Money(left)} left" if left >= 0 else f"${budget}, exceeded by ${Money(-left)}"


def _samples(page: _Page, document: Document) -> None:
    """Whole pages as workers will get them, the first lines of each."""
    for sample in document["samples"]:
        page.heading(f"Sample {clean(sample['address'])}")
        lines = (sample["after"] or "").splitlines()
        for line in lines[:SAMPLE_LINES]:
            page.line(("  | ", "dim"), clean(line))
        if len(lines) > SAMPLE_LINES:
            page.line((f"  | … {len(lines) - SAMPLE_LINES} more lines", "dim"))
