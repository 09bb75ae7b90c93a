"""A store that was copied is the marketplace that it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from marketplace_server import real
from postgres import postgres

from turkform.marketplace.copying import copy_store
from turkform.marketplace.migrations import VERSION, keep
from turkform.marketplace.store import Store, StoreError

if TYPE_CHECKING:
    from pathlib import Path

TERMS = {
    "Title": "A task", "Description": "Something to do.", "Reward": "0.10", "AssignmentDurationInSeconds": 600,
    "LifetimeInSeconds": 3600,
    "Question": (
        '<ExternalQuestion xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2006-07-14/'
        'ExternalQuestion.xsd"><ExternalURL>https://example.org/</ExternalURL><FrameHeight>0</FrameHeight>'
        "</ExternalQuestion>"
    ),
}  # fmt: skip


def test_a_source_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no store"):
        copy_store(f"sqlite:///{tmp_path / 'typo.sqlite'}", f"sqlite:///{tmp_path / 'new.sqlite'}")
    assert not list(tmp_path.iterdir())


def test_an_older_source_is_left_as_it_is(tmp_path: Path) -> None:
    source = f"sqlite:///{tmp_path / 'old.sqlite'}"
    store = Store(source)
    with store.transaction() as connection:
        keep(connection, "schema", str(VERSION - 1))
    store.close()
    before = (tmp_path / "old.sqlite").read_bytes()
    with pytest.raises(StoreError, match=f"has schema version {VERSION - 1}, not {VERSION}"):
        copy_store(source, f"sqlite:///{tmp_path / 'new.sqlite'}")
    assert (tmp_path / "old.sqlite").read_bytes() == before


def test_a_store_moves_from_sqlite_to_postgresql_with_keys_hits_and_money(tmp_path: Path) -> None:
    with real(tmp_path) as before:
        keys = before.keys("lab", "10.00")
        made = before.client(keys).create_hit(**TERMS)["HIT"]["HITId"]
        balance = before.client(keys).get_account_balance()["AvailableBalance"]
    target = postgres().database()
    assert copy_store(before.store, target) > 3
    with real(tmp_path, store=target, master=before.master) as after:
        client = after.client(keys)
        assert [hit["HITId"] for hit in client.list_hits()["HITs"]] == [made]
        assert client.get_account_balance()["AvailableBalance"] == balance
        assert client.create_hit(**TERMS)["HIT"]["HITId"] != made
        assert len(client.list_hits()["HITs"]) == 2
    with pytest.raises(StoreError, match="there is something in"):
        copy_store(before.store, target)
