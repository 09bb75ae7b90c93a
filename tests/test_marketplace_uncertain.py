"""The table of guesses and the marks in the code say the same."""

from __future__ import annotations

import re
from pathlib import Path

import turkform.marketplace

CODE = sorted(Path(turkform.marketplace.__file__).parent.rglob("*.py"))
TABLE = Path(__file__).parents[1] / "docs" / "marketplace-uncertain.md"
_MARK = re.compile(r"UNCERTAIN(?:[ \n#]+([a-z][a-z0-9-]*):)?")


def marks() -> list[str]:
    return [mark[1] or f"an unnamed mark in {path.name}" for path in CODE for mark in _MARK.finditer(path.read_text())]


def test_every_guess_in_the_code_is_in_the_table_once_and_the_other_way_round() -> None:
    rows = re.findall(r"^\| ([a-z][a-z0-9-]*) \|", TABLE.read_text(), re.MULTILINE)
    assert sorted(rows) == sorted({*marks()})
    assert len(rows) == len({*rows})
