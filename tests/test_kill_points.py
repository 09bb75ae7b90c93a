"""The real command, killed at any point and in any trouble: what it left is put right by the next one."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from kill_points import KILLED, Runner
from marketplace_server import running
from one_campaign import CHAPTERS, TROUBLES, Place, tell

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("marketplace")
    with running(folder, store="sqlite") as server, Runner() as runner:
        yield Place(server, folder / "marketplace.sqlite", runner)


def _sample() -> list[tuple[str, str, int]]:
    """A case of every trouble, each in another chapter and at another point; the benchmark has them all."""
    chance = random.Random(5)  # noqa: S311 - repeatable on purpose
    cases = [(CHAPTERS[n % 2], trouble, chance.randrange(20, 100)) for n, trouble in enumerate(TROUBLES)]
    reviews = [("review", "lost answer", 60), ("review", "a gap of 25 hours", 70), ("review", "none", 50)]
    return [*cases, ("retire", "lost answer", 60), ("close", "none", 20), *reviews]


@pytest.mark.parametrize(("chapter", "trouble", "point"), _sample())
def test_what_dies_at_any_point_in_any_trouble_is_put_right(
    place: Place, tmp_path: Path, chapter: str, trouble: str, point: int
) -> None:
    assert tell(place.story(tmp_path, chapter), trouble, point) == []


def test_a_run_that_is_to_be_killed_is(place: Place, tmp_path: Path) -> None:
    story = place.story(tmp_path)
    story.begin()
    assert story.run(*story.words, kill=50).code == KILLED
    assert sum(story.live().values()) < len(story.keys)
