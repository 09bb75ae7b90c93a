"""`status` and `report` as a person types them: once, again and again, into a terminal and into a pipe."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from marketplace_server import Server, running
from small_campaign import TURKFORM, published, words

from turkform.cli import run
from turkform.cli.session import Session
from turkform.cli.watching import watch
from turkform.errors import EndpointError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("marketplace")) as found:
        yield found


@pytest.fixture
def folder(server: Server, tmp_path: Path) -> Path:
    return published(server, tmp_path)


def hand_in(server: Server, each: int) -> None:
    for hit in server.client().list_hits()["HITs"]:
        for number in range(each):
            server.control("worker/submit", hit=hit["HITId"], worker=f"A{number}", answers={"bird": "a"})


def test_how_far_it_is_and_what_is_not_read(folder: Path, server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    hand_in(server, 1)
    capsys.readouterr()
    assert run(words(folder, "status")) == 0
    said = capsys.readouterr().out
    assert "3 of 9 assignments handed in" in said
    assert "not read   3 answers, at most 6 calls: turkform" in said
    assert run(words(folder, "status", "--exact")) == 0
    told = capsys.readouterr()
    assert "fetching the answers of 3 HITs: at most 6 calls" in told.err
    assert "measured   half took 1s or less" in told.out
    assert "not read" not in told.out


def test_a_program_gets_one_document(folder: Path, server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    hand_in(server, 1)
    capsys.readouterr()
    assert run(words(folder, "status", "--json", "--exact")) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["format_version"], told["total"]["submitted"]) == ("1.0", 3)


def test_watching_into_a_pipe_adds_a_line_each_time_and_ends_when_all_is_handed_in(
    folder: Path, server: Server
) -> None:
    command = [TURKFORM, *words(folder, "status", "--watch", "--every", "1s")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "0 of 9 assignments handed in" in process.stdout.readline()
        hand_in(server, 3)
        *_, last = process.stdout
    assert process.returncode == 0
    assert "9 of 9 assignments handed in, 0 free" in last


def test_watching_in_a_terminal_draws_over_and_ends_by_an_interrupt(folder: Path) -> None:
    terminal, its = pty.openpty()
    command = [TURKFORM, *words(folder, "status", "--watch", "--every", "1s")]
    with subprocess.Popen(command, stdout=its, stderr=its, stdin=its, start_new_session=True) as process:
        os.close(its)
        try:
            seen = b""
            while seen.count(b"committed") < 4:  # each look says it twice
                seen += os.read(terminal, 65_536)
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 130
        finally:
            process.kill()
    os.close(terminal)
    assert b"\x1b[1A" in seen, "it goes back up to draw over"


def test_an_endpoint_that_fails_for_once_is_asked_again_and_one_that_fails_at_first_is_an_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    total: dict[str, Any] = dict.fromkeys(("submitted", "reviewed", "assignments", "open", "pending"), 1)
    total |= {"gone": {"answers": 0}, "committed": "0.36", "spent": "0.00", "spent_exact": True, "done_at": None}
    document = {"now": "2026-11-25T07:00:00Z", "total": total, "warnings": []}
    answers = iter([document, EndpointError("no answer"), {**document, "total": total | {"open": 0, "pending": 0}}])

    def look() -> dict[str, Any]:
        found = next(answers)
        if isinstance(found, EndpointError):
            raise found
        return found

    watch(Session(), look, every=0.01, as_json=False)
    told = capsys.readouterr()
    assert len(told.out.splitlines()) == 2
    assert told.err == "no answer; trying again\n"
    answers = iter([EndpointError("no answer")])
    with pytest.raises(EndpointError):
        watch(Session(), look, every=0.01, as_json=False)


def test_a_wait_that_is_none_is_wrong_usage(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words(folder, "status", "--watch", "--every", "soon")) == 64
    assert '"soon" is not a duration' in capsys.readouterr().err
    assert run(words(folder, "status", "--watch", "--every", "0s")) == 64


def test_a_report_is_one_file_of_what_was_fetched_for_it(
    folder: Path, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    hand_in(server, 1)
    file = folder / "report.html"
    assert run(words(folder, "report", "--stored", "-o", str(file))) == 0
    assert "3 answers and 0 reviews were not fetched and are missing" in file.read_text()
    capsys.readouterr()
    assert run(words(folder, "report", "-o", str(file))) == 0
    told = capsys.readouterr()
    assert told.out.strip() == str(file)
    assert "at most 6 calls" in told.err
    assert "Of 3 answers, half took 1s or less" in file.read_text()


def test_a_report_that_cannot_be_written_is_an_error_and_no_traceback(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words(folder, "report", "-o", str(folder / "none" / "report.html"))) == 1
    assert "cannot be written: No such file or directory" in capsys.readouterr().err
