"""Faults on request: what strikes, what was done when it struck, and that it repeats."""

from __future__ import annotations

import itertools
from dataclasses import Field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError
from marketplace_server import Server, running

from turkform.marketplace.faults import SPARED, Fate, FaultError, Faults, Trouble

if TYPE_CHECKING:
    from collections.abc import Iterator

TYPE = {"Description": "D", "QualificationTypeStatus": "Active"}
_KEYS = (f"KEY{n}" for n in itertools.count())


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("faults"), "--fault", "delay=2ms", "--fault", "seed=7") as found:
        yield found


@pytest.fixture
def client(server: Server) -> Iterator[Any]:
    """A requester of its own; the faults are gone when the test is."""
    yield server.client(next(_KEYS))
    server.control("faults", faults=[])


def named(client: Any) -> list[str]:
    found = client.list_qualification_types(MustBeRequestable=False, MustBeOwnedByCaller=True)["QualificationTypes"]
    return [kind["Name"] for kind in found]


def test_a_server_tells_the_faults_it_was_started_with(server: Server) -> None:
    assert server.control("faults")["faults"] == ["delay=0.002s", "seed=7"]


def test_an_error_is_a_service_fault_and_nothing_was_done(server: Server, client: Any) -> None:
    server.control("faults", faults=["error=1"])
    with pytest.raises(ClientError) as caught:
        client.create_qualification_type(Name="never", **TYPE)
    assert caught.value.response["Error"]["Code"] == "ServiceFault"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert server.control("faults")["counts"] == {"calls": 1, "error": 1}
    server.control("faults", faults=[])
    assert named(client) == []


@pytest.mark.parametrize(("fault", "done"), [("lost-request", []), ("lost-answer", ["half"])])
def test_a_lost_call_closes_the_connection(server: Server, client: Any, fault: str, done: list[str]) -> None:
    server.control("faults", faults=[f"{fault}=1"])
    with pytest.raises(ConnectionClosedError):
        client.create_qualification_type(Name="half", **TYPE)
    server.control("faults", faults=[])
    assert named(client) == done


def test_a_duplicate_is_carried_out_twice_and_the_second_answer_arrives(server: Server, client: Any) -> None:
    server.control("faults", faults=["duplicate=1"])
    with pytest.raises(ClientError, match="already created a QualificationType with this name"):
        client.create_qualification_type(Name="twice", **TYPE)
    server.control("faults", faults=[])
    assert named(client) == ["twice"]


def test_a_throttle_refuses_what_its_bucket_does_not_hold(server: Server, client: Any) -> None:
    server.control("faults", faults=["throttle=0.001/s"])
    client.get_account_balance()
    with pytest.raises(ClientError, match="Rate exceeded") as caught:
        client.get_account_balance()
    assert caught.value.response["Error"]["Code"] == "ThrottlingException"


def test_a_stale_list_lacks_what_was_made_a_moment_ago(server: Server, client: Any) -> None:
    server.control("faults", faults=["stale-list=30s"])
    made = client.create_qualification_type(Name="new", **TYPE)["QualificationType"]["QualificationTypeId"]
    assert named(client) == []
    assert client.get_qualification_type(QualificationTypeId=made)["QualificationType"]["Name"] == "new"
    server.control("clock", advance_seconds=31)
    assert named(client) == ["new"]


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("lost-anser=1", 'there is no fault "lost-anser"'),
        ("error=2", 'error wants a share of calls between 0 and 1, like 0.01, not "2"'),
        ("throttle=20", "throttle wants a number of calls a second, like 20/s"),
        ("throttle=0/s", "throttle wants a number of calls a second"),
        ("delay=50", "delay wants a duration, like 50ms or 30s"),
        ("seed=x", "seed wants a whole number"),
    ],
)
def test_a_word_that_is_no_fault_is_refused_with_what_would_be(word: str, message: str) -> None:
    with pytest.raises(FaultError, match=message):
        Trouble.named([word])


def test_words_are_read_as_they_are_told() -> None:
    words = ["throttle=20/s", "delay=0.05s", "error=0.01", "lost-request=1", "stale-list=30s", "seed=3"]
    assert Trouble.named(words).words() == words
    assert Trouble.named(["delay=50ms"]) == Trouble(delay=0.05)


@pytest.mark.parametrize("field", fields(Trouble), ids=lambda field: field.name)
def test_every_fault_is_documented(field: Field[Any]) -> None:
    page = Path(__file__).parent.parent / "docs" / "marketplace.md"
    assert f"| `{field.name.replace('_', '-')}=" in page.read_text(encoding="utf-8")


def test_the_same_seed_gives_the_same_fates_and_one_fault_does_not_move_another() -> None:
    def fates(*words: str) -> list[Fate]:
        faults = Faults(Trouble.named(words))
        return [faults.fate() for _ in range(200)]

    lost = fates("seed=5", "lost-answer=0.2")
    assert lost == fates("seed=5", "lost-answer=0.2")
    assert lost != fates("seed=6", "lost-answer=0.2")
    struck = {n for n, fate in enumerate(lost) if fate.lost_answer}
    both = fates("seed=5", "lost-answer=0.2", "lost-request=0.2")
    assert {n for n, fate in enumerate(both) if fate.lost_answer} <= struck
    assert 20 < len(struck) < 60


def test_a_bucket_fills_at_its_rate_up_to_a_tenth() -> None:
    now = [0.0]
    faults = Faults(Trouble.named(["throttle=20/s"]), clock=lambda: now[0])
    passed = []
    for _ in range(2000):
        passed.append(not faults.fate().throttled)
        now[0] += 0.005
    assert sum(passed) == pytest.approx(200 + 2, abs=1)
    now[0] += 60
    assert [faults.fate().throttled for _ in range(4)] == [False, False, True, True]


def test_without_faults_every_call_is_spared() -> None:
    assert Faults().fate() is SPARED
