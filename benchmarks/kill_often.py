"""Kill the real command at random, again and again, over one batch, and count what the marketplace has in the end.

    python -m benchmarks.kill_often [--kills 200] [--items 2000] [--seed 1]

A process of `turkform apply` is started, left alone for a random while after it has begun to publish, and killed
with SIGKILL; the next one goes on. Faults are on all the while: lost requests, lost answers, repeated requests,
errors, throttling, lists that lag. The batch is so large, and the pace so slow, that every kill meets an apply at
work. In the end one apply is let finish, and the marketplace's own tables are counted.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from marketplace_server import Server, running

FAULTS = ("lost-request=0.01", "lost-answer=0.01", "duplicate=0.01", "error=0.01", "stale-list=30s", "throttle=400/s")
TURKFORM = [sys.executable, "-c", "from turkform.cli import main; main()"]
_TERMS = {"title": "T", "description": "D", "reward": "0.05", "assignment_duration": "10m", "auto_approval_delay": "3d"}


@dataclass(frozen=True, slots=True)
class Tally:
    """What came of it, by the marketplace's own tables."""

    kills: int
    runs: int
    duplicates: int
    missing: int
    made: int
    """HITs there ever were."""
    held: int
    """Cents held for them."""
    approved: int
    """Cents the plan was approved at."""
    left: int
    """Calls in the journal whose outcome is not known."""
    empty: bool
    """The plan after it has nothing to do."""
    faults: dict[str, int]

    @property
    def good(self) -> bool:
        """Each item exactly once, at no more than its price."""
        wrong = self.duplicates + self.missing + self.left
        return not wrong and self.empty and self.held <= self.approved


def kill_often(folder: Path, *, kills: int, items: int, seed: int) -> Tally:
    """Publish so many items in spite of so many kills."""
    chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
    folder.mkdir(exist_ok=True)
    faults = [word for fault in (*FAULTS, f"seed={seed}") for word in ("--fault", fault)]
    with running(folder, *faults) as server:
        campaign = write(folder / "campaign", server, items)
        store = folder / "marketplace.sqlite"
        plan = json.loads(run(campaign, "plan", "--json").stdout)
        done = runs = 0
        rate = max(20.0, items / max(1, kills) / 0.2)  # what is left must outlast the kills
        ended = False
        while done < kills and not ended:
            runs += 1
            ended = not killed(campaign, chance, rate)
            done += not ended
            if done % 20 == 0:
                print(f"  {done} kills", file=sys.stderr, flush=True)
        last = run(campaign, "apply", "--auto-approve")
        while last.returncode not in {0, 3}:
            server.control("clock", advance_seconds=61)
            runs += 1
            last = run(campaign, "apply", "--auto-approve")
        server.control("clock", advance_seconds=61)
        after = run(campaign, "apply", "--auto-approve", "--json")
        struck = server.control("faults")["counts"]
        server.control("faults", faults=[])
        empty = run(campaign, "plan", "--detailed-exitcode").returncode == 0 and after.returncode == 0
    found = Counter(text.split("#")[0] for (text,) in query(store, "SELECT annotation FROM hits WHERE disposed = 0"))
    [(made,)] = query(store, "SELECT count(*) FROM hits")
    [(held,)] = query(store, "SELECT sum(held) FROM requesters")
    [(left,)] = query(campaign / "journal.sqlite", "SELECT count(*) FROM calls WHERE settled IS NULL")
    approved = round(100 * float(plan["price"]["total"]))
    doubles = sum(count - 1 for count in found.values())
    return Tally(done, runs + 2, doubles, items - len(found), made, held, approved, left, empty, struck)


def killed(campaign: Path, chance: random.Random, rate: float, *words: str) -> bool:
    """Start an apply, or these words, and kill it a while after it has begun to send; False where it had ended."""
    before = sent(campaign)
    with subprocess.Popen(
        [*TURKFORM, "-C", str(campaign), *(words or ("apply",)), "--auto-approve", "--rate", f"{rate:g}"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environ(),
    ) as process:  # fmt: skip
        while sent(campaign) == before:
            if process.poll() is not None:
                return False
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.3))
        process.send_signal(signal.SIGKILL)
        return process.wait() == -signal.SIGKILL


def sent(campaign: Path) -> int:
    """Calls in the journal."""
    path = campaign / "journal.sqlite"
    try:
        return int(query(path, "SELECT coalesce(max(id), 0) FROM calls")[0][0])
    except sqlite3.OperationalError:  # not there yet
        return 0


def query(path: Path, text: str) -> list[Any]:
    """Rows of a SQLite file that others write in."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=20)) as connection:
        return connection.execute(text).fetchall()


def run(campaign: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The command, to its end."""
    command = [*TURKFORM, "-C", str(campaign), *words]
    return subprocess.run(command, capture_output=True, text=True, env=environ(), check=False)


def environ() -> dict[str, str]:
    """A requester of its own."""
    import os

    return {**os.environ, "AWS_ACCESS_KEY_ID": "OFTEN", "AWS_SECRET_ACCESS_KEY": "secret", "TURKFORM_ENV": "lab"}


def write(campaign: Path, server: Server, items: int) -> Path:
    """A campaign of so many items, each for one worker."""
    campaign.mkdir()
    (campaign / "page.html").write_text("<p>${text}</p><p><input name='answer'></p>")
    (campaign / "items.csv").write_text("id,text\n" + "".join(f"i{n},number {n}\n" for n in range(items)))
    batch = {"hit_type": "label", "question": {"html": "page.html"}, "items": "items.csv", "key": "id"}
    document = {
        "turkform": 1,
        "campaign": "often",
        "environments": {"lab": {"endpoint": server.url, "journal": "journal.sqlite"}},
        "hit_types": {"label": _TERMS},
        "batches": {"pilot": {**batch, "assignments": 1, "lifetime": "7d"}},
    }
    (campaign / "campaign.yaml").write_text(json.dumps(document))
    return campaign


def main() -> int:
    """Do it, and print what came of it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--items", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        tally = kill_often(Path(name), kills=options.kills, items=options.items, seed=options.seed)
    print(f"{tally.kills} kills, {tally.runs} runs, {options.items} items, {time.monotonic() - began:.0f} s")
    print(f"duplicates {tally.duplicates}, missing {tally.missing}, HITs ever made {tally.made}")
    print(f"cents held {tally.held}, approved {tally.approved}; calls left open {tally.left}; plan empty {tally.empty}")
    print(f"faults that struck: {tally.faults}")
    return 0 if tally.good else 1


if __name__ == "__main__":
    sys.exit(main())
