"""The journal: opened, told apart, and read back by whoever plans next."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from one_journal import NOW, about, begin, create, do
from sqlalchemy import event, text

from turkform import ledger
from turkform.entries import Outcome
from turkform.errors import RefusedError
from turkform.journal import Journal
from turkform.ledger import JournalError, JournalMissingError

if TYPE_CHECKING:
    from pathlib import Path


# --- where it lies --------------------------------------------------------------------------------


def test_looking_for_a_journal_never_makes_one(path: Path) -> None:
    assert Journal.find(path) is None
    with pytest.raises(JournalMissingError):
        Journal.open(path, create=False)
    assert not path.exists()


def test_an_empty_file_is_no_journal_yet(path: Path) -> None:
    path.touch()
    assert Journal.find(path) is None
    with Journal.open(path, create=True) as journal:
        assert journal.id


def test_a_journal_keeps_its_id(path: Path) -> None:
    with Journal.open(path, create=True) as first, Journal.open(path, create=True) as second:
        assert first.id == second.id


def test_a_path_with_odd_characters_works(tmp_path: Path) -> None:
    path = tmp_path / "50% done? #1.sqlite"
    with Journal.open(path, create=True) as journal:
        assert path.exists()
    with Journal.open(path, create=False) as again:
        assert again.id == journal.id


def test_a_file_that_is_no_database_is_named_and_left_alone(path: Path) -> None:
    path.write_text("these are notes, not a database\n" * 100)
    with pytest.raises(JournalError, match=r"journal\.sqlite is not a database"):
        Journal.open(path, create=True)
    assert path.read_text().startswith("these are notes")


def test_a_foreign_database_is_left_alone(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE recipes (name)")
    before = path.read_bytes()
    with pytest.raises(JournalError, match="not a turkform journal"):
        Journal.open(path, create=True)
    assert path.read_bytes() == before


def test_a_damaged_journal_is_named(path: Path) -> None:
    with Journal.open(path, create=True) as journal, begin(journal) as run:
        run.intend([create(str(number)) for number in range(200)], NOW)
    content = bytearray(path.read_bytes())
    content[4096:] = os.urandom(len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(JournalError, match=r"is damaged|is not a database"), Journal.open(path, create=False) as again:
        list(again.calls())


def test_a_folder_in_its_place_is_named(path: Path) -> None:
    path.mkdir()
    with pytest.raises(JournalError, match="is a folder"):
        Journal.open(path, create=True)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match=r"there is no folder .*/nowhere"):
        Journal.open(tmp_path / "nowhere" / "journal.sqlite", create=True)
    assert Journal.find(tmp_path / "nowhere" / "journal.sqlite") is None


def test_a_journal_from_a_newer_turkform_is_refused(path: Path) -> None:
    Journal.open(path, create=True).close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO migrations VALUES (99, 0)")
    for create_ in (True, False):
        with pytest.raises(JournalError, match="written by a newer turkform"):
            Journal.open(path, create=create_)


def test_an_older_journal_is_brought_forward_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Journal.open(path, create=True).close()
    monkeypatch.setattr(ledger, "VERSION", 2)
    column = text("ALTER TABLE runs ADD COLUMN mood TEXT")
    monkeypatch.setattr(ledger, "MIGRATIONS", {2: lambda connection: connection.execute(column)})
    for _ in range(2):
        Journal.open(path, create=False).close()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT version FROM migrations").fetchall() == [(1,), (2,)]


# --- what it belongs to ---------------------------------------------------------------------------


def test_a_journal_belongs_to_one_record(on_disk: Journal, path: Path) -> None:
    on_disk.bind(record_id="REC1", campaign="image-labels", environment="lab", endpoint="http://127.0.0.1:8750")
    on_disk.bind(record_id="REC1", campaign="image-labels", environment="laboratory")
    with pytest.raises(RefusedError, match="belongs to the campaign record REC1"):
        on_disk.bind(record_id="REC2", campaign="image-labels", environment="lab")
    with Journal.open(path, create=False) as again:
        assert (again.record_id, again.environment) == ("REC1", "laboratory")


def test_another_campaigns_journal_is_refused(on_disk: Journal, path: Path) -> None:
    with pytest.raises(RefusedError, match='that of the campaign "image-labels", not "audio"'):
        Journal.open(path, create=True, campaign="audio")


def test_the_open_calls_of_another_journal_in_the_database_stay_there(on_disk: Journal, path: Path) -> None:
    with begin(on_disk) as run:
        [call] = run.intend([create()], NOW)
        run.settle(call, Outcome.UNKNOWN, at=NOW)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE calls SET journal = 'another'")
    assert on_disk.open_intents() == []
    assert list(on_disk.hits()) == []


# --- reading --------------------------------------------------------------------------------------


def test_calls_are_filtered_and_read_from_a_place_on(journal: Journal) -> None:
    with begin(journal) as run:
        do(run, create("a"), "HIT1")
        do(run, create("b"), "HIT2")
        do(run, about("HIT1", "DeleteHIT"), "HIT1")
    assert [c.id for c in journal.calls(operation="DeleteHIT")] == [3]
    assert [c.id for c in journal.calls(key="b")] == [2]
    assert [c.id for c in journal.calls(after=1)] == [2, 3]
    assert list(journal.calls(run=2)) == []


def test_reading_needs_no_lock_while_a_run_writes(journal: Journal) -> None:
    with begin(journal) as run:
        run.intend([create(str(number)) for number in range(3_000)], NOW)
        reading = journal.calls()
        assert next(reading).id == 1
        run.intend([create("late")], NOW)
        assert len(list(reading)) == 2_999


def test_planning_reads_open_and_rare_calls_by_their_index(on_disk: Journal, path: Path) -> None:
    read: list[tuple[str, Any]] = []
    event.listen(on_disk._ledger.engine, "before_cursor_execute", lambda *a: read.append((a[2], a[3])))
    on_disk.open_intents()
    on_disk.types()
    with closing(sqlite3.connect(path)) as connection:
        queries = [(query, values) for query, values in read if query.startswith("SELECT calls")]
        plans = [str(connection.execute(f"EXPLAIN QUERY PLAN {query}", values).fetchall()) for query, values in queries]
    assert [[index for index in ("calls_open", "calls_rare") if index in plan] for plan in plans] == [
        ["calls_open"],
        *[["calls_rare"]] * 5,
    ]


def test_money_and_time_are_whole_numbers_in_the_tables(on_disk: Journal, path: Path) -> None:
    with begin(on_disk) as run:
        run.intend([create()], NOW)
    with closing(sqlite3.connect(path)) as connection:
        query = "SELECT typeof(price), price, typeof(endpoint_time), endpoint_time FROM calls"
        assert connection.execute(query).fetchall() == [("integer", 36, "integer", 1796126400000)]
