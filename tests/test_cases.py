"""Every planner rule of a kind is a case file: what is declared, what is there, and the calls that follow."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from review_cases import open_bonuses, paid_bonuses, reviewed_plan
from ruamel.yaml import YAML

from turkform.approval import Approval
from turkform.campaign import Campaign, Desired, Source, Target
from turkform.choices import Choices
from turkform.diff import diff
from turkform.items import Marker, stored_key
from turkform.kinds import Batch, HITType, QualificationType
from turkform.kinds.resource import Address
from turkform.memory import Known, KnownNotification, Knowns, KnownType, Memory
from turkform.money import Money, fees_named
from turkform.observed import Listed, Observed, QualificationTypeState, Record, Scope, Sorter
from turkform.plan import Plan, make
from turkform.questions import Template, open_template
from turkform.reviewed import Reviewed
from turkform.survey import Survey
from turkform.times import parse_time

CASES = Path(__file__).parent / "cases"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
PAGE = "<p>${text}</p><form><input name='a'><input type='submit'></form>"
TERMS = {"title": "T", "description": "D", "reward": "0.10", "assignment_duration": "10m", "auto_approval_delay": "3d"}
BATCH = {"hit_type": "label", "question": {"html": "page.html"}, "items": "items.csv", "key": "id", "lifetime": "1d"}
UNREAD = {"title", "about"}


def cases() -> list[Any]:
    return [pytest.param(path, id=f"{path.parent.name}/{path.stem}") for path in sorted(CASES.glob("*/*.yaml"))]


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe", pure=True).load(path)
    return found


def desired_of(case: dict[str, Any], folder: Path) -> Desired:
    """The declared side; a `batch:` stands for one batch of these `rows:` under usual terms."""
    declared = dict(case.get("desired") or {})
    if "batch" in case:
        declared["hit_types"] = {"label": TERMS | case.get("hit_type", {})}
        batch = {name: value for name, value in (BATCH | case["batch"]).items() if value is not None}
        declared["batches"] = {"pilot": batch}
    (folder / "page.html").write_text(case.get("page", PAGE))
    rows = case.get("rows", {"a": "one"})
    (folder / "items.csv").write_text("id,text\n" + "".join(f"{k},{v}\n" for k, v in rows.items()))
    campaign = Campaign.model_validate({"turkform": 1, "campaign": "case", **declared})
    campaign = campaign.model_copy(update={"qualification_types": with_documents(campaign, case.get("files", {}))})
    template = open_template(folder / "page.html")
    sources = {n: Source(n, b, reviewed(b, template), folder / "items.csv") for n, b in campaign.batches.items()}
    grants = {n: dict(q.workers.values) for n, q in campaign.qualification_types.items() if q.workers}
    blocks = dict(campaign.blocks.values) if campaign.blocks else {}
    return Desired(campaign, target_of(case), folder, sources, grants, blocks, {})


def target_of(case: dict[str, Any]) -> Target:
    """The environment, as far as a case says something of it."""
    said = dict(case.get("target") or {})
    read = {"budget": Money.parse, "fees": fees_named}
    return Target("local", "local", **{name: read.get(name, str)(value) for name, value in said.items()})


def with_documents(campaign: Campaign, files: dict[str, str]) -> dict[str, QualificationType]:
    """The qualification types, their tests' documents being those of the case's `files:`."""
    types = dict(campaign.qualification_types)
    for name, declared in types.items():
        if declared.test:
            test = declared.test.with_documents(
                files[declared.test.form], files.get(declared.test.answer_key or "", "")
            )
            types[name] = declared.model_copy(update={"test": test})
    return types


def reviewed(batch: Batch, template: Template) -> Template:
    return Reviewed(template, batch.review_policies, {}) if batch.review_policies else template


def gone(folder: Path) -> Source:
    """The batch that published what no batch declares any more."""
    return Source("pilot", Batch.model_validate(BATCH), open_template(folder / "page.html"), folder / "items.csv")


def wire_of(hit: dict[str, Any], desired: Desired, row: str) -> dict[str, Any]:
    """One HIT as ListHITs shows it: as published by these very files an hour ago, unless the case says else."""
    source = desired.sources.get("pilot") or gone(desired.folder)
    fingerprint = source.template.fingerprint({"id": hit["key"], "text": hit.get("text", row)})
    batch = hit.get("batch", source.id), hit.get("round", 1)
    marker = Marker("case", *batch, stored_key(hit["key"]), hit.get("generation", 1), 1, fingerprint)
    terms = HITType.model_validate(TERMS).to_wire()
    maximum = hit.get("MaxAssignments", source.batch.assignments)
    created = NOW.timestamp() - hit.get("hours_old", 1) * 3600
    return {
        **terms,
        "HITId": hit.get("HITId", f"3{hit['key'].upper()}"), "HITTypeId": hit.get("HITTypeId", "3TYPE"),
        "RequesterAnnotation": str(marker), "HITStatus": "Assignable", "MaxAssignments": maximum,
        "CreationTime": created, "Expiration": created + hit.get("hours_of_life", 24) * 3600.0,
        "NumberOfAssignmentsAvailable": hit.get("available", maximum),
        "NumberOfAssignmentsPending": hit.get("pending", 0), "NumberOfAssignmentsCompleted": hit.get("completed", 0),
        **{k: v for k, v in hit.items() if k[0].isupper()},
    }  # fmt: skip


def plan_of(case: dict[str, Any], folder: Path, approval: Approval | None = None) -> Plan:
    """The plan of a case; within the approval of a saved one where there is one."""
    desired = desired_of(case, folder)
    observed = case.get("observed") or {}
    sorter = Sorter("case", Scope())
    rows = case.get("rows", {"a": "one"})
    for hit in observed.get("hits", ()):
        sorter.add(msgspec.convert(wire_of(hit, desired, rows.get(hit["key"], "one")), Listed))
    types = {
        wire["Name"]: QualificationTypeState(wire["QualificationTypeId"], QualificationType.from_wire(wire))
        for wire in observed.get("qualification_types", ())
    }
    balance = Money.parse(observed.get("balance", "10000.00"))
    record = observed.get("record", {"id": "3REC", "journal": "j", "environment": "local", "created": ""})
    seen = Observed(
        NOW, balance, None, Record(**record) if record else None, types, sorter.hits, sorter.terms,
        grants=observed.get("grants", {}), blocks=observed.get("blocks", {}), guarded=observed.get("required_by", {}),
        asking={type_id: frozenset(workers) for type_id, workers in observed.get("asking", {}).items()},
    )  # fmt: skip
    journal = case.get("journal") or {}
    known = {
        h.key: Known(h.id, h.key, h.generation, h.fingerprint, 36, h.created, h.expires)._replace(
            **journal.get("hits", {}).get(h.key, {})
        )
        for hits in seen.hits.get(("pilot", 1), {}).values()
        for h in hits[:1]
    }
    for key, cents in journal.get("gone", {}).items():
        known[key] = Known(f"3GONE{key.upper()}", key, 1, "x", cents, 0.0, 0.0)
    memory = Memory(
        journal=journal.get("id", "j"), record=journal.get("record", "3REC"), environment="local",
        hits={} if journal.get("forgets") else {("pilot", 1): Knowns(known.values())},
        types={n: KnownType(**t) for n, t in journal.get("types", {}).items()},
        freed={n: parse_time(str(t)).timestamp() for n, t in journal.get("freed", {}).items()},
        due={hit: parse_time(str(t)).timestamp() for hit, t in journal.get("due", {}).items()},
        older=tuple((n, KnownType(**t)) for n, t in journal.get("older", {}).items()),
        copies={t: frozenset(w) for t, w in journal.get("copies", {}).items()},
        protected=frozenset(journal.get("protected", ())),
        grants={t: frozenset(w) for t, w in journal.get("grants", {}).items()},
        blocks=frozenset(journal.get("blocks", ())),
        notifications={t: KnownNotification(**n) for t, n in journal.get("notifications", {}).items()},
        bonuses=paid_bonuses(journal), open=open_bonuses(journal, NOW),
    )  # fmt: skip
    said = {name: frozenset(map(Address.parse, texts)) for name, texts in (case.get("choices") or {}).items()}
    choices = Choices(destroy=bool(case.get("destroy")), **said)
    found = diff(desired, seen, memory, choices, local=NOW.timestamp(), approval=approval)
    plan = make(desired, seen, memory, found, choices, plan_id="case")
    if "answers" not in case:
        return plan
    account: Any = None  # everything that a review reads stands in the case
    survey = Survey(desired, account, memory, seen, found, choices, plan, NOW.timestamp())
    return reviewed_plan(case, survey, approval)


def calls_of(plan: Plan) -> list[dict[str, Any]]:
    """Every step as the case files write it."""
    found = []
    for step in plan.document["steps"]:
        call: dict[str, Any] = {"do": step.get("op") or step["action"], "address": step["address"]}
        if step["operations"]:
            call["operations"] = step["operations"]
        if step.get("parameters"):
            call["parameters"] = step["parameters"]
        if "items" in step:
            call["items"] = [item["key"] for item in step["items"]["listed"]]
        if step["price"] != "0.00":
            call["price"] = step["price"]
        found.append(call)
    return found


@pytest.mark.parametrize("path", cases())
def test_the_calls_are_those_of_the_case(path: Path, tmp_path: Path) -> None:
    case = read(path)
    plan = plan_of(case, tmp_path)
    got = calls_of(plan)
    expected = case.get("calls") or []
    shown = [
        {key: value for key, value in call.items() if key in want} for call, want in zip(got, expected, strict=False)
    ]
    assert (shown, len(got)) == (expected, len(expected)), got
    for word in ("notes", "refusals"):
        for text in case.get(word, ()):
            assert any(text in said for said in plan.document[word]), plan.document[word]
    assert bool(plan.document["refusals"]) == bool(case.get("refusals"))
    assert {path: at(plan.document, path) for path in case.get("document", {})} == case.get("document", {})


def at(document: Any, path: str) -> Any:
    """What stands in the document at keys that are parted by blanks; None where nothing does."""
    for key in path.split():
        document = document[int(key)] if isinstance(document, list) else document.get(key)
        if document is None:
            return None
    return document


@pytest.mark.parametrize("path", cases())
def test_a_plan_within_its_own_approval_is_itself(path: Path, tmp_path: Path) -> None:
    case = read(path)
    plan = plan_of(case, tmp_path)
    assert plan_of(case, tmp_path, Approval.of(plan.document)).document == plan.document


@pytest.mark.parametrize("path", cases())
def test_a_case_says_in_a_sentence_what_it_is_about(path: Path) -> None:
    assert read(path)["about"].endswith(".")


@pytest.mark.parametrize("path", cases())
def test_equal_inputs_make_equal_plans(path: Path, tmp_path: Path) -> None:
    case = read(path)
    assert plan_of(case, tmp_path).document == plan_of(case, tmp_path).document


@pytest.mark.parametrize("path", cases())
def test_a_plan_costs_the_sum_of_its_steps(path: Path, tmp_path: Path) -> None:
    document = plan_of(read(path), tmp_path).document
    steps = sum(Money.parse(step["price"]).cents for step in document["steps"])
    assert Money.parse(document["price"]["total"]).cents == steps


def test_who_got_a_replaced_type_since_the_plan_is_not_copied_and_it_stays_for_them(tmp_path: Path) -> None:
    case = read(CASES / "qualification_type" / "replaced.yaml")
    saved = plan_of(case, tmp_path)
    case["observed"]["grants"]["3Q"]["A9LATE"] = 10
    plan = plan_of(case, tmp_path, Approval.of(saved.document))
    assert [(call["do"], call["address"], call.get("items")) for call in calls_of(plan)] == [
        ("create", "qualification_type.trained", None),
        ("update", "qualification_type.trained", None),
        ("wait", "qualification_type.trained", None),
        ("create", "grant.trained", ["A2", "A3"]),
        ("create", "grant.trained", ["A1"]),
    ]
    assert "1 worker got it since the plan was made" in plan.document["steps"][2]["reason"]
    assert (plan.document["intent"], plan.document["rests_on"]) == (
        saved.document["intent"],
        saved.document["rests_on"],
    )
