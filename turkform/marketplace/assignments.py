"""Assignments: accepted, returned, submitted, approved, rejected.

    accepted ──> returned or abandoned (its place is free again)
    accepted ──> Submitted ──> Approved, by hand or by the clock
                           └─> Rejected ──> Approved, overriding, within 30 days

Accepted ones are never shown by the API. A worker gets at most one assignment of a HIT that they submit.

Sources: ApproveAssignment, RejectAssignment and GetAssignment in the API reference (read 23 Nov 2026).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from turkform.marketplace import payments
from turkform.marketplace.answers import answers_to
from turkform.marketplace.documents import DocumentError
from turkform.marketplace.hits import get_hit, own_hit, own_type, state
from turkform.marketplace.protocol import ApiError, parameter_error, request_error
from turkform.marketplace.qualifications import meets
from turkform.marketplace.store import new_id, page
from turkform.marketplace.tables import assignments, blocks, hit_types, hits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection, Row

    from turkform.marketplace.context import Context

OVERRIDE = 30 * 86_400.0
_SHOWN = ("Submitted", "Approved", "Rejected")


class WorkerError(Exception):
    """A worker may not do this; the message says why."""


# --- the requester's side --------------------------------------------------------------------------


def list_assignments_for_hit(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """ListAssignmentsForHIT: submitted, approved and rejected ones."""
    hit = own_hit(context, parameters["HITId"])
    wanted = parameters.get("AssignmentStatuses") or _SHOWN
    query = select(assignments).where(assignments.c.hit == hit.id, assignments.c.status.in_(wanted))
    return page(
        context.connection, query, assignments.c.seq, parameters,
        member="Assignments", draw=lambda row: _draw(row, hit.auto_approval),
    )  # fmt: skip


def get_assignment(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """GetAssignment: a submitted one, with its HIT."""
    row = _own(context, parameters["AssignmentId"])
    if row.status not in _SHOWN:
        raise _refused("Reviewable,Approved,Rejected")
    hit = own_hit(context, row.hit)
    return {"Assignment": _draw(row, hit.auto_approval), "HIT": get_hit(context, {"HITId": row.hit})["HIT"]}


def approve_assignment(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """ApproveAssignment: pays what is held; overriding a rejection needs the money again."""
    row = _own(context, parameters["AssignmentId"])
    hit = own_hit(context, row.hit)
    feedback = _feedback(parameters)
    if row.status == "Rejected" and parameters.get("OverrideRejection"):
        if hit.disposed or context.now - row.submitted > OVERRIDE:
            raise _refused("Submitted")
        payments.hold(context.connection, context.requester, hit.unit)
        _count(context.connection, hit.id, rejected=-1, submitted=1)
    elif row.status != "Submitted":
        raise _refused("Submitted")
    approve(context.connection, row, hit.unit, context.now, feedback)
    return {}


def approve(connection: Connection, row: Row[Any], unit: int, now: float, feedback: str | None) -> None:
    """Pay for a submission."""
    payments.pay(connection, row.requester, unit)
    _count(connection, row.hit, submitted=-1, approved=1)
    values: dict[str, Any] = {"status": "Approved", "approved": float(int(now))}
    if feedback is not None:
        values["feedback"] = feedback
    connection.execute(update(assignments).where(assignments.c.id == row.id).values(**values))


def reject_assignment(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """RejectAssignment: releases the hold; the place does not come back."""
    row = _own(context, parameters["AssignmentId"])
    if row.status != "Submitted":
        raise _refused("Submitted")
    hit = own_hit(context, row.hit)
    payments.release(context.connection, context.requester, hit.unit)
    _count(context.connection, hit.id, submitted=-1, rejected=1)
    values = {"status": "Rejected", "rejected": float(int(context.now)), "feedback": _feedback(parameters)}
    context.connection.execute(update(assignments).where(assignments.c.id == row.id).values(**values))
    return {}


def _feedback(parameters: Mapping[str, Any]) -> str | None:
    text: str | None = parameters.get("RequesterFeedback")
    if text is not None and (len(text) > 1024 or any(ord(c) < 32 and c not in "\t\n\r" for c in text)):
        raise request_error("InvalidParameterValue", "RequesterFeedback is too long or has control characters.")
    return text


def _own(context: Context, assignment_id: str) -> Row[Any]:
    query = select(assignments).where(assignments.c.id == assignment_id, assignments.c.requester == context.requester)
    row = context.connection.execute(query).first()
    if row is None:
        raise request_error("AssignmentDoesNotExist", f"Assignment {assignment_id} does not exist.")
    return row


def _refused(allowed: str) -> ApiError:
    return request_error("InvalidAssignmentState", f"This operation can be called with a status of: {allowed}")


def _draw(row: Row[Any], auto_approval: int) -> dict[str, Any]:
    drawn = {
        "AssignmentId": row.id,
        "WorkerId": row.worker,
        "HITId": row.hit,
        "AssignmentStatus": row.status,
        "AutoApprovalTime": row.submitted + auto_approval,
        "AcceptTime": row.accepted,
        "SubmitTime": row.submitted,
        "Deadline": row.deadline,
        "Answer": row.answer,
    }
    later = {"ApprovalTime": row.approved, "RejectionTime": row.rejected, "RequesterFeedback": row.feedback}
    drawn.update({name: value for name, value in later.items() if value is not None})
    return drawn


def _count(connection: Connection, hit_id: str, **by: int) -> None:
    changes = {name: hits.c[name] + n for name, n in by.items()}
    connection.execute(update(hits).where(hits.c.id == hit_id).values(**changes))


# --- the worker's side -----------------------------------------------------------------------------


def accept(context: Context, hit_id: str, worker: str) -> str:
    """Take a place.

    Raises:
        WorkerError: blocked, not qualified, no place, or had one before.
    """
    connection = context.connection
    t = hit_types.c
    query = select(hits, t.requirements, t.duration).join(hit_types, t.id == hits.c.type_id).where(hits.c.id == hit_id)
    hit = connection.execute(query).first()
    if hit is None or hit.disposed:
        raise WorkerError(f"there is no HIT {hit_id}")
    if state(hit, context.now) != "Assignable":
        raise WorkerError(f"HIT {hit_id} has no place to take: it is {state(hit, context.now)}")
    b = blocks.c
    if connection.execute(select(b.seq).where(b.requester == hit.requester, b.worker == worker)).first():
        raise WorkerError(f"{worker} is blocked by this requester")
    failed = next((r for r in json.loads(hit.requirements) if not meets(connection, worker, r)), None)
    if failed is not None:
        raise WorkerError(f"{worker} does not meet the requirement on {failed['QualificationTypeId']}")
    a = assignments.c
    had = a.status.in_(("Accepted", *_SHOWN))
    if connection.execute(select(a.seq).where(a.hit == hit_id, a.worker == worker, had)).first():
        raise WorkerError(f"{worker} has or had an assignment of HIT {hit_id}")
    assignment_id, now = new_id(), float(int(context.now))
    connection.execute(
        insert(assignments).values(
            id=assignment_id, hit=hit_id, requester=hit.requester, worker=worker, status="Accepted",
            accepted=now, deadline=now + hit.duration,
        )
    )  # fmt: skip
    _count(connection, hit_id, pending=1, taken=1)
    return assignment_id


def _held(context: Context, hit_id: str, worker: str) -> Row[Any] | None:
    a = assignments.c
    query = select(assignments).where(a.hit == hit_id, a.worker == worker, a.status == "Accepted")
    return context.connection.execute(query).first()


def give_back(context: Context, hit_id: str, worker: str) -> str:
    """Return an accepted assignment; its place is free again.

    Raises:
        WorkerError: the worker has none of this HIT.
    """
    row = _held(context, hit_id, worker)
    if row is None:
        raise WorkerError(f"{worker} has no accepted assignment of HIT {hit_id}")
    _free(context.connection, row, "Returned", context.now)
    return str(row.id)


def _free(connection: Connection, row: Row[Any], status: str, now: float) -> None:
    """A place comes back; on an expired HIT nobody can take it, so its money is released."""
    connection.execute(update(assignments).where(assignments.c.id == row.id).values(status=status))
    _count(connection, row.hit, pending=-1)
    hit = connection.execute(select(hits.c.expires, hits.c.holding, hits.c.unit).where(hits.c.id == row.hit)).one()
    if not hit.holding and hit.expires <= now:
        payments.release(connection, row.requester, hit.unit)


def submit(context: Context, hit_id: str, worker: str, answers: list[tuple[str, str]]) -> str:
    """Submit answers, accepting first where needed.

    Raises:
        WorkerError: as `accept`, or an answer that the question does not take.
        ApiError: no answer at all.
    """
    if not answers:
        raise parameter_error("A submission has at least one answer.")
    row = _held(context, hit_id, worker)
    assignment_id = row.id if row else accept(context, hit_id, worker)
    hit = context.connection.execute(
        select(hits.c.type_id, hits.c.requester, hits.c.question).where(hits.c.id == hit_id)
    ).one()
    try:
        answer = answers_to(hit.question, answers)
    except DocumentError as error:
        raise WorkerError(error.detail) from None
    kind = own_type(context.acting_for(hit.requester), hit.type_id)
    now = float(int(context.now))
    a = assignments.c
    values = {"status": "Submitted", "submitted": now, "due": now + kind.auto_approval, "answer": answer}
    context.connection.execute(update(assignments).where(a.id == assignment_id).values(**values))
    _count(context.connection, hit_id, pending=-1, submitted=1)
    if kind.auto_approval == 0:
        settle_due(context)
    return str(assignment_id)


# --- what time does --------------------------------------------------------------------------------


def settle_due(context: Context) -> None:
    """Abandon what ran over its deadline, approve what waited out its delay."""
    a, connection = assignments.c, context.connection
    mine = a.requester == context.requester
    late = select(assignments).where(mine, a.status == "Accepted", a.deadline <= context.now)
    for row in connection.execute(late).all():
        _free(connection, row, "Abandoned", context.now)
    due = select(assignments, hits.c.unit).join(hits, hits.c.id == a.hit)
    for row in connection.execute(due.where(mine, a.status == "Submitted", a.due <= context.now)).all():
        approve(connection, row, row.unit, row.due, None)
