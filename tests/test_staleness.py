"""A saved plan: true whatever workers do, untrue as soon as anybody else changes what it rests on."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from life import Life, steps

from turkform.apply import apply
from turkform.campaign import Target
from turkform.errors import StalePlanError
from turkform.journal import Journal
from turkform.kinds.resource import Address
from turkform.money import fees_named
from turkform.outcomes import RunInfo

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from marketplace_server import Server

PILOT = Address("batch", "pilot")


@pytest.fixture
def life(server: Server, tmp_path: Path) -> Life:
    """Six items out; the plan to come raises the reward, adds a place and a row, and drops a row."""
    life = Life(server, tmp_path, rows={name: name * 3 for name in "abcdef"})
    trained = {"name": f"Trained {life.name}", "description": "Passed.", "workers": {"A1GOOD": 90}}
    life.campaign = {"qualification_types": {"trained": trained}, "policies": {"max_deletes": "100%"}}
    assert life.apply().exit_code == 0
    life.hit_type = {"reward": "0.20"}
    life.batch = {"assignments": 4}
    life.rows = {name: name * 3 for name in "bcdefg"}
    life.campaign["qualification_types"]["trained"] = {**trained, "description": "Passed it all."}
    return life


def hit(life: Life, text: str) -> dict[str, Any]:
    return next(h for h in life.hits() if f"<p>{text}</p>" in h["Question"])


# --- what workers do --------------------------------------------------------------------------------


WORK: dict[str, Callable[[Life], object]] = {
    "nothing": lambda _: None,
    "accepting": lambda life: life.work("bbb", "accept"),
    "submitting": lambda life: [life.work("bbb"), life.work("ccc"), life.work("aaa")],
    "accepting and returning": lambda life: [life.work("bbb", "accept"), life.work("bbb", "return")],
    "abandoning": lambda life: [life.work("bbb", "accept"), life.server.control("clock", advance_seconds=700)],
    "filling every place": lambda life: [life.work("bbb", worker=f"A{n}") for n in (1, 2, 3)],
    "earning a qualification": lambda life: life.server.client().associate_qualification_with_worker(
        QualificationTypeId=qualification(life), WorkerId="A1EARNER", IntegerValue=7, SendNotification=False
    ),
}


def qualification(life: Life) -> str:
    client = life.server.client()
    found = client.list_qualification_types(
        Query=f"Trained {life.name}", MustBeRequestable=False, MustBeOwnedByCaller=True
    )
    return str(found["QualificationTypes"][0]["QualificationTypeId"])


@pytest.mark.parametrize("name", WORK)
def test_whatever_workers_do_a_plan_stays_true_and_its_apply_leaves_nothing_to_do(life: Life, name: str) -> None:
    saved = life.saved()
    WORK[name](life)
    assert life.moved(saved) == []
    report = life.apply_saved(saved)
    assert report.exit_code == 0
    assert report.cents <= saved.price.cents
    assert life.look().plan.empty


def test_work_returned_since_the_plan_does_not_widen_it(life: Life) -> None:
    life.work("bbb", "accept")
    saved = life.saved()
    kept = hit(life, "bbb")
    life.work("bbb", "return")
    assert life.moved(saved) == []
    assert life.apply_saved(saved).cents <= saved.price.cents
    assert hit(life, "bbb")["HITTypeId"] == kept["HITTypeId"]


# --- what others do ---------------------------------------------------------------------------------


def expire(life: Life, text: str) -> None:
    found = hit(life, text)
    life.server.client().update_expiration_for_hit(
        HITId=found["HITId"], ExpireAt=found["CreationTime"] - timedelta(days=1)
    )


def move(life: Life, text: str) -> None:
    client = life.server.client()
    made = client.create_hit_type(Title="Other", Description="D", Reward="0.01", AssignmentDurationInSeconds=60)
    client.update_hit_type_of_hit(HITId=hit(life, text)["HITId"], HITTypeId=made["HITTypeId"])


def extend(life: Life, text: str) -> None:
    life.server.client().create_additional_assignments_for_hit(
        HITId=hit(life, text)["HITId"], NumberOfAdditionalAssignments=2
    )


def delete(life: Life, text: str) -> None:
    expire(life, text)
    life.server.client().delete_hit(HITId=hit(life, text)["HITId"])


def edit_type(life: Life) -> None:
    life.server.client().update_qualification_type(
        QualificationTypeId=qualification(life), QualificationTypeStatus="Inactive"
    )


def edit_row(life: Life) -> None:
    life.rows["b"] = "bbb and more"


def edit_campaign(life: Life) -> None:
    life.hit_type = {"reward": "0.21"}


def raise_fees(life: Life) -> None:
    life.target = Target("local", "local", fees=fees_named("90%"))


def other_environment(life: Life) -> None:
    life.target = Target("lab", "local")


def less_budget(life: Life) -> None:
    life.target = Target("local", "local", budget=life.look().plan.price)


def let_time_pass(life: Life) -> None:
    life.server.control("clock", advance_seconds=24 * 3600 + 60)


OTHERS: dict[str, tuple[Callable[[Life], object], str]] = {
    "an edited campaign": (edit_campaign, "file campaign.yaml was changed"),
    "a changed row": (edit_row, "file items.csv was changed"),
    "dearer fees": (raise_fees, "fees was mturk"),
    "another environment": (other_environment, "environment was local and is lab"),
    "a smaller budget": (less_budget, "now refused"),
    "a HIT that somebody expired": (lambda life: expire(life, "bbb"), "HIT {id} of b ended"),
    "a HIT to be retired that somebody expired": (lambda life: expire(life, "aaa"), "of a ended"),
    "a HIT that somebody moved": (lambda life: move(life, "bbb"), "moved to other terms by somebody"),
    "a HIT that somebody extended": (lambda life: extend(life, "bbb"), "had 3 assignments and has 5 now"),
    "a HIT that somebody deleted": (lambda life: delete(life, "bbb"), "of b is gone"),
    "an edited qualification type": (edit_type, "qualification_type.trained: the account is not as it was"),
    "time over": (let_time_pass, "the plan was valid until"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_anybody_else_changes_makes_a_plan_untrue_and_nothing_is_sent(life: Life, name: str) -> None:
    saved = life.saved()
    change, says = OTHERS[name]
    known = hit(life, "bbb")["HITId"]
    change(life)
    before = life.hits()
    assert any(says.format(id=known) in reason for reason in life.moved(saved)), life.moved(saved)
    with pytest.raises(StalePlanError):
        life.apply_saved(saved)
    assert life.hits() == before


def test_a_plan_is_used_once(life: Life) -> None:
    saved = life.saved()
    life.apply_saved(saved)
    assert any("applied already" in reason for reason in life.moved(saved))


def test_a_plan_is_only_good_until_the_first_of_its_hits_expires(life: Life) -> None:
    life.batch = {"assignments": 4, "lifetime": "7d"}
    life.server.control("clock", advance_seconds=6.5 * 86400)
    valid = life.saved().document["valid_until"]
    assert valid == min(h["Expiration"] for h in life.hits()).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_what_a_plan_was_to_create_and_is_there_already_is_adopted(life: Life) -> None:
    saved, again = life.saved(), life.look()
    assert saved.document["rests_on"] == again.plan.document["rests_on"]
    created = next(s for s in saved.document["steps"] if s.get("op") == "create")
    assert created["items"]["rows"] == "6"


def test_the_intent_does_not_depend_on_what_workers_do(life: Life) -> None:
    intent = life.look().plan.document["intent"]
    life.work("bbb")
    life.work("ccc", "accept")
    life.work("ccc", "return")
    life.work("aaa", "accept")
    assert life.look().plan.document["intent"] == intent
    life.work("aaa", "return")
    assert life.look().plan.document["intent"] == intent


def test_the_intent_is_another_when_other_keys_or_fields_change(life: Life) -> None:
    intent = life.look().plan.document["intent"]
    assert life.look(exclude=frozenset({PILOT.item("b")})).plan.document["intent"] != intent
    life.batch["lifetime"] = "8d"
    assert life.look().plan.document["intent"] != intent


def test_a_plan_of_one_target_is_applied_as_one(life: Life) -> None:
    choices = {"target": frozenset({PILOT.item("g")})}
    saved = life.saved(**choices)
    assert [(address, op) for address, op in steps(life.look(**choices)) if address == "batch.pilot"] == [
        ("batch.pilot", "create")
    ]
    report = life.apply_saved(saved, **choices)
    assert (report.exit_code, report.done["create"]) == (0, 2)
    assert not life.look().plan.empty


# --- a market at full speed -------------------------------------------------------------------------


@pytest.mark.parametrize("items", [20, pytest.param(700, marks=pytest.mark.heavy)])
def test_a_plan_outlives_thousands_of_accepts_and_submissions(server: Server, tmp_path: Path, items: int) -> None:
    """Three workers each take every item: some submit, some return, some stay at work."""
    life = Life(server, tmp_path, rows={f"k{n}": f"text {n}" for n in range(items)})
    assert life.apply().exit_code == 0
    life.hit_type = {"reward": "0.20"}
    life.batch = {"assignments": 4, "lifetime": "8d"}
    life.rows |= {f"new{n}": f"new {n}" for n in range(items)}
    saved = life.saved()
    deeds = 0
    for number, found in enumerate(life.hits()):
        for worker in range(3):
            action = ("submit", "return", "accept", "submit", "nothing")[(number + worker) % 5]
            played = {"nothing": (), "return": ("accept", "return"), "submit": ("accept", "submit")}.get(
                action, (action,)
            )
            for deed in played:
                answers = {"answers": {"answer": "x"}} if deed == "submit" else {}
                server.control(f"worker/{deed}", hit=found["HITId"], worker=f"A{worker}WORKER", **answers)
                deeds += 1
    assert deeds >= 2_000 * items // 700
    assert life.moved(saved) == []
    report = life.apply_saved(saved)
    assert (report.exit_code, report.failures) == (0, [])
    assert report.cents <= saved.price.cents
    assert len(life.hits()) == 2 * items
    assert life.look().plan.empty


def test_what_somebody_changes_after_the_listing_fails_that_item_alone(life: Life) -> None:
    found = life.look()
    expire(life, "bbb")
    with Journal.open(life.folder / "journal.sqlite", create=True) as journal:
        report = apply(found, journal, run=RunInfo("apply"))
    assert (report.exit_code, len(report.failures)) == (6, 1)
    assert "somebody changed" in report.failures[0].message
    assert report.done["move"] == 4
    assert hit(life, "bbb")["Reward"] == "0.10"
