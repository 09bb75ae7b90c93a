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
from typing import TYPE_CHECKING, Any

from postgres import postgres

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
        import boto3
        from botocore.config import Config

        return boto3.client(
            "mturk",
            region_name="us-east-1",
            endpoint_url=self.url,
            aws_access_key_id=access_key,
            aws_secret_access_key="secret",
            config=Config(retries={"total_max_attempts": 1}, parameter_validation=checked),
        )


STORES = ("sqlite", "postgresql")
"""What a marketplace can be kept in: the parameters of a fixture, so that its tests run on both."""


def store_url(kind: str, folder: Path) -> str:
    """The address of a new store of this kind."""
    return f"sqlite:///{folder / 'marketplace.sqlite'}" if kind == "sqlite" else postgres().database()


@contextmanager
def running(folder: Path, *options: str, store: str = "sqlite") -> Iterator[Server]:
    """A rehearsal marketplace on a new store: `sqlite`, in `folder`, or `postgresql`; or one with this address."""
    control = folder / "server.json"
    command = [
        sys.executable, "-m", "turkform.marketplace", "serve", "--rehearsal", "--port", "0",
        "--store", store_url(store, folder) if store in STORES else store, "--control-file", str(control), *options,
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("serving "), line
        found = json.loads(control.read_text())
        try:
            yield Server(found["url"], found["token"])
        finally:
            os.kill(process.pid, signal.SIGTERM)
            process.wait(20)
