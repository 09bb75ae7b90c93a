"""A HIT's life: states and counters as work comes and goes, and what time does when nobody asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from marketplace_server import STORES, Server, running, store_url
from marketplace_world import World

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module", params=STORES)
def where(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    folder = tmp_path_factory.mktemp("lifecycle")
    url = store_url(request.param, folder)
    with running(folder, store=url) as server:
        yield server, url


@pytest.fixture
def w(where: tuple[Server, str]) -> World:
    return World(*where)


def test_the_counters_follow_the_requester_guides_table(w: World) -> None:
    hit = w.hit(MaxAssignments=5)
    seen = [w.status(hit)]
    for worker in ("A1ONE", "A1TWO", "A1THREE"):
        w.accepted(hit, worker)
    seen.append(w.status(hit))
    for worker in ("A1FOUR", "A1FIVE"):
        w.submitted(hit, worker)
    seen.append(w.status(hit))
    w.server.control("worker/return", hit=hit, worker="A1ONE")
    seen.append(w.status(hit))
    for worker in ("A1TWO", "A1THREE", "A1SIX"):
        w.submitted(hit, worker)
    seen.append(w.status(hit))
    assert seen == [
        ("Assignable", 5, 0, 0),
        ("Assignable", 2, 3, 0),
        ("Unassignable", 0, 3, 0),
        ("Assignable", 1, 2, 0),
        ("Reviewable", 0, 0, 0),
    ]


def test_an_expired_hit_waits_for_the_work_in_progress(w: World) -> None:
    hit = w.begun(w.expiring())
    w.later(seconds=61)
    assert w.status(hit) == ("Unassignable", 1, 1, 0)
    w.submitted(hit, "A1TWO")
    assert w.status(hit) == ("Reviewable", 1, 0, 0)


def test_what_time_does_happens_at_its_own_moment_and_in_order(w: World) -> None:
    """Submitted, abandoned, expired, approved and disposed of, all while nobody asked anything."""
    hit = w.hit(MaxAssignments=3)
    w.submitted(hit, "A1ONE")
    w.begun(hit)
    w.later(days=119)
    assert w.status(hit) == ("Reviewable", 2, 0, 1)
    assert w.client.get_account_balance()["AvailableBalance"] == "9999.88"
    approved = w.client.list_assignments_for_hit(HITId=hit)["Assignments"][0]
    assert approved["ApprovalTime"] == approved["AutoApprovalTime"]
    w.later(days=2)
    assert w.status(hit)[0] == "Disposed"
    assert w.client.list_hits()["NumResults"] == 0


def test_reopening_starts_the_120_days_afresh(w: World) -> None:
    hit = w.expired()
    w.later(days=100)
    w.client.update_expiration_for_hit(HITId=hit, ExpireAt=w.now() + 60)
    w.later(days=100)
    assert w.status(hit)[0] == "Reviewable"


def test_rejecting_does_not_bring_the_place_back_and_extending_does(w: World) -> None:
    hit = w.hit(MaxAssignments=1)
    w.rejected(hit)
    assert w.status(hit) == ("Reviewable", 0, 0, 1)
    w.client.create_additional_assignments_for_hit(HITId=hit, NumberOfAdditionalAssignments=1)
    assert w.status(hit) == ("Assignable", 1, 0, 1)


def test_a_reviewing_hit_is_reopened_by_an_extension(w: World) -> None:
    hit = w.hit(MaxAssignments=1)
    w.submitted(hit)
    w.client.update_hit_review_status(HITId=hit)
    assert w.status(hit)[0] == "Reviewing"
    w.client.create_additional_assignments_for_hit(HITId=hit, NumberOfAdditionalAssignments=1)
    assert w.status(hit)[0] == "Assignable"


def test_adding_to_an_expired_hit_shows_places_nobody_can_reach(w: World) -> None:
    hit = w.expired()
    w.client.create_additional_assignments_for_hit(HITId=hit, NumberOfAdditionalAssignments=1)
    assert w.status(hit) == ("Reviewable", 3, 0, 0)
    assert w.client.get_account_balance()["OnHoldBalance"] == "0.00"
    w.client.update_expiration_for_hit(HITId=hit, ExpireAt=w.now() + 600)
    assert w.status(hit) == ("Assignable", 3, 0, 0)
    assert w.client.get_account_balance()["OnHoldBalance"] == "0.36"


def test_ten_places_cost_the_surcharge_and_masters_five_percent_more(w: World) -> None:
    w.hit(Reward="1.00", MaxAssignments=10)
    assert w.client.get_account_balance()["OnHoldBalance"] == "14.00"
    masters = {"QualificationTypeId": "2F1QJWKUDD8XADTFD2Q0G6UTO95ALH", "Comparator": "Exists"}
    w.hit(Reward="1.00", MaxAssignments=1, QualificationRequirements=[masters])
    assert w.client.get_account_balance()["OnHoldBalance"] == "15.25"


def test_nothing_waits_for_approval_where_the_delay_is_nothing(w: World) -> None:
    assignment = w.submitted(w.hit(AutoApprovalDelayInSeconds=0))
    assert w.client.get_assignment(AssignmentId=assignment)["Assignment"]["AssignmentStatus"] == "Approved"


def test_a_worker_has_one_assignment_of_a_hit_and_a_new_one_after_returning(w: World) -> None:
    hit = w.hit(MaxAssignments=3)
    first = w.accepted(hit)
    w.server.control("worker/return", hit=hit, worker="A1ONE")
    assert w.submitted(hit) != first
    with pytest.raises(OSError, match="409"):
        w.accepted(hit)
