"""`results` as a person types it: into a file, a pipe, a terminal; what does not fit is said."""

from __future__ import annotations

import os
import pty
import resource
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest
from small_campaign import TURKFORM, published, words

from turkform.cli import run

if TYPE_CHECKING:
    from pathlib import Path

    from marketplace_server import Server

HOSTILE = "\x9b2J\u202eowned" + "x" * 1_000_000


@pytest.fixture(scope="module")
def folder(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A campaign with one answer, a hostile one."""
    made = published(server, tmp_path_factory.mktemp("small"))
    hit = server.client().list_hits()["HITs"][0]["HITId"]
    server.control("worker/submit", hit=hit, worker="A1", answers={"bird": HOSTILE, "formula": "=1+1"})
    return made


def test_nothing_that_a_worker_wrote_steers_a_terminal(folder: Path) -> None:
    seen = shown(words(folder, "results"))
    assert r"\x9b2J\u202eowned" in seen
    assert not {"\x1b", "\x9b", "\u202e"} & set(seen)
    seen = shown(words(folder, "results", "--format", "jsonl"))
    assert r"\u009b2J\u202eowned" in seen
    assert not {"\x1b", "\x9b", "\u202e"} & set(seen)


def shown(arguments: list[str]) -> str:
    """What a terminal gets to show."""
    terminal, its = pty.openpty()
    with subprocess.Popen([TURKFORM, *arguments], stdout=its, stderr=subprocess.DEVNULL) as process:
        os.close(its)
        seen = b""
        while True:
            try:
                more = os.read(terminal, 1 << 20)
            except OSError:  # it has been closed at the other end
                break
            if not more:
                break
            seen += more
    os.close(terminal)
    assert process.returncode == 0
    return seen.decode()


def test_a_file_says_by_its_name_what_it_holds(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a.csv", "a.jsonl", "a.parquet"):
        file = folder / name
        assert run(words(folder, "results", "-o", str(file))) == 0
        assert capsys.readouterr().out == f"{file}: 1 answer\n"
        assert file.stat().st_size


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        (["nothing"], 64, "there is no batch nothing"),
        (["--format", "parquet"], 64, "Parquet is no text"),
        (["-o", "answers.xlsx"], 64, "ends in none of .csv, .jsonl and .parquet"),
        (["-o", "none/answers.csv"], 1, "cannot be written"),
        (["-o", "none/answers.parquet"], 1, "cannot be written"),
    ],
)
def test_what_does_not_fit_is_said(
    more: list[str], code: int, said: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words(folder, "results", *more)) == code
    assert said in capsys.readouterr().err


def test_a_file_is_replaced_only_by_a_whole_one(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = folder / "kept.csv"
    assert run(words(folder, "results", "-o", str(folder / "first.csv"))) == 0  # what is fetched is stored by now
    file.write_text("what a person filled in\n")
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    heed = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, limit[1]))  # the answer is longer
    try:
        assert run(words(folder, "results", "-o", str(file))) == 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, heed)
    assert "kept.csv cannot be written: File too large" in capsys.readouterr().err
    assert file.read_text() == "what a person filled in\n"
    assert not list(folder.glob(".kept.csv*"))
