"""The keeper's words: workers let in, described and paid."""

from __future__ import annotations

import csv
import itertools
from typing import TYPE_CHECKING, Any

import pytest
from marketplace_server import STORES, Server, running
from surfing import Surfer, as_worker
from tasks_for_people import PAGE, html_question, publish

from turkform.cli import run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

QUESTION = html_question(PAGE)
_NUMBERS = itertools.count()


@pytest.fixture(scope="module", params=STORES)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("keeper"), store=request.param) as found:
        yield found


@pytest.fixture
def client(server: Server) -> Any:
    """A requester of its own for every test."""
    return server.client(f"KEY{next(_NUMBERS)}")


def done(server: Server, client: Any, worker: str, reward: str = "0.10") -> str:
    hit = publish(client, QUESTION, Reward=reward)["HITId"]
    found: str = server.control("worker/submit", hit=hit, worker=worker, answers={"animal": "cat"})["assignment_id"]
    return found


def rows(server: Server, **given: Any) -> dict[str, dict[str, str]]:
    """A payout's lines, by worker."""
    text = server.control("keeper/payouts", **given)["csv"]
    return {row["worker"]: row for row in csv.DictReader(text.splitlines())}


@pytest.mark.parametrize(
    ("type_id", "requirement"),
    [
        ("00000000000000000071", {"Comparator": "EqualTo", "LocaleValues": [{"Country": "US", "Subdivision": "CA"}]}),
        ("00000000000000000040", {"Comparator": "GreaterThan", "IntegerValues": [1000]}),
        ("000000000000000000L0", {"Comparator": "GreaterThanOrEqualTo", "IntegerValues": [99]}),
        ("2F1QJWKUDD8XADTFD2Q0G6UTO95ALH", {"Comparator": "Exists"}),
        ("00000000000000000060", {"Comparator": "EqualTo", "IntegerValues": [1]}),
    ],
)
def test_what_is_said_of_a_worker_decides_system_requirements(
    server: Server, client: Any, type_id: str, requirement: dict[str, Any]
) -> None:
    good: dict[str, Any] = {"locale": "US-CA", "masters": True, "approved": 1200, "percent": 99, "adult": True}
    bad: dict[str, Any] = {"locale": "US-NY", "masters": False, "approved": 10, "percent": 50, "adult": False}
    server.control("keeper/add", worker="A1GOOD", **good)
    server.control("keeper/add", worker="A1BAD", **bad)
    hit = publish(client, QUESTION, QualificationRequirements=[{"QualificationTypeId": type_id, **requirement}])[
        "HITId"
    ]
    statuses = [as_worker(server, w).post(f"/hits/{hit}/accept").status for w in ("A1GOOD", "A1BAD", "A1UNSAID")]
    assert statuses == [303, 409, 303]


def test_a_link_of_a_rehearsal_makes_the_browser_its_worker(server: Server) -> None:
    link = server.control("keeper/invite", worker="A1INVITED")["link"]
    surfer = Surfer(server.url)
    assert "You are A1INVITED" in surfer.follow(surfer.post(link.removeprefix(server.url))).text


def test_a_link_is_dead_after_72_hours(server: Server) -> None:
    link = server.control("keeper/invite", worker="A1LATE")["link"].removeprefix(server.url)
    server.control("clock", advance_seconds=72 * 3600 - 60)
    assert Surfer(server.url).get(link).status == 200
    server.control("clock", advance_seconds=120)
    assert "older than 72 hours" in Surfer(server.url).post(link).text


def test_every_piece_of_work_is_paid_out_once(server: Server, client: Any) -> None:
    server.control("keeper/payouts", settle=True)
    first, second = done(server, client, "A1ONE"), done(server, client, "A1ONE", "0.25")
    other = done(server, client, "A1TWO")
    client.reject_assignment(AssignmentId=other, RequesterFeedback="no")
    client.approve_assignment(AssignmentId=first)
    client.send_bonus(WorkerId="A1ONE", AssignmentId=first, BonusAmount="0.50", Reason="r", UniqueRequestToken="t")
    looked = rows(server)["A1ONE"]
    assert (looked["payout"], looked["assignments"], looked["rewards"], looked["total"]) == ("", "1", "0.10", "0.60")
    settled = rows(server, settle=True)
    assert {worker: row["total"] for worker, row in settled.items()} == {"A1ONE": "0.60"}
    assert rows(server) == {}
    client.approve_assignment(AssignmentId=second)
    client.approve_assignment(AssignmentId=other, OverrideRejection=True)
    later = rows(server, settle=True)
    assert {worker: row["total"] for worker, row in later.items()} == {"A1ONE": "0.25", "A1TWO": "0.10"}
    assert rows(server, show=settled["A1ONE"]["payout"]) == settled
    assert "$0.85 paid out" in as_worker(server, "A1ONE").get("/work").text


def test_what_time_has_approved_is_paid_out_though_its_requester_never_came_back(server: Server, client: Any) -> None:
    done(server, client, "A1FORGOTTEN")
    assert "A1FORGOTTEN" not in rows(server)
    server.control("clock", advance_seconds=90_000)
    assert rows(server, settle=True)["A1FORGOTTEN"]["total"] == "0.10"


def test_nothing_to_pay_makes_no_payout(server: Server) -> None:
    server.control("keeper/payouts", settle=True)
    assert server.control("keeper/payouts", settle=True)["csv"].count("\n") == 1


@pytest.mark.parametrize(
    ("word", "given"),
    [
        ("add", {"worker": "nobody"}),
        ("add", {"worker": "A1X", "locale": "usa"}),
        ("add", {"worker": "A1X", "percent": 101}),
        ("add", {"worker": "A1X", "approved": "many"}),
        ("add", {}),
        ("disable", {"worker": "A1UNKNOWN"}),
        ("payouts", {"show": "3NONE"}),
        ("dance", {}),
    ],
)
def test_what_makes_no_sense_is_refused(server: Server, word: str, given: dict[str, Any]) -> None:
    with pytest.raises(OSError, match="409"):
        server.control(f"keeper/{word}", **given)


def test_the_command_line_keeps_the_workers_of_a_store(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    store = f"sqlite:///{tmp_path / 'market.sqlite'}"

    def turkform(*words: str) -> str:
        run(["worker", *words, "--store", store])
        return "".join(capfd.readouterr())

    worker, link = turkform("invite", "--public-url", "https://work.example.org").split("\t")
    assert link.startswith("https://work.example.org/invitations/")
    assert turkform("add", "--id", worker, "--locale", "US-CA", "--no-masters", "--note", "Ada, lab 3") == f"{worker}\n"
    said = f"{worker}\t1 open invitation\t--locale US-CA --no-masters\tAda, lab 3\n"
    assert turkform("list") == said
    assert "--public-url" in turkform("invite")
    counted = "error: approved cannot be said of a worker here: work is counted as it is reviewed\n"
    assert turkform("add", "--id", worker, "--approved", "5") == counted
