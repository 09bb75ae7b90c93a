"""What others made becomes a campaign whose first plan is empty, and a HIT made by hand becomes an item's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from life import Life

from turkform.cli import run

if TYPE_CHECKING:
    from pathlib import Path

    from marketplace_server import Server

BASE = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/"
HTML = (
    f'<HTMLQuestion xmlns="{BASE}2011-11-11/HTMLQuestion.xsd"><HTMLContent><![CDATA[<!DOCTYPE html><html><body>'
    "<form action='https://www.mturk.com/mturk/externalSubmit'><p>{text}</p><input name='a'>{more}</form></body></html>"
    "]]></HTMLContent><FrameHeight>450</FrameHeight></HTMLQuestion>"
)
ASSIGNMENT = "<input type='hidden' name='assignmentId' id='assignmentId'><input type='submit'>"
EXTERNAL = (
    f'<ExternalQuestion xmlns="{BASE}2006-07-14/ExternalQuestion.xsd"><ExternalURL>https://tasks.example.org/?a=1&amp;'
    "b=2</ExternalURL><FrameHeight>0</FrameHeight></ExternalQuestion>"
)
FORM = (
    (
        f'<QuestionForm xmlns="{BASE}2017-11-06/QuestionForm.xsd"><Question><QuestionIdentifier>q</QuestionIdentifier>'
        "<QuestionContent><Text>Costs ${{5}}?</Text></QuestionContent><AnswerSpecification><FreeTextAnswer/>"
        "</AnswerSpecification></Question></QuestionForm>"
    )
    .replace("{{", "{")
    .replace("}}", "}")
)
TERMS = {"Title": 'Look: at "this" ', "Description": "D", "Reward": "0.20", "AssignmentDurationInSeconds": 600}


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """The key of an account that nobody else in this test run uses."""
    key = "K" + "".join(c for c in tmp_path.name.upper() if c.isalnum())
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    return key


def page(text: str, more: str = ASSIGNMENT) -> str:
    """An HTMLQuestion."""
    return HTML.replace("{text}", text).replace("{more}", more)


def fill(client: Any) -> None:
    """An account as years of scripts leave it."""
    made = client.create_qualification_type(
        Name="Trained, twice", Description="D", QualificationTypeStatus="Active", Keywords="a, b",
        RetryDelayInSeconds=3600, Test=FORM, TestDurationInSeconds=600,
    )  # fmt: skip
    type_id = made["QualificationType"]["QualificationTypeId"]
    for n in range(25):
        client.associate_qualification_with_worker(
            QualificationTypeId=type_id, WorkerId=f"A1W{n}", IntegerValue=n, SendNotification=False
        )
    client.create_worker_block(WorkerId="A1BAD", Reason="Random answers")
    requirements = [
        {"QualificationTypeId": type_id, "Comparator": "GreaterThan", "IntegerValues": [10]},
        {"QualificationTypeId": "00000000000000000071", "Comparator": "In", "LocaleValues": [{"Country": "US"}]},
    ]
    for text in ("one", "two"):
        question = page(text)
        client.create_hit(
            Question=question,
            MaxAssignments=3,
            LifetimeInSeconds=86400,
            QualificationRequirements=requirements,
            **TERMS,
        )
    client.create_hit(Question=EXTERNAL, LifetimeInSeconds=86400, Keywords="x, y", **TERMS)
    client.create_hit(Question=FORM, LifetimeInSeconds=3600, **TERMS)
    client.create_hit(Question=page("no assignmentId", more=""), LifetimeInSeconds=3600, **TERMS)
    gone = client.create_hit(Question=FORM, LifetimeInSeconds=3600, **TERMS)["HIT"]["HITId"]
    client.update_expiration_for_hit(HITId=gone, ExpireAt=0)


def test_a_whole_account_becomes_a_campaign_whose_plan_is_empty(
    server: Server, credentials: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    client = server.client(credentials)
    fill(client)
    before = client.list_hits(MaxResults=100)["HITs"]
    folder = tmp_path / "rescued"
    assert run(["import", "--all", "-o", str(folder), "--endpoint", server.url]) == 0
    told = capsys.readouterr()
    assert "1 qualification type, 3 HIT types, 4 HITs as items of 3 batches" in told.out
    assert "1 HIT left out: they have expired" in told.err
    assert "1 HIT left out: they have a question that turkform would not publish" in told.err
    assert run(["-C", str(folder), "plan", "--env", "account", "--detailed-exitcode"]) == 0, capsys.readouterr().out
    assert "nothing to do" in capsys.readouterr().out
    assert client.list_hits(MaxResults=100)["HITs"] == before


def test_what_was_imported_is_changed_like_what_we_made(
    server: Server, credentials: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    client = server.client(credentials)
    client.create_hit(Question=page("one"), LifetimeInSeconds=86400, **TERMS)
    folder = tmp_path / "rescued"
    run(["import", "--all", "-o", str(folder), "--endpoint", server.url])
    file = folder / "campaign.yaml"
    file.write_text(file.read_text().replace("0.20", "0.25"))
    assert run(["-C", str(folder), "apply", "--env", "account", "--auto-approve"]) == 0, capsys.readouterr().err
    (hit,) = client.list_hits(MaxResults=100)["HITs"]
    assert hit["Reward"] == "0.25"
    assert run(["-C", str(folder), "plan", "--env", "account", "--detailed-exitcode"]) == 0, capsys.readouterr().out


def test_a_folder_with_files_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.txt").write_text("x")
    assert run(["import", "--all", "-o", str(tmp_path), "--endpoint", "http://127.0.0.1:9"]) == 3
    assert "not empty" in capsys.readouterr().err


@pytest.mark.parametrize("same", [True, False])
def test_a_hit_made_by_hand_becomes_an_items(server: Server, tmp_path: Path, same: bool) -> None:  # noqa: FBT001
    from turkform.importing import adopt_one
    from turkform.journal import Journal
    from turkform.kinds.resource import Address

    life = Life(server, tmp_path)
    life.batch["assignments"] = 1
    publication = life.look().found.publications[Address("batch", "pilot")]
    assert publication.source is not None
    item = next(iter(publication.source.items()))
    question = publication.source.template.render(item.row) if same else page("other")
    terms = {"Title": "T", "Description": "D", "Reward": "0.10", "AssignmentDurationInSeconds": 600}
    made = server.client().create_hit(
        Question=question, LifetimeInSeconds=7 * 86400, AutoApprovalDelayInSeconds=3 * 86400, **terms
    )["HIT"]["HITId"]
    found = life.look()
    adopted = adopt_one(found, Address("batch", "pilot", "a"), made)
    assert adopted.same is same
    with (
        Journal.open(life.folder / "journal.sqlite", create=True, campaign=life.name) as journal,
        journal.begin(command="import", now=found.observed.now) as noting,
    ):
        adopted.note(noting)
        noting.end(0)
    assert not any("gone" in note for note in life.look().plan.document["notes"])
    steps = [(step["op"], step["items"]["count"]) for step in life.look().plan.document["steps"] if step.get("op")]
    assert steps == ([("create", 2)] if same else [("create", 2), ("replace", 1)])
