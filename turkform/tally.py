"""What one pass over a batch found besides its changes: counts, open places, and what is impossible.

In: words, as `publication` decides item by item. Out: figures for the draft's notes and refusals.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Tally:
    """What one pass over a batch found besides its changes."""

    counts: Counter[str] = field(default_factory=Counter)
    """`converged`, `gone`, `closed`, `decayed`, `kept question`, `interference` … → items."""
    places: Counter[str] = field(default_factory=Counter)
    """Open places behind the same words."""
    refusals: dict[str, list[str]] = field(default_factory=dict)
    """Why a plan is impossible → the first items it concerns."""
    total: int = 0
    """Rows in the file."""
    closed: float = 0.0
    """When our own hand last closed one of them, in epoch seconds."""
    due: float = 0.0
    """When the first stored answer approves itself, in epoch seconds; 0 where none is known to do so soon."""
    published: int = 0
    """Keys that have or had a HIT in this round."""

    def note(self, word: str, places: int = 0, items: int = 1) -> None:
        """Count items under a word, and their open places."""
        self.counts[word] += items
        self.places[word] += places

    def refuse(self, reason: str, key: str) -> None:
        """Remember an impossible wish."""
        self.refusals.setdefault(reason, []).append(key)
