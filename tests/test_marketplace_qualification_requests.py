"""Qualification requests as a worker makes them, and what becomes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from marketplace_server import STORES, Server, running, store_url
from marketplace_world import KEY, TEST, World, requirement

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module", params=STORES)
def where(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    folder = tmp_path_factory.mktemp("requests")
    url = store_url(request.param, folder)
    with running(folder, store=url) as server:
        yield server, url


@pytest.fixture
def w(where: tuple[Server, str]) -> World:
    return World(*where)


def score(w: World, type_id: str, worker: str = "A1ONE") -> int:
    found = w.client.get_qualification_score(QualificationTypeId=type_id, WorkerId=worker)["Qualification"]
    return int(found["IntegerValue"])


def refused(w: World, type_id: str, **given: Any) -> None:
    with pytest.raises(OSError, match="409"):
        w.request(type_id, **given)


@pytest.mark.parametrize(("choice", "value"), [("cat", 75), ("dog", 0)])
def test_an_answer_key_grants_at_once_with_the_score(w: World, choice: str, value: int) -> None:
    type_id = w.qualification_type(Test=TEST, AnswerKey=KEY, TestDurationInSeconds=60)
    w.request(type_id, answers={"animal": choice})
    assert score(w, type_id) == value
    assert w.client.list_qualification_requests()["NumResults"] == 0


def test_a_test_without_key_waits_for_the_requester_with_its_answers(w: World) -> None:
    type_id = w.qualification_type(Test=TEST, TestDurationInSeconds=60)
    request = w.request(type_id, answers={"animal": "dog"})
    found = w.client.list_qualification_requests(QualificationTypeId=type_id)["QualificationRequests"][0]
    assert (found["QualificationRequestId"], found["Test"]) == (request, TEST)
    assert "<SelectionIdentifier>dog</SelectionIdentifier>" in found["Answer"]
    w.client.accept_qualification_request(QualificationRequestId=request, IntegerValue=42)
    assert score(w, type_id) == 42


@pytest.mark.parametrize("answers", [{}, {"plant": "oak"}, {"animal": "cow"}, {"animal": ["cat", "x"]}])
def test_answers_that_are_none_of_the_tests_are_refused(w: World, answers: dict[str, Any]) -> None:
    refused(w, w.qualification_type(Test=TEST, TestDurationInSeconds=60), answers=answers)


def test_a_type_that_grants_itself_does(w: World) -> None:
    type_id = w.qualification_type(AutoGranted=True, AutoGrantedValue=5)
    w.request(type_id)
    assert score(w, type_id) == 5


def test_a_worker_asks_once_where_there_is_no_retry_delay(w: World) -> None:
    type_id = w.qualification_type()
    w.client.reject_qualification_request(QualificationRequestId=w.request(type_id), Reason="no")
    w.later(days=400)
    refused(w, type_id)


def test_a_worker_asks_again_after_the_retry_delay(w: World) -> None:
    type_id = w.qualification_type(RetryDelayInSeconds=3600)
    w.client.reject_qualification_request(QualificationRequestId=w.request(type_id))
    refused(w, type_id)
    w.later(seconds=3600)
    w.request(type_id)


def test_associating_leaves_a_request_open_and_accepting_it_overwrites(w: World) -> None:
    type_id = w.qualification_type()
    request = w.request(type_id)
    w.client.associate_qualification_with_worker(QualificationTypeId=type_id, WorkerId="A1ONE", IntegerValue=9)
    assert w.client.list_qualification_requests()["NumResults"] == 1
    w.client.accept_qualification_request(QualificationRequestId=request)
    assert score(w, type_id) == 1


def test_deleting_a_type_rejects_its_requests_and_drops_the_hit_types_that_need_it(w: World) -> None:
    type_id = w.qualification_type()
    kind = w.hit_type(QualificationRequirements=[requirement(type_id)])
    request = w.request(type_id)
    w.client.delete_qualification_type(QualificationTypeId=type_id)
    assert w.client.list_qualification_requests()["NumResults"] == 0
    with pytest.raises(w.client.exceptions.RequestError, match="state 'Rejected'"):
        w.client.accept_qualification_request(QualificationRequestId=request)
    with pytest.raises(w.client.exceptions.RequestError, match=f"HITType {kind} does not exist"):
        w.client.update_notification_settings(HITTypeId=kind, Active=True)


def test_a_name_is_free_again_two_days_after_its_type_and_hits_are_gone(w: World) -> None:
    type_id = w.qualification_type(Name="Mine")
    hit = w.hit(QualificationRequirements=[requirement(type_id)])
    w.client.delete_qualification_type(QualificationTypeId=type_id)
    w.later(hours=49)
    with pytest.raises(w.client.exceptions.RequestError, match="already created"):
        w.qualification_type(Name="Mine")
    w.client.delete_hit(HITId=hit)
    assert w.qualification_type(Name="Mine") != type_id


@pytest.mark.parametrize("type_id", ["3NONE", "00000000000000000040"])
def test_nobody_can_ask_for_what_is_not_to_be_had(w: World, type_id: str) -> None:
    refused(w, type_id)


def test_an_inactive_type_cannot_be_asked_for_and_its_grants_still_count(w: World) -> None:
    type_id = w.granted()
    w.client.update_qualification_type(QualificationTypeId=type_id, QualificationTypeStatus="Inactive")
    refused(w, type_id, worker="A1TWO")
    hit = w.hit(QualificationRequirements=[requirement(type_id, "EqualTo", 7)])
    assert w.accepted(hit)
    with pytest.raises(OSError, match="409"):
        w.accepted(hit, "A1TWO")
