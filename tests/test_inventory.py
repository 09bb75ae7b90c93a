"""What else an account holds, read from a real marketplace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from life import Life

from turkform.account import connect
from turkform.campaign import Target
from turkform.inventory import inventory
from turkform.money import MTURK

if TYPE_CHECKING:
    from pathlib import Path

    from marketplace_server import Server

TERMS = {"Title": "By hand", "Description": "D", "Reward": "0.20", "AssignmentDurationInSeconds": 600}
QUESTION = (
    '<ExternalQuestion xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2006-07-14/'
    'ExternalQuestion.xsd"><ExternalURL>https://tasks.example.org/</ExternalURL><FrameHeight>0</FrameHeight>'
    "</ExternalQuestion>"
)


def test_other_campaigns_and_foreign_hits_are_told_apart_and_priced(server: Server, tmp_path: Path) -> None:
    life = Life(server, tmp_path)
    life.apply()
    life.work("one")
    server.client().create_hit(LifetimeInSeconds=3600, MaxAssignments=2, Question=QUESTION, **TERMS)
    target = Target("local", "local")
    found = inventory(connect(target, server.url), "mine", MTURK, life.look().observed.now)
    (other,) = found.campaigns
    assert (other.name, other.hits, other.open, other.submitted, other.cents) == (life.name, 3, 8, 1, 9 * 12)
    (foreign,) = found.foreign
    assert (foreign.name, foreign.hits, foreign.open, foreign.cents) == ("By hand", 1, 2, 2 * 24)
    assert foreign.document()["committed"] == "0.48"


def test_a_campaigns_own_hits_are_not_elsewhere(server: Server, tmp_path: Path) -> None:
    life = Life(server, tmp_path)
    life.apply()
    found = inventory(connect(Target("local", "local"), server.url), life.name, MTURK, life.look().observed.now)
    assert life.name not in {holding.name for holding in found.campaigns}
