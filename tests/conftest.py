"""The option of a test run that says what marketplaces are kept in."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Without it, tests that are about stores run on both kinds, all others on SQLite."""
    parser.addoption(
        "--store", choices=("sqlite", "postgresql"), help="run all on this kind of store; postgresql with two processes"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Tell it to `marketplace_server`, also in the processes that pytest-xdist starts."""
    if config.getoption("--store"):
        os.environ["TURKFORM_TEST_STORE"] = config.getoption("--store")
