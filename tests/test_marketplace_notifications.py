"""Notifications as their receiver sees them: a web server of the test's own, on this machine."""

from __future__ import annotations

import hmac
import json
import queue
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from marketplace_server import STORES, Server, running
from test_marketplace_api import NOBODY, TERMS, hit, refused

if TYPE_CHECKING:
    from collections.abc import Iterator

EVENTS = [
    "AssignmentAccepted", "AssignmentAbandoned", "AssignmentReturned", "AssignmentSubmitted", "AssignmentRejected",
    "AssignmentApproved", "HITCreated", "HITExpired", "HITReviewable", "HITExtended", "HITDisposed",
]  # fmt: skip


@dataclass(slots=True)
class Receiver:
    """A receiver: where it is, what it got, and what it answers next."""

    url: str
    got: queue.Queue[tuple[dict[str, str], bytes]]
    answers: list[int]
    slow: threading.Event
    """Not set, answers wait for it."""

    def event(self) -> dict[str, Any]:
        """The next event that arrives."""
        _, body = self.got.get(timeout=20)
        found: dict[str, Any] = json.loads(body)["Events"][0]
        return found


@contextmanager
def receiving() -> Iterator[Receiver]:
    got: queue.Queue[tuple[dict[str, str], bytes]] = queue.Queue()
    answers: list[int] = []
    slow = threading.Event()
    slow.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            slow.wait(20)
            status = answers.pop(0) if answers else 200
            if status == 200:
                got.put((dict(self.headers), body))
            self.send_response(status)
            self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Receiver(f"http://127.0.0.1:{server.server_port}/hook", got, answers, slow)
        slow.set()
        server.shutdown()


@pytest.fixture(scope="module", params=STORES)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("notify"), store=request.param) as found:
        yield found


@pytest.fixture
def client(server: Server, request: pytest.FixtureRequest) -> Any:
    return server.client(f"N{abs(hash(request.node.name))}")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def specification(receiver: Receiver, **changes: Any) -> dict[str, Any]:
    given = {"Destination": receiver.url, "Transport": "SQS", "Version": "2014-08-15", "EventTypes": EVENTS}
    return given | changes


def asked(client: Any, receiver: Receiver, **changes: Any) -> str:
    """A HIT type whose events go to the receiver."""
    type_id: str = client.create_hit_type(**TERMS)["HITTypeId"]
    client.update_notification_settings(HITTypeId=type_id, Notification=specification(receiver, **changes))
    return type_id


def test_every_event_of_a_hits_life_arrives(server: Server, client: Any, receiver: Receiver) -> None:
    type_id = asked(client, receiver)
    made = hit(client, MaxAssignments=3)["HITId"]
    server.control("worker/accept", hit=made, worker="A1ONE")
    server.control("worker/return", hit=made, worker="A1ONE")
    server.control("worker/accept", hit=made, worker="A1ONE")
    server.control("clock", advance_seconds=601)
    begun = ["HITCreated", "AssignmentAccepted", "AssignmentReturned", "AssignmentAccepted", "AssignmentAbandoned"]
    got = [receiver.event() for _ in begun]
    one = server.control("worker/submit", hit=made, worker="A1TWO", answers={"a": "x"})["assignment_id"]
    two = server.control("worker/submit", hit=made, worker="A1ONE", answers={"a": "x"})["assignment_id"]
    client.approve_assignment(AssignmentId=one)
    client.reject_assignment(AssignmentId=two, RequesterFeedback="no")
    client.create_additional_assignments_for_hit(HITId=made, NumberOfAdditionalAssignments=1)
    client.update_expiration_for_hit(HITId=made, ExpireAt=0)
    client.delete_hit(HITId=made)
    wanted = [*EVENTS, "AssignmentAccepted", "AssignmentAccepted", "AssignmentAccepted", "AssignmentSubmitted"]
    got += [receiver.event() for _ in wanted[len(begun) :]]
    assert sorted(event["EventType"] for event in got) == sorted(wanted)
    assert {(event["HITTypeId"], event["HITId"]) for event in got} == {(type_id, made)}
    assert one in {event.get("AssignmentId") for event in got}


def test_only_the_events_asked_for_arrive(server: Server, client: Any, receiver: Receiver) -> None:
    asked(client, receiver, EventTypes=["AssignmentReturned"])
    made = hit(client)["HITId"]
    server.control("worker/accept", hit=made, worker="A1ONE")
    server.control("worker/return", hit=made, worker="A1ONE")
    assert receiver.event()["EventType"] == "AssignmentReturned"
    assert receiver.got.empty()


def test_a_message_is_sent_until_it_is_taken_and_no_redirect_is_followed(client: Any, receiver: Receiver) -> None:
    receiver.answers.append(307)
    asked(client, receiver, EventTypes=["HITCreated"])
    hit(client)
    assert receiver.event()["EventType"] == "HITCreated"
    assert not receiver.answers


def test_a_destination_that_is_slow_holds_up_no_other(server: Server, client: Any, receiver: Receiver) -> None:
    with receiving() as slow:
        slow.slow.clear()
        asked(client, slow, EventTypes=["HITCreated"])
        for _ in range(30):
            hit(client)
        other = server.client("NOTHER")
        asked(other, receiver, EventTypes=["HITCreated"])
        made = hit(other)["HITId"]
        assert receiver.event()["HITId"] == made
        assert slow.got.empty()
        slow.slow.set()
        assert {slow.event()["EventType"] for _ in range(30)} == {"HITCreated"}


def test_a_message_is_signed_and_names_its_requester(server: Server, client: Any, receiver: Receiver) -> None:
    client.send_test_event_notification(Notification=specification(receiver), TestEventType="Ping")
    headers, body = receiver.got.get(timeout=20)
    stamp, mark = (part.partition("=")[2] for part in headers["X-Turkform-Signature"].split(","))
    assert mark == hmac.digest(server.token.encode(), f"{stamp}.".encode() + body, "sha256").hex()
    document = json.loads(body)
    assert document["EventDocVersion"] == "2014-08-15"
    assert document["CustomerId"].startswith("A")
    assert document["Events"][0]["EventType"] == "Ping"


def test_a_specification_is_switched_off_and_on_by_itself(client: Any, receiver: Receiver) -> None:
    type_id = asked(client, receiver, EventTypes=["HITCreated"])
    client.update_notification_settings(HITTypeId=type_id, Active=False)
    hit(client)
    client.update_notification_settings(HITTypeId=type_id, Active=True)
    second = hit(client)["HITId"]
    assert receiver.event()["HITId"] == second


@pytest.mark.parametrize(
    "changes",
    [
        {"Transport": "Email", "Destination": "a@example.org"},
        {"Destination": "https://example.org/hook"},
        {"Destination": "http://10.0.0.1/hook"},
        {"Destination": "http://169.254.169.254/latest"},
        {"Destination": "https://sqs.us-east-1.amazonaws.com/1/q"},
        {"Transport": "SNS", "Destination": "arn:aws:sns:us-east-1:123456789012:topic"},
        {"Destination": "file:///etc/passwd"},
        {"Destination": "http://user@127.0.0.1/"},
        {"Destination": "nowhere"},
    ],
)
def test_nothing_is_sent_where_the_operator_did_not_allow_it(
    client: Any, receiver: Receiver, changes: dict[str, Any]
) -> None:
    notification = specification(receiver, **changes)
    type_id = client.create_hit_type(**TERMS)["HITTypeId"]
    sent = refused(client.send_test_event_notification, Notification=notification, TestEventType="Ping")
    kept = refused(client.update_notification_settings, HITTypeId=type_id, Notification=notification)
    assert (sent[:2], kept[:2]) == (("RequestError", "InvalidTransportEndpoint"),) * 2


def test_a_test_event_that_is_not_taken_is_an_error(client: Any, receiver: Receiver) -> None:
    receiver.answers.append(500)
    given = {"Notification": specification(receiver), "TestEventType": "HITReviewable"}
    assert refused(client.send_test_event_notification, **given)[1] == "InvalidTransportEndpoint"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"Version": "2011-01-01"}, "ParameterValidationError"),
        ({"EventTypes": []}, "ParameterValidationError"),
        ({"EventTypes": ["Lunch"]}, "ValidationException"),
    ],
)
def test_a_specification_has_a_known_version_and_events(
    client: Any, receiver: Receiver, changes: dict[str, Any], code: str
) -> None:
    type_id = client.create_hit_type(**TERMS)["HITTypeId"]
    given = {"HITTypeId": type_id, "Notification": specification(receiver, **changes)}
    assert refused(client.update_notification_settings, **given)[0] == code


def test_settings_need_a_type_and_something_to_set(client: Any) -> None:
    type_id = client.create_hit_type(**TERMS)["HITTypeId"]
    change = client.update_notification_settings
    assert refused(change, HITTypeId=NOBODY, Active=True)[1] == "HITTypeDoesNotExist"
    assert refused(change, HITTypeId=type_id)[0] == "ParameterValidationError"
    assert refused(change, HITTypeId=type_id, Active=True)[0] == "ParameterValidationError"
