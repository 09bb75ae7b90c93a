"""The composite action, its last step run as a runner runs it, against a real marketplace and a stand-in for `gh`."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

if TYPE_CHECKING:
    from marketplace_server import Server

ROOT = Path(__file__).parent.parent
ACTION: dict[str, Any] = YAML(typ="safe", pure=True).load(ROOT / "action.yml")
CAMPAIGN = """\
turkform: 1
campaign: reviewed
environments:
  lab: {endpoint: "https://elsewhere.example", journal: "${env:TURKFORM_JOURNAL}"}
hit_types:
  judge: {title: T, description: D, reward: "0.10", assignment_duration: 10m, auto_approval_delay: 3d}
batches:
  all: {hit_type: judge, question: {html: page.html}, items: items.csv, key: id, lifetime: 7d}
"""
GH = '''#!{python}
"""`gh api`, answered from a file."""
import json, pathlib, sys
path = pathlib.Path(__file__).parent.parent / "github.json"
state = json.loads(path.read_text())
words = [word for word in sys.argv[2:] if not word.startswith("repos/")]
what = next(word for word in sys.argv[2:] if word.startswith("repos/")).partition("/lab/tasks/")[2]
if "POST" in words:
    state["comments"].append({{"id": 7, "user": {{"login": "github-actions[bot]"}}, **json.load(sys.stdin)}})
elif "PATCH" in words:
    next(c for c in state["comments"] if what.endswith(str(c["id"]))).update(json.load(sys.stdin))
elif what.endswith("/pulls"):
    print(json.dumps(state["pulls"]))
else:
    print(json.dumps(state["comments"]))
path.write_text(json.dumps(state))
'''
_KEYS = itertools.count()


@dataclass
class Repository:
    """A checkout on a runner, and what GitHub knows about its pull request."""

    folder: Path
    server: Server
    key: str = field(default_factory=lambda: f"LAB{next(_KEYS)}")
    """Names the requester, each with an account of its own."""

    @classmethod
    def new(cls, folder: Path, server: Server) -> Repository:
        """One with a campaign that was never applied."""
        found = cls(folder, server)
        found._write()
        return found

    def copy(self, folder: Path) -> Repository:
        """The same as it is now, somewhere else."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Repository(folder, self.server)

    def _write(self) -> None:
        (self.folder / "campaign.yaml").write_text(CAMPAIGN)
        (self.folder / "page.html").write_text("<p>${text}</p>")
        (self.folder / "items.csv").write_text("id,text\na,one\nb,two\n")
        event = {"pull_request": {"number": 3, "head": {"sha": "head-1"}}}
        (self.folder / "event.json").write_text(json.dumps(event))
        pull = {"number": 3, "merge_commit_sha": "merged", "head": {"sha": "head-1"}}
        self.github = {"comments": [], "pulls": [pull]}
        commands = self.folder / "bin"
        commands.mkdir()
        (commands / "gh").write_text(GH.format(python=sys.executable))
        (commands / "turkform").write_text(f"#!{sys.executable}\nfrom turkform.cli import main\nmain()\n")
        (commands / "python").symlink_to(sys.executable)
        for command in commands.iterdir():
            if not command.is_symlink():
                command.chmod(0o755)

    @property
    def github(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "github.json").read_text())
        return found

    @github.setter
    def github(self, state: dict[str, Any]) -> None:
        (self.folder / "github.json").write_text(json.dumps(state))

    @property
    def comment(self) -> str:
        (found,) = self.github["comments"]
        return str(found["body"])

    def run(self, command: str, **inputs: str) -> subprocess.CompletedProcess[str]:
        """The action's own step, with what a runner sets."""
        given = {name: about.get("default", "") for name, about in ACTION["inputs"].items()}
        given |= {"environment": "lab", "endpoint": self.server.url, "command": command, "folder": "."}
        given |= {"journal": str(self.folder / "journal.sqlite"), **inputs}
        (step,) = [s for s in ACTION["runs"]["steps"] if s.get("id") == "turkform"]
        environment = {key: _expanded(text, given) for key, text in step["env"].items()}
        runner = {
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_EVENT_PATH": str(self.folder / "event.json"),
            "GITHUB_OUTPUT": str(self.folder / "output.txt"),
            "GITHUB_REPOSITORY": "lab/tasks",
            "GITHUB_SHA": "merged",
            "RUNNER_TEMP": str(self.folder),
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": "lab",
        }
        return subprocess.run(
            ["bash", "-c", step["run"]],
            env={**os.environ, **runner, **environment},
            cwd=self.folder,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )

    def hits(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.server.client(self.key).list_hits(MaxResults=100)["HITs"]
        return found


def _expanded(text: str, given: dict[str, str]) -> str:
    for name, value in given.items():
        text = text.replace("${{ inputs." + name + " }}", value)
    return text


@pytest.fixture
def repository(server: Server, tmp_path: Path) -> Repository:
    return Repository.new(tmp_path, server)


@pytest.fixture(scope="module")
def planned(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """One whose pull request has its comment."""
    found = Repository.new(tmp_path_factory.mktemp("planned"), server)
    done = found.run("plan")
    assert done.returncode == 0, done.stderr
    return found


def test_a_merged_pull_request_applies_what_its_comment_said_once(planned: Repository, tmp_path: Path) -> None:
    repository = planned.copy(tmp_path / "copy")
    assert "publish 2 HITs **$0.24**" in repository.comment
    assert "changes=true" in (repository.folder / "output.txt").read_text()
    before = len(repository.hits())
    applied = repository.run("apply")
    assert applied.returncode == 0, applied.stderr
    assert len(repository.hits()) == before + 2
    assert repository.run("apply").returncode != 0, "the intent of what is now nothing to do is another"
    assert len(repository.hits()) == before + 2


def test_the_comment_is_kept_up_to_date_and_others_are_left_alone(planned: Repository, tmp_path: Path) -> None:
    repository = planned.copy(tmp_path / "copy")
    state = repository.github
    copied = {"id": 9, "user": {"login": "mallory"}, "body": state["comments"][0]["body"]}
    repository.github = {**state, "comments": [copied, *state["comments"]]}
    (repository.folder / "items.csv").write_text("id,text\nc,three\n")
    repository.run("plan")
    theirs, ours = repository.github["comments"]
    assert theirs == copied
    assert "publish 1 HIT **$0.12**" in ours["body"]


def test_broken_files_are_told_in_the_comment_and_fail_the_job(repository: Repository) -> None:
    (repository.folder / "campaign.yaml").write_text(CAMPAIGN.replace("0.10", "0.105"))
    assert repository.run("plan").returncode == 1
    assert "campaign.yaml:6:" in repository.comment
    assert repository.run("apply").returncode == 1


@pytest.mark.parametrize("moved", ["rows", "head", "price", "author"])
def test_nothing_is_sent_where_what_was_approved_is_not_what_would_happen(
    planned: Repository, tmp_path: Path, moved: str
) -> None:
    repository = planned.copy(tmp_path / "copy")
    state = repository.github
    match moved:
        case "rows":
            (repository.folder / "items.csv").write_text("id,text\nx,other\n")
        case "head":
            state["pulls"][0]["head"]["sha"] = "head-2"
        case "author":
            state["comments"][0]["user"]["login"] = "mallory"
    repository.github = state
    before = len(repository.hits())
    done = repository.run("apply", **({"max-spend": "0.10"} if moved == "price" else {}))
    assert done.returncode != 0
    assert len(repository.hits()) == before


def test_every_input_reaches_the_step_and_every_output_comes_from_it() -> None:
    (step,) = [s for s in ACTION["runs"]["steps"] if s.get("id") == "turkform"]
    used = " ".join(step["env"].values())
    assert all("inputs." + name in used for name in ACTION["inputs"])
    assert all("steps.turkform.outputs." + name in out["value"] for name, out in ACTION["outputs"].items())
