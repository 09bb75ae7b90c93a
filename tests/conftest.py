"""What a whole run is given: the store of its marketplaces, Ctrl-C for the commands under test, and what many share."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
from postgres import postgres

from turkform.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from marketplace_server import Server


def pytest_addoption(parser: pytest.Parser) -> None:
    """Without it, tests that are about stores run on both kinds, all others on SQLite."""
    parser.addoption(
        "--store", choices=("sqlite", "postgresql"), help="run all on this kind of store; postgresql with two processes"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Tell it to `marketplace_server`, also in the processes that pytest-xdist starts.

    A shell that starts this in the background lets it ignore SIGINT, and every command that it starts would too.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if config.getoption("--store"):
        os.environ["TURKFORM_TEST_STORE"] = config.getoption("--store")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A rehearsal of a module's own; tests take requesters of their own where they would meet."""
    from marketplace_server import running  # after the store to run on is known

    with running(tmp_path_factory.mktemp("marketplace")) as found:
        yield found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a journal may lie."""
    return tmp_path / "journal.sqlite"


@pytest.fixture
def on_disk(path: Path) -> Iterator[Journal]:
    """A journal in a file."""
    with Journal.open(path, create=True, campaign="image-labels", environment="lab") as opened:
        yield opened


@pytest.fixture(params=["sqlite", "postgresql"])
def journal(request: pytest.FixtureRequest, path: Path) -> Iterator[Journal]:
    """A journal in whatever one can be kept in."""
    where = path if request.param == "sqlite" else postgres().database()
    with Journal.open(where, create=True, campaign="image-labels", environment="lab") as opened:
        yield opened
