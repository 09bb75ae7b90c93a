"""Which HIT belongs to which row of a batch.

In: a batch's rows as a stream, the HITs that carry its marker, what the journal knows of others. Out: which keys
were renamed, and which have a HIT and no row. By key (as the marker says, or as the journal re-keyed it), then
what is left by equal fingerprint, where exactly one row and one HIT hold it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from turkform.items import stored_key
from turkform.packed import Packed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from turkform.campaign import Source
    from turkform.hits import HITs
    from turkform.memory import Knowns


@dataclass
class Matching:
    """Rows and HITs of one batch and round; without a source, every HIT is without a row."""

    source: Source | None
    hits: HITs
    known: Knowns

    @cached_property
    def rekeyed(self) -> Mapping[str, str]:
        """Stored key of a row → stored key under which its HIT is known so far."""
        vanished = self._vanished_before
        if not vanished or self.source is None:
            return {}
        holders: dict[str, list[str]] = {}
        for old in vanished:
            holders.setdefault(self._fingerprint_of(old), []).append(old)
        rows: dict[str, list[str]] = {}
        for item in self.source.items():
            key = stored_key(item.key)
            if key not in self.hits and key not in self.known:
                fingerprint = self.source.template.fingerprint(item.row)
                if fingerprint in holders:
                    rows.setdefault(fingerprint, []).append(key)
        return {
            keys[0]: holders[fingerprint][0]
            for fingerprint, keys in rows.items()
            if len(keys) == 1 and len(holders[fingerprint]) == 1
        }

    @cached_property
    def _vanished_before(self) -> list[str]:
        """Stored keys that have a HIT and no row.

        No row is like another, so as many rows with a HIT as there are keys means that none is missing; only
        otherwise the rows' keys are collected.
        """
        if self.source is None or not (self.hits or self.known):
            return list(self.published())
        listed = known = 0
        for item in self.source.items():
            key = stored_key(item.key)
            listed += key in self.hits
            known += key in self.known
        if (listed, known) == (len(self.hits), len(self.known)):
            return []
        present = Packed()
        for item in self.source.items():
            present.add(stored_key(item.key))
        return [key for key in self.published() if key not in present]

    def published(self) -> Iterator[str]:
        """Stored keys that have or had a HIT in this round."""
        yield from self.hits
        yield from (key for key in self.known if key not in self.hits)

    @cached_property
    def vanished(self) -> list[str]:
        """Stored keys that have a HIT and no row, re-keyed ones left out; sorted, for a listing has no order."""
        found = set(self.rekeyed.values())
        return sorted(key for key in self._vanished_before if key not in found)

    def _fingerprint_of(self, key: str) -> str:
        hits = self.hits.get(key)
        return hits[0].fingerprint if hits else self.known[key].fingerprint
