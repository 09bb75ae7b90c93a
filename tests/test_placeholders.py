"""`${column}` in texts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turkform.placeholders import Fill, percent_encoded, xml_escaped


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("a ${x} b", "a 1 b"),
        ("$${x} is a literal one", "${x} is a literal one"),
        ("`${price * 2}` and ${} and $x", "`${price * 2}` and ${} and $x"),
        ("${x}${x}${y.z-1}", "112"),
        ("", ""),
    ],
)
def test_a_column_is_replaced_and_nothing_else_is(text: str, filled: str) -> None:
    assert Fill(text)({"x": "1", "y.z-1": "2"}) == filled


def test_a_value_is_inserted_as_its_place_wants_it() -> None:
    fill = Fill("${x} ${x}", lambda offset: xml_escaped if offset else percent_encoded)
    assert fill({"x": "<&>"}) == "%3C%26%3E &lt;&amp;&gt;"


@given(st.lists(st.sampled_from(["ab", "${x}", "$${x}", "\n", "${yy}", "é"]), max_size=8), st.text(max_size=9))
def test_what_stands_in_the_made_text_is_found_where_it_was_written(parts: list[str], value: str) -> None:
    """A character of the text is found at its own offset, one of a value at its placeholder."""
    fill, row = Fill("".join(parts)), {"x": value, "yy": "ab"}
    made = fill(row)
    for offset, character in enumerate(made):
        at = fill.source(row, offset)
        assert fill.text[at] == character or fill.text.startswith(("${x}", "${yy}"), at)
    assert fill.source(row, len(made)) == len(fill.text)
