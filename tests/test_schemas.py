"""The committed JSON Schemas and tables of the documentation are those that the code makes."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest

from turkform import campaign, plan_schema

ROOT = Path(__file__).parent.parent
SCHEMAS = ROOT / "schemas"
GENERATE = runpy.run_path(str(ROOT / "docs" / "generate.py"))


@pytest.mark.parametrize(("name", "made"), [("campaign", campaign.json_schema), ("plan", plan_schema.json_schema)])
def test_a_committed_schema_is_what_the_code_makes(name: str, made: object) -> None:
    assert callable(made)
    committed = json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8"))
    assert committed == made(), f"run: turkform schema {name} > schemas/{name}.schema.json"


@pytest.mark.parametrize(("page", "made"), [pytest.param(*page, id=page[0].name) for page in GENERATE["pages"]()])
def test_a_page_of_the_documentation_has_the_tables_that_the_code_makes(page: Path, made: str) -> None:
    assert page.read_text(encoding="utf-8") == made, "run: python docs/generate.py"
