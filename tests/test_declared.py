"""Whatever can be declared is published as it was declared, and the plan after it is empty."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest
from declared_life import TERMS, Declared

from turkform.documents import NAMESPACES

if TYPE_CHECKING:
    from pathlib import Path

    from marketplace_server import Server

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


def types_of(declared: Declared) -> list[dict[str, Any]]:
    listing = declared.server.client().get_paginator("list_qualification_types")
    pages = listing.paginate(MustBeRequestable=False, MustBeOwnedByCaller=True)
    found = [dict(wire) for page in pages for wire in page["QualificationTypes"]]
    return [wire for wire in found if wire["Name"].startswith(declared.name)]


def type_of(declared: Declared) -> dict[str, Any]:
    (found,) = types_of(declared)
    return found


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


def test_notifications_go_out_with_the_first_hit_and_only_then(declared: Declared) -> None:
    notify = f'notify: {{sqs: "{declared.server.url}/queue", events: [HITReviewable]}}'
    head = TERMS.replace("auto_approval_delay: 3d", f"auto_approval_delay: 3d, {notify}")
    declared.write("batches: {}\n", head=head)
    assert declared.steps() == []
    page = {"page.html": "<p>${text}</p><input name='a'>", **rows(a="one")}
    declared.write(batch("{html: page.html}"), page, head=head)
    assert declared.steps() == [
        ("hit_type.label", "create"), ("notification.label", "create"), ("batch.pilot", "create"),
    ]  # fmt: skip
    assert declared.apply().exit_code == 0
    assert declared.look().plan.empty
    declared.write(batch("{html: page.html}"), head=head.replace("HITReviewable", "HITExpired"))
    assert declared.steps() == [("notification.label", "update")]
    assert declared.apply().exit_code == 0
    assert declared.look().plan.empty
    declared.write(batch("{html: page.html}"), head=re.sub(r", notify: {[^}]*}", "", head))
    assert declared.steps() == [("notification.label", "delete")]
    assert declared.apply().exit_code == 0
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


REQUIRED = """\
turkform: 1
campaign: NAME
hit_types:
  label:
    {title: T, description: D, reward: "0.10", assignment_duration: 10m, auto_approval_delay: 3d,
     requirements: [{qualification: trained, at_least: 5}]}
"""


def holders(declared: Declared, name: str) -> dict[str, int]:
    client = declared.server.client()
    (found,) = [t for t in types_of(declared) if t["Name"] == name]
    granted = client.list_workers_with_qualification_type(
        QualificationTypeId=found["QualificationTypeId"], Status="Granted", MaxResults=100
    )
    return {wire["WorkerId"]: wire["IntegerValue"] for wire in granted["Qualifications"]}


def trained(declared: Declared, name: str, more: str = "") -> str:
    return f'qualification_types: {{trained: {{name: "{declared.name} {name}", description: D{more}}}}}\n'


def test_a_type_is_replaced_with_its_grants_before_the_old_one_goes(declared: Declared) -> None:
    page = {"page.html": "<p>${text}</p><input name='a'>", **rows(a="one", b="two")}
    published = batch("{html: page.html}")
    declared.write(trained(declared, "old", ", workers: {A1: 9, A2: 8}") + published, page, head=REQUIRED)
    assert declared.apply().exit_code == 0
    client = declared.server.client()
    (old,) = [t["QualificationTypeId"] for t in types_of(declared) if t["Name"] == f"{declared.name} old"]
    client.associate_qualification_with_worker(QualificationTypeId=old, WorkerId="A3", IntegerValue=7)
    declared.server.control("worker/accept", hit=declared.hits()["a"]["HITId"], worker="A1")

    renamed = f', renamed_from: "{declared.name} old", workers: {{A1: 9}}'
    declared.write(trained(declared, "new", renamed) + published, head=REQUIRED)
    assert declared.apply().exit_code == 0
    assert holders(declared, f"{declared.name} new") == {"A1": 9, "A2": 8, "A3": 7}
    status = {t["Name"]: t["QualificationTypeStatus"] for t in types_of(declared)}
    assert status[f"{declared.name} old"] == "Inactive"  # the HIT in work still requires it
    assert declared.look().plan.empty
    declared.server.control("worker/return", hit=declared.hits()["a"]["HITId"], worker="A1")
    declared.apply()
    declared.apply()
    assert f"{declared.name} old" not in {t["Name"] for t in types_of(declared)}
    declared.write(trained(declared, "new", ", workers: {A1: 9}") + published, head=REQUIRED)
    assert declared.look().plan.empty  # copies are not taken back by their absence


def test_a_protected_type_survives_the_deletion_of_its_own_line(declared: Declared) -> None:
    declared.write(trained(declared, "x", ", prevent_destroy: true"))
    assert declared.apply().exit_code == 0
    assert declared.look().plan.empty
    declared.write("")
    refusals = declared.look().plan.refusals
    assert "the journal remembers its prevent_destroy" in refusals[0]
    declared.write(trained(declared, "x"))
    assert declared.look().plan.empty
    declared.write(trained(declared, "x", ", prevent_destroy: false"))
    assert declared.apply().exit_code == 0
    declared.write("")
    assert declared.apply().exit_code == 0
    assert types_of(declared) == []


def test_a_type_made_before_is_imported_moved_and_let_go_without_a_call(declared: Declared) -> None:
    client = declared.server.client()
    name = f"{declared.name} x"
    made = client.create_qualification_type(Name=name, Description="D", QualificationTypeStatus="Active")
    type_id = made["QualificationType"]["QualificationTypeId"]
    declared.write(trained(declared, "x") + f"import: [{{to: qualification_type.trained, id: {type_id}}}]\n")
    assert declared.steps() == [("qualification_type.trained", "adopt")]
    assert declared.apply().exit_code == 0
    assert declared.look().plan.empty

    other = trained(declared, "x").replace("trained:", "skilled:")
    declared.write(other + "moved: [{from: qualification_type.trained, to: qualification_type.skilled}]\n")
    assert declared.steps() == [("qualification_type.skilled", "update")]
    assert declared.apply().exit_code == 0
    declared.write(other)
    assert declared.look().plan.empty

    declared.write("removed: [{from: qualification_type.skilled, action: forget}]\n")
    assert declared.steps() == [("qualification_type.skilled", "update")]
    assert declared.apply().exit_code == 0
    declared.write("")
    assert declared.look().plan.empty
    assert [t["QualificationTypeId"] for t in types_of(declared)] == [type_id]


def test_a_forgotten_batch_is_left_alone_and_counts_in_the_budget(declared: Declared) -> None:
    page = {"page.html": "<p>${text}</p><input name='a'>", **rows(a="one", b="two")}
    declared.write(batch("{html: page.html}"), page)
    declared.apply()
    declared.write("removed: [{from: batch.pilot, action: forget}]\n")
    look = declared.look()
    assert look.plan.empty
    assert look.plan.document["price"]["committed_before"] == "0.24"
    assert any("2 HITs left alone" in note for note in look.plan.document["notes"])


def test_settings_that_went_with_their_hit_type_are_forgotten(declared: Declared) -> None:
    notify = f'notify: {{sqs: "{declared.server.url}/queue", events: [HITReviewable]}}'
    head = REQUIRED.replace("auto_approval_delay: 3d", f"auto_approval_delay: 3d, {notify}")
    page = {"page.html": "<p>${text}</p><input name='a'>", **rows(a="one")}
    declared.write(trained(declared, "x") + batch("{html: page.html}"), page, head=head)
    assert declared.apply().exit_code == 0
    client = declared.server.client()
    hit = declared.hits()["a"]["HITId"]
    client.update_expiration_for_hit(HITId=hit, ExpireAt=0)
    client.delete_hit(HITId=hit)
    client.delete_qualification_type(QualificationTypeId=type_of(declared)["QualificationTypeId"])
    declared.write("")
    assert declared.steps() == [("notification.label", "delete")]
    assert declared.apply().exit_code == 0
    assert declared.look().plan.empty
