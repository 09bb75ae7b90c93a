"""A campaign in files, planned and applied against a marketplace, as the commands do it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from turkform.account import connect
from turkform.apply import Report, RunInfo, apply
from turkform.choices import Choices
from turkform.journal import Journal
from turkform.loader import load
from turkform.survey import Survey, survey

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from marketplace_server import Server

TERMS = """\
turkform: 1
campaign: NAME
hit_types:
  label: {title: T, description: D, reward: "0.10", assignment_duration: 10m, auto_approval_delay: 3d}
"""


@dataclass
class Declared:
    """One campaign; `yaml` is what stands after its head and the HIT type `label`."""

    server: Server
    folder: Path
    name: str

    def write(self, yaml: str, files: Mapping[str, str] = {}, *, head: str = TERMS) -> None:
        """Write its files."""
        (self.folder / "campaign.yaml").write_text(head.replace("NAME", self.name) + yaml)
        for name, content in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)

    def look(self, **choices: Any) -> Survey:
        """Plan."""
        journal = Journal.find(self.folder / "journal.sqlite")
        desired = load(self.folder, environ={})
        try:
            return survey(desired, connect(desired.target, self.server.url), journal, Choices(**choices))
        finally:
            if journal:
                journal.close()

    def apply(self, **choices: Any) -> Report:
        """Plan and apply."""
        found = self.look(**choices)
        with Journal.open(self.folder / "journal.sqlite", create=True) as journal:
            return apply(found, journal, run=RunInfo("apply"))

    def steps(self, **choices: Any) -> list[tuple[str, str]]:
        """What a plan would do, the campaign record left out."""
        document = self.look(**choices).plan.document
        return [(s["address"], s.get("op") or s["action"]) for s in document["steps"] if s["address"] != "record"]

    def hits(self) -> dict[str, dict[str, Any]]:
        """The campaign's HITs, by the key in their markers."""
        pages = self.server.client().get_paginator("list_hits").paginate(MaxResults=100)
        found = [hit for page in pages for hit in page["HITs"]]
        marked = {hit.get("RequesterAnnotation", ""): hit for hit in found}
        return {
            marker.partition("#")[0].rpartition("/")[2]: hit
            for marker, hit in marked.items()
            if marker.startswith(f"turkform:{self.name}/")
        }
