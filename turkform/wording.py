"""The plan document in words: what a step does, what it costs, what comes first; the same in every view.

In: the plan document and nothing else. Out: plain sentences and rows, cleaned of what could steer a
terminal; how they are set, marked up and escaped is each view's own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from difflib import unified_diff
from typing import TYPE_CHECKING, Any, NamedTuple

from turkform.kinds import KINDS
from turkform.kinds.requirement import COMPARATORS, GUARDS, SYSTEM_TYPES, Rule
from turkform.kinds.resource import Address, Pending, show
from turkform.money import Money
from turkform.printable import brief, clean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    Document = Mapping[str, Any]
    StepDocument = Mapping[str, Any]

SYMBOLS = {"create": "+", "update": "~", "replace": "-/+", "delete": "-", "adopt": "=", "wait": "…"}
GRAVE = {"final": "cannot be undone", "person": "concerns people"}
"""What a step may leave behind that has to be seen before anything else; the gravest first."""
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
    if document["command"] == "review":
        return _reviewed(document)
    found = counts(document)
    if not any(found[:3]) and document["refusals"]:
        return f"Plan: refused. Committed: ${document['price']['committed_before']}."
    if not any(found[:3]):
        waiting = f", {found.wait} waiting" if found.wait else ""
        return f"Plan: nothing to do{waiting}. Committed: ${document['price']['committed_before']}."
    waiting = f", {found.wait:,} waiting" if found.wait else ""
    return (
        f"Plan: {found.create:,} to create, {found.change:,} to change, {found.retire:,} to retire{waiting}. "
        f"Price: {at_most(document['price']['total'])}."
    )


def _reviewed(document: Document) -> str:
    """The last line of a review."""
    price = document["price"]
    found = Counter(dict.fromkeys(_REVIEWED, 0))
    for step in document["steps"]:
        found[step["op"]] += step["items"]["count"]
    said = [
        f"{found[op]:,} {word if found[op] == 1 else words}" for op, (word, words) in _REVIEWED.items() if found[op]
    ]
    if not said:
        nothing = "refused" if document["refusals"] else "nothing to do"
        return f"Review: {nothing}. Committed: ${price['committed_before']}."
    return f"Review: {', '.join(said)}. Price: {at_most(price['total'])}."


_REVIEWED = {
    "approve": ("to approve", "to approve"),
    "reject": ("to reject", "to reject"),
    "overturn": ("rejection to overturn", "rejections to overturn"),
    "bonus": ("bonus", "bonuses"),
}


# --- head and price --------------------------------------------------------------------------------


def heading(document: Document) -> str:
    """`Plan`, `Destroy` or `Review`."""
    return {"destroy": "Destroy", "review": "Review"}.get(document["command"], "Plan")


def place(document: Document) -> str:
    """The environment, and its endpoint where that is not its name."""
    endpoint, environment = clean(document["endpoint"]), clean(document["environment"])
    return environment if endpoint == environment else f"{environment} ({endpoint})"


def price_rows(document: Document) -> list[tuple[str, str]]:
    """What the plan costs and what that is held against, name and words."""
    price = document["price"]
    before, after = price["committed_before"], price["committed_after"]
    return [
        ("this plan", at_most(price["total"])),
        *_parts("for", {_FEES.get(name, name): amount for name, amount in price.get("by_fee", {}).items()}),
        *_parts("by batch", price.get("by_batch", {})),
        ("committed", f"${before} now, at most ${after} after" if before != after else f"${before}"),
        ("budget", _budget(price["budget"], after)),
        ("balance", f"${price['balance']}"),
        ("fees", clean(document["fees"])),
    ]


_FEES = {"ten_or_more": "the higher fee from ten assignments on", "masters": "the fee for Masters"}
_PARTS = 10
"""So many parts of a price are named."""


def _parts(name: str, parts: Mapping[str, str]) -> list[tuple[str, str]]:
    """What a price is made up of; nothing where it is all one thing."""
    if len(parts) < 2:
        return []
    dearest = sorted(parts.items(), key=lambda part: (-Money.parse(part[1].removeprefix("-")).cents, part[0]))[:_PARTS]
    more = f" and {len(parts) - _PARTS:,} more" if len(parts) > _PARTS else ""
    return [(name, ", ".join(f"{clean(part)} ${amount}" for part, amount in dearest) + more)]


def at_most(amount: str) -> str:
    """A price, which is a bound unless it is nothing."""
    return "$0.00" if amount == "0.00" else f"at most ${amount}"


def _budget(budget: str | None, after: str) -> str:
    if budget is None:
        return "none declared"
    left = Money.parse(budget).cents - Money.parse(after).cents
    return f"${budget}, ${Money(left)} left" if left >= 0 else f"${budget}, exceeded by ${Money(-left)}"


# --- steps -----------------------------------------------------------------------------------------


def gravest(document: Document) -> list[StepDocument]:
    """The steps that nothing undoes, then those that concern a worker's standing."""
    order = list(GRAVE)
    return sorted((s for s in document["steps"] if s["leaves"] in GRAVE), key=lambda s: order.index(s["leaves"]))


class Row(NamedTuple):
    """One field of a step: its name, and what it was and shall be; `observed` is empty where it is new."""

    name: str
    observed: str
    desired: str


def changed(step: Mapping[str, Any]) -> Iterator[Row]:
    """Before and after where something changes, the declared value where something is made."""
    if step.get("fields"):
        for change in step["fields"]:
            observed = "" if step["action"] == "create" else change.get("observed", "")
            yield Row(change["field"], observed, change["desired"])
    elif step["action"] == "create":
        yield from _declared(step)


def _declared(step: Mapping[str, Any]) -> Iterator[Row]:
    """The parameters of a creation, as a person would declare them."""
    kind = next((k for k in KINDS if k.create in step["operations"] and step["address"] != "record"), None)
    if kind is None:
        return
    parameters = {name: _resolved(value) for name, value in step.get("parameters", {}).items()}
    known = kind.from_wire(parameters)
    for name, wire in kind.wires().items():
        if wire.name in parameters and known[name] not in (None, ()):
            yield Row(name, "", _value(known[name]))


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


def item_text(entry: Mapping[str, str], step: Mapping[str, Any]) -> str:
    """One item: its key, with the key or the value it had where that changes."""
    key = brief(entry["key"])
    if step.get("op") in _REVIEWED:
        return _assignment(entry)
    if step.get("op") == "rekey":
        return f"{brief(entry['observed'])} -> {key}"
    if "value" not in entry:
        return key
    before = f"{clean(entry['observed'])} -> " if "observed" in entry else ""
    return f"{key}  {before}{clean(entry['value'])}"


def _assignment(entry: Mapping[str, str]) -> str:
    """An assignment: whose it is and of which item, what is paid, and what the worker reads."""
    value = f"  ${entry['value']}" if "value" in entry else ""
    reason = clean(entry.get("reason", ""))
    reason = reason if len(reason) <= _LONGEST_REASON else reason[: _LONGEST_REASON - 1] + "…"
    quoted = f'  "{reason}"' if reason else ""
    return f"{brief(entry['key'])}  {brief(entry['item'])}  {brief(entry['worker'])}{value}{quoted}"


_LONGEST_REASON = 160
"""Characters of what a worker reads; the plan document has the whole of it."""


def sentence(step: Mapping[str, Any], document: Document) -> str:
    """What the step does, as a person would say it."""
    count = step["items"]["count"] if step.get("items") else 0
    reason = clean(step.get("reason", ""))
    if step["address"] == "record":
        return "the campaign record, which ties this account to its journal; no worker can request it"
    template = ""
    if step.get("op"):
        template = _SENTENCES.get(step["op"], "{n} item{s}")
    elif count and step["action"] == "replace":
        template = "{n} worker{s} unblocked and blocked anew, with the reason declared now"
    elif count and step["operations"]:
        template = _SENTENCES.get(step["operations"][0], "{n} worker{s}")
    if step["action"] == "wait" or not template:
        return reason
    plural = "" if count == 1 else "s"
    said = template.format(
        n=f"{count:,}", s=plural, moves="moves" if count == 1 else "move", rest=_kept(step, document),
        es="" if count == 1 else "es",
    )  # fmt: skip
    return f"{said}; {reason}" if step.get("op") in _REVIEWED and reason else said


_SENTENCES = {
    "create": "publish {n} HIT{s}",
    "replace": "new question: {n} untouched HIT{s} replaced, the old deleted{rest}",
    "revert": "{n} HIT{s} back from Reviewing to Reviewable, to be opened again",
    "move": "new terms: {n} untouched HIT{s} {moves}{rest}",
    "extend": "more assignments on {n} HIT{s}",
    "prolong": "new end for {n} HIT{s}",
    "close": "expire {n} open HIT{s}; what was submitted is kept for review",
    "retire": "retire {n} HIT{s}: expired, and deleted where nothing was ever submitted",
    "discard": "delete {n} HIT{s} with the reviewed answers on them, as asked for",
    "archive": "delete {n} HIT{s}, every answer of which is stored",
    "rekey": "{n} re-keyed, nothing sent",
    "approve": "approve {n} answer{s}, paid as priced when published",
    "reject": "reject {n} answer{s}, unpaid",
    "overturn": "approve {n} rejected answer{s} after all",
    "bonus": "pay {n} bonus{es}, which nothing takes back",
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


# --- samples ---------------------------------------------------------------------------------------


def difference(sample: Mapping[str, Any]) -> list[str]:
    """A task before and after, as a unified difference of its lines; a new task is all plus signs."""
    before, after = ((sample.get(side) or "").splitlines() for side in ("before", "after"))
    lines = unified_diff(before, after, "before", "after", lineterm="", n=3)
    return list(lines)[2:]
