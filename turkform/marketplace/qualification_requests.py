"""Qualification requests: a worker asks, takes the test where there is one, and is granted or not.

    begun ──> Open ──> Granted, by the requester, by the answer key, or at once where the type grants itself
                  └─> Rejected, by the requester, or because the type was deleted

A worker asks once, whatever came of it, or again after the type's retry delay.

Sources: CreateQualificationType, AcceptQualificationRequest and RejectQualificationRequest in the API reference
(read 24 Nov 2026).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from turkform.marketplace import answers
from turkform.marketplace.assignments import WorkerError
from turkform.marketplace.documents import DocumentError
from turkform.marketplace.protocol import request_error
from turkform.marketplace.qualifications import grant, own_qualification_type
from turkform.marketplace.store import new_id, page
from turkform.marketplace.tables import grants, qualification_requests, qualification_types
from turkform.marketplace.workers import write_to

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Row

    from turkform.marketplace.context import Context


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of asking: the request's id, and Open or Granted."""

    request_id: str
    status: str


# --- the requester's side --------------------------------------------------------------------------


def list_qualification_requests(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """ListQualificationRequests: open ones, of one type or of all the caller's."""
    r = qualification_requests.c
    query = select(qualification_requests).where(r.requester == context.requester, r.status == "Open")
    if "QualificationTypeId" in parameters:
        own_qualification_type(context, parameters["QualificationTypeId"])
        query = query.where(r.type_id == parameters["QualificationTypeId"])
    return page(context.connection, query, r.seq, parameters, member="QualificationRequests", draw=_draw)


def _draw(row: Row[Any]) -> dict[str, Any]:
    drawn = {
        "QualificationRequestId": row.id,
        "QualificationTypeId": row.type_id,
        "WorkerId": row.worker,
        "SubmitTime": row.submitted,
    }
    return drawn | {name: value for name, value in (("Test", row.test), ("Answer", row.answer)) if value is not None}


def accept_qualification_request(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """AcceptQualificationRequest: grants the value, over any that the worker was given meanwhile."""
    row = _settle(context, parameters, "Granted")
    value = parameters.get("IntegerValue", 1)
    grant(context, row.type_id, row.worker, value)
    name = own_qualification_type(context, row.type_id).name
    write_to(context, row.worker, f"You have the qualification “{name}”", f"Your score is {value}.")
    return {}


def reject_qualification_request(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """RejectQualificationRequest: the worker sees the reason."""
    row = _settle(context, parameters, "Rejected")
    name = own_qualification_type(context, row.type_id).name
    write_to(context, row.worker, f"Your request for “{name}” was declined", parameters.get("Reason", ""))
    return {}


def _settle(context: Context, parameters: Mapping[str, Any], status: str) -> Row[Any]:
    request_id = parameters["QualificationRequestId"]
    r = qualification_requests.c
    query = select(qualification_requests).where(r.id == request_id, r.requester == context.requester)
    row = context.connection.execute(query).first()
    if row is None or row.status == "Testing":
        raise request_error("QualificationRequestDoesNotExist", f"QualificationRequest {request_id} does not exist.")
    settled = update(qualification_requests).where(r.id == request_id, r.status == "Open").values(status=status)
    if not context.connection.execute(settled).rowcount:
        raise request_error(
            "InvalidQualificationRequestState",
            f"This QualificationRequest is currently in the state '{row.status}'.  "
            "This operation can be called with a status of: Open",
        )
    return row


# --- the worker's side -----------------------------------------------------------------------------


def begin(context: Context, type_id: str, worker: str) -> Row[Any]:
    """Show a worker the test: from now on its time runs. Return the request, with `test` and `deadline`.

    Raises:
        WorkerError: as `ask`; or the type has no test.
    """
    kind = _requestable(context, type_id)
    if kind.test is None:
        raise WorkerError(f"qualification type {type_id} has no test", "It has no test.")
    running = _running(context, type_id, worker)
    if running is None:
        _refuse_early(context, kind, worker)
        running = _insert(
            context, kind, worker, status="Testing", test=kind.test, deadline=context.now + kind.test_duration
        )
    return running


def ask(context: Context, type_id: str, worker: str, given: Mapping[str, Sequence[str]] | None = None) -> Outcome:
    """Ask for a qualification, with answers to its test where it has one.

    Raises:
        WorkerError: no such type, or inactive; held, asked for or refused already; a test unanswered, answered too
            late, or with answers that it has no question for.
    """
    kind = _requestable(context, type_id)
    running = _running(context, type_id, worker)
    if running is None:
        _refuse_early(context, kind, worker)
    answer = _answer(kind, given)
    values = {"status": "Open", "submitted": float(int(context.now)), "test": kind.test, "answer": answer}
    if running is None:
        running = _insert(context, kind, worker, **values)
    else:
        _set(context, running.id, **values)
    if kind.auto_granted:
        value = kind.auto_value
    elif kind.answer_key is not None:
        value = answers.score(kind.answer_key, answer or "")
    else:
        return Outcome(running.id, "Open")
    _set(context, running.id, status="Granted")
    grant(context, type_id, worker, value)
    return Outcome(running.id, "Granted")


def _requestable(context: Context, type_id: str) -> Row[Any]:
    q = qualification_types.c
    row = context.connection.execute(select(qualification_types).where(q.id == type_id)).first()
    if row is None or row.deleted is not None:
        raise WorkerError(f"there is no qualification type {type_id}", "There is no such qualification.")
    if row.status != "Active":
        raise WorkerError(
            f"qualification type {type_id} is inactive and cannot be requested", "It cannot be asked for at the moment."
        )
    return row


def _running(context: Context, type_id: str, worker: str) -> Row[Any] | None:
    """The test that a worker has begun and has time left for."""
    r = qualification_requests.c
    query = select(qualification_requests).where(
        r.type_id == type_id, r.worker == worker, r.status == "Testing", r.deadline > context.now
    )
    return context.connection.execute(query).first()


def _refuse_early(context: Context, kind: Row[Any], worker: str) -> None:
    """Refuse who has the qualification, or asked before and may not ask again yet.

    UNCERTAIN requests: a test that was begun and not handed in counts as a request.
    """
    g, r = grants.c, qualification_requests.c
    has = select(g.seq).where(g.type_id == kind.id, g.worker == worker, g.status == "Granted")
    if context.connection.execute(has).first():
        raise WorkerError(f"{worker} has the qualification {kind.id} already", "You have it already.")
    asked = select(r.begun, r.status).where(r.type_id == kind.id, r.worker == worker).order_by(r.seq.desc()).limit(1)
    last = context.connection.execute(asked).first()
    if last is None:
        return
    if last.status == "Open":
        raise WorkerError(
            f"{worker} has asked for the qualification {kind.id} already", "You have asked for it already."
        )
    if kind.retry_delay is None:
        raise WorkerError(
            f"the qualification {kind.id} can be asked for once, and {worker} has",
            "It can be asked for once, and you have done so.",
        )
    if context.now < last.begun + kind.retry_delay:
        raise WorkerError(
            f"{worker} can ask for the qualification {kind.id} again later", "You can ask for it again later."
        )


def _answer(kind: Row[Any], given: Mapping[str, Sequence[str]] | None) -> str | None:
    if kind.test is None:
        return None
    if not given:
        raise WorkerError(f"the qualification {kind.id} has a test: give answers", "It has a test: take that.")
    try:
        return answers.build_form_answers(kind.test, given)
    except DocumentError as error:
        raise WorkerError(error.detail) from None


def _insert(context: Context, kind: Row[Any], worker: str, **values: Any) -> Row[Any]:
    request_id = new_id()
    given = {"begun": float(int(context.now)), **values}
    context.connection.execute(
        insert(qualification_requests).values(
            id=request_id, type_id=kind.id, requester=kind.requester, worker=worker, **given
        )
    )
    r = qualification_requests.c
    return context.connection.execute(select(qualification_requests).where(r.id == request_id)).one()


def _set(context: Context, request_id: str, **values: Any) -> None:
    r = qualification_requests.c
    context.connection.execute(update(qualification_requests).where(r.id == request_id).values(**values))
