"""The real command, started twice, put to sleep and told to stop: each item is published once all the same."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from kill_points import Runner
from marketplace_server import running
from one_campaign import Place, Story
from postgres import postgres

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TURKFORM = [sys.executable, "-c", "from turkform.cli import main; main()"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("marketplace")
    with running(folder, store="sqlite") as server, Runner() as runner:
        yield Place(server, folder / "marketplace.sqlite", runner)


@pytest.fixture
def calm(place: Place) -> Iterator[Place]:
    """The same, without trouble when the test is over."""
    yield place
    place.server.control("faults", faults=[])


# --- doubled and stopped --------------------------------------------------------------------------


@pytest.fixture
def story(calm: Place, tmp_path: Path) -> Story:
    """A campaign that is about to be published."""
    found = calm.story(tmp_path)
    found.begin()
    return found


@pytest.fixture
def shared(calm: Place, tmp_path: Path) -> Story:
    """The same, its journal on PostgreSQL."""
    found = calm.story(tmp_path)
    found.database = postgres().database()
    found.begin()
    return found


def _start(story: Story, *words: str) -> subprocess.Popen[str]:
    command = [*TURKFORM, "-C", str(story.folder), "--env", "lab", *words]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**story.environ, "PATH": "/usr/bin"}
    )


def _under_way(story: Story, rate: str = "2") -> subprocess.Popen[str]:
    """A run that has published something and goes on, slowly."""
    process = _start(story, "apply", "--auto-approve", "--rate", rate)
    while not story.live():
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    return process


def _hold_up(story: Story, process: subprocess.Popen[str], delay: str) -> None:
    """Make the endpoint slow, until a call has arrived there and waits."""
    story.server.control("faults", faults=[f"delay={delay}"])
    while not story.server.control("faults")["counts"].get("calls"):
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)


def _end(process: subprocess.Popen[str]) -> tuple[int, str]:
    said, _ = process.communicate(timeout=90)
    return process.returncode, said


def _all_once(story: Story) -> None:
    story.server.control("faults", faults=[])
    assert story.finish() == []


def test_of_two_applies_at_once_one_is_told_who_is_at_work(story: Story) -> None:
    with _under_way(story) as first:
        first.send_signal(signal.SIGSTOP)  # or it would be done before the other has looked
        with _start(story, "apply", "--auto-approve") as second:
            code, said = _end(second)
        assert (code, "is at work on it since" in said) == (5, True), said
        first.send_signal(signal.SIGTERM)
        first.send_signal(signal.SIGCONT)
        assert _end(first)[0] == 130
    _all_once(story)


def test_a_holder_that_slept_sends_nothing_under_its_old_epoch(story: Story) -> None:
    with _under_way(story) as slept:
        slept.send_signal(signal.SIGSTOP)
        with _start(story, "close", "--all") as closing:
            code, said = _end(closing)
        assert code in {0, 7}, said
        made = story.made()
        slept.send_signal(signal.SIGCONT)
        code, said = _end(slept)
    assert (code, "was stopped by `close`" in said) == (130, True), said
    with story.opened() as journal:
        last = journal.runs()[-1]
        late = [call.id for call in journal.calls(run=last.id - 1) if call.epoch >= last.epoch]
    assert late == []
    assert story.made() - made <= 4  # what was journalled before it slept: a call of each thread
    assert max(story.live().values()) == 1


def test_close_expires_also_what_a_running_apply_was_about_to_learn_of(story: Story) -> None:
    with _under_way(story, rate="0.5") as publishing:
        _hold_up(story, publishing, "8s")  # carried out after half of that
        story.server.control("faults", faults=[])
        with _start(story, "close", "--all") as closing:
            code, said = _end(closing)
        assert code in {0, 7}, said
        open_after = story.open()
        code, said = _end(publishing)
    assert (code, "was stopped by `close`" in said) == (130, True), said
    assert (open_after, story.open()) == (0, 0)
    assert max(story.live().values()) == 1
    assert story.open_calls() == 0


def test_on_postgresql_a_second_apply_waits_for_a_sign_of_life_and_leaves(shared: Story) -> None:
    with _under_way(shared, rate="0.5") as first:
        with _start(shared, "apply", "--auto-approve") as second:
            code, said = _end(second)
        assert (code, "is at work on it since" in said) == (5, True), said
        assert first.poll() is None
        first.send_signal(signal.SIGTERM)
        assert _end(first)[0] == 130
    _all_once(shared)


def test_after_a_holder_fell_silent_the_next_apply_goes_on(shared: Story) -> None:
    with _under_way(shared) as silent:
        silent.send_signal(signal.SIGSTOP)
        with _start(shared, "apply", "--auto-approve") as following:
            code, said = _end(following)
        assert code == 0, said
        silent.send_signal(signal.SIGCONT)
        code, said = _end(silent)
    assert (code, "was stopped by `apply`" in said) == (130, True), said
    _all_once(shared)


def test_told_once_to_stop_it_waits_for_what_was_sent(story: Story) -> None:
    with _under_way(story) as process:
        process.send_signal(signal.SIGTERM)
        code, said = _end(process)
    assert (code, "once more to stop at once" in said) == (130, True), said
    assert story.open_calls() == 0
    _all_once(story)


def test_told_twice_it_does_not_wait_for_answers(story: Story) -> None:
    with _under_way(story) as process:
        _hold_up(story, process, "30s")
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        assert _end(process)[0] == 130
    assert story.open_calls() > 0  # an answer that was waited for would have been written down
    _all_once(story)


# --- a team's journal -----------------------------------------------------------------------------


def test_a_team_shares_a_journal_on_postgresql(shared: Story) -> None:
    assert shared.run(*shared.words).code == 0
    assert shared.finish() == []
    assert not shared.journal()
    with shared.opened() as journal:
        assert [run.command for run in journal.runs()] == ["apply"]


def test_a_database_that_does_not_answer_is_named_without_its_password(calm: Place, tmp_path: Path) -> None:
    story = calm.story(tmp_path)
    story.database = "postgresql://ann:hidden@127.0.0.1:9/journals"
    with pytest.raises(
        AssertionError, match=r"the journal postgresql://ann:\*\*\*@127.0.0.1:9/journals cannot be used"
    ):
        story.begin()
