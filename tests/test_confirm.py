"""`confirm: true`: applying to an environment takes its name, whatever else was approved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from campaign_files import YAML, write

from turkform.cli import run

if TYPE_CHECKING:
    from pathlib import Path

    from marketplace_server import Server


@pytest.fixture
def folder(server: Server, tmp_path: Path) -> Path:
    yaml = YAML.replace("  local: {endpoint: local}", f'  prod: {{endpoint: "{server.url}", confirm: true}}')
    return write(tmp_path, {"campaign.yaml": yaml.replace("campaign: birds", "campaign: confirmed")})


def test_approval_alone_does_not_apply_and_the_environment_s_name_does(
    folder: Path, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["-C", str(folder), "--env", "prod"]
    assert run([*words, "apply", "--auto-approve"]) == 1
    assert "--confirm prod" in capsys.readouterr().err
    assert run([*words, "apply", "--confirm", "lab"]) == 1
    assert server.client().list_hits()["NumResults"] == 0
    assert run([*words, "plan", "-o", str(folder / "plan.json")]) == 0
    assert run([*words, "apply", str(folder / "plan.json")]) == 1
    assert run([*words, "apply", str(folder / "plan.json"), "--confirm", "prod"]) == 0
    assert server.client().list_hits()["NumResults"] == 3
    assert run([*words, "apply", "--auto-approve"]) == 0, "an empty plan asks nobody"
    assert run([*words, "destroy", "--auto-approve"]) == 1
    assert run([*words, "destroy", "--confirm", "prod"]) == 0
    assert server.client().list_hits()["NumResults"] == 0
