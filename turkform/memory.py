"""What the journal remembers and the account forgets, as planning sees it.

In: a journal, read by `survey.recall`. Out: plain values that `diff` and `plan` take beside what was
observed. An empty `Memory` is a campaign without a journal at hand.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

from turkform.packed import Packed

if TYPE_CHECKING:
    from turkform.hits import HITs
    from turkform.items import Marker
    from turkform.observed import BatchKey

TOKEN_LIFE = 86_400.0
"""Seconds for which the API remembers a token (requester guide, "Request tokens")."""
Ending = Literal["", "replace", "close", "destroy", "retire", "end"]
"""Why our own hand expired a HIT: a replacement under way, `close`, `destroy`, a removed row, a closed batch."""


class Known(NamedTuple):
    """A HIT of this campaign that the journal knows as created or adopted; times in epoch seconds."""

    id: str
    key: str
    generation: int
    fingerprint: str
    cents: int
    """What it may cost in all, as priced when it was bought."""
    created: float
    expires: float
    """The end we last gave it; 0 where the journal cannot say."""
    ending: Ending = ""
    ended: float = 0.0
    deleted: bool = False
    """Our own DeleteHIT of it succeeded while it was untouched: its item was never bought."""


_NUMBERS = struct.Struct("<16sIqdddB?")
"""Fingerprint, generation, cents, times, ending and whether deleted; the id follows."""
_ENDINGS: tuple[Ending, ...] = get_args(Ending)


class Knowns(Mapping[str, Known]):
    """Stored key → its HIT of the highest generation; a million of them in a hundred megabytes."""

    def __init__(self, known: Iterable[Known] = ()) -> None:
        self._packed = Packed()
        self._several: set[str] = set()
        self.latest = 1
        """The highest generation of any of them."""
        for one in known:
            self.add(one)

    def add(self, known: Known) -> None:
        """One more."""
        numbers = _NUMBERS.pack(
            known.fingerprint.encode(), known.generation, known.cents, known.created, known.expires, known.ended,
            _ENDINGS.index(known.ending), known.deleted,
        )  # fmt: skip
        self.latest = max(self.latest, known.generation)
        keys = self._packed.keys
        self._packed.add(known.key, numbers + known.id.encode())
        if self._packed.keys == keys:
            self._several.add(known.key)

    def beside(self, hits: HITs) -> Iterator[Known]:
        """Those that are not among these HITs, of every generation."""
        return (
            _unpack(key.decode(), record)
            for key, record in self._packed.pairs()
            if not hits.has(key, record[_NUMBERS.size :])
        )

    def every(self) -> Iterator[Known]:
        """Every HIT, of every generation."""
        return (_unpack(key, record) for key, record in self._packed)

    def __getitem__(self, key: str) -> Known:
        records = self._packed.find(key)
        if not records:
            raise KeyError(key)
        if len(records) == 1:
            return _unpack(key, records[0])
        return max((_unpack(key, record) for record in records), key=lambda known: known.generation)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and key in self._packed

    def __len__(self) -> int:
        return self._packed.keys

    def __iter__(self) -> Iterator[str]:
        if not self._several:
            return (key for key, _ in self._packed)
        return iter(dict.fromkeys(key for key, _ in self._packed))


def _unpack(key: str, record: bytearray) -> Known:
    fingerprint, generation, cents, created, expires, ended, ending, deleted = _NUMBERS.unpack_from(record)
    return Known(
        record[_NUMBERS.size :].decode(), key, generation, fingerprint.rstrip(b"\0").decode(), cents, created, expires,
        _ENDINGS[ending], ended, deleted,
    )  # fmt: skip


Mark = tuple[int, int]
"""The numbers of a journal's last run and last call."""


class OpenCall(NamedTuple):
    """A call that was sent and whose outcome was not learned; times in epoch seconds."""

    id: int
    operation: str
    address: str
    key: str
    token: str
    local: float
    endpoint: float
    detail: Mapping[str, Any]
    cents: int = 0
    """What it may have committed."""

    def age(self, now: float, local: float) -> float:
        """Seconds since it was sent: the greater of the two clocks' differences.

        An endpoint clock that runs backwards makes it old, because its token cannot be trusted then.
        """
        if now < self.endpoint:
            return max(local - self.local, TOKEN_LIFE + 1)
        return max(now - self.endpoint, local - self.local)

    def shown_for(self, now: float, local: float) -> float:
        """Seconds a listing has had to show what it did; an endpoint clock that ran backwards says nothing of that."""
        return local - self.local if now < self.endpoint else self.age(now, local)


class Stored(NamedTuple):
    """How much of a HIT's work is in the answers store."""

    handed_in: int
    reviewed: int
    """Approved and rejected; what is handed in and not reviewed may still change."""


NOT_STORED = Stored(0, 0)


@dataclass(frozen=True, slots=True)
class KnownType:
    """A qualification type the journal knows as created by this campaign."""

    id: str
    name: str
    deleted: float = 0.0
    """When our own deletion of it began, in epoch seconds; 0 while it lives."""
    replaces: str = ""
    """The id of the type that it was made to take the place of."""


class KnownNotification(NamedTuple):
    """Settings that this campaign sent for a HIT type and has not turned off."""

    name: str
    """Of the resource, when they were sent."""
    digest: str


class PaidBonus(NamedTuple):
    """A bonus that the journal knows as paid."""

    assignment: str
    amount: int
    """Cents that the worker got."""
    cents: int
    """The same with its fee."""


class Rejection(NamedTuple):
    """An assignment that this campaign rejected."""

    released: int
    """Cents that are not committed any more while it stands."""
    overturned: bool = False


@dataclass(frozen=True, slots=True)
class Memory:
    """Everything planning needs of the past."""

    journal: str = ""
    """The journal's id; empty when none is at hand."""
    record: str = ""
    """The id of the campaign record this journal belongs to; empty before the first apply."""
    environment: str = ""
    mark: Mark = (0, 0)
    """How far the journal reached when it was read: what is written after that, this does not know."""
    hits: Mapping[BatchKey, Knowns] = field(default_factory=dict)
    recent: tuple[str, ...] = ()
    """Ids of HITs made so recently that a listing may lack them."""
    rekeys: Mapping[str, str] = field(default_factory=dict)
    imported: Mapping[str, Marker] = field(default_factory=dict)
    """HIT id → the marker that a HIT taken over by `import` goes by."""
    open: tuple[OpenCall, ...] = ()
    grants: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Qualification type id → workers whose grants are ours."""
    copies: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Qualification type id → workers whose grants were copied from a type that it replaced."""
    blocks: frozenset[str] = frozenset()
    answers: Mapping[str, Stored] = field(default_factory=dict)
    """HIT id → how much of its work is in the answers store; read when it is first asked for."""
    due: Mapping[str, float] = field(default_factory=dict)
    """HIT id → when the first of its stored answers approves itself, in epoch seconds; read when first asked for."""
    notifications: Mapping[str, KnownNotification] = field(default_factory=dict)
    """HIT type id → its settings."""
    types: Mapping[str, KnownType] = field(default_factory=dict)
    """Name of the resource → its type."""
    older: tuple[tuple[str, KnownType], ...] = ()
    """Types of ours that live and whose resource has another type by now, with its name."""
    freed: Mapping[str, float] = field(default_factory=dict)
    """Name of a type that we deleted → when its last deletion began, in epoch seconds."""
    protected: frozenset[str] = frozenset()
    """Ids of qualification types that must not be deleted."""
    bonuses: Mapping[str, PaidBonus] = field(default_factory=dict)
    """Token → a bonus that was paid."""
    rejections: Mapping[str, Rejection] = field(default_factory=dict)
    """Assignment → what became of it, where we rejected it."""

    @property
    def reviewed(self) -> int:
        """Cents by which reviewing has raised what is committed: bonuses, less what rejections released.

        What a call of unknown outcome may have committed counts in full.
        """
        unknown = sum(call.cents for call in self.open if call.operation == "SendBonus")
        approving = {call.key for call in self.open if call.operation == "ApproveAssignment"}
        standing = (r for i, r in self.rejections.items() if not r.overturned and i not in approving)
        released = sum(rejection.released for rejection in standing)
        return sum(bonus.cents for bonus in self.bonuses.values()) + unknown - released

    def open_creates(self) -> dict[tuple[BatchKey, str], OpenCall]:
        """Open HIT creations by batch and stored key."""
        return {
            ((call.detail["batch"], call.detail["round"]), call.key): call
            for call in self.open
            if call.operation == "CreateHITWithHITType"
        }
