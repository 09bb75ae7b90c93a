"""A run: durable before a call leaves, and no outcome lost."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from one_journal import HERE, NOW, begin, create, do
from sqlalchemy import event

from turkform.entries import Outcome
from turkform.errors import StalePlanError
from turkform.journal import Journal
from turkform.ledger import JournalError
from turkform.money import Money

if TYPE_CHECKING:
    from pathlib import Path


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
from one_journal import NOW, begin, create
from turkform.entries import Outcome
from turkform.journal import Journal
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


def test_text_from_outside_cannot_spoil_a_group(journal: Journal) -> None:
    with begin(journal) as run:
        [call] = run.intend([create()], NOW)
        run.settle(call, Outcome.FAILED, at=NOW, error="bad \0 text \ud800 " + "x" * 10_000)
    [read] = journal.calls()
    assert read.error.startswith("bad  text ? xxx")
    assert len(read.error) < 3_000


# --- what may go wrong ----------------------------------------------------------------------------


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


# --- what it says of itself -----------------------------------------------------------------------


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
