"""The simulated crowd at a marketplace of its own: what it hands in, and that a seed repeats itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from marketplace_server import STORES, Server, running
from tasks_for_people import PAGE, choice, form, html_question, publish

from turkform.marketplace.__main__ import main
from turkform.marketplace.answers import parse_answers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TEST = form(choice("sky", "Which colour has the sky?", "blue", "green"), choice("two", "1 + 1 =", "2", "3", "4"))
KEY = (
    '<AnswerKey xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2005-10-01/AnswerKey.xsd">'
    "<Question><QuestionIdentifier>sky</QuestionIdentifier><AnswerOption><SelectionIdentifier>blue</SelectionIdentifier>"
    "<AnswerScore>50</AnswerScore></AnswerOption></Question>"
    "<Question><QuestionIdentifier>two</QuestionIdentifier><AnswerOption><SelectionIdentifier>2</SelectionIdentifier>"
    "<AnswerScore>50</AnswerScore></AnswerOption></Question></AnswerKey>"
)
QUESTIONS = form(choice("tone", "Which tone has it?", "kind", "neutral", "unkind"))
PAGE_OF_ELEMENTS = """<script src="https://assets.crowd.aws/crowd-html-elements.js"></script><crowd-form>
<crowd-classifier name="animal" categories="['cat', 'dog']" header="Which?"></crowd-classifier>
<crowd-input name="why" required></crowd-input>
<crowd-checkbox name="sure" value="yes">Sure?</crowd-checkbox></crowd-form>"""
NOTHING_TO_DO = "<p>Read this.</p><form action='https://www.mturk.com/mturk/externalSubmit'></form>"


@pytest.fixture(params=STORES)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    with running(tmp_path, store=request.param) as found:
        yield found


@pytest.fixture
def rehearsal(tmp_path: Path) -> Iterator[Server]:
    with running(tmp_path) as found:
        yield found


def crowd(folder: Path, *words: object) -> dict[str, Any]:
    """What a crowd of these words did."""
    control = str(folder / "server.json")
    done = CliRunner().invoke(main, ["crowd", "--control-file", control, "--json", *map(str, words)])
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.output)
    return found


def handed_in(client: Any, hit: str) -> dict[str, dict[str, tuple[str, ...]]]:
    """Worker → what the worker answered."""
    listed = client.list_assignments_for_hit(HITId=hit, MaxResults=100)["Assignments"]
    return {one["WorkerId"]: parse_answers(one["Answer"]) for one in listed}


def test_every_place_of_pages_forms_and_crowd_elements_is_filled_with_what_they_ask(
    server: Server, tmp_path: Path
) -> None:
    client = server.client()
    page, questions, elements = (
        publish(client, question, Title=title)["HITId"]
        for title, question in (
            ("page", html_question(PAGE)), ("form", QUESTIONS), ("elements", html_question(PAGE_OF_ELEMENTS))
        )
    )  # fmt: skip
    found = crowd(tmp_path, "--workers", 4, "--skill", "0.5-1")
    assert (found["accepted"], found["submitted"], found["refused"]) == (9, 9, 0)
    assert all(
        {*answers.get("seen", ())} <= {"day", "night", "day|night"} for answers in handed_in(client, page).values()
    )
    assert {*map(len, (handed_in(client, hit) for hit in (page, questions, elements)))} == {3}
    assert {tone for one in handed_in(client, questions).values() for tone in one["tone"]} <= {
        "kind", "neutral", "unkind",
    }  # fmt: skip
    for answers in handed_in(client, elements).values():
        ((task,),) = (json.loads(text) for text in answers["taskAnswers"])
        assert task["animal"]["label"] in {"cat", "dog"}
        assert task["why"]
        assert task["sure"] in ({"yes": True}, {"yes": False})


def test_the_same_seed_gives_the_same_answers_item_by_item_and_worker_by_worker(tmp_path: Path) -> None:
    def run(name: str, seed: int) -> list[dict[str, dict[str, tuple[str, ...]]]]:
        folder = tmp_path / name
        folder.mkdir()
        longer = {"LifetimeInSeconds": 864_000}
        with running(folder) as server:
            client = server.client()
            pages = [html_question(PAGE.replace("Animal", f"Animal {n}")) for n in range(3)]
            hits = [publish(client, page, **longer)["HITId"] for page in pages]
            crowd(folder, "--workers", 5, "--seed", seed, "--returns", 0.2, "--abandon", 0.1)
            return [handed_in(client, hit) for hit in hits]

    first = run("first", 1)
    assert first == run("again", 1)
    assert first != run("other", 2)


@pytest.mark.parametrize(("skill", "score"), [("1", 100), ("0", 0)])
def test_a_test_that_a_task_wants_is_taken_with_the_skill_of_the_crowd(
    rehearsal: Server, tmp_path: Path, skill: str, score: int
) -> None:
    client = rehearsal.client()
    made = client.create_qualification_type(
        Name="Trained", Description="D", QualificationTypeStatus="Active", Test=TEST, AnswerKey=KEY,
        TestDurationInSeconds=600,
    )["QualificationType"]["QualificationTypeId"]  # fmt: skip
    wants = {"QualificationTypeId": made, "Comparator": "GreaterThanOrEqualTo", "IntegerValues": [80]}
    hit = publish(client, QUESTIONS, QualificationRequirements=[wants])["HITId"]
    found = crowd(tmp_path, "--workers", 3, "--skill", skill)
    assert found["qualifications"] == 3
    granted = client.list_workers_with_qualification_type(QualificationTypeId=made)["Qualifications"]
    assert [one["IntegerValue"] for one in granted] == [score] * 3
    assert len(handed_in(client, hit)) == (3 if score == 100 else 0)


@pytest.mark.parametrize(("error", "right"), [(0, True), (1, False)])
def test_gold_answers_are_given_or_missed_as_often_as_asked_and_found_by_the_key_in_a_marker(
    rehearsal: Server, tmp_path: Path, error: int, *, right: bool
) -> None:
    client = rehearsal.client()
    hits = {
        tone: publish(client, QUESTIONS, RequesterAnnotation=f"turkform:tones/all/{tone}-1#1.1abcdefghijklmnop")
        for tone in ("kind", "unkind")
    }
    (tmp_path / "gold.csv").write_text("id,label\nkind-1,kind\nunkind-1,unkind\n")
    crowd(tmp_path, "--gold", tmp_path / "gold.csv", "--answer", "tone=label", "--error", error)
    for tone, hit in hits.items():
        given = {answers["tone"] == (tone,) for answers in handed_in(client, hit["HITId"]).values()}
        assert given == {right}


def test_places_of_those_who_return_and_walk_away_are_filled_by_others(rehearsal: Server, tmp_path: Path) -> None:
    client = rehearsal.client()
    questions = [form(choice("tone", f"Which tone has sentence {n}?", "kind", "unkind")) for n in range(4)]
    hits = [publish(client, question, LifetimeInSeconds=864_000)["HITId"] for question in questions]
    found = crowd(tmp_path, "--workers", 6, "--returns", 0.2, "--abandon", 0.2)
    assert found["returned"]
    assert found["abandoned"]
    assert found["submitted"] == 12
    assert found["accepted"] == found["submitted"] + found["returned"] + found["abandoned"]
    assert found["seconds"] > 600
    assert all(len(handed_in(client, hit)) == 3 for hit in hits)


def test_a_page_with_nothing_to_fill_in_is_returned_and_not_taken_up_again(rehearsal: Server, tmp_path: Path) -> None:
    hit = publish(rehearsal.client(), html_question(NOTHING_TO_DO))["HITId"]
    found = crowd(tmp_path, "--workers", 2)
    assert (found["accepted"], found["unanswered"], found["submitted"]) == (2, 2, 0)
    assert handed_in(rehearsal.client(), hit) == {}


@pytest.mark.parametrize(
    ("words", "done"), [(("--tasks", "4"), 4), (("--each", "1"), 3), (("--for", "1s", "--speed", "1h"), 0)]
)
def test_a_crowd_ends_at_its_bounds(rehearsal: Server, tmp_path: Path, words: tuple[str, ...], done: int) -> None:
    for _ in range(3):
        publish(rehearsal.client(), QUESTIONS)
    assert crowd(tmp_path, "--workers", 3, *words)["submitted"] == done


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--skill", "2"), "is no share"),
        (("--speed", "fast"), "is not a duration"),
        (("--key", "id"), "--key is about the answers of --gold"),
        (("--gold", "pyproject.toml", "--key", "id"), 'has no column "id"'),
    ],
)
def test_what_cannot_be_meant_is_refused_in_a_sentence(
    rehearsal: Server, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    assert rehearsal.url
    done = CliRunner().invoke(main, ["crowd", "--control-file", str(tmp_path / "server.json"), *words])
    assert done.exit_code == 2
    assert said in done.output
