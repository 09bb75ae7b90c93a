"""A marketplace of one's own for a test: a child process on a free port, gone when the test is."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Final

import boto3
import click
from botocore.config import Config
from click.testing import CliRunner
from postgres import postgres

from turkform.marketplace.__main__ import main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Server:
    """Where it is, and the token that moves its clock and plays its workers."""

    url: str
    token: str

    def control(self, what: str, **body: Any) -> dict[str, Any]:
        """One control call."""
        request = urllib.request.Request(  # noqa: S310 - our own server on loopback
            f"{self.url}/control/{what}", json.dumps(body).encode(), {"Authorization": f"Bearer {self.token}"}
        )
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
            found: dict[str, Any] = json.load(answer)
        return found

    def client(self, access_key: str = "LOCAL", *, checked: bool = True) -> Any:
        """An unmodified boto3 client of this server; unchecked, it sends what it would have refused itself."""
        return boto3.client(
            "mturk",
            region_name="us-east-1",
            endpoint_url=self.url,
            aws_access_key_id=access_key,
            aws_secret_access_key="secret",
            config=Config(retries={"total_max_attempts": 1}, parameter_validation=checked),
        )


WANTED: Final = os.environ.get("TURKFORM_TEST_STORE", "")
"""The only kind of store to run on, where the run was given `--store`."""
STORES: Final = (WANTED,) if WANTED else ("sqlite", "postgresql")
"""What a marketplace can be kept in: the parameters of a fixture, so that its tests run on both."""
_TWO: Final = ("--workers", "2") if WANTED == "postgresql" else ()


def _processes(store: str, options: tuple[str, ...]) -> tuple[str, ...]:
    """Two, where everything is to run on PostgreSQL and nothing is said that is for one alone."""
    return () if store.startswith("sqlite") or {"--workers", "--fault", "--linger"} & {*options} else _TWO


def _url(store: str, folder: Path) -> str:
    return store if "://" in store else store_url(store, folder)


def store_url(kind: str, folder: Path) -> str:
    """The address of a new store of this kind."""
    return f"sqlite:///{folder / 'marketplace.sqlite'}" if kind == "sqlite" else postgres().database()


@contextmanager
def running(folder: Path, *options: str, store: str = STORES[0]) -> Iterator[Server]:
    """A rehearsal marketplace on a new store: `sqlite`, in `folder`, or `postgresql`; or one with this address."""
    control, url = folder / "server.json", _url(store, folder)
    command = [
        sys.executable, "-m", "turkform.marketplace", "serve", "--rehearsal", "--port", "0", "--store", url,
        "--control-file", str(control), *options, *_processes(url, options),
    ]  # fmt: skip
    with _process(command):
        found = json.loads(control.read_text())
        yield Server(found["url"], found["token"])


@dataclass(frozen=True, slots=True)
class Real:
    """A marketplace with real accounts: where it is, its store, its master key, its process, what it logged."""

    url: str
    store: str
    master: Path
    process: subprocess.Popen[str]
    log: Path

    def requester(self, *words: str) -> str:
        """`requester WORDS` on its store."""
        return requester(*words, "--store", self.store, "--master-key", str(self.master))

    def keys(self, name: str, balance: str = "100.00") -> tuple[str, str]:
        """The keys of a new requester."""
        told = dict(line.split(" = ") for line in self.requester("add", name, "--balance", balance).splitlines()[2:])
        return told["aws_access_key_id"], told["aws_secret_access_key"]

    def let_in(self, worker: str) -> str:
        """A worker who is known from now on; the id."""
        return _said("worker", "add", "--id", worker, "--store", self.store).strip()

    def client(self, keys: tuple[str, str], **options: Any) -> Any:
        """An unmodified boto3 client with these keys."""
        return boto3.client(
            "mturk", endpoint_url=self.url, aws_access_key_id=keys[0], aws_secret_access_key=keys[1],
            **{"region_name": "us-east-1", "config": Config(retries={"total_max_attempts": 1})} | options,
        )  # fmt: skip


class KeeperError(Exception):
    """`requester` said no; the text is its sentence."""


def requester(*words: str) -> str:
    """`python -m turkform.marketplace requester WORDS`, without a process of its own; what it prints.

    Raises:
        KeeperError: it said no.
    """
    return _said("requester", *words)


def _said(*words: str) -> str:
    done = CliRunner().invoke(main, words, standalone_mode=False)
    if isinstance(done.exception, click.ClickException):
        raise KeeperError(done.exception.format_message())
    if done.exception is not None:
        raise done.exception
    return done.output


@contextmanager
def real(folder: Path, *options: str, store: str = STORES[0], master: Path | None = None) -> Iterator[Real]:
    """A marketplace with real accounts on a new store, or on the one with this address and master key."""
    url = _url(store, folder)
    key, log = master or folder / "master.key", folder / "log"
    if not key.exists():
        requester("add", "first", "--store", url, "--master-key", str(key))
    command = [
        sys.executable, "-m", "turkform.marketplace", "serve", "--port", "0", "--public-url", "http://localhost",
        "--tasks-url", "http://tasks.localhost", "--store", url, "--master-key", str(key), *options,
        *_processes(url, options),
    ]  # fmt: skip
    with log.open("a") as told, _process(command, told) as (process, line):
        yield Real(line.removeprefix("serving ").strip(), url, key, process, log)


@contextmanager
def _process(command: list[str], log: IO[str] | None = None) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server as a child, and the line with which it said that it answers; ended with the block, if not before."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("serving "), line
        try:
            yield process, line
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(30)
