"""What is measured of answers adds up, and is what a person would measure."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turkform.answers import Work
from turkform.figures import Figures, _Price, median, together

NOW = 1_000_000_000
PRICE = _Price(10, 12)
HOUR = 3_600_000


def work(seconds: int = 60, *, at: int = NOW, status: str = "Submitted", **more: Any) -> Work:
    plain = {"due": None, "approved": None, "rejected": None, "bonus": 0}
    return Work("X1", "H1", "pilot", 1, "{}", status, at - seconds * 1000, at, **plain | more)


def figures(*found: Work) -> Figures:
    told = Figures()
    for one in found:
        told.add(one, PRICE, NOW)
    return told


def test_pay_by_the_hour_is_reward_and_bonus_over_the_time_from_accepting_to_handing_in() -> None:
    assert str(figures(work(60)).median_rate) == "6.00"
    assert str(figures(work(60, bonus=50, status="Approved")).median_rate) == "36.00"


def test_a_rejected_assignment_pays_nothing_and_costs_nothing() -> None:
    told = figures(work(60, status="Rejected"), work(60, status="Approved"))
    assert (str(told.median_rate), told.paid, told.approved, told.rejected) == ("0.00", 12, 1, 1)


def test_work_without_any_time_took_a_second() -> None:
    assert figures(work(0)).median_seconds == 1


@pytest.mark.parametrize(("values", "middle"), [([5], 5), ([9, 1, 5], 5), ([4, 1, 2, 3], 2)])
def test_half_took_no_longer_than_the_median(values: list[int], middle: int) -> None:
    assert figures(*(work(value) for value in values)).median_seconds == middle


def test_nothing_has_no_median_and_no_pace() -> None:
    empty = Figures()
    assert (median(empty.seconds), empty.median_rate, empty.pace(NOW)) == (None, None, None)


def test_a_pace_is_told_by_the_latest_answers_and_falls_while_none_come() -> None:
    told = figures(*(work(at=NOW - HOUR + n * HOUR // 4) for n in range(5)))
    assert told.pace() == 4
    assert told.pace(NOW + HOUR) == 2


def test_four_answers_say_nothing_of_a_pace() -> None:
    assert figures(*(work(at=NOW - n * HOUR) for n in range(4))).pace(NOW) is None


def test_what_approves_itself_within_a_day_is_counted() -> None:
    told = figures(work(due=NOW + HOUR), work(due=NOW + 23 * HOUR), work(due=NOW + 25 * HOUR), work(due=NOW - 1))
    assert (told.next_due, told.soon) == (NOW + HOUR, 2)


def test_an_answer_of_a_hit_that_is_gone_was_reviewed_whatever_is_stored() -> None:
    told = Figures()
    told.add_gone(work(status="Submitted"), PRICE, NOW)
    assert (told.approved, told.waiting, told.gone_paid, told.guessed) == (1, 0, 12, 1)


@given(st.lists(st.tuples(st.integers(0, 10_000), st.sampled_from(["Submitted", "Approved", "Rejected"]))))
def test_parts_add_up_to_the_whole(found: list[tuple[int, str]]) -> None:
    works = [work(seconds, status=status) for seconds, status in found]
    half = len(works) // 2
    parts, whole = together([figures(*works[:half]), figures(*works[half:])]), figures(*works)
    for name in Figures.__slots__:
        mine, theirs = getattr(parts, name), getattr(whole, name)
        assert mine == theirs, name
