"""Whatever is declared, whatever lives in the account, whatever people do meanwhile: the planner's laws hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st
from life import Life
from marketplace_server import Server, running
from worlds import WORKERS, Deed, as_test, play

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

KEYS = st.sampled_from("abcdef")
NUMBERS = st.integers(0, 11)


def deed(*parts: Any) -> st.SearchStrategy[Deed]:
    return st.tuples(*(part if isinstance(part, st.SearchStrategy) else st.just(part) for part in parts))


EDITS = st.one_of(
    deed("edit", "row", KEYS, st.sampled_from([None, "one", "two", "three", "four"])),
    deed("edit", "row", KEYS, st.sampled_from(["one", "two", "three", "four"])),
    deed("edit", "rekey", KEYS, st.sampled_from("xyz")),
    deed("edit", "page", st.integers(0, 2)),
    deed("edit", "reward", st.sampled_from(["0.05", "0.10", "0.20"])),
    deed("edit", "title", st.sampled_from(["T", "Another"])),
    deed("edit", "assignments", st.sampled_from([1, 2, 3, 4, 9, 10, 11])),
    deed("edit", "lifetime", st.sampled_from(["1h", "1d", "7d", "30d"])),
    deed("edit", "status", st.sampled_from(["open", "closed"])),
    deed("edit", "limit", st.sampled_from([None, 0, 2, 5])),
    deed("edit", "round", st.integers(1, 2)),
    deed("edit", "on_change", st.sampled_from([None, {"question": "keep"}, {"terms": "keep"}])),
    deed("edit", "description", st.sampled_from([None, "Passed.", "Passed it all."])),
    deed("edit", "required", st.booleans()),
    deed("edit", "renamed", st.booleans()),
    deed("edit", "budget", st.sampled_from([None, "1.00", "50.00"])),
    deed("edit", "more", st.sampled_from([None, 1, 2])),
    deed("edit", "grant", st.sampled_from(WORKERS), st.sampled_from([None, 50, 90])),
    deed("edit", "block", st.sampled_from(["A7BAD", "A6BAD"]), st.sampled_from([None, "Random", "Other"])),
)
FEW = st.integers(0, 3)
WORK = st.one_of(
    deed("worker", st.sampled_from(["accept", "accept", "return", "submit"]), FEW, st.sampled_from(WORKERS[:2])),
    deed("worker", "submit", NUMBERS, st.sampled_from(WORKERS)),
)
HISTORY = st.one_of(
    WORK,
    deed("owner", st.sampled_from(["expire", "extend", "delete", "approve", "review", "grant", "edit type"]), NUMBERS),
    deed("time", st.sampled_from([60, 2_000, 4_000, 90_000, 700_000])),
    deed("close", st.integers(0, 1)),
)
PLAN = deed(
    "plan",
    st.lists(WORK, max_size=5),
    st.one_of(st.none(), NUMBERS),
    st.sampled_from([False, False, False, False, False, True]),
)


@st.composite
def scenarios(draw: st.DrawFn) -> list[Deed]:
    """A campaign declared and applied, and then a few rounds of history, edits and plans."""
    deeds = draw(st.lists(EDITS, max_size=6))
    deeds.append(("plan", [], None))
    for _ in range(draw(st.integers(1, 3))):
        deeds += draw(st.lists(HISTORY, max_size=4))
        deeds += draw(st.lists(EDITS, max_size=4))
        deeds.append(draw(PLAN))
    return deeds


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Server]]:
    """A marketplace that is a new one after every fifty worlds: what lives in an account is read by every plan."""
    opened: list[Any] = []
    count = 0

    def one() -> Server:
        nonlocal count
        if count % 50 == 0:
            while opened:
                opened.pop().__exit__(None, None, None)
            manager = running(tmp_path_factory.mktemp("marketplace"))
            server = manager.__enter__()
            opened.extend([manager])
            one.server = server  # type: ignore[attr-defined]
        count += 1
        return one.server  # type: ignore[attr-defined, no-any-return]

    yield one
    while opened:
        opened.pop().__exit__(None, None, None)


def act_out(servers: Callable[[], Server], folder: Path, scenario: list[Deed]) -> None:
    life = Life(servers(), folder)
    life.folder = folder / life.name
    life.folder.mkdir()
    note(as_test(scenario))
    play(life, scenario)


@settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)
@given(scenario=scenarios())
def test_the_laws_hold_in_some_worlds(
    servers: Callable[[], Server], tmp_path_factory: pytest.TempPathFactory, scenario: list[Deed]
) -> None:
    act_out(servers, tmp_path_factory.mktemp("worlds"), scenario)


@pytest.mark.heavy
@pytest.mark.parametrize("part", range(4))
@settings(
    max_examples=250,
    deadline=None,
    database=None,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)
@given(scenario=scenarios())
def test_the_laws_hold_in_many_worlds(
    servers: Callable[[], Server], tmp_path_factory: pytest.TempPathFactory, part: int, scenario: list[Deed]
) -> None:
    """Four parts, so that several cores share them."""
    act_out(servers, tmp_path_factory.mktemp("worlds"), scenario)


FOUND: dict[str, list[Deed]] = {
    "a type edited by hand under a plan with nothing to do": [
        ("edit", "description", "Passed."), ("plan", [], None), ("plan", [], 4, False),
    ],
    "the name of a type that was destroyed": [
        ("edit", "description", "Passed."), ("plan", [], None), ("plan", [], None, True), ("plan", [], None, False),
        ("edit", "required", True), ("edit", "grant", "A1ONE", 50), ("plan", [], None), ("time", 180_000),
        ("plan", [], None),
    ],
    "work returned and taken between plan and apply": [
        ("edit", "row", "d", "four"), ("plan", [], None), ("worker", "accept", 0, "A1ONE"), ("edit", "reward", "0.20"),
        ("edit", "page", 1), ("plan", [("worker", "return", 0, "A1ONE"), ("worker", "accept", 1, "A2TWO")], None),
    ],
    "a closed batch opened again while work on it comes in": [
        ("edit", "lifetime", "7d"), ("plan", [], None), ("worker", "accept", 0, "A1ONE"), ("edit", "status", "closed"),
        ("plan", [], None), ("edit", "status", "open"), ("plan", [("worker", "return", 0, "A1ONE")], None),
    ],
}  # fmt: skip
"""Worlds in which a law once broke, or nearly did."""


@pytest.mark.parametrize("name", FOUND)
def test_the_laws_hold_in_a_world_that_broke_them(
    servers: Callable[[], Server], tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    life = Life(servers(), tmp_path_factory.mktemp("worlds"))
    play(life, FOUND[name])
