"""What grows with a batch: the calls that its pages take, and little memory. Never a time."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

import pytest

from benchmarks import campaign
from benchmarks.measure import endpoint, figures

if TYPE_CHECKING:
    from pathlib import Path

PLAN = """
import sys
from turkform.cli import run
code = run(["-C", sys.argv[1], "--env", "bench", "plan", "--detailed-exitcode"])
print(open("/proc/self/status").read())
sys.exit(code)
"""
PAGE = 100


class Planned(NamedTuple):
    """What a plan without changes took: calls, and kilobytes at its peak."""

    calls: int
    peak: int


def plan(folder: Path, items: int) -> Planned:
    """Plan a batch of which every item is published, in a process of its own."""
    campaign.write(folder, "http://127.0.0.1:1", items)
    campaign.seed(folder)
    with endpoint(["--account", str(folder / "account")]) as url:
        campaign.point(folder, url)
        ended = subprocess.run([sys.executable, "-c", PLAN, str(folder)], capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stderr
        assert "nothing to do" in ended.stdout
        peak = re.search(r"VmHWM:\s*(\d+) kB", ended.stdout)
        assert peak
        return Planned(figures(url)["calls"], int(peak[1]))


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Planned:
    return plan(tmp_path_factory.mktemp("few"), 2_000)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Planned:
    return plan(tmp_path_factory.mktemp("many"), 20_000)


def test_ten_times_the_items_take_one_call_more_for_each_hundred(few: Planned, many: Planned) -> None:
    assert many.calls - few.calls == 18_000 // PAGE


def test_ten_times_the_items_take_few_bytes_more_for_each(few: Planned, many: Planned) -> None:
    """Both sides and the journal's, with room for what an allocator takes in steps."""
    assert (many.peak - few.peak) * 1024 / 18_000 < 500
