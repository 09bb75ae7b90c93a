"""The whole life of a campaign in one script: published, worked on by a crowd, collected, judged, paid, taken down.

    python tests/whole_life.py [ITEMS] [--items FILE --key COLUMN]

Every step is the command that a person would type, against `turkform serve --rehearsal`. What the crowd answered and
what was paid is asked of the marketplace itself, with boto3, and held against what turkform says in the end. Without
FILE it makes its own items: web pages to be judged for a search topic.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from xml.etree import ElementTree as ET

import boto3

from turkform.cli import run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

csv.field_size_limit(10_000_000)
TURKFORM = str(Path(sys.executable).with_name("turkform"))
REWARD, FEE = 10, 2
"""Cents of one assignment: its reward, and a fifth of it."""
CAMPAIGN = """turkform: 1
campaign: relevance
title: Is this page relevant?
qualification_types:
  judge:
    name: Relevance judgements
    description: Passed a test of three questions.
    status: active
    retry_delay: 1h
    test: {form: test.xml, answer_key: key.xml, duration: 20m}
hit_types:
  assess:
    title: Judge whether a web page is relevant
    description: Read a topic, and say how relevant the page is.
    reward: "0.10"
    assignment_duration: 30m
    auto_approval_delay: 3d
    requirements: [{qualification: judge, at_least: 60}]
batches:
  pages:
    hit_type: assess
    question: {html: page.html}
    items: items.csv
    key: KEY
    assignments: 3
    lifetime: 14d
    decisions: {approve: {known_answers: {relevance: "${known}"}, feedback: "Thank you."}}
budget: "1000.00"
policies: {max_deletes: 100%}
"""
_DATA = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2005-10-01"
QUESTIONS = "".join(
    f"<Question><QuestionIdentifier>q{n}</QuestionIdentifier><IsRequired>true</IsRequired>"
    f"<QuestionContent><Text>Is page {n} about water?</Text></QuestionContent><AnswerSpecification><SelectionAnswer>"
    "<StyleSuggestion>radiobutton</StyleSuggestion><Selections>"
    "<Selection><SelectionIdentifier>yes</SelectionIdentifier><Text>yes</Text></Selection>"
    "<Selection><SelectionIdentifier>no</SelectionIdentifier><Text>no</Text></Selection>"
    "</Selections></SelectionAnswer></AnswerSpecification></Question>"
    for n in (1, 2, 3)
)
KEYED = "".join(
    f"<Question><QuestionIdentifier>q{n}</QuestionIdentifier><AnswerOption><SelectionIdentifier>yes"
    "</SelectionIdentifier><AnswerScore>1</AnswerScore></AnswerOption></Question>"
    for n in (1, 2, 3)
)
SCORED = "<PercentageMapping><MaximumSummedScore>3</MaximumSummedScore></PercentageMapping>"
TEST = f'<QuestionForm xmlns="{_DATA}/QuestionForm.xsd">{QUESTIONS}</QuestionForm>'
ANSWER_KEY = (
    f'<AnswerKey xmlns="{_DATA}/AnswerKey.xsd">{KEYED}<QualificationValueMapping>{SCORED}'
    "</QualificationValueMapping></AnswerKey>"
)
LEVELS = ("0", "1", "2")


class Answered(NamedTuple):
    """One assignment, as somebody tells of it."""

    worker: str
    status: str
    relevance: str
    why: str


@dataclass
class WholeLife:
    """One campaign in a folder of its own, and its marketplace."""

    folder: Path
    items: Sequence[Mapping[str, str]]
    """The rows of the data; `known` is what the crowd mostly answers."""
    key: str
    workers: int = 50
    seed: int = 1
    told: list[str] = field(default_factory=list)

    @property
    def places(self) -> int:
        """How many assignments there can be."""
        return 3 * len(self.items)

    @property
    def left(self) -> int:
        """How many of them nobody ever takes, so that there is something to expire."""
        return max(1, self.places // 50)

    def write(self) -> None:
        """The campaign's files."""
        columns = list(self.items[0])
        with (self.folder / "items.csv").open("w", encoding="utf-8", newline="") as file:
            table = csv.DictWriter(file, columns)
            table.writeheader()
            table.writerows(self.items)
        shown = "".join(f"<p>{name}: ${{{name}}}</p>\n" for name in columns if name not in {"known", self.key})
        choices = "".join(
            f'<label><input type="radio" name="relevance" value="{n}" required>{n}</label>' for n in LEVELS
        )
        (self.folder / "page.html").write_text(f'{shown}{choices}\n<textarea name="why"></textarea>\n')
        (self.folder / "campaign.yaml").write_text(CAMPAIGN.replace("KEY", self.key))
        (self.folder / "test.xml").write_text(TEST)
        (self.folder / "key.xml").write_text(ANSWER_KEY)

    # --- what a person types ----------------------------------------------------------------------

    def turkform(self, *words: str, expect: int = 0) -> str:
        """Run a command; what it printed."""
        out, err, began = io.StringIO(), io.StringIO(), time.monotonic()
        with redirect_stdout(out), redirect_stderr(err):
            code = run(["-C", str(self.folder), *words])
        self.told.append(f"{time.monotonic() - began:6.1f} s  turkform {' '.join(words)}")
        assert code == expect, f"{words}: exit {code}\n{out.getvalue()}\n{err.getvalue()}"
        return out.getvalue()

    def crowd(self, tasks: int, seed: int) -> int:
        """Let the crowd do so many tasks; how many it did."""
        gold = ["--gold", str(self.folder / "items.csv"), "--key", self.key, "--answer", "relevance=known"]
        words = ["crowd", "--workers", str(self.workers), "--tasks", str(tasks), "--seed", str(seed), *gold]
        told = subprocess.run(
            [TURKFORM, "-C", str(self.folder), *words, "--error", "0.2", "--json"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        done: dict[str, Any] = json.loads(told.stdout)
        self.told.append(f"          crowd: {done['submitted']} of {done['accepted']} handed in")
        return int(done["submitted"])

    def status(self) -> dict[str, Any]:
        """What `status` says in all."""
        total: dict[str, Any] = json.loads(self.turkform("status", "--json"))["total"]
        return total

    def results(self, name: str, *more: str) -> list[dict[str, str]]:
        """The rows that `results` writes."""
        file = self.folder / name
        self.turkform("results", "-o", str(file), *more)
        with file.open(encoding="utf-8", newline="") as written:
            return list(csv.DictReader(written))

    def review(self, rows: Sequence[str]) -> None:
        """Review by a file of decisions."""
        file = self.folder / "decisions.csv"
        file.write_text("\n".join(["AssignmentId,decision,feedback,bonus,bonus_reason", *rows]) + "\n")
        self.turkform("review", "--decisions", str(file), "--auto-approve")

    # --- what the marketplace says ----------------------------------------------------------------

    def client(self) -> Any:
        """An unmodified client of the marketplace, which knows nothing of turkform."""
        control = json.loads((self.folder / ".turkform/local/server.json").read_text())
        return boto3.client(
            "mturk", region_name="us-east-1", endpoint_url=control["url"], aws_access_key_id="LOCAL",
            aws_secret_access_key="secret",
        )  # fmt: skip

    def books(self) -> tuple[int, int]:
        """What the requester has and what is on hold, in cents."""
        found = self.client().get_account_balance()
        have, held = (round(float(found[name]) * 100) for name in ("AvailableBalance", "OnHoldBalance"))
        return have + held, held

    def answered(self) -> dict[str, Answered]:
        """Every assignment that was handed in, read from the API page by page."""
        client, found = self.client(), {}
        for page in client.get_paginator("list_hits").paginate(MaxResults=100):
            for hit in page["HITs"]:
                given = client.get_paginator("list_assignments_for_hit").paginate(HITId=hit["HITId"])
                for one in (one for answers in given for one in answers["Assignments"]):
                    fields = _fields(one["Answer"])
                    found[one["AssignmentId"]] = Answered(
                        one["WorkerId"], one["AssignmentStatus"], fields["relevance"], fields.get("why", ""),
                    )  # fmt: skip
        return found


def _fields(answer: str) -> dict[str, str]:
    """Field → text, of free text alone: what HTML pages hand in."""
    root = ET.fromstring(answer)  # noqa: S314 - our own marketplace's
    space = root.tag.partition("}")[0] + "}"
    return {one.findtext(f"{space}QuestionIdentifier", ""): one.findtext(f"{space}FreeText", "") for one in root}


@contextmanager
def marketplace(folder: Path) -> Iterator[None]:
    """`turkform serve --rehearsal` in the campaign's folder."""
    command = [TURKFORM, "-C", str(folder), "serve", "--rehearsal", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("serving ")
        try:
            yield
        finally:
            process.terminate()
            process.wait(30)


def live(life: WholeLife) -> list[dict[str, str]]:
    """All of it; the final results.

    Raises:
        AssertionError: something is not as it should be.
    """
    life.write()
    with marketplace(life.folder):
        purse, _ = life.books()
        _publish(life, purse)
        handed_in = _work(life)
        before = life.answered()
        assert len(before) == handed_in
        rejected, bonuses = _judge(life)

        # What nobody reviewed approves itself; the rest is expired, collected, deleted.
        life.turkform("clock", "--advance", "4d")
        life.turkform("close", "--all")
        life.turkform("status", "--exact")
        after = life.answered()
        life.turkform("destroy", "--auto-approve")
        assert not life.client().list_hits()["HITs"], "every answer is stored, so every HIT can go"
        final, told = life.results("final.csv"), life.status()
        balance, held = life.books()
    _compare(final, before, after, rejected, bonuses)
    fees = sum(max(1, (cents + 2) // 5) for cents in bonuses.values())
    spent = (handed_in - 1) * (REWARD + FEE) + sum(bonuses.values()) + fees
    assert (purse - balance, held) == (spent, 0)
    assert (told["spent"], told["spent_exact"]) == (f"{spent // 100}.{spent % 100:02}", True)
    life.told.append(f"          {len(final)} answers, ${told['spent']} spent, as the marketplace's books have it")
    return final


def _publish(life: WholeLife, purse: int) -> None:
    """What was planned, and no more; the plan after it is empty."""
    plan = str(life.folder / "plan.json")
    life.turkform("plan", "-o", plan)
    life.turkform("apply", plan)
    life.turkform("plan", "--detailed-exitcode")
    assert life.books() == (purse, life.places * (REWARD + FEE))


def _work(life: WholeLife) -> int:
    """A crowd passes the test and works; a first look at a tenth. How many it handed in."""
    early = life.crowd(life.places // 10, seed=life.seed)
    assert len(life.results("early.csv")) == early == life.places // 10
    assert life.status()["stored"] == early
    late = life.crowd(life.places - early - life.left, seed=life.seed + 1)
    assert early + late == life.places - life.left, "the crowd did not do what was left for it"
    return early + late


def _judge(life: WholeLife) -> tuple[str, dict[str, int]]:
    """Rules approve, two are rejected by a file, one of them overturned, ten get a bonus.

    Returns the one that stays rejected, and who was paid how much besides, in cents.
    """
    life.turkform("review", "--auto-approve")
    known = {row[life.key]: row["known"] for row in life.items}
    rows = life.results("reviewed.csv")
    right = {row["AssignmentId"] for row in rows if row["Answer.relevance"] == known[row["ItemKey"]]}
    approved = {row["AssignmentId"] for row in rows if row["AssignmentStatus"] == "Approved"}
    assert approved == right, "rules approve what agrees with what is known, and nothing else"

    overturned, rejected, *_ = (row["AssignmentId"] for row in rows if row["AssignmentId"] not in right)
    life.review([f"{key},reject,The page is not about the topic.,," for key in (overturned, rejected)])
    life.turkform("review", "--overturn", overturned, "--auto-approve")

    bonuses = {key: 10 + n for n, key in enumerate(sorted(right)[:10])}
    for _ in range(2):  # and nobody is paid twice
        life.review([f"{key},,,0.{cents},Careful work." for key, cents in bonuses.items()])
    return rejected, bonuses


def _compare(
    final: Sequence[Mapping[str, str]],
    before: Mapping[str, Answered],
    after: Mapping[str, Answered],
    rejected: str,
    bonuses: Mapping[str, int],
) -> None:
    """The results are what the crowd answered, and what became of it."""
    told = {
        row["AssignmentId"]: Answered(
            row["WorkerId"], row["AssignmentStatus"], row["Answer.relevance"], row.get("Answer.why", "")
        )
        for row in final
    }
    assert told == after
    assert {key: one._replace(status="") for key, one in after.items()} == {
        key: one._replace(status="") for key, one in before.items()
    }
    assert Counter(one.status for one in told.values()) == {"Approved": len(final) - 1, "Rejected": 1}
    assert told[rejected].status == "Rejected"
    paid = {row["AssignmentId"]: row["BonusAmount"] for row in final if row["BonusAmount"]}
    assert paid == {key: f"0.{cents}" for key, cents in bonuses.items()}


def made_up(count: int) -> list[dict[str, str]]:
    """Rows of our own making, with what data of such tasks has in it: quotes, commas, markup, long texts."""
    return [
        {
            "id": f"doc-{n:05}",
            "topic": f'Drinking water, "how much" is safe? No. {n % 7}',
            "criteria": "Pages about causes, amounts & side effects are relevant <b>only</b> if they name them. " * 3,
            "known": LEVELS[n * n % 3],
        }
        for n in range(count)
    ]


def from_file(file: Path, key: str, count: int) -> list[dict[str, str]]:
    """Rows of a CSV file, with a known answer of our own making."""
    with file.open(encoding="utf-8-sig", newline="") as opened:
        rows = list(csv.DictReader(opened))[:count]
    assert len({row[key] for row in rows}) == len(rows), f"{key} does not name the rows"
    return [{**row, "known": LEVELS[n * n % 3]} for n, row in enumerate(rows)]


def main() -> None:
    """Live it once, and say how long each step took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=500)
    parser.add_argument("--items", type=Path)
    parser.add_argument("--key", default="id")
    words = parser.parse_args()
    items = from_file(words.items, words.key, words.count) if words.items else made_up(words.count)
    with tempfile.TemporaryDirectory(prefix="turkform-life-") as folder:
        life = WholeLife(Path(folder), items, words.key)
        try:
            live(life)
        finally:
            sys.stdout.write("\n".join([*life.told, ""]))


if __name__ == "__main__":
    main()
