"""Rows of CSV, TSV and JSONL files: the columns they have, and what is said of rows that are none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from turkform.tables import Table

if TYPE_CHECKING:
    from pathlib import Path

    from turkform.errors import Diagnostic


def test_columns_of_json_lines_stand_in_the_order_in_which_they_come(tmp_path: Path) -> None:
    path = tmp_path / "birds.jsonl"
    path.write_text('{"zeal": "1", "bird": "wren", "age": 2}\n{"bird": "rook", "late": "x", "zeal": "2"}\n')
    table = Table(path)
    assert len(list(table)) == 2
    assert list(table.columns) == ["zeal", "bird", "age", "late"]


@pytest.mark.parametrize(
    ("name", "separator", "shown"), [("b.csv", ",", "a comma"), ("b.tsv", "\t", "a tab"), ("b.TSV", "\t", "a tab")]
)
def test_a_row_with_too_many_values_is_told_what_separates_them(
    tmp_path: Path, name: str, separator: str, shown: str
) -> None:
    path = tmp_path / name
    path.write_text(separator.join(["id", "text"]) + "\n" + separator.join(["1", "a", "b"]) + "\n")
    found: list[Diagnostic] = []
    assert list(Table(path, found.append)) == []
    assert f"A value with {shown} in it stands in quotation marks" in found[0].detail
