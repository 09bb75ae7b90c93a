"""Every shape of answer becomes columns, and nothing a worker sends breaks them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turkform.replies import columns

NAMESPACE = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2005-10-01/QuestionFormAnswers.xsd"
HEAD = f'<?xml version="1.0" encoding="ASCII"?><QuestionFormAnswers xmlns="{NAMESPACE}">'


def document(*answers: str) -> str:
    return HEAD + "".join(f"<Answer>{answer}</Answer>" for answer in answers) + "</QuestionFormAnswers>"


def answer(name: str, inside: str) -> str:
    return f"<QuestionIdentifier>{name}</QuestionIdentifier>{inside}"


@pytest.mark.parametrize(
    ("inside", "told"),
    [
        ("<FreeText>x &lt; y</FreeText>", "x < y"),
        ("<FreeText></FreeText>", ""),
        ("", ""),
        ("<SelectionIdentifier>s1</SelectionIdentifier>", "s1"),
        ("<SelectionIdentifier>s1</SelectionIdentifier><SelectionIdentifier>s2</SelectionIdentifier>", "s1|s2"),
        ("<SelectionIdentifier>s1</SelectionIdentifier><OtherSelectionText>mine</OtherSelectionText>", "s1|mine"),
        ("<UploadedFileSizeInBytes>3</UploadedFileSizeInBytes><UploadedFileKey>k</UploadedFileKey>", "k"),
    ],
)
def test_each_shape_is_a_column(inside: str, told: str) -> None:
    assert columns(document(answer("a", inside))) == {"a": told}


def test_a_field_that_came_twice_is_joined() -> None:
    twice = document(answer("a", "<FreeText>1</FreeText>"), answer("a", "<FreeText>2</FreeText>"))
    assert columns(twice) == {"a": "1|2"}


def test_crowd_elements_become_columns_of_their_own_and_stay_whole() -> None:
    text = json.dumps([{"animal": {"label": "cat", "parts": ["ear"]}, "sure": {"yes": True}}])
    assert columns(document(answer("taskAnswers", f"<FreeText>{text}</FreeText>"))) == {
        "taskAnswers": text,
        "animal.label": "cat",
        "animal.parts": '["ear"]',
        "sure.yes": "true",
    }


def test_a_form_field_wins_over_a_crowd_element_of_its_name() -> None:
    text = json.dumps([{"a": "inside"}])
    both = document(answer("taskAnswers", f"<FreeText>{text}</FreeText>"), answer("a", "<FreeText>outside</FreeText>"))
    assert columns(both)["a"] == "outside"


@pytest.mark.parametrize(
    "broken",
    [
        "not xml",
        "<a",
        "<!DOCTYPE x [<!ENTITY e 'e'>]><x>&e;</x>",
        f"<!--{'-x' * 1000}--><!DOCTYPE x [<!ENTITY e 'e'>]><x>&e;</x>",
    ],
    ids=["text", "cut", "entities", "entities far down"],
)
def test_what_is_no_answer_document_is_kept_as_it_came(broken: str) -> None:
    assert columns(broken) == {"raw": broken}


def test_json_without_end_is_no_trap() -> None:
    deep = "[" * 20_000 + "]" * 20_000
    assert columns(document(answer("taskAnswers", f"<FreeText>{deep}</FreeText>"))) == {"taskAnswers": deep}


@pytest.mark.parametrize("levels", range(300, 1000, 50))
def test_no_depth_of_json_is_a_trap(levels: int) -> None:
    deep = '{"a":' * 30 + "[" * levels + "]" * levels + "}" * 30
    assert columns(document(answer("taskAnswers", f"<FreeText>{deep}</FreeText>")))["taskAnswers"] == deep


def test_half_a_character_is_told_as_one_that_is_missing() -> None:
    text = r'[{"a\ud800": "x\udfff", "b": "\ud83d\ude00", "c": ["\ud800"]}]'
    found = columns(document(answer("taskAnswers", f"<FreeText>{text}</FreeText>")))
    assert found == {"taskAnswers": text, "a\ufffd": "x\ufffd", "b": "\U0001f600", "c": '["\ufffd"]'}


def test_a_document_type_that_a_worker_wrote_is_text() -> None:
    assert columns(document(answer("a", "<FreeText><![CDATA[<!DOCTYPE html>]]></FreeText>"))) == {
        "a": "<!DOCTYPE html>"
    }


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    assert isinstance(columns(text), dict)
