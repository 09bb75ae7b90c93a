"""What a saved plan approves, read off its document."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turkform.approval import Approval, Rows


@given(st.sets(st.integers(1, 300)))
def test_rows_are_exactly_those_that_were_added_also_when_read_back(numbers: set[int]) -> None:
    rows = Rows(sorted(numbers))
    back = Rows.parse(str(rows))
    everything = range(302)
    assert {n for n in everything if n in rows} == {n for n in everything if n in back} == numbers
    assert rows.count == back.count == len(numbers)
    assert str(back) == str(rows)


def test_rows_are_written_as_ranges() -> None:
    rows = Rows([1, 2, 3, 5, 7, 8])
    rows.add(8)
    assert (str(rows), rows.count) == ("1-3,5,7-8", 6)
    assert str(Rows()) == ""
    assert "1" not in rows


def step(address: str, action: str = "create", op: str = "", rows: str = "", *, count: int = 0, **keys: str) -> Any:
    listed = [{"key": key, "value": value} for key, value in keys.items()]
    items = {"count": count or len(listed), "listed": listed, **({"rows": rows} if rows else {})}
    return {"address": address, "action": action, "items": items, **({"op": op} if op else {})}


DOCUMENT: dict[str, Any] = {
    "steps": [
        {"address": "record", "action": "create"},
        step("grant.trained", rows="2-3"),
        step("grant.trained", A9="1"),
        step("grant.trained", "delete", A7="", A8=""),
        step("block", "delete", count=2_000, A1=""),
        step("batch.pilot", "create", "create", "1-2,9"),
        step("batch.pilot", "update", "move", "4"),
    ],
    "batches": {"batch.pilot": {"left": "5-6", "taken": "7"}, "batch.main": {}},
}


@pytest.mark.parametrize(
    ("part", "expected"), [("publish", {1, 2, 9}), ("left", {5, 6}), ("taken", {7})], ids=["publish", "left", "taken"]
)
def test_a_batch_s_rows_are_those_of_its_steps_and_figures(part: str, expected: set[int]) -> None:
    rows = getattr(Approval.of(DOCUMENT).batch("batch.pilot"), part)
    assert {n for n in range(20) if n in rows} == expected
    assert getattr(Approval.of(DOCUMENT).batch("batch.main"), part).count == 0
    assert getattr(Approval.of(DOCUMENT).batch("batch.other"), part).count == 0


def test_a_roster_s_workers_are_those_of_its_steps() -> None:
    roster = Approval.of(DOCUMENT).roster("grant.trained")
    assert [n in roster.adding for n in (1, 2, 3, 4)] == [False, True, True, False]
    assert [w in roster.taking for w in ("A7", "A8", "A9")] == [True, True, False]
    assert [w in roster.copying for w in ("A7", "A8", "A9")] == [False, False, True]


def test_of_more_than_are_listed_all_are_taken_off() -> None:
    roster = Approval.of(DOCUMENT).roster("block")
    assert "A1" in roster.taking
    assert "A1999" in roster.taking
    assert "A1" not in Approval.of(DOCUMENT).roster("grant.other").taking


def test_what_is_deleted_as_a_whole_is_named() -> None:
    whole = {"address": "qualification_type.old", "action": "delete"}
    assert Approval.of({**DOCUMENT, "steps": [*DOCUMENT["steps"], whole]}).deleting == {"qualification_type.old"}
    assert Approval.of(DOCUMENT).deleting == frozenset()
