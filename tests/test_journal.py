"""The journal: durable before a call leaves, and read back by whoever plans next."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from marketplace_server import STORES
from postgres import postgres
from sqlalchemy import event, text

from turkform import ledger
from turkform.errors import RefusedError, StalePlanError
from turkform.journal import Intent, Journal, Outcome, Run
from turkform.ledger import JournalError, JournalMissingError
from turkform.money import Money

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = str(Path(__file__).parent)
NOW = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
END = datetime(2026, 12, 8, 12, 0, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


@pytest.fixture
def on_disk(path: Path) -> Iterator[Journal]:
    """A journal in a file."""
    with Journal.open(path, create=True, campaign="image-labels", environment="lab") as opened:
        yield opened


@pytest.fixture(params=STORES)
def journal(request: pytest.FixtureRequest, path: Path) -> Iterator[Journal]:
    """A journal in whatever one can be kept in."""
    where = path if request.param == "sqlite" else postgres().database()
    with Journal.open(where, create=True, campaign="image-labels", environment="lab") as opened:
        yield opened


def begin(journal: Journal, **changes: Any) -> Run:
    return journal.begin(**{"command": "turkform apply", "user": "ann", "host": "desk", "now": NOW} | changes)


def create(key: str = "img-1", **detail: Any) -> Intent:
    detail = {
        "batch": "pilot", "round": 1, "generation": 1, "fingerprint": "abcdefghijklmnop",
        "expires": END.timestamp(),
    } | detail  # fmt: skip
    return Intent("batch.pilot", key, "CreateHITWithHITType", "d" * 64, "t" * 64, Money(36), detail)


def about(hit_id: str, operation: str, cents: int = 0, **detail: Any) -> Intent:
    detail = {"batch": "pilot", "round": 1, "generation": 1, "object": hit_id} | detail
    return Intent("batch.pilot", "img-1", operation, "d" * 64, "", Money(cents), detail)


def do(run: Run, intent: Intent, object_id: str = "", *, at: datetime = NOW) -> int:
    [call] = run.intend([intent], at)
    run.settle(call, Outcome.DONE, object_id=object_id, request_id="req-1", at=at)
    return call


def commits(journal: Journal) -> list[int]:
    """A list that grows by one with every commit."""
    seen: list[int] = []
    event.listen(journal._ledger.engine, "commit", lambda _: seen.append(1))
    return seen


# --- being sure -----------------------------------------------------------------------------------


def test_what_was_intended_is_read_back_whole(journal: Journal) -> None:
    with begin(journal) as run:
        call = do(run, create(), "HIT1", at=NOW + timedelta(milliseconds=1500))
    [read] = journal.calls()
    assert (read.id, read.run, read.epoch) == (call, 1, 1)
    assert (read.address, read.key, read.price, read.token) == ("batch.pilot", "img-1", Money(36), "t" * 64)
    assert read.detail["fingerprint"] == "abcdefghijklmnop"
    assert read.endpoint_time == NOW + timedelta(milliseconds=1500)
    assert (read.outcome, read.object_id, read.request_id) == (Outcome.DONE, "HIT1", "req-1")


def test_an_outcome_told_just_as_a_group_is_written_goes_with_the_next(
    on_disk: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread may be put to sleep between looking for the list of outcomes and adding to it."""
    with begin(on_disk) as run:
        first, second = run.intend([create("a"), create("b")], NOW)
        run.settle(first, Outcome.DONE, object_id="HIT1", at=NOW)
        add = run._scribe._fact

        def late(facts: list[dict[str, Any]], row: dict[str, Any]) -> None:
            run.flush()
            add(facts, row)

        monkeypatch.setattr(run._scribe, "_fact", late)
        run.settle(second, Outcome.DONE, object_id="HIT2", at=NOW)
    assert [call.object_id for call in on_disk.calls()] == ["HIT1", "HIT2"]


def _child(path: Path, last: str) -> int:
    script = f"""
import os, signal, sys, time
sys.path.insert(0, {HERE!r})
from pathlib import Path
from test_journal import NOW, Journal, Outcome, begin, create
run = begin(Journal.open(Path({str(path)!r}), create=True))
[call] = run.intend([create()], NOW)
{last}
"""
    return subprocess.run([sys.executable, "-c", script], check=False, timeout=60).returncode


@pytest.mark.parametrize(
    ("last", "code"),
    [("os._exit(3)", 3), ("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL)],
    ids=["exits", "killed"],
)
def test_an_intent_outlives_the_death_of_its_process_as_an_open_call(path: Path, last: str, code: int) -> None:
    assert _child(path, last) == code
    with Journal.open(path, create=False) as journal:
        assert [call.key for call in journal.open_intents()] == ["img-1"]
        assert [run.ended for run in journal.runs()] == [None]


def test_an_outcome_reaches_the_disk_by_itself_when_no_intent_follows(path: Path) -> None:
    assert _child(path, "run.settle(call, Outcome.DONE, object_id='HIT1', at=NOW); time.sleep(1); os._exit(3)") == 3
    with Journal.open(path, create=False) as journal:
        assert journal.open_intents() == []


def test_a_run_that_ends_has_written_every_outcome(journal: Journal) -> None:
    with begin(journal) as run:
        for number in range(500):
            do(run, create(f"img-{number}"), f"HIT{number}")
        run.end(0)
    assert journal.open_intents() == []
    assert len(list(journal.calls(outcome=Outcome.DONE))) == 500


def test_callers_that_wait_share_one_commit(on_disk: Journal) -> None:
    with begin(on_disk) as run:
        run.intend([create("first")], NOW)
        seen = commits(on_disk)
        blocked, go = threading.Event(), threading.Event()

        def hold(_: object) -> None:
            blocked.set()
            go.wait(10)

        first = threading.Thread(target=run._scribe.do, args=(hold,))
        first.start()
        blocked.wait(10)
        others = [threading.Thread(target=run.intend, args=([create(str(n))], NOW)) for n in range(32)]
        for thread in others:
            thread.start()
        while len(run._scribe._tickets) < 32:
            pass
        go.set()
        for thread in (first, *others):
            thread.join()
        assert len(seen) == 2
    assert len(on_disk.open_intents()) == 33


def test_calls_of_32_threads_get_numbers_of_their_own(journal: Journal) -> None:
    numbers: list[int] = []

    def work(worker: int) -> None:
        numbers.extend(do(run, create(f"{worker}-{turn}"), f"HIT{worker}-{turn}") for turn in range(20))

    with begin(journal) as run:
        threads = [threading.Thread(target=work, args=(worker,)) for worker in range(32)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(numbers) == list(range(1, 641))
    assert {call.object_id for call in journal.calls()} == {f"HIT{w}-{t}" for w in range(32) for t in range(20)}


def test_many_intents_in_one_go_are_numbered_in_their_order(journal: Journal) -> None:
    with begin(journal) as run:
        assert run.intend([create("a"), create("b"), create("c")], NOW) == [1, 2, 3]
    assert [call.key for call in journal.open_intents()] == ["a", "b", "c"]


def test_numbers_go_on_where_the_last_run_ended(journal: Journal) -> None:
    for wanted in (1, 2, 3):
        with begin(journal) as run:
            assert run.intend([create()], NOW) == [wanted]


# --- outcomes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcomes", "stands"),
    [
        (["done", "failed"], "done"),
        (["failed", "done"], "failed"),
        (["void", "failed"], "void"),
        (["done", "unknown"], "done"),
        (["unknown", "done"], "done"),
        (["unknown", "void"], "void"),
        (["void", "done"], "done"),
    ],
)
def test_an_outcome_is_written_once_and_only_a_guess_gives_way(
    journal: Journal, outcomes: list[str], stands: str
) -> None:
    with begin(journal) as run:
        [call] = run.intend([create()], NOW)
        for outcome in outcomes:
            run.settle(call, Outcome(outcome), at=NOW)
            run.flush()
    assert [call.outcome for call in journal.calls()] == [stands]


def test_a_call_without_an_answer_stays_open_until_it_is_settled(journal: Journal) -> None:
    with begin(journal) as run:
        [call] = run.intend([create()], NOW)
        run.settle(call, Outcome.UNKNOWN, at=NOW, error="timed out")
    assert [(c.id, c.error) for c in journal.open_intents()] == [(call, "timed out")]
    with begin(journal) as run:
        run.settle(call, Outcome.VOID, at=NOW)
    assert journal.open_intents() == []


def test_the_open_calls_of_another_journal_in_the_database_stay_there(on_disk: Journal, path: Path) -> None:
    with begin(on_disk) as run:
        [call] = run.intend([create()], NOW)
        run.settle(call, Outcome.UNKNOWN, at=NOW)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE calls SET journal = 'another'")
    assert on_disk.open_intents() == []
    assert list(on_disk.hits()) == []


def test_text_from_outside_cannot_spoil_a_group(journal: Journal) -> None:
    with begin(journal) as run:
        [call] = run.intend([create()], NOW)
        run.settle(call, Outcome.FAILED, at=NOW, error="bad \0 text \ud800 " + "x" * 10_000)
    [read] = journal.calls()
    assert read.error.startswith("bad  text ? xxx")
    assert len(read.error) < 3_000


# --- what may go wrong ----------------------------------------------------------------------------


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


def _on_connect(journal: Journal, pragma: str) -> None:
    event.listen(
        journal._ledger.engine, "connect", lambda connection, _: connection.execute(f"PRAGMA {pragma}").fetchall()
    )


def test_a_full_disk_means_that_nothing_may_be_sent(on_disk: Journal, path: Path) -> None:
    run = begin(on_disk)
    run._scribe._drop()
    _on_connect(on_disk, f"max_page_count={path.stat().st_size // 4096}")
    with pytest.raises(JournalError, match="its disk is full") as caught:
        run.intend([create(str(number)) for number in range(500)], NOW)
    assert caught.value.exit_code == 1
    assert on_disk.open_intents() == []
    run.close()


def test_a_run_goes_on_when_the_disk_has_room_again(on_disk: Journal) -> None:
    with begin(on_disk) as run:
        [before] = run.intend([create("a")], NOW)
        broken = _trip(on_disk)
        run.settle(before, Outcome.DONE, object_id="HIT1", at=NOW)
        with pytest.raises(JournalError):
            run.intend([create("b")], NOW)
        broken.clear()
        [after] = run.intend([create("c")], NOW)
    assert {call.id: call.outcome for call in on_disk.calls()} == {before: Outcome.DONE, after: None}


def _trip(journal: Journal) -> list[int]:
    """Make every write fail while the list holds something."""
    broken = [1]

    def fail(*_: object) -> None:
        if broken:
            raise sqlite3.OperationalError("disk I/O error")

    event.listen(journal._ledger.engine, "commit", fail)
    return broken


def test_outcomes_that_could_not_be_written_are_said_aloud(on_disk: Journal) -> None:
    run = begin(on_disk)
    [call] = run.intend([create()], NOW)
    broken = _trip(on_disk)
    run.settle(call, Outcome.DONE, at=NOW)
    with pytest.raises(JournalError, match="1 outcomes are only in the account"):
        run.close()
    broken.clear()
    assert [c.id for c in on_disk.open_intents()] == [call]


def test_a_read_only_journal_is_named_before_anything_is_sent(on_disk: Journal) -> None:
    _on_connect(on_disk, "query_only=ON")
    with pytest.raises(JournalError, match="is read-only"):
        begin(on_disk)
    assert list(on_disk.calls()) == []


def test_a_run_that_was_closed_takes_nothing_more(journal: Journal) -> None:
    run = begin(journal)
    run.close()
    with pytest.raises(JournalError, match="has ended"):
        run.intend([create()], NOW)


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


def test_a_plan_is_used_once(journal: Journal) -> None:
    assert not journal.plan_used("abc")
    with begin(journal) as run:
        run.use_plan("abc")
    assert journal.plan_used("abc")
    with begin(journal) as run, pytest.raises(StalePlanError, match="by ann on desk at 2026-12-01T12:00:"):
        run.use_plan("abc")


def test_a_run_says_who_did_what_and_how_it_ended(journal: Journal) -> None:
    with begin(journal, commit="c0ffee", environment="lab", plan_digest="dig", intent="int") as run:
        run.end(6)
    with pytest.raises(StalePlanError), begin(journal):
        raise StalePlanError(["moved"])
    first, second = journal.runs()
    assert (first.user, first.host, first.commit, first.exit_code) == ("ann", "desk", "c0ffee", 6)
    assert (first.plan_digest, first.intent, first.begun) == ("dig", "int", NOW)
    assert first.ended is not None
    assert timedelta(0) <= first.ended - NOW < timedelta(seconds=30)
    assert (second.id, second.epoch, second.exit_code) == (2, 2, 4)


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt(), 130), (ValueError(), 1)], ids=["ctrl-c", "a bug"])
def test_a_run_that_breaks_off_says_how(journal: Journal, error: BaseException, code: int) -> None:
    with pytest.raises(type(error)), begin(journal):
        raise error
    assert [run.exit_code for run in journal.runs()] == [code]


# --- what it adds up to ---------------------------------------------------------------------------


def test_a_created_hit_is_known_with_what_planning_needs(journal: Journal) -> None:
    with begin(journal) as run:
        do(run, create(generation=2), "HIT1")
        run.intend([create("img-2")], NOW)
    [hit] = journal.hits()
    assert (hit.hit_id, hit.batch, hit.round, hit.key, hit.generation) == ("HIT1", "pilot", 1, "img-1", 2)
    assert (hit.price, hit.created_at, hit.expires_at) == (Money(36), NOW, END)
    assert (hit.expired_by_us, hit.deleted_by_us) == ("", False)


@pytest.mark.parametrize(
    ("untouched", "outcome", "deleted"),
    [(1, "done", True), (1, "failed", False), (1, "unknown", False), (0, "done", False)],
)
def test_only_our_own_deletion_of_an_untouched_hit_frees_its_item(
    journal: Journal, untouched: int, outcome: str, deleted: object
) -> None:
    with begin(journal) as run:
        do(run, create(), "HIT1")
        [call] = run.intend([about("HIT1", "DeleteHIT", untouched=bool(untouched))], NOW)
        run.settle(call, Outcome(outcome), object_id="HIT1", at=NOW)
    assert [hit.deleted_by_us for hit in journal.hits()] == [deleted]


def test_extensions_and_moves_raise_a_hits_price_and_reopening_does_not(journal: Journal) -> None:
    with begin(journal) as run:
        do(run, create(), "HIT1")
        do(run, about("HIT1", "CreateAdditionalAssignmentsForHIT", 12), "HIT1")
        do(run, about("HIT1", "UpdateHITTypeOfHIT", 6), "HIT1")
        do(run, about("HIT1", "UpdateExpirationForHIT", 50, expires=END.timestamp(), ending=""), "HIT1")
    assert [hit.price for hit in journal.hits()] == [Money(54)]


def test_an_expiry_by_our_hand_is_known_until_it_is_undone(journal: Journal) -> None:
    later = NOW + timedelta(days=1)
    with begin(journal) as run:
        do(run, create(), "HIT1")
        do(run, about("HIT1", "UpdateExpirationForHIT", expires=0.0, ending="close"), "HIT1", at=later)
    [closed] = journal.hits()
    assert (closed.expired_by_us, closed.expired_at) == ("close", later)
    with begin(journal) as run:
        do(run, about("HIT1", "UpdateExpirationForHIT", expires=END.timestamp(), ending=""), "HIT1")
    [reopened] = journal.hits()
    assert (reopened.expired_by_us, reopened.expired_at, reopened.expires_at) == ("", None, END)


def adopt(run: Run, hit_id: str, **changes: Any) -> None:
    run.note_adopted(
        **{
            "address": "batch.pilot", "batch": "pilot", "round": 1, "key": "img-9", "hit_id": hit_id, "generation": 3,
            "fingerprint": "ponmlkjihgfedcba", "cents": 99, "created": NOW.timestamp(), "expires": END.timestamp(),
        }
        | changes
    )  # fmt: skip


def test_an_adopted_hit_is_known_like_a_created_one(journal: Journal) -> None:
    with begin(journal) as run:
        adopt(run, "HIT9")
        do(run, about("HIT9", "DeleteHIT", untouched=True), "HIT9")
    [hit] = journal.hits()
    assert (hit.key, hit.generation, hit.fingerprint, hit.price) == ("img-9", 3, "ponmlkjihgfedcba", Money(99))
    assert (hit.created_at, hit.expires_at, hit.deleted_by_us) == (NOW, END, True)


def test_a_hit_both_created_and_adopted_is_paid_once(journal: Journal) -> None:
    with begin(journal) as run:
        [call] = run.intend([create()], NOW)
        adopt(run, "HIT1", key="img-1", cents=36)
        run.settle(call, Outcome.DONE, object_id="HIT1", at=NOW)
    assert [hit.price for hit in journal.hits()] == [Money(36)]


def test_an_adoption_is_durable_before_a_later_intent(journal: Journal) -> None:
    run = begin(journal)
    adopt(run, "HIT9")
    run.intend([create()], NOW)
    assert [hit.hit_id for hit in journal.hits()] == ["HIT9"]
    run.close()


def test_a_hit_goes_by_the_key_it_was_given_last(journal: Journal) -> None:
    with begin(journal) as run:
        do(run, create("old"), "HIT1")
        do(run, create("other"), "HIT2")
        run.note_rekey(address="batch.pilot", round=1, pairs=[("HIT1", "newer"), ("HIT5", "elsewhere")])
        run.note_rekey(address="batch.pilot", round=1, pairs=[("HIT1", "newest")])
    assert {hit.hit_id: hit.key for hit in journal.hits()} == {"HIT1": "newest", "HIT2": "other"}
    assert journal.rekeys() == {"HIT1": "newest", "HIT5": "elsewhere"}


def grant(worker: str, value: int, operation: str = "AssociateQualificationWithWorker") -> Intent:
    return Intent("grant.trained", worker, operation, "", "", Money(), {"type": "QT1", "value": value})


def test_grants_are_ours_until_we_take_them_back_or_their_type_goes(journal: Journal) -> None:
    with begin(journal) as run:
        do(run, grant("A1", 80))
        do(run, grant("A2", 90))
        do(run, grant("A1", 85))
        do(run, grant("A2", 0, "DisassociateQualificationFromWorker"))
    assert [(g.type_id, g.worker, g.value) for g in journal.grants()] == [("QT1", "A1", 85)]
    with begin(journal) as run:
        do(run, Intent("qualification_type.trained", "", "DeleteQualificationType", "", "", Money()), "QT1")
    assert journal.grants() == []


def test_blocks_are_ours_until_we_lift_them(journal: Journal) -> None:
    with begin(journal) as run:
        for worker, operation in (
            ("A1", "CreateWorkerBlock"),
            ("A2", "CreateWorkerBlock"),
            ("A1", "DeleteWorkerBlock"),
        ):
            do(run, Intent("block", worker, operation, "", "", Money(), {"value": "random answers"}))
    assert [(b.worker, b.reason) for b in journal.blocks()] == [("A2", "random answers")]


def test_types_we_made_are_known_with_their_name_and_end(journal: Journal) -> None:
    gone = NOW + timedelta(days=2)
    with begin(journal) as run:
        do(run, Intent("record", "", "CreateQualificationType", "", "", Money()), "REC1")
        for name, type_id in (("Old", "QT1"), ("New", "QT2")):
            detail = {"name": name}
            do(run, Intent("qualification_type.t", "", "CreateQualificationType", "", "", Money(), detail), type_id)
        do(run, Intent("qualification_type.t", "", "DeleteQualificationType", "", "", Money()), "QT1", at=gone)
    assert [(t.type_id, t.name, t.deleted_at) for t in journal.types()] == [("QT1", "Old", gone), ("QT2", "New", None)]


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
