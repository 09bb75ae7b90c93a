"""How fast an account is read and planned against, and in how much memory; nothing has changed."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from benchmarks import campaign
from benchmarks.measure import PYTHON, TURKFORM, Row, endpoint, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.measure import Took


def _seeded(folder: Path, items: int) -> Path:
    """A campaign of so many items, all of them published; made once a run."""
    here = folder / f"seeded-{items}"
    if not here.exists():
        campaign.write(here, "http://127.0.0.1:1", items)
        campaign.seed(here)
    return here


def _plan(here: Path, url: str) -> Took:
    campaign.point(here, url)
    return run(TURKFORM, "-C", str(here), "--env", "bench", "plan", "--detailed-exitcode")


def against_a_listing(folder: Path) -> Iterator[Row]:
    """Plan without changes, beside a bare boto3 loop over ListHITs."""
    for items in (20_000, 100_000):
        here = _seeded(folder, items)
        for delay, after, reach in ((0.0, "pages at once", 0.5), (0.05, "pages after 50 ms", 1.0)):
            with endpoint(["--account", str(here / "account"), "--delay", str(delay)]) as url:
                theirs, ours = run(PYTHON, "-m", "benchmarks.bare", "list", url), _plan(here, url)
            yield Row(
                f"plan {items:,} items, {after}",
                f"{ours.wall:.1f} s; {ours.cpu:.1f} s CPU; {ours.peak:.0f} MB",
                f"boto3 reading the list: {theirs.wall:.1f} s; {theirs.cpu:.1f} s CPU",
                f"{ours.wall / theirs.wall:.2f} x (CPU {ours.cpu / theirs.cpu:.2f} x)",
                f"≤ {reach} x",
            )


def of_a_million(folder: Path) -> Iterator[Row]:
    """Plan a million items against a million HITs, beside a tenth of both."""
    took = []
    for items in (100_000, 1_000_000):
        here = _seeded(folder, items)
        with endpoint(["--account", str(here / "account")]) as url:
            took.append(_plan(here, url))
        shutil.rmtree(here)
    tenth, whole = took
    yield Row(
        "plan 1,000,000 items against 1,000,000 HITs",
        f"{whole.wall:.0f} s; {whole.cpu:.0f} s CPU; {whole.peak:.0f} MB",
        f"100,000 of each: {tenth.wall:.1f} s; {tenth.cpu:.1f} s CPU; {tenth.peak:.0f} MB",
        f"{whole.wall / tenth.wall:.1f} x (CPU {whole.cpu / tenth.cpu:.1f} x)",
        "≤ 11 x, < 300 MB",
    )
