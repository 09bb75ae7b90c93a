"""Kill `turkform review` at random, again and again, and count what the marketplace has paid in the end.

    python -m benchmarks.kill_reviews [--kills 100] [--answers 500] [--seed 1]

As `kill_often` does for publishing: a process is started, left alone for a random while after it has begun to send,
and killed with SIGKILL; the next one goes on, by the same file of decisions. Faults are on all the while. The clock of
the marketplace is moved by 25 hours twice, so that tokens are forgotten between two kills. In the end one review
is let finish, and the marketplace's own tables are counted: who was decided on otherwise, paid twice, or forgotten.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.kill_often import FAULTS, killed, query, run, write

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from marketplace_server import Server, running

if TYPE_CHECKING:
    from collections.abc import Mapping

_GAP = 90_000
"""Seconds, longer than tokens live."""


@dataclass(slots=True)
class Tally:
    """What came of it, by the marketplace's own tables."""

    kills: int = 0
    runs: int = 0
    twice: int = 0
    """Bonuses beyond those that were decided on."""
    forgotten: int = 0
    """Bonuses that were decided on and not paid."""
    otherwise: int = 0
    """Assignments that are not as they were decided on."""
    bonuses: int = 0
    cents: int = 0
    """Paid as bonuses, without fees."""
    wanted: int = 0
    """Cents that were to be paid so."""
    left: int = 0
    """Calls in the journal whose outcome is not known."""
    empty: bool = False
    """A review after it has nothing to do."""
    faults: dict[str, int] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        """Nobody paid twice, nobody forgotten, everybody decided on as was said."""
        return not (self.twice + self.forgotten + self.otherwise + self.left) and self.empty


def kill_reviews(folder: Path, *, kills: int, answers: int, seed: int) -> Tally:
    """Decide on so many answers in spite of so many kills."""
    chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
    folder.mkdir(exist_ok=True)
    tally = Tally()
    with running(folder) as server:
        campaign = write(folder / "campaign", server, answers)
        assert run(campaign, "apply", "--auto-approve").returncode == 0
        wanted = _hand_in(campaign, server)
        words = ("review", "--decisions", str(campaign / "decisions.csv"))
        faults = [*FAULTS, f"seed={seed}"]
        server.control("faults", faults=faults)
        rate = max(20.0, 0.8 * answers / max(1, kills) / 0.2)  # what is left must outlast the kills
        while tally.kills < kills:
            tally.runs += 1
            if not killed(campaign, chance, rate, *words):
                break
            tally.kills += 1
            if tally.kills in {kills // 3, 2 * kills // 3}:
                server.control("clock", advance_seconds=_GAP)  # twice: after three days answers approve themselves
            if tally.kills % 10 == 0:
                print(f"  {tally.kills} kills", file=sys.stderr, flush=True)
        last = run(campaign, *words, "--auto-approve")
        while last.returncode not in {0, 3}:
            server.control("clock", advance_seconds=61)
            tally.runs += 1
            last = run(campaign, *words, "--auto-approve")
        tally.faults = server.control("faults")["counts"]
        server.control("faults", faults=[])
        server.control("clock", advance_seconds=61)
        after = run(campaign, *words, "--auto-approve", "--json")
        tally.runs += 2
        tally.empty = after.returncode == 0 and not json.loads(after.stdout)["done"]
    _count(tally, folder / "marketplace.sqlite", wanted)
    [(tally.left,)] = query(campaign / "journal.sqlite", "SELECT count(*) FROM calls WHERE settled IS NULL")
    return tally


def _hand_in(campaign: Path, server: Server) -> dict[str, tuple[str, list[int]]]:
    """Answer every item, and write what is to become of it; returns assignment → status and bonuses."""
    log = json.loads(run(campaign, "log", "--json").stdout)
    hits = [call["object_id"] for call in log["calls"] if call["operation"] == "CreateHITWithHITType"]
    wanted: dict[str, tuple[str, list[int]]] = {}
    rows = ["AssignmentId,decision,feedback,bonus,bonus_reason"]
    for number, hit in enumerate(hits):
        worker = f"A{number % 41}WORKER"
        body = {"hit": hit, "worker": worker, "answers": {"answer": "x"}}
        key = str(server.control("worker/submit", **body)["assignment_id"])
        rejected, bonuses = number % 10 == 0, {0: [5], 5: [10, 20]}.get(number % 20, [])
        wanted[key] = ("Rejected" if rejected else "Approved", bonuses)
        decision = "reject" if rejected else "approve"
        rows += [f"{key},{decision},As it is,0.{cents:02d},For {cents}" for cents in bonuses]
        rows += [] if bonuses else [f"{key},{decision},As it is,,"]
    (campaign / "decisions.csv").write_text("\n".join(rows) + "\n")
    return wanted


def _count(tally: Tally, store: Path, wanted: Mapping[str, tuple[str, list[int]]]) -> None:
    """Hold the marketplace's tables against what was decided."""
    statuses = dict(query(store, "SELECT id, status FROM assignments"))
    paid: dict[str, Counter[int]] = {}
    for assignment, cents in query(store, "SELECT assignment, amount FROM bonuses"):
        paid.setdefault(assignment, Counter())[cents] += 1
    tally.bonuses = sum(found.total() for found in paid.values())
    tally.cents = sum(cents * count for found in paid.values() for cents, count in found.items())
    for key, (status, bonuses) in wanted.items():
        found, due = paid.get(key, Counter()), Counter(bonuses)
        tally.otherwise += statuses[key] != status
        tally.twice += (found - due).total()
        tally.forgotten += (due - found).total()
        tally.wanted += sum(bonuses)


def main() -> int:
    """Do it, and print what came of it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--answers", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        tally = kill_reviews(Path(name), kills=options.kills, answers=options.answers, seed=options.seed)
    seconds = time.monotonic() - began
    print(f"{tally.kills} kills, {tally.runs} runs, {options.answers} answers, {seconds:.0f} s")
    print(f"paid twice {tally.twice}, forgotten {tally.forgotten}, decided otherwise {tally.otherwise}")
    print(f"{tally.bonuses} bonuses, {tally.cents} cents of {tally.wanted}; calls left open {tally.left}; "
          f"nothing left to do {tally.empty}")  # fmt: skip
    print(f"faults that struck: {tally.faults}")
    return 0 if tally.good else 1


if __name__ == "__main__":
    sys.exit(main())
