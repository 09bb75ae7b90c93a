"""A worker's track record: the system qualifications that are counted in the marketplace's own books.

In: a worker. Out: a whole number for each of them, over all requesters together.

UNCERTAIN track-record: the guide counts approvals in percent of all that was handed in; here it is of all that was
decided, so that slow requesters hurt nobody. UNCERTAIN grace: it is 100 until 100 were handed in; here the retired ones
are likewise at their best until then. Halves are rounded up.

Source: "Selecting eligible Workers" in the requester guide, QualificationRequirement in the API reference (read 23 Nov
2026).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select

from turkform.marketplace.hit_types import (
    ABANDONED_PERCENT,
    APPROVED,
    APPROVED_PERCENT,
    REJECTED_PERCENT,
    RETURNED_PERCENT,
    SUBMITTED_PERCENT,
)
from turkform.marketplace.tables import assignments

if TYPE_CHECKING:
    from sqlalchemy import Connection

COUNTED: Final = frozenset(
    (APPROVED, APPROVED_PERCENT, SUBMITTED_PERCENT, ABANDONED_PERCENT, RETURNED_PERCENT, REJECTED_PERCENT)
)
"""The system qualification types that a track record gives values of."""
_GRACE: Final = 100
"""Assignments before percentages say anything."""


def track_record(connection: Connection, worker: str) -> dict[str, int]:
    """The values of a worker, by system qualification type."""
    a = assignments.c
    query = select(a.status, func.count()).where(a.worker == worker).group_by(a.status)
    counted: dict[str, int] = dict(connection.execute(query).tuples().all())
    approved, rejected, returned, abandoned = (
        counted.get(status, 0) for status in ("Approved", "Rejected", "Returned", "Abandoned")
    )
    decided = approved + rejected
    handed_in = decided + counted.get("Submitted", 0)
    ended = handed_in + returned + abandoned
    return {
        APPROVED: approved,
        APPROVED_PERCENT: _percent(approved, decided, handed_in, best=100),
        REJECTED_PERCENT: _percent(rejected, decided, handed_in, best=0),
        SUBMITTED_PERCENT: _percent(handed_in, ended, ended, best=100),
        RETURNED_PERCENT: _percent(returned, ended, ended, best=0),
        ABANDONED_PERCENT: _percent(abandoned, ended, ended, best=0),
    }


def _percent(part: int, whole: int, seen: int, *, best: int) -> int:
    """A share in percent; the best there is while too little was seen, or nothing to take a share of."""
    return best if seen < _GRACE or not whole else (200 * part + whole) // (2 * whole)
