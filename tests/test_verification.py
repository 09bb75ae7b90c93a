"""Verification: the journal held against the account, item by item."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from life import Life

from turkform.cli import run
from turkform.items import Marker
from turkform.verification import verify

if TYPE_CHECKING:
    from pathlib import Path

    from marketplace_server import Server


@pytest.fixture
def life(server: Server, tmp_path: Path) -> Life:
    found = Life(server, tmp_path)
    found.apply()
    return found


def hit_of(life: Life, key: str) -> dict[str, Any]:
    return next(hit for hit in life.hits() if f"/{key}#" in hit["RequesterAnnotation"])


def copy(life: Life, hit: dict[str, Any], annotation: str) -> str:
    """Somebody publishes another HIT with one of our markers."""
    names = ("HITTypeId", "MaxAssignments", "Question")
    same = {name: hit[name] for name in names}
    made = life.server.client().create_hit_with_hit_type(**same, LifetimeInSeconds=600, RequesterAnnotation=annotation)
    return str(made["HIT"]["HITId"])


def flaws(life: Life) -> list[tuple[str, str, str, str]]:
    return [(f.flaw, f.address, f.hit_id, str(f.price)) for f in verify(life.look()).findings]


def test_items_bought_once_are_counted_and_priced(life: Life) -> None:
    found = verify(life.look())
    assert (found.items, found.hits, str(found.price), found.findings) == (3, 3, "1.08", [])
    assert found.sound


def test_a_second_hit_of_an_item_is_a_duplicate_with_its_price(life: Life) -> None:
    hit = hit_of(life, "a")
    double = copy(life, hit, hit["RequesterAnnotation"])
    assert flaws(life) == [("duplicate", 'batch.pilot["a"]', double, "0.36")]
    assert not verify(life.look()).sound


def test_a_hit_that_the_journal_does_not_know_is_a_stranger(life: Life) -> None:
    hit = hit_of(life, "a")
    marker = Marker.parse(hit["RequesterAnnotation"])
    assert marker is not None
    strange = copy(life, hit, str(Marker(life.name, "pilot", 1, "z", 1, marker.version, marker.fingerprint)))
    assert flaws(life) == [("stranger", 'batch.pilot["z"]', strange, "0.36")]


def test_a_hit_that_the_account_lost_is_missing_and_was_paid_for(life: Life) -> None:
    client, hit = life.server.client(), hit_of(life, "b")
    client.update_expiration_for_hit(HITId=hit["HITId"], ExpireAt=datetime(2015, 1, 1, tzinfo=UTC))
    client.delete_hit(HITId=hit["HITId"])
    assert flaws(life) == [("missing", 'batch.pilot["b"]', hit["HITId"], "0.36")]
    assert verify(life.look()).sound


def test_nothing_is_verified_of_one_run_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["-C", str(tmp_path), "log", "--verify", "--run", "1"]) == 64
    assert "--verify looks at every item" in capsys.readouterr().err
