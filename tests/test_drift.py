"""What somebody else did to a campaign's things is told apart from what ran out and from what the files say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from life import Life

from turkform.drift import Cause, drift
from turkform.journal import Journal

if TYPE_CHECKING:
    from pathlib import Path

    from marketplace_server import Server

    from turkform.drift import Finding

WORKER = "A1DRIFTER"


@pytest.fixture
def life(server: Server, tmp_path: Path) -> Life:
    """A campaign with one of everything, applied."""
    found = Life(server, tmp_path)
    found.campaign = {
        "qualification_types": {
            "able": {"name": f"Able {found.name}", "description": "D", "status": "active", "workers": {WORKER: 80}}
        },
        "blocks": {blocked(found): "R"},
    }
    assert found.apply().exit_code == 0
    return found


def blocked(life: Life) -> str:
    """A worker of the campaign's own: blocks are the account's, and all tests here share one."""
    return "A1BLOCKED" + life.name.removeprefix("life-")


def findings(life: Life) -> list[Finding]:
    with Journal.open(life.folder / "journal.sqlite", create=False) as journal:
        return drift(life.look(), journal)


def told(life: Life) -> list[tuple[str, str, str]]:
    return [(str(found.cause), str(found.address), found.text) for found in findings(life)]


def type_id(life: Life) -> str:
    return next(state.id for name, state in life.look().observed.types.items() if name == f"Able {life.name}")


def test_nothing_drifted_after_an_apply_whatever_the_files_say(life: Life) -> None:
    assert findings(life) == []
    life.rows["d"] = "four"
    life.campaign["qualification_types"]["able"]["description"] = "Other"
    assert findings(life) == []
    life.work("one")
    assert findings(life) == []


@pytest.mark.parametrize(
    ("operation", "address", "text"),
    [
        ("update_qualification_type", "qualification_type.able", "description was changed: D -> Edited"),
        ("delete_qualification_type", "qualification_type.able", "was deleted"),
        ("disassociate_qualification_from_worker", f'grant.able["{WORKER}"]', "was revoked"),
        ("associate_qualification_with_worker", f'grant.able["{WORKER}"]', "value was changed: 80 -> 10"),
        ("delete_worker_block", 'block["{blocked}"]', "was unblocked"),
    ],
)
def test_an_edit_by_hand_is_interference(life: Life, operation: str, address: str, text: str) -> None:
    about: dict[str, dict[str, Any]] = {
        "update_qualification_type": {"QualificationTypeId": type_id(life), "Description": "Edited"},
        "delete_qualification_type": {"QualificationTypeId": type_id(life)},
        "disassociate_qualification_from_worker": {"QualificationTypeId": type_id(life), "WorkerId": WORKER},
        "associate_qualification_with_worker": {
            "QualificationTypeId": type_id(life), "WorkerId": WORKER, "IntegerValue": 10, "SendNotification": False,
        },
        "delete_worker_block": {"WorkerId": blocked(life)},
    }  # fmt: skip
    getattr(life.server.client(), operation)(**about[operation])
    ((cause, where, what),) = told(life)
    assert (cause, where) == ("interference", address.replace("{blocked}", blocked(life)))
    assert what.endswith(text)


def test_a_hit_that_somebody_expired_deleted_or_moved_is_interference(life: Life) -> None:
    client = life.server.client()
    hits = {
        text: next(h["HITId"] for h in life.hits() if f"<p>{text}</p>" in h["Question"]) for text in life.rows.values()
    }
    for text in ("one", "two"):
        client.update_expiration_for_hit(HITId=hits[text], ExpireAt=0)
    client.delete_hit(HITId=hits["two"])
    other = client.create_hit_type(Title="Other", Description="D", Reward="0.01", AssignmentDurationInSeconds=60)
    client.update_hit_type_of_hit(HITId=hits["three"], HITTypeId=other["HITTypeId"])
    found = {finding.text: (finding.cause, finding.keys) for finding in findings(life)}
    assert found.pop("was expired") == (Cause.INTERFERENCE, ["a"])
    assert found.pop("was deleted before its time was over") == (Cause.INTERFERENCE, ["b"])
    ((text, (cause, keys)),) = found.items()
    assert text.startswith(f"was moved to HIT type {other['HITTypeId']}")
    assert (cause, keys) == (Cause.INTERFERENCE, ["c"])


def test_what_we_closed_ourselves_is_no_drift_and_what_ran_out_is_decay(server: Server, tmp_path: Path) -> None:
    life = Life(server, tmp_path)
    life.apply()
    life.batch["status"] = "closed"
    life.apply()
    assert findings(life) == []
    other = Life(server, tmp_path / "other")
    other.folder.mkdir()
    other.batch["lifetime"] = "1h"
    other.apply()
    server.control("clock", advance_seconds=7200)
    (finding,) = findings(other)
    assert (finding.cause, finding.count) == (Cause.DECAY, 3)
