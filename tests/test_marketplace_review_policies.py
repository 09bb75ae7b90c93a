"""Review policies as they act on submissions and HITs, and as their report tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from marketplace_server import STORES, Server, running, store_url
from marketplace_world import KNOWN_ANSWERS, PLURALITY, World

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module", params=STORES)
def where(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    folder = tmp_path_factory.mktemp("policies")
    url = store_url(request.param, folder)
    with running(folder, store=url) as server:
        yield server, url


@pytest.fixture
def w(where: tuple[Server, str]) -> World:
    return World(*where)


def report(w: World, hit: str, level: str, **asked: Any) -> dict[str, list[Any]]:
    answer = w.client.list_review_policy_results_for_hit(HITId=hit, MaxResults=100, **asked)
    found: dict[str, list[Any]] = answer[f"{level}ReviewReport"]
    return found


def actions(w: World, hit: str, level: str) -> list[tuple[str, str]]:
    return [(row["ActionName"], row["Status"]) for row in report(w, hit, level)["ReviewActions"]]


def status(w: World, assignment: str) -> str:
    return str(w.client.get_assignment(AssignmentId=assignment)["Assignment"]["AssignmentStatus"])


@pytest.mark.parametrize(
    ("answer", "becomes", "does", "score"),
    [
        ("cat", "Approved", [("approve assignment", "Succeeded")], "100"),
        ("dog", "Rejected", [("reject assignment", "Succeeded"), ("extend HIT", "Succeeded")], "0"),
    ],
)
def test_known_answers_approve_reject_and_extend(
    w: World, answer: str, becomes: str, does: list[tuple[str, str]], score: str
) -> None:
    hit = w.hit(MaxAssignments=2, AssignmentReviewPolicy=KNOWN_ANSWERS)
    assignment = w.submitted(hit, answers={"animal": answer})
    assert status(w, assignment) == becomes
    assert actions(w, hit, "Assignment") == does
    scores = [row for row in report(w, hit, "Assignment")["ReviewResults"] if row["Key"] == "KnownAnswerScore"]
    assert [(row["SubjectId"], row["SubjectType"], row["Value"]) for row in scores] == [
        (assignment, "Assignment", score)
    ]
    assert w.client.get_hit(HITId=hit)["HIT"]["MaxAssignments"] == 1 + len(does)


def test_an_extension_stops_at_its_maximum(w: World) -> None:
    hit = w.hit(MaxAssignments=3, AssignmentReviewPolicy=KNOWN_ANSWERS)
    w.submitted(hit, answers={"animal": "dog"})
    assert actions(w, hit, "Assignment")[-1] == ("extend HIT", "Cancelled")


def test_an_extension_without_money_fails_and_undoes_nothing_else(w: World) -> None:
    keep = {**KNOWN_ANSWERS, "Parameters": [p for p in KNOWN_ANSWERS["Parameters"] if "Reject" not in p["Key"]]}
    poor = w.hit(MaxAssignments=1, Reward="0.20", AssignmentReviewPolicy=keep)
    w.drain()
    assignment = w.submitted(poor, answers={"animal": "dog"})
    assert status(w, assignment) == "Submitted"
    failed = report(w, poor, "Assignment")["ReviewActions"][-1]
    assert (failed["ActionName"], failed["Status"]) == ("extend HIT", "Failed")
    assert failed["ErrorCode"] == "AWS.MechanicalTurk.InsufficientFunds"
    assert w.client.get_hit(HITId=poor)["HIT"]["MaxAssignments"] == 1


def test_plurality_finds_the_agreed_answer_and_approves_who_gave_it(w: World) -> None:
    hit = w.hit(MaxAssignments=3, HITReviewPolicy=PLURALITY)
    done = [w.submitted(hit, f"A{n}X", {"animal": a}) for n, a in enumerate(("cat", "dog", "cat"))]
    assert [status(w, assignment) for assignment in done] == ["Approved", "Submitted", "Approved"]
    results = {row["Key"]: row["Value"] for row in report(w, hit, "HIT")["ReviewResults"]}
    assert (results["AgreedAnswer"], results["AnswerAgreementScore"]) == ("cat", "66")
    assert results["HitAgreementScore"] == "100"


def test_plurality_without_agreement_buys_one_assignment_more(w: World) -> None:
    hit = w.hit(MaxAssignments=2, LifetimeInSeconds=600, HITReviewPolicy=PLURALITY)
    for worker, animal in (("A1ONE", "cat"), ("A1TWO", "dog")):
        w.submitted(hit, worker, {"animal": animal})
    assert w.status(hit) == ("Assignable", 1, 0, 0)
    seen = w.client.get_hit(HITId=hit)["HIT"]
    assert (seen["Expiration"] - seen["CreationTime"]).total_seconds() >= 3600
    w.submitted(hit, "A1THREE", {"animal": "cat"})
    assert w.status(hit)[0] == "Reviewable"
    assert actions(w, hit, "HIT").count(("approve assignment", "Succeeded")) == 2


def test_a_report_holds_what_was_asked_for_in_pages(w: World) -> None:
    hit = w.hit(AssignmentReviewPolicy=KNOWN_ANSWERS, HITReviewPolicy=PLURALITY)
    w.submitted(hit)
    only = report(w, hit, "Assignment", PolicyLevels=["Assignment"], RetrieveResults=False)
    assert (only["ReviewResults"], len(only["ReviewActions"])) == ([], 1)
    first = w.client.list_review_policy_results_for_hit(HITId=hit, MaxResults=2)
    second = w.client.list_review_policy_results_for_hit(HITId=hit, MaxResults=2, NextToken=first["NextToken"])
    assert len(first["AssignmentReviewReport"]["ReviewResults"]) == 2
    assert len(second["AssignmentReviewReport"]["ReviewActions"]) == 1
