"""Processes, and what they took."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PYTHON = sys.executable
TURKFORM = str(Path(PYTHON).with_name("turkform"))
_KEYED = {**os.environ, "AWS_ACCESS_KEY_ID": "BENCHMARK", "AWS_SECRET_ACCESS_KEY": "secret"}
"""Keys as scripts and build machines are given them: in the environment."""


class Took(NamedTuple):
    """What a process took: seconds by the clock and of the processor, and megabytes at its peak."""

    wall: float
    cpu: float
    peak: float

    def __str__(self) -> str:
        return f"{self.wall:.2f} s ({self.cpu:.2f} s CPU)"


class Row(NamedTuple):
    """A line of the table."""

    what: str
    ours: str
    reference: str
    ratio: str
    reach: str


def run(*command: str, cwd: str | None = None) -> Took:
    """Run a command to its end; it must succeed."""
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=cwd, env=_KEYED) as process:
        assert process.stdout is not None
        said = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{said.decode()}")
    return Took(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def best(tries: int, *command: str) -> Took:
    """The fastest of several runs: what disturbs a run only ever makes it slower."""
    return min(run(*command) for _ in range(tries))


@contextmanager
def endpoint(options: Sequence[str] = ()) -> Iterator[str]:
    """An endpoint in another process, gone afterwards."""
    with subprocess.Popen(
        [PYTHON, "-m", "benchmarks.endpoint", *options], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def figures(url: str) -> dict[str, Any]:
    """What an endpoint has seen."""
    with urllib.request.urlopen(f"{url}/figures") as answer:  # noqa: S310 - our own, on loopback
        found: dict[str, Any] = json.load(answer)
    return found
