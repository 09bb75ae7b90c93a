"""HITs of one batch: what a listing shows of each, a million of them in a hundred megabytes.

In: `HIT`s as they are read, in any order. Out: `HITs`, a mapping from stored key to the HITs of that item, the
current one first. Each is packed into bytes, and unpacked whenever somebody looks.
"""

from __future__ import annotations

import struct
from collections.abc import ItemsView, Iterable, Iterator, Mapping, ValuesView
from typing import NamedTuple

from turkform.packed import Packed


class HIT(NamedTuple):
    """One HIT of this campaign, as the last listing or GetHIT showed it; times in epoch seconds."""

    id: str
    key: str
    generation: int
    version: int
    fingerprint: str
    type_id: str
    created: float
    expires: float
    maximum: int
    available: int
    pending: int
    completed: int
    status: str

    @property
    def submitted(self) -> int:
        """Submitted and not yet reviewed: in none of the API's three counters."""
        return max(0, self.maximum - self.available - self.pending - self.completed)

    @property
    def untouched(self) -> bool:
        """Nothing pending, submitted or completed, as far as the counters tell."""
        return self.available >= self.maximum and not self.pending and not self.completed


def precedence(hit: HIT) -> tuple[int, int, float, str]:
    """Which of several HITs of a key is the current one: highest generation, most work, oldest."""
    return (-hit.generation, -(hit.maximum - hit.available), hit.created, hit.id)


_NUMBERS = struct.Struct("<16sIIHHddiiii")
"""Fingerprint, generation, version, type, status, times and counters; the id follows."""


class HITs(Mapping[str, list[HIT]]):
    """Stored key → its HITs, the current one first."""

    def __init__(self, hits: Iterable[HIT] = ()) -> None:
        self._packed = Packed()
        self._words: list[str] = []
        self._places: dict[str, int] = {}
        self._several: dict[str, None] = {}
        for hit in hits:
            self.add(hit)

    def add(self, hit: HIT) -> None:
        """One more; one that is there already, by its id, is not added again."""
        numbers = _NUMBERS.pack(
            hit.fingerprint.encode(), hit.generation, hit.version, self._word(hit.type_id), self._word(hit.status),
            hit.created, hit.expires, hit.maximum, hit.available, hit.pending, hit.completed,
        )  # fmt: skip
        keys = self._packed.keys
        self._packed.add(hit.key, numbers + hit.id.encode())
        if self._packed.keys == keys:
            self._several[hit.key] = None

    @property
    def count(self) -> int:
        """How many HITs there are."""
        return len(self) - len(self._several) + sum(len(self[key]) for key in self._several)

    def several(self) -> Iterator[tuple[str, list[HIT]]]:
        """The keys that have more than one HIT."""
        return ((key, hits) for key in self._several if len(hits := self[key]) > 1)

    def has(self, key: str, hit_id: str) -> bool:
        """Whether this HIT is among those of the key."""
        wanted = hit_id.encode()
        return any(record[_NUMBERS.size :] == wanted for record in self._packed.find(key))

    def __getitem__(self, key: str) -> list[HIT]:
        records = self._packed.find(key)
        if not records:
            raise KeyError(key)
        if len(records) == 1:
            return [self._unpack(key, records[0])]
        hits = [self._unpack(key, record) for record in records]
        return sorted({hit.id: hit for hit in reversed(hits)}.values(), key=precedence)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and key in self._packed

    def __len__(self) -> int:
        return self._packed.keys

    def __iter__(self) -> Iterator[str]:
        return (key for key, _ in self._pairs())

    def items(self) -> ItemsView[str, list[HIT]]:
        """Keys and their HITs, in the order the keys came, unpacked one at a time."""
        return _Items(self)

    def values(self) -> ValuesView[list[HIT]]:
        """The HITs of each key, unpacked one at a time."""
        return _Values(self)

    def unpacked(self) -> Iterator[tuple[str, list[HIT]]]:
        """What the views go through."""
        for key, record in self._pairs():
            yield key, self[key] if key in self._several else [self._unpack(key, record)]

    def _pairs(self) -> Iterator[tuple[str, bytearray]]:
        """Each key once, with its first record."""
        if not self._several:
            yield from self._packed
            return
        told: set[str] = set()
        for key, record in self._packed:
            if key in self._several:
                if key in told:
                    continue
                told.add(key)
            yield key, record

    def _word(self, text: str) -> int:
        """HIT types and states are few: a number stands for each."""
        place = self._places.get(text)
        if place is None:
            place = self._places[text] = len(self._words)
            self._words.append(text)
        return place

    def _unpack(self, key: str, record: bytearray) -> HIT:
        (
            fingerprint, generation, version, kind, status, created, expires, maximum, available, pending, completed,
        ) = _NUMBERS.unpack_from(record)  # fmt: skip
        return HIT(
            record[_NUMBERS.size :].decode(), key, generation, version, fingerprint.rstrip(b"\0").decode(),
            self._words[kind], created, expires, maximum, available, pending, completed, self._words[status],
        )  # fmt: skip


class _Items(ItemsView[str, list[HIT]]):
    _mapping: HITs

    def __iter__(self) -> Iterator[tuple[str, list[HIT]]]:
        return self._mapping.unpacked()


class _Values(ValuesView[list[HIT]]):
    _mapping: HITs

    def __iter__(self) -> Iterator[list[HIT]]:
        return (hits for _, hits in self._mapping.unpacked())
