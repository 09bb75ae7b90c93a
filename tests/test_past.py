"""The past: what the calls in a journal add up to."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from one_journal import END, NOW, about, begin, create, do

from turkform.entries import Intent, Outcome
from turkform.money import Money

if TYPE_CHECKING:
    from turkform.journal import Journal
    from turkform.run import Run


def test_a_created_hit_is_known_with_what_planning_needs(journal: Journal) -> None:
    with begin(journal) as run:
        do(run, create(generation=2), "HIT1")
        run.intend([create("img-2")], NOW)
    [(batch, hit)] = journal.hits()
    assert (hit.id, batch, hit.key, hit.generation) == ("HIT1", ("pilot", 1), "img-1", 2)
    assert (hit.cents, hit.created, hit.expires) == (36, NOW.timestamp(), END.timestamp())
    assert (hit.ending, hit.deleted) == ("", False)


@pytest.mark.parametrize(
    ("untouched", "outcome", "deleted"),
    [(1, "done", True), (1, "failed", False), (1, "unknown", False), (0, "done", False)],
)
def test_only_our_own_deletion_of_an_untouched_hit_frees_its_item(
    journal: Journal, untouched: int, outcome: str, deleted: object
) -> None:
    with begin(journal) as run:
        do(run, create(), "HIT1")
        [call] = run.intend([about("HIT1", "DeleteHIT", untouched=bool(untouched))], NOW)
        run.settle(call, Outcome(outcome), object_id="HIT1", at=NOW)
    assert [hit.deleted for _, hit in journal.hits()] == [deleted]


def test_extensions_and_moves_raise_a_hits_price_and_reopening_does_not(journal: Journal) -> None:
    with begin(journal) as run:
        do(run, create(), "HIT1")
        do(run, about("HIT1", "CreateAdditionalAssignmentsForHIT", 12), "HIT1")
        do(run, about("HIT1", "UpdateHITTypeOfHIT", 6), "HIT1")
        do(run, about("HIT1", "UpdateExpirationForHIT", 50, expires=END.timestamp(), ending=""), "HIT1")
    assert [hit.cents for _, hit in journal.hits()] == [54]


def test_an_expiry_by_our_hand_is_known_until_it_is_undone(journal: Journal) -> None:
    later = NOW + timedelta(days=1)
    with begin(journal) as run:
        do(run, create(), "HIT1")
        do(run, about("HIT1", "UpdateExpirationForHIT", expires=0.0, ending="close"), "HIT1", at=later)
    [(_, closed)] = journal.hits()
    assert (closed.ending, closed.ended) == ("close", later.timestamp())
    with begin(journal) as run:
        do(run, about("HIT1", "UpdateExpirationForHIT", expires=END.timestamp(), ending=""), "HIT1")
    [(_, reopened)] = journal.hits()
    assert (reopened.ending, reopened.ended, reopened.expires) == ("", 0.0, END.timestamp())


def adopt(run: Run, hit_id: str, **changes: Any) -> None:
    run.note_adopted(
        **{
            "address": "batch.pilot", "batch": "pilot", "round": 1, "key": "img-9", "hit_id": hit_id, "generation": 3,
            "fingerprint": "ponmlkjihgfedcba", "cents": 99, "created": NOW.timestamp(), "expires": END.timestamp(),
        }
        | changes
    )  # fmt: skip


def test_an_adopted_hit_is_known_like_a_created_one(journal: Journal) -> None:
    with begin(journal) as run:
        adopt(run, "HIT9")
        do(run, about("HIT9", "DeleteHIT", untouched=True), "HIT9")
    [(_, hit)] = journal.hits()
    assert (hit.key, hit.generation, hit.fingerprint, hit.cents) == ("img-9", 3, "ponmlkjihgfedcba", 99)
    assert (hit.created, hit.expires, hit.deleted) == (NOW.timestamp(), END.timestamp(), True)


def test_a_hit_both_created_and_adopted_is_paid_once(journal: Journal) -> None:
    with begin(journal) as run:
        [call] = run.intend([create()], NOW)
        adopt(run, "HIT1", key="img-1", cents=36)
        run.settle(call, Outcome.DONE, object_id="HIT1", at=NOW)
    assert [hit.cents for _, hit in journal.hits()] == [36]


def test_an_adoption_is_durable_before_a_later_intent(journal: Journal) -> None:
    run = begin(journal)
    adopt(run, "HIT9")
    run.intend([create()], NOW)
    assert [hit.id for _, hit in journal.hits()] == ["HIT9"]
    run.close()


def test_a_hit_goes_by_the_key_it_was_given_last(journal: Journal) -> None:
    with begin(journal) as run:
        do(run, create("old"), "HIT1")
        do(run, create("other"), "HIT2")
        run.note_rekey(address="batch.pilot", round=1, pairs=[("HIT1", "newer"), ("HIT5", "elsewhere")])
        run.note_rekey(address="batch.pilot", round=1, pairs=[("HIT1", "newest")])
    assert {hit.id: hit.key for _, hit in journal.hits()} == {"HIT1": "newest", "HIT2": "other"}
    assert journal.rekeys() == {"HIT1": "newest", "HIT5": "elsewhere"}


def grant(worker: str, value: int, operation: str = "AssociateQualificationWithWorker") -> Intent:
    return Intent("grant.trained", worker, operation, "", "", Money(), {"type": "QT1", "value": value})


def test_grants_are_ours_until_we_take_them_back_or_their_type_goes(journal: Journal) -> None:
    with begin(journal) as run:
        do(run, grant("A1", 80))
        do(run, grant("A2", 90))
        do(run, grant("A1", 85))
        do(run, grant("A2", 0, "DisassociateQualificationFromWorker"))
    assert [(g.type_id, g.worker, g.value) for g in journal.grants()] == [("QT1", "A1", 85)]
    with begin(journal) as run:
        do(run, Intent("qualification_type.trained", "", "DeleteQualificationType", "", "", Money()), "QT1")
    assert journal.grants() == []


def test_blocks_are_ours_until_we_lift_them(journal: Journal) -> None:
    with begin(journal) as run:
        for worker, operation in (
            ("A1", "CreateWorkerBlock"),
            ("A2", "CreateWorkerBlock"),
            ("A1", "DeleteWorkerBlock"),
        ):
            do(run, Intent("block", worker, operation, "", "", Money(), {"value": "random answers"}))
    assert [(b.worker, b.reason) for b in journal.blocks()] == [("A2", "random answers")]


def test_types_we_made_are_known_with_their_name_and_end(journal: Journal) -> None:
    gone = NOW + timedelta(days=2)
    with begin(journal) as run:
        do(run, Intent("record", "", "CreateQualificationType", "", "", Money()), "REC1")
        for name, type_id in (("Old", "QT1"), ("New", "QT2")):
            detail = {"name": name}
            do(run, Intent("qualification_type.t", "", "CreateQualificationType", "", "", Money(), detail), type_id)
        do(run, Intent("qualification_type.t", "", "DeleteQualificationType", "", "", Money()), "QT1", at=gone)
    assert [(t.type_id, t.name, t.deleted_at) for t in journal.types()] == [("QT1", "Old", gone), ("QT2", "New", None)]
