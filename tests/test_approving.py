"""Approving a plan: by a file, by its intent and an amount, or by a person who takes their time."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from campaign_files import DATA, YAML, write

from turkform.cli import run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from marketplace_server import Server

_NAMES = iter(f"approved-{n}" for n in range(100))


@pytest.fixture
def name() -> str:
    return next(_NAMES)


@pytest.fixture
def folder(server: Server, tmp_path: Path, name: str) -> Path:
    yaml = YAML.replace("{endpoint: local}", f'{{endpoint: "{server.url}"}}').replace('name: "Birds', f'name: "{name}')
    return write(tmp_path, {"campaign.yaml": yaml.replace("campaign: birds", f"campaign: {name}")})


def hits(server: Server, name: str) -> list[dict[str, Any]]:
    found = server.client().list_hits(MaxResults=100)["HITs"]
    return [hit for hit in found if hit["RequesterAnnotation"].startswith(f"turkform:{name}/")]


def plan(folder: Path, *options: str) -> dict[str, Any]:
    assert run(["-C", str(folder), "plan", "-o", str(folder / "plan.json"), *options]) == 0
    found: dict[str, Any] = json.loads((folder / "plan.json").read_text())
    return found


def test_an_intent_and_an_amount_apply_what_was_approved(folder: Path, server: Server, name: str) -> None:
    document = plan(folder)
    total = document["price"]["total"]
    words = ["-C", str(folder), "apply", "--approved", document["intent"], "--max-spend"]
    assert run([*words, "0.01"]) == 3
    assert run([*words[:-1]]) == 64
    assert hits(server, name) == []
    assert run([*words, total]) == 0
    assert len(hits(server, name)) == 3


def test_another_intent_applies_nothing(
    folder: Path, server: Server, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    intent = plan(folder)["intent"]
    (folder / "data/birds.csv").write_text(DATA + "b4,https://photos.example.org/4.jpg,a moor\n")
    assert run(["-C", str(folder), "apply", "--approved", intent, "--max-spend", "100.00"]) == 4
    assert f"{intent} was approved" in capsys.readouterr().err
    assert hits(server, name) == []


@pytest.mark.parametrize("option", ["--target", "--exclude", "--reopen", "--touch", "--discard-answers"])
def test_a_saved_plan_takes_no_further_choices(folder: Path, option: str) -> None:
    plan(folder)
    assert run(["-C", str(folder), "apply", str(folder / "plan.json"), option, "batch.pilot"]) == 64


class Person(io.StringIO):
    """Somebody at a terminal, during whose thinking something happens."""

    def __init__(self, meanwhile: Callable[[], object]) -> None:
        super().__init__("yes\n")
        self.meanwhile = meanwhile

    def isatty(self) -> bool:
        return True

    def readline(self, *_: Any) -> str:
        self.meanwhile()
        return super().readline()


def test_a_plan_that_moved_while_a_person_was_reading_it_is_not_applied(
    folder: Path, server: Server, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["-C", str(folder), "apply", "--auto-approve"]) == 0
    (folder / "campaign.yaml").write_text(
        (folder / "campaign.yaml").read_text().replace('default: "0.15"', 'default: "0.16"')
    )
    first = hits(server, name)[0]["HITId"]
    monkeypatch.setattr("sys.stdin", Person(lambda: server.client().update_expiration_for_hit(HITId=first, ExpireAt=1)))
    assert run(["-C", str(folder), "apply"]) == 4
    assert "somebody moved it" in capsys.readouterr().err
    assert {hit["Reward"] for hit in hits(server, name)} == {"0.15"}


def test_a_plan_is_applied_though_workers_came_while_a_person_was_reading_it(
    folder: Path, server: Server, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(["-C", str(folder), "apply", "--auto-approve"]) == 0
    (folder / "campaign.yaml").write_text(
        (folder / "campaign.yaml").read_text().replace('default: "0.15"', 'default: "0.16"')
    )
    first = hits(server, name)[0]["HITId"]
    monkeypatch.setattr("sys.stdin", Person(lambda: server.control("worker/accept", hit=first, worker="A1EXAMPLE")))
    assert run(["-C", str(folder), "apply"]) == 0
    assert sorted(hit["Reward"] for hit in hits(server, name)) == ["0.15", "0.16", "0.16"]


def test_files_edited_while_a_person_was_reading_the_plan_are_not_applied(
    folder: Path, server: Server, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = DATA + "b4,https://photos.example.org/4.jpg,a moor\n"
    monkeypatch.setattr("sys.stdin", Person(lambda: (folder / "data/birds.csv").write_text(more)))
    assert run(["-C", str(folder), "apply"]) == 4
    assert hits(server, name) == []


def test_check_tells_what_moved_and_sends_nothing(
    folder: Path, server: Server, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    plan(folder)
    words = ["-C", str(folder), "check", str(folder / "plan.json")]
    assert run(words) == 0
    (folder / "tasks/bird.html").write_text("<p>Another ${place} ${photo}</p><input name='bird'>")
    capsys.readouterr()
    assert run([*words, "--json"]) == 4
    told = json.loads(capsys.readouterr().out)
    assert (told["true"], told["moved"][0]) == (False, "the file tasks/bird.html was changed")
    assert hits(server, name) == []


def test_a_slip_in_an_address_is_refused_and_not_ignored(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["-C", str(folder), "plan", "--reopen", "batch.pilto"]) == 3
    assert "--reopen batch.pilto: there is nothing of that address" in capsys.readouterr().out
