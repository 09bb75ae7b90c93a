"""A file of decisions is read as it is meant, or told about with line and column; nothing in it is guessed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from turkform.decisions import Bonus, Decision, read_decisions
from turkform.errors import CampaignError
from turkform.money import Money

if TYPE_CHECKING:
    from pathlib import Path

SITE = "HITId,AssignmentId,WorkerId,Answer.text,Approve,Reject"
UNFIT = "the worker cannot be sent this:"
OWN = "AssignmentId,decision,feedback,bonus,bonus_reason"


def read(folder: Path, *rows: str, head: str = OWN, name: str = "d.csv") -> list[Decision]:
    file = folder / name
    file.write_text("\n".join([head, *rows] if head else rows) + "\n", encoding="utf-8")
    return list(read_decisions(file).values())


def problems(folder: Path, *rows: str, head: str = OWN) -> list[str]:
    with pytest.raises(CampaignError) as error:
        read(folder, *rows, head=head)
    return [f"{p.location.line}:{p.location.column} {p.summary}" for p in error.value.diagnostics if p.location]


@pytest.mark.parametrize(
    ("row", "wish", "feedback"),
    [
        ("H,3A,A1,one,x,", "approve", ""),
        ("H,3A,A1,one,X,", "approve", ""),
        ("H,3A,A1,one,,Not an answer", "reject", "Not an answer"),
    ],
)
def test_the_websites_columns_are_read(tmp_path: Path, row: str, wish: str, feedback: str) -> None:
    [decision] = read(tmp_path, row, head=SITE)
    assert (decision.wish, decision.feedback, decision.worker) == (wish, feedback, "A1")


def test_rows_without_a_decision_decide_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, "H,3A,A1,one,,", head=SITE) == []
    assert read(tmp_path, "3A,,Thanks,0.00,") == []


@pytest.mark.parametrize("name", ["d.csv", "d.tsv", "d.jsonl"])
def test_every_kind_of_file_is_read(tmp_path: Path, name: str) -> None:
    table = [OWN, "3A,approve,Thanks,0.50,Fast"]
    rows = {
        "d.csv": table,
        "d.tsv": [row.replace(",", "\t") for row in table],
        "d.jsonl": [json.dumps(dict(zip(OWN.split(","), table[1].split(","), strict=True)))],
    }[name]
    assert read(tmp_path, *rows, head="", name=name) == [
        Decision("3A", "approve", "Thanks", (Bonus(Money(50), "Fast"),)),
    ]


def test_several_rows_add_bonuses_to_one_decision(tmp_path: Path) -> None:
    [decision] = read(tmp_path, "3A,approve,,0.50,Fast", "3A,,,0.50,Careful")
    assert (decision.wish, [str(bonus.amount) for bonus in decision.bonuses]) == ("approve", ["0.50", "0.50"])


def test_a_bonus_without_a_reason_of_its_own_takes_the_feedback(tmp_path: Path) -> None:
    assert read(tmp_path, "3A,approve,Well done,0.50,")[0].bonuses == (Bonus(Money(50), "Well done"),)


@pytest.mark.parametrize(
    ("head", "row", "told"),
    [
        (SITE, "H,3A,A1,one,no,", '2:13 Approve is "no", which is no mark'),
        (SITE, 'H,3A,A1,"one, two",no,', '2:20 Approve is "no", which is no mark'),
        (SITE, "H,3A,A1,one,,x", "2:14 the rejection has no reason"),
        (SITE, "H,3A,A1,one,x,bad", "2:15 the row approves and rejects"),
        (SITE, "H,,A1,one,x,", "2:3 the row names no assignment"),
        (SITE, "H,3a!,A1,one,x,", '2:3 "3a!" is no assignment\'s id'),
        (OWN, "3A,aprove,,,", '2:4 "aprove" is no decision'),
        (OWN, "3A,reject,,,", "2:11 the rejection has no reason"),
        (OWN, "3A,approve,,0.155,Fast", "2:13 0.155 is a fraction of a cent; MTurk takes whole cents"),
        (OWN, "3A,approve,,-1,Fast", '2:13 "-1" is not an amount of US dollars'),
        (OWN, "3A,approve,,0.50,", "2:13 the bonus of $0.50 has no reason, and the worker reads one"),
        (OWN, "3A,approve,bad\x1b[31m,,", f"2:12 {UNFIT} it holds the control character '\\x1b'"),
        (OWN, f"3A,reject,{'x' * 1025},,", f"2:11 {UNFIT} it has 1,025 characters, and 1,024 are taken"),
        ("Assignment,decision", "3A,approve", "1:1 d.csv has no column AssignmentId"),
        ("AssignmentId,feedback", "3A,Thanks", "1:1 no column of d.csv says what to decide"),
        ("AssignmentId,Approve,decision", "3A,x,approve", "1:1 d.csv has Approve or Reject, and decision as well"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, head: str, row: str, told: str) -> None:
    assert problems(tmp_path, row, head=head) == [told]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (
            ("3A,approve,,,", "3A,reject,Wrong,,"),
            "3:1 assignment 3A is decided twice, and not alike: line 2 and line 3",
        ),
        (("3A,,,0.50,Fast", "3A,,,0.50,Fast"), "3:6 assignment 3A gets the same bonus twice: line 2 and line 3"),
    ],
)
def test_rows_that_contradict_each_other_are_told(tmp_path: Path, rows: tuple[str, ...], told: str) -> None:
    assert problems(tmp_path, *rows) == [told]


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    assert len(problems(tmp_path, "3A,aprove,,,", "3B,reject,,,", "3C,approve,,x,Fast")) == 3


def test_an_answer_of_a_million_characters_beside_a_decision_is_no_hindrance(tmp_path: Path) -> None:
    [decision] = read(tmp_path, f'H,3A,A1,"{"x" * 1_000_000}",x,', head=SITE)
    assert decision.wish == "approve"


def test_two_rows_of_one_assignment_name_one_worker(tmp_path: Path) -> None:
    rows = ["3A,A1,approve,0.10,a", "3A,A2,,0.20,b"]
    found = problems(tmp_path, *rows, head="AssignmentId,WorkerId,decision,bonus,bonus_reason")
    assert found == ["3:4 assignment 3A has two workers: line 2 and line 3"]


@pytest.mark.parametrize("head", ["AssignmentId,bonus,Bonus,feedback", "assignmentid,AssignmentId,bonus,feedback"])
def test_a_column_that_stands_twice_in_other_cases_is_told(tmp_path: Path, head: str) -> None:
    [found] = problems(tmp_path, "3A,0.10,0.50,hi", head=head)
    assert "two columns mean the same: " in found


def test_lines_of_json_may_decide_from_any_line_on(tmp_path: Path) -> None:
    rows = ['{"AssignmentId": "3A"}', '{"AssignmentId": "3B", "decision": "approve"}']
    [decision] = read(tmp_path, *rows, head="", name="d.jsonl")
    assert (decision.assignment, decision.wish) == ("3B", "approve")
    with pytest.raises(CampaignError) as error:
        read(tmp_path, rows[0], head="", name="d.jsonl")
    assert [p.summary for p in error.value.diagnostics] == ["no column of d.jsonl says what to decide"]
