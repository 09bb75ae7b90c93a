"""A campaign that does everything an apply can do, in chapters, each with a requester of its own.

    publish   a record, qualification types, grants, a block, terms, four batches
    change    edits that replace, move, extend, prolong, create, retire, re-key, grant, revoke, unblock and delete
    retire    `destroy`
    close     `close --all`
    review    a file that approves, rejects, overturns and pays bonuses

In: a marketplace. Out: commands to run, and what the marketplace's own tables then hold of it.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import sqlite3
import threading
from collections import Counter
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from turkform.journal import Journal
from turkform.ledger import JournalMissingError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kill_points import Ended, Runner
    from marketplace_server import Server

CHAPTERS = ("publish", "change", "retire", "close", "review")
MADE = {"publish": 9, "change": 12, "retire": 9, "close": 9, "review": 9}
"""HITs a chapter needs, with all that went before."""
_NUMBERS = itertools.count(1)
_PAGE = "<p>${text}</p><p><input name='answer'></p>"
_DATA = {
    "swap": {"s1": "one", "s2": "two"},
    "terms": {"t1": "one", "t2": "two"},
    "more": {"m1": "one", "m2": "two"},
    "rows": {"r1": "one", "r2": "two", "r3": "three"},
}


def _campaign(name: str, url: str, *, changed: bool) -> dict[str, Any]:
    """The campaign file; JSON is YAML."""
    terms = {"title": "T", "description": "D", "assignment_duration": "10m", "auto_approval_delay": "3d"}

    def batch(data: str, hit_type: str, page: str = "page.html", **more: Any) -> dict[str, Any]:
        named = {"hit_type": hit_type, "question": {"html": page}, "items": f"{data}.csv", "key": "id"}
        return {**named, "assignments": 2, "lifetime": "7d", **more}

    types = {
        "trained": {
            "name": f"Trained {name}",
            "description": "Passed twice." if changed else "Passed.",
            "workers": {"A1GOOD": 95, "A3NEW": 70} if changed else {"A1GOOD": 90, "A2GONE": 80},
        },
        **({} if changed else {"spare": {"name": f"Spare {name}", "description": "Not needed for long."}}),
    }
    guarded = {"requirements": [{"qualification": "trained", "at_least": 50}]}
    return {
        "turkform": 1,
        "campaign": name,
        "environments": {"lab": {"endpoint": url, "journal": "${env:JOURNAL}", "concurrency": 4}},
        "qualification_types": types,
        "hit_types": {
            "plain": {**terms, "reward": "0.10"},
            "paid": {**terms, "title": "P", "reward": "0.20" if changed else "0.10", **guarded},
        },
        "batches": {
            "swap": batch("swap", "plain", "edited.html" if changed else "page.html"),
            "terms": batch("terms", "paid"),
            "more": batch("more", "plain", assignments=3, lifetime="9d") if changed else batch("more", "plain"),
            "rows": batch("rows", "plain"),
        },
        "blocks": {"A5BAD": "Random answers"} if changed else {"A4BAD": "Random answers"},
        "policies": {"max_deletes": "100%", "max_rekey": "100%"},
    }


@dataclass
class Story:
    """One requester's campaign, told up to its chapter, with the next command still to run."""

    server: Server
    store: Path
    runner: Runner
    folder: Path
    chapter: str
    name: str = field(default_factory=lambda: f"story-{os.getpid()}-{next(_NUMBERS)}")
    price: int = 0
    """Cents that were approved in all."""
    database: str = ""
    """The URL of its journal, where that is on PostgreSQL."""
    keys: set[tuple[str, str]] = field(default_factory=set)
    """Batch and key, as in their markers, of the items that are to have a HIT."""
    decided: dict[str, tuple[str, list[int]]] = field(default_factory=dict)
    """Assignment → the status it is to have, and the bonuses it is to be paid, in cents."""

    def begin(self) -> None:
        """Write the files, and run what goes before the chapter without trouble."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._write(changed=False)
        if self.chapter != "publish":
            ended = self.run("apply", "--auto-approve")
            assert ended.code == 0, ended.err
            self.price = self.held()
        if self.chapter == "change":
            self._write(changed=True)
        if self.chapter == "review":
            self._hand_in()
            self.price = self.held() + round(100 * float(self.plan()["price"]["total"]))
        if self.chapter in {"publish", "change"}:
            self.price += round(100 * float(self.plan()["price"]["total"]))

    def _write(self, *, changed: bool) -> None:
        data = dict(_DATA)
        if changed:
            data["rows"] = {"r9": "one", "r2": "two", "r4": "four"}  # r1 goes by another key, r3 is gone, r4 is new
        for name, rows in data.items():
            text = "id,text\n" + "".join(f"{key},{value}\n" for key, value in rows.items())
            (self.folder / f"{name}.csv").write_text(text)
        self.keys = {(name, "r1" if key == "r9" else key) for name, rows in data.items() for key in rows}
        (self.folder / "page.html").write_text(_PAGE)
        (self.folder / "edited.html").write_text(_PAGE.replace("<p>", "<h1>Read</h1><p>", 1))
        document = _campaign(self.name, self.server.url, changed=changed)
        (self.folder / "campaign.yaml").write_text(json.dumps(document, indent=1))

    def _hand_in(self) -> None:
        """Let two workers do everything, reject one answer, and write what is to become of all of them."""
        client = self.server.client(self.key)
        made = [
            str(self.server.control("worker/submit", hit=hit, worker=worker, answers={"answer": "x"})["assignment_id"])
            for hit in sorted(self.ids())
            for worker in ("A1GOOD", "A2GONE")
        ]
        client.reject_assignment(AssignmentId=made[0], RequesterFeedback="too soon")
        wanted = {
            made[0]: ("overturn", "Approved", [7]),
            made[1]: ("reject", "Rejected", []),
            made[2]: ("reject", "Rejected", [5]),
            made[3]: ("", "Submitted", [20, 30]),
            **{key: ("approve", "Approved", [10] if n % 2 else []) for n, key in enumerate(made[4:12])},
        }
        rows = ["AssignmentId,decision,feedback,bonus,bonus_reason"]
        for key, (decision, status, bonuses) in wanted.items():
            rows += [f"{key},{decision},As it is,0.{cents:02d},For {cents}" for cents in bonuses]
            rows += [] if bonuses else [f"{key},{decision},As it is,,"]
            self.decided[key] = (status, bonuses)
        self.decided |= {key: ("Submitted", []) for key in made[12:]}
        (self.folder / "decisions.csv").write_text("\n".join(rows) + "\n")

    # --- commands ---------------------------------------------------------------------------------

    @property
    def key(self) -> str:
        """The access key that names the requester."""
        return self.name.upper().replace("-", "")

    @property
    def environ(self) -> dict[str, str]:
        """Credentials of a requester of its own; nothing of this machine's."""
        journal = self.database or "journal.sqlite"
        return {
            "AWS_ACCESS_KEY_ID": self.key, "AWS_SECRET_ACCESS_KEY": "secret", "NO_COLOR": "1", "JOURNAL": journal,
        }  # fmt: skip

    def run(self, *words: str, **what: Any) -> Ended:
        """One command of this campaign."""
        return self.runner.run("-C", self.folder, "--env", "lab", *words, environ=self.environ, **what)

    @property
    def words(self) -> tuple[str, ...]:
        """The chapter's command."""
        return {
            "retire": ("destroy", "--auto-approve"),
            "close": ("close", "--all"),
            "review": (*self._reviewing, "--auto-approve"),
        }.get(self.chapter, ("apply", "--auto-approve"))

    @property
    def _reviewing(self) -> tuple[str, ...]:
        return ("review", "--decisions", str(self.folder / "decisions.csv"))

    def plan(self, **what: Any) -> dict[str, Any]:
        """What is still to do, as a plan document."""
        review = (*self._reviewing, "-o", str(self.folder / "plan.json"))
        ended = self.run(*(review if self.chapter == "review" else ("plan",)), "--json", **what)
        assert ended.code in {0, 2, 3}, ended.err
        found: dict[str, Any] = json.loads(ended.out)
        return found

    # --- what the marketplace itself knows --------------------------------------------------------

    def _query(self, text: str) -> list[Any]:
        with closing(sqlite3.connect(self.store, timeout=20)) as connection:
            requester = "(SELECT id FROM requesters WHERE access_key = ?)"
            return connection.execute(text.replace("REQUESTER", requester), (self.key,)).fetchall()

    def live(self) -> Counter[tuple[str, str]]:
        """Batch and key → how many HITs of it are there, by their markers."""
        rows = self._query("SELECT annotation FROM hits WHERE disposed = 0 AND requester = REQUESTER")
        return Counter(tuple(text.split("#")[0].split("/")[1:3]) for (text,) in rows)

    def open(self) -> int:
        """How many HITs workers could still take."""
        now = datetime.fromisoformat(self.server.control("clock")["now"]).timestamp()
        rows = self._query("SELECT expires FROM hits WHERE disposed = 0 AND requester = REQUESTER")
        return sum(end > now for (end,) in rows)

    def ids(self) -> list[str]:
        """The HITs that are there."""
        return [row[0] for row in self._query("SELECT id FROM hits WHERE disposed = 0 AND requester = REQUESTER")]

    def made(self) -> int:
        """How many HITs there ever were."""
        return int(self._query("SELECT count(*) FROM hits WHERE requester = REQUESTER")[0][0])

    def held(self) -> int:
        """Cents held and paid."""
        rows = self._query("SELECT 1000000 - balance + held FROM requesters WHERE id = REQUESTER")
        return int(rows[0][0]) if rows else 0

    # --- its end ----------------------------------------------------------------------------------

    def journal(self) -> list[Path]:
        """The files of the journal."""
        return sorted(self.folder.glob("journal.sqlite*"))

    @contextmanager
    def opened(self) -> Iterator[Journal]:
        """The journal, to be read."""
        where = self.database or self.folder / "journal.sqlite"
        with Journal.open(where, create=False, campaign=self.name, environment="lab") as journal:
            yield journal

    def open_calls(self) -> int:
        """Calls in the journal whose outcome is not known."""
        try:
            with self.opened() as journal:
                return len(journal.open_intents())
        except JournalMissingError:
            return 0

    def play(self, chance: random.Random) -> None:
        """A worker does something with one of the HITs."""
        hits = self.ids()
        if hits:
            action = chance.choice(("accept", "submit", "submit", "return"))
            answers = {"answers": {"answer": "x"}} if action == "submit" else {}
            with suppress(OSError):  # refused: has had it, not qualified, expired
                self.server.control(f"worker/{action}", hit=chance.choice(hits), worker="A1GOOD", **answers)

    def finish(self, *, waits: bool = False, **what: Any) -> list[str]:
        """Go on until nothing is left to do, and say what is wrong then; `what` befalls the first command.

        `waits` where work on HITs may hold something up for good.
        """
        said = []
        for _ in range(6):
            ended = self.run(*self.words, **what)
            said.append(f"{ended.code} {ended.err.strip()}")
            if ended.code == 3 and "recover --new-journal" in ended.err + ended.out:
                self.run("recover", "--new-journal", "--unvouched", "publish")
            if self._done(ended, waits=waits):
                break
            what = {}
            self.server.control("clock", advance_seconds=61)
        else:
            return ["it never came to an end: " + " | ".join(said)]
        problems = self._problems(waits=waits)
        return [*problems, *said] if problems else []

    def _done(self, ended: Ended, *, waits: bool) -> bool:
        if self.chapter == "close":
            return ended.code == 0
        if self.chapter == "retire":
            again = self.run("destroy", "--auto-approve", "--json")
            return again.code == 0 and not json.loads(again.out)["done"] and not self.open_calls()
        left = [step for step in self.plan()["steps"] if not (waits and step["action"] == "wait")]
        return not left and not self.open_calls()

    def _problems(self, *, waits: bool) -> list[str]:
        """What the marketplace's tables show that must not be."""
        live, problems = self.live(), list(self._undecided())
        if self.chapter in {"publish", "change"}:
            problems += [f"{key} has {live[key]} HITs" for key in sorted(self.keys) if live[key] != 1]
        if not waits and set(live) - (set() if self.chapter == "retire" else self.keys):
            problems.append(f"{dict(live)} are there")
        if self.chapter in {"retire", "close"} and self.open():
            problems.append(f"{self.open()} HITs are open")
        if self.made() > MADE[self.chapter]:
            problems.append(f"{self.made()} HITs were made, {MADE[self.chapter]} would do")
        if self.held() > self.price:
            problems.append(f"{self.held()} cents are held and paid, {self.price} were approved")
        if self.open_calls():
            problems.append(f"{self.open_calls()} calls are open in the journal")
        return problems

    def _undecided(self) -> Iterator[str]:
        """Assignments that are not as they were decided on, and bonuses that were paid twice, or not at all."""
        rows = self._query("SELECT id, status FROM assignments WHERE requester = REQUESTER")
        statuses = dict(rows)
        paid: dict[str, list[int]] = {}
        for assignment, cents in self._query("SELECT assignment, amount FROM bonuses WHERE requester = REQUESTER"):
            paid.setdefault(assignment, []).append(cents)
        for key, (status, bonuses) in self.decided.items():
            if statuses[key] != status:
                yield f"{key} is {statuses[key]}, and was to be {status}"
            if sorted(paid.get(key, [])) != bonuses:
                yield f"{key} was paid {paid.get(key)} and not {bonuses}"


@dataclass(frozen=True)
class Place:
    """A marketplace, its tables, and the process that forks runs of the command."""

    server: Server
    store: Path
    runner: Runner

    def story(self, folder: Path, chapter: str = "publish") -> Story:
        """A new campaign there."""
        return Story(self.server, self.store, self.runner, folder / "story", chapter)


# --- cases ----------------------------------------------------------------------------------------

FAULTS = {
    "lost request": "lost-request=0.25",
    "lost answer": "lost-answer=0.25",
    "duplicate answer": "duplicate=0.25",
    "throttle": "throttle=60/s",
    "5xx": "error=0.25",
    "stale list": "stale-list=30s",
}
AFTER = {
    "a gap of 25 hours": {},
    "a clock ahead": {"ahead": 7200.0},
    "a clock behind": {"ahead": -7200.0},
    "an endpoint's clock behind": {"behind": 7200.0},
}
TROUBLES = ("none", *FAULTS, *AFTER, "a full disk", "a read-only journal", "a lost journal", "workers")


def tell(story: Story, trouble: str, point: int) -> list[str]:
    """One case: the chapter's command dies at a point, in trouble; afterwards everything is put right.

    Returns what is wrong in the end, an empty list where nothing is. A full disk and a journal that cannot be
    written kill nobody: there the point says when it happens.
    """
    story.begin()
    server, chance = story.server, random.Random(f"{story.chapter} {trouble} {point}")  # noqa: S311 - repeatable on purpose
    if trouble in FAULTS:
        server.control("faults", faults=[FAULTS[trouble], f"seed={point}"])
    what: dict[str, Any] = {"kill": point}
    if trouble == "a full disk":
        largest = max([path.stat().st_size for path in story.journal()], default=0)
        what = {"room": largest + 1024 * point}
    elif trouble == "a read-only journal":
        what = {"freeze": point}
    try:
        if trouble == "workers":
            _work_meanwhile(story, chance, **what)
        else:
            story.run(*story.words, **what)
        if trouble == "a gap of 25 hours":
            server.control("clock", advance_seconds=90_000)
        elif trouble == "a lost journal":
            for path in story.journal():
                path.unlink()
        return story.finish(waits=trouble == "workers", **AFTER.get(trouble, {}))
    finally:
        server.control("faults", faults=[])


def _work_meanwhile(story: Story, chance: random.Random, **what: Any) -> None:
    pid = story.runner.start("-C", story.folder, "--env", "lab", *story.words, environ=story.environ, **what)
    ended = threading.Event()

    def work() -> None:
        while not ended.wait(0.005):
            story.play(chance)

    worker = threading.Thread(target=work)
    worker.start()
    story.runner.wait(pid)
    ended.set()
    worker.join()
