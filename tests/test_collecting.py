"""Answers are fetched once, kept whatever becomes of their HITs, and written joined to their items."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from life import Life
from postgres import postgres
from reviewed_life import ReviewedLife

from turkform.answers import Answers
from turkform.collecting import Collected, collect
from turkform.exporting import DECISIONS, fields, write_csv, write_jsonl, write_parquet
from turkform.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from marketplace_server import Server

csv.field_size_limit(2_000_000)
HOSTILE = {
    "formula": "=cmd|' /C calc'!A0",
    "minus": "-1.5",
    "at": "@SUM(1)",
    "markup": "<script>alert(1)</script>",
    "escape": "\x1b]0;owned\x07",
    "c1": "\x9b2J",
    "turned": "\u202eevil",
    "wide": "＝1+1",  # noqa: RUF001
    "below": "\n=1+1",
    "long": "x" * 1_000_000,
    "lines": 'a,"b"\nc',
}


@pytest.fixture
def life(server: Server, tmp_path: Path) -> Life:
    found = Life(server, tmp_path)
    found.apply()
    return found


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str | Path:
    return tmp_path / "answers.sqlite" if request.param == "sqlite" else postgres().database()


@pytest.fixture
def answers(place: str | Path) -> Iterator[Answers]:
    found = Answers(place, "J1")
    yield found
    found.close()


WEBSITE = [
    "HITId", "HITTypeId", "Title", "Description", "Keywords", "Reward", "CreationTime", "MaxAssignments",
    "RequesterAnnotation", "AssignmentDurationInSeconds", "AutoApprovalDelayInSeconds", "Expiration",
    "NumberOfSimilarHITs", "LifetimeInSeconds", "AssignmentId", "WorkerId", "AssignmentStatus", "AcceptTime",
    "SubmitTime", "AutoApprovalTime", "ApprovalTime", "RejectionTime", "RequesterFeedback", "WorkTimeInSeconds",
    "LifetimeApprovalRate", "Last30DaysApprovalRate", "Last7DaysApprovalRate",
]  # fmt: skip
"""The header of a batch results file of the requester website, as scripts written for one expect it."""


def fetch(life: Life, answers: Answers, **more: Any) -> Collected:
    return collect(life.look(), answers, **more)


def submit(life: Life, text: str, worker: str, **given: str) -> str:
    hit = next(h["HITId"] for h in life.hits() if f"<p>{text}</p>" in h["Question"])
    made = life.server.control("worker/submit", hit=hit, worker=worker, answers=given or {"answer": "x"})
    return str(made["assignment_id"])


def table(answers: Answers) -> list[dict[str, str]]:
    out = io.StringIO()
    write_csv(answers, out)
    return list(csv.DictReader(io.StringIO(out.getvalue())))


def test_only_what_is_new_is_fetched(life: Life, answers: Answers) -> None:
    assert fetch(life, answers) == Collected()
    submit(life, "one", "A1FIRST", answer="cat")
    first = fetch(life, answers)
    assert (first.hits, first.new) == (1, 1)
    assert fetch(life, answers).hits == 0
    assignment = submit(life, "one", "A2SECOND", answer="dog")
    assert fetch(life, answers).new == 1
    life.server.client().approve_assignment(AssignmentId=assignment)
    again = fetch(life, answers)
    assert (again.hits, again.new) == (1, 0)
    assert sorted(row["AssignmentStatus"] for row in table(answers)) == ["Approved", "Submitted"]


def test_the_next_answer_to_approve_itself_is_known_until_it_is_reviewed(life: Life, answers: Answers) -> None:
    client = life.server.client()
    assert answers.due() == {}
    made = [submit(life, "one", worker) for worker in ("A1EARLY", "A2LATE")]
    fetch(life, answers)
    first, second = (client.get_assignment(AssignmentId=one)["Assignment"] for one in made)
    assert answers.due() == {first["HITId"]: first["AutoApprovalTime"].timestamp()}
    client.approve_assignment(AssignmentId=made[0])
    fetch(life, answers)
    assert answers.due() == {first["HITId"]: second["AutoApprovalTime"].timestamp()}
    client.approve_assignment(AssignmentId=made[1])
    fetch(life, answers)
    assert answers.due() == {}


def test_answers_outlive_their_hit_and_their_row(life: Life, answers: Answers) -> None:
    client = life.server.client()
    assignment = submit(life, "two", "A1GONE", answer="kept")
    fetch(life, answers)
    client.approve_assignment(AssignmentId=assignment)
    fetch(life, answers)
    hit = client.get_assignment(AssignmentId=assignment)["Assignment"]["HITId"]
    client.update_expiration_for_hit(HITId=hit, ExpireAt=0)
    client.delete_hit(HITId=hit)
    del life.rows["b"]
    fetch(life, answers)
    (row,) = table(answers)
    assert [row[name] for name in ("Input.text", "Answer.answer", "ItemKey", "AssignmentStatus")] == [
        "two",
        "kept",
        "b",
        "Approved",
    ]


def test_csv_has_the_requester_websites_columns(life: Life, answers: Answers) -> None:
    submit(life, "one", "A1COLUMNS", answer="cat", other="z")
    fetch(life, answers)
    names = fields(answers)
    assert names[: len(WEBSITE)] == WEBSITE
    asked = ["Input.id", "Input.text", "Answer.answer", "Answer.other"]
    assert names[len(WEBSITE) :] == [*asked, *DECISIONS, "ItemKey", "BonusAmount"]
    (row,) = table(answers)
    assert (row["Reward"], row["MaxAssignments"], row["LifetimeInSeconds"]) == ("$0.10", "3", "604800")
    assert row["RequesterAnnotation"].startswith(f"turkform:{life.name}/pilot/a#1.")
    times = [row[name] for name in ("CreationTime", "Expiration", "AcceptTime", "SubmitTime", "AutoApprovalTime")]
    assert all(re.fullmatch(r"[A-Z][a-z]{2} [A-Z][a-z]{2} \d\d \d\d:\d\d:\d\d UTC \d{4}", time) for time in times)
    assert row["WorkTimeInSeconds"].isdecimal()


def test_a_hostile_answer_is_text_in_every_format(life: Life, answers: Answers, tmp_path: Path) -> None:
    submit(life, "one", "A1HOSTILE", **HOSTILE)
    fetch(life, answers)
    (row,) = table(answers)
    quoted = {"formula", "at", "wide", "below"}
    assert row["Answer.c1"] == "\\x9b2J"
    assert not any(char in row["Answer.escape"] for char in "\x1b\x07")
    for name in HOSTILE.keys() - {"escape", "c1"}:
        assert row[f"Answer.{name}"] == ("'" if name in quoted else "") + HOSTILE[name]
    out = io.StringIO()
    assert write_jsonl(answers, out) == 1
    assert not any(char in out.getvalue() for char in "\x1b\x9b\u202e")
    told = json.loads(out.getvalue())["Answer"]
    assert all(told[name] == HOSTILE[name] for name in HOSTILE.keys() - {"escape"})
    from pyarrow import parquet

    assert write_parquet(answers, tmp_path / "a.parquet") == 1
    (kept,) = parquet.read_table(tmp_path / "a.parquet").to_pylist()
    assert kept["Answer.formula"] == HOSTILE["formula"]


def test_what_crowd_elements_hide_in_json_is_text_as_well(life: Life, answers: Answers, tmp_path: Path) -> None:
    """JSON spells controls and halves of characters, which no XML can hold."""
    submit(life, "one", "A1HIDDEN", taskAnswers=r'[{"\u001b[2J": "\u001b]0;owned\u0007", "half": "\ud800"}]')
    submit(life, "one", "A2HIDDEN", taskAnswers=r'[{"xInSeconds": "=1+1"}]')
    fetch(life, answers)
    out = io.StringIO()
    write_csv(answers, out)
    write_jsonl(answers, out)
    out.getvalue().encode("utf-8")
    assert not any(char in out.getvalue() for char in "\x1b\x07")
    rows = table(answers)
    assert sorted(row["Answer.half"] for row in rows) == ["", "\ufffd"]
    assert sorted(row["Answer.xInSeconds"] for row in rows) == ["", "'=1+1"]
    assert write_parquet(answers, tmp_path / "a.parquet") == 2


def test_fields_without_end_are_one_column_from_a_thousand_on(life: Life, answers: Answers, tmp_path: Path) -> None:
    submit(life, "one", "A1HONEST", zebra="yes")
    submit(life, "one", "A2HONEST", zebra="no")
    submit(life, "two", "A1HOSTILE", taskAnswers=json.dumps([{f"f{n:05}": str(n) for n in range(3_000)}]))
    fetch(life, answers)
    names = fields(answers)
    assert len([name for name in names if name.startswith("Answer.")]) == 1_001
    rows = table(answers)
    assert [row["Answer.zebra"] for row in rows].count("") == 1, "what most answers have is a column"
    (rest,) = [json.loads(row["Answer.*"]) for row in rows if row["Answer.*"]]
    assert rest["f02999"] == "2999"
    assert write_parquet(answers, tmp_path / "a.parquet") == 3


def test_a_script_for_the_websites_results_file_runs_unchanged(life: Life, answers: Answers, tmp_path: Path) -> None:
    """What such scripts do with pandas: drop columns, count votes, measure pay, find the slow, write decisions."""
    for text, worker, label in (("one", "A1", "cat"), ("one", "A2", "cat"), ("one", "A3", "dog"), ("two", "A1", "dog")):
        submit(life, text, worker, answer=label, sure="yes")
    fetch(life, answers)
    file = tmp_path / "Batch_1_batch_results.csv"
    with file.open("w", encoding="utf-8", newline="") as out:
        write_csv(answers, out)

    found = pd.read_csv(file)
    assert not set(WEBSITE) - set(found.columns)
    pay = found["Reward"].str.replace("$", "").astype(float)
    seconds = pd.to_datetime(found["SubmitTime"]) - pd.to_datetime(found["AcceptTime"])
    assert pay.sum() == pytest.approx(0.4)
    assert (seconds.dt.total_seconds() >= found["WorkTimeInSeconds"] - 1).all()
    votes = found.drop(columns=["HITTypeId", "Title", "LifetimeApprovalRate"]).groupby("Input.text")["Answer.answer"]
    assert votes.agg(lambda given: given.mode()[0]).to_dict() == {"one": "cat", "two": "dog"}
    per_worker = found.pivot_table(index="HITId", columns="WorkerId", values="Answer.sure", aggfunc="first")
    assert per_worker.notna().sum().to_dict() == {"A1": 2, "A2": 1, "A3": 1}
    found["Approve"] = ["" if worker == "A3" else "x" for worker in found["WorkerId"]]
    found.to_csv(file, index=False)
    assert pd.read_csv(file)["Approve"].value_counts().to_dict() == {"x": 3}


def test_bonuses_are_asked_for_where_that_is_wanted(life: Life, answers: Answers) -> None:
    assignment = submit(life, "one", "A1BONUS")
    life.server.client().send_bonus(
        WorkerId="A1BONUS", AssignmentId=assignment, BonusAmount="0.50", Reason="R", UniqueRequestToken=assignment
    )
    fetch(life, answers)
    assert table(answers)[0]["BonusAmount"] == ""
    fetch(life, answers, bonuses=True)
    assert table(answers)[0]["BonusAmount"] == "0.50"
    submit(life, "one", "A2BONUS")
    fetch(life, answers)
    assert sorted(row["BonusAmount"] for row in table(answers)) == ["", "0.50"]


def test_journals_do_not_see_each_others_answers(life: Life, answers: Answers, place: str | Path) -> None:
    submit(life, "one", "A1MINE")
    fetch(life, answers)
    other = Answers(place, "J2")
    assert other.stored() == {}
    assert list(other.rows()) == []
    other.close()


def test_a_hit_without_a_row_is_deleted_once_its_answers_are_reviewed_and_stored(life: Life) -> None:
    assignment = submit(life, "two", "A1KEPT", answer="cat")
    del life.rows["b"]
    life.apply()
    assert len(life.hits()) == 3
    with Journal.open(life.folder / "journal.sqlite", create=False) as journal:
        beside = Answers.beside(journal.place, journal.id)
    fetch(life, beside)
    assert life.look().plan.empty, "nobody has reviewed it"
    life.server.client().approve_assignment(AssignmentId=assignment)
    assert life.look().plan.empty, "its review is not stored"
    fetch(life, beside)
    (step,) = life.look().plan.document["steps"]
    assert (step["op"], step["leaves"], step["fact"]) == ("archive", "final", "every answer stored")
    life.apply()
    assert len(life.hits()) == 2
    assert life.look().plan.empty
    assert [row["Answer.answer"] for row in table(beside)] == ["cat"]
    beside.close()


def test_what_reviews_did_stands_in_the_results(server: Server, tmp_path: Path) -> None:
    """Of a rejection overturned no counter of the HIT tells, and of a bonus no listing of assignments."""
    life = ReviewedLife(server, tmp_path)
    made = life.begin()
    life.review(f"{made['a 1']},reject,Wrong,,", f"{made['a 2']},approve,,0.50,Good")
    life.review(overturn=(made["a 1"],))
    answers = Answers.beside(str(tmp_path / "journal.sqlite"), life.look().memory.journal)
    try:
        fetch(life, answers)
        rows = {row["AssignmentId"]: row for row in table(answers)}
    finally:
        answers.close()
    assert rows[made["a 1"]]["AssignmentStatus"] == "Approved"
    assert (rows[made["a 2"]]["AssignmentStatus"], rows[made["a 2"]]["BonusAmount"]) == ("Approved", "0.50")


def test_bonuses_are_remembered_and_never_less(life: Life, answers: Answers) -> None:
    assignment = submit(life, "one", "A1FIRST")
    fetch(life, answers)
    answers.note_bonuses({assignment: 50, "3UNKNOWN": 10})
    answers.note_bonuses({assignment: 20})
    assert [row["BonusAmount"] for row in table(answers)] == ["0.50"]


def test_only_the_rejected_ones_among_some_are_named(life: Life, answers: Answers) -> None:
    first, second = submit(life, "one", "A1FIRST"), submit(life, "two", "A1FIRST")
    life.server.client().reject_assignment(AssignmentId=first, RequesterFeedback="no")
    hit = life.server.client().get_assignment(AssignmentId=first)["HIT"]["HITId"]
    fetch(life, answers)
    assert answers.rejected({first, second}) == {hit}
    assert answers.rejected({second}) == set()
