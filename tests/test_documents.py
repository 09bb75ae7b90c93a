"""XML documents: what is read, where each element stands, and what is said about what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from turkform import documents
from turkform.errors import CampaignError, Diagnostic, Location
from turkform.marketplace import documents as market
from turkform.questions import place

FORM = documents.NAMESPACES["QuestionForm"][0]
PATH = Path("form.xml")
QUESTION = """\
 <Question>
  <QuestionIdentifier>q</QuestionIdentifier>
  <QuestionContent><Text>How many?</Text></QuestionContent>
  <AnswerSpecification><FreeTextAnswer/></AnswerSpecification>
 </Question>
"""


def form(inside: str = QUESTION, namespace: str = FORM) -> str:
    return f'<QuestionForm xmlns="{namespace}">\n{inside}</QuestionForm>\n'


def read(text: str) -> documents.Document:
    return documents.read(text, lambda offset: place(PATH, text, offset))


def problems(text: str, *roots: str) -> list[Diagnostic]:
    try:
        return documents.check(read(text), roots or ("QuestionForm",))
    except CampaignError as error:
        return list(error.diagnostics)


@pytest.mark.parametrize("namespace", documents.NAMESPACES["QuestionForm"])
def test_both_namespaces_of_forms_are_taken(namespace: str) -> None:
    assert problems(form(namespace=namespace)) == []


def test_an_element_knows_its_place_whatever_characters_stand_before_it() -> None:
    text = form("<!-- zählen: 数える -->" + QUESTION).replace("How", "Wie viele «Vögel» 🐦")
    document = read(text)
    (specification,) = documents.within(document.root, "AnswerSpecification")
    assert text[document.start(specification) :].startswith("<AnswerSpecification>")
    assert document.problem(specification, "x").location == Location(PATH, 5, 3)


MISTAKES = [
    # What stands instead of what, where the message must point, what it says and what it offers.
    ("<Text>How", "<Txt>How", "</Text>", "<Txt> of line 4 is still open", "</Txt>"),
    ("<Text>How many?</Text>", "<Txt>x</Txt>", "<Txt>", "cannot stand here", "<Text>"),
    ("How many?", "Fish & chips", " chips", "an & stands alone", "&amp;"),
    ("How many?", "1 < 2", " 2", "a < stands alone", "&lt;"),
    ("How many?", "a&nbsp;b", "&nbsp;", "&nbsp; is not known", "&#160;"),
    ("<FreeTextAnswer/>", "<FileUploadAnswer/>", "<FileUploadAnswer", "retired on 12 December 2017", "HTML page"),
    ("<FreeTextAnswer/>", "", "<AnswerSpecification", "lacks <FreeTextAnswer> or <SelectionAnswer>", "Add it"),
    ("<FreeTextAnswer/>", "<freeTextAnswer/>", "<freeTextAnswer", "case matters", "<FreeTextAnswer>"),
    ("</Text></Q", "</Text>stray</Q", "<QuestionContent", "may hold elements only", '"stray"'),
    ("<Text>How many?", "<Text><b>How</b>", "<Text>", "may hold text only", "FormattedContent"),
    ("<QuestionContent>", "<IsRequired>yes</IsRequired><QuestionContent>", "<IsRequired", '"yes"', "neither true"),
    ("  <QuestionIdentifier>q</QuestionIdentifier>\n", "", "<QuestionContent", "cannot stand", "<QuestionIdentifier>"),
    (">q<", "><", "<QuestionIdentifier", "is empty", "Write a value"),
    ("<FreeTextAnswer/>", "<FreeTextAnswer a='1'/>", "<FreeTextAnswer", "has no attribute a", "Remove it"),
    ("<QuestionForm", "<QuestionFrom", "<QuestionFrom", "not <QuestionForm>", "<QuestionForm"),
    ("2017-11-06", "2016-11-06", "<QuestionForm", "namespace", "2017-11-06"),
    (f' xmlns="{FORM}"', "", "<QuestionForm", "no namespace", "xmlns="),
    ("<QuestionForm", "<!DOCTYPE x [<!ENTITY a 'b'>]><QuestionForm", "<!DOCTYPE", "DOCTYPE", "Remove it"),
    ("<QuestionForm", "text <QuestionForm", "text", "not XML", "begins with <QuestionForm"),
    ("</QuestionForm>\n", "", "", "ends too early", "Close"),
]  # fmt: skip


@pytest.mark.parametrize(("right", "wrong", "at", "says", "offers"), MISTAKES, ids=[m[3] for m in MISTAKES])
def test_a_mistake_is_named_at_its_place_with_what_to_do(
    right: str, wrong: str, at: str, says: str, offers: str
) -> None:
    good = form()
    assert good.count(right) in (1, 2)
    text = wrong.join(good.rsplit(right, 1)) if "/" in right[:2] else good.replace(right, wrong, 1)
    text = text.replace("</QuestionForm>", "</QuestionFrom>") if "From" in wrong else text
    found = problems(text)[0]
    message = f"{found.summary} {found.detail}"
    assert says in message
    assert offers in message
    assert found.location is not None
    line = text.split("\n")[found.location.line - 1]
    assert line[found.location.column - 1 :].startswith(at), line[found.location.column - 1 :]


@pytest.mark.parametrize(("right", "wrong", "at", "says", "offers"), MISTAKES, ids=[m[3] for m in MISTAKES])
def test_the_marketplace_refuses_the_same_mistakes(right: str, wrong: str, at: str, says: str, offers: str) -> None:
    with pytest.raises(market.DocumentError):
        market.check_question(form().replace(right, wrong, 1))


def test_a_bomb_of_entities_is_refused_before_it_unfolds() -> None:
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    (found,) = problems(f'<!DOCTYPE x [<!ENTITY e0 "ha">{levels}]>{form("&e11;")}')
    assert "DOCTYPE" in found.summary


def test_every_breach_is_told_at_once() -> None:
    text = form(QUESTION.replace(">q<", "><") + QUESTION.replace("<FreeTextAnswer/>", ""))
    assert [p.location.line for p in problems(text) if p.location] == [3, 10]
