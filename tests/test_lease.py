"""The lease: one writer, and an epoch that stops everybody else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest
from marketplace_server import STORES
from one_journal import HERE, NOW, begin, create
from postgres import postgres

from turkform.entries import Outcome
from turkform.errors import InterruptedApplyError, LeaseHeldError
from turkform.journal import Journal
from turkform.lease import Clocks, FileLock, Lease, LeaseLostError, Owner

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def on_disk(path: Path) -> Iterator[Journal]:
    with Journal.open(path, create=True) as opened:
        yield opened


@pytest.fixture(params=STORES)
def journal(request: pytest.FixtureRequest, path: Path) -> Iterator[Journal]:
    with Journal.open(path if request.param == "sqlite" else postgres().database(), create=True) as opened:
        yield opened


def test_a_second_writer_learns_who_is_at_work(on_disk: Journal, path: Path) -> None:
    with begin(on_disk), Journal.open(path, create=True) as other, pytest.raises(LeaseHeldError) as caught:
        begin(other)
    assert caught.value.exit_code == 5
    for part in (str(path), "`turkform apply` of ann on desk", f"process {os.getpid()}", "since 20"):
        assert part in str(caught.value)


def test_the_next_writer_begins_when_the_last_has_ended(journal: Journal) -> None:
    epochs = []
    for _ in range(3):
        with begin(journal) as run:
            epochs.append(run.epoch)
    assert epochs == [1, 2, 3]


def test_a_killed_holder_is_taken_over_at_once(on_disk: Journal, path: Path) -> None:
    script = f"""
import sys, time
sys.path.insert(0, {HERE!r})
from pathlib import Path
from one_journal import begin
from turkform.journal import Journal
run = begin(Journal.open(Path({str(path)!r}), create=True))
print("holding", flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "holding\n"
        with pytest.raises(LeaseHeldError, match=f"process {child.pid}"):
            begin(on_disk)
        child.send_signal(signal.SIGKILL)
        child.wait()
    with begin(on_disk) as run:
        assert run.epoch == 2
        assert run.intend([create()], NOW) == [1]


def test_a_raised_epoch_stops_a_run_at_its_next_intent(journal: Journal) -> None:
    with begin(journal) as run:
        run.intend([create("before")], NOW)
        assert journal.raise_epoch() == 2
        with pytest.raises(LeaseLostError) as caught:
            run.intend([create("after")], NOW)
        assert isinstance(run.lost, InterruptedApplyError)
    assert caught.value.exit_code == 130
    assert [call.key for call in journal.calls()] == ["before"]


def test_a_run_that_lost_the_lease_writes_nothing_but_facts(journal: Journal) -> None:
    with begin(journal) as run:
        [call] = run.intend([create()], NOW)
        journal.raise_epoch()
        for write in (
            lambda: run.use_plan("abc"),
            lambda: run.note_rekey(address="batch.pilot", round=1, pairs=[("HIT1", "new")]),
        ):
            with pytest.raises(LeaseLostError):
                write()
        run.settle(call, Outcome.DONE, object_id="HIT1", at=NOW)
    assert not journal.plan_used("abc")
    assert journal.rekeys() == {}
    assert [(c.outcome, c.epoch) for c in journal.calls()] == [(Outcome.DONE, 1)]


def test_close_seizes_the_lease_without_waiting(on_disk: Journal, path: Path) -> None:
    with begin(on_disk) as run, Journal.open(path, create=False) as other:
        with begin(other, command="turkform close", user="bob", seize=True) as closing:
            with pytest.raises(LeaseLostError, match="by `turkform close` of bob on desk"):
                run.intend([create("late")], NOW)
            assert closing.intend([create("expiry")], NOW) == [1]
        run.close()
    assert [(call.key, call.epoch) for call in on_disk.calls()] == [("expiry", 2)]


def test_who_seized_the_epoch_gets_the_lock_when_the_other_one_stops(on_disk: Journal, path: Path) -> None:
    run = begin(on_disk)
    with Journal.open(path, create=False) as other, begin(other, seize=True) as closing:
        run.close()
        closing.intend([create()], NOW)
        assert not FileLock(path.with_name("journal.sqlite.lock")).acquire()


def test_an_ending_run_leaves_its_successors_lease_alone(on_disk: Journal, path: Path) -> None:
    run = begin(on_disk)
    with Journal.open(path, create=False) as other, begin(other, seize=True) as closing:
        run.close()
        assert closing.intend([create()], NOW) == [1]


def test_a_busy_run_cannot_keep_close_out(journal: Journal) -> None:
    stopped = threading.Event()

    def work() -> None:
        try:
            while True:
                run.intend([create()], NOW)
        except LeaseLostError:
            stopped.set()

    with begin(journal) as run:
        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        journal.raise_epoch()
        assert stopped.wait(10)
        for thread in threads:
            thread.join()


def test_a_folder_that_takes_no_lock_file_is_named(on_disk: Journal, path: Path) -> None:
    path.with_name("journal.sqlite.lock").mkdir()
    with pytest.raises(Exception, match=r"the lock .*journal.sqlite.lock cannot be made"):
        begin(on_disk)


# --- where the operating system's lock does not reach ----------------------------------------------


class Time:
    """A clock that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.meanwhile: list[Any] = []

    def clocks(self) -> Clocks:
        return Clocks(lambda: self.now, lambda: self.now, self.sleep)

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        for happening in self.meanwhile:
            happening()


def lockless(journal: Journal, time: Time, user: str) -> Lease:
    held = Lease(journal._ledger, journal.id, Owner(user, "desk", "turkform apply"), time.clocks())
    held._lock = None
    return held


def take(journal: Journal, lease: Lease) -> None:
    with journal._ledger.writing() as connection:
        lease.take(connection, seize=False)


def beat(journal: Journal, lease: Lease) -> bool:
    with journal._ledger.writing() as connection:
        return lease.verify(connection)


def test_a_lease_silent_for_ten_seconds_is_dead(journal: Journal) -> None:
    time = Time()
    first, second = lockless(journal, time, "ann"), lockless(journal, time, "bob")
    take(journal, first)
    began = time.now
    second.wait(patient=True)
    take(journal, second)
    assert 10 <= time.now - began < 12
    assert not beat(journal, first)
    assert beat(journal, second)


def test_a_lease_that_still_beats_is_held(journal: Journal) -> None:
    time = Time()
    first, second = lockless(journal, time, "ann"), lockless(journal, time, "bob")
    take(journal, first)
    time.meanwhile = [lambda: beat(journal, first)]
    with pytest.raises(LeaseHeldError, match="of ann on desk"):
        second.wait(patient=True)


def test_a_lease_given_back_is_free_at_once(journal: Journal) -> None:
    time = Time()
    first, second = lockless(journal, time, "ann"), lockless(journal, time, "bob")
    take(journal, first)
    with journal._ledger.writing() as connection:
        first.release(connection)
    began = time.now
    second.wait(patient=True)
    assert time.now == began


def test_of_two_that_waited_for_a_dead_lease_one_gets_it(journal: Journal) -> None:
    time = Time()
    dead, second, third = (lockless(journal, time, user) for user in ("ann", "bob", "cid"))
    take(journal, dead)
    second.wait(patient=True)
    third.wait(patient=True)
    take(journal, second)
    with pytest.raises(LeaseHeldError, match="of bob on desk"):
        take(journal, third)


def test_a_run_at_rest_gives_a_sign_of_life(journal: Journal) -> None:
    with begin(journal) as run:
        before = run._lease._read().heartbeat
        run._lease.due = 0.0
        run.flush()
        assert run._lease._read().heartbeat >= before
        assert run._lease.due > 0
