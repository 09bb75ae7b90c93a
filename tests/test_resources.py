"""Steps that are one thing each, carried out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from life import Life, steps

from turkform import resources

if TYPE_CHECKING:
    from pathlib import Path

    from marketplace_server import Server

TYPES = {"qualification_types": {"ours": {"name": "Ours", "description": "D", "workers": {"A1ONE": 90}}}}


@pytest.fixture
def life(server: Server, tmp_path: Path) -> Life:
    return Life(server, tmp_path)


def test_a_name_that_somebody_freed_is_waited_for_and_so_is_what_needs_it(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No call says whether a name is free: of a deletion that the journal does not know only the refusal tells."""
    monkeypatch.setattr(resources, "_SEARCH_LAG", 0.0)
    client = life.server.client()
    made = client.create_qualification_type(Name="Ours", Description="D", QualificationTypeStatus="Active")
    client.delete_qualification_type(QualificationTypeId=made["QualificationType"]["QualificationTypeId"])
    life.campaign = TYPES
    life.hit_type["requirements"] = [{"qualification": "ours", "exists": True}]
    assert ("qualification_type.ours", "create") in steps(life.look())
    report = life.apply()
    assert (report.exit_code, report.failures, report.skipped) == (0, [], [])
    assert {str(address): why for address, why in report.waits} == {
        "qualification_type.ours": 'the name "Ours" is not free yet: that of a deleted type stays taken for up to 48 h',
        "grant.ours": "qualification_type.ours is not there yet",
        "hit_type.label": "qualification_type.ours is not there yet",
        "batch.pilot": "grant.ours is not there yet",
    }
    assert life.hits() == []
