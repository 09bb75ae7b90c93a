"""What becomes of each item of a batch, decided without an account."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from one_batch import DAY, NOW, OLD, T, decide, hit, known, ops, publication

from turkform import approval
from turkform.approval import ApprovedRows
from turkform.choices import ALL, Keys
from turkform.item_change import Op
from turkform.memory import Memory, OpenCall
from turkform.money import Cost
from turkform.pricing import Terms

if TYPE_CHECKING:
    from turkform.publication import Publication


def test_a_row_without_a_hit_is_published_at_the_price_of_all_its_places() -> None:
    (change,), _ = decide(publication({"a": "x"}))
    assert (change.ops, change.cents, change.generation) == ((Op.CREATE,), (54,), 1)


def test_an_item_as_declared_needs_nothing() -> None:
    changes, tally = decide(publication({"a": "x"}, [hit("a", "x")]))
    assert not changes
    assert tally.counts["converged"] == 1


@pytest.mark.parametrize(
    ("touched", "expected"),
    [({}, ("replace",)), ({"available": 2, "pending": 1}, ("keep",)), ({"available": 2}, ("keep",))],
    ids=["untouched", "in work", "submitted"],
)
def test_an_edited_question_replaces_only_what_nobody_has_touched(
    touched: dict[str, Any], expected: tuple[str, ...]
) -> None:
    assert ops(publication({"a": "new"}, [hit("a", "old", **touched)])) == {"a": expected}


@pytest.mark.parametrize(
    ("touched", "expected"), [({}, ("move",)), ({"available": 2, "pending": 1}, ("keep",))], ids=["untouched", "work"]
)
def test_new_terms_move_untouched_hits_and_leave_work_on_the_old_ones(
    touched: dict[str, Any], expected: tuple[str, ...]
) -> None:
    (change,), _ = decide(publication({"a": "x"}, [hit("a", "x", type_id="OLD", **touched)]))
    assert tuple(str(op) for op in change.ops) == expected
    assert change.cents == ((18,) if expected == ("move",) else (0,))


def test_more_assignments_cost_the_hits_own_terms() -> None:
    (change,), _ = decide(publication({"a": "x"}, [hit("a", "x")], assignments=5))
    assert (change.ops, change.more, change.cents) == ((Op.EXTEND,), 2, (36,))


@pytest.mark.parametrize(("have", "wanted", "says"), [(9, 10, "below 10"), (3, 2, "never takes places away")])
def test_what_the_api_cannot_do_to_places_is_refused(have: int, wanted: int, says: str) -> None:
    changes, tally = decide(publication({"a": "x"}, [hit("a", "x", maximum=have, available=have)], assignments=wanted))
    assert not changes
    assert says in next(iter(tally.refusals))


def test_a_longer_lifetime_counts_from_the_items_own_publication() -> None:
    one = hit("a", "x")
    (change,), _ = decide(publication({"a": "x"}, [one], known(one), lifetime="3d"))
    assert (change.ops, change.expires, change.cents) == ((Op.PROLONG,), one.created + 3 * DAY, (0,))


def test_an_end_that_somebody_else_moved_is_left_to_them() -> None:
    one = hit("a", "x", expires=T + 600)
    changes, tally = decide(publication({"a": "x"}, [one], known(one, expires=one.created + DAY)))
    assert not changes
    assert tally.counts["interference"] == 1


def test_a_closed_batch_expires_what_is_open_and_publishes_nothing() -> None:
    assert ops(publication({"a": "x", "b": "y"}, [hit("a", "x")], status="closed")) == {"a": ("close",)}


def test_a_batch_that_ends_within_thirty_seconds_is_closed() -> None:
    ends = (NOW + timedelta(seconds=29)).isoformat()
    assert ops(publication({"a": "x"}, ends=ends)) == {}


def test_what_close_has_expired_stays_closed_until_reopened() -> None:
    one = hit("a", "x", expires=T - 60)
    closed = publication({"a": "x"}, [one], known(one, ending="close", ended=T - 60))
    assert ops(closed) == {}
    closed.reopen = ALL
    (change,), _ = decide(closed)
    assert (change.ops, change.cents) == ((Op.PROLONG,), (54,))


def test_a_decayed_hit_is_a_note_until_its_lifetime_reaches_the_future() -> None:
    one = hit("a", "x", created=T - 2 * DAY, expires=T - DAY)
    assert ops(publication({"a": "x"}, [one], known(one))) == {}
    assert ops(publication({"a": "x"}, [one], known(one), lifetime="7d")) == {"a": ("prolong",)}


def test_an_unfinished_replacement_is_finished_or_undone() -> None:
    one = hit("a", "old", expires=T - 60)
    memory = known(one, ending="replace", ended=T - 60, expires=T - 60)
    assert ops(publication({"a": "new"}, [one], memory)) == {"a": ("replace",)}
    assert ops(publication({"a": "old"}, [one], memory)) == {"a": ("prolong",)}


def test_a_hit_that_the_account_has_forgotten_is_done_for_ever() -> None:
    changes, tally = decide(publication({"a": "x"}, [], known(hit("a", "x"))))
    assert not changes
    assert tally.counts["gone"] == 1


def test_an_item_whose_untouched_hit_we_deleted_is_published_one_generation_on() -> None:
    (change,), _ = decide(publication({"a": "x"}, [], known(hit("a", "x", generation=4), deleted=True)))
    assert (change.ops, change.generation) == ((Op.CREATE,), 5)


def test_a_removed_row_retires_its_hit_and_answers_are_kept() -> None:
    worked = hit("b", "y", expires=T - 1, available=2, completed=1)
    changes, tally = decide(publication({}, [hit("a", "x"), worked]))
    assert [(c.key, c.ops) for c in changes] == [("a", (Op.RETIRE,)), ("b", (Op.KEEP,))]
    assert tally.counts["kept answers"] == 1


def test_a_removed_row_with_work_in_progress_waits() -> None:
    assert ops(publication({}, [hit("a", "x", expires=T - 1, available=2, pending=1)])) == {"a": ("wait",)}


def test_the_limit_counts_what_is_out_first_and_then_the_first_rows() -> None:
    rows = {"a": "1", "b": "2", "c": "3", "d": "4"}
    assert ops(publication(rows, [hit("d", "4")], limit=2)) == {"a": ("create",)}


def test_an_open_call_for_another_marker_is_waited_for_and_for_the_same_is_repeated() -> None:
    def calling(fingerprint: str, age: float) -> Memory:
        detail = {"batch": "b", "round": 1, "fingerprint": fingerprint, "generation": 3}
        call = OpenCall(1, "CreateHITWithHITType", "batch.b", "a", "t", T - age, T - age, detail)
        return Memory(journal="j", open=(call,))

    assert ops(publication({"a": "x"}, [], calling("other", 10))) == {"a": ("wait",)}
    assert ops(publication({"a": "x"}, [], calling("other", 90))) == {"a": ("create",)}
    (change,), _ = decide(publication({"a": "x"}, [], calling("x", 10)))
    assert (change.ops, change.generation) == ((Op.CREATE,), 3)


def test_a_stream_can_be_run_again_with_the_same_result() -> None:
    subject = publication({"a": "x", "b": "y"}, [hit("b", "old"), hit("c", "z")])
    assert decide(subject)[0] == decide(subject)[0]


# --- within the approval of a saved plan --------------------------------------------------------------


def within(subject: Publication, *, publish: str = "", left: str = "", taken: str = "") -> Publication:
    subject.approved = ApprovedRows(*map(approval.Rows.parse, (publish, left, taken)))
    return subject


def test_a_hit_that_work_has_left_keeps_its_question_where_the_plan_was_to_keep_it() -> None:
    rows, hits = {"a": "new", "b": "new"}, [hit("a", "old"), hit("b", "old")]
    assert ops(within(publication(rows, hits), left="2")) == {"a": ("replace",), "b": ("keep",)}


def test_a_hit_that_work_has_left_keeps_its_terms_and_still_gets_its_places() -> None:
    subject = publication({"a": "x"}, [hit("a", "x", type_id="OLD")], assignments=4)
    assert ops(within(subject, left="1")) == {"a": ("keep", "extend")}
    (change,), _ = decide(subject)
    assert change.cents == (0, 12)


def test_a_row_that_was_to_wait_is_not_published() -> None:
    assert ops(within(publication({"a": "x"}), left="1")) == {"a": ("wait",)}


def test_a_hit_that_was_full_is_not_opened_again() -> None:
    one = hit("a", "x", created=T - 2 * DAY, expires=T - DAY, available=1, completed=2)
    subject = publication({"a": "x"}, [one], known(one), lifetime="7d")
    assert ops(subject) == {"a": ("prolong",)}
    assert ops(within(subject, taken="1")) == {"a": ("keep",)}


def test_what_was_to_be_published_and_is_there_is_adopted() -> None:
    subject = within(publication({"a": "x", "b": "new"}, [hit("a", "x"), hit("b", "old")]), publish="1-2")
    changes = {change.key: change for change in decide(subject)[0]}
    assert changes["a"].ops == (Op.ADOPT,)
    assert (changes["a"].wish, changes["a"].facts(extended=False)) == ("create", ())
    assert changes["b"].ops == (Op.REPLACE,)


def test_only_chosen_items_change_and_the_others_are_counted() -> None:
    subject = publication({"a": "new", "b": "new"}, [hit("a", "old"), hit("b", "old"), hit("c", "gone")])
    subject.chosen = Keys(keys=frozenset({"a"}))
    changes, tally = decide(subject)
    assert [(c.key, c.ops) for c in changes] == [("a", (Op.REPLACE,))]
    assert tally.counts["left out"] == 2


def test_a_creation_whose_outcome_is_unknown_counts_unless_it_is_sent_again() -> None:
    detail = {"batch": "b", "round": 1, "fingerprint": "x", "generation": 1}
    call = OpenCall(1, "CreateHITWithHITType", "batch.b", "a", "t", T, T, detail, 54)
    subject = publication({"z": "y"}, [], Memory(journal="j", open=(call,)))
    assert (subject.unknown(set()), subject.unknown({"a"})) == (54, 0)


@pytest.mark.parametrize(
    ("changes", "batch", "cents"),
    [
        ({"type_id": "OLD"}, {}, (18,)),
        ({"type_id": "OLD", "expires": T - DAY, "created": T - 2 * DAY}, {"lifetime": "7d"}, (0, 54)),
        ({"expires": T - DAY, "created": T - 2 * DAY, "available": 1, "completed": 2}, {"lifetime": "7d"}, (18,)),
        ({"maximum": 12, "available": 12}, {"assignments": 14}, (42,)),
    ],
    ids=["moved", "moved and opened", "opened", "extended"],
)
def test_every_op_is_priced_at_its_rise_and_the_parts_add_up(
    changes: dict[str, Any], batch: dict[str, Any], cents: tuple[int, ...]
) -> None:
    one = hit("a", "x", **changes)
    subject = publication({"a": "x"}, [one], known(one), **batch)
    subject.terms = {
        "OWN": Terms(18, 21, (), Cost(15, 3), Cost(15, 3, 3)),
        "OLD": Terms(12, 14, OLD.differences, Cost(10, 2), Cost(10, 2, 2)),
    }
    subject.desired_terms = subject.terms["OWN"]
    (change,), _ = decide(subject)
    assert change.cents == cents
    assert tuple(subject.rise(change, op).cents for op in change.ops) == cents


def test_an_end_that_a_call_of_unknown_outcome_was_to_give_counts_as_ours() -> None:
    one = hit("a", "x", expires=T - 60)
    detail = {"object": one.id, "expires": T - 60, "ending": "close"}
    call = OpenCall(1, "UpdateExpirationForHIT", "batch.b", "a", "", T - 90, T - 90, detail)
    subject = publication({"a": "x"}, [one], known(one, expires=one.created + DAY))
    assert decide(subject)[1].counts["interference"] == 1
    subject = publication({"a": "x"}, [one], replace(known(one, expires=one.created + DAY), open=(call,)))
    assert decide(subject)[1].counts["closed by us"] == 1


def test_a_hit_whose_end_the_journal_cannot_say_is_opened_again() -> None:
    one = hit("a", "x", expires=T - 60)
    assert ops(publication({"a": "x"}, [one], known(one, expires=0.0))) == {"a": ("prolong",)}


@pytest.mark.parametrize(("age", "expected"), [(59.9, "wait"), (60.0, "create")])
def test_a_call_is_settled_sixty_seconds_after_it_was_sent(age: float, expected: str) -> None:
    detail = {"batch": "b", "round": 1, "fingerprint": "other", "generation": 1}
    call = OpenCall(1, "CreateHITWithHITType", "batch.b", "a", "t", T - age, T - age, detail)
    assert ops(publication({"a": "x"}, [], Memory(journal="j", open=(call,)))) == {"a": (expected,)}
