"""A server that is about to end takes nobody on, and leaves its successor's control file alone."""

from __future__ import annotations

import asyncio
import json
import os
from typing import TYPE_CHECKING, Any, cast

import pytest

from turkform.marketplace.control import Control
from turkform.marketplace.process import _is_ours

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("ending", "status"), [(False, 200), (True, 503)])
def test_a_server_that_is_about_to_end_takes_no_control_connection(ending: bool, status: int) -> None:  # noqa: FBT001
    nothing = cast("Any", None)
    control = Control(nothing, nothing, linger=None, stop=lambda: None)
    if ending:
        control.let_go()
    assert asyncio.run(control.hold(nothing)).status_code == status


@pytest.mark.parametrize(
    ("content", "ours"),
    [(json.dumps({"pid": os.getpid()}), True), ('{"pid": 1}', False), ("", False), ("[]", False)],
    ids=["ours", "another's", "empty", "no object"],
)
def test_a_control_file_is_taken_away_by_the_process_it_names(content: str, ours: bool, tmp_path: Path) -> None:  # noqa: FBT001
    file = tmp_path / "server.json"
    file.write_text(content)
    assert _is_ours(file) is ours
