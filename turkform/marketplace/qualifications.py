"""Qualification types and grants.

A name is unique among its requester's own types; types are public, tests and answer keys are not. A test cannot
be taken away again; sent anew it replaces duration and key as well. Associating is an upsert. A deleted type drops
the HIT types that require it, rejects open requests, keeps its grants and, for 48 hours at least, its name.

Sources: the operations' pages in the API reference (read 23 Nov 2026).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, or_, select, update

from turkform.marketplace import documents
from turkform.marketplace.hit_types import SYSTEM_TYPES, missing_qualification_type, requiring
from turkform.marketplace.protocol import parameter_error, refuse_longer, request_error
from turkform.marketplace.store import new_id, page
from turkform.marketplace.tables import grants, hit_types, hits, qualification_requests, qualification_types
from turkform.marketplace.workers import refuse_unknown, write_to

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Row

    from turkform.marketplace.context import Context

NAME_TAKEN = 48 * 3600.0
_COLUMNS = {
    "Description": "description",
    "Keywords": "keywords",
    "QualificationTypeStatus": "status",
    "RetryDelayInSeconds": "retry_delay",
}
_OF_A_TEST = {"Test": "test", "TestDurationInSeconds": "test_duration", "AnswerKey": "answer_key"}


# --- types -----------------------------------------------------------------------------------------


def create_qualification_type(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """CreateQualificationType.

    UNCERTAIN k3: a name has at most 200 characters; two that differ in case or blanks are two.
    """
    name = parameters["Name"]
    _check(parameters)
    refuse_longer("Name", name, 200)
    if not name.strip():
        raise parameter_error("The value of the parameter Name is empty.")
    values = _tested(parameters) | _auto_granted(parameters)
    if values.get("test") and values.get("auto_granted"):
        raise parameter_error("AutoGranted cannot be true for a qualification type with a Test.")
    if _is_taken(context, name):
        raise request_error(
            "QualificationTypeAlreadyExists",
            "You have already created a QualificationType with this name. A QualificationType's name must be unique "
            "among all of the QualificationTypes created by the same user.",
        )
    type_id = new_id()
    values |= {column: parameters[given] for given, column in _COLUMNS.items() if given in parameters}
    context.connection.execute(
        insert(qualification_types).values(
            id=type_id, requester=context.requester, name=name, created=float(int(context.now)), **values
        )
    )
    return {"QualificationType": _draw(_found(context, type_id), context.requester)}


def _is_taken(context: Context, name: str) -> bool:
    q = qualification_types.c
    named = select(q.id, q.deleted).where(q.requester == context.requester, q.name == name)
    return any(
        row.deleted is None or row.deleted > context.now - NAME_TAKEN or _in_use(context, row.id)
        for row in context.connection.execute(named).all()
    )


def _in_use(context: Context, type_id: str) -> bool:
    """Whether undisposed HITs, anybody's, require a qualification type."""
    kinds = requiring(context.connection, type_id)
    query = select(hits.c.seq).where(hits.c.type_id.in_(kinds), hits.c.disposed == 0).limit(1)
    return bool(kinds) and context.connection.execute(query).first() is not None


def _check(parameters: Mapping[str, Any]) -> None:
    refuse_longer("Description", parameters.get("Description"), 2000)
    refuse_longer("Keywords", parameters.get("Keywords"), 1000)
    if parameters.get("RetryDelayInSeconds", 0) < 0:
        raise parameter_error("RetryDelayInSeconds must not be negative.")


def _tested(parameters: Mapping[str, Any], old_duration: int | None = None) -> dict[str, Any]:
    """The columns of a test sent, all three; none where none is sent.

    Raises:
        ApiError: no duration, no test, or documents the service would have refused.
    """
    if "Test" not in parameters:
        for name in ("AnswerKey", "TestDurationInSeconds"):
            if name in parameters:
                raise parameter_error(f"{name} needs a Test in the same request.")
        return {}
    duration = parameters.get("TestDurationInSeconds", old_duration)
    if duration is None or duration <= 0:
        raise parameter_error("A Test needs a TestDurationInSeconds greater than 0.")
    try:
        documents.check_test(parameters["Test"])
        if "AnswerKey" in parameters:
            documents.check_answer_key(parameters["AnswerKey"], parameters["Test"])
    except documents.DocumentError as error:
        raise parameter_error(error.detail, error.turk_code) from None
    return {column: parameters.get(name) for name, column in _OF_A_TEST.items()} | {"test_duration": duration}


def _auto_granted(parameters: Mapping[str, Any]) -> dict[str, Any]:
    if not parameters.get("AutoGranted"):
        if "AutoGrantedValue" in parameters and "AutoGranted" not in parameters:
            raise parameter_error("AutoGrantedValue needs AutoGranted.")
        return {"auto_granted": 0, "auto_value": None} if "AutoGranted" in parameters else {}
    return {"auto_granted": 1, "auto_value": parameters.get("AutoGrantedValue", 1)}


def _found(context: Context, type_id: str) -> Row[Any]:
    q = qualification_types.c
    row = context.connection.execute(select(qualification_types).where(q.id == type_id)).first()
    if row is None or row.deleted is not None:
        raise missing_qualification_type(type_id)
    return row


def own_qualification_type(context: Context, type_id: str) -> Row[Any]:
    """One of the caller's qualification types.

    Raises:
        ApiError: QualificationTypeDoesNotExist, also for another requester's.
    """
    row = _found(context, type_id)
    if row.requester != context.requester:
        raise missing_qualification_type(type_id)
    return row


def _own_undeleted(context: Context, type_id: str) -> Row[Any]:
    """One of the caller's types to change; while a deleted one is still required by HITs, it is Disposing."""
    q = qualification_types.c
    query = select(qualification_types).where(q.id == type_id, q.requester == context.requester)
    row = context.connection.execute(query.with_for_update()).first()
    if row is None or (row.deleted is not None and not _in_use(context, type_id)):
        raise missing_qualification_type(type_id)
    if row.deleted is not None:
        raise request_error(
            "InvalidQualificationTypeState",
            "This QualificationType is currently in the state 'Disposing'.  "
            "This operation can be called with a status of: Active,Inactive",
        )
    return row


def _draw(row: Row[Any], caller: str) -> dict[str, Any]:
    """A type as the API shows it.

    UNCERTAIN k4: an inactive type is not requestable.
    """
    drawn = {
        "QualificationTypeId": row.id,
        "CreationTime": row.created,
        "Name": row.name,
        "IsRequestable": row.status == "Active",
        "AutoGranted": bool(row.auto_granted),
    }
    shown = _COLUMNS | {"AutoGrantedValue": "auto_value"} | (_OF_A_TEST if row.requester == caller else {})
    given = {name: getattr(row, column) for name, column in shown.items()}
    return drawn | {name: value for name, value in given.items() if value is not None}


def get_qualification_type(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """GetQualificationType: anybody's, and the system's."""
    type_id = parameters["QualificationTypeId"]
    if type_id in SYSTEM_TYPES:
        system = {
            "QualificationTypeId": type_id,
            "Name": SYSTEM_TYPES[type_id],
            "Description": "A system qualification.",
        }
        return {"QualificationType": {**system, "QualificationTypeStatus": "Active", "IsRequestable": False}}
    return {"QualificationType": _draw(_found(context, type_id), context.requester)}


def list_qualification_types(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """ListQualificationTypes: those whose name, keywords or description hold every word of the query."""
    q = qualification_types.c
    query = select(qualification_types).where(q.deleted.is_(None))
    if parameters.get("MustBeOwnedByCaller"):
        query = query.where(q.requester == context.requester)
    if parameters["MustBeRequestable"]:
        query = query.where(q.status == "Active")
    for word in parameters.get("Query", "").lower().split():
        places = (q.name, q.keywords, q.description)
        query = query.where(or_(*(func.lower(place).contains(word, autoescape=True) for place in places)))
    return page(
        context.connection, context.listed(query, q.created), q.seq, parameters,
        member="QualificationTypes", draw=lambda row: _draw(row, context.requester),
    )  # fmt: skip


def update_qualification_type(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """UpdateQualificationType: what is left out stays as it was; a new Test brings its own duration and key."""
    _check(parameters)
    row = _own_undeleted(context, parameters["QualificationTypeId"])
    values = _tested(parameters, row.test_duration)
    if "AutoGranted" in parameters or not row.auto_granted:
        values |= _auto_granted(parameters)
    elif "AutoGrantedValue" in parameters:
        values["auto_value"] = parameters["AutoGrantedValue"]
    if values.get("test", row.test) and values.get("auto_granted", row.auto_granted):
        raise parameter_error("AutoGranted cannot be true for a qualification type with a Test.")
    values |= {column: parameters[name] for name, column in _COLUMNS.items() if name in parameters}
    if values:
        q = qualification_types.c
        context.connection.execute(update(qualification_types).where(q.id == row.id).values(**values))
    return {"QualificationType": _draw(_found(context, row.id), context.requester)}


def delete_qualification_type(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """DeleteQualificationType."""
    row = _own_undeleted(context, parameters["QualificationTypeId"])
    q, r = qualification_types.c, qualification_requests.c
    context.connection.execute(update(qualification_types).where(q.id == row.id).values(deleted=context.now))
    is_open = (r.type_id == row.id) & r.status.in_(("Open", "Testing"))
    context.connection.execute(update(qualification_requests).where(is_open).values(status="Rejected"))
    kinds = requiring(context.connection, row.id)
    if kinds:
        context.connection.execute(update(hit_types).where(hit_types.c.id.in_(kinds)).values(dropped=1))
    return {}


# --- grants ----------------------------------------------------------------------------------------


def associate(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """AssociateQualificationWithWorker: creates, overwrites, or grants again; an open request stays open."""
    row, worker = own_qualification_type(context, parameters["QualificationTypeId"]), parameters["WorkerId"]
    value = parameters.get("IntegerValue", 1)
    refuse_unknown(context, worker)
    grant(context, row.id, worker, value)
    if parameters.get("SendNotification", True):
        write_to(context, worker, f"You have the qualification “{row.name}”", f"Your score is {value}.")
    return {}


def grant(context: Context, type_id: str, worker: str, value: int) -> None:
    """Give a worker a qualification, or another value of it."""
    g = grants.c
    values = {"value": value, "granted": float(int(context.now)), "status": "Granted"}
    key = (g.type_id == type_id) & (g.worker == worker)
    if not context.connection.execute(update(grants).where(key).values(**values)).rowcount:
        context.connection.execute(insert(grants).values(type_id=type_id, worker=worker, **values))


def disassociate(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """DisassociateQualificationFromWorker: with a reason, the worker is told.

    UNCERTAIN k9: a qualification never held does not exist, a revoked one is in the wrong state.
    """
    found = _grant(context, parameters)
    context.connection.execute(update(grants).where(grants.c.seq == found.seq).values(status="Revoked"))
    if "Reason" in parameters:
        name = own_qualification_type(context, found.type_id).name
        write_to(context, found.worker, f"Your qualification “{name}” was taken back", parameters["Reason"])
    return {}


def _grant(context: Context, parameters: Mapping[str, Any]) -> Row[Any]:
    row = own_qualification_type(context, parameters["QualificationTypeId"])
    g = grants.c
    query = select(grants).where(g.type_id == row.id, g.worker == parameters["WorkerId"])
    found = context.connection.execute(query).first()
    if found is None:
        raise request_error("QualificationDoesNotExist", "You requested a Qualification that does not exist.")
    if found.status != "Granted":
        raise request_error("InvalidQualificationState", "This operation can be called with a status of: Granted")
    return found


def get_qualification_score(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """GetQualificationScore: of one's own types only."""
    return {"Qualification": _draw_grant(_grant(context, parameters))}


def list_workers(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """ListWorkersWithQualificationType.

    UNCERTAIN k10: without Status, granted and revoked ones.
    """
    row = own_qualification_type(context, parameters["QualificationTypeId"])
    query = select(grants).where(grants.c.type_id == row.id)
    if "Status" in parameters:
        query = query.where(grants.c.status == parameters["Status"])
    return page(context.connection, query, grants.c.seq, parameters, member="Qualifications", draw=_draw_grant)


def _draw_grant(row: Row[Any]) -> dict[str, Any]:
    return {
        "QualificationTypeId": row.type_id,
        "WorkerId": row.worker,
        "GrantTime": row.granted,
        "IntegerValue": row.value,
        "Status": row.status,
    }
