"""Accepting, returning and seeing what became of it."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest
from marketplace_server import STORES, Server, running
from surfing import as_worker
from tasks_for_people import PAGE, html_question, publish

if TYPE_CHECKING:
    from collections.abc import Iterator

QUESTION = html_question(PAGE)
_NUMBERS = itertools.count()


@pytest.fixture(scope="module", params=STORES)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("work"), store=request.param) as found:
        yield found


@pytest.fixture
def client(server: Server) -> Any:
    """A requester of its own for every test."""
    return server.client(f"KEY{next(_NUMBERS)}")


def test_the_next_of_a_group_is_accepted_until_none_is_left_for_this_worker(server: Server, client: Any) -> None:
    first, second = publish(client, QUESTION), publish(client, QUESTION)
    group = first["HITGroupId"]
    surfer = as_worker(server, "A1WORKS")
    assert "2 tasks left" in surfer.get(f"/projects/{group}/tasks").text
    for hit in (first, second):
        place = surfer.post(f"/projects/{group}/accept").place
        assert f"hitId={hit['HITId']}" in surfer.get(place).source
    assert "You have done them all" in surfer.get(f"/projects/{group}/tasks").text
    assert surfer.post(f"/projects/{group}/accept").status == 409


def test_who_does_not_qualify_cannot_accept_and_is_told_why(server: Server, client: Any) -> None:
    made = client.create_qualification_type(Name="Q", Description="D", QualificationTypeStatus="Active")
    type_id = made["QualificationType"]["QualificationTypeId"]
    wants = {"QualificationTypeId": type_id, "Comparator": "Exists", "ActionsGuarded": "PreviewAndAccept"}
    hit = publish(client, QUESTION, QualificationRequirements=[wants])
    surfer = as_worker(server, "A1OUT")
    seen = surfer.get(f"/hits/{hit['HITId']}")
    assert "Only workers who meet the requirements may look" in seen.text
    assert "<iframe" not in seen.source
    assert surfer.post(f"/hits/{hit['HITId']}/accept").status == 409


def test_a_refusal_is_in_words_and_not_in_ids(server: Server, client: Any) -> None:
    full, had, asks = publish(client, QUESTION, MaxAssignments=1), publish(client, QUESTION), "3QNOTHERE"
    server.control("worker/accept", hit=full["HITId"], worker="A1FIRST")
    surfer = as_worker(server, "A1LATER")
    assert surfer.post(f"/hits/{had['HITId']}/accept").status == 303
    client.create_worker_block(WorkerId="A1BLOCKED", Reason="R")
    said = {
        "There is no place left in it.": surfer.post(f"/hits/{full['HITId']}/accept"),
        "You have it already, or have handed it in before.": surfer.post(f"/hits/{had['HITId']}/accept"),
        "It is not there any more.": surfer.post("/hits/3NONE/accept"),
        "Its requester has blocked you.": as_worker(server, "A1BLOCKED").post(f"/hits/{had['HITId']}/accept"),
        "There is no such qualification.": surfer.post(f"/qualifications/{asks}/request"),
    }
    assert {(page.status, sentence in page.text) for sentence, page in said.items()} == {(409, True)}
    assert not any(name in page.text for page in said.values() for name in (full["HITId"], had["HITId"], asks))


def test_a_returned_task_is_free_again_and_says_so(server: Server, client: Any) -> None:
    hit = publish(client, QUESTION, MaxAssignments=1)["HITId"]
    surfer = as_worker(server, "A1WORKS")
    place = surfer.post(f"/hits/{hit}/accept").place
    assert "You returned this task" in surfer.follow(surfer.post(f"{place}/return")).text
    assert client.get_hit(HITId=hit)["HIT"]["NumberOfAssignmentsAvailable"] == 1
    assert as_worker(server, "A1OTHER").post(f"/hits/{hit}/accept").status == 303


def test_nobody_sees_returns_or_does_another_workers_task(server: Server, client: Any) -> None:
    hit = publish(client, QUESTION)["HITId"]
    place = as_worker(server, "A1WORKS").post(f"/hits/{hit}/accept").place
    other = as_worker(server, "A1OTHER")
    assert other.get(place).status == 404
    other.post(f"{place}/return")
    assert client.get_hit(HITId=hit)["HIT"]["NumberOfAssignmentsPending"] == 1


def test_review_feedback_and_bonus_reach_the_worker(server: Server, client: Any) -> None:
    hit = publish(client, QUESTION)["HITId"]
    done = server.control("worker/submit", hit=hit, worker="A1DONE", answers={"animal": "<b>cat</b>"})["assignment_id"]
    surfer = as_worker(server, "A1DONE")
    seen = surfer.get(f"/assignments/{done}")
    assert "Handed in. Thank you!" in seen.text
    assert "animal <b>cat</b>" in seen.text
    assert "<b>cat" not in seen.source
    client.approve_assignment(AssignmentId=done, RequesterFeedback="Fine <i>work</i>")
    client.send_bonus(WorkerId="A1DONE", AssignmentId=done, BonusAmount="0.25", Reason="Quick", UniqueRequestToken="b")
    seen = surfer.get(f"/assignments/{done}")
    assert "You earned $0.10" in seen.text
    assert "A bonus of $0.25 : Quick" in seen.text
    assert "Fine <i>work</i>" in seen.text
    assert "<i>work" not in seen.source
    seen = surfer.get("/work")
    assert "Earned $0.35 1 approved, $0.25 of it bonuses" in seen.text


def test_a_rejection_is_shown_with_its_reason_and_not_counted_as_earned(server: Server, client: Any) -> None:
    hit = publish(client, QUESTION)["HITId"]
    done = server.control("worker/submit", hit=hit, worker="A1SAD", answers={"animal": "?"})["assignment_id"]
    assert "Waiting for review $0.10 1 handed in" in as_worker(server, "A1SAD").get("/work").text
    client.reject_assignment(AssignmentId=done, RequesterFeedback="Not an animal.")
    surfer = as_worker(server, "A1SAD")
    assert "Not approved" in surfer.get(f"/assignments/{done}").text
    seen = surfer.get("/work").text
    assert "Not an animal." in seen
    assert "Earned $0.00" in seen
    assert "Inbox 2 unread" in seen or "Inbox 1 unread" in seen
    assert "Not an animal." in surfer.get("/inbox").text
    assert "unread" not in surfer.get("/inbox").text


def test_a_task_whose_time_is_over_is_not_in_hand_any_more(server: Server, client: Any) -> None:
    hit = publish(client, QUESTION, AssignmentDurationInSeconds=60)["HITId"]
    surfer = as_worker(server, "A1SLOW")
    place = surfer.post(f"/hits/{hit}/accept").place
    assert "In hand A task" in surfer.get("/work").text
    server.control("clock", advance_seconds=61)
    assert "In hand" not in surfer.get("/work").text
    assert "Time ran out" in surfer.get(place).text


@pytest.mark.parametrize("path", ["/hits/3NONE", "/projects/3NONE/tasks", "/assignments/3NONE", "/nothing"])
def test_what_is_not_there_is_a_404(server: Server, path: str) -> None:
    assert as_worker(server, "A1LOOKS").get(path).status == 404
