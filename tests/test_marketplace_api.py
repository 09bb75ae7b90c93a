"""The marketplace as an unmodified boto3 client sees it."""

from __future__ import annotations

import http.client
import itertools
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from marketplace_server import STORES, Server, running

from turkform.marketplace.operations import HANDLERS
from turkform.marketplace.protocol import operations

if TYPE_CHECKING:
    from collections.abc import Iterator

QUESTION = (
    '<HTMLQuestion xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2011-11-11/'
    'HTMLQuestion.xsd"><HTMLContent><![CDATA[<!DOCTYPE html><html><body><form><input name="assignmentId"></form>'
    "</body></html>]]></HTMLContent><FrameHeight>0</FrameHeight></HTMLQuestion>"
)
TERMS: dict[str, Any] = {
    "Title": "T", "Description": "D", "Reward": "0.10", "AssignmentDurationInSeconds": 600,
    "AutoApprovalDelayInSeconds": 86_400,
}  # fmt: skip
NOBODY = "3" + "Z" * 29
_KEYS = (f"KEY{n}" for n in itertools.count())


@pytest.fixture(scope="module", params=STORES)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("api"), store=request.param) as found:
        yield found


@pytest.fixture
def client(server: Server) -> Any:
    """A requester of its own for every test."""
    return server.client(next(_KEYS))


def hit(client: Any, **changes: Any) -> dict[str, Any]:
    type_id = client.create_hit_type(**TERMS)["HITTypeId"]
    given = {"HITTypeId": type_id, "LifetimeInSeconds": 3600, "MaxAssignments": 2, "Question": QUESTION} | changes
    found: dict[str, Any] = client.create_hit_with_hit_type(**given)["HIT"]
    return found


def again(client: Any, hit_id: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get_hit(HITId=hit_id)["HIT"]
    return found


def refused(call: Any, **parameters: Any) -> tuple[str, str, str]:
    """The error's type, MTurk's own code and the message."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    response: Any = caught.value.response
    assert response["ResponseMetadata"]["RequestId"]
    return (
        response["Error"]["Code"],
        response.get("TurkErrorCode", "").removeprefix("AWS.MechanicalTurk."),
        response["Error"]["Message"],
    )


def test_every_handler_is_an_operation_of_the_model() -> None:
    assert set(HANDLERS) <= set(operations())
    assert len(operations()) == 39


def test_equal_terms_are_one_hit_type_and_any_difference_makes_another(client: Any) -> None:
    first = client.create_hit_type(**TERMS)["HITTypeId"]
    assert client.create_hit_type(**TERMS | {"Reward": "0.1"})["HITTypeId"] == first
    assert client.create_hit_type(**TERMS | {"Title": "T "})["HITTypeId"] != first
    assert hit(client)["HITTypeId"] == first


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"Reward": "0.155"}, "ValidationException"),
        ({"Reward": "-1"}, "ValidationException"),
        ({"Title": "x" * 129}, "ParameterValidationError"),
        ({"AssignmentDurationInSeconds": 29}, "ParameterValidationError"),
        ({"AutoApprovalDelayInSeconds": 2_592_001}, "ParameterValidationError"),
        ({"QualificationRequirements": [{"QualificationTypeId": NOBODY, "Comparator": "Exists"}]}, "RequestError"),
        (
            {"QualificationRequirements": [{"QualificationTypeId": "0" * 18 + "71", "Comparator": "Sort"}]},
            "ValidationException",
        ),
        (
            {"QualificationRequirements": [{"QualificationTypeId": "0" * 18 + "40", "Comparator": "In"}]},
            "ParameterValidationError",
        ),
    ],
)
def test_terms_outside_the_limits_are_refused(client: Any, changes: dict[str, Any], code: str) -> None:
    assert refused(client.create_hit_type, **TERMS | changes)[0] == code


def test_a_message_ends_in_the_servers_milliseconds(client: Any) -> None:
    _, code, message = refused(client.get_hit, HITId=NOBODY)
    assert code == "HITDoesNotExist"
    start, _, rest = message.rpartition(" (")
    assert start == f"Hit {NOBODY} does not exist."
    assert rest[:-1].isdigit()


def test_a_token_used_before_names_the_hit_it_made(client: Any) -> None:
    made = hit(client, UniqueRequestToken="once")
    _, code, message = refused(
        client.create_hit_with_hit_type,
        HITTypeId=made["HITTypeId"], LifetimeInSeconds=3600, Question=QUESTION, UniqueRequestToken="once",
    )  # fmt: skip
    assert code == "HitAlreadyExists"
    assert made["HITId"] in message
    assert "once" in message


def test_the_full_cost_is_held_and_released_when_the_hit_is_deleted(client: Any) -> None:
    made = hit(client)
    balance = client.get_account_balance()
    assert (balance["AvailableBalance"], balance["OnHoldBalance"]) == ("9999.76", "0.24")
    client.update_expiration_for_hit(HITId=made["HITId"], ExpireAt=datetime(2015, 1, 1, tzinfo=UTC))
    client.delete_hit(HITId=made["HITId"])
    assert client.get_account_balance()["AvailableBalance"] == "10000.00"
    assert again(client, made["HITId"])["HITStatus"] == "Disposed"
    assert refused(client.delete_hit, HITId=made["HITId"])[1] == "InvalidHITState"


def test_nothing_is_made_without_funds(client: Any) -> None:
    type_id = client.create_hit_type(**TERMS | {"Reward": "1000.00"})["HITTypeId"]
    assert refused(
        client.create_hit_with_hit_type,
        HITTypeId=type_id, LifetimeInSeconds=60, MaxAssignments=9, Question=QUESTION, UniqueRequestToken="t",
    )[1] == "InsufficientFunds"  # fmt: skip
    assert client.list_hits()["NumResults"] == 0


def test_assignments_only_go_up_and_never_across_ten(client: Any) -> None:
    made = hit(client)["HITId"]
    client.create_additional_assignments_for_hit(HITId=made, NumberOfAdditionalAssignments=7, UniqueRequestToken="a")
    assert again(client, made)["MaxAssignments"] == 9
    more = {"HITId": made, "NumberOfAdditionalAssignments": 1}
    assert refused(client.create_additional_assignments_for_hit, **more)[1] == "InvalidMaximumAssignmentsIncrease"
    assert (
        "already been processed"
        in refused(client.create_additional_assignments_for_hit, **more, UniqueRequestToken="a")[2]
    )


def test_the_same_expiration_twice_is_refused(client: Any) -> None:
    made = hit(client)["HITId"]
    at = datetime.now(UTC) + timedelta(days=3)
    client.update_expiration_for_hit(HITId=made, ExpireAt=at)
    assert "already been processed" in refused(client.update_expiration_for_hit, HITId=made, ExpireAt=at)[2]


def test_a_hit_moves_only_until_it_was_ever_accepted(server: Server, client: Any) -> None:
    made = hit(client)["HITId"]
    other = client.create_hit_type(**TERMS | {"Reward": "0.20"})["HITTypeId"]
    client.update_hit_type_of_hit(HITId=made, HITTypeId=other)
    assert again(client, made)["Reward"] == "0.20"
    server.control("worker/accept", hit=made, worker="A1WORKER")
    server.control("worker/return", hit=made, worker="A1WORKER")
    assert again(client, made)["NumberOfAssignmentsAvailable"] == 2
    assert refused(client.update_hit_type_of_hit, HITId=made, HITTypeId=other)[1] == "InvalidHITState"


def test_work_moves_through_the_states_and_is_paid(server: Server, client: Any) -> None:
    made = hit(client)["HITId"]
    server.control("worker/accept", hit=made, worker="A1ONE")
    assert again(client, made)["NumberOfAssignmentsPending"] == 1
    done = server.control("worker/submit", hit=made, worker="A1ONE", answers={"a": "x"})["assignment_id"]
    server.control("worker/submit", hit=made, worker="A1TWO", answers={"a": ["y", "z"]})
    seen = again(client, made)
    assert (seen["HITStatus"], seen["NumberOfAssignmentsAvailable"]) == ("Reviewable", 0)
    answers = client.list_assignments_for_hit(HITId=made)["Assignments"]
    assert [a["WorkerId"] for a in answers] == ["A1ONE", "A1TWO"]
    assert "<FreeText>x</FreeText>" in answers[0]["Answer"]
    assert refused(client.delete_hit, HITId=made)[1] == "InvalidHITState"
    client.approve_assignment(AssignmentId=done)
    assert refused(client.approve_assignment, AssignmentId=done)[1] == "InvalidAssignmentState"
    other = answers[1]["AssignmentId"]
    client.reject_assignment(AssignmentId=other, RequesterFeedback="no")
    client.approve_assignment(AssignmentId=other, OverrideRejection=True)
    assert client.get_account_balance()["AvailableBalance"] == "9999.76"
    assert client.get_assignment(AssignmentId=done)["Assignment"]["AssignmentStatus"] == "Approved"
    client.delete_hit(HITId=made)


def test_pages_carry_a_token_until_an_empty_one_ends_them(client: Any) -> None:
    made = {hit(client)["HITId"] for _ in range(5)}
    seen, sizes, token = set(), [], None
    while True:
        page = client.list_hits(MaxResults=2, **({"NextToken": token} if token else {}))
        sizes.append(page["NumResults"])
        seen |= {h["HITId"] for h in page["HITs"]}
        token = page.get("NextToken")
        if token is None:
            break
    assert (seen, sizes) == (made, [2, 2, 1, 0])
    first = client.list_hits(MaxResults=2)["NextToken"]
    assert refused(client.list_worker_blocks, NextToken=first + "x")[0] == "ParameterValidationError"
    assert refused(client.list_hits, MaxResults=101)[0] == "ValidationException"


def test_requesters_never_see_each_others_hits(server: Server, client: Any) -> None:
    made = hit(client)["HITId"]
    other = server.client(next(_KEYS))
    assert refused(other.get_hit, HITId=made)[1] == "HITDoesNotExist"
    assert other.list_hits()["NumResults"] == 0


def test_qualification_types_are_own_by_name_and_public_by_id(server: Server, client: Any) -> None:
    given = {"Name": "Trained", "Description": "D", "QualificationTypeStatus": "Active"}
    made = client.create_qualification_type(**given)["QualificationType"]["QualificationTypeId"]
    _, code, message = refused(client.create_qualification_type, **given)
    assert code == "QualificationTypeAlreadyExists"
    assert message.startswith("You have already created a QualificationType with this name.")
    other = server.client(next(_KEYS))
    assert other.get_qualification_type(QualificationTypeId=made)["QualificationType"]["Name"] == "Trained"
    assert refused(other.update_qualification_type, QualificationTypeId=made)[1] == "QualificationTypeDoesNotExist"
    client.update_qualification_type(QualificationTypeId=made, QualificationTypeStatus="Inactive")
    assert client.list_qualification_types(MustBeRequestable=True, MustBeOwnedByCaller=True)["NumResults"] == 0
    assert client.list_qualification_types(MustBeRequestable=False, MustBeOwnedByCaller=True)["NumResults"] == 1


def test_grants_are_given_overwritten_revoked_and_given_again(client: Any) -> None:
    made = client.create_qualification_type(Name="G", Description="D", QualificationTypeStatus="Active")
    grant = {"QualificationTypeId": made["QualificationType"]["QualificationTypeId"], "WorkerId": "A1WORKER"}
    assert refused(client.get_qualification_score, **grant)[1] == "QualificationDoesNotExist"
    client.associate_qualification_with_worker(**grant, IntegerValue=5)
    client.associate_qualification_with_worker(**grant, IntegerValue=7)
    assert client.get_qualification_score(**grant)["Qualification"]["IntegerValue"] == 7
    client.disassociate_qualification_from_worker(**grant)
    _, code, message = refused(client.get_qualification_score, **grant)
    assert (code, "operation can be called with a status of: Granted" in message) == ("InvalidQualificationState", True)
    client.associate_qualification_with_worker(**grant)
    assert client.get_qualification_score(**grant)["Qualification"]["IntegerValue"] == 1


def test_a_block_keeps_a_worker_from_this_requesters_hits(server: Server, client: Any) -> None:
    made = hit(client)["HITId"]
    client.create_worker_block(WorkerId="A1BAD", Reason="r")
    with pytest.raises(OSError, match="409"):
        server.control("worker/accept", hit=made, worker="A1BAD")
    client.delete_worker_block(WorkerId="A1BAD")
    server.control("worker/accept", hit=made, worker="A1BAD")
    assert refused(client.create_worker_block, WorkerId="nobody", Reason="r")[0] == "ValidationException"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Host": "evil.example"}, 421),
    ],
)
def test_a_web_page_cannot_call_the_api(server: Server, headers: dict[str, str], status: int) -> None:
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=10)
    connection.request("POST", "/", b"{}", headers)
    with connection.getresponse() as answer:
        assert answer.status == status
    connection.close()


def test_control_needs_the_token(server: Server) -> None:
    with pytest.raises(OSError, match="403"):
        Server(server.url, "wrong").control("clock")


def test_time_abandons_approves_and_releases(server: Server, client: Any) -> None:
    made = hit(client, MaxAssignments=3)["HITId"]
    server.control("worker/submit", hit=made, worker="A1ONE", answers={"a": "x"})
    server.control("worker/accept", hit=made, worker="A1TWO")
    server.control("clock", advance_seconds=700)
    assert again(client, made)["NumberOfAssignmentsPending"] == 0
    server.control("clock", advance_seconds=90_000)
    seen = again(client, made)
    assert (seen["HITStatus"], seen["NumberOfAssignmentsCompleted"]) == ("Reviewable", 1)
    balance = client.get_account_balance()
    assert (balance["AvailableBalance"], balance["OnHoldBalance"]) == ("9999.88", "0.00")
