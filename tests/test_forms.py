"""Question forms and answer keys: the rules that no schema says, held against the marketplace's own reading."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from turkform import documents, forms
from turkform.marketplace import documents as market
from turkform.questions import place

if TYPE_CHECKING:
    from turkform.errors import Diagnostic

FORM, KEY = documents.NAMESPACES["QuestionForm"][0], documents.NAMESPACES["AnswerKey"][0]
TEXT = f"""\
<QuestionForm xmlns="{FORM}">
 <Question>
  <QuestionIdentifier>bird</QuestionIdentifier>
  <QuestionContent><FormattedContent><![CDATA[<p>Which?</p>]]></FormattedContent></QuestionContent>
  <AnswerSpecification><SelectionAnswer><MinSelectionCount>1</MinSelectionCount><Selections>
   <Selection><SelectionIdentifier>crow</SelectionIdentifier><Text>Crow</Text></Selection>
   <Selection><SelectionIdentifier>rook</SelectionIdentifier><Text>Rook</Text></Selection>
  </Selections></SelectionAnswer></AnswerSpecification>
 </Question>
 <Question>
  <QuestionIdentifier>why</QuestionIdentifier>
  <QuestionContent><Text>Why?</Text></QuestionContent>
  <AnswerSpecification><FreeTextAnswer>
   <Constraints><Length minLength="2" maxLength="9"/></Constraints>
  </FreeTextAnswer></AnswerSpecification>
 </Question>
</QuestionForm>
"""
MAPPING = """\
 <QualificationValueMapping><RangeMapping>
  <SummedScoreRange><InclusiveLowerBound>0</InclusiveLowerBound><InclusiveUpperBound>4</InclusiveUpperBound><QualificationValue>1</QualificationValue></SummedScoreRange>
  <SummedScoreRange><InclusiveLowerBound>5</InclusiveLowerBound><InclusiveUpperBound>9</InclusiveUpperBound><QualificationValue>2</QualificationValue></SummedScoreRange>
  <OutOfRangeQualificationValue>0</OutOfRangeQualificationValue>
 </RangeMapping></QualificationValueMapping>
"""
SCORES = f"""\
<AnswerKey xmlns="{KEY}">
 <Question>
  <QuestionIdentifier>bird</QuestionIdentifier>
  <AnswerOption><SelectionIdentifier>crow</SelectionIdentifier><AnswerScore>9</AnswerScore></AnswerOption>
 </Question>
{MAPPING}</AnswerKey>
"""


def read(text: str) -> documents.Document:
    return documents.read(text, lambda offset: place(Path("x.xml"), text, offset))


def form_problems(text: str) -> list[Diagnostic]:
    return forms.check_form(read(text))


def key_problems(text: str, form: str = TEXT) -> list[Diagnostic]:
    return forms.check_key(read(text), read(form))


def points_at(found: Diagnostic, text: str, at: str) -> bool:
    assert found.location is not None
    return text.split("\n")[found.location.line - 1][found.location.column - 1 :].startswith(at)


def test_a_good_form_and_its_key_have_no_problem_and_the_marketplace_agrees() -> None:
    assert form_problems(TEXT) == []
    assert key_problems(SCORES) == []
    market.check_question(TEXT)
    market.check_answer_key(SCORES, TEXT)


FORMS = [
    (">why<", ">bird<", "<Question>", "stands twice, first in line 2"),
    (">rook<", ">crow<", "<Selection>", "stands twice, first in line 6"),
    (">1<", ">3<", "<SelectionAnswer>", "at least 3 selections and at most 1"),
    (
        "<MinSelectionCount>1</MinSelectionCount>",
        "<MinSelectionCount>3</MinSelectionCount><MaxSelectionCount>3</MaxSelectionCount>",
        "<SelectionAnswer>",
        "at least 3 of 2",
    ),
    ('minLength="2"', 'minLength="20"', "<Length", "no answer fits"),
    ("<p>Which?</p>", "<p>Which?", "]]>", "at its end <p> is still open"),
    ("<p>Which?</p>", "<div>Which?</div>", "<div>", "<div> may not stand"),
    ("<p>Which?</p>", "<P>Which?</P>", "<P>", "lower case"),
    ("<p>Which?</p>", '<p class="x">Which?</p>', "<p", "attribute class"),
    ("<p>Which?</p>", "<li>Which?</li>", "<li>", "outside of <ul> or <ol>"),
    ("<p>Which?</p>", '<img src="x.png"/>', "<img", "needs the attribute alt"),
    ("<p>Which?</p>", '<a href="javascript:x()">x</a>', "<a", "javascript:"),
    ("<p>Which?</p>", "<p>Which?<!-- x --></p>", "<!--", "comments"),
    ("<p>Which?</p>", "a &amp; b & c", " c", "an & stands alone"),
]


@pytest.mark.parametrize(("right", "wrong", "at", "says"), FORMS, ids=[case[3] for case in FORMS])
def test_a_form_that_could_not_be_answered_is_refused_at_its_place(right: str, wrong: str, at: str, says: str) -> None:
    text = TEXT.replace(right, wrong)
    found = form_problems(text)[0]
    assert says in found.summary
    assert points_at(found, text, at)


@pytest.mark.parametrize(("right", "wrong", "at", "says"), FORMS, ids=[case[3] for case in FORMS])
def test_what_the_marketplace_refuses_is_refused_here(right: str, wrong: str, at: str, says: str) -> None:
    """It leaves counts and lengths that no answer has to the requester."""
    text = TEXT.replace(right, wrong)
    try:
        market.check_question(text)
    except market.DocumentError:
        assert form_problems(text)
    else:
        assert at in ("<SelectionAnswer>", "<Length")


AGAIN = """<QuestionIdentifier>bird</QuestionIdentifier>
 <AnswerOption><SelectionIdentifier>rook</SelectionIdentifier><AnswerScore>1</AnswerScore></AnswerOption>"""
KEYS = [
    (">bird<", ">brid<", "<Question>", "which the form does not have"),
    (">bird<", ">why<", "<Question>", "where workers can write text"),
    (">crow<", ">crwo<", "<SelectionIdentifier>", 'no selection "crwo"'),
    (">9</AnswerScore", ">9.5</AnswerScore", "<AnswerScore>", "no whole number"),
    (">9</Inc", ">3</Inc", "<SummedScoreRange>", "from 5 to 3 holds no score"),
    (">5<", ">4<", "<SummedScoreRange>", "the ranges overlap: 4"),
    (
        "</Question>",
        f"</Question><Question>{AGAIN}</Question>",
        "<Question>",
        "stands twice",
    ),
    ("<AnswerScore>9</AnswerScore>", "", "<AnswerOption>", "lacks"),
]


@pytest.mark.parametrize(("right", "wrong", "at", "says"), KEYS, ids=[case[3] for case in KEYS])
def test_a_key_that_scores_what_nobody_can_answer_is_refused_here_and_by_the_marketplace(
    right: str, wrong: str, at: str, says: str
) -> None:
    text = SCORES.replace(right, wrong)
    found = key_problems(text)[0]
    assert says in found.summary
    assert found.severity == "error"
    assert points_at(found, text, at)
    with pytest.raises(market.DocumentError):
        market.check_answer_key(text, TEXT)


def test_a_percentage_of_what_nobody_reaches_is_a_warning() -> None:
    share = "<PercentageMapping><MaximumSummedScore>10</MaximumSummedScore></PercentageMapping>"
    mapping = f"<QualificationValueMapping>{share}</QualificationValueMapping>\n"
    (found,) = key_problems(SCORES.replace(MAPPING, mapping))
    assert found.severity == "warning"
    assert "the best answers sum to 9, and MaximumSummedScore is 10: they come to 90 %" in found.summary


def test_an_answer_of_more_selections_than_can_be_chosen_is_a_warning() -> None:
    both = "<SelectionIdentifier>crow</SelectionIdentifier><SelectionIdentifier>rook</SelectionIdentifier>"
    (found,) = key_problems(SCORES.replace("<SelectionIdentifier>crow</SelectionIdentifier>", both))
    assert found.severity == "warning"
    assert "2 selections, and workers can choose 1" in found.summary


XHTML = [
    "&nbsp;&eacute;&amp;&lt;",
    "<br/>",
    "plain text",
    "<ul><li>a</li></ul>",
    '<font size="4">a</font>',
    '<table border="1"><tr><td align="center">a</td></tr></table>',
    '<a href="https://x.org/?a=1&amp;b=2" target="_blank">x</a>',
]


@pytest.mark.parametrize("content", XHTML)
def test_what_the_subset_of_xhtml_allows_is_taken_by_both(content: str) -> None:
    text = TEXT.replace("<p>Which?</p>", content)
    assert form_problems(text) == []
    market.check_question(text)


@pytest.mark.parametrize(
    ("mapping", "best"),
    [
        (MAPPING, 2),
        ("", 9),
        ("<PercentageMapping><MaximumSummedScore>12</MaximumSummedScore></PercentageMapping>", 75),
        ("<ScaleMapping><SummedScoreMultiplier>2.5</SummedScoreMultiplier></ScaleMapping>", 22),
    ],
)
def test_the_best_value_of_a_key_is_told(mapping: str, best: int) -> None:
    if mapping and mapping != MAPPING:
        mapping = f"<QualificationValueMapping>{mapping}</QualificationValueMapping>"
    assert forms.best_value(read(SCORES.replace(MAPPING, mapping))) == best
