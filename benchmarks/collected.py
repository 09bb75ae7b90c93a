"""How much memory it takes to write and to measure answers that are stored, and how long; a tenth beside all.

What is measured is made in a process of its own: the peak of a process counts what its parent held when it began.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import campaign
from benchmarks.measure import PYTHON, TURKFORM, Row, endpoint, run

if TYPE_CHECKING:
    from collections.abc import Iterator

_ITEMS = 70_000
_EACH = 3
_CHUNK = 10_000
_ANSWER = (
    '<?xml version="1.0" encoding="ASCII"?><QuestionFormAnswers xmlns="http://mechanicalturk.amazonaws.com/'
    'AWSMechanicalTurkDataSchemas/2005-10-01/QuestionFormAnswers.xsd"><Answer><QuestionIdentifier>tone'
    "</QuestionIdentifier><FreeText>{tone}</FreeText></Answer><Answer><QuestionIdentifier>why</QuestionIdentifier>"
    "<FreeText>{why}</FreeText></Answer></QuestionFormAnswers>"
)


def written(folder: Path) -> Iterator[Row]:
    """The real commands, over 21,000 and 210,000 stored answers of half a kilobyte."""
    commands = {
        "results as CSV": ("results", "-o", "answers.csv"),
        "results as JSON lines": ("results", "-o", "answers.jsonl"),
        "results as Parquet": ("results", "-o", "answers.parquet"),
        "report": ("report", "-o", "report.html"),
    }
    places = [folder / f"collected-{items}" for items in (_ITEMS // 10, _ITEMS)]
    for here, items in zip(places, (_ITEMS // 10, _ITEMS), strict=True):
        run(PYTHON, "-m", "benchmarks.collected", str(here), str(items))
    for name, words in commands.items():
        took = []
        for here in places:
            with endpoint(["--account", str(here / "account")]) as url:
                campaign.point(here, url)
                files = [str(here / word) if "." in word else word for word in words]
                took.append(run(TURKFORM, "-C", str(here), "--env", "bench", *files))
        tenth, whole = took
        yield Row(
            f"{name}, {_ITEMS * _EACH:,} answers",
            f"{whole.wall:.1f} s; {whole.cpu:.1f} s CPU; {whole.peak:.0f} MB",
            f"a tenth of them: {tenth.wall:.1f} s; {tenth.cpu:.1f} s CPU; {tenth.peak:.0f} MB",
            f"{whole.peak / tenth.peak:.2f} x of the memory",
            "the same",
        )


def _collected(here: Path, items: int) -> None:
    """A campaign whose items are all published, and answered three times each."""
    from turkform.answers import Answers, assignments, hits
    from turkform.journal import Journal
    from turkform.ledger import to_ms

    campaign.write(here, "http://127.0.0.1:1", items)
    campaign.seed(here)
    with Journal.open(here / ".turkform/bench/journal.sqlite", create=False) as journal:
        answers = Answers.beside(journal.place, journal.id)
    answers.make()
    begun = datetime.now(UTC) - timedelta(hours=1)
    about = {"HITTypeId": "3BENCHMARKTYPE", "Title": "Judge the tone of a sentence", "Reward": "0.05"}
    with answers.ledger.writing() as connection:
        for first in range(0, items, _CHUNK):
            numbers = range(first, min(items, first + _CHUNK))
            connection.execute(
                hits.insert(),
                [
                    {
                        "journal": answers.journal, "hit_id": f"3BENCHMARK{n:020}", "batch": "tones", "round": 1,
                        "key": f"item-{n:07}", "position": n, "handed_in": _EACH, "reviewed": _EACH,
                        "row": json.dumps({"id": f"item-{n:07}", "text": campaign.text(n)}), "about": json.dumps(about),
                    }
                    for n in numbers
                ],
            )  # fmt: skip
            connection.execute(
                assignments.insert(),
                [
                    {
                        "journal": answers.journal, "assignment_id": f"3ANSWER{n:020}{k}",
                        "hit_id": f"3BENCHMARK{n:020}", "worker": f"A{(n + k) % 500:010}", "status": "Approved",
                        "accepted": to_ms(begun) + n, "submitted": to_ms(begun) + n + 20_000 + 1_000 * (n % 90),
                        "due": None, "approved": to_ms(begun) + n + 200_000, "rejected": None, "deadline": None,
                        "feedback": "", "bonus": 0,
                        "answer": _ANSWER.format(tone=n % 15, why="It says neither one nor the other. " * 4),
                    }
                    for n in numbers
                    for k in range(_EACH)
                ],
            )  # fmt: skip
    answers.close()


if __name__ == "__main__":
    _collected(Path(sys.argv[1]), int(sys.argv[2]))
