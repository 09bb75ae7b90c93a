"""A small valid campaign that tests break, one thing at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from turkform.errors import CampaignError
from turkform.loader import load

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from turkform.campaign import Desired
    from turkform.errors import Diagnostic

YAML = """\
turkform: 1
campaign: birds
title: Birds in photos
variables:
  reward: {type: money, default: "0.15"}
  many: {type: integer, default: 3}
environments:
  local: {endpoint: local}
  lab:
    endpoint: https://tasks.example.org
    variables: {reward: "0.20"}
    fees: none
    balance: enforce
    rate: 20
qualification_types:
  trained:
    name: "Birds: trained"
    description: Passed the training.
    status: active
    retry_delay: 1d
    auto_granted: 100
    workers: {A1EXAMPLE: 90}
hit_types:
  label:
    title: Which bird is this?
    description: Name the bird in one photo.
    keywords: [birds, photos]
    reward: ${var.reward}
    assignment_duration: 10m
    auto_approval_delay: 3d
    requirements:
      - {qualification: trained, at_least: 80, guards: discover}
      - {system: locale, in: [US, GB]}
batches:
  pilot:
    hit_type: label
    question: {html: tasks/bird.html, frame_height: 0}
    items: data/birds.csv
    key: id
    assignments: ${var.many}
    lifetime: 7d
    status: open
blocks: {A2EXAMPLE: Random answers}
budget: "100.00"
policies: {max_deletes: 30%}
"""
PAGE = """\
<p>A bird near ${place}:</p>
<img src="${photo}" alt="">
<label>Its name <input name="bird" required></label>
"""
DATA = """\
id,photo,place
b1,https://photos.example.org/1.jpg,a lake
b2,https://photos.example.org/2.jpg,a wood
b3,https://photos.example.org/3.jpg,"a town, by night"
"""
FILES = {"campaign.yaml": YAML, "tasks/bird.html": PAGE, "data/birds.csv": DATA}


def write(folder: Path, files: Mapping[str, str | bytes] = {}) -> Path:
    """Write the valid campaign, some of its files replaced."""
    for name, content in {**FILES, **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def read(folder: Path, environment: str | None = None, **variables: str) -> Desired:
    """Load it without anything of this machine's environment."""
    return load(folder, environment=environment, variables=variables, environ={})


def problems(folder: Path, environment: str | None = None) -> list[Diagnostic]:
    """What is wrong with a campaign; nothing when it is valid."""
    try:
        read(folder, environment)
    except CampaignError as error:
        return [problem for problem in error.diagnostics if problem.severity == "error"]
    return []
