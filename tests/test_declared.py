"""Whatever can be declared is published as it was declared, and the plan after it is empty."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING

import pytest
from declared_life import Declared
from marketplace_server import Server, running

from turkform.documents import NAMESPACES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_NAMES = iter(f"declared-{n}" for n in range(10_000))
HARD = "5 > 4 & \"so\" <b>'on'</b> ]]> ä\u2028"
FORM = f"""\
<?xml version="1.0" encoding="UTF-8"?>
<QuestionForm xmlns="{NAMESPACES["QuestionForm"][0]}">
  <Overview><Title>${{text}}</Title><Text><![CDATA[As it is: ${{text}}]]></Text></Overview>
  <Question>
    <QuestionIdentifier>q-${{id}}</QuestionIdentifier>
    <QuestionContent><FormattedContent><![CDATA[<b>${{text}}</b>]]></FormattedContent></QuestionContent>
    <AnswerSpecification><FreeTextAnswer/></AnswerSpecification>
  </Question>
</QuestionForm>
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("marketplace")) as found:
        yield found


@pytest.fixture
def declared(server: Server, tmp_path: Path) -> Declared:
    return Declared(server, tmp_path, next(_NAMES))


def batch(question: str) -> str:
    return f"batches: {{pilot: {{hit_type: label, question: {question}, items: items.csv, key: id, lifetime: 7d}}}}\n"


def rows(**values: str) -> dict[str, str]:
    cells = ('"' + value.replace('"', '""') + '"' for value in values.values())
    lines = "".join(f"{key},{cell}\n" for key, cell in zip(values, cells, strict=True))
    return {"items.csv": f"id,text\n{lines}"}


def test_a_question_form_arrives_with_every_value_as_the_text_it_is(declared: Declared) -> None:
    declared.write(batch("{form: form.xml}"), {"form.xml": FORM, **rows(a=HARD, b="plain")})
    assert declared.apply().exit_code == 0
    question = declared.hits()["a"]["Question"]
    title = re.search(r"<Title>(.*?)</Title>", question, re.DOTALL)
    assert title
    assert unescape(title[1]) == HARD
    text = re.search(r"<Text>(.*?)</Text>", question, re.DOTALL)
    assert text
    assert "".join(re.findall(r"<!\[CDATA\[(.*?)\]\]>", text[1], re.DOTALL)) == f"As it is: {HARD}"
    bold = re.search(r"<FormattedContent><!\[CDATA\[<b>(.*?)</b>\]\]>", question, re.DOTALL)
    assert bold
    assert unescape(bold[1]) == HARD
    assert "<QuestionIdentifier>q-a</QuestionIdentifier>" in question
    assert declared.look().plan.empty


def test_an_edited_form_replaces_untouched_hits(declared: Declared) -> None:
    declared.write(batch("{form: form.xml}"), {"form.xml": FORM, **rows(a="one")})
    declared.apply()
    declared.write(batch("{form: form.xml}"), {"form.xml": FORM.replace("As it is", "So")})
    assert declared.steps() == [("batch.pilot", "replace")]
    assert declared.apply().exit_code == 0
    assert "So: one" in declared.hits()["a"]["Question"]
    assert declared.look().plan.empty


def test_an_external_page_gets_its_values_percent_encoded(declared: Declared) -> None:
    question = '{external: "https://tasks.example.org/label?id=${id}&t=${text}", frame_height: 800}'
    declared.write(batch(question), rows(a=HARD))
    assert declared.apply().exit_code == 0
    document = declared.hits()["a"]["Question"]
    assert "<FrameHeight>800</FrameHeight>" in document
    url = re.search(r"<ExternalURL>(.*)</ExternalURL>", document)
    assert url
    assert unescape(url[1]) == (
        "https://tasks.example.org/label?id=a&t="
        "5%20%3E%204%20%26%20%22so%22%20%3Cb%3E%27on%27%3C%2Fb%3E%20%5D%5D%3E%20%C3%A4%E2%80%A8"
    )
    assert declared.look().plan.empty


def test_a_row_may_bring_the_whole_address(declared: Declared) -> None:
    declared.write(batch('{external: "${text}"}'), rows(a="https://tasks.example.org/?a=1&b=2"))
    assert declared.apply().exit_code == 0
    assert "https://tasks.example.org/?a=1&amp;b=2" in declared.hits()["a"]["Question"]


TEST = f"""\
<QuestionForm xmlns="{NAMESPACES["QuestionForm"][0]}"><Question>
  <QuestionIdentifier>bird</QuestionIdentifier><QuestionContent><Text>Which?</Text></QuestionContent>
  <AnswerSpecification><SelectionAnswer><Selections>
    <Selection><SelectionIdentifier>crow</SelectionIdentifier><Text>Crow</Text></Selection>
    <Selection><SelectionIdentifier>rook</SelectionIdentifier><Text>Rook</Text></Selection>
  </Selections></SelectionAnswer></AnswerSpecification>
</Question></QuestionForm>
"""
KEY = f"""\
<AnswerKey xmlns="{NAMESPACES["AnswerKey"][0]}"><Question><QuestionIdentifier>bird</QuestionIdentifier>
  <AnswerOption><SelectionIdentifier>crow</SelectionIdentifier><AnswerScore>80</AnswerScore></AnswerOption>
</Question></AnswerKey>
"""
TYPES = "qualification_types: {{trained: {{name: {name}, description: D, test: {{{test}}}}}}}\n"


def type_of(declared: Declared) -> dict[str, object]:
    listing = declared.server.client().get_paginator("list_qualification_types")
    pages = listing.paginate(MustBeRequestable=False, MustBeOwnedByCaller=True)
    found = [wire for page in pages for wire in page["QualificationTypes"]]
    (wanted,) = [wire for wire in found if wire["Name"] == declared.name]
    return dict(wanted)


def test_a_test_arrives_with_its_key_and_its_time_and_changes_together_with_them(declared: Declared) -> None:
    files = {"test.xml": TEST, "key.xml": KEY}
    declared.write(TYPES.format(name=declared.name, test="form: test.xml, answer_key: key.xml, duration: 20m"), files)
    assert declared.apply().exit_code == 0
    found = type_of(declared)
    assert (found["Test"], found["AnswerKey"], found["TestDurationInSeconds"]) == (TEST, KEY, 1200)
    assert declared.look().plan.empty

    declared.write(TYPES.format(name=declared.name, test="form: test.xml, answer_key: key.xml, duration: 30m"))
    assert declared.steps() == [("qualification_type.trained", "update")]
    assert declared.apply().exit_code == 0
    found = type_of(declared)
    assert (found["Test"], found["AnswerKey"], found["TestDurationInSeconds"]) == (TEST, KEY, 1800)

    declared.write(TYPES.format(name=declared.name, test="form: test.xml, duration: 30m"))
    assert declared.apply().exit_code == 0
    assert "AnswerKey" not in type_of(declared)
    assert declared.look().plan.empty


def test_known_answers_come_from_the_row_and_extend_the_hit_without_drift(declared: Declared) -> None:
    policies = (
        '{known_answers: {answers: {a: "${text}"}, approve_at_least: 100, extend_below: 50, extend_maximum: 3}, '
        "plurality: {questions: [a], agreement: 50}}"
    )
    yaml = batch("{html: page.html}").replace("lifetime: 7d", f"lifetime: 7d, review_policies: {policies}")
    declared.write(yaml, {"page.html": "<input name='a'>", **rows(a="crow", b="")})
    found = declared.look()
    assert str(found.plan.price) == "0.72"  # two HITs of one place, which may come to have three
    assert declared.apply().exit_code == 0
    hits = declared.hits()
    report = declared.server.client().list_review_policy_results_for_hit(HITId=hits["a"]["HITId"])
    assert report["AssignmentReviewPolicy"]["Parameters"][0]["MapEntries"] == [{"Key": "a", "Values": ["crow"]}]
    other = declared.server.client().list_review_policy_results_for_hit(HITId=hits["b"]["HITId"])
    assert "AssignmentReviewPolicy" not in other
    assert other["HITReviewPolicy"]["PolicyName"] == "SimplePlurality/2011-09-01"
    declared.server.control("worker/submit", hit=hits["a"]["HITId"], worker="A1WORKER", answers={"a": "rook"})
    assert declared.hits()["a"]["MaxAssignments"] == 2
    look = declared.look()
    assert look.plan.empty
    assert any("extended by their review policy" in note for note in look.plan.document["notes"])
