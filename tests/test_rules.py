"""A campaign's rules approve and pay what they say, once, and nothing else; they never reject."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from campaign_files import YAML, problems, write
from pydantic import ValidationError
from reviewed_life import ReviewedLife, ops

from turkform.answers import Answer, StoredHIT
from turkform.kinds.decisions import Decisions
from turkform.money import Money
from turkform.rules import Rules

if TYPE_CHECKING:
    from pathlib import Path

    from marketplace_server import Server

    from turkform.decisions import Decision


@pytest.fixture
def life(server: Server, tmp_path: Path) -> ReviewedLife:
    """Three items, of which one is known by its text; answered by one worker each."""
    return ReviewedLife(server, tmp_path)


def answered(life: ReviewedLife, decisions: dict[str, Any], **answers: str) -> dict[str, str]:
    """Publish, and let a worker answer each item so; returns item → assignment."""
    life.batch = {"decisions": decisions}
    life.apply()
    hits = {hit["Question"].partition("<p>")[2].partition("<")[0]: hit["HITId"] for hit in life.hits()}
    return {
        key: life.submit(hits[text], "A1WORKER", answer=answers.get(key, "x"), count=str(len(key)))
        for key, text in life.rows.items()
    }


KNOWN = {"approve": {"known_answers": {"answer": "${text}"}, "feedback": "Right."}}
TEXTS = {"a": "one", "b": "two", "c": "three"}


def decided(rules: dict[str, Any], **answers: str) -> dict[str, Decision]:
    """What rules say of three answers, a second each; those of which they say something, by item."""
    at = datetime(2026, 11, 25, tzinfo=UTC)
    found = Rules(Decisions.model_validate(rules))
    said = {}
    for key, text in TEXTS.items():
        fields = {"answer": answers.get(key, "x"), "count": "1"}
        given = "".join(
            f"<Answer><QuestionIdentifier>{name}</QuestionIdentifier><FreeText>{value}</FreeText></Answer>"
            for name, value in fields.items()
        )
        answer = Answer(
            f"3{key.upper()}", "3HIT", "A1WORKER", "Submitted", at, at + timedelta(seconds=1), None, None, None, None,
            "", f"<QuestionFormAnswers>{given}</QuestionFormAnswers>", Money(),
        )  # fmt: skip
        said[key] = found.decide(StoredHIT("3HIT", "pilot", 1, key, {"id": key, "text": text}, {}), answer)
    return {key: decision for key, decision in said.items() if decision is not None}


@pytest.mark.parametrize(
    ("rules", "approved"),
    [
        ({"approve": "all"}, ["a", "b", "c"]),
        (KNOWN, ["a"]),
        ({"approve": {"known_answers": {"answer": ["x", "${text}"]}}}, ["a", "c"]),
        ({"approve": {"known_answers": {"answer": ""}}}, []),
        ({"approve": {"known_answers": {"answer": "${gone}"}}}, []),
        ({"approve": {"min_time": "2s"}}, []),
        ({"approve": {"when": 'Answer.answer == Input.text and ItemKey == "a"'}}, ["a"]),
        ({"approve": [{"when": "false"}, {"when": "Answer.count == 1", "min_time": "1s"}]}, ["a", "b", "c"]),
        ({"approve": [{"when": 'Answer.answer == "no"'}, KNOWN["approve"]]}, ["a", "b"]),
    ],
)
def test_what_holds_is_approved(rules: dict[str, Any], approved: list[str]) -> None:
    found = decided(rules, a="one", b="no")
    assert [key for key, decision in found.items() if decision.wish == "approve"] == approved


@pytest.mark.parametrize(
    ("rule", "paid"),
    [
        ({"amount": "0.10"}, {"a": "0.10", "b": "0.10", "c": "0.10"}),
        ({"by": "Answer.answer", "table": {"one": "0.30", "no": "0.00"}}, {"a": "0.30"}),
        ({"amount": "0.019 * Answer.count", "most": "0.50"}, {"a": "0.01", "b": "0.01", "c": "0.01"}),
        ({"amount": "100 * Answer.count", "most": "0.50"}, {"a": "0.50", "b": "0.50", "c": "0.50"}),
        ({"amount": "-1 * Answer.count", "most": "0.50"}, {}),
        ({"amount": "Answer.answer", "most": "0.50"}, {}),
        ({"amount": "0.10", "when": 'Answer.answer == "one"'}, {"a": "0.10"}),
    ],
)
def test_a_bonus_is_what_the_rule_says(rule: dict[str, Any], paid: dict[str, str]) -> None:
    found = decided({"approve": "all", "bonus": {**rule, "reason": "R"}}, a="one", b="no")
    assert {key: str(bonus.amount) for key, decision in found.items() for bonus in decision.bonuses} == paid


def test_rules_are_carried_out_and_then_there_is_nothing_to_do(life: ReviewedLife) -> None:
    bonus = {"amount": "0.25", "reason": "Right.", "when": "Answer.answer == Input.text"}
    made = answered(life, {**KNOWN, "bonus": bonus}, a="one", b="no")
    assert dict(life.review().done) == {"approve": 1, "bonus": 1}
    assert (life.status(made["a"]), life.feedback(made["a"])) == ("Approved", "Right.")
    assert life.status(made["b"]) == "Submitted"
    assert life.paid(made["a"]) == [("A1WORKER", "0.25", "Right.")]
    assert life.plan().empty


def test_a_rule_pays_no_bonus_for_what_is_not_approved() -> None:
    assert decided({**KNOWN, "bonus": {"amount": "0.10", "reason": "R"}}, a="one").keys() == {"a"}


def test_a_raised_bonus_is_not_paid_on_top(life: ReviewedLife) -> None:
    answered(life, {"approve": "all", "bonus": {"amount": "0.10", "reason": "R"}})
    life.review()
    life.batch["decisions"]["bonus"]["amount"] = "0.20"
    assert any('was paid $0.10 for "R"' in reason for reason in life.plan().refusals)


def test_a_saved_plan_by_rules_is_not_widened_by_new_answers(life: ReviewedLife) -> None:
    made = answered(life, {"approve": "all", "bonus": {"amount": "0.10", "reason": "R"}})
    saved = life.saved_review()
    life.work("one", worker="A9LATE")
    assert life.moved_review(saved) == []
    assert dict(life.apply_review(saved).done) == {"approve": 3, "bonus": 3}
    assert len(ops(life.plan())["approve"]) == 1
    assert made.keys() == {"a", "b", "c"}


def test_another_rule_makes_a_saved_plan_stale(life: ReviewedLife) -> None:
    answered(life, {"approve": "all"})
    saved = life.saved_review()
    life.batch["decisions"] = {"approve": {"min_time": "1h"}}
    assert life.moved_review(saved) == ["the file campaign.yaml was changed"]


def test_intent_is_no_matter_of_workers(life: ReviewedLife) -> None:
    answered(life, {"approve": "all"})
    before = life.plan().document["intent"]
    life.work("one", worker="A9LATE")
    assert life.plan().document["intent"] == before


def test_a_column_that_no_answer_has_is_told(life: ReviewedLife) -> None:
    answered(life, {"approve": {"when": 'Answer.anser == "one"'}}, a="one")
    assert any("Answer.anser" in note and "Answer.answer" in note for note in life.plan().document["notes"])


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ({}, "there is no rule"),
        ({"approve": "everything"}, "is no rule"),
        ({"approve": {"feedback": "Thanks"}}, "says nothing of the answer"),
        ({"approve": {"when": "Answer.a = 1"}}, "no expression"),
        ({"reject": {"when": "true"}}, "Extra inputs"),
        ({"bonus": {"amount": "0.10"}}, "Field required"),
        ({"bonus": {"reason": "R"}}, "neither amount: nor table:"),
        ({"bonus": {"reason": "R", "amount": "0.155"}}, "fraction of a cent"),
        ({"bonus": {"reason": "R", "amount": "Answer.a"}}, "nothing bounds it"),
        ({"bonus": {"reason": "R", "table": {"a": "0.10"}}}, "go together"),
        ({"bonus": {"reason": "  ", "amount": "0.10"}}, "the text is blank"),
        ({"bonus": {"reason": "a\x07b", "amount": "0.10"}}, "control character"),
        ({"approve": {"when": "true", "feedback": "x" * 1_025}}, "1,025 characters"),
        ({"bonus": [{"reason": "R", "amount": "0.10"}, {"reason": "R", "amount": "0.20"}]}, "one reason"),
    ],
)
def test_rules_that_mean_nothing_are_refused(rules: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        Decisions.model_validate(rules)


@pytest.mark.parametrize(
    ("rules", "at", "summary"),
    [
        ('approve: {known_answers: {bird: "${specis}"}}', '"${specis}"', 'data has no column "specis"'),
        ('approve: {when: "Answer.bird == Input.phto"}', '"Answer', 'data has no column "phto"'),
        ('bonus: [{amount: "0.05", reason: R, when: "Input.phto != 1"}]', '"Input', 'data has no column "phto"'),
        ("approve: {when: Answer.bird = 3}", "Answer.bird", "is no expression"),
        ('bonus: {amount: "0.155", reason: R}', '"0.155"', "fraction of a cent"),
        ("reject: all", "reject", 'unknown key "reject"'),
    ],
)
def test_a_slip_in_a_rule_is_told_with_its_place(tmp_path: Path, rules: str, at: str, summary: str) -> None:
    line = f"    decisions: {{{rules}}}"
    yaml = YAML.replace("    status: open\n", f"    status: open\n{line}\n")
    (found,) = problems(write(tmp_path, {"campaign.yaml": yaml}))
    assert summary.replace("data has", "birds.csv has") in found.summary
    assert found.location is not None
    assert yaml.splitlines()[found.location.line - 1][found.location.column - 1 :].startswith(at)
