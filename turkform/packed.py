"""A million records in little memory: bytes in one buffer, found by a text key.

In: keys and records, in any order. Out: the records of a key, in the order they came. A dict of tuples takes
four times as much: here a record costs its own bytes and its key's, three more, and eight for its place in
an open-addressed table.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_FIRST_SLOTS = 1 << 10


class Packed:
    """Records by key; what is in it stays as it is, and more may be added."""

    def __init__(self) -> None:
        # An entry: one byte for the key's length, two for the record's, the key, the record.
        self._entries = bytearray(b"\0")  # at place 0 there is none, so 0 means a free slot
        self._slots = array("I", bytes(4 * _FIRST_SLOTS))
        self._mask = _FIRST_SLOTS - 1
        self._number = 0
        self.keys = 0
        """How many different keys there are."""

    def __len__(self) -> int:
        """How many records there are."""
        return self._number

    def add(self, key: str, record: bytes = b"") -> None:
        """One more record; keys take at most 255 bytes, records 65,535."""
        name = key.encode()
        if 3 * self._number > 2 * self._mask:
            self._grow()
        slot, new = hash(name) & self._mask, True
        while place := self._slots[slot]:
            new = new and not self._is(place, name)
            slot = (slot + 1) & self._mask
        self._slots[slot] = len(self._entries)
        self._entries += b"%c%b%b%b" % (len(name), len(record).to_bytes(2), name, record)
        self._number += 1
        self.keys += new

    def find(self, key: str) -> list[bytearray]:
        """The records of a key."""
        name, found = key.encode(), []
        slot = hash(name) & self._mask
        while place := self._slots[slot]:
            if self._is(place, name):
                start = place + 3 + len(name)
                found.append(self._entries[start : start + self._size(place)])
            slot = (slot + 1) & self._mask
        return found

    def __contains__(self, key: str) -> bool:
        name = key.encode()
        slot = hash(name) & self._mask
        while place := self._slots[slot]:
            if self._is(place, name):
                return True
            slot = (slot + 1) & self._mask
        return False

    def __iter__(self) -> Iterator[tuple[str, bytearray]]:
        """Every record with its key, in the order they came."""
        place, entries = 1, self._entries
        while place < len(entries):
            start = place + 3 + entries[place]
            end = start + self._size(place)
            yield entries[place + 3 : start].decode(), entries[start:end]
            place = end

    def _size(self, place: int) -> int:
        return self._entries[place + 1] << 8 | self._entries[place + 2]

    def _is(self, place: int, name: bytes) -> bool:
        """Whether the entry at a place has this key."""
        return self._entries[place] == len(name) and self._entries.startswith(name, place + 3)

    def _grow(self) -> None:
        """Twice the slots; entries are entered anew in the order they came, so each key's stay in theirs."""
        size = 2 * len(self._slots)
        self._slots, self._mask = array("I", bytes(4 * size)), size - 1
        place, entries = 1, self._entries
        while place < len(entries):
            start = place + 3 + entries[place]
            slot = hash(bytes(entries[place + 3 : start])) & self._mask
            while self._slots[slot]:
                slot = (slot + 1) & self._mask
            self._slots[slot] = place
            place = start + self._size(place)
