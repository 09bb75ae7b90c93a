"""Qualification types and grants.

A name is unique among its requester's own types; types are public, tests and answer keys are not.
Associating is an upsert. Deleting a type drops the HIT types that require it, and its name stays taken for
48 hours.

Sources: the operations' pages in the API reference (read 23 Nov 2026).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select, update

from turkform.marketplace.hits import LOCALE, SYSTEM_TYPES
from turkform.marketplace.protocol import ApiError, parameter_error, request_error
from turkform.marketplace.store import new_id, page
from turkform.marketplace.tables import grants, qualification_types

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection, Row

    from turkform.marketplace.context import Context

NAME_TAKEN = 48 * 3600.0
_KEPT = ("Description", "Keywords", "QualificationTypeStatus", "RetryDelayInSeconds", "AutoGranted", "AutoGrantedValue")


def create_qualification_type(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """CreateQualificationType, without tests so far."""
    _check(parameters)
    q = qualification_types.c
    taken = select(q.seq).where(
        q.requester == context.requester,
        q.name == parameters["Name"],
        q.deleted.is_(None) | (q.deleted > context.now - NAME_TAKEN),
    )
    if context.connection.execute(taken).first():
        raise request_error(
            "QualificationTypeAlreadyExists",
            "You have already created a QualificationType with this name. A QualificationType's name must be unique "
            "among all of the QualificationTypes created by the same user.",
        )
    fields = {name: parameters[name] for name in _KEPT if name in parameters}
    type_id = new_id()
    context.connection.execute(
        insert(qualification_types).values(
            id=type_id,
            requester=context.requester,
            name=parameters["Name"],
            created=float(int(context.now)),
            fields=json.dumps(fields),
        )
    )
    return {"QualificationType": _draw(_found(context, type_id))}


def _check(parameters: Mapping[str, Any]) -> None:
    if {"Test", "AnswerKey", "TestDurationInSeconds"} & parameters.keys():
        raise ApiError("RequestError", "Qualification tests are not implemented by this marketplace yet.")
    for name, most in (("Name", 200), ("Description", 2000), ("Keywords", 1000)):
        if len(parameters.get(name, "")) > most:
            raise parameter_error(f"The value of the parameter {name} is longer than {most} characters.")
    if parameters.get("RetryDelayInSeconds", 0) < 0:
        raise parameter_error("RetryDelayInSeconds must not be negative.")


def _found(context: Context, type_id: str) -> Row[Any]:
    q = qualification_types.c
    row = context.connection.execute(select(qualification_types).where(q.id == type_id)).first()
    if row is None or row.deleted is not None:
        raise _missing(type_id)
    return row


def _missing(type_id: str) -> ApiError:
    return request_error("QualificationTypeDoesNotExist", f"QualificationType [{type_id}] does not exist.")


def _own(context: Context, type_id: str) -> Row[Any]:
    row = _found(context, type_id)
    if row.requester != context.requester:
        raise _missing(type_id)
    return row


def _draw(row: Row[Any]) -> dict[str, Any]:
    fields = json.loads(row.fields)
    return {
        "QualificationTypeId": row.id,
        "CreationTime": row.created,
        "Name": row.name,
        "IsRequestable": fields["QualificationTypeStatus"] == "Active",
        "AutoGranted": False,
        **fields,
    }


def get_qualification_type(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """GetQualificationType: anybody's."""
    type_id = parameters["QualificationTypeId"]
    if type_id in SYSTEM_TYPES:
        system = {"QualificationTypeId": type_id, "Name": type_id, "Description": "A system qualification."}
        return {"QualificationType": {**system, "QualificationTypeStatus": "Active", "IsRequestable": False}}
    return {"QualificationType": _draw(_found(context, type_id))}


def list_qualification_types(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """ListQualificationTypes: a search over name, keywords and description."""
    q = qualification_types.c
    query = select(qualification_types).where(q.deleted.is_(None))
    if parameters.get("MustBeOwnedByCaller"):
        query = query.where(q.requester == context.requester)
    if parameters["MustBeRequestable"]:
        query = query.where(q.fields.contains('"QualificationTypeStatus": "Active"'))
    if parameters.get("Query"):
        text = parameters["Query"].lower()
        query = query.where(
            func.lower(q.name).contains(text, autoescape=True) | func.lower(q.fields).contains(text, autoescape=True)
        )
    query = context.listed(query, q.created)
    return page(context.connection, query, q.seq, parameters, member="QualificationTypes", draw=_draw)


def update_qualification_type(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """UpdateQualificationType: what is left out stays as it was."""
    _check(parameters)
    row = _own(context, parameters["QualificationTypeId"])
    fields = json.loads(row.fields) | {n: parameters[n] for n in _KEPT if n in parameters and n != "Keywords"}
    if not fields.get("AutoGranted"):
        fields.pop("AutoGrantedValue", None)
    context.connection.execute(
        update(qualification_types).where(qualification_types.c.id == row.id).values(fields=json.dumps(fields))
    )
    return {"QualificationType": _draw(_found(context, row.id))}


def delete_qualification_type(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """DeleteQualificationType."""
    row = _own(context, parameters["QualificationTypeId"])
    context.connection.execute(
        update(qualification_types).where(qualification_types.c.id == row.id).values(deleted=context.now)
    )
    return {}


def associate(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """AssociateQualificationWithWorker: creates, overwrites, or grants again."""
    row, worker = _own(context, parameters["QualificationTypeId"]), parameters["WorkerId"]
    g = grants.c
    values = {"value": parameters.get("IntegerValue", 1), "granted": float(int(context.now)), "status": "Granted"}
    key = (g.type_id == row.id) & (g.worker == worker)
    if not context.connection.execute(update(grants).where(key).values(**values)).rowcount:
        context.connection.execute(insert(grants).values(type_id=row.id, worker=worker, **values))
    return {}


def disassociate(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """DisassociateQualificationFromWorker."""
    grant = _grant(context, parameters)
    context.connection.execute(update(grants).where(grants.c.seq == grant.seq).values(status="Revoked"))
    return {}


def _grant(context: Context, parameters: Mapping[str, Any]) -> Row[Any]:
    row = _own(context, parameters["QualificationTypeId"])
    g = grants.c
    query = select(grants).where(g.type_id == row.id, g.worker == parameters["WorkerId"])
    grant = context.connection.execute(query).first()
    if grant is None:
        raise request_error("QualificationDoesNotExist", "You requested a Qualification that does not exist.")
    if grant.status != "Granted":
        raise request_error("InvalidQualificationState", "This operation can be called with a status of: Granted")
    return grant


def get_qualification_score(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """GetQualificationScore: of one's own types only."""
    return {"Qualification": _draw_grant(_grant(context, parameters))}


def list_workers(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """ListWorkersWithQualificationType; UNCERTAIN without Status: both."""
    row = _own(context, parameters["QualificationTypeId"])
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


# --- what a worker must have -----------------------------------------------------------------------


def meets(connection: Connection, worker: str, requirement: Mapping[str, Any]) -> bool:
    """Whether a worker meets a requirement; those on system types count as met in rehearsal."""
    type_id, comparator = requirement["QualificationTypeId"], requirement["Comparator"]
    if type_id in SYSTEM_TYPES or type_id == LOCALE:
        return True
    g = grants.c
    query = select(g.value).where(g.type_id == type_id, g.worker == worker, g.status == "Granted")
    value = connection.execute(query).scalar()
    if value is None:
        return bool(comparator == "DoesNotExist")
    if comparator in {"Exists", "DoesNotExist"}:
        return bool(comparator == "Exists")
    wanted = requirement.get("IntegerValues") or [0]
    return bool(
        {
            "LessThan": value < wanted[0],
            "LessThanOrEqualTo": value <= wanted[0],
            "GreaterThan": value > wanted[0],
            "GreaterThanOrEqualTo": value >= wanted[0],
            "EqualTo": value == wanted[0],
            "NotEqualTo": value != wanted[0],
            "In": value in wanted,
            "NotIn": value not in wanted,
        }[comparator]
    )
