"""Files of other tools become campaigns that are valid, and what they lose is said."""

from __future__ import annotations

import csv
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from turkform.carried import Carried, take_requirements, take_terms
from turkform.cli.app import app
from turkform.errors import TurkformError
from turkform.items import read_items
from turkform.loader import load
from turkform.migration import migrate
from turkform.money import Money

if TYPE_CHECKING:
    from pathlib import Path

    from turkform.campaign import Desired

PAGE = """\
<title>Birds</title>
<p>Is this ${what}?</p><img src="${url}">
<script>console.log(`${count} pictures`);</script>
<input name="bird">
"""
ROWS = "url,what\nhttps://x.example/1.jpg,a duck\nhttps://x.example/2.jpg,a goose\n"
TERMS = {
    "Title": 'Ducks: a "quick" look at ${things}',
    "Description": "Say if it is a duck",
    "Keywords": "ducks, birds,ducks ",
    "Reward": "0.25",
    "AssignmentDurationInSeconds": 600,
    "AutoApprovalDelayInSeconds": 300,
    "QualificationRequirements": [
        {"QualificationTypeId": "00000000000000000071", "Comparator": "In",
         "LocaleValues": [{"Country": "US", "Subdivision": "CA"}, {"Country": "GB"}]},
        {"QualificationTypeId": "000000000000000000L0", "Comparator": "GreaterThan", "IntegerValues": [95],
         "RequiredToPreview": True},
        {"QualificationTypeId": "$MY_TYPE", "Comparator": "EqualTo", "IntegerValues": [100]},
        {"QualificationTypeId": "3EXAMPLE", "Comparator": "DoesNotExist", "ActionsGuarded": "DiscoverPreviewAndAccept"},
    ],
}  # fmt: skip
QUESTION = """\
<HTMLQuestion xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2011-11-11/HTMLQuestion.xsd">
  <HTMLContent><![CDATA[
    <form action="https://www.mturk.com/mturk/externalSubmit">
      <input type="hidden" name="assignmentId">
      <p>{{ word }}</p><input type="submit">
    </form>
  ]]></HTMLContent>
  <FrameHeight>450</FrameHeight>
</HTMLQuestion>
"""
EXTERNAL = """\
<ExternalQuestion xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2006-07-14/ExternalQuestion.xsd">
  <ExternalURL>https://tasks.example.org/?word={{ word }}&amp;again=1</ExternalURL>
  <FrameHeight>0</FrameHeight>
</ExternalQuestion>
"""
BATCH = ["HITId", "HITTypeId", "Title", "Description", "Keywords", "Reward", "CreationTime", "MaxAssignments",
         "RequesterAnnotation", "AssignmentDurationInSeconds", "AutoApprovalDelayInSeconds", "LifetimeInSeconds",
         "AssignmentId", "WorkerId", "Input.url", "Input.what", "Answer.bird", "Approve"]  # fmt: skip


def definition(folder: Path, **files: str) -> Path:
    """An amti definition, some of its files replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    usual = {
        "hittypeproperties.json": json.dumps(TERMS),
        "hitproperties.json": json.dumps({"MaxAssignments": 2, "LifetimeInSeconds": 3600}),
        "question.xml.j2": QUESTION,
    }
    for name, text in (usual | files).items():
        (folder / name).write_text(text)
    return folder


def batch(path: Path, items: list[tuple[str, str]], workers: int = 2) -> Path:
    """A batch CSV, a row an assignment."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerow(BATCH)
        for n, (url, what) in enumerate(items):
            for worker in range(workers):
                writer.writerow([f"3HIT{n}", "3T", "Ducks", "Say", "ducks, birds", "$0.07", "Mon", "2", "B", "1800",
                                 "259200", "", f"3A{n}{worker}", f"A1W{worker}", url, what, "duck", ""])  # fmt: skip
    return path


def made(folder: Path, *sources: Path) -> tuple[Desired, str]:
    """The campaign that the command makes, loaded, and what the command said."""
    words = [word for source in sources for word in ("--from", str(source))]
    result = CliRunner().invoke(app, ["init", str(folder), *words])
    assert result.exit_code == 0, result.output
    return load(folder, environ={}), result.output


def test_a_page_and_its_csv_become_a_campaign(tmp_path: Path) -> None:
    (tmp_path / "birds.html").write_text(PAGE)
    (tmp_path / "birds.csv").write_text(ROWS)
    desired, said = made(tmp_path / "new", tmp_path / "birds.html", tmp_path / "birds.csv")
    source = desired.sources["items"]
    assert [item.key for item in source.items()] == ["https://x.example/1.jpg", "https://x.example/2.jpg"]
    assert desired.campaign.hit_types["task"].title == "Birds"
    question = source.template.render(next(iter(source.items())).row)
    assert "Is this a duck?" in question
    assert "`${count} pictures`" in question
    assert 'reward is "0.01"' in said
    assert "count: no column" in said


def test_the_csv_beside_a_page_and_a_folder_of_both_are_found(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/birds.html").write_text(PAGE)
    (tmp_path / "in/birds.csv").write_bytes(ROWS.replace("a goose", "a g\u00e4nse").encode("cp1252"))
    desired, said = made(tmp_path / "one", tmp_path / "in/birds.html")
    assert [item.row["what"] for item in desired.sources["items"].items()] == ["a duck", "a g\u00e4nse"]
    assert "Windows-1252" in said
    assert made(tmp_path / "two", tmp_path / "in")[0].sources.keys() == {"items"}


def test_a_page_without_data_gets_a_row_to_go_by(tmp_path: Path) -> None:
    (tmp_path / "p.html").write_text("<p>${url} ${what} ${url}</p><input name=a>")
    desired, said = made(tmp_path / "new", tmp_path / "p.html")
    assert [item.row for item in desired.sources["items"].items()] == [{"row": "1", "url": "", "what": ""}]
    assert "one empty row" in said
    (tmp_path / "q.html").write_text("<p>no columns</p><input name=a>")
    assert made(tmp_path / "other", tmp_path / "q.html")[0].sources["items"].path is None


def test_rows_that_nothing_names_are_numbered(tmp_path: Path) -> None:
    (tmp_path / "p.html").write_text("<p>${row}</p><input name=a>")
    (tmp_path / "d.csv").write_text("row\nx\nx\n")
    desired, said = made(tmp_path / "new", tmp_path / "p.html", tmp_path / "d.csv")
    assert [item.key for item in desired.sources["items"].items()] == ["1", "2"]
    assert '"row_2" with numbers was added' in said


def test_an_amti_definition_becomes_a_campaign(tmp_path: Path) -> None:
    home = definition(tmp_path / "batch/definition", NOTES="by hand")
    (tmp_path / "batch/data.jsonl").write_text('{"word": "one"}\n{"word": "<two>"}\n')
    desired, said = made(tmp_path / "new", home)
    terms, declared = desired.campaign.hit_types["task"], desired.campaign.batches["items"]
    assert terms.title == TERMS["Title"]
    assert terms.keywords == ("ducks", "birds")
    assert (terms.reward, terms.assignment_duration, terms.auto_approval_delay) == (
        Money(25), timedelta(minutes=10), timedelta(minutes=5),
    )  # fmt: skip
    assert [str(rule) for rule in terms.rules({})] == [
        "locale In GB, US-CA", "percent_approved GreaterThan 95 (PreviewAndAccept)",
        "3EXAMPLE DoesNotExist (DiscoverPreviewAndAccept)",
    ]  # fmt: skip
    assert (declared.assignments, declared.lifetime) == (2, timedelta(hours=1))
    source = desired.sources["items"]
    pages = [source.template.render(item.row) for item in source.items()]
    assert "<p>&lt;two&gt;</p>" in pages[1]
    assert "<FrameHeight>450<" in pages[0]
    assert "$MY_TYPE" in said
    assert "| safe" in said
    assert (tmp_path / "new/NOTES").read_text() == "by hand"


def test_amti_data_may_be_named_beside_the_definition_or_be_missing(tmp_path: Path) -> None:
    home = definition(tmp_path / "d")
    (tmp_path / "words.jsonl").write_text('{"word": "one", "n": [1]}\n{"word": "one"}\n')
    desired, said = made(tmp_path / "one", home, tmp_path / "words.jsonl")
    assert [item.key for item in desired.sources["items"].items()] == ["1", "2"]
    assert "JSON text" in said
    desired, said = made(tmp_path / "two", home)
    assert [item.row for item in desired.sources["items"].items()] == [{"row": "1", "word": ""}]
    assert "without data" in said


def test_an_external_question_of_amti_keeps_its_address(tmp_path: Path) -> None:
    home = definition(tmp_path / "d", **{"question.xml.j2": EXTERNAL})
    (tmp_path / "data.jsonl").write_text('{"word": "a b"}\n')
    desired, _ = made(tmp_path / "new", home)
    source = desired.sources["items"]
    rendered = source.template.render(next(iter(source.items())).row)
    assert "https://tasks.example.org/?word=a%20b&amp;again=1" in rendered


def test_a_batch_csv_gives_its_items_and_terms(tmp_path: Path) -> None:
    path = batch(tmp_path / "Batch_1_batch_results.csv", [("u1", "a duck"), ("u2", 'a "goose", grey')])
    desired, said = made(tmp_path / "new", path)
    assert [item.row for item in desired.sources["items"].items()] == [
        {"url": "u1", "what": "a duck"}, {"url": "u2", "what": 'a "goose", grey'},
    ]  # fmt: skip
    terms, declared = desired.campaign.hit_types["task"], desired.campaign.batches["items"]
    assert (terms.title, terms.reward, terms.auto_approval_delay) == ("Ducks", Money(7), timedelta(days=3))
    assert (declared.assignments, declared.key) == (2, ("url",))
    assert "2 workers answered in 4 assignments stays in the CSV" in said
    assert "holds no page" in said


def test_a_batch_csv_may_bring_its_page_and_need_no_key(tmp_path: Path) -> None:
    path = batch(tmp_path / "b.csv", [("u1", "a duck"), ("u1", "a duck")])
    (tmp_path / "page.html").write_text("<p>${what} ${url}</p><input name=bird>")
    desired, said = made(tmp_path / "new", path, tmp_path / "page.html")
    assert [item.key for item in desired.sources["items"].items()] == ["3HIT0", "3HIT1"]
    assert "holds no page" not in said


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"x.txt": "a"}, "no files that --from knows"),
        ({"a.html": PAGE, "b.html": PAGE}, "holds 2 pages"),
        ({"a.csv": "a,b\n1,2\n"}, "no batch CSV"),
        ({"a.csv": "a,a\n1,2\n", "a.html": PAGE}, "twice"),
        ({"a.csv": "a,b\n1\n", "a.html": PAGE}, "row 2 has 1 values"),
        ({"a.csv": "", "a.html": PAGE}, "is empty"),
        ({"hittypeproperties.json": "{", "question.xml.j2": QUESTION}, "is not JSON"),
        ({"hittypeproperties.json": "[]", "question.xml.j2": QUESTION}, "holds no object"),
        ({"hittypeproperties.json": r'{"\ud800": 1}', "question.xml.j2": QUESTION}, "half of a surrogate pair"),
        (
            {"hittypeproperties.json": "{}", "question.xml.j2": QUESTION, "data.jsonl": '{"a": "\\udc00"}'},
            "data.jsonl:1",
        ),
        ({"qualificationtypeproperties.json": '{"RetryDelayInSeconds": "1d"}'}, "RetryDelayInSeconds is no whole"),
        ({"hittypeproperties.json": "{}"}, "there is no question.xml.j2"),
        ({"hittypeproperties.json": "{}", "question.xml.j2": QUESTION, "data.jsonl": "1\n"}, "data.jsonl:1"),
    ],
)
def test_files_that_cannot_be_read_are_told(files: dict[str, str], says: str, tmp_path: Path) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(TurkformError, match=says):
        migrate([tmp_path], "new")


def test_what_remains_wrong_is_told_after_writing(tmp_path: Path) -> None:
    (tmp_path / "p.html").write_text("<html><body><p>${a}</p></body></html>")
    (tmp_path / "d.csv").write_text("a\n1\n")
    words = ["init", str(tmp_path / "new"), "--from", str(tmp_path / "p.html"), "--from", str(tmp_path / "d.csv")]
    result = CliRunner().invoke(app, words, standalone_mode=False)
    assert "1 problem in the campaign files remain" in str(result.exception)
    assert "has no form" in result.output
    assert (tmp_path / "new/campaign.yaml").exists()


@pytest.mark.parametrize(
    ("wire", "said"),
    [
        ({"Reward": "0.155"}, "0.155"),
        ({"LifetimeInSeconds": 5}, "as near as MTurk takes"),
        ({"AutoApprovalDelayInSeconds": 9_999_999}, "as near as MTurk takes"),
    ],
)
def test_terms_that_mturk_does_not_take_are_mended_and_said(wire: dict[str, Any], said: str) -> None:
    carried = Carried("x", "x")
    take_terms(carried, wire)
    assert said in carried.notes[0]


@pytest.mark.parametrize("wire", [5, {"a": 1}, [1], [{}], [{"LocaleValues": 5}], [{"QualificationTypeId": [1]}]])
def test_requirements_that_are_none_are_left_out(wire: Any) -> None:
    carried = Carried("x", "x")
    take_requirements(carried, wire)
    assert carried.hit_type == {}


def test_more_requirements_than_mturk_takes_and_doubles_are_said() -> None:
    carried = Carried("x", "x")
    one = {"QualificationTypeId": "00000000000000000040", "Comparator": "GreaterThan"}
    take_requirements(carried, [{**one, "IntegerValues": [n]} for n in (1, 1, *range(2, 14))] + ["x", {**one}])
    assert len(carried.hit_type["requirements"]) == 10
    assert [note.split()[0] for note in carried.notes] == ["The", "A", "MTurk"]


TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"]) | st.sampled_from('",\n'), max_size=8
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.fixed_dictionaries({"a": TEXTS, "b": TEXTS}), min_size=1, max_size=4))
def test_every_row_of_any_data_is_carried_over_under_a_key_of_its_own(tmp_path: Path, rows: list[Any]) -> None:
    page, data, items = tmp_path / "p.html", tmp_path / "d.csv", tmp_path / "items.csv"
    page.write_text("<p>hello</p><input name=x>")
    with data.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["a", "b"])
        writer.writeheader()
        writer.writerows(rows)
    carried = migrate([page, data], "new")
    items.write_bytes(carried.write()["data/items.csv"])
    found = list(read_items(items, (carried.batch["key"],)))
    assert [{"a": item.row["a"], "b": item.row["b"]} for item in found] == rows
    assert len({item.key for item in found}) == len(rows)
