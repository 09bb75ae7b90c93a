"""Many at once, and what dies under them: the last place, killed databases, killed workers, an orderly end."""

from __future__ import annotations

import itertools
import json
import os
import signal
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import psycopg
import pytest
from botocore.exceptions import BotoCoreError, ClientError
from click.testing import CliRunner
from marketplace_server import STORES, Real, Server, real, running, store_url
from postgres import postgres

from turkform.marketplace.__main__ import main

if TYPE_CHECKING:
    from collections.abc import Callable

QUESTION = (
    '<HTMLQuestion xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2011-11-11/'
    'HTMLQuestion.xsd"><HTMLContent><![CDATA[<!DOCTYPE html><html><body><form></form></body></html>]]></HTMLContent>'
    "<FrameHeight>0</FrameHeight></HTMLQuestion>"
)
TERMS = {"Title": "T", "Description": "D", "Reward": "0.01", "AssignmentDurationInSeconds": 600}


def publish(client: Any, token: str, **changes: Any) -> str:
    """One HIT; its id."""
    given = {"LifetimeInSeconds": 3600, "MaxAssignments": 1, "Question": QUESTION, "UniqueRequestToken": token}
    return str(client.create_hit(**TERMS, **given | changes)["HIT"]["HITId"])


def eventually(condition: Callable[[], bool]) -> bool:
    """Whether something comes to be; it is waited for, half a minute at the most."""
    return any(condition() or time.sleep(0.1) for _ in range(300))  # type: ignore[func-returns-value] # None is the point


@pytest.mark.parametrize("kind", STORES)
def test_of_a_hundred_workers_racing_for_the_last_place_one_gets_it(kind: str, tmp_path: Path) -> None:
    """On PostgreSQL two servers let them in, side by side."""
    store = store_url(kind, tmp_path)
    with ExitStack() as stack:
        servers = []
        for number in range(2 if kind == "postgresql" else 1):
            folder = tmp_path / str(number)
            folder.mkdir()
            servers.append(stack.enter_context(running(folder, store=store)))
        client = servers[0].client()
        hit = publish(client, "race", MaxAssignments=2)
        servers[-1].control("worker/accept", hit=hit, worker="A1FIRST")
        start = threading.Barrier(20)

        def accept(turn: int) -> str:
            server: Server = servers[turn % len(servers)]
            if turn < 20:
                start.wait(60)
            try:
                server.control("worker/accept", hit=hit, worker=f"A1RACER{turn}")
            except urllib.error.HTTPError as error:
                with error:
                    return str(json.load(error)["error"])
            return "accepted"

        with ThreadPoolExecutor(20) as pool:
            told = list(pool.map(accept, range(100)))
        assert told.count("accepted") == 1
        assert sum("has no place to take" in one for one in told) == 99
        seen = client.get_hit(HITId=hit)["HIT"]
        assert (seen["NumberOfAssignmentsPending"], seen["NumberOfAssignmentsAvailable"]) == (2, 0)


@pytest.mark.parametrize("kills", [1, pytest.param(5, marks=pytest.mark.heavy)])
def test_nothing_acknowledged_is_lost_when_the_database_is_killed(kills: int, tmp_path: Path) -> None:
    """Four callers publish, and repeat what failed; the postmaster dies by SIGKILL under them and is started again."""
    with running(tmp_path, store="postgresql") as server:
        made: dict[str, str] = {}
        strange: list[str] = []
        over = threading.Event()

        def call(number: int) -> None:
            client = server.client(f"KEY{number}")
            for turn in itertools.count():
                token = f"{number}-{turn}"
                while token not in made and not over.is_set():
                    try:
                        made[token] = publish(client, token)
                    except ClientError as error:
                        response: Any = error.response
                        if response.get("TurkErrorCode") == "AWS.MechanicalTurk.HitAlreadyExists":
                            made[token] = response["Message"].rpartition("HITId=")[2].split()[0]
                        elif error.response["Error"]["Code"] != "ServiceFault":
                            strange.append(str(error))
                    except BotoCoreError as error:
                        strange.append(str(error))
                if over.is_set():
                    return

        with ThreadPoolExecutor(4) as pool:
            callers = [pool.submit(call, number) for number in range(4)]
            for _ in range(kills):
                before = len(made)
                assert eventually(lambda before=before: len(made) >= before + 40)  # type: ignore[misc] # the value of now
                postgres().kill()
                postgres().start()
            before = len(made)
            assert eventually(lambda: len(made) >= before + 40)
            over.set()
            for caller in callers:
                caller.result()
        for number in range(4):
            pages = (
                server.client(f"KEY{number}").get_paginator("list_hits").paginate(PaginationConfig={"PageSize": 100})
            )
            listed = [hit["HITId"] for page in pages for hit in page["HITs"]]
            mine = {hit for token, hit in made.items() if token.startswith(f"{number}-")}
            assert mine <= set(listed)
            # What was under way when the end came may be there and unacknowledged; nothing is there twice.
            assert len(listed) <= len(mine) + 1


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=20) as answer:  # noqa: S310 - our own server on loopback
            return bool(json.load(answer) == {"status": "ok"})
    except OSError:
        return False


def children(server: Real) -> set[int]:
    found = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text()
    return {int(pid) for pid in found.split()}


def test_workers_share_an_address_and_one_that_dies_is_replaced(tmp_path: Path) -> None:
    with real(tmp_path, "--workers", "2", store="postgresql") as server:
        client = server.client(server.keys("lab"))
        first = children(server)
        assert len(first) == 2
        publish(client, "before")
        os.kill(min(first), signal.SIGKILL)
        assert eventually(lambda: len(children(server)) == 2 and children(server) != first and answers(server.url))
        publish(server.client(server.keys("other")), "after")
        assert client.list_hits()["NumResults"] == 1
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(30) == 0
        assert not any(Path(f"/proc/{pid}").exists() for pid in first)
    assert "a worker ended with status -9 and is replaced" in server.log.read_text()


def test_a_rehearsal_of_two_processes_has_one_clock(tmp_path: Path) -> None:
    """Whichever of them the next connection reaches."""
    with running(tmp_path, "--workers", "2", store="postgresql") as server:
        hit = publish(server.client(), "once")
        server.control("clock", advance_seconds=7200)
        seen = {server.client().get_hit(HITId=hit)["HIT"]["HITStatus"] for _ in range(20)}
        assert seen == {"Reviewable"}
        told = [datetime.fromisoformat(server.control("clock")["now"]) for _ in range(20)]
        assert max(told) - min(told) < timedelta(hours=1)


def test_a_rehearsal_of_two_processes_takes_no_faults(tmp_path: Path) -> None:
    with running(tmp_path, "--workers", "2", store="postgresql") as server:
        with pytest.raises(urllib.error.HTTPError) as refused:
            server.control("faults", faults=["error=1"])
        assert "faults are of a server that is one process" in refused.value.read().decode()
    words = ["serve", "--rehearsal", "--workers", "2", "--store", "postgresql://localhost/x", "--fault", "error=1"]
    with pytest.raises(click.UsageError, match="leave out --workers"):
        CliRunner().invoke(main, words, standalone_mode=False, catch_exceptions=False)


def test_workers_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    with real(tmp_path, "--workers", "2", store="postgresql") as server:
        left = children(server)
        server.process.kill()
        assert eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in left))


def test_a_server_that_is_told_to_end_answers_what_it_has_begun(tmp_path: Path) -> None:
    """Control connections, which would never end by themselves, do not keep it."""
    with running(tmp_path, "--fault", "delay=3s") as server, ThreadPoolExecutor(1) as pool:
        held = urllib.request.Request(  # noqa: S310 - our own server on loopback
            f"{server.url}/control/hold", headers={"Authorization": f"Bearer {server.token}"}
        )
        with urllib.request.urlopen(held, timeout=60) as holding:  # noqa: S310
            assert holding.readline() == b"held\n"
            client = server.client()
            begun = pool.submit(publish, client, "last")
            assert eventually(lambda: server.control("faults")["counts"].get("calls") == 1)
            os.kill(json.loads((tmp_path / "server.json").read_text())["pid"], signal.SIGTERM)
            assert begun.result(60).startswith("3")
            assert holding.read() == b""
    assert not (tmp_path / "server.json").exists()


def test_health_says_when_the_store_does_not_answer(tmp_path: Path) -> None:
    with running(tmp_path, store="postgresql") as server:
        assert answers(server.url)
        postgres().kill()
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(f"{server.url}/health", timeout=60)  # noqa: S310 - our own server on loopback
        caught.value.close()
        assert caught.value.code == 503
        postgres().start()
        assert eventually(lambda: answers(server.url))


def test_who_reads_does_not_wait_for_who_changes_something(tmp_path: Path) -> None:
    """Somebody else's transaction has the requester: HITs are read, and one is made when it has ended."""
    url = store_url("postgresql", tmp_path)
    with running(tmp_path, store=url) as server, ThreadPoolExecutor(1) as pool, ThreadPoolExecutor(1) as others:
        client = server.client()
        hit = publish(client, "before")
        with psycopg.connect(url) as other:
            other.execute("SELECT id FROM requesters FOR UPDATE")
            assert client.get_hit(HITId=hit)["HIT"]["HITStatus"] == "Assignable"
            assert client.list_hits()["NumResults"] == 1
            made = pool.submit(publish, server.client(), "after")
            held = others.submit(server.control, "worker/accept", hit=hit, worker="A1WAITS")
            with urllib.request.urlopen(f"{server.url}/hits/{hit}", timeout=20) as page:  # noqa: S310 - our own
                assert page.status == 200
            assert not held.done()
            assert client.get_account_balance()["AvailableBalance"] == "9999.98"
            assert not made.done()
        assert made.result() != hit
        assert held.result()["assignment_id"]
