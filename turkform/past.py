"""What the journal's calls add up to: the HITs, types, grants and blocks that are this campaign's.

In: a connection for reading. Out: streams. HITs come sorted by their id, so a million of them are put
together from calls, adoptions and re-keys without holding more than one.
"""

from __future__ import annotations

import heapq
import json
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from turkform.kinds.qualification import GRANT, REVOKE
from turkform.kinds.worker_block import BLOCK, UNBLOCK
from turkform.ledger import RARE, adoptions, calls, from_ms, rekeys
from turkform.money import Money
from turkform.times import from_epoch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from sqlalchemy import Connection, Row, Select

CREATE = "CreateHITWithHITType"
EXTEND = "CreateAdditionalAssignmentsForHIT"
MOVE = "UpdateHITTypeOfHIT"
EXPIRE = "UpdateExpirationForHIT"
DELETE = "DeleteHIT"
CREATE_TYPE = "CreateQualificationType"
DELETE_TYPE = "DeleteQualificationType"
_ABOUT_HITS = (CREATE, EXTEND, MOVE, EXPIRE, DELETE)
_CHUNK = 1_000
"""Rows fetched at a time."""


@dataclass(frozen=True, slots=True)
class KnownHIT:
    """A HIT the journal knows as created or adopted by this campaign."""

    hit_id: str
    address: str
    """Of its batch, as written at the time."""
    batch: str
    round: int
    key: str
    """The stored key it is known by now, re-keys included."""
    generation: int
    fingerprint: str
    price: Money
    """What it may cost in all, as priced when it was bought, extended and moved."""
    created_at: datetime
    expires_at: datetime | None = None
    """The end we last gave it."""
    expired_by_us: str = ""
    """Why our own hand ended it: `close`, `destroy`, `replace`, `retire`, `end`; empty while it did not."""
    expired_at: datetime | None = None
    deleted_by_us: bool = False
    """Our own DeleteHIT of it succeeded while it was untouched: its item was never bought."""


@dataclass(frozen=True, slots=True)
class KnownType:
    """A qualification type that this campaign created."""

    address: str
    type_id: str
    name: str
    created_at: datetime
    deleted_at: datetime | None = None
    """When our own deletion of it was sent; None while it lives."""
    copy: bool = False
    """Made to replace another one of the same address."""


@dataclass(frozen=True, slots=True)
class KnownGrant:
    """A qualification that this campaign gave and has not taken back."""

    address: str
    type_id: str
    worker: str
    value: int | None


@dataclass(frozen=True, slots=True)
class KnownBlock:
    """A worker whom this campaign blocked and has not unblocked."""

    worker: str
    reason: str


class _Draft:
    """A HIT while it is put together."""

    __slots__ = ("deleted", "ended", "ending", "expires", "hit_id", "made", "price")

    def __init__(self, hit_id: str) -> None:
        self.hit_id = hit_id
        self.made: dict[str, Any] | None = None
        self.price = 0
        self.expires = 0.0
        self.ending = ""
        self.ended: int | None = None
        self.deleted = False

    def call(self, row: Row[Any]) -> None:
        """A call about it that was done."""
        detail = json.loads(row.detail)
        if self.made is None or row.operation == CREATE:
            # A call about a HIT that nothing here made: it bore our marker, so it is ours.
            self.made = {"address": row.address, "key": row.key, "created": from_ms(row.endpoint_time)} | {
                name: detail.get(name, other)
                for name, other in (("batch", ""), ("round", 1), ("generation", 1), ("fingerprint", ""))
            }
        if row.operation in {CREATE, EXTEND, MOVE}:
            self.price += row.price
        if row.operation in {CREATE, EXPIRE}:
            self.expires = float(detail.get("expires", 0))
            self.ending = detail.get("ending", "")
            self.ended = row.endpoint_time if self.ending else None
        elif row.operation == DELETE:
            self.deleted = bool(detail.get("untouched"))

    def adoption(self, row: Row[Any]) -> None:
        """It was found in the account, and is ours."""
        if self.made is None or not self.made["fingerprint"]:
            self.made = {
                name: getattr(row, name) for name in ("address", "key", "batch", "round", "generation", "fingerprint")
            }
            self.made["created"] = from_ms(row.created)
            self.price += row.price
        self.expires = self.expires or row.expires / 1000

    def rekey(self, row: Row[Any]) -> None:
        """It goes by another key from now on."""
        if self.made is not None:
            self.made["key"] = row.key

    def known(self) -> KnownHIT | None:
        """What it came to; None for a re-key of something that is not here."""
        if self.made is None:
            return None
        created = self.made.pop("created")
        return KnownHIT(
            self.hit_id,
            **self.made,
            price=Money(self.price),
            created_at=created,
            expires_at=from_epoch(self.expires) if self.expires else None,
            expired_by_us=self.ending,
            expired_at=from_ms(self.ended) if self.ended is not None else None,
            deleted_by_us=self.deleted,
        )


def hits(connection: Connection, journal: str) -> Iterator[KnownHIT]:
    """Every HIT, by its id."""
    c = calls.c
    done = select(c.object_id, c.id, c.address, c.key, c.operation, c.endpoint_time, c.price, c.detail).where(
        c.outcome == "done", c.operation.in_(_ABOUT_HITS), c.object_id != ""
    )
    a = adoptions.c
    adopted = select(a.hit_id, a.id, a.address, a.batch, a.round, a.key, a.generation, a.fingerprint, a.price,
                     a.created, a.expires)  # fmt: skip
    renamed = select(rekeys.c.hit_id, rekeys.c.id, rekeys.c.key)
    streams = (
        _stream(connection, done.where(c.journal == journal).order_by(c.object_id, c.id), _Draft.call),
        _stream(connection, adopted.where(a.journal == journal).order_by(a.hit_id, a.id), _Draft.adoption),
        _stream(
            connection,
            renamed.where(rekeys.c.journal == journal).order_by(rekeys.c.hit_id, rekeys.c.id),
            _Draft.rekey,
        ),
    )
    for hit_id, events in groupby(heapq.merge(*streams, key=itemgetter(0)), key=itemgetter(0)):
        draft = _Draft(hit_id)
        for _, add, row in events:
            add(draft, row)
        known = draft.known()
        if known is not None:
            yield known


_Event = tuple[str, "Callable[[_Draft, Row[Any]], None]", "Row[Any]"]


def _stream(connection: Connection, query: Select[Any], add: Callable[[_Draft, Row[Any]], None]) -> Iterator[_Event]:
    """Rows by HIT id, each with what it says about the HIT; never all of them at once."""
    for row in connection.execute(query.execution_options(yield_per=_CHUNK)):
        yield row[0], add, row


def types(connection: Connection, journal: str) -> Iterator[KnownType]:
    """Every qualification type that was created, in order; the campaign record is not one of them."""
    made: dict[str, KnownType] = {}
    for row in _rare(connection, journal, CREATE_TYPE, DELETE_TYPE):
        if row.operation == DELETE_TYPE:
            if row.object_id in made:
                made[row.object_id] = replace(made[row.object_id], deleted_at=from_ms(row.endpoint_time))
        elif row.address != "record":
            detail = json.loads(row.detail)
            made[row.object_id] = KnownType(
                row.address,
                row.object_id,
                detail.get("name", ""),
                from_ms(row.endpoint_time),
                copy=bool(detail.get("copy", False)),
            )
    yield from made.values()


def grants(connection: Connection, journal: str) -> Iterator[KnownGrant]:
    """Grants that are ours; those of a type that we deleted went with it."""
    ours: dict[tuple[str, str], KnownGrant] = {}
    for row in _rare(connection, journal, GRANT, REVOKE, DELETE_TYPE):
        if row.operation == DELETE_TYPE:
            ours = {at: grant for at, grant in ours.items() if grant.type_id != row.object_id}
            continue
        detail = json.loads(row.detail)
        at = str(detail.get("type", "")), row.key
        if row.operation == GRANT:
            ours[at] = KnownGrant(row.address, *at, detail.get("value"))
        else:
            ours.pop(at, None)
    yield from ours.values()


def blocks(connection: Connection, journal: str) -> Iterator[KnownBlock]:
    """Blocks that are ours."""
    ours: dict[str, KnownBlock] = {}
    for row in _rare(connection, journal, BLOCK, UNBLOCK):
        if row.operation == BLOCK:
            ours[row.key] = KnownBlock(row.key, str(json.loads(row.detail).get("value") or ""))
        else:
            ours.pop(row.key, None)
    yield from ours.values()


def _rare(connection: Connection, journal: str, *operations: str) -> Iterator[Row[Any]]:
    """Done calls of operations that a plan does few of, in the order they were sent."""
    c = calls.c
    query: Select[Any] = (
        select(c.id, c.operation, c.object_id, c.address, c.key, c.endpoint_time, c.detail)
        .where(c.journal == journal, RARE, c.outcome == "done")
        .order_by(c.id)
        .execution_options(yield_per=_CHUNK)
    )
    # One by one, for a list of operations ordered by id makes SQLite read every call there is.
    streams = (connection.execute(query.where(c.operation == operation)) for operation in operations)
    yield from heapq.merge(*streams, key=itemgetter(0))
