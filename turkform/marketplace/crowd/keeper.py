"""The keeper's insight: what a rehearsal tells the holder of its token, for people who are to be right.

In: the control file of a rehearsal, gold answers. Out: what is known of a HIT and of a test.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from turkform.marketplace.calling import call
from turkform.marketplace.crowd.answering import Known
from turkform.marketplace.crowd.known import best_answers
from turkform.marketplace.crowd.people import Insight

if TYPE_CHECKING:
    from pathlib import Path

    from turkform.marketplace.crowd.known import Gold


class Keeper(Insight):
    """Looks up each HIT and each type once. `error` is how often people miss a gold answer; None leaves it to skill."""

    def __init__(self, control_file: Path, gold: Gold | None, error: float | None) -> None:
        self._control_file, self._gold, self._error = control_file, gold, error
        self._seen: dict[tuple[str, str], dict[str, Any]] = {}

    def answers(self, hit: str, skill: float) -> Known | None:
        """What the gold answers say of a HIT, by its id, its annotation, or the key in its marker."""
        found = None if self._gold is None else self._gold.of(hit, str(self._look("hit", hit)["annotation"]))
        return None if found is None else Known(found, skill if self._error is None else 1 - self._error)

    def test(self, kind: str) -> dict[str, tuple[str, ...]] | None:
        """What a type's answer key pays best."""
        key = self._look("type", kind)["answer_key"]
        return best_answers(key) if key else None

    def seconds(self, hit: str) -> float:
        """What the HIT's type says; a countdown depends on how fast a page came."""
        return float(self._look("hit", hit)["seconds"])

    def _look(self, what: str, name: str) -> dict[str, Any]:
        if (what, name) not in self._seen:
            self._seen[what, name] = call(self._control_file, "look", {what: name})
        return self._seen[what, name]
