"""Assignments: accepted, returned, submitted, approved, rejected.

    accepted ──> returned or abandoned (its place is free again)
    accepted ──> Submitted ──> Approved, by hand or by the clock
                           └─> Rejected ──> Approved, overriding, within 30 days

Accepted ones are never shown by the API. A worker gets at most one assignment of a HIT that they submit. The
data of a disposed HIT's assignments cannot be reached.

Sources: ApproveAssignment, RejectAssignment, GetAssignment and GetFileUploadURL in the API reference (read 23 Nov
2026).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from turkform.marketplace import decisions, lifecycle, review_policies
from turkform.marketplace.answers import answers_to
from turkform.marketplace.documents import DocumentError
from turkform.marketplace.events import tell
from turkform.marketplace.hits import draw as draw_hit
from turkform.marketplace.hits import joined, missing_hit, own_hit, state
from turkform.marketplace.protocol import ApiError, parameter_error, refuse_control_characters, request_error
from turkform.marketplace.requirements import Candidate
from turkform.marketplace.store import new_id, page
from turkform.marketplace.tables import assignments, blocks, hits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Row

    from turkform.marketplace.context import Context

OVERRIDE = 30 * 86_400.0
_FULL = "There is no place left in it."
_SHOWN = ("Submitted", "Approved", "Rejected")


class WorkerError(Exception):
    """A worker may not do this; the message says why, with ids, and `said` tells it to the worker."""

    def __init__(self, message: str, said: str = "") -> None:
        super().__init__(message)
        self.said = said or message


# --- the requester's side --------------------------------------------------------------------------


def list_assignments_for_hit(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """ListAssignmentsForHIT: submitted, approved and rejected ones."""
    hit = own_hit(context, parameters["HITId"])
    if hit.disposed:
        raise missing_hit(hit.id)
    wanted = parameters.get("AssignmentStatuses") or _SHOWN
    query = select(assignments).where(assignments.c.hit == hit.id, assignments.c.status.in_(wanted))
    return page(context.connection, query, assignments.c.seq, parameters, member="Assignments", draw=_draw)


def get_assignment(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """GetAssignment: a submitted one, with its HIT."""
    row, hit = _own(context, parameters["AssignmentId"], change=False)
    if row.status not in _SHOWN:
        raise _refused("Reviewable,Approved,Rejected")
    return {"Assignment": _draw(row), "HIT": draw_hit(hit, context.now)}


def approve_assignment(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """ApproveAssignment: pays what is held; overriding a rejection needs the money again.

    UNCERTAIN k24: whenever the assignment is Submitted, whatever became of the HIT.
    """
    row, hit = _own(context, parameters["AssignmentId"])
    feedback = _feedback(parameters)
    if row.status == "Rejected" and parameters.get("OverrideRejection"):
        if context.now - row.submitted > OVERRIDE:
            raise _refused("Submitted")
        decisions.approve_after_all(context, row, hit, feedback)
    elif row.status == "Submitted":
        decisions.approve(context, row, hit, feedback)
    else:
        raise _refused("Submitted")
    return {}


def reject_assignment(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """RejectAssignment: releases the hold; the place does not come back."""
    row, hit = _own(context, parameters["AssignmentId"])
    feedback = _feedback(parameters)
    if row.status != "Submitted":
        raise _refused("Submitted")
    decisions.reject(context, row, hit, feedback)
    return {}


def get_file_upload_url(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """GetFileUploadURL: FileUploadAnswer ended in December 2017, so no question has a file.

    Raises:
        ApiError: always.
    """
    _own(context, parameters["AssignmentId"], change=False)
    question = parameters["QuestionIdentifier"]
    raise parameter_error(f'The value "{question}" is not valid for the parameter QuestionIdentifier: it has no file.')


def _feedback(parameters: Mapping[str, Any]) -> str | None:
    text: str | None = parameters.get("RequesterFeedback")
    refuse_control_characters("RequesterFeedback", text)
    if text is not None and len(text) > 1024:
        raise request_error("InvalidParameterValue", "RequesterFeedback is longer than 1024 characters.")
    return text


def own_assignment(context: Context, assignment_id: str) -> Row[Any]:
    """One of the caller's assignments, whatever became of its HIT.

    Raises:
        ApiError: AssignmentDoesNotExist, also for another requester's.
    """
    query = select(assignments).where(assignments.c.id == assignment_id, assignments.c.requester == context.requester)
    row = context.connection.execute(query).first()
    if row is None:
        raise missing_assignment(assignment_id)
    return row


def missing_assignment(assignment_id: str) -> ApiError:
    """AssignmentDoesNotExist, in the words MTurk used."""
    return request_error("AssignmentDoesNotExist", f"Assignment {assignment_id} does not exist.")


def _own(context: Context, assignment_id: str, *, change: bool = True) -> tuple[Row[Any], Row[Any]]:
    """One of the caller's assignments with its HIT; for a change, no other transaction has that meanwhile.

    UNCERTAIN k19: those of a disposed HIT do not exist any more.
    """
    row = own_assignment(context, assignment_id)
    hit = own_hit(context, row.hit, change=change)
    if hit.disposed:
        raise missing_assignment(assignment_id)
    return row, hit


def _refused(allowed: str) -> ApiError:
    return request_error("InvalidAssignmentState", f"This operation can be called with a status of: {allowed}")


def _draw(row: Row[Any]) -> dict[str, Any]:
    drawn = {
        "AssignmentId": row.id,
        "WorkerId": row.worker,
        "HITId": row.hit,
        "AssignmentStatus": row.status,
        "AutoApprovalTime": row.due,
        "AcceptTime": row.accepted,
        "SubmitTime": row.submitted,
        "Deadline": row.deadline,
        "Answer": row.answer,
    }
    later = {"ApprovalTime": row.approved, "RejectionTime": row.rejected, "RequesterFeedback": row.feedback}
    drawn.update({name: value for name, value in later.items() if value is not None})
    return drawn


# --- the worker's side -----------------------------------------------------------------------------


def accept(context: Context, hit_id: str, worker: str) -> str:
    """Take a place. The context is of the HIT's requester, as in all of these.

    Raises:
        WorkerError: blocked, not qualified, no place, or had one before.
    """
    hit = _hit(context, hit_id)
    if hit.disposed:
        raise WorkerError(f"there is no HIT {hit_id}", "It is not there any more.")
    if state(hit, context.now) != "Assignable":
        raise WorkerError(f"HIT {hit_id} has no place to take: it is {state(hit, context.now)}", _FULL)
    b = blocks.c
    if context.connection.execute(select(b.seq).where(b.requester == hit.requester, b.worker == worker)).first():
        raise WorkerError(f"{worker} is blocked by this requester", "Its requester has blocked you.")
    failed = Candidate(context, worker).unmet(hit.requirements)
    if failed is not None:
        raise WorkerError(
            f"{worker} does not meet the requirement on {failed['QualificationTypeId']}",
            "You do not meet all that it asks for; its page says what that is.",
        )
    a = assignments.c
    had = a.status.in_(("Accepted", *_SHOWN))
    if context.connection.execute(select(a.seq).where(a.hit == hit_id, a.worker == worker, had)).first():
        raise WorkerError(
            f"{worker} has or had an assignment of HIT {hit_id}", "You have it already, or have handed it in before."
        )
    assignment_id, now = new_id(), float(int(context.now))
    _take_place(context, hit_id)
    context.connection.execute(
        insert(assignments).values(
            id=assignment_id, hit=hit_id, requester=hit.requester, worker=worker, status="Accepted",
            accepted=now, deadline=now + hit.duration,
        )
    )  # fmt: skip
    tell(context, "AssignmentAccepted", hit, assignment_id)
    return assignment_id


def _hit(context: Context, hit_id: str) -> Row[Any]:
    query = joined().where(hits.c.id == hit_id).with_for_update(of=hits)
    hit = context.connection.execute(query).first()
    if hit is None:
        raise WorkerError(f"there is no HIT {hit_id}", "It is not there any more.")
    return hit


def _take_place(context: Context, hit_id: str) -> None:
    """Count a place as taken if one is free: the database decides, whoever else is at it."""
    h = hits.c
    free = h.maximum > h.pending + h.submitted + h.approved + h.rejected
    taken = update(hits).where(h.id == hit_id, h.disposed == 0, free).values(pending=h.pending + 1, taken=h.taken + 1)
    if not context.connection.execute(taken).rowcount:
        raise WorkerError(f"HIT {hit_id} has no place to take", _FULL)


def held(context: Context, hit_id: str, worker: str) -> Row[Any] | None:
    """The assignment of a HIT that a worker has accepted and not given back, if there is one."""
    a = assignments.c
    query = select(assignments).where(a.hit == hit_id, a.worker == worker, a.status == "Accepted")
    return context.connection.execute(query).first()


def give_back(context: Context, hit_id: str, worker: str) -> str:
    """Return an accepted assignment; its place is free again.

    Raises:
        WorkerError: the worker has none of this HIT.
    """
    hit, row = _hit(context, hit_id), held(context, hit_id, worker)
    if row is None:
        raise WorkerError(f"{worker} has no accepted assignment of HIT {hit_id}")
    lifecycle.vacate(context, row, hit, "Returned")
    return str(row.id)


def submit(context: Context, hit_id: str, worker: str, answers: list[tuple[str, str]]) -> str:
    """Submit answers, accepting first where needed.

    Raises:
        WorkerError: as `accept`, or an answer that the question does not take.
        ApiError: no answer at all.
    """
    if not answers:
        raise parameter_error("A submission has at least one answer.")
    row = held(context, hit_id, worker)
    assignment_id = row.id if row else accept(context, hit_id, worker)
    hit = _hit(context, hit_id)
    try:
        answer = answers_to(hit.question, answers)
    except DocumentError as error:
        raise WorkerError(error.detail) from None
    now = float(int(context.now))
    a = assignments.c
    values = {"status": "Submitted", "submitted": now, "due": now + hit.auto_approval, "answer": answer}
    handed_in = update(assignments).where(a.id == assignment_id, a.status == "Accepted").values(**values)
    if not context.connection.execute(handed_in).rowcount:
        raise WorkerError(f"assignment {assignment_id} is not in work any more", "It is not in your hands any more.")
    decisions.count(context.connection, hit_id, pending=-1, submitted=1)
    tell(context, "AssignmentSubmitted", hit, assignment_id)
    review_policies.review_assignment(context, hit, assignment_id, lifecycle.reopen)
    lifecycle.settle(context, hit_id)
    if hit.auto_approval == 0:
        lifecycle.elapse(context)
    return str(assignment_id)
