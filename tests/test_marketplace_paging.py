"""Lists come in pages, each with a token to the next, until an empty one ends them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError
from conformance import PARAMETER, call, code_of, first
from marketplace_server import STORES, running, store_url
from marketplace_world import World, requirement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="module", params=STORES)
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], World]]:
    folder = tmp_path_factory.mktemp("conformance")
    url = store_url(request.param, folder)
    with running(folder, store=url) as server:
        yield lambda: World(server, url)


@pytest.fixture
def w(world: Callable[[], World]) -> World:
    return world()


def three_grants(w: World) -> dict[str, Any]:
    type_id = w.granted()
    for worker in ("A1TWO", "A1THREE"):
        w.client.associate_qualification_with_worker(QualificationTypeId=type_id, WorkerId=worker)
    return {"QualificationTypeId": type_id}


def three_requests(w: World) -> dict[str, Any]:
    type_id = w.qualification_type()
    for worker in ("A1ONE", "A1TWO", "A1THREE"):
        w.request(type_id, worker)
    return {"QualificationTypeId": type_id}


def three_submissions(w: World) -> dict[str, Any]:
    hit = w.hit(MaxAssignments=3)
    for worker in ("A1ONE", "A1TWO", "A1THREE"):
        w.submitted(hit, worker)
    return {"HITId": hit}


def three_bonuses(w: World) -> dict[str, Any]:
    assignment = w.approved()
    for _ in range(3):
        w.client.send_bonus(WorkerId="A1ONE", BonusAmount="0.01", AssignmentId=assignment, Reason="r")
    return {"AssignmentId": assignment}


def three_requiring(w: World) -> dict[str, Any]:
    type_id = w.qualification_type()
    for title in ("One", "Two", "One"):
        w.hit(Title=title, QualificationRequirements=[requirement(type_id)])
    return {"QualificationTypeId": type_id}


def three_blocks(w: World) -> dict[str, Any]:
    for worker in ("A1ONE", "A1TWO", "A1THREE"):
        w.client.create_worker_block(WorkerId=worker, Reason="r")
    return {}


LISTS: dict[str, Callable[[World], dict[str, Any]]] = {
    "ListAssignmentsForHIT": three_submissions,
    "ListBonusPayments": three_bonuses,
    "ListHITs": first(lambda w: (w.hit(), w.hit(), w.hit())),
    "ListHITsForQualificationType": three_requiring,
    "ListQualificationRequests": three_requests,
    "ListQualificationTypes": first(lambda w: (w.qualification_type(), w.qualification_type(), w.qualification_type()),
                                    MustBeRequestable=True, MustBeOwnedByCaller=True),
    "ListReviewableHITs": first(lambda w: (w.expired(), w.expired(), w.expired())),
    "ListWorkerBlocks": three_blocks,
    "ListWorkersWithQualificationType": three_grants,
}  # fmt: skip


@pytest.mark.parametrize("operation", LISTS)
def test_pages_carry_a_token_until_an_empty_one_ends_them(w: World, operation: str) -> None:
    parameters = LISTS[operation](w)
    sizes, seen, token = [], [], {}
    while True:
        answer = call(w, operation, {**parameters, "MaxResults": 2, **token})
        items = next(value for value in answer.values() if isinstance(value, list))
        assert answer["NumResults"] == len(items)
        sizes.append(len(items))
        seen += [str(item) for item in items]
        if "NextToken" not in answer:
            break
        token = {"NextToken": answer["NextToken"]}
    assert sizes == [2, 1, 0]
    assert operation == "ListBonusPayments" or len(set(seen)) == 3


@pytest.mark.parametrize("operation", LISTS)
def test_botocores_paginator_finds_everything(w: World, operation: str) -> None:
    parameters = LISTS[operation](w)
    pages = w.client.get_paginator(xform_name(operation)).paginate(**parameters, PaginationConfig={"PageSize": 2})
    assert sum(answer["NumResults"] for answer in pages) == 3


def test_a_page_has_ten_items_unless_more_are_asked_for(w: World) -> None:
    for _ in range(11):
        w.hit(MaxAssignments=1)
    assert w.client.list_hits()["NumResults"] == 10
    assert w.client.list_hits(MaxResults=100)["NumResults"] == 11


def test_a_token_of_one_list_does_not_open_another(w: World) -> None:
    w.hit()
    token = w.client.list_hits()["NextToken"]
    with pytest.raises(ClientError) as caught:
        w.client.list_reviewable_hits(NextToken=token)
    assert code_of(w, caught.value) == PARAMETER
