"""A campaign lives from its plan to its last cent, and turkform and the marketplace tell the same of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from whole_life import WholeLife, live, made_up

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("items", [20, pytest.param(500, marks=pytest.mark.heavy)])
def test_what_the_crowd_answered_is_what_is_kept_and_what_was_paid_is_what_the_books_say(
    items: int, tmp_path: Path
) -> None:
    life = WholeLife(tmp_path, made_up(items), "id")
    assert len(live(life)) == life.places - life.left
