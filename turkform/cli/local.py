"""The embedded marketplace of a campaign's folder: attach to the one that runs, or start one.

In: the folder. Out: a URL that answers for as long as the caller holds it. The marketplace is a process of
its own, so that it outlives a command by a moment and shares nothing with it. It counts the control
connections that are held open and ends by itself soon after the last one is closed, however that came
about: a command that is killed leaves nothing behind.
"""

from __future__ import annotations

import fcntl
import http.client
import json
import os
import select
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from turkform.cli.state import own_state
from turkform.errors import EndpointError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from http.client import HTTPConnection, HTTPResponse

LINGER = "2"
"""Seconds the marketplace waits for the next command."""
_START = 30.0
"""Seconds it may take to answer."""
_PATIENCE = 10.0
"""Seconds one answer on the control connection may take."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where the embedded marketplace of a folder keeps what it needs."""

    folder: Path

    @property
    def control(self) -> Path:
        """Who serves this folder: URL, token, process. Readable by its owner only."""
        return self.folder / "server.json"

    @property
    def store(self) -> Path:
        """Its database."""
        return self.folder / "marketplace.sqlite"

    @property
    def log(self) -> Path:
        """What it says."""
        return self.folder / "marketplace.log"

    @property
    def lock(self) -> Path:
        """Held while looking for a server and starting one, so that two commands never start two."""
        return self.folder / "server.lock"

    @classmethod
    def of(cls, campaign: Path) -> Places:
        """The places of a campaign's folder, made where they are missing."""
        folder = own_state(campaign).resolve() / "local"
        folder.mkdir(exist_ok=True)
        return cls(folder)


@dataclass(frozen=True, slots=True)
class Hold:
    """An open control connection: while it lives, the marketplace does."""

    url: str
    connection: HTTPConnection
    answer: HTTPResponse

    def close(self) -> None:
        """Let go."""
        self.answer.close()
        self.connection.close()


@contextmanager
def marketplace(campaign: Path, *, fees: str = "") -> Iterator[str]:
    """The URL of the folder's marketplace, alive while this lasts; `fees` is for one that has to be started.

    Raises:
        EndpointError: it could not be started, or the one that runs does not answer.
    """
    with _held(Places.of(campaign), fees) as url:
        yield url


@contextmanager
def throwaway() -> Iterator[str]:
    """The URL of a marketplace of nobody's, which is gone with everything in it when this ends.

    Raises:
        EndpointError: it could not be started.
    """
    with tempfile.TemporaryDirectory(prefix="turkform-") as folder, _held(Places(Path(folder)), "none") as url:
        yield url


@contextmanager
def _held(places: Places, fees: str) -> Iterator[str]:
    with _locked(places.lock):
        hold = attach(places.control) or _start(places, fees)
    try:
        yield hold.url
    finally:
        hold.close()


def attach(control: Path) -> Hold | None:
    """Hold the server that the control file names, or None where nothing living is behind it.

    Raises:
        EndpointError: it lives and does not answer.
    """
    try:
        record = json.loads(control.read_text(encoding="utf-8"))
        url, token = str(record["url"]), str(record["token"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=_PATIENCE)
    try:
        connection.request("GET", "/control/hold", headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
    except TimeoutError:
        connection.close()
        hint = f"It is process {record.get('pid', '?')}; end it, and run the command again."
        raise EndpointError(f"the marketplace at {url} is running and does not answer", hint) from None
    except (OSError, http.client.HTTPException):
        connection.close()
        return None
    if answer.status != http.client.OK:  # it is about to end, or the port belongs to somebody else by now
        connection.close()
        if answer.status == http.client.SERVICE_UNAVAILABLE:
            _wait_for_end(url)
        return None
    return Hold(url, connection, answer)


def _wait_for_end(url: str) -> None:
    """Return when a server that takes nobody any more is gone, and its store is free."""
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        try:
            socket.create_connection((urlsplit(url).hostname or "", urlsplit(url).port or 0), timeout=1).close()
        except OSError:
            return
        time.sleep(0.05)


def _start(places: Places, fees: str) -> Hold:
    """Start a server in a session of its own, so that Ctrl-C at this command does not reach it."""
    places.control.unlink(missing_ok=True)
    words = ["serve", "--rehearsal", "--port", "0", "--store", f"sqlite:///{places.store}", "--linger", LINGER]
    words += ["--control-file", str(places.control), *(["--fees", _fees(fees)] if fees else [])]
    with places.log.open("ab") as log:
        process = subprocess.Popen(
            command(*words),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
    _wait_for_line(process)
    hold = attach(places.control)
    if hold is None:
        process.terminate()
        process.wait()
        raise EndpointError("the embedded marketplace did not start", f"Its log: {places.log}\n{_tail(places.log)}")
    return hold


def _fees(name: str) -> str:
    """A dated table by the marketplace's name for it."""
    return "mturk" if name.startswith("mturk") else name


def command(*words: str) -> list[str]:
    """The marketplace's own command line."""
    return [sys.executable, "-m", "turkform.marketplace", *words]


def _wait_for_line(process: subprocess.Popen[bytes]) -> None:
    """Return when the server has said that it answers, or has ended, or has taken too long."""
    assert process.stdout is not None
    deadline, said = time.monotonic() + _START, b""
    with process.stdout as pipe:
        while b"\n" not in said and time.monotonic() < deadline:
            if select.select([pipe], [], [], 0.2)[0]:
                part = os.read(pipe.fileno(), 4096)
                if not part:
                    return
                said += part


def _tail(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(lines[-8:])


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Alone with this folder's server; the lock dies with its process."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
