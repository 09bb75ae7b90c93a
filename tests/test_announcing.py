"""New items are journalled in groups; what was journalled and not sent is known not to have happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from life import Life

from turkform.apply import apply
from turkform.campaign import Target
from turkform.entries import Outcome
from turkform.journal import Journal
from turkform.outcomes import Event, RunInfo
from turkform.sender import Stop

if TYPE_CHECKING:
    from pathlib import Path

    from marketplace_server import Server

ROWS = {f"k{n:02}": f"text {n}" for n in range(60)}


def outcomes(folder: Path) -> list[Outcome | None]:
    with Journal.open(folder / "journal.sqlite", create=False) as journal:
        return [call.outcome for call in journal.calls(operation="CreateHITWithHITType")]


def test_a_stopped_apply_withdraws_what_it_had_only_announced(server: Server, tmp_path: Path) -> None:
    life, stop = Life(server, tmp_path, rows=ROWS, target=Target("local", "local", concurrency=32)), Stop()

    def once_one_is_done(event: Event) -> None:
        if event.kind == "item":
            stop.request()

    with Journal.open(tmp_path / "journal.sqlite", create=True) as journal:
        report = apply(life.look(), journal, run=RunInfo("apply"), on_event=once_one_is_done, stop=stop)
    assert report.interrupted
    published = len(life.hits())
    assert 0 < published < len(ROWS)
    told = outcomes(tmp_path)
    assert set(told) <= {Outcome.DONE, Outcome.VOID}
    assert told.count(Outcome.DONE) == published
    assert life.apply().exit_code == 0
    assert len(life.hits()) == len(ROWS)


def test_when_money_runs_out_nothing_stays_open(server: Server, tmp_path: Path) -> None:
    """A rehearsal's purse holds $10,000; all of this would take $12,960."""
    life = Life(server, tmp_path, rows=ROWS, target=Target("local", "local", balance="warn", concurrency=32))
    life.hit_type = {"reward": "60.00"}
    report = life.apply()
    assert report.failed
    assert 0 < len(life.hits()) < len(ROWS)
    told = outcomes(tmp_path)
    assert set(told) <= {Outcome.DONE, Outcome.FAILED, Outcome.VOID}
    assert told.count(Outcome.DONE) == len(life.hits())
