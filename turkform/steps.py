"""Steps: what a plan is made of, each one thing to do, as data.

In: what a change means. Out: a `Step` that prints, hashes, saves and loads: operations, parameters,
references, the fact it rests on, what happens where that fact no longer holds, price, and what it leaves
behind. A batch's step holds its items as a count, a digest and the first names, never as objects.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from turkform.approval import Rows
from turkform.changes import Action
from turkform.item_change import Op
from turkform.kinds.resource import Address, Pending
from turkform.money import Money
from turkform.times import format_time

LISTED = 1_000
"""So many items of one step stand in the document by key; of more, the first `SHOWN` and a digest."""
SHOWN = 20

RECORD = Address("record")


class Reversibility(StrEnum):
    """What a step leaves behind."""

    FREE = "free"
    """Nothing: the opposite call undoes it."""
    TRACE = "trace"
    """Something that stays, and costs nothing."""
    MONEY = "money"
    """Places that workers may take and be paid for, and work that is paid."""
    PERSON = "person"
    """A worker's standing or access."""
    FINAL = "final"
    """Nothing brings it back."""


GRAVEST = (
    Reversibility.FINAL,
    Reversibility.PERSON,
    Reversibility.MONEY,
    Reversibility.TRACE,
    Reversibility.FREE,
)
"""In this order a person has to see them."""

OPERATIONS: Mapping[Op, tuple[str, ...]] = {
    Op.CREATE: ("CreateHITWithHITType",),
    Op.REPLACE: ("UpdateExpirationForHIT", "DeleteHIT", "CreateHITWithHITType"),
    Op.REVERT: ("UpdateHITReviewStatus",),
    Op.MOVE: ("UpdateHITTypeOfHIT",),
    Op.EXTEND: ("CreateAdditionalAssignmentsForHIT",),
    Op.PROLONG: ("UpdateExpirationForHIT",),
    Op.CLOSE: ("UpdateExpirationForHIT",),
    Op.RETIRE: ("UpdateExpirationForHIT", "DeleteHIT"),
    Op.DISCARD: ("DeleteHIT",),
    Op.ARCHIVE: ("DeleteHIT",),
    Op.REKEY: (),
    Op.APPROVE: ("ApproveAssignment",),
    Op.REJECT: ("RejectAssignment",),
    Op.OVERTURN: ("ApproveAssignment",),
    Op.BONUS: ("SendBonus",),
    Op.WAIT: (),
}
FACTS: Mapping[Op, tuple[str, str]] = {
    # What the decision rested on, and what happens where workers or an earlier apply moved on.
    Op.CREATE: ("no HIT with this marker", "adopt"),
    Op.REPLACE: ("untouched", "keep"),
    Op.REVERT: ("is Reviewing", "keep"),
    Op.MOVE: ("untouched", "keep"),
    Op.EXTEND: ("exists with these places", "keep"),
    Op.PROLONG: ("exists", "keep"),
    Op.CLOSE: ("exists", "keep"),
    Op.RETIRE: ("untouched", "wait"),
    Op.DISCARD: ("every answer reviewed", "keep"),
    Op.ARCHIVE: ("every answer stored", "keep"),
    Op.REKEY: ("exists", "keep"),
    Op.APPROVE: ("submitted", "keep"),
    Op.REJECT: ("submitted", "keep"),
    Op.OVERTURN: ("rejected", "keep"),
    Op.BONUS: ("no such bonus was paid", "keep"),
    Op.WAIT: ("", ""),
}
LEAVES: Mapping[Op, Reversibility] = {
    Op.CREATE: Reversibility.MONEY,
    Op.REPLACE: Reversibility.FINAL,
    Op.REVERT: Reversibility.FREE,
    Op.MOVE: Reversibility.FREE,
    Op.EXTEND: Reversibility.MONEY,
    Op.PROLONG: Reversibility.FREE,
    Op.CLOSE: Reversibility.FREE,
    Op.RETIRE: Reversibility.FINAL,
    Op.DISCARD: Reversibility.FINAL,
    Op.ARCHIVE: Reversibility.FINAL,
    Op.REKEY: Reversibility.FREE,
    Op.APPROVE: Reversibility.MONEY,
    Op.REJECT: Reversibility.PERSON,
    Op.OVERTURN: Reversibility.MONEY,
    Op.BONUS: Reversibility.FINAL,
    Op.WAIT: Reversibility.FREE,
}
ACTIONS: Mapping[Op, Action] = {
    Op.CREATE: Action.CREATE,
    Op.REPLACE: Action.REPLACE,
    Op.REVERT: Action.UPDATE,
    Op.MOVE: Action.UPDATE,
    Op.EXTEND: Action.UPDATE,
    Op.PROLONG: Action.UPDATE,
    Op.CLOSE: Action.UPDATE,
    Op.RETIRE: Action.DELETE,
    Op.DISCARD: Action.DELETE,
    Op.ARCHIVE: Action.DELETE,
    Op.REKEY: Action.UPDATE,
    Op.APPROVE: Action.UPDATE,
    Op.REJECT: Action.UPDATE,
    Op.OVERTURN: Action.UPDATE,
    Op.BONUS: Action.UPDATE,
    Op.WAIT: Action.WAIT,
}


@dataclass(slots=True)
class Digest:
    """Lines counted and digested as they come; equal digests mean equal lines in equal order."""

    count: int = 0
    _sha: Any = field(default_factory=hashlib.sha256)

    def add(self, *words: str) -> None:
        """One more line."""
        self.count += 1
        self._sha.update(f"{' '.join(words)}\n".encode())

    @property
    def sha256(self) -> str:
        """Over all lines so far, in hexadecimal."""
        return str(self._sha.hexdigest())


@dataclass(slots=True)
class Items:
    """The items of one step: counted, digested in file order, the first ones by name."""

    named: bool = False
    """Every one of them is known by its name alone: no file has it at a row's number."""
    cents: int = 0
    listed: list[dict[str, str]] = field(default_factory=list)
    rows: Rows = field(default_factory=Rows)
    digest: Digest = field(default_factory=Digest)
    names: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many there are."""
        return self.digest.count

    def add(self, key: str, detail: Mapping[str, str], cents: int = 0, *, row: int = 0) -> bool:
        """One more, after all those added before; whether it stands among the listed ones."""
        self.digest.add(key, *detail.values())
        self.cents += cents
        if row:
            self.rows.add(row)
        if self.named:
            self.names.append(key)
        if self.count > LISTED:
            return False
        self.listed.append({"key": key, **detail})
        return True

    def document(self) -> dict[str, Any]:
        """As it stands in the plan."""
        listed = self.listed if self.count <= LISTED else self.listed[:SHOWN]
        rows = {"rows": str(self.rows)} if self.rows.count else {}
        names = {"names": " ".join(self.names)} if self.count > LISTED and self.named else {}
        return {"count": self.count, "listed": listed, "sha256": self.digest.sha256, **rows, **names}


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do, as data: it prints, hashes, saves and loads."""

    address: Address
    action: Action
    operations: tuple[str, ...]
    leaves: Reversibility
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Of one call; `Pending` where an id comes from an earlier step. Items' parameters come from their rows."""
    op: str = ""
    """Of a batch's step: what happens to each of its items."""
    fields: tuple[dict[str, str], ...] = ()
    fact: str = ""
    narrower: str = ""
    items: Items | None = None
    cents: int = 0
    reason: str = ""
    subject: Any = None
    """The change behind the step; not part of the document."""

    @property
    def node(self) -> str:
        """The graph's node: taking away comes after everything else, so it is a node of its own."""
        takes = self.action is Action.DELETE and self.address.kind != "batch"
        return f"-{self.address}" if takes else str(self.address)

    def document(self) -> dict[str, Any]:
        """As it stands in the plan; empty parts are left out."""
        parts = {
            "address": str(self.address),
            "action": self.action.name.lower(),
            "op": self.op,
            "operations": list(self.operations),
            "leaves": str(self.leaves),
            "price": str(Money(self.cents)),
            "parameters": _plain(self.parameters),
            "fields": list(self.fields),
            "fact": self.fact,
            "narrower": self.narrower,
            "items": self.items.document() if self.items else None,
            "reason": self.reason,
        }
        return {k: v for k, v in parts.items() if v not in ("", None, [], {}) or k == "operations"}


def _plain(value: Any) -> Any:
    """Parameters as JSON: ids to come as `{"ref": ADDRESS}`, times as text."""
    match value:
        case Pending():
            return {"ref": str(value.address)}
        case Mapping():
            return {k: _plain(v) for k, v in value.items()}
        case list() | tuple():
            return [_plain(v) for v in value]
        case datetime():
            return format_time(value)
        case _:
            return value
