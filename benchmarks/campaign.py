"""The campaign that is measured, and an account that already holds it.

Its questions take two kilobytes. `seed` writes journal and account as an apply of every item would have
left them, which takes seconds a million instead of the better part of an hour.
"""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path

_PAGE = "<p>Is this sentence happy or unhappy?</p><blockquote>${text}</blockquote>\n" + "".join(
    f'<p><label><input type="radio" name="tone" value="{n}"> a choice that takes a line to explain</label></p>\n'
    for n in range(15)
)
_FILE = """\
turkform: 1
campaign: bench
environments: {{bench: {{endpoint: "{url}", concurrency: 64}}}}
hit_types:
  tone:
    title: Judge the tone of a sentence
    description: Read it and choose.
    keywords: [text, tone]
    reward: "0.05"
    assignment_duration: 5m
    auto_approval_delay: 3d
batches:
  tones: {{hit_type: tone, question: {{html: page.html}}, items: items.csv, key: id, assignments: 1, lifetime: 7d}}
"""
_GROUP = 2_000


def text(number: int) -> str:
    """The sentence of an item, made up."""
    return f"Sentence {number} of this benchmark is neither happy nor unhappy."


def question(number: int) -> str:
    """The question of an item, as a script would put it together."""
    page = _PAGE.replace("${text}", text(number))
    return (
        '<HTMLQuestion xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2011-11-11/'
        'HTMLQuestion.xsd"><HTMLContent><![CDATA[<!DOCTYPE html><html><body><form name="mturk_form" method="post" '
        f'action="https://www.mturk.com/mturk/externalSubmit">{page}</form></body></html>]]></HTMLContent>'
        "<FrameHeight>0</FrameHeight></HTMLQuestion>"
    )


def write(folder: Path, url: str, items: int) -> None:
    """The campaign's files."""
    folder.mkdir(parents=True, exist_ok=True)
    point(folder, url)
    (folder / "page.html").write_text(_PAGE)
    with (folder / "items.csv").open("w") as file:
        file.write("id,text\n")
        file.writelines(f"item-{number:07},{text(number)}\n" for number in range(items))


def point(folder: Path, url: str) -> None:
    """Name another endpoint in the campaign."""
    (folder / "campaign.yaml").write_text(_FILE.format(url=url))


def seed(folder: Path) -> Path:
    """A journal in which every item was published an hour ago, and the file that `endpoint` reads for it."""
    from turkform.entries import Intent, Outcome
    from turkform.items import Marker
    from turkform.journal import Journal
    from turkform.loader import load
    from turkform.money import Money
    from turkform.observed import Record

    desired = load(folder, environment="bench")
    source = desired.sources["tones"]
    made = int(time.time()) - 3600
    at, last = datetime.fromtimestamp(made, UTC), made + 604_800
    Path(desired.target.journal).parent.mkdir(parents=True, exist_ok=True)
    account = folder / "account"
    with (
        Journal.open(desired.target.journal, create=True, campaign="bench", environment="bench") as journal,
        account.open("w") as lines,
    ):
        record = Record.parameters("bench", journal.id, "bench", at)
        lines.write(json.dumps({**record, "QualificationTypeId": "3BENCHMARKRECORD", "CreationTime": made}) + "\n")
        lines.write(json.dumps([made, last]) + "\n")
        journal.bind(record_id="3BENCHMARKRECORD", campaign="bench", environment="bench")
        with journal.begin(command="benchmark", now=at) as run:
            group: list[Intent] = []
            number = 0

            def keep() -> None:
                nonlocal number
                for call in run.intend(group, at):
                    run.settle(call, Outcome.DONE, object_id=f"3BENCHMARK{number:020}", request_id="r" * 36, at=at)
                    number += 1
                group.clear()

            for item in source.items():
                fingerprint = source.template.fingerprint(item.row)
                marker = Marker("bench", "tones", 1, item.key, 1, 1, fingerprint)
                lines.write(f"{marker}\n")
                detail = {"batch": "tones", "round": 1, "generation": 1, "fingerprint": fingerprint, "expires": last}
                group.append(
                    Intent("batch.tones", item.key, "CreateHITWithHITType", "d" * 64, "t" * 64, Money(6), detail)
                )
                if len(group) == _GROUP:
                    keep()
            keep()
            run.end(0)
    return account
