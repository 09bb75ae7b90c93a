"""How fast items are published: the whole command, from its start to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import campaign
from benchmarks.measure import PYTHON, TURKFORM, Row, endpoint, figures, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.measure import Took

ITEMS = 10_000
LIMITED = 20_000
LIMIT = 400
SERIAL = 200
DELAYS = ((0.0, "answers at once", 1.5), (0.05, "answers after 50 ms", 1.4))


def _apply(folder: Path, delay: float, *command: str) -> Took:
    """Publish everything with `command` in the place of turkform."""
    with endpoint(["--delay", str(delay)]) as url:
        campaign.write(folder, url, ITEMS)
        took = run(*command, "-C", str(folder), "--env", "bench", "apply", "--auto-approve")
        assert figures(url)["hits"] == ITEMS
    return took


def _bare(what: str, delay: float, count: int) -> Took:
    with endpoint(["--delay", str(delay)]) as url:
        return run(PYTHON, "-m", "benchmarks.bare", what, url, str(count))


def against_boto3(folder: Path) -> Iterator[Row]:
    """Publish 10,000 HITs with 64 calls in flight, beside a bare boto3 pool of as many threads, and a loop."""
    for delay, after, reach in DELAYS:
        theirs, ours = _bare("pool", delay, ITEMS), _apply(folder / f"publish-{delay}", delay, TURKFORM)
        yield Row(
            f"publish {ITEMS:,} HITs, {after}",
            f"{ITEMS / ours.wall:,.0f}/s; {ours.cpu:.1f} s CPU",
            f"boto3, 64 threads: {ITEMS / theirs.wall:,.0f}/s; {theirs.cpu:.1f} s CPU",
            f"{theirs.wall / ours.wall:.2f} x (CPU {theirs.cpu / ours.cpu:.2f} x)",
            f"≥ {reach} x",
        )
    rate, serial = ITEMS / ours.wall, SERIAL / _bare("serial", delay, SERIAL).wall
    yield Row(
        f"the same, {after}",
        f"{rate:,.0f}/s",
        f"boto3, one call after the other: {serial:.1f}/s",
        f"{rate / serial:.0f} x",
        "≥ 25 x",
    )


def journal(folder: Path) -> Iterator[Row]:
    """What the journal takes of that rate."""
    for delay, after, _ in DELAYS:
        without = _apply(folder / f"without-{delay}", delay, PYTHON, "-m", "benchmarks.unjournalled")
        ours = _apply(folder / f"with-{delay}", delay, TURKFORM)
        yield Row(
            f"the journal's share, {after}",
            f"{ITEMS / ours.wall:,.0f}/s; {ours.cpu:.1f} s CPU",
            f"without a journal: {ITEMS / without.wall:,.0f}/s; {without.cpu:.1f} s CPU",
            f"{1 - without.wall / ours.wall:.0%} (CPU {1 - without.cpu / ours.cpu:.0%})",
            "≤ 10 %",
        )


def under_a_limit(folder: Path) -> Iterator[Row]:
    """Publish 20,000 HITs where a token bucket refuses what is too fast; the second half of the run."""
    with endpoint(["--limit", str(LIMIT), "--delay", "0.02"]) as url:
        campaign.write(folder / "limit", url, LIMITED)
        run(TURKFORM, "-C", str(folder / "limit"), "--env", "bench", "apply", "--auto-approve")
        seen = figures(url)
    half = seen["taken"][len(seen["taken"]) // 2 :]
    rate = len(half) / (half[-1] - half[0])
    refused = sum(at >= half[0] for at in seen["refused"]) / len(half)
    yield Row(
        f"publish {LIMITED:,} under a limit, second half",
        f"{rate:.0f}/s, {refused:.1%} refused",
        f"the limit: {LIMIT}/s",
        f"{rate / LIMIT:.3f}",
        "≥ 0.97, < 2 % refused",
    )
