"""How fast items are published: the whole command, from its start to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import campaign
from benchmarks.measure import PYTHON, TURKFORM, Row, endpoint, figures, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ITEMS = 10_000
SERIAL = 200


def against_a_pool(folder: Path) -> Iterator[Row]:
    """Publish 10,000 HITs with 64 calls in flight, beside a bare boto3 pool of as many threads."""
    for delay, reach in ((0.0, 1.5), (0.05, 1.4)):
        options = ["--delay", str(delay)]
        with endpoint(options) as url:
            theirs = run(PYTHON, "-m", "benchmarks.bare", "pool", url, str(ITEMS))
        with endpoint(options) as url:
            here = folder / f"publish-{delay}"
            campaign.write(here, url, ITEMS)
            ours = run(TURKFORM, "-C", str(here), "--env", "bench", "apply", "--auto-approve")
            assert figures(url)["hits"] == ITEMS
        after = f"answers after {delay * 1000:.0f} ms" if delay else "answers at once"
        yield Row(
            f"publish {ITEMS:,} HITs, {after}", f"{ITEMS / ours.wall:,.0f}/s, {ours.cpu:.1f} s CPU",
            f"boto3, 64 threads: {ITEMS / theirs.wall:,.0f}/s, {theirs.cpu:.1f} s CPU",
            f"{theirs.wall / ours.wall:.2f} x", f"≥ {reach} x",
        )  # fmt: skip
    with endpoint(options) as url:
        serial = run(PYTHON, "-m", "benchmarks.bare", "serial", url, str(SERIAL))
    rate = SERIAL / serial.wall
    yield Row(
        f"the same {after}", f"{ITEMS / ours.wall:,.0f}/s", f"boto3, one call after the other: {rate:.1f}/s",
        f"{ITEMS / ours.wall / rate:.0f} x", "≥ 25 x",
    )  # fmt: skip
