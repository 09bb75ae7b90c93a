"""The diff: what has to be read for it. What it decides is in the case files."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from test_cases import desired_of

from turkform.diff import scope
from turkform.memory import Memory

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("declared", "ours", "read"),
    [({}, (), False), ({"A1": "Random"}, (), True), ({}, ("A1",), True)],
    ids=["neither", "declared", "ours"],
)
def test_blocks_are_read_only_where_some_are_declared_or_ours(
    tmp_path: Path, declared: dict[str, Any], ours: tuple[str, ...], *, read: bool
) -> None:
    desired = desired_of({"desired": {"blocks": declared} if declared else {}}, tmp_path)
    assert scope(desired, Memory(blocks=frozenset(ours))).blocks == read
    assert scope(replace(desired, blocks={}), Memory(blocks=frozenset(ours))).blocks == read
