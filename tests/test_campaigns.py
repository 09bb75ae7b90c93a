"""Our own campaigns, and what `init` makes of them: each can be published as it stands."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from turkform.cli.app import app
from turkform.cli.starting import templates
from turkform.formatting import formatted
from turkform.loader import load
from turkform.messages import keys_at

TURKFORM = Path(sys.executable).with_name("turkform")
NAMES = sorted(templates())


def run(*words: str) -> Result:
    return CliRunner().invoke(app, words, standalone_mode=True)


def test_there_is_a_campaign_for_what_people_do_most() -> None:
    assert {"image-labels", "quickstart", "reviews", "survey", "text-pairs"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_campaign_is_valid_without_a_word_to_say_about_it(name: str) -> None:
    assert [str(d) for d in load(templates()[name], environ={}).diagnostics if d.severity != "note"] == []


@pytest.mark.parametrize("name", NAMES)
def test_what_init_writes_is_published_by_apply_and_then_there_is_nothing_to_do(name: str, tmp_path: Path) -> None:
    folder = tmp_path / f"My {name}!"
    assert run("init", str(folder), "--template", name).exit_code == 0
    assert load(folder, environ={}).campaign.campaign == f"my-{name}"
    for words in (["apply", "--auto-approve"], ["plan", "--detailed-exitcode"]):
        done = subprocess.run([TURKFORM, "-C", folder, *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_init_writes_every_file_of_the_campaign_under_the_folders_name(name: str, tmp_path: Path) -> None:
    source, folder = templates()[name], tmp_path / "own-words"
    run("init", str(folder), "--template", name)
    there = {p.relative_to(source) for p in source.rglob("*") if p.is_file() and ".turkform" not in p.parts}
    assert {p.relative_to(folder) for p in folder.rglob("*") if p.is_file()} == there
    same = [path for path in there if (folder / path).read_bytes() == (source / path).read_bytes()]
    assert {*there} - {*same} == {Path("campaign.yaml")}
    text = (folder / "campaign.yaml").read_text()
    assert "\ncampaign: own-words" in "\n" + text
    assert "language-server" not in text
    assert formatted(folder / "campaign.yaml", text.encode(), keys_at) == text


def test_init_writes_over_nothing(tmp_path: Path) -> None:
    assert run("init", str(tmp_path)).exit_code == 0
    before = (tmp_path / "campaign.yaml").read_bytes()
    again = CliRunner().invoke(app, ["init", str(tmp_path), "--template", "quickstart"], standalone_mode=False)
    assert "exists already" in str(again.exception)
    assert (tmp_path / "campaign.yaml").read_bytes() == before


def test_templates_are_listed_with_their_titles() -> None:
    lines = run("init", "--template", "list").output.splitlines()
    assert [line.split()[0] for line in lines] == NAMES
    assert all(len(line.split()) > 2 for line in lines)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--template", "nothing"), "there are image-labels"),
        (("--template", "reviews", "--from", "x"), "do not go together"),
        (("--from", "no-such-thing"), "no-such-thing does not exist"),
    ],
)
def test_what_init_cannot_do_is_told(words: tuple[str, ...], says: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["init", str(tmp_path / "x"), *words], standalone_mode=False)
    assert says in str(getattr(result.exception, "message", result.exception))
    assert not (tmp_path / "x").exists()
