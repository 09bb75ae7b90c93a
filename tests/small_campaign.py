"""A campaign of three HITs in a folder, published to a marketplace of the test's own, for whoever types commands."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from turkform.cli import run

if TYPE_CHECKING:
    from marketplace_server import Server

YAML = """turkform: 1
campaign: small
environments: {prod: {endpoint: "URL"}}
hit_types:
  name: {title: Name it, description: A bird., reward: "0.10", assignment_duration: 10m, auto_approval_delay: 3d}
batches:
  pilot: {hit_type: name, question: {html: bird.html}, items: birds.csv, key: id, assignments: 3, lifetime: 7d}
"""
TURKFORM = str(Path(sys.executable).with_name("turkform"))


def published(server: Server, folder: Path) -> Path:
    """Write it, and apply it."""
    (folder / "campaign.yaml").write_text(YAML.replace("URL", server.url))
    (folder / "birds.csv").write_text("id\nb1\nb2\nb3\n")
    (folder / "bird.html").write_text("<p>${id} <input name='bird'></p>")
    assert run(words(folder, "apply", "--auto-approve")) == 0
    return folder


def words(folder: Path, *more: str) -> list[str]:
    """A command line about it."""
    return ["-C", str(folder), "--env", "prod", *more]
