"""The plan document: equal for equal inputs, exact in its sums, and as its schema describes it."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_cases import CASES, NOW, cases, plan_of, read

from turkform.campaign import Campaign, Desired, Source, Target
from turkform.choices import Choices
from turkform.diff import diff
from turkform.errors import TurkformError
from turkform.memory import Memory
from turkform.money import Money, fees_named
from turkform.observed import Observed
from turkform.plan import Plan, dump, load, make
from turkform.questions import open_template

SCHEMA = json.loads((Path(__file__).parent.parent / "schemas/plan.schema.json").read_text())
WHOLE = sorted((Path(__file__).parent / "goldens/plans").glob("*.yaml"))
TYPES = {
    "trained": {"name": "Trained", "description": "Passed."},
    "native": {"name": "Native", "description": "Speaks it.", "workers": {"A2": 1, "A1": 2}},
}
TERMS = {
    "label": {"title": "L", "description": "D", "reward": "0.10", "assignment_duration": "10m"},
    "check": {
        "title": "C", "description": "D", "reward": "0.05", "assignment_duration": "10m",
        "requirements": [{"qualification": "native", "at_least": 2}, {"system": "masters", "exists": True}],
    },
}  # fmt: skip
BATCHES = {
    "pilot": {
        "hit_type": "label",
        "question": {"html": "page.html"},
        "items": "items.csv",
        "key": "id",
        "lifetime": "1d",
    },
    "main": {"hit_type": "check", "question": {"html": "page.html"}, "assignments": 10, "lifetime": "1d"},
}
BLOCKS = {"A8": "Random", "A7": "Random"}


def made(folder: Path, fees: str = "mturk", **sections: Any) -> Plan:
    """A plan of everything above for an empty account, its sections in the order they are given in."""
    (folder / "page.html").write_text("<p>Hello</p><input name='a'>")
    (folder / "items.csv").write_text("id\na\nb\n")
    declared = {"qualification_types": TYPES, "hit_types": TERMS, "batches": BATCHES, "blocks": BLOCKS} | sections
    campaign = Campaign.model_validate({"turkform": 1, "campaign": "plans", **declared})
    template = open_template(folder / "page.html")
    sources = {n: Source(n, b, template, folder / b.items if b.items else None) for n, b in campaign.batches.items()}
    grants = {n: dict(q.workers.values) for n, q in campaign.qualification_types.items() if q.workers}
    blocks = dict(campaign.blocks.values) if campaign.blocks else {}
    desired = Desired(campaign, Target("local", "local", fees=fees_named(fees)), folder, sources, grants, blocks, {})
    observed = Observed(NOW, Money(1_000_000), None, None, {}, {}, {})
    found = diff(desired, observed, Memory(), Choices(), local=NOW.timestamp())
    return make(desired, observed, Memory(), found, Choices(), plan_id="plan")


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_the_order_of_keys_makes_no_other_plan(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("plans")
    everything: dict[str, dict[str, Any]] = {
        "qualification_types": TYPES, "hit_types": TERMS, "batches": BATCHES, "blocks": BLOCKS
    }  # fmt: skip
    shuffled = {name: dict(data.draw(st.permutations(list(part.items())))) for name, part in everything.items()}
    assert json.dumps(made(folder, **shuffled).document) == json.dumps(made(folder).document)


@pytest.mark.parametrize("fees", ["mturk", "none", "12.5%"])
def test_the_price_is_the_sum_of_its_batches_and_of_its_parts(tmp_path: Path, fees: str) -> None:
    price = made(tmp_path, fees).document["price"]
    total = Money.parse(price["total"])
    for parts in ("by_batch", "by_fee"):
        assert sum((Money.parse(part) for part in price[parts].values()), Money()) == total
    expected = {"mturk": "0.94", "none": "0.70", "12.5%": "0.82"}[fees]
    assert price["total"] == expected


def test_ten_assignments_are_said_to_be_dearer_than_nine(tmp_path: Path) -> None:
    says = "batch.main: 10 assignments cost $0.10 more than two batches of fewer than 10 each"
    assert any(note.startswith(says) for note in made(tmp_path).document["notes"])
    assert not any("more than two batches" in note for note in made(tmp_path, "none").document["notes"])


def test_a_least_fee_above_its_share_is_said_to_be_dear(tmp_path: Path) -> None:
    says = "batch.main: the least fee, $0.01, is 50 % of a reward of $0.02"
    cheap = TERMS | {"check": TERMS["check"] | {"reward": "0.02"}}
    assert any(note.startswith(says) for note in made(tmp_path, hit_types=cheap).document["notes"])
    assert not any("least fee" in note for note in made(tmp_path).document["notes"])


@pytest.mark.parametrize("path", cases())
def test_a_document_is_as_its_schema_says(path: Path, tmp_path: Path) -> None:
    jsonschema.validate(plan_of(read(path), tmp_path).document, SCHEMA)


def test_steps_of_one_class_are_counted_priced_and_addressed_the_gravest_first(tmp_path: Path) -> None:
    leaves = made(tmp_path).document["leaves"]
    assert list(leaves) == ["person", "money", "trace"]
    assert leaves["person"] == {"count": 4, "price": "0.00", "addresses": ["block", "grant.native"]}
    assert leaves["money"]["addresses"] == ["batch.pilot", "batch.main"]


def golden(path: Path, folder: Path) -> str:
    return dump(plan_of(read(path), folder).document)


@pytest.mark.parametrize("path", WHOLE, ids=lambda path: path.stem)
def test_a_whole_document_is_as_it_was_looked_at(path: Path, tmp_path: Path) -> None:
    """After a change that is meant: `python tests/test_plan.py`, look at them, commit them."""
    assert golden(path, tmp_path) == path.with_suffix(".json").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", WHOLE, ids=lambda path: path.stem)
def test_a_saved_plan_reads_back(path: Path, tmp_path: Path) -> None:
    plan, file = plan_of(read(path), tmp_path), tmp_path / "plan.json"
    plan.save(file)
    back = load(file)
    assert (back.document, back.price, back.refusals, back.empty) == (plan.document, plan.price, plan.refusals, False)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "is not a saved plan"),
        ("[]", "is not a saved plan"),
        ('{"format_version": "2.0"}', "plan format 2.0; this turkform reads 1.0"),
        ('{"format_version": "1.9"}', "was altered"),
    ],
)
def test_what_is_no_plan_of_this_version_is_refused(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "plan.json").write_text(text)
    with pytest.raises(TurkformError, match=says):
        load(tmp_path / "plan.json")


def test_a_plan_of_waiting_alone_is_empty(tmp_path: Path) -> None:
    """A removed row whose HIT is over, and still in somebody's work."""
    plan = plan_of(read(CASES / "batch/in_work.yaml"), tmp_path)
    assert [step["action"] for step in plan.document["steps"]] == ["wait"]
    assert plan.empty
    assert not made(tmp_path).empty
    assert made(tmp_path).price == Money(94)


if __name__ == "__main__":
    with TemporaryDirectory() as scratch:
        for whole in WHOLE:
            whole.with_suffix(".json").write_text(golden(whole, Path(scratch)), encoding="utf-8")
