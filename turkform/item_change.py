"""One item's change: what happens to its HIT, in which order, and at most at what price.

In: a decision of `publication`. Out: an `ItemChange`, which says what a person approves in it (the wish) and
what it rests on (the facts).
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Literal, NamedTuple

from turkform.times import format_time, from_epoch

if TYPE_CHECKING:
    from turkform.hits import HIT
    from turkform.items import Item


class Op(StrEnum):
    """One thing that happens to an item's HIT, or to a worker's assignment of it."""

    CREATE = "create"
    REPLACE = "replace"
    REVERT = "revert"
    MOVE = "move"
    EXTEND = "extend"
    PROLONG = "prolong"
    CLOSE = "close"
    RETIRE = "retire"
    DISCARD = "discard"
    ARCHIVE = "archive"
    REKEY = "rekey"
    APPROVE = "approve"
    REJECT = "reject"
    OVERTURN = "overturn"
    BONUS = "bonus"
    KEEP = "keep"
    ADOPT = "adopt"
    WAIT = "wait"


_OPENING = frozenset({Op.MOVE, Op.EXTEND, Op.PROLONG})
SENDING = frozenset(Op) - {Op.REKEY, Op.KEEP, Op.ADOPT, Op.WAIT}
Wish = Literal["create", "change", "retire"]


class ItemChange(NamedTuple):
    """One item: what happens to it, in order, and at most at what price (cents, one per op)."""

    key: str
    stored: str
    ops: tuple[Op, ...]
    cents: tuple[int, ...] = ()
    hit: HIT | None = None
    generation: int = 1
    fingerprint: str = ""
    item: Item | None = None
    more: int = 0
    """EXTEND: how many assignments."""
    expires: float = 0.0
    """PROLONG: the wanted end, in epoch seconds."""
    reason: str = ""
    was: str = ""
    """REKEY: the stored key that its HIT goes by so far."""
    row: int = 0
    """The row's number in the data, the first one 1; 0 for a HIT without a row."""
    fields: tuple[str, ...] = ()
    """What differs from the file, whether or not work on the HIT will keep it."""
    left: bool = False
    """The saved plan that is carried out leaves this row's HIT on the question and terms it has."""
    taken: bool = False
    """When that plan was made, every place of this row's expired HIT was taken: there was nothing to reopen."""

    @property
    def touched(self) -> bool:
        """Work on the HIT keeps its question and terms: work that is there, or was when the plan was made."""
        return self.hit is not None and (self.left or not self.hit.untouched)

    @property
    def wish(self) -> Wish | None:
        """What the change means to a person, which no worker can alter; None where nothing is meant."""
        if Op.CREATE in self.ops or Op.ADOPT in self.ops or (Op.WAIT in self.ops and self.hit is None):
            return "create"
        if self.item is None or Op.CLOSE in self.ops:
            return "retire"
        return "change" if self.ops else None

    def facts(self, *, extended: bool) -> tuple[str, ...]:
        """What the decision rests on and no worker can alter; `extended`: a review policy may add places."""
        if self.hit is None or Op.ADOPT in self.ops:
            return ()
        hit = self.hit
        moving = () if extended else (str(hit.maximum), format_time(from_epoch(hit.expires)))
        return (hit.id, hit.type_id, str(hit.generation), hit.fingerprint, *moving)

    def then(self, op: Op, cents: int, field: str) -> ItemChange:
        """The same and one thing more, because this field differs."""
        return self._replace(ops=(*self.ops, op), cents=(*self.cents, cents), fields=(*self.fields, field))

    def reverted(self) -> ItemChange:
        """The same with the HIT back from Reviewing to Reviewable first, where what follows may open it again.

        Whether Reviewing HITs open by themselves is not said anywhere (mturk-rules k6).
        """
        if self.hit is None or self.hit.status != "Reviewing":
            return self
        at = next((n for n, op in enumerate(self.ops) if op in _OPENING), None)
        if at is None:
            return self
        ops, cents, fields = self.ops, self.cents, self.fields
        return self._replace(
            ops=(*ops[:at], Op.REVERT, *ops[at:]),
            cents=(*cents[:at], 0, *cents[at:]),
            fields=(*fields[:at], fields[at], *fields[at:]),
        )
