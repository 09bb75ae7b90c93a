"""HITs of one batch: what a listing shows of each, a million of them in a hundred megabytes.

In: `HIT`s as they are read, in any order. Out: `HITs`, a mapping from stored key to the HITs of that item, the
current one first. Each is packed into bytes, and unpacked whenever somebody looks.
"""

from __future__ import annotations

import struct
from collections.abc import ItemsView, Iterable, Iterator, Mapping, ValuesView
from typing import Any, NamedTuple

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
_COUNTERS = struct.Struct("<iiii")
"""The last of these."""


class HITs(Mapping[str, list[HIT]]):
    """Stored key → its HITs, the current one first."""

    def __init__(self, hits: Iterable[HIT] = ()) -> None:
        self._packed = Packed()
        self._words: list[str] = []
        self._places: dict[str, int] = {}
        self._several: dict[str, None] = {}
        self.types: set[str] = set()
        """The HIT types they have."""
        for hit in hits:
            self.add(hit)

    def add(self, hit: HIT) -> None:
        """One more; one that is there already, by its id, is not added again."""
        numbers = _NUMBERS.pack(
            hit.fingerprint.encode(), hit.generation, hit.version, self._word(hit.type_id), self._word(hit.status),
            hit.created, hit.expires, hit.maximum, hit.available, hit.pending, hit.completed,
        )  # fmt: skip
        self.types.add(hit.type_id)
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

    def alike(self, now: float) -> Iterator[tuple[HIT, int, bool]]:
        """Those that cost the same: one of them, how many there are, and whether they are current ones of their keys.

        They have the same type and the same places taken and free, and can be found at `now` or cannot.
        """
        found: dict[tuple[int, bool, int, int], list[Any]] = {}
        several = {key.encode() for key in self._several}
        for key, record in self._packed.pairs():
            if key in several:
                continue
            _, _, _, kind, _, _, expires, maximum, available, _, _ = _NUMBERS.unpack_from(record)
            kept = found.get(what := (kind, expires > now, maximum, available))
            if kept is None:
                found[what] = [self._unpack(key.decode(), record), 1]
            else:
                kept[1] += 1
        yield from ((hit, number, True) for hit, number in found.values())
        for name in self._several:
            yield from ((hit, 1, place == 0) for place, hit in enumerate(self[name]))

    def handed_in(self) -> Iterator[HIT]:
        """Those with answers that wait for a review."""
        several = {key.encode() for key in self._several}
        for key, record in self._packed.pairs():
            maximum, available, pending, completed = _COUNTERS.unpack_from(record, _NUMBERS.size - _COUNTERS.size)
            if maximum > available + pending + completed and key not in several:
                yield self._unpack(key.decode(), record)
        for name in self._several:
            yield from (hit for hit in self[name] if hit.submitted)

    def has(self, key: bytes, hit_id: bytes | bytearray) -> bool:
        """Whether this HIT is among those of the key; both in UTF-8."""
        return any(record[_NUMBERS.size :] == hit_id for record in self._packed.find(key))

    def __getitem__(self, key: str) -> list[HIT]:
        if not (found := self.find(key)):
            raise KeyError(key)
        return found

    def find(self, key: str) -> list[HIT]:
        """As `[]`, and none where there is none."""
        records = self._packed.find(key)
        if len(records) <= 1:
            return [self._unpack(key, record) for record in records]
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
