"""A plot shows what was measured: every answer is in one bar, everything stands within the drawing."""

from __future__ import annotations

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turkform import plots
from turkform.figures import median
from turkform.plots import HEIGHT, WIDTH, Plot

MINUTE = 60_000
NOW = 1_800_000_000_000


def inside(plot: Plot) -> None:
    """Nothing stands outside of the drawing."""
    for shape in plot.shapes:
        assert 0 <= shape.x <= shape.x + shape.width <= WIDTH
        assert 0 <= shape.y <= shape.y + shape.height <= plot.height
    for line in plot.lines:
        for point in line.points.split():
            x, y = map(float, point.split(","))
            assert 0 <= x <= WIDTH
            assert 0 <= y <= HEIGHT
    for tick in (*plot.below, *plot.beside):
        assert 0 <= tick.at <= WIDTH


def count(plot: Plot) -> int:
    return sum(int(row[1].replace(",", "")) for row in plot.rows)


@given(st.lists(st.integers(1, 31_536_000), max_size=200))
def test_every_answer_is_in_one_bar_of_the_work_times(seconds: list[int]) -> None:
    found = array("I", seconds)
    plot = plots.times(found, median(found))
    assert count(plot) == len(seconds)
    assert len(plot.shapes) <= 25
    inside(plot)


@given(st.lists(st.integers(0, 2**32 - 1), max_size=200), st.none() | st.integers(0, 10_000))
def test_every_answer_is_in_one_bar_of_the_pay(cents: list[int], least: int | None) -> None:
    found = array("I", cents)
    plot = plots.rates(found, median(found), least)
    assert count(plot) == len(cents)
    inside(plot)


@given(
    st.lists(st.integers(NOW - 10**10, NOW), max_size=50),
    st.integers(0, 50),
    st.integers(0, 1000),
    st.none() | st.integers(NOW, NOW + 10**11),
)
def test_progress_ends_at_what_is_there(submitted: list[int], reviewed: int, more: int, done: int | None) -> None:
    decided = [NOW for _ in submitted[:reviewed]]
    plot = plots.progress(
        array("q", submitted), array("q", decided), places=len(submitted) + more, now=NOW, done_at=done
    )
    assert plot.rows[-1][1:] == (str(len(submitted)), str(len(decided)))
    inside(plot)


@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)), max_size=8))
def test_bars_of_money_are_as_long_as_the_money(found: list[tuple[int, int]]) -> None:
    rows = [(f"b{n}", [("paid", paid), ("open", free)]) for n, (paid, free) in enumerate(found)]
    plot = plots.spend(rows, (("paid", "paid"), ("open", "open")))
    assert len(plot.rows) == len(found)
    inside(plot)


def test_times_are_counted_in_steps_that_people_use() -> None:
    found = array("I", [70, 80, 95, 100, 260])
    assert [tick.label for tick in plots.times(found, 95).below] == ["0s", "1m", "2m", "3m", "4m"]


def test_what_lies_far_beyond_the_rest_does_not_flatten_it() -> None:
    found = array("I", [60] * 99 + [86_400])
    plot = plots.times(found, 60)
    assert plot.rows[-1][0].endswith("or more")
    assert len(plot.shapes) == 2


@pytest.mark.parametrize(
    ("minutes", "ticks"),
    [(45, ["07:20", "07:30", "07:40", "07:50", "08:00"]), (6000, ["12 Jan", "13 Jan", "14 Jan", "15 Jan"])],
)
def test_moments_are_round(minutes: int, ticks: list[str]) -> None:
    begun = NOW - minutes * MINUTE
    plot = plots.progress(array("q", [begun]), array("q"), places=1, now=NOW, done_at=None)
    assert [tick.label for tick in plot.below] == ticks
