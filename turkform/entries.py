"""Entries: what stands in a journal, as values; calls, what became of them, and the commands that made them.

In: an intent, or a row of the tables. Out: the row, or the value. Nothing here reads or writes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from turkform.ledger import from_ms
from turkform.money import Money

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Row

_compact = json.JSONEncoder(separators=(",", ":"), sort_keys=True).encode


class Outcome(StrEnum):
    """What became of a call; a call without one is open."""

    DONE = "done"
    FAILED = "failed"
    """The endpoint answered with an error: known not to have happened."""
    UNKNOWN = "unknown"
    """Sent, and no answer was learned; still to be settled."""
    VOID = "void"
    """Settled: it never happened."""


@dataclass(frozen=True, slots=True)
class Intent:
    """A call that is about to be sent."""

    address: str
    key: str
    operation: str
    digest: str
    """sha256 of the parameters, in hexadecimal."""
    token: str
    price: Money
    detail: Mapping[str, Any] = field(default_factory=dict)
    """What settling and planning need of it later; small, JSON."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call as it stands in the journal."""

    id: int
    run: int
    epoch: int
    address: str
    key: str
    operation: str
    digest: str
    token: str
    price: Money
    detail: Mapping[str, Any]
    endpoint_time: datetime
    local_time: datetime
    outcome: Outcome | None
    settled_at: datetime | None
    """When the outcome was known for good; None while the call is open."""
    object_id: str
    request_id: str
    error: str


@dataclass(frozen=True, slots=True)
class PastRun:
    """A command that wrote; `ended` is None where it was killed."""

    id: int
    epoch: int
    command: str
    user: str
    host: str
    commit: str
    environment: str
    plan_digest: str
    intent: str
    begun: datetime
    ended: datetime | None
    exit_code: int | None


def row_of(intent: Intent) -> dict[str, Any]:
    """An intent as the table holds it, still open."""
    return {
        "address": intent.address,
        "key": intent.key,
        "operation": intent.operation,
        "digest": intent.digest,
        "token": intent.token,
        "price": intent.price.cents,
        "detail": _compact(intent.detail),
        "outcome": None,
        "settled": None,
        "object_id": "",
        "request_id": "",
        "error": "",
    }


def call_of(row: Row[Any]) -> Call:
    """A call as it stands in the table."""
    return Call(
        id=row.id,
        run=row.run,
        epoch=row.epoch,
        address=row.address,
        key=row.key,
        operation=row.operation,
        digest=row.digest,
        token=row.token,
        price=Money(row.price),
        detail=json.loads(row.detail),
        endpoint_time=from_ms(row.endpoint_time),
        local_time=from_ms(row.local_time),
        outcome=None if row.outcome is None else Outcome(row.outcome),
        settled_at=None if row.settled is None else from_ms(row.settled),
        object_id=row.object_id,
        request_id=row.request_id,
        error=row.error,
    )


def run_of(row: Row[Any]) -> PastRun:
    """A run as it stands in the table."""
    return PastRun(
        id=row.id,
        epoch=row.epoch,
        command=row.command,
        user=row.user,
        host=row.host,
        commit=row.commit,
        environment=row.environment,
        plan_digest=row.plan_digest,
        intent=row.intent,
        begun=from_ms(row.begun),
        ended=None if row.ended is None else from_ms(row.ended),
        exit_code=row.exit_code,
    )
