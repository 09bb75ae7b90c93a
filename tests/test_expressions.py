"""Expressions hold for the rows they are meant for, and nothing but an expression is read."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turkform.expressions import ExpressionError, amount, condition, value

ROW = {
    "Answer.animal": " cat ", "Answer.sure": "4", "Answer.empty": "", "Answer.a.b": "deep", "Answer.odd name": "here",
    "Input.known": "cat", "Input.half": "0.5", "WorkTimeInSeconds": "30", "WorkerId": "A1ONE", "ItemKey": "img-7",
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("Answer.animal == Input.known", True),
        ("Answer.animal != 'dog'", True),
        ("Answer.a.b == 'deep' and Answer['odd name'] == \"here\"", True),
        ("WorkTimeInSeconds >= 20", True),
        ("10 < WorkTimeInSeconds < 20", False),
        ("Answer.sure > 3.5 or Answer.animal == 'dog'", True),
        ("not Answer.sure == 4", False),
        ("Answer.animal in ['dog', 'cat']", True),
        ("Answer.animal not in ['dog', 'cat']", False),
        ("Answer.sure in [1, 4]", True),
        ("Answer.sure * Input.half == 2", True),
        ("-Answer.sure < 0", True),
        ("length(Answer.animal) == 5", True),
        ("lower('CAT') == Input.known", True),
        ("contains(Answer.animal, 'at')", True),
        ("max(Answer.sure, 9) == 9 and min(Answer.sure, 9) == 4", True),
        ("true", True),
        ("false", False),
        ("Answer.empty == ''", True),
        ("Answer.absent == ''", True),
        # what is no number makes it unknown, and unknown never holds
        ("Answer.animal > 3", False),
        ("not Answer.animal > 3", False),
        ("not (Answer.animal > 3 and WorkerId == 'A1ONE')", False),
        ("Answer.animal > 3 or WorkerId == 'A1ONE'", True),
        ("Answer.empty < 1", False),
        ("not Answer.empty < 1", False),
        ("Answer.sure / 0 == 1 or false", False),
    ],
)
def test_a_condition_holds_or_not(text: str, *, holds: bool) -> None:
    assert condition(text).holds(ROW) is holds


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0.02 * Answer.sure", "0.08"),
        ("Answer.sure", "4"),
        ("min(1.00, 0.5 * Answer.sure)", "1.00"),
        ("1 + 2 * 3", "7"),
    ],
)
def test_a_number_is_exact(text: str, number: str) -> None:
    assert amount(text).number(ROW) == Decimal(number)


def test_a_column_is_a_text() -> None:
    assert value("Answer.animal").value(ROW) == "cat"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no expression"),
        ("Answer.animal = 'cat'", "no expression"),
        ("Answer.animal && true", "no expression"),
        ("Answer.animal", "holds or not for no answer"),
        ("Answer.animal and true", "stands where a condition is needed"),
        ("animal == 'cat'", "animal is no column"),
        ("Answer == 'cat'", "Answer is no column"),
        ("WorkerId.x == 'cat'", "WorkerId.x is no column"),
        ("__import__('os').system('id')", "nothing that an expression may hold"),
        ("Answer.x.__class__()", "nothing that an expression may hold"),
        ("open('x') == 1", "there is no function open"),
        ("(lambda: 1)() == 1", "nothing that an expression may hold"),
        ("[1 for x in Answer.a] == 1", "nothing that an expression may hold"),
        ("2 ** 1000000 == 1", "nothing that an expression may hold"),
        ("1e999999 == 1", "no number that is read here"),
        ("f'{Answer.a}' == 'x'", "nothing that an expression may hold"),
        ("Answer[Answer.a] == 'x'", "nothing that an expression may hold"),
        ("Answer.a is None", "compared by == and !="),
        ("Answer.a in 'abc'", "is no list"),
        ("length() == 1", "takes one value"),
        ("(true) == (false)", "is a condition, and is compared"),
        ("Answer.a == 'x' + 'y'", "stands where a number is needed"),
        ("\0", "no expression"),
        ("not " * 200 + "true", "nested too deeply"),
        ("(" * 300 + "true" + ")" * 300, "no expression"),
        ("-" * 900 + "1 == 1", " "),
        ("true or " * 200 + "true", "characters"),
    ],
)
def test_what_is_no_expression_is_refused(text: str, told: str) -> None:
    with pytest.raises(ExpressionError, match=re.escape(told)):
        condition(text)


@given(st.text(max_size=40))
def test_no_text_breaks_it(text: str) -> None:
    try:
        found = condition(text)
    except ExpressionError:
        return
    assert found.holds(ROW) in {True, False}


@given(st.text(max_size=30))
def test_no_answer_breaks_a_condition(answer: str) -> None:
    found = condition("Answer.a * 2 > 3 or Answer.a in ['x', 3] or length(Answer.a) == 2")
    assert found.holds({"Answer.a": answer}) in {True, False}
