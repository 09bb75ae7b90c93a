"""Between plan and call the market moves on: nothing is done twice, and less may be done, never more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from reviewed_life import ReviewedLife

from turkform.apply import apply
from turkform.decisions import Bonus
from turkform.entries import Intent
from turkform.judging import bonus_token
from turkform.money import Money
from turkform.outcomes import RunInfo
from turkform.recovery import settle
from turkform.reviewing import Asked

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from marketplace_server import Server

    from turkform.outcomes import Report

GOOD = Bonus(Money(50), "Good")


@pytest.fixture
def life(server: Server, tmp_path: Path) -> ReviewedLife:
    found = ReviewedLife(server, tmp_path)
    found.rows = {"a": "one"}
    return found


def meanwhile(life: ReviewedLife, row: str, happens: Callable[[Any], object]) -> Report:
    """Plan, let something happen, and carry out what was planned."""
    with life.reviewing(Asked(file=life.decisions(row))) as (found, journal):
        happens(life.server.client())
        return apply(found, journal, run=RunInfo("review"))


def pay(client: Any, assignment: str, amount: str = "0.50") -> None:
    client.send_bonus(WorkerId="A1WORKER", AssignmentId=assignment, BonusAmount=amount, Reason="Good")


def test_what_was_approved_meanwhile_is_done(life: ReviewedLife) -> None:
    made = life.begin(1)["a 1"]
    report = meanwhile(life, f"{made},approve,,,", lambda client: client.approve_assignment(AssignmentId=made))
    assert (report.exit_code, dict(report.done)) == (0, {"approve": 1})


def test_what_was_rejected_meanwhile_is_not_approved(life: ReviewedLife) -> None:
    made = life.begin(1)["a 1"]
    reject = {"AssignmentId": made, "RequesterFeedback": "no"}
    report = meanwhile(life, f"{made},approve,,,", lambda client: client.reject_assignment(**reject))
    assert report.exit_code == 6
    assert "somebody rejected it since" in report.failures[0].message
    assert life.status(made) == "Rejected"


def test_what_was_approved_meanwhile_is_not_rejected(life: ReviewedLife) -> None:
    made = life.begin(1)["a 1"]
    report = meanwhile(life, f"{made},reject,Wrong,,", lambda client: client.approve_assignment(AssignmentId=made))
    assert (report.exit_code, dict(report.narrowed)) == (0, {"kept: approved meanwhile, which is final": 1})


def test_what_was_paid_meanwhile_is_not_paid_again_and_the_rest_is_done(life: ReviewedLife) -> None:
    made = life.begin(1)["a 1"]
    report = meanwhile(life, f"{made},approve,,0.50,Good", lambda client: pay(client, made))
    assert (dict(report.done), dict(report.narrowed)) == ({"approve": 1}, {"paid already": 1})
    assert life.paid(made) == [("A1WORKER", "0.50", "Good")]


def test_a_payment_that_the_list_does_not_show_is_not_made_again(life: ReviewedLife) -> None:
    """The token says that it was made, here under other words, as a list that lags says nothing."""
    made = life.begin(1)["a 1"]
    other = {"WorkerId": "A1WORKER", "AssignmentId": made, "BonusAmount": "0.01", "Reason": "Unseen"}
    life.server.client().send_bonus(**other, UniqueRequestToken=bonus_token(made, GOOD))
    assert life.review(f"{made},,,0.50,Good").exit_code == 0
    assert life.paid(made) == [("A1WORKER", "0.01", "Unseen")]


def test_money_that_runs_out_stops_further_payments(life: ReviewedLife) -> None:
    made = life.begin(2)
    rows = [f"{key},,,4000.00,Good" for key in made.values()]
    with life.reviewing(Asked(file=life.decisions(*rows))) as (found, journal):
        balance = life.server.client().get_account_balance()["AvailableBalance"]
        pay(life.server.client(), made["a 1"], f"{float(balance) / 1.2 - 4900:.2f}")
        report = apply(found, journal, run=RunInfo("review"), concurrency=1)
    assert report.done["bonus"] == 1
    assert report.failed == 1


@pytest.mark.parametrize("happened", [True, False])
def test_what_became_of_a_payment_is_read_off_the_account(life: ReviewedLife, *, happened: bool) -> None:
    made = life.begin(1)["a 1"]
    _left_open(life, made)
    if happened:
        pay(life.server.client(), made)
    life.server.control("clock", advance_seconds=61)
    with life.looking() as (found, journal):
        assert found.plan.document["price"]["committed_before"] == "0.96"  # counted while nobody knows
        assert journal is not None
        with journal.begin(command="recover", environment="local", now=found.observed.now) as run:
            assert settle(found, run) == []
            run.end(0)
    assert float(life.look().plan.document["price"]["committed_before"]) == (0.96 if happened else 0.36)
    assert dict(life.review(f"{made},,,0.50,Good").done) == ({} if happened else {"bonus": 1})
    assert len(life.paid(made)) == 1


def test_what_became_of_a_payment_on_a_deleted_hit_is_for_a_person_to_find_out(life: ReviewedLife) -> None:
    life.batch = {"assignments": 1}
    made = life.begin(1)["a 1"]
    life.review(f"{made},approve,,,")
    _left_open(life, made)
    [hit] = life.hits()
    life.server.client().delete_hit(HITId=hit["HITId"])
    life.server.control("clock", advance_seconds=61)
    with life.looking() as (found, journal):
        assert journal is not None
        with journal.begin(command="recover", environment="local", now=found.observed.now) as run:
            assert [call.key for call in settle(found, run)] == [made]
            gone: list[Any] = []
            assert settle(found, run, gone) == []
            assert [call.key for call in gone] == [made]
            run.end(0)
    assert life.look().memory.bonuses[bonus_token(made, GOOD)].cents == 60


def test_a_hit_stays_while_a_payment_on_it_is_not_known(life: ReviewedLife) -> None:
    """With the HIT would go the list of what was paid on it."""
    life.rows, life.batch = {"a": "one", "b": "two"}, {"assignments": 1}
    made = life.begin(1)["a 1"]
    life.review(f"{made},approve,,,")
    life.review(f"{made},approve,,,")  # and what was approved is stored
    del life.rows["a"]
    life.apply()
    _left_open(life, made)
    report = life.apply()
    assert dict(report.narrowed) == {"kept: whether a payment on it was made is not known yet": 1}
    life.server.control("clock", advance_seconds=61)
    life.apply()  # settles it
    assert dict(life.apply().done) == {"archive": 1}


def _left_open(life: ReviewedLife, assignment: str) -> None:
    """The journal of a review that was killed while its payment was under way."""
    with life.looking() as (found, journal):
        assert journal is not None
        hit = life.server.client().get_assignment(AssignmentId=assignment)["HIT"]["HITId"]
        detail = {"amount": 50, "reason": "Good", "object": assignment, "hit": hit}
        intent = Intent("review.pilot", assignment, "SendBonus", "x", bonus_token(assignment, GOOD), Money(60), detail)
        with journal.begin(command="review", environment="local", now=found.observed.now) as run:
            run.intend([intent], at=found.observed.now)
