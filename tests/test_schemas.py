"""The committed JSON Schemas are those that `turkform schema` prints."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from turkform import campaign, plan_schema

SCHEMAS = Path(__file__).parent.parent / "schemas"


@pytest.mark.parametrize(("name", "made"), [("campaign", campaign.json_schema), ("plan", plan_schema.json_schema)])
def test_a_committed_schema_is_what_the_code_makes(name: str, made: object) -> None:
    assert callable(made)
    committed = json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8"))
    assert committed == made(), f"run: turkform schema {name} > schemas/{name}.schema.json"
