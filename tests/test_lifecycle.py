"""A campaign's life against a real marketplace over HTTP: plan, apply, and back to no changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from life import PAGE, Life, steps

from turkform.closing import close
from turkform.errors import StalePlanError
from turkform.journal import Journal
from turkform.kinds.resource import Address
from turkform.outcomes import RunInfo
from turkform.plan import load
from turkform.results import status
from turkform.staleness import moved

if TYPE_CHECKING:
    from pathlib import Path

    from marketplace_server import Server


@pytest.fixture
def life(server: Server, tmp_path: Path) -> Life:
    return Life(server, tmp_path)


def test_published_once_and_the_plan_after_is_empty(life: Life) -> None:
    first = life.look()
    assert steps(first) == [("record", "create"), ("hit_type.label", "create"), ("batch.pilot", "create")]
    assert str(first.plan.price) == "1.08"
    report = life.apply()
    assert (report.exit_code, report.done["create"], report.cents) == (0, 5, 108)
    assert len(life.hits()) == 3
    assert life.look().plan.empty
    assert life.apply().exit_code == 0
    assert len(life.hits()) == 3


def test_a_raised_reward_moves_untouched_hits_and_keeps_work(life: Life) -> None:
    life.apply()
    life.work("one")
    life.hit_type = {"reward": "0.20"}
    assert ("batch.pilot", "move") in steps(life.look())
    assert life.apply().exit_code == 0
    assert sorted(h["Reward"] for h in life.hits()) == ["0.10", "0.20", "0.20"]
    assert life.look().plan.empty


def test_an_accepted_and_returned_hit_is_replaced_where_it_cannot_move(life: Life) -> None:
    life.apply()
    life.work("one", "accept")
    life.work("one", "return")
    life.hit_type = {"reward": "0.20"}
    assert life.apply().exit_code == 0
    assert sorted(h["Reward"] for h in life.hits()) == ["0.20", "0.20", "0.20"]
    assert life.look().plan.empty


def test_more_assignments_and_a_longer_lifetime_change_hits_in_place(life: Life) -> None:
    life.apply()
    before = {h["HITId"] for h in life.hits()}
    life.batch = {"assignments": 4, "lifetime": "9d"}
    assert life.apply().exit_code == 0
    after = life.hits()
    assert {h["HITId"] for h in after} == before
    assert {h["MaxAssignments"] for h in after} == {4}
    assert {(h["Expiration"] - h["CreationTime"]).days for h in after} == {9}
    assert life.look().plan.empty


def test_a_page_edited_and_put_back_buys_nothing_twice(life: Life) -> None:
    life.apply()
    kept = life.work("one")
    life.page = PAGE.replace("<p>", "<h1>Read</h1><p>")
    assert ("batch.pilot", "replace") in steps(life.look())
    assert life.apply().exit_code == 0
    assert life.look().plan.empty
    life.page = PAGE
    assert life.apply().exit_code == 0
    assert life.look().plan.empty
    hits = life.hits()
    assert len(hits) == 3
    assert kept in {h["HITId"] for h in hits}
    assert all("<h1>" not in h["Question"] for h in hits)


def test_rows_come_and_go_and_work_on_removed_ones_is_kept(life: Life) -> None:
    life.apply()
    kept = life.work("one")
    life.rows = {"b": "two", "d": "four"}
    assert life.apply().exit_code == 0
    assert {h["HITId"] for h in life.hits()} >= {kept}
    assert len(life.hits()) == 3
    assert life.look().plan.empty


def test_other_keys_for_the_same_rows_send_nothing(life: Life) -> None:
    life.apply()
    before = {h["HITId"] for h in life.hits()}
    life.rows = {f"n{n}": text for n, text in enumerate(life.rows.values())}
    found = life.look()
    assert steps(found) == [("batch.pilot", "rekey")]
    assert str(found.plan.price) == "0.00"
    assert life.apply().exit_code == 0
    assert {h["HITId"] for h in life.hits()} == before
    assert life.look().plan.empty


def test_a_batch_renamed_without_its_id_is_refused_with_the_line_to_paste(life: Life) -> None:
    life.apply()
    life.batch_name = "main"
    assert any("`id: pilot`" in reason for reason in life.look().plan.refusals)
    life.batch = {"id": "pilot"}
    assert life.look().plan.empty


def test_a_lost_journal_still_plans_nothing_and_refuses_new_rows(life: Life) -> None:
    life.apply()
    for file in life.folder.glob("journal.sqlite*"):
        file.unlink()
    assert life.look().plan.empty
    life.rows["d"] = "four"
    assert any("recover --new-journal" in reason for reason in life.look().plan.refusals)


def test_destroy_retires_everything_and_apply_publishes_again(life: Life) -> None:
    life.apply()
    kept = life.work("one")
    assert life.apply(destroy=True).exit_code == 0
    assert [h["HITId"] for h in life.hits()] == [kept]
    assert life.apply().exit_code == 0
    assert len(life.hits()) == 3
    assert life.look().plan.empty


def test_qualification_types_grants_and_blocks_follow_the_file(life: Life) -> None:
    trained = {"name": f"Trained {life.name}", "description": "Passed.", "workers": {"A1GOOD": 90}}
    life.campaign = {"qualification_types": {"trained": trained}, "blocks": {"A1BAD": "Random answers"}}
    life.hit_type = {"requirements": [{"qualification": "trained", "at_least": 80}]}
    assert life.apply().exit_code == 0
    assert life.look().plan.empty
    with pytest.raises(OSError, match="409"):
        life.work("one")
    life.work("one", worker="A1GOOD")
    life.campaign["qualification_types"]["trained"] = {**trained, "description": "Passed twice.", "workers": {}}
    del life.campaign["blocks"]
    assert life.apply().exit_code == 0
    assert life.look().plan.empty
    assert all(b["WorkerId"] != "A1BAD" for b in life.server.client().list_worker_blocks()["WorkerBlocks"])


def test_a_qualification_type_that_work_still_needs_waits_to_be_deleted(life: Life) -> None:
    name = f"Trained {life.name}"
    life.campaign = {"qualification_types": {"trained": {"name": name, "description": "Passed."}}}
    life.hit_type = {"requirements": [{"qualification": "trained", "exists": False}]}
    life.apply()
    life.work("one")
    report = life.apply(destroy=True)
    assert [(str(a), why) for a, why in report.waits] == [
        ("qualification_type.trained", "deletion waits: HITs still require it")
    ]
    assert report.done["retire"] == 2
    assert "delete" not in report.done
    owned = life.server.client().list_qualification_types(Query=name, MustBeRequestable=False, MustBeOwnedByCaller=True)
    assert [q["QualificationTypeStatus"] for q in owned["QualificationTypes"]] == ["Inactive"]
    assert steps(life.look(destroy=True)) == [("qualification_type.trained", "wait")]


def test_a_plan_over_the_budget_is_refused_before_anything_is_sent(life: Life) -> None:
    life.campaign = {"budget": "1.00"}
    assert any("budget is $1.00" in reason for reason in life.look().plan.refusals)
    assert life.hits() == []


def test_a_saved_plan_is_true_until_an_input_or_the_account_moves(life: Life) -> None:
    saved = life.look().plan
    assert moved(saved, life.look()) == []
    life.hit_type = {"reward": "0.20"}
    assert any("price was $1.08" in reason for reason in moved(saved, life.look()))
    life.hit_type = {}
    life.apply()
    assert moved(saved, life.look())
    life.batch = {"assignments": 4}
    saved = life.look().plan
    life.work("one")
    assert moved(saved, life.look()) == []


def test_close_expires_what_is_named_and_nothing_reopens_by_itself(life: Life) -> None:
    life.apply()
    found = life.look()
    with Journal.open(life.folder / "journal.sqlite", create=False) as journal:
        report = close(found, journal, [Address("batch", "pilot", "a")], run=RunInfo("close"))
    assert (report.exit_code, report.done["close"]) == (0, 1)
    after = life.look()
    assert after.plan.empty
    assert any("closed by `close`" in note for note in after.plan.document["notes"])
    again = life.look(reopen=frozenset({Address("batch", "pilot")}))
    assert (steps(again), str(again.plan.price)) == ([("batch.pilot", "prolong")], "0.36")
    assert life.apply(reopen=frozenset({Address("batch", "pilot")})).exit_code == 0
    assert status(life.look())["batches"]["pilot"]["open"] == 9


def test_a_hit_under_review_is_put_back_before_it_gets_another_place(life: Life) -> None:
    life.rows, life.batch["assignments"] = {"a": "one"}, 1
    life.apply()
    hit = life.work("one")
    life.server.client().update_hit_review_status(HITId=hit)
    assert life.look().plan.empty, "reviewing is nobody's drift"
    life.batch["assignments"] = 2
    found = life.look()
    assert steps(found) == [("batch.pilot", "revert"), ("batch.pilot", "extend")]
    report = life.apply()
    assert (report.exit_code, dict(report.done), report.cents) == (0, {"revert": 1, "extend": 1}, 12)
    with Journal.open(life.folder / "journal.sqlite", create=False) as journal:
        sent = [call.operation for call in journal.calls(run=2)]
    assert sent == ["UpdateHITReviewStatus", "CreateAdditionalAssignmentsForHIT"]
    assert [h["HITStatus"] for h in life.hits()] == ["Assignable"]
    assert life.look().plan.empty


def test_a_document_reads_back_and_an_altered_one_is_refused(life: Life) -> None:
    plan, file = life.look().plan, life.folder / "plan.json"
    plan.save(file)
    assert load(file).document == plan.document
    file.write_text(file.read_text().replace('"1.08"', '"0.08"'))
    with pytest.raises(StalePlanError, match="altered"):
        load(file)


def test_addresses_read_back_as_they_are_written() -> None:
    for text in ("hit_type.label", 'batch.pilot["a b"]', 'block["A1"]', 'grant.trained["A1X"]'):
        assert str(Address.parse(text)) == text
