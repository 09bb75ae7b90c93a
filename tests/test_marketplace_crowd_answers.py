"""What simulated workers see in a page, and that they answer as the page asks."""

from __future__ import annotations

import random
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turkform.marketplace.crowd.answering import Answerer, draw
from turkform.marketplace.crowd.browser import Page
from turkform.marketplace.crowd.forms import Field, Form, read_form

SEEDS = st.integers(0, 10_000).map(random.Random)


def fields(body: str) -> tuple[Field, ...]:
    """The fields of a form with this in it."""
    found = read_form(Page("http://group.tasks.localhost/work/3ABC", 200, f"<form>{body}</form>"))
    assert found is not None
    return found.fields


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ('<input name="a">', Field("a", "text")),
        ('<input name="a" type="EMAIL" required>', Field("a", "email", required=True)),
        ('<input name="a" type="number" min="2" max="5">', Field("a", "number", lowest="2", highest="5")),
        ('<input name="a" type="hidden" value="x">', Field("a", "hidden", "x")),
        ('<textarea name="a" maxlength="9">\nx</textarea>', Field("a", "text", "x", lines=True, longest=9)),
        ('<select name="a"><option value="">…<option>b<option value="c">C</select>',
         Field("a", "choice", options=("b", "c"))),
        ('<select name="a" multiple><option>b</select>', Field("a", "choices", options=("b",))),
        ('<input type="radio" name="a" value="x"><input type="radio" name="a" value="y" required>',
         Field("a", "choice", options=("x", "y"), required=True)),
        ('<input type="checkbox" name="a">', Field("a", "choices", options=("on",))),
        ('<button name="a" value="go">Go</button><button name="a" value="stay">Stay</button>',
         Field("a", "hidden", "go")),
        (('<fieldset data-fewest="1" data-most="2" data-required><input type="checkbox" name="a" value="x"><input '
         'type="checkbox" name="a" value="" data-own="o"><input name="a" id="o"></fieldset>'),
         Field("a", "choices", options=("x",), own=True, required=True, fewest=1, most=2)),
    ],
)  # fmt: skip
def test_a_control_is_read_as_what_it_asks(body: str, field: Field) -> None:
    assert fields(body) == (field,)


def test_what_sends_nothing_is_not_answered() -> None:
    assert not fields('<input name="a" disabled><input type="reset" name="b"><button type="button" name="c">')
    assert read_form(Page("http://x.localhost/", 200, "")) is None


@given(chance=SEEDS, fewest=st.integers(0, 3), more=st.integers(0, 3))
def test_as_many_are_chosen_as_the_page_asks(chance: random.Random, fewest: int, more: int) -> None:
    field = Field("a", "choices", options=("w", "x", "y", "z"), fewest=fewest, most=fewest + more, required=True)
    chosen = draw(field, chance)
    assert max(fewest, 1) <= len(chosen) <= max(fewest + more or 4, 1)
    assert {*chosen} <= {*field.options}


@given(chance=SEEDS, low=st.integers(-50, 50), width=st.integers(0, 100), step=st.sampled_from(["", "any", "1", "0.5"]))
def test_a_number_is_between_its_bounds(chance: random.Random, low: int, width: int, step: str) -> None:
    field = Field("a", "number", lowest=str(low), highest=str(low + width), step=step, required=True)
    (value,) = draw(field, chance)
    assert low <= float(value) <= low + width


@given(chance=SEEDS, shortest=st.integers(0, 80), more=st.integers(1, 40), lines=st.booleans())
def test_a_text_is_as_long_as_it_may_be(chance: random.Random, shortest: int, more: int, *, lines: bool) -> None:
    field = Field("a", "text", shortest=shortest, longest=shortest + more, lines=lines, required=True)
    (value,) = draw(field, chance)
    assert max(1, shortest) <= len(value) <= shortest + more


@given(chance=SEEDS)
def test_a_date_is_one(chance: random.Random) -> None:
    (value,) = draw(Field("a", "date", lowest="2030-05-01", required=True), chance)
    assert date.fromisoformat(value) >= date(2030, 5, 1)


@given(chance=SEEDS)
def test_a_text_matches_a_common_pattern(chance: random.Random) -> None:
    assert draw(Field("a", "text", required=True, patterns=("^(?:[0-9]{5})$",)), chance) == ("12345",)


def test_skilled_workers_agree_and_unskilled_ones_do_not() -> None:
    form = Form("/", (Field("a", "choice", options=tuple("abcdefgh")),))

    def answers(skill: float) -> set[str]:
        return {Answerer(1, f"A{n}", "item", skill).fill(form)[0][1] for n in range(40)}

    assert len(answers(1.0)) == 1
    assert len(answers(0.0)) > 3
