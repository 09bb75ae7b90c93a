"""One campaign's life on a marketplace, to be played step by step in a test."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from turkform.account import connect
from turkform.apply import apply
from turkform.campaign import Campaign, Desired, Source, Target
from turkform.diff import Choices
from turkform.journal import Journal
from turkform.outcomes import Report, RunInfo
from turkform.questions import open_template
from turkform.survey import Survey, survey

if TYPE_CHECKING:
    from pathlib import Path

    from marketplace_server import Server

PAGE = "<p>${text}</p><form><input name='answer'><input type='submit'></form>"
_NAMES = iter(f"life-{n}" for n in range(10_000))


@dataclass
class Life:
    """One campaign on the marketplace, its files in memory where they are not data."""

    server: Server
    folder: Path
    name: str = field(default_factory=lambda: next(_NAMES))
    rows: dict[str, str] = field(default_factory=lambda: {"a": "one", "b": "two", "c": "three"})
    page: str = PAGE
    hit_type: dict[str, Any] = field(default_factory=dict)
    batch: dict[str, Any] = field(default_factory=dict)
    campaign: dict[str, Any] = field(default_factory=dict)
    batch_name: str = "pilot"

    def desired(self) -> Desired:
        data, page = self.folder / "items.csv", self.folder / "page.html"
        data.write_text("id,text\n" + "".join(f"{key},{text}\n" for key, text in self.rows.items()))
        page.write_text(self.page)
        terms = {"title": "T", "description": "D", "reward": "0.10", "assignment_duration": "10m"}
        rows = {"hit_type": "label", "question": {"html": "page.html"}, "items": "items.csv", "key": "id"}
        campaign = Campaign.model_validate(
            {
                "turkform": 1,
                "campaign": self.name,
                "hit_types": {"label": {**terms, "auto_approval_delay": "3d", **self.hit_type}},
                "batches": {self.batch_name: {**rows, "assignments": 3, "lifetime": "7d", **self.batch}},
                **self.campaign,
            }
        )
        sources = {n: Source(n, b, open_template(page), data) for n, b in campaign.batches.items()}
        grants = {n: dict(q.workers.values) for n, q in campaign.qualification_types.items() if q.workers}
        blocks = dict(campaign.blocks.values) if campaign.blocks else {}
        return Desired(campaign, Target("local", "local"), self.folder, sources, grants, blocks, {})

    def look(self, **choices: Any) -> Survey:
        journal = Journal.find(self.folder / "journal.sqlite")
        account = connect(Target("local", "local"), self.server.url)
        try:
            return survey(self.desired(), account, journal, Choices(**choices))
        finally:
            if journal:
                journal.close()

    def apply(self, **choices: Any) -> Report:
        found = self.look(**choices)
        with Journal.open(self.folder / "journal.sqlite", create=True) as journal:
            return apply(found, journal, run=RunInfo("apply"))

    def hits(self) -> list[dict[str, Any]]:
        pages = self.server.client().get_paginator("list_hits").paginate(MaxResults=100)
        marker = f"turkform:{self.name}/"
        return [h for page in pages for h in page["HITs"] if h.get("RequesterAnnotation", "").startswith(marker)]

    def work(self, text: str, action: str = "submit", worker: str = "A1WORKER") -> str:
        hit = next(h for h in self.hits() if f"<p>{text}</p>" in h["Question"])
        answers = {"answers": {"answer": "x"}} if action == "submit" else {}
        self.server.control(f"worker/{action}", hit=hit["HITId"], worker=worker, **answers)
        return str(hit["HITId"])
