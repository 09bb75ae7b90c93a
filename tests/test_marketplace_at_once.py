"""Many workers at once on PostgreSQL with two processes: nothing is given twice, nothing is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postgres import postgres

from benchmarks import crowd

if TYPE_CHECKING:
    from pathlib import Path


def test_workers_who_race_for_the_last_places_get_each_once_and_nothing_is_lost(tmp_path: Path) -> None:
    found = crowd.run(tmp_path, postgres().database(), workers=8, seconds=4, think=0.0, tasks=3, places=5)
    assert found.troubles == []
    assert (found.lost, found.unasked, found.twice) == (0, 0, 0)
    assert 1 <= found.submitted <= 15
