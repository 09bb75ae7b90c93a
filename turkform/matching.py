"""Which HIT belongs to which row of a batch.

In: a batch's rows as a stream, the HITs that carry its marker, what the journal knows of others. Out: which keys
were renamed, and which have a HIT and no row. By key (as the marker says, or as the journal re-keyed it), then
what is left by equal fingerprint, where exactly one row and one HIT hold it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from turkform.items import stored_key
from turkform.packed import Packed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from turkform.campaign import Source
    from turkform.hits import HIT, HITs
    from turkform.items import Item
    from turkform.memory import Knowns


class _Looked(NamedTuple):
    """What one pass over the rows finds."""

    settled: bytearray
    vanished: list[str]
    """Stored keys that have a HIT and no row, re-keyed ones among them."""
    rows: int
    """How many have or had a HIT by their own key."""


@dataclass
class Matching:
    """Rows and HITs of one batch and round; without a source, every HIT is without a row."""

    source: Source | None
    hits: HITs
    known: Knowns
    as_declared: Callable[[HIT, Item], bool]
    """Whether a HIT is what the row declares, in everything."""

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

    @property
    def settled(self) -> bytearray:
        """For each row 1 where it is as declared, with nothing to decide, else 0; empty where nothing is known."""
        return self._looked.settled

    @property
    def _vanished_before(self) -> list[str]:
        """Stored keys that have a HIT and no row."""
        return self._looked.vanished

    @cached_property
    def _looked(self) -> _Looked:
        """One pass over the rows, in which most of a batch is settled.

        No row is like another, so as many rows with a HIT as there are keys means that none is missing; only
        otherwise the rows' keys are collected.
        """
        settled = bytearray()
        if self.source is None or not (self.hits or self.known):
            return _Looked(settled, list(self.published()), 0)
        listed = known = rows = 0
        for item in self.source.items():
            key = stored_key(item.key)
            hits, remembered = self.hits.find(key), key in self.known
            settled.append(bool(hits) and not self.gone(key, hits[0]) and self.as_declared(hits[0], item))
            listed += bool(hits)
            known += remembered
            rows += bool(hits) or remembered
        if (listed, known) == (len(self.hits), len(self.known)):
            return _Looked(settled, [], rows)
        present = Packed()
        for item in self.source.items():
            present.add(stored_key(item.key))
        return _Looked(settled, [key for key in self.published() if key not in present], rows)

    def gone(self, key: str, hit: HIT) -> bool:
        """Whether the current generation is gone from the account, and this HIT is what is left of an older one."""
        if self.known.latest <= hit.generation:
            return False
        known = self.known.get(key)
        return known is not None and known.generation > hit.generation and not known.deleted

    @property
    def count(self) -> int:
        """How many keys have or had a HIT in this round."""
        return self._looked.rows + len(self._looked.vanished)

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
