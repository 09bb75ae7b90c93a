"""Every question made once: the worst are named, the rest are counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from campaign_files import YAML, problems, read, write

if TYPE_CHECKING:
    from pathlib import Path

    from turkform.errors import Diagnostic


def found(folder: Path, data: str, question: str = "{html: tasks/bird.html}") -> list[Diagnostic]:
    yaml = YAML.replace("{html: tasks/bird.html, frame_height: 0}", question)
    return problems(write(folder, {"campaign.yaml": yaml, "data/birds.csv": "id,photo,place\n" + data}))


def test_the_largest_questions_are_named_and_all_are_counted(tmp_path: Path) -> None:
    data = "".join(f"b{n},x,{'z' * (65_000 + n * 100)}\n" for n in range(10))
    (problem,) = found(tmp_path, data)
    assert problem.summary.startswith("10 items make a question of more than 65,535 bytes: 67,")
    assert '"b9" (line 11)' in problem.summary
    assert problem.location is not None
    assert problem.location.line == 11


def test_one_problem_of_many_rows_is_told_once(tmp_path: Path) -> None:
    (problem,) = found(tmp_path, "b1,x,a\nb2,x,\x01\nb3,x,\x01\n")
    assert "a value of this row holds U+0001" in problem.summary
    assert "1 more items" in problem.detail
    assert problem.location is not None
    assert problem.location.line == 3


def test_a_million_different_problems_are_twenty_and_a_number(tmp_path: Path) -> None:
    data = "".join(f"b{n},http://x.org/{n},a\n" for n in range(100))
    told = found(tmp_path, data, '{external: "${photo}"}')
    assert len(told) == 21
    assert any(problem.summary == "80 more items have problems" for problem in told)


def test_a_column_that_no_placeholder_can_name_is_told_where_it_was_meant(tmp_path: Path) -> None:
    files = {
        "tasks/bird.html": "<p>${Image URL} `${a + b}` ${ place }</p>",
        "data/birds.csv": "id,Image URL,place\nb1,x,a\n",
    }
    (problem,) = problems(write(tmp_path, files))
    assert problem.summary == '"${Image URL}" is not replaced, though "Image URL" is a column'
    assert "call the column Image_URL" in problem.detail
    assert problem.location is not None
    assert (problem.location.line, problem.location.column) == (1, 4)


@pytest.mark.parametrize("text", ["{{ place }}", "{{place | escape}}", "{{ task.input.place }}"])
def test_placeholders_of_other_tools_are_a_warning(text: str, tmp_path: Path) -> None:
    desired = read(write(tmp_path, {"tasks/bird.html": f"<p>{text} {{{{ other }}}}</p><img src='${{photo}}'>"}))
    (warning,) = [told for told in desired.diagnostics if told.severity == "warning"]
    assert warning.summary == f'"{text}" is not replaced here, though "place" is a column'
    assert "${place}" in warning.detail


def test_an_empty_page_is_not_published_as_a_button(tmp_path: Path) -> None:
    (problem,) = problems(write(tmp_path, {"tasks/bird.html": " \n"}))
    assert problem.summary == "bird.html is empty"
