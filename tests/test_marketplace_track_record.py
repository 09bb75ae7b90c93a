"""What workers did counts for the system's own qualifications, where people are paid."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest
from marketplace_server import STORES
from marketplace_world import TERMS, page
from real_marketplace import RealMarketplace, real_marketplace
from sqlalchemy import insert
from surfing import Surfer

from turkform.marketplace.keeper import KeeperError
from turkform.marketplace.store import Store, new_id
from turkform.marketplace.tables import assignments

if TYPE_CHECKING:
    from collections.abc import Iterator

APPROVED, APPROVED_PERCENT = "00000000000000000040", "000000000000000000L0"
SUBMITTED, ABANDONED, RETURNED, REJECTED = (f"000000000000000000{end}" for end in ("00", "70", "E0", "S0"))
MASTERS, LOCALE, ADULT = "2F1QJWKUDD8XADTFD2Q0G6UTO95ALH", "00000000000000000071", "00000000000000000060"
_NUMBERS = itertools.count()


@pytest.fixture(scope="module", params=STORES)
def market(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealMarketplace]:
    with real_marketplace(tmp_path_factory.mktemp("record"), request.param) as found:
        yield found


@pytest.fixture(scope="module")
def client(market: RealMarketplace) -> Any:
    return market.server.client(market.server.keys("lab", "1000.00"))


def newcomer(market: RealMarketplace) -> tuple[str, Surfer]:
    """A worker who has done nothing yet, signed in."""
    worker = f"A1RECORD{next(_NUMBERS)}"
    surfer = Surfer(market.url)
    assert surfer.post(market.invitation(worker)).status == 303
    return worker, surfer


def did(market: RealMarketplace, worker: str, **pieces: int) -> None:
    """Put so many pieces of work, by status, into the books: done over HTTP they would take minutes."""
    row = {"hit": "3HIT", "requester": "A1LONGAGO", "worker": worker, "accepted": 1.0, "deadline": 2e9, "due": 2e9}
    rows = [row | {"id": new_id(), "status": status} for status, count in pieces.items() for _ in range(count)]
    store = Store(market.server.store)
    with store.transaction() as connection:
        connection.execute(insert(assignments), rows)
    store.close()


def asking(client: Any, type_id: str, comparator: str, **values: Any) -> dict[str, Any]:
    """A HIT that asks for this."""
    wanted = {"QualificationTypeId": type_id, "Comparator": comparator, **values}
    given = TERMS | {"LifetimeInSeconds": 3600, "Question": page(), "QualificationRequirements": [wanted]}
    hit: dict[str, Any] = client.create_hit(**given, MaxAssignments=9)["HIT"]
    return hit


def takes(surfer: Surfer, hit: dict[str, Any]) -> bool:
    """Whether the worker gets the HIT; what the page said of it before must be the same."""
    said = "You qualify" in surfer.get(f"/hits/{hit['HITId']}").text
    got = surfer.post(f"/hits/{hit['HITId']}/accept").status == 303
    assert said == got
    return got


@pytest.mark.parametrize(
    ("pieces", "type_id", "value"),
    [
        ({}, APPROVED, 0),
        ({"Approved": 7, "Submitted": 2, "Rejected": 1}, APPROVED, 7),
        ({}, APPROVED_PERCENT, 100),
        ({"Rejected": 99}, APPROVED_PERCENT, 100),
        ({"Submitted": 100}, APPROVED_PERCENT, 100),
        ({"Approved": 90, "Rejected": 10}, APPROVED_PERCENT, 90),
        ({"Approved": 9, "Rejected": 1, "Submitted": 90, "Returned": 500}, APPROVED_PERCENT, 90),
        ({"Approved": 189, "Rejected": 11}, APPROVED_PERCENT, 95),
        ({"Approved": 188, "Rejected": 12}, APPROVED_PERCENT, 94),
        ({"Rejected": 100}, APPROVED_PERCENT, 0),
        ({"Approved": 90, "Rejected": 10}, REJECTED, 10),
        ({"Rejected": 99}, REJECTED, 0),
        ({"Approved": 50, "Submitted": 30, "Returned": 15, "Abandoned": 5, "Accepted": 40}, SUBMITTED, 80),
        ({"Approved": 50, "Submitted": 30, "Returned": 15, "Abandoned": 5, "Accepted": 40}, RETURNED, 15),
        ({"Approved": 50, "Submitted": 30, "Returned": 15, "Abandoned": 5, "Accepted": 40}, ABANDONED, 5),
    ],
)
def test_work_is_counted_whoever_it_was_for(
    market: RealMarketplace, client: Any, pieces: dict[str, int], type_id: str, value: int
) -> None:
    worker, surfer = newcomer(market)
    if pieces:
        did(market, worker, **pieces)
    assert not takes(surfer, asking(client, type_id, "NotEqualTo", IntegerValues=[value]))
    assert takes(surfer, asking(client, type_id, "EqualTo", IntegerValues=[value]))


def test_a_worker_reads_what_is_asked_for_and_what_there_is_of_it(market: RealMarketplace, client: Any) -> None:
    worker, surfer = newcomer(market)
    did(market, worker, Approved=90, Rejected=10)
    hit = asking(client, APPROVED_PERCENT, "GreaterThanOrEqualTo", IntegerValues=[95])
    expected = "You do not qualify yet Not met: Approval rate in percent: at least 95 (you have 90)"
    assert expected in surfer.get(f"/hits/{hit['HITId']}").text


def test_a_review_by_the_requester_counts_at_once(market: RealMarketplace, client: Any) -> None:
    _, surfer = newcomer(market)
    wanted = asking(client, APPROVED, "GreaterThanOrEqualTo", IntegerValues=[1])
    assert not takes(surfer, wanted)
    hit = client.create_hit(**TERMS, LifetimeInSeconds=3600, Question=page(), MaxAssignments=1)["HIT"]
    assignment = surfer.post(f"/hits/{hit['HITId']}/accept").place.removeprefix("/assignments/")
    handed_in(market, hit["HITGroupId"], assignment)
    client.approve_assignment(AssignmentId=assignment)
    assert takes(surfer, wanted)


def handed_in(market: RealMarketplace, group: str, assignment: str) -> None:
    port = market.url.rpartition(":")[2]
    surfer = Surfer(market.url, host=f"{group.lower()}.tasks.localhost:{port}")
    assert surfer.post("/mturk/externalSubmit", assignmentId=assignment, animal="cat").status == 200


@pytest.mark.parametrize(
    ("said", "type_id", "requirement"),
    [
        ({"masters": True}, MASTERS, {"comparator": "Exists"}),
        ({"adult": True}, ADULT, {"comparator": "EqualTo", "IntegerValues": [1]}),
        ({"locale": "US-CA"}, LOCALE, {"comparator": "In", "LocaleValues": [{"Country": "GB"}, {"Country": "US"}]}),
        ({"locale": "US-CA"}, LOCALE, {"comparator": "NotEqualTo", "LocaleValues": [{"Country": "GB"}]}),
    ],
)
def test_what_cannot_be_counted_is_had_by_those_of_whom_it_was_said(
    market: RealMarketplace, client: Any, said: dict[str, Any], type_id: str, requirement: dict[str, Any]
) -> None:
    hit = asking(client, type_id, **requirement)
    worker, surfer = newcomer(market)
    assert not takes(surfer, hit)
    market.keep("add", worker=worker, **said)
    assert takes(surfer, hit)


@pytest.mark.parametrize("said", [{"approved": 1200}, {"percent": 99}])
def test_what_is_counted_cannot_be_said(market: RealMarketplace, said: dict[str, int]) -> None:
    with pytest.raises(KeeperError, match=f"{next(iter(said))} cannot be said of a worker here"):
        market.keep("add", worker="A1BOAST", **said)
