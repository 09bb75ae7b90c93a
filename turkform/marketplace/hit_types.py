"""HIT types: the terms of HITs, found by their values or made.

Registering the same values again gives back the id that exists; nothing updates a type, and only the deletion
of a qualification type that it requires takes it away.

Sources: CreateHITType and QualificationRequirement in the API reference, CreateHIT in that of 2014-08-15 (read
23 Nov 2026).
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, insert, select

from turkform.marketplace import payments
from turkform.marketplace.protocol import (
    ApiError,
    parameter_error,
    refuse_control_characters,
    refuse_longer,
    refuse_outside,
    request_error,
)
from turkform.marketplace.statements import Statement
from turkform.marketplace.store import new_id
from turkform.marketplace.tables import hit_types, qualification_types

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection, Row

    from turkform.marketplace.context import Context

DEFAULT_AUTO_APPROVAL = 2_592_000
DURATION = (30, 31_536_000)
"""Seconds, of AssignmentDurationInSeconds and LifetimeInSeconds."""
MASTERS = frozenset({"2F1QJWKUDD8XADTFD2Q0G6UTO95ALH", "2ARFPLSP75KLA8M8DH1HTEQVJT3SY6"})
LOCALE = "00000000000000000071"
ADULT = "00000000000000000060"
APPROVED = "00000000000000000040"
APPROVED_PERCENT = "000000000000000000L0"
SUBMITTED_PERCENT = "00000000000000000000"
ABANDONED_PERCENT = "00000000000000000070"
RETURNED_PERCENT = "000000000000000000E0"
REJECTED_PERCENT = "000000000000000000S0"
SYSTEM_TYPES = {
    "2F1QJWKUDD8XADTFD2Q0G6UTO95ALH": "Masters",
    "2ARFPLSP75KLA8M8DH1HTEQVJT3SY6": "Masters (sandbox)",
    APPROVED: "Worker_NumberHITsApproved",
    APPROVED_PERCENT: "Worker_PercentAssignmentsApproved",
    LOCALE: "Worker_Locale",
    ADULT: "Worker_Adult",
    SUBMITTED_PERCENT: "Worker_PercentAssignmentsSubmitted",
    ABANDONED_PERCENT: "Worker_PercentAssignmentsAbandoned",
    RETURNED_PERCENT: "Worker_PercentAssignmentsReturned",
    REJECTED_PERCENT: "Worker_PercentAssignmentsRejected",
}
"""The last four are retired, and old scripts still ask for them."""


def create_hit_type(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """CreateHITType: find the type with these values, or make it."""
    return {"HITTypeId": find_or_make(context, parameters)}


def find_or_make(context: Context, p: Mapping[str, Any]) -> str:
    """The id of the type with these terms.

    Raises:
        ApiError: a term outside its limits, or a qualification type that is not there.
    """
    auto = p.get("AutoApprovalDelayInSeconds", DEFAULT_AUTO_APPROVAL)
    for name, most in (("Title", 128), ("Description", 2000), ("Keywords", 1000)):
        refuse_longer(name, p.get(name), most)
        refuse_control_characters(name, p.get(name))
    refuse_outside("AssignmentDurationInSeconds", p["AssignmentDurationInSeconds"], *DURATION)
    refuse_outside("AutoApprovalDelayInSeconds", auto, 0, DEFAULT_AUTO_APPROVAL)
    requirements = p.get("QualificationRequirements") or []
    _check_requirements(context.connection, requirements)
    values = {
        "title": p["Title"],
        "description": p["Description"],
        "keywords": p.get("Keywords"),
        "reward": payments.cents(p["Reward"]),
        "duration": p["AssignmentDurationInSeconds"],
        "auto_approval": auto,
    }
    digest = _digest(values, requirements)
    t = hit_types.c
    known = select(t.id).where(t.requester == context.requester, t.digest == digest)
    found = context.connection.execute(known).scalar()
    if found:
        return str(found)
    type_id = new_id()
    masters = any(r["QualificationTypeId"] in MASTERS and r["Comparator"] != "DoesNotExist" for r in requirements)
    context.connection.execute(
        insert(hit_types).values(
            id=type_id,
            requester=context.requester,
            digest=digest,
            group_id="3G" + type_id[2:],
            requirements=json.dumps(requirements),
            masters=int(masters),
            **values,
        )
    )
    return type_id


def _digest(values: Mapping[str, Any], requirements: list[dict[str, Any]]) -> str:
    """What makes two types one.

    UNCERTAIN k2: texts are compared as they stand, the reward in cents, defaults as filled in, requirements as
    a set, their values sorted.
    """
    lists = ("IntegerValues", "LocaleValues")
    plain = [{k: sorted(v, key=json.dumps) if k in lists else v for k, v in r.items()} for r in requirements]
    canonical = [values, sorted(json.dumps(r, sort_keys=True) for r in plain)]
    return hashlib.sha256(json.dumps(canonical, sort_keys=True).encode()).hexdigest()


def _check_requirements(connection: Connection, requirements: list[dict[str, Any]]) -> None:
    """Shapes of requirements that the model cannot say."""
    if len(requirements) > 10:
        raise parameter_error("A HIT can have at most 10 qualification requirements.")
    for r in requirements:
        type_id, comparator = r["QualificationTypeId"], r["Comparator"]
        numbers, locales = r.get("IntegerValues") or [], r.get("LocaleValues") or []
        if comparator in {"Exists", "DoesNotExist"}:
            fits = not numbers and not locales
        elif comparator in {"In", "NotIn"}:
            fits = 1 <= len(numbers) <= 15 or 1 <= len(locales) <= 30
        elif comparator in {"EqualTo", "NotEqualTo"}:
            fits = len(numbers) + len(locales) == 1
        else:
            fits = len(numbers) == 1 and not locales
        if not fits or (numbers and locales) or (locales and type_id != LOCALE) or (numbers and type_id == LOCALE):
            raise parameter_error(f"The values of the qualification requirement on {type_id} do not fit {comparator}.")
        if any("Subdivision" in locale and locale["Country"] != "US" for locale in locales):
            raise parameter_error("A Subdivision can be given for the Country US only.")
        if "RequiredToPreview" in r and "ActionsGuarded" in r:
            raise parameter_error("RequiredToPreview and ActionsGuarded cannot be given together.")
        if type_id not in SYSTEM_TYPES and not exists(connection, type_id):
            raise missing_qualification_type(type_id)


def exists(connection: Connection, type_id: str) -> bool:
    """Whether there is such a qualification type, anybody's."""
    q = qualification_types.c
    return connection.execute(select(q.seq).where(q.id == type_id, q.deleted.is_(None))).first() is not None


def missing_qualification_type(type_id: str) -> ApiError:
    """QualificationTypeDoesNotExist, in the words MTurk used."""
    return request_error("QualificationTypeDoesNotExist", f"QualificationType [{type_id}] does not exist.")


_T = hit_types.c
_OWN = Statement(
    select(hit_types).where(_T.id == bindparam("the_id"), _T.requester == bindparam("who"), _T.dropped == 0)
)


def own_type(context: Context, type_id: str) -> Row[Any]:
    """One of the caller's HIT types.

    UNCERTAIN k20: no page names the code for a type that is not there.

    Raises:
        ApiError: HITTypeDoesNotExist, also for another requester's and for one dropped with its qualification type.
    """
    row: Row[Any] | None = _OWN.first(context.connection, the_id=type_id, who=context.requester)
    if row is None:
        raise request_error("HITTypeDoesNotExist", f"HITType {type_id} does not exist.")
    return row


def requiring(connection: Connection, qualification_type: str, requester: str | None = None) -> list[str]:
    """The ids of the HIT types that require a qualification type: one requester's, or all."""
    t = hit_types.c
    query = select(t.id).where(t.requirements.contains(f'"QualificationTypeId": "{qualification_type}"'))
    if requester is not None:
        query = query.where(t.requester == requester)
    return list(connection.execute(query).scalars())
