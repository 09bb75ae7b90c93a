"""Kill an apply at every point, in every trouble, and see that the next one puts everything right.

    python -m benchmarks.kill_matrix [--every N] [--chapter NAME] [--trouble NAME] [--jobs N] [--minutes N]

For each chapter of `tests/one_campaign.py` the points of an undisturbed run are counted: before and after every
write of the journal, every commit, every request and every answer. Then, for each trouble, a run is killed at
every N-th point (1 means all), and finished by ordinary commands. Counted from the marketplace's own tables: each
item has exactly one HIT, none was made in excess, money held and paid is no more than was approved; the plan
is empty, and the journal knows every outcome. The cases come in a fixed random order, so that those which fit into
--minutes are a fair sample of all.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from kill_points import Runner
from marketplace_server import running
from one_campaign import CHAPTERS, TROUBLES, Story, tell

ROOM = 160
"""Kilobytes by which the journal of a chapter grows, at most."""


def main() -> int:
    """Run the cases, print the table; 1 where one ends badly."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--every", type=int, default=1, help="every N-th point without trouble")
    parser.add_argument("--sparse", type=int, default=3, help="every N-th of those in each trouble")
    parser.add_argument("--chapter", action="append", choices=CHAPTERS)
    parser.add_argument("--trouble", action="append", choices=TROUBLES)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=1_000.0, help="begin no case after so many")
    options = parser.parse_args()
    began = time.monotonic()
    cases = []
    for chapter in options.chapter or CHAPTERS:
        points = _count(chapter)
        print(f"{chapter}: {points} points", flush=True)
        for number, trouble in enumerate(options.trouble or TROUBLES):
            step = options.every * (1 if trouble == "none" else options.sparse)
            last = ROOM if trouble == "a full disk" else points
            cases += [(chapter, trouble, point) for point in range(1 + number % step, last + 1, step)]
    random.Random(1).shuffle(cases)  # noqa: S311 - a fixed order
    until = began + 60 * options.minutes
    with multiprocessing.get_context("spawn").Pool(options.jobs) as pool:
        shares = [(cases[n :: options.jobs], until) for n in range(options.jobs)]
        results = pool.starmap(_some, shares, chunksize=1)
    counts = sum((Counter(run) for run, _ in results), Counter[tuple[str, str]]())
    bad = [line for _, lines in results for line in lines]
    print(f"\n| trouble | {' | '.join(CHAPTERS)} |\n|---|{'---|' * len(CHAPTERS)}")
    for trouble in TROUBLES:
        print(f"| {trouble} | {' | '.join(str(counts[chapter, trouble]) for chapter in CHAPTERS)} |")
    took = time.monotonic() - began
    print(f"\n{counts.total()} runs of {len(cases)} in {took:.0f} s, {len(bad)} ended badly")
    return 1 if bad else 0


def _count(chapter: str) -> int:
    with tempfile.TemporaryDirectory() as name, running(Path(name)) as server, Runner() as runner:
        story = Story(server, Path(name) / "marketplace.sqlite", runner, Path(name) / "story", chapter)
        story.begin()
        ended = story.run(*story.words)
        assert ended.code == 0, ended.err
        return len(ended.points)


def _some(cases: list[tuple[str, str, int]], until: float) -> tuple[list[tuple[str, str]], list[str]]:
    """Tell some cases, one after another, on a marketplace of their own; returns which were told, and what is wrong."""
    told, bad = [], []
    with tempfile.TemporaryDirectory() as name, running(Path(name)) as server, Runner() as runner:
        for number, (chapter, trouble, point) in enumerate(cases):
            if time.monotonic() > until:
                break
            story = Story(server, Path(name) / "marketplace.sqlite", runner, Path(name) / f"story-{number}", chapter)
            problems = tell(story, trouble, point)
            told.append((chapter, trouble))
            if problems:
                bad.append(f"{chapter}, {trouble}, point {point}: " + "\n    ".join(problems))
                print(bad[-1], flush=True)
            if number % 10 == 9:
                print(f"  {number + 1} of {len(cases)}", file=sys.stderr, flush=True)
    return told, bad


if __name__ == "__main__":
    sys.exit(main())
