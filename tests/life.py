"""One small campaign on a marketplace over HTTP: its files written anew at every look, its workers played."""

from __future__ import annotations

import hashlib
import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from turkform.account import connect
from turkform.apply import apply
from turkform.approval import Approval
from turkform.campaign import Campaign, Desired, Source, Target
from turkform.choices import Choices
from turkform.errors import StalePlanError
from turkform.journal import Journal
from turkform.outcomes import Report, RunInfo
from turkform.plan import Plan, load
from turkform.questions import open_template
from turkform.staleness import moved
from turkform.survey import Survey, survey

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from marketplace_server import Server

PAGE = "<p>${text}</p><form><input name='answer'><input type='submit'></form>"
NO_CHOICES = Choices()
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
    batches: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Further batches of the same rows."""
    campaign: dict[str, Any] = field(default_factory=dict)
    batch_name: str = "pilot"
    target: Target = field(default_factory=lambda: Target("local", "local"))

    def desired(self) -> Desired:
        data, page = self.folder / "items.csv", self.folder / "page.html"
        data.write_text("id,text\n" + "".join(f"{key},{text}\n" for key, text in self.rows.items()))
        page.write_text(self.page)
        terms = {"title": "T", "description": "D", "reward": "0.10", "assignment_duration": "10m"}
        rows = {"hit_type": "label", "question": {"html": "page.html"}, "items": "items.csv", "key": "id"}
        declared = {
            "turkform": 1,
            "campaign": self.name,
            "hit_types": {"label": {**terms, "auto_approval_delay": "3d", **self.hit_type}},
            "batches": {
                name: {**rows, "assignments": 3, "lifetime": "7d", **batch}
                for name, batch in {self.batch_name: self.batch, **self.batches}.items()
            },
            **self.campaign,
        }
        campaign = Campaign.model_validate(declared)
        (self.folder / "campaign.yaml").write_text(json.dumps(declared))
        files = ("campaign.yaml", "items.csv", "page.html")
        inputs = {name: hashlib.sha256((self.folder / name).read_bytes()).hexdigest() for name in files}
        sources = {n: Source(n, b, open_template(page), data) for n, b in campaign.batches.items()}
        grants = {n: dict(q.workers.values) for n, q in campaign.qualification_types.items() if q.workers}
        blocks = dict(campaign.blocks.values) if campaign.blocks else {}
        return Desired(campaign, self.target, self.folder, sources, grants, blocks, inputs)

    @contextmanager
    def looking(
        self, choices: Choices = NO_CHOICES, approval: Approval | None = None
    ) -> Iterator[tuple[Survey, Journal | None]]:
        journal = Journal.find(self.folder / "journal.sqlite")
        account = connect(self.target, self.server.url)
        try:
            yield survey(self.desired(), account, journal, choices, approval=approval), journal
        finally:
            if journal:
                journal.close()

    def look(self, **choices: Any) -> Survey:
        with self.looking(Choices(**choices)) as (found, _):
            return found

    def saved(self, **choices: Any) -> Plan:
        """A plan that has been in a file."""
        file = self.folder / "plan.json"
        self.look(**choices).plan.save(file)
        return load(file)

    def moved(self, saved: Plan, **choices: Any) -> list[str]:
        """What `check` says of it."""
        return self._compare(saved, **choices)[1]

    def _compare(self, saved: Plan, **choices: Any) -> tuple[Survey, list[str]]:
        with self.looking(Choices(**choices), Approval.of(saved.document)) as (found, journal):
            used = journal is not None and journal.plan_used(saved.document["digest"])
            return found, moved(saved, found, used=used)

    def apply_saved(self, saved: Plan, **choices: Any) -> Report:
        """What `apply FILE` does.

        Raises:
            StalePlanError: it is not true any more.
        """
        found, reasons = self._compare(saved, **choices)
        if reasons:
            raise StalePlanError(reasons)
        with Journal.open(self.folder / "journal.sqlite", create=True) as journal:
            return apply(found, journal, run=RunInfo("apply"), plan_digest=saved.document["digest"])

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


def steps(found: Survey) -> list[tuple[str, str]]:
    return [(s["address"], s.get("op") or s["action"]) for s in found.plan.document["steps"]]
