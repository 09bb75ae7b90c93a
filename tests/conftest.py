"""What a whole run is given: the store that marketplaces are kept in, and Ctrl-C for the commands under test."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


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
