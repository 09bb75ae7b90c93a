"""A run and its calls, as the tests of the journal make them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from turkform.entries import Intent, Outcome
from turkform.money import Money

if TYPE_CHECKING:
    from turkform.journal import Journal
    from turkform.run import Run


HERE = str(Path(__file__).parent)
NOW = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
END = datetime(2026, 12, 8, 12, 0, tzinfo=UTC)


def begin(journal: Journal, **changes: Any) -> Run:
    return journal.begin(**{"command": "turkform apply", "user": "ann", "host": "desk", "now": NOW} | changes)


def create(key: str = "img-1", **detail: Any) -> Intent:
    detail = {
        "batch": "pilot", "round": 1, "generation": 1, "fingerprint": "abcdefghijklmnop",
        "expires": END.timestamp(),
    } | detail  # fmt: skip
    return Intent("batch.pilot", key, "CreateHITWithHITType", "d" * 64, "t" * 64, Money(36), detail)


def about(hit_id: str, operation: str, cents: int = 0, **detail: Any) -> Intent:
    detail = {"batch": "pilot", "round": 1, "generation": 1, "object": hit_id} | detail
    return Intent("batch.pilot", "img-1", operation, "d" * 64, "", Money(cents), detail)


def do(run: Run, intent: Intent, object_id: str = "", *, at: datetime = NOW) -> int:
    [call] = run.intend([intent], at)
    run.settle(call, Outcome.DONE, object_id=object_id, request_id="req-1", at=at)
    return call
