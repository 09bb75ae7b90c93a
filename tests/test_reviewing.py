"""Answers are decided on as a file says, each once, whatever was decided before and whoever did it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from reviewed_life import ReviewedLife, ops

from turkform.errors import CampaignError, StalePlanError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from marketplace_server import Server


@pytest.fixture
def life(server: Server, tmp_path: Path) -> ReviewedLife:
    return ReviewedLife(server, tmp_path)


def test_a_file_is_carried_out_and_then_there_is_nothing_to_do(life: ReviewedLife) -> None:
    made = life.begin()
    rows = (
        f"{made['a 1']},approve,Thank you,0.50,Careful",
        f"{made['a 2']},reject,The answer is empty,,",
        f"{made['b 1']},,,0.25,Quick",
    )
    plan = life.plan(*rows)
    assert ops(plan) == {
        "approve": [made["a 1"]],
        "reject": [made["a 2"]],
        "bonus": [made["a 1"], made["b 1"]],
    }
    assert plan.document["price"]["total"] == "0.90"  # with fees of 20 %
    report = life.review(*rows)
    assert (report.exit_code, dict(report.done)) == (0, {"approve": 1, "reject": 1, "bonus": 2})
    assert (life.status(made["a 1"]), life.feedback(made["a 1"])) == ("Approved", "Thank you")
    assert (life.status(made["a 2"]), life.feedback(made["a 2"])) == ("Rejected", "The answer is empty")
    assert life.paid(made["a 1"]) == [("A1WORKER", "0.50", "Careful")]
    assert life.paid(made["b 1"]) == [("A1WORKER", "0.25", "Quick")]
    assert life.plan(*rows).empty


def test_results_with_approve_and_reject_filled_in_are_decisions(life: ReviewedLife) -> None:
    made = life.begin()
    head = "HITId,AssignmentId,WorkerId,Answer.answer,Approve,Reject"
    rows = (f"H,{made['a 1']},A1WORKER,x,x,", f"H,{made['a 2']},A2WORKER,y,,Wrong", f"H,{made['b 1']},A1WORKER,z,,")
    assert ops(life.plan(*rows, head=head)) == {"approve": [made["a 1"]], "reject": [made["a 2"]]}


def test_money_of_reviews_is_committed(life: ReviewedLife) -> None:
    made = life.begin()
    before = float(life.look().plan.document["price"]["committed_before"])
    life.review(f"{made['a 1']},approve,,0.50,Good", f"{made['a 2']},reject,Bad,,")
    after = float(life.look().plan.document["price"]["committed_before"])
    assert round(after - before, 2) == round(0.60 - 0.12, 2)
    life.review(overturn=(made["a 2"],))
    assert round(float(life.look().plan.document["price"]["committed_before"]) - before, 2) == 0.60


def test_a_budget_bounds_bonuses(life: ReviewedLife) -> None:
    life.campaign = {"budget": "1.20"}
    made = life.begin()
    assert any("budget is $1.20" in reason for reason in life.plan(f"{made['a 1']},,,0.50,Good").refusals)


def test_a_rejection_is_overturned_and_paid(life: ReviewedLife) -> None:
    made = life.begin()
    life.review(f"{made['a 1']},reject,Wrong,,")
    plan = life.plan(overturn=(made["a 1"],))
    assert ops(plan) == {"overturn": [made["a 1"]]}
    assert plan.document["price"]["total"] == "0.12"
    assert dict(life.review(overturn=(made["a 1"],)).done) == {"overturn": 1}
    assert life.status(made["a 1"]) == "Approved"
    assert life.plan(overturn=(made["a 1"],)).empty


def test_approving_in_a_file_overturns_a_rejection(life: ReviewedLife) -> None:
    made = life.begin()
    life.review(f"{made['a 1']},reject,Wrong,,")
    assert ops(life.plan(f"{made['a 1']},approve,,,")) == {"overturn": [made["a 1"]]}


def test_after_30_days_a_rejection_stands(life: ReviewedLife) -> None:
    life.hit_type = {"auto_approval_delay": "30d"}
    made = life.begin()
    life.review(f"{made['a 1']},reject,Wrong,,")
    life.server.control("clock", advance_seconds=31 * 86_400)
    assert any("over 30 days ago" in reason for reason in life.plan(overturn=(made["a 1"],)).refusals)


@pytest.mark.parametrize("row", ["{},reject,Wrong,,", "{},overturn,,,"])
def test_what_is_approved_is_final(life: ReviewedLife, row: str) -> None:
    made = life.begin()
    life.review(f"{made['a 1']},approve,,,")
    plan = life.plan(row.format(made["a 1"]))
    assert bool(plan.refusals) == ("reject" in row)
    assert plan.empty


def test_what_is_not_rejected_is_not_overturned(life: ReviewedLife) -> None:
    made = life.begin()
    assert any("nothing to overturn" in reason for reason in life.plan(overturn=(made["a 1"],)).refusals)


# --- nobody is paid twice ---------------------------------------------------------------------------


def test_a_bonus_that_somebody_else_paid_is_not_paid_again(life: ReviewedLife) -> None:
    made = life.begin()
    given = {"WorkerId": "A1WORKER", "AssignmentId": made["a 1"], "BonusAmount": "0.50", "Reason": "Good"}
    life.server.client().send_bonus(**given)
    assert life.plan(f"{made['a 1']},,,0.50,Good").empty


def test_a_bonus_that_is_paid_between_plan_and_apply_is_not_paid_again(life: ReviewedLife) -> None:
    made = life.begin()
    saved = life.saved_review(f"{made['a 1']},,,0.50,Good", f"{made['a 2']},,,0.50,Good")
    given = {"WorkerId": "A1WORKER", "AssignmentId": made["a 1"], "BonusAmount": "0.50", "Reason": "Good"}
    life.server.client().send_bonus(**given)
    assert life.moved_review(saved) == []
    assert dict(life.apply_review(saved).done) == {"bonus": 1}
    assert len(life.paid(made["a 1"])) == len(life.paid(made["a 2"])) == 1


def test_the_same_bonus_in_other_words_is_refused(life: ReviewedLife) -> None:
    made = life.begin()
    life.review(f"{made['a 1']},,,0.50,Good")
    said = life.plan(f"{made['a 1']},,,0.50,Very good").refusals
    assert any('was paid $0.50 for "Good"' in reason for reason in said)
    assert life.plan(f"{made['a 1']},,,0.60,Good").refusals
    both = (f"{made['a 1']},,,0.50,Good", f"{made['a 1']},,,0.50,Very good")
    assert ops(life.plan(*both)) == {"bonus": [made["a 1"]]}


def test_a_bonus_is_not_paid_again_when_its_token_is_forgotten(life: ReviewedLife) -> None:
    made = life.begin()
    life.review(f"{made['a 1']},,,0.50,Good")
    life.server.control("clock", advance_seconds=2 * 86_400)
    assert life.plan(f"{made['a 1']},,,0.50,Good").empty
    (life.folder / "journal.sqlite").rename(life.folder / "lost.sqlite")  # and nobody remembers but the account
    assert life.paid(made["a 1"]) == [("A1WORKER", "0.50", "Good")]


# --- a saved plan -----------------------------------------------------------------------------------


def test_a_saved_review_does_what_it_names_though_more_was_handed_in(life: ReviewedLife) -> None:
    made = life.begin(workers=1)
    saved = life.saved_review(f"{made['a 1']},approve,,,")
    life.work("one", worker="A9LATE")
    assert dict(life.apply_review(saved).done) == {"approve": 1}
    with pytest.raises(StalePlanError, match="applied already"):
        life.apply_review(saved)


def test_what_approved_itself_meanwhile_is_done(life: ReviewedLife) -> None:
    made = life.begin()
    saved = life.saved_review(f"{made['a 1']},approve,,,", f"{made['a 2']},reject,Wrong,,")
    client = life.server.client()
    for assignment in (made["a 1"], made["a 2"]):
        client.approve_assignment(AssignmentId=assignment)
    assert life.moved_review(saved) == []
    assert not life.apply_review(saved).done
    assert life.status(made["a 2"]) == "Approved"


def test_what_somebody_rejected_meanwhile_makes_an_approval_stale(life: ReviewedLife) -> None:
    made = life.begin()
    saved = life.saved_review(f"{made['a 1']},approve,,,")
    life.server.client().reject_assignment(AssignmentId=made["a 1"], RequesterFeedback="no")
    with pytest.raises(StalePlanError, match="not as it was"):
        life.apply_review(saved)


def test_another_decision_in_the_file_makes_a_plan_stale(life: ReviewedLife) -> None:
    made = life.begin()
    saved = life.saved_review(f"{made['a 1']},approve,,,")
    life.decisions(f"{made['a 1']},reject,Wrong,,")
    with pytest.raises(StalePlanError, match="the file decisions"):
        life.apply_review(saved)


# --- what is refused --------------------------------------------------------------------------------


def test_an_answer_nobody_gave_is_told_with_its_place(life: ReviewedLife) -> None:
    life.begin(workers=1)
    with pytest.raises(CampaignError) as error:
        life.plan("3NOBODY,approve,,,")
    [problem] = error.value.diagnostics
    assert problem.summary == "this campaign has no answer 3NOBODY"
    assert problem.location is not None
    assert problem.location.line == 2


def test_a_row_that_names_another_worker_is_refused(life: ReviewedLife) -> None:
    made = life.begin()
    head = "AssignmentId,WorkerId,decision"
    said = life.plan(f"{made['a 1']},A2WORKER,approve", head=head).refusals
    assert any("belongs to A1WORKER" in reason for reason in said)


def test_rejecting_too_much_of_a_batch_is_refused(life: ReviewedLife) -> None:
    life.rows = {f"k{n}": f"text {n}" for n in range(10)}
    made = life.begin(workers=1)
    three = [f"{key},reject,Wrong,," for key in list(made.values())[:3]]
    assert any("max_rejected: 20%" in reason for reason in life.plan(*three).refusals)
    assert not life.plan(*three[:2]).refusals


def test_rejecting_too_much_of_one_workers_work_is_refused(life: ReviewedLife) -> None:
    life.rows = {f"k{n}": f"text {n}" for n in range(10)}
    life.campaign = {"policies": {"max_rejected": "100%"}}
    made = life.begin(workers=1)
    six = [f"{key},reject,Wrong,," for key in list(made.values())[:6]]
    assert any("A1WORKER: 6 of 10" in reason for reason in life.plan(*six).refusals)
    assert not life.plan(*six[:5]).refusals


def test_a_bonus_on_a_deleted_hit_is_refused(life: ReviewedLife) -> None:
    made = life.begin(workers=3)
    life.review(*(f"{made[f'a {n}']},approve,,," for n in (1, 2, 3)))
    hit = life.server.client().get_assignment(AssignmentId=made["a 1"])["HIT"]["HITId"]
    life.server.client().delete_hit(HITId=hit)
    assert any("its HIT is gone" in reason for reason in life.plan(f"{made['a 1']},,,0.50,Good").refusals)


def test_nothing_said_is_told(life: ReviewedLife) -> None:
    life.begin(workers=1)
    with pytest.raises(UsageError):
        life.plan()


def test_decisions_on_batches_that_were_not_named_are_said(life: ReviewedLife) -> None:
    life.batches["more"] = {"limit": 0}
    made = life.begin(workers=1)
    row = f"{made['a 1']},approve,,,"
    with pytest.raises(CampaignError) as error:  # it was never fetched
        life.plan(row, batches=("more",))
    assert error.value.diagnostics[0].summary == f"more has no answer {made['a 1']}"
    life.plan(row)
    plan = life.plan(row, batches=("more",))
    assert plan.empty
    assert "1 decision left out: on answers of other batches than were named" in plan.document["notes"]
    with pytest.raises(UsageError, match="is of another batch"):
        life.plan(overturn=(made["a 1"],), batches=("more",))
