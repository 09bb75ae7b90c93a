"""A review's plan names every assignment, and shows in every view what a hostile hand wrote as what it is: text."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from turkform.approval import Approval
from turkform.changes import Action
from turkform.item_change import Op
from turkform.kinds.resource import Address
from turkform.markdown import markdown
from turkform.render import draw
from turkform.steps import LISTED, OPERATIONS, Items, Reversibility, Step
from turkform.webpage import webpage

HOSTILE = "<script>alert(1)</script> [x](https://evil.example) @everyone \x1b[31m =1+1 | `code`"


def document(items: Items, op: Op = Op.REJECT) -> dict[str, Any]:
    """A plan of one step, as `plan` draws it up."""
    step = Step(
        Address("review", "pilot"), Action.UPDATE, OPERATIONS[op], Reversibility.PERSON, op=str(op), items=items,
        reason="each can be overturned",
    )  # fmt: skip
    at = datetime(2026, 11, 25, tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    price = {"total": "0.00", "committed_before": "1.00", "committed_after": "1.00", "budget": None, "balance": "9.00"}
    return {
        "command": "review", "campaign": "c", "title": None, "environment": "local", "endpoint": "local",
        "made_at": at, "valid_until": at, "price": {**price, "by_batch": {}, "by_fee": {}}, "fees": "none",
        "steps": [step.document()], "batches": {}, "samples": [], "notes": [], "refusals": [], "intent": "i",
        "digest": "d",
    }  # fmt: skip


def rejected(count: int = 1, reason: str = HOSTILE) -> Items:
    items = Items(named=True)
    for number in range(count):
        items.add(f"3A{number}", {"item": "k1", "worker": "A1ONE", "reason": reason})
    return items


@pytest.mark.parametrize("count", [1, LISTED, LISTED + 1])
def test_every_assignment_is_approved_by_name(count: int) -> None:
    approved = Approval.of(document(rejected(count, "no")))
    assert approved.review("review.pilot") == {"reject": {f"3A{number}" for number in range(count)}}


def test_a_terminal_is_not_steered() -> None:
    shown = draw(document(rejected())).plain
    assert "\x1b" not in shown
    assert "<script>alert(1)</script>" in shown
    assert "Look at these first" in shown
    assert shown.endswith("Review: 1 to reject. Price: $0.00.")


def test_markdown_holds_no_markup_of_others() -> None:
    shown = markdown(document(rejected()))
    assert '`3A0  k1  A1ONE  "<script>alert(1)</script>' in shown  # as code, in which nothing is markup
    assert shown.count("<script>") == shown.count('"<script>')


def test_a_web_page_runs_nothing_of_others() -> None:
    shown = webpage(document(rejected()))
    assert "<script>alert" not in shown
    assert "&lt;script&gt;" in shown
