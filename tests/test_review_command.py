"""`review` at the command line: shown, asked for, saved, approved by intent, and refused with the way out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from campaign_files import YAML, write

from turkform.cli import run

if TYPE_CHECKING:
    from pathlib import Path

    from marketplace_server import Server

_NAMES = iter(f"reviewed-{n}" for n in range(100))


@pytest.fixture
def folder(server: Server, tmp_path: Path) -> Path:
    """A campaign with one answer to its first item."""
    return answered(server, tmp_path)


@pytest.fixture(scope="module")
def untouched(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, for what changes nothing."""
    return answered(server, tmp_path_factory.mktemp("untouched"))


def answered(server: Server, tmp_path: Path) -> Path:
    name = next(_NAMES)
    yaml = YAML.replace("{endpoint: local}", f'{{endpoint: "{server.url}"}}').replace('name: "Birds', f'name: "{name}')
    folder = write(tmp_path, {"campaign.yaml": yaml.replace("campaign: birds", f"campaign: {name}")})
    assert run(["-C", str(folder), "apply", "--auto-approve"]) == 0
    hits = server.client().list_hits(MaxResults=100)["HITs"]
    hit = next(h for h in hits if h["RequesterAnnotation"].startswith(f"turkform:{name}/"))
    required = [requirement["QualificationTypeId"] for requirement in hit["QualificationRequirements"]]
    own = next(type_id for type_id in required if not type_id.startswith("0000"))  # a rehearsal's system types are met
    granted = {"QualificationTypeId": own, "WorkerId": "A1ONE", "IntegerValue": 100}
    server.client().associate_qualification_with_worker(**granted)
    made = server.control("worker/submit", hit=hit["HITId"], worker="A1ONE", answers={"bird": "crow"})
    (folder / "answer").write_text(str(made["assignment_id"]))
    return folder


def decide(folder: Path, words: str) -> list[str]:
    """The words of a review of the one answer."""
    answer = (folder / "answer").read_text()
    (folder / "d.csv").write_text(f"AssignmentId,decision,feedback,bonus\n{answer},{words}\n")
    return ["-C", str(folder), "review", "--decisions", str(folder / "d.csv")]


def status(server: Server, folder: Path) -> str:
    found: dict[str, Any] = server.client().get_assignment(AssignmentId=(folder / "answer").read_text())
    return str(found["Assignment"]["AssignmentStatus"])


def test_nobody_is_decided_on_unasked(untouched: Path, server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(decide(untouched, "approve,,")) == 1
    shown = capsys.readouterr()
    assert "Review: 1 to approve. Price: $0.00." in shown.out
    assert "review --auto-approve" in shown.err
    assert status(server, untouched) == "Submitted"


def test_a_saved_review_is_applied_once(folder: Path, server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    plan = str(folder / "plan.json")
    assert run([*decide(folder, "approve,Thanks,0.50"), "-o", plan]) == 0
    assert status(server, folder) == "Submitted"
    assert run(["-C", str(folder), "check", plan]) == 0
    assert run(["-C", str(folder), "apply", plan, "--json"]) == 0
    assert json.loads(capsys.readouterr().out.partition("To apply it")[2].partition("\n")[2])["done"] == {
        "approve": 1,
        "bonus": 1,
    }
    assert status(server, folder) == "Approved"
    assert run(["-C", str(folder), "apply", plan]) == 4
    assert "applied already" in capsys.readouterr().err


def test_a_saved_review_without_its_file_is_not_applied(
    folder: Path, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = str(folder / "plan.json")
    assert run([*decide(folder, "approve,,"), "-o", plan]) == 0
    (folder / "d.csv").unlink()
    assert run(["-C", str(folder), "apply", plan]) == 1
    assert "d.csv cannot be read" in capsys.readouterr().err
    assert status(server, folder) == "Submitted"


def test_an_intent_and_an_amount_approve_a_review(folder: Path, server: Server) -> None:
    words = decide(folder, "approve,Thanks,0.50")
    assert run([*words, "-o", str(folder / "plan.json")]) == 0
    document = json.loads((folder / "plan.json").read_text())
    approved = ["--approved", document["intent"], "--max-spend"]
    assert run([*words, *approved[:-1]]) == 64
    assert run([*words, *approved, "0.01"]) == 3
    assert run([*decide(folder, "reject,Wrong,"), *approved, "9.00"]) == 4
    assert status(server, folder) == "Submitted"
    assert run([*decide(folder, "approve,Thanks,0.50"), *approved, document["price"]["total"]]) == 0
    assert status(server, folder) == "Approved"


@pytest.mark.parametrize(
    ("more", "code", "told"),
    [
        (["--overturn", "3A"], 64, "two reviews"),
        (["nothing"], 64, "there is no batch nothing"),
        (["-o", "x.json", "--approved", "i", "--max-spend", "1"], 64, "one of them"),
        (["--max-spend", "0.10", "--auto-approve"], 3, "more than --max-spend"),
    ],
)
def test_what_does_not_fit_is_told(
    untouched: Path, capsys: pytest.CaptureFixture[str], more: list[str], code: int, told: str
) -> None:
    assert run([*decide(untouched, "approve,Thanks,0.50"), *more]) == code
    assert told in capsys.readouterr().err


def test_a_campaign_without_rules_is_told_what_else_decides(
    untouched: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["-C", str(untouched), "review"]) == 64
    assert "--decisions FILE" in capsys.readouterr().err


def test_a_broken_file_is_told_with_its_places(untouched: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(decide(untouched, "aprove,,")) == 1
    shown = capsys.readouterr().err
    assert "d.csv:2:32: error" in shown
    assert "1 problem in d.csv" in shown
