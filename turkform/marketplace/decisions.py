"""Decisions on work, whoever takes them (requester, clock, policy): approve, reject, and one place more.

In: a submitted assignment, or a HIT, that the caller has made sure of. Out: money moved, counters and events.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import update

from turkform.marketplace import payments
from turkform.marketplace.events import tell
from turkform.marketplace.hits import set_values
from turkform.marketplace.protocol import request_error
from turkform.marketplace.tables import assignments, hits
from turkform.marketplace.workers import write_to

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

    from turkform.marketplace.context import Context

CROWD = 10
FIRST_EXTENSIBLE = 1_437_523_200.0
"""22 July 2015: older HITs cannot be extended (CreateAdditionalAssignmentsForHIT)."""


def count(connection: Connection, hit_id: str, **by: int) -> None:
    """Change counters of a HIT by so much."""
    changes = {name: hits.c[name] + n for name, n in by.items()}
    connection.execute(update(hits).where(hits.c.id == hit_id).values(**changes))


def approve(context: Context, row: Row[Any], hit: Row[Any], feedback: str | None = None) -> None:
    """Pay for a submission, out of what is held for it."""
    if _decide(context, row, "Submitted", status="Approved", approved=float(int(context.now)), feedback=feedback):
        payments.pay(context.connection, hit.requester, hit.unit)
        count(context.connection, hit.id, submitted=-1, approved=1)
        tell(context, "AssignmentApproved", hit, row.id)


def reject(context: Context, row: Row[Any], hit: Row[Any], feedback: str | None) -> None:
    """Release what is held for a submission, and tell the worker; the place does not come back."""
    if _decide(context, row, "Submitted", status="Rejected", rejected=float(int(context.now)), feedback=feedback):
        payments.release(context.connection, hit.requester, hit.unit)
        count(context.connection, hit.id, submitted=-1, rejected=1)
        tell(context, "AssignmentRejected", hit, row.id)
        write_to(context, row.worker, f"Your work on “{hit.title}” was rejected", feedback or "")


def approve_after_all(context: Context, row: Row[Any], hit: Row[Any], feedback: str | None) -> None:
    """Overturn a rejection; the money is needed again.

    Raises:
        ApiError: InsufficientFunds.
    """
    payments.hold(context.connection, hit.requester, hit.unit)
    if _decide(context, row, "Rejected", status="Approved", approved=float(int(context.now)), feedback=feedback):
        payments.pay(context.connection, hit.requester, hit.unit)
        count(context.connection, hit.id, rejected=-1, approved=1)
        tell(context, "AssignmentApproved", hit, row.id)


def _decide(context: Context, row: Row[Any], was: str, **values: Any) -> bool:
    """Change an assignment if it still is what it was; on PostgreSQL another process may have been first."""
    given = {name: value for name, value in values.items() if value is not None}
    a = assignments.c
    changed = update(assignments).where(a.id == row.id, a.status == was).values(**given)
    return bool(context.connection.execute(changed).rowcount)


def extend(context: Context, hit: Row[Any], more: int) -> None:
    """Add places to a HIT: held while anyone can take them.

    Raises:
        ApiError: across ten, too old, or InsufficientFunds.
    """
    if hit.maximum < CROWD <= hit.maximum + more:
        raise request_error(
            "InvalidMaximumAssignmentsIncrease",
            "HITs created with fewer than 10 assignments cannot be extended to have 10 or more.",
        )
    if hit.created < FIRST_EXTENSIBLE:
        raise request_error("HITTooOldForExtension", "HITs created before July 22, 2015 cannot be extended.")
    if hit.holding:
        payments.hold(context.connection, hit.requester, more * hit.unit)
    set_values(context, hit.id, maximum=hit.maximum + more)
    tell(context, "HITExtended", hit)
