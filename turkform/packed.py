"""A million records in little memory: bytes in one buffer, found by a text key.

In: keys and records, in any order. Out: the records of a key, in the order they came. A dict of tuples takes
four times as much: here a record costs its own bytes and its key's, three more, and eight to sixteen for its
place in an open-addressed table.
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
        if 2 * self._number > self._mask:
            self._grow()
        entries, slots, mask, length = self._entries, self._slots, self._mask, len(name)
        slot, new = hash(name) & mask, True
        while place := slots[slot]:
            if entries[place] == length and entries.startswith(name, place + 3):
                new = False
            slot = (slot + 1) & mask
        slots[slot] = len(entries)
        entries += b"%c%b%b%b" % (length, len(record).to_bytes(2), name, record)
        self._number += 1
        self.keys += new

    def find(self, key: str | bytes) -> list[bytearray]:
        """The records of a key."""
        name = key.encode() if isinstance(key, str) else key
        entries, slots, mask, length = self._entries, self._slots, self._mask, len(name)
        slot, found = hash(name) & mask, []
        while place := slots[slot]:
            if entries[place] == length and entries.startswith(name, place + 3):
                start = place + 3 + length
                found.append(entries[start : start + (entries[place + 1] << 8 | entries[place + 2])])
            slot = (slot + 1) & mask
        return found

    def __contains__(self, key: str) -> bool:
        name = key.encode()
        entries, slots, mask, length = self._entries, self._slots, self._mask, len(name)
        slot = hash(name) & mask
        while place := slots[slot]:
            if entries[place] == length and entries.startswith(name, place + 3):
                return True
            slot = (slot + 1) & mask
        return False

    def pairs(self) -> Iterator[tuple[bytes, bytearray]]:
        """Every record with its key in UTF-8, in the order they came."""
        place, entries = 1, self._entries
        while place < len(entries):
            start = place + 3 + entries[place]
            end = start + (entries[place + 1] << 8 | entries[place + 2])
            yield bytes(entries[place + 3 : start]), entries[start:end]
            place = end

    def __iter__(self) -> Iterator[tuple[str, bytearray]]:
        """Every record with its key, in the order they came."""
        return ((name.decode(), record) for name, record in self.pairs())

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
            place = start + (entries[place + 1] << 8 | entries[place + 2])
