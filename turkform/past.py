"""What the journal's calls add up to: the HITs, types, grants and blocks that are this campaign's.

In: a connection for reading. Out: streams. A million HITs are put together from calls, adoptions and re-keys
without holding more than one.
"""

from __future__ import annotations

import heapq
import json
from dataclasses import dataclass, field, replace
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from sqlalchemy import select

from turkform.items import FINGERPRINT_VERSION, Marker
from turkform.kinds.notification import UPDATE as NOTIFY
from turkform.kinds.qualification import GRANT, REVOKE
from turkform.kinds.worker_block import BLOCK, UNBLOCK
from turkform.ledger import RARE, adoptions, calls, from_ms, rekeys, runs
from turkform.memory import Ending, Known
from turkform.money import Money

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from sqlalchemy import Connection, Row, Select

    from turkform.observed import BatchKey

CREATE = "CreateHITWithHITType"
EXTEND = "CreateAdditionalAssignmentsForHIT"
MOVE = "UpdateHITTypeOfHIT"
EXPIRE = "UpdateExpirationForHIT"
DELETE = "DeleteHIT"
CREATE_TYPE = "CreateQualificationType"
UPDATE_TYPE = "UpdateQualificationType"
DELETE_TYPE = "DeleteQualificationType"
APPROVE, REJECT, BONUS = "ApproveAssignment", "RejectAssignment", "SendBonus"
OWN, DISOWN, PROTECT = "own", "disown", "protect"
"""Not sent: what the files said about whose things are, and what must not be deleted."""
IMPORT = "import"
"""The command whose adoptions are of HITs without a marker."""
_ABOUT_HITS = (CREATE, EXTEND, MOVE, EXPIRE, DELETE)
_CHUNK = 1_000
"""Rows fetched at a time."""
_read = json.JSONDecoder().decode


@dataclass(frozen=True, slots=True)
class KnownType:
    """A qualification type that this campaign created."""

    address: str
    type_id: str
    name: str
    created_at: datetime
    deleted_at: datetime | None = None
    """When our own deletion of it was sent; None while it lives."""
    replaces: str = ""
    """The id of the type that it was made to take the place of."""
    values: Mapping[str, str] = field(default_factory=dict)
    """What our calls gave it, as `remembered`; empty where the journal is older than that."""


@dataclass(frozen=True, slots=True)
class KnownGrant:
    """A qualification that this campaign gave and has not taken back."""

    address: str
    type_id: str
    worker: str
    value: int | None
    copied: bool = False
    """Taken over from a type that was replaced, and nobody's to take back."""


@dataclass(frozen=True, slots=True)
class KnownBlock:
    """A worker whom this campaign blocked and has not unblocked."""

    worker: str
    reason: str


class KnownBonus(NamedTuple):
    """A bonus that was paid."""

    assignment: str
    token: str
    amount: Money
    price: Money
    """With its fee."""


class _Detail(msgspec.Struct):
    """What is read of the detail of a call about a HIT."""

    batch: str = ""
    round: int = 1
    generation: int = 1
    fingerprint: str = ""
    expires: float = 0.0
    ending: Ending = ""
    untouched: bool = False


_detail = msgspec.json.Decoder(_Detail).decode


class _Draft:
    """A HIT while it is put together: every event known of it, told in the order it happened."""

    __slots__ = (
        "batch", "cents", "created", "deleted", "ended", "ending", "expires", "fingerprint", "generation", "key",
        "ours", "round",
    )  # fmt: skip

    def __init__(self) -> None:
        self.ours = False
        self.batch = self.key = self.fingerprint = ""
        self.ending: Ending = ""
        self.round = self.generation = 1
        self.cents = self.created = self.ended = 0
        self.expires = 0.0
        self.deleted = False

    def call(self, row: Any) -> None:
        """A call about it that was done."""
        _, _, key, operation, at, cents, text = row
        detail = _detail(text)
        if not self.ours or operation == CREATE:
            # A call about a HIT that nothing here made: it bore our marker, so it is ours.
            self.ours, self.key, self.created = True, key, at
            self.batch, self.round = detail.batch, detail.round
            self.generation, self.fingerprint = detail.generation, detail.fingerprint
        if operation in (CREATE, EXPIRE):
            self.expires = detail.expires
            self.ending = detail.ending
            self.ended = at
        elif operation == DELETE:
            self.deleted = detail.untouched
        if operation != EXPIRE:  # what a reopening costs was in the price already
            self.cents += cents

    def adoption(self, row: Row[Any]) -> None:
        """It was found in the account, and is ours."""
        if not self.fingerprint:
            self.ours, self.key, self.created = True, row.key, row.created
            self.batch, self.round = row.batch, row.round
            self.generation, self.fingerprint = row.generation, row.fingerprint
            self.cents += row.price
        self.expires = self.expires or row.expires / 1000

    def rekey(self, row: Row[Any]) -> None:
        """It goes by another key from now on."""
        self.key = row.key

    def finish(self, hit_id: str) -> PastHIT:
        """What it came to."""
        return (self.batch, self.round), Known(
            hit_id,
            self.key,
            self.generation,
            self.fingerprint,
            self.cents,
            self.created / 1000,
            self.expires,
            self.ending,
            self.ended / 1000 if self.ending else 0.0,
            self.deleted,
        )


PastHIT = tuple["BatchKey", Known]
"""A HIT that this campaign created or adopted, and the batch that it belongs to."""


def hits(connection: Connection, journal: str) -> Iterator[PastHIT]:
    """Every HIT; by its id, so that all that happened to one stands together, where more happened than creations."""
    c = calls.c
    done = select(c.object_id, c.id, c.key, c.operation, c.endpoint_time, c.price, c.detail).where(
        c.journal == journal, c.outcome == "done", c.operation.in_(_ABOUT_HITS), c.object_id != ""
    )
    a = adoptions.c
    adopted = select(a.hit_id, a.id, a.batch, a.round, a.key, a.generation, a.fingerprint, a.price, a.created,
                     a.expires).where(a.journal == journal)  # fmt: skip
    renamed = select(rekeys.c.hit_id, rekeys.c.id, rekeys.c.key).where(rekeys.c.journal == journal)
    if not any(connection.execute(query.limit(1)).first() for query in (done.where(RARE), adopted, renamed)):
        return (_created(row) for row in connection.execute(done.execution_options(yield_per=_CHUNK)))
    return _put_together(
        _stream(connection, done.order_by(c.object_id, c.id), _Draft.call),
        _stream(connection, adopted.order_by(a.hit_id, a.id), _Draft.adoption),
        _stream(connection, renamed.order_by(rekeys.c.hit_id, rekeys.c.id), _Draft.rekey),
    )


def _created(row: Any) -> PastHIT:
    """A HIT of which nothing but its creation is known."""
    hit_id, _, key, _, at, cents, text = row
    detail = _detail(text)
    created = at / 1000
    return (detail.batch, detail.round), Known(
        hit_id, key, detail.generation, detail.fingerprint, cents, created, detail.expires,
    )  # fmt: skip


def _put_together(*streams: Iterator[_Event]) -> Iterator[PastHIT]:
    for hit_id, events in groupby(heapq.merge(*streams, key=itemgetter(0)), key=itemgetter(0)):
        draft = _Draft()
        for _, add, row in events:
            add(draft, row)
        if draft.ours:
            yield draft.finish(hit_id)


_Event = tuple[str, "Callable[[_Draft, Row[Any]], None]", "Row[Any]"]


def _stream(connection: Connection, query: Select[Any], add: Callable[[_Draft, Row[Any]], None]) -> Iterator[_Event]:
    """Rows by HIT id, each with what it says about the HIT; never all of them at once."""
    for row in connection.execute(query.execution_options(yield_per=_CHUNK)):
        yield row[0], add, row


def types(connection: Connection, journal: str) -> Iterator[KnownType]:
    """Every qualification type that was created or claimed, in order; the campaign record is not one of them."""
    made: dict[str, KnownType] = {}
    for row in _rare(connection, journal, CREATE_TYPE, UPDATE_TYPE, DELETE_TYPE, OWN, DISOWN):
        detail = _read(row.detail)
        if row.operation == DISOWN:
            made.pop(row.object_id, None)
        elif row.operation == DELETE_TYPE:
            if row.object_id in made:
                made[row.object_id] = replace(made[row.object_id], deleted_at=from_ms(row.endpoint_time))
        elif row.operation == UPDATE_TYPE:
            if row.object_id in made:
                values = {**made[row.object_id].values, **detail.get("values", {})}
                made[row.object_id] = replace(made[row.object_id], values=values)
        elif row.operation == OWN and row.object_id in made:
            made[row.object_id] = replace(made[row.object_id], address=row.address)
        elif row.address != "record":
            made[row.object_id] = KnownType(
                row.address,
                row.object_id,
                detail.get("name", ""),
                from_ms(row.endpoint_time),
                replaces=str(detail.get("replaces") or ""),
                values=detail.get("values", {}),
            )
    yield from made.values()


def imported(connection: Connection, journal: str, campaign: str) -> Iterator[tuple[str, Marker]]:
    """HITs that `import` took over, and the markers they go by, having none of their own."""
    a, r = adoptions.c, runs.c
    query = (
        select(a.hit_id, a.batch, a.round, a.key, a.generation, a.fingerprint)
        .join(runs, (r.journal == a.journal) & (r.id == a.run))
        .where(a.journal == journal, r.command == IMPORT)
        .order_by(a.id)
    )
    for row in connection.execute(query.execution_options(yield_per=_CHUNK)):
        marker = Marker(campaign, row.batch, row.round, row.key, row.generation, FINGERPRINT_VERSION, row.fingerprint)
        yield row.hit_id, marker


def grants(connection: Connection, journal: str) -> Iterator[KnownGrant]:
    """Grants that are ours; those of a type that we deleted went with it."""
    ours: dict[tuple[str, str], KnownGrant] = {}
    for row in _rare(connection, journal, GRANT, REVOKE, DELETE_TYPE, DISOWN):
        if row.operation == DELETE_TYPE or (row.operation == DISOWN and not row.key):
            ours = {at: grant for at, grant in ours.items() if grant.type_id != row.object_id}
            continue
        detail = _read(row.detail)
        at = str(detail.get("type", "")), row.key
        if row.operation == GRANT:
            ours[at] = KnownGrant(row.address, *at, detail.get("value"), bool(detail.get("copied")))
        else:
            ours.pop(at, None)
    yield from ours.values()


def blocks(connection: Connection, journal: str) -> Iterator[KnownBlock]:
    """Blocks that are ours."""
    ours: dict[str, KnownBlock] = {}
    for row in _rare(connection, journal, BLOCK, UNBLOCK, DISOWN):
        if row.operation == BLOCK:
            ours[row.key] = KnownBlock(row.key, str(_read(row.detail).get("value") or ""))
        elif row.operation == UNBLOCK or row.address.startswith("block"):
            ours.pop(row.key, None)
    yield from ours.values()


def notifications(connection: Connection, journal: str) -> Iterator[tuple[str, str, str]]:
    """Notification settings that are ours and active: HIT type id, address, and the digest of what was sent."""
    ours: dict[str, tuple[str, str, str]] = {}
    for row in _rare(connection, journal, NOTIFY, DISOWN):
        digest = str(_read(row.detail).get("value") or "")
        if digest:
            ours[row.object_id] = row.object_id, row.address, digest
        else:
            ours.pop(row.object_id, None)
    yield from ours.values()


def bonuses(connection: Connection, journal: str) -> Iterator[KnownBonus]:
    """Bonuses that were paid, by us or found as paid by us."""
    for row in _rare(connection, journal, BONUS):
        yield KnownBonus(row.object_id, row.token, Money(_read(row.detail).get("amount", 0)), Money(row.price))


def rejections(connection: Connection, journal: str) -> dict[str, tuple[Money, bool]]:
    """Our rejections by assignment: what each released, and whether it was overturned by us."""
    found = {
        row.object_id: (Money(_read(row.detail).get("released", 0)), False)
        for row in _rare(connection, journal, REJECT)
    }
    if found:  # approvals are as many as answers, and only what follows a rejection matters
        for row in _rare(connection, journal, APPROVE):
            if row.object_id in found:
                found[row.object_id] = found[row.object_id][0], True
    return found


def protected(connection: Connection, journal: str) -> frozenset[str]:
    """Ids of qualification types that must not be deleted."""
    found: dict[str, bool] = {}
    for row in _rare(connection, journal, CREATE_TYPE, PROTECT, DISOWN):
        found[row.object_id] = row.operation != DISOWN and bool(_read(row.detail).get("protected"))
    return frozenset(type_id for type_id, kept in found.items() if kept)


def _rare(connection: Connection, journal: str, *operations: str) -> Iterator[Row[Any]]:
    """Done calls of operations that a plan does few of, in the order they were sent."""
    c = calls.c
    query: Select[Any] = (
        select(c.id, c.operation, c.object_id, c.address, c.key, c.token, c.price, c.endpoint_time, c.detail)
        .where(c.journal == journal, RARE, c.outcome == "done")
        .order_by(c.id)
        .execution_options(yield_per=_CHUNK)
    )
    # One by one, for a list of operations ordered by id makes SQLite read every call there is.
    streams = (connection.execute(query.where(c.operation == operation)) for operation in operations)
    yield from heapq.merge(*streams, key=itemgetter(0))
