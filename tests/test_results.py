"""How a campaign stands is told as it is: counts, time, pace, money to the cent, and what will soon be too late."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from life import Life
from marketplace_server import Server, running
from reviewed_life import ReviewedLife

from turkform.answers import Answers
from turkform.campaign import Target
from turkform.collecting import collect, due
from turkform.journal import Journal
from turkform.money import Money
from turkform.results import status

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DAY = 86_400


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("marketplace")) as found:
        yield found


@pytest.fixture
def life(server: Server, tmp_path: Path) -> Life:
    found = Life(server, tmp_path)
    found.apply()
    return found


@pytest.fixture
def answers(life: Life) -> Iterator[Answers]:
    with Journal.open(life.folder / "journal.sqlite", create=False) as journal:
        found = Answers.beside(journal.place, journal.id)
    yield found
    found.close()


def submit(life: Life, text: str, worker: str) -> str:
    hit = next(h["HITId"] for h in life.hits() if f"<p>{text}</p>" in h["Question"])
    return str(life.server.control("worker/submit", hit=hit, worker=worker, answers={"answer": "x"})["assignment_id"])


def exact(life: Life, answers: Answers) -> dict[str, Any]:
    collect(life.look(), answers)
    return status(life.look(), answers)


def books(life: Life) -> str:
    """What the marketplace has taken from the requester's purse."""
    balance = life.server.client().get_account_balance()
    left = sum(Money.parse(balance[name]).cents for name in ("AvailableBalance", "OnHoldBalance"))
    return str(Money(1_000_000 - left))


def kinds(document: dict[str, Any]) -> list[str]:
    return [warning["kind"] for warning in document["warnings"]]


def test_counters_are_told_without_a_call_and_what_is_not_read_with_its_calls(life: Life, answers: Answers) -> None:
    life.server.client().approve_assignment(AssignmentId=submit(life, "one", "A1"))
    submit(life, "one", "A2")
    told = status(life.look(), answers)["batches"]["pilot"]
    assert (told["hits"], told["open"], told["submitted"], told["reviewed"]) == (3, 7, 1, 1)
    assert told["unread"] == {"answers": 2, "reviews": 1, "calls": 2}
    assert (told["median_seconds"], told["approved"]) == (None, 0)
    assert (told["spent"], told["spent_exact"]) == ("0.12", False)


def test_the_calls_that_are_said_are_the_calls_that_are_made(life: Life, answers: Answers) -> None:
    submit(life, "one", "A1")
    submit(life, "two", "A1")
    said = due(life.look(), answers)
    made = collect(life.look(), answers)
    assert (said.hits, said.answers, said.calls) == (made.hits, made.new, made.calls) == (2, 2, 4)


def test_approved_and_rejected_are_told_apart_once_they_are_read(life: Life, answers: Answers) -> None:
    client = life.server.client()
    client.approve_assignment(AssignmentId=submit(life, "one", "A1"))
    client.reject_assignment(AssignmentId=submit(life, "one", "A2"), RequesterFeedback="No.")
    told = exact(life, answers)["total"]
    assert (told["approved"], told["rejected"], told["unread"]["calls"]) == (1, 1, 0)
    assert (told["spent"], told["spent_exact"]) == ("0.12", True)


def test_what_is_spent_is_what_the_account_is_short_of(life: Life, answers: Answers) -> None:
    client = life.server.client()
    for number, text in enumerate(("one", "one", "two", "three")):
        worker = f"A{number}"
        assignment = submit(life, text, worker)
        if number == 3:
            client.reject_assignment(AssignmentId=assignment, RequesterFeedback="No.")
            continue
        client.approve_assignment(AssignmentId=assignment)
        client.send_bonus(
            WorkerId=worker,
            AssignmentId=assignment,
            BonusAmount=f"0.{number + 1}3",
            Reason="R",
            UniqueRequestToken=worker,
        )
    collect(life.look(), answers, bonuses=True)
    told = status(life.look(), answers)
    assert told["total"]["spent"] == books(life)


def test_each_bonus_has_a_fee_of_its_own_and_counts_as_soon_as_it_is_paid(server: Server, tmp_path: Path) -> None:
    life = ReviewedLife(server, tmp_path)
    paid = life.begin(1)["a 1"]
    life.review(f"{paid},approve,,0.13,Every word.", f"{paid},,,0.13,And quickly.")
    with Journal.open(life.folder / "journal.sqlite", create=False) as journal:
        answers = Answers.beside(journal.place, journal.id)
    told = status(life.look(), answers)["total"]
    assert (told["spent"], told["bonuses"]) == (books(life), "0.32")
    answers.close()


def test_answers_of_hits_that_are_gone_still_count(life: Life, answers: Answers) -> None:
    client = life.server.client()
    client.approve_assignment(AssignmentId=submit(life, "two", "A1"))
    collect(life.look(), answers)
    del life.rows["b"]
    life.apply()
    life.apply()
    told = status(life.look(), answers)["total"]
    assert (told["hits"], told["gone"], told["approved"]) == (2, {"hits": 1, "answers": 1}, 1)
    assert (told["spent"], told["spent_exact"]) == ("0.12", True)


def test_an_earlier_round_is_named_apart_and_counts_in_all(life: Life, answers: Answers) -> None:
    submit(life, "one", "A1")
    life.batch["round"] = 2
    life.apply()
    told = exact(life, answers)
    assert [(name, batch["hits"]) for name, batch in told["batches"].items()] == [("pilot", 3), ("pilot@1", 3)]
    assert (told["total"]["hits"], told["total"]["submitted"]) == (6, 1)


def test_the_end_is_estimated_by_the_pace_and_told_where_it_comes_too_late(life: Life, answers: Answers) -> None:
    for number in range(3):
        submit(life, "one", f"A{number}")
        life.server.control("clock", advance_seconds=2 * DAY)
    told = exact(life, answers)
    assert told["batches"]["pilot"]["pace"] < 0.1
    assert told["batches"]["pilot"]["done_at"] > told["batches"]["pilot"]["ends"]
    assert "pace" in kinds(told)


def test_answers_that_soon_approve_themselves_are_warned_of(life: Life, answers: Answers) -> None:
    submit(life, "one", "A1")
    assert "auto_approval" not in kinds(exact(life, answers))
    life.server.control("clock", advance_seconds=int(2.5 * DAY))
    told = status(life.look(), answers)
    (warning,) = [w for w in told["warnings"] if w["kind"] == "auto_approval"]
    assert warning["text"].startswith("1 answer will approve itself within a day, the first at 20")
    assert told["batches"]["pilot"]["auto_approval"]["within_a_day"] == 1
    assert any("approve themselves" in note for note in life.look().plan.document["notes"])
    assert told["notes"] == [], "what the plan notes is told once"


def test_answers_that_are_not_read_may_approve_themselves_unseen(life: Life, answers: Answers) -> None:
    submit(life, "one", "A1")
    assert "auto_approval" not in kinds(status(life.look(), answers))
    life.server.control("clock", advance_seconds=int(2.5 * DAY))
    (warning,) = [w for w in status(life.look(), answers)["warnings"] if w["kind"] == "auto_approval"]
    assert warning["text"].startswith("1 answer not fetched yet may approve themselves from 20")


def test_hits_that_will_be_disposed_of_with_their_answers_are_warned_of(life: Life, answers: Answers) -> None:
    submit(life, "one", "A1")
    life.server.control("clock", advance_seconds=80 * DAY)
    assert "disposal" not in kinds(status(life.look(), answers))
    life.server.control("clock", advance_seconds=8 * DAY)
    assert "disposal" in kinds(status(life.look(), answers))
    assert "disposal" not in kinds(exact(life, answers)), "they are stored, and were approved long ago"


def test_a_balance_that_does_not_cover_what_is_open_is_warned_of(life: Life, answers: Answers) -> None:
    from dataclasses import replace

    found = life.look()
    poor = replace(found, observed=replace(found.observed, balance=Money(50), on_hold=Money(8)))
    (warning,) = [w for w in status(poor, answers)["warnings"] if w["kind"] == "balance"]
    assert "may cost $1.08 more" in warning["text"]
    assert "put in $0.50 more" in warning["text"]
    assert "balance" not in kinds(status(found, answers))
    unheard = replace(poor, desired=replace(poor.desired, target=Target("aws", "production", balance="warn")))
    assert "balance" not in kinds(status(unheard, answers)), "a limit of AWS Billing is no purse"


def test_a_campaign_that_was_never_applied_stands_at_nothing(server: Server, tmp_path: Path) -> None:
    told = status(Life(server, tmp_path).look())
    assert (told["total"]["hits"], told["total"]["spent"], told["warnings"]) == (0, "0.00", [])
