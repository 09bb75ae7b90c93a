"""HIT types and HITs, and the state machine of a HIT.

    disposed                                      -> Disposed
    set Reviewing, and still finished             -> Reviewing
    nothing pending, and full or expired          -> Reviewable
    a place free, and not expired                 -> Assignable
    otherwise                                     -> Unassignable

A submitted, unreviewed assignment is in none of the three counters; Available is what is left of
MaxAssignments after all others, and expiry does not zero it.

Sources: the operations' pages in the API reference, "Retrieving HIT status" in the requester guide (read 23
Nov 2026), and botocore's model of 2017-01-17.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from turkform.marketplace import documents, payments
from turkform.marketplace.protocol import ApiError, parameter_error, request_error
from turkform.marketplace.store import keep_token, new_id, page, refuse_repeat
from turkform.marketplace.tables import hit_types, hits, qualification_types

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection, Row

    from turkform.marketplace.context import Context

DEFAULT_AUTO_APPROVAL = 2_592_000
_MASTERS = {"2F1QJWKUDD8XADTFD2Q0G6UTO95ALH", "2ARFPLSP75KLA8M8DH1HTEQVJT3SY6"}
SYSTEM_TYPES = _MASTERS | {
    "00000000000000000040", "000000000000000000L0", "00000000000000000071", "00000000000000000060",
    "00000000000000000000", "00000000000000000070", "000000000000000000E0", "000000000000000000S0",
}  # fmt: skip
LOCALE = "00000000000000000071"
CROWD = 10
_SECONDS = (30, 31_536_000)
"""AssignmentDurationInSeconds and LifetimeInSeconds: CreateHIT in the API reference of 2014-08-15."""


def _refuse_outside(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise parameter_error(
            f'The value "{value}" is not valid for the parameter {name}: it must be between {low} and {high}.'
        )


def _refuse_longer(name: str, value: str | None, most: int) -> None:
    if value is not None and len(value) > most:
        raise parameter_error(f"The value of the parameter {name} is longer than {most} characters.")


# --- HIT types -------------------------------------------------------------------------------------


def create_hit_type(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """CreateHITType: find the type with these values, or make it."""
    return {"HITTypeId": _find_or_make(context, parameters)}


def _find_or_make(context: Context, p: Mapping[str, Any]) -> str:
    auto = p.get("AutoApprovalDelayInSeconds", DEFAULT_AUTO_APPROVAL)
    _refuse_longer("Title", p["Title"], 128)
    _refuse_longer("Description", p["Description"], 2000)
    _refuse_longer("Keywords", p.get("Keywords"), 1000)
    _refuse_outside("AssignmentDurationInSeconds", p["AssignmentDurationInSeconds"], *_SECONDS)
    _refuse_outside("AutoApprovalDelayInSeconds", auto, 0, DEFAULT_AUTO_APPROVAL)
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
    # UNCERTAIN which spellings MTurk took as equal: requirements count as a set here, defaults as filled in.
    canonical = [values, sorted(json.dumps(r, sort_keys=True) for r in requirements)]
    digest = hashlib.sha256(json.dumps(canonical, sort_keys=True).encode()).hexdigest()
    t = hit_types.c
    mine = select(t.id).where(t.requester == context.requester, t.digest == digest)
    found = context.connection.execute(mine).scalar()
    if found:
        return str(found)
    type_id = new_id()
    masters = any(r["QualificationTypeId"] in _MASTERS and r["Comparator"] != "DoesNotExist" for r in requirements)
    context.connection.execute(
        insert(hit_types).values(
            id=type_id,
            requester=context.requester,
            digest=digest,
            group_id="3G" + type_id[2:],
            requirements=json.dumps(requirements),
            masters=masters,
            **values,
        )
    )
    return type_id


def _check_requirements(connection: Connection, requirements: list[dict[str, Any]]) -> None:
    """Shapes of requirements that the model cannot say: QualificationRequirement in the API reference."""
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
        if type_id not in SYSTEM_TYPES and not _type_exists(connection, type_id):
            raise request_error("QualificationTypeDoesNotExist", f"QualificationType [{type_id}] does not exist.")


def _type_exists(connection: Connection, type_id: str) -> bool:
    q = qualification_types.c
    return connection.execute(select(q.seq).where(q.id == type_id, q.deleted.is_(None))).first() is not None


# --- making HITs -----------------------------------------------------------------------------------


def create_hit(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """CreateHIT: the type is found or made on the way."""
    refuse_repeat(context.connection, context.requester, "CreateHIT", parameters.get("UniqueRequestToken"), context.now)
    return _make(context, parameters, _find_or_make(context, parameters), "CreateHIT")


def create_hit_with_hit_type(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """CreateHITWithHITType."""
    name = "CreateHITWithHITType"
    refuse_repeat(context.connection, context.requester, name, parameters.get("UniqueRequestToken"), context.now)
    return _make(context, parameters, parameters["HITTypeId"], name)


def _make(context: Context, p: Mapping[str, Any], type_id: str, operation: str) -> dict[str, Any]:
    kind = own_type(context, type_id)
    maximum = p.get("MaxAssignments", 1)
    _refuse_outside("LifetimeInSeconds", p["LifetimeInSeconds"], *_SECONDS)
    _refuse_outside("MaxAssignments", maximum, 1, 1_000_000_000)
    _refuse_longer("RequesterAnnotation", p.get("RequesterAnnotation"), 255)
    if "Question" not in p:
        raise parameter_error("Exactly one of Question and HITLayoutId must be given.")
    try:
        documents.check_question(p["Question"])
    except documents.DocumentError as error:
        raise parameter_error(error.detail, error.turk_code) from None
    unit = context.fees.unit(kind.reward, maximum=maximum, masters=bool(kind.masters))
    payments.hold(context.connection, context.requester, maximum * unit)
    hit_id, now = new_id(), float(int(context.now))
    context.connection.execute(
        insert(hits).values(
            id=hit_id,
            requester=context.requester,
            type_id=type_id,
            created=now,
            expires=now + p["LifetimeInSeconds"],
            maximum=maximum,
            question=p["Question"],
            annotation=p.get("RequesterAnnotation"),
            unit=unit,
        )
    )
    token = p.get("UniqueRequestToken")
    keep_token(context.connection, context.requester, operation, token, now=context.now, object_id=hit_id)
    return {"HIT": _draw(own_hit(context, hit_id), context.now)}


def own_type(context: Context, type_id: str) -> Row[Any]:
    """One of the caller's HIT types.

    Raises:
        ApiError: HITTypeDoesNotExist, also for another requester's. UNCERTAIN: no page names this code.
    """
    t = hit_types.c
    row = context.connection.execute(select(hit_types).where(t.id == type_id, t.requester == context.requester)).first()
    if row is None:
        raise request_error("HITTypeDoesNotExist", f"HITType {type_id} does not exist.")
    return row


def _joined() -> Any:
    t = hit_types.c
    terms = (t.title, t.description, t.keywords, t.reward, t.duration, t.auto_approval, t.requirements, t.group_id)
    return select(hits, *terms).join(hit_types, t.id == hits.c.type_id)


def own_hit(context: Context, hit_id: str) -> Row[Any]:
    """One of the caller's HITs, with its terms.

    Raises:
        ApiError: HITDoesNotExist, also for another requester's.
    """
    query = _joined().where(hits.c.id == hit_id, hits.c.requester == context.requester)
    row: Row[Any] | None = context.connection.execute(query).first()
    if row is None:
        raise request_error("HITDoesNotExist", f"Hit {hit_id} does not exist.")
    return row


def available(row: Row[Any]) -> int:
    """Places nobody has."""
    return int(row.maximum - row.pending - row.submitted - row.approved - row.rejected)


def state(row: Row[Any], now: float) -> str:
    """The HIT's status at this moment; UNCERTAIN for expired with work pending: Unassignable."""
    if row.disposed:
        return "Disposed"
    free = available(row)
    if row.pending == 0 and (free <= 0 or now >= row.expires):
        return "Reviewing" if row.reviewing else "Reviewable"
    return "Assignable" if free > 0 and now < row.expires else "Unassignable"


def _draw(row: Row[Any], now: float) -> dict[str, Any]:
    drawn = {
        "HITId": row.id,
        "HITTypeId": row.type_id,
        "HITGroupId": row.group_id,
        "CreationTime": row.created,
        "Title": row.title,
        "Description": row.description,
        "Question": row.question,
        "HITStatus": state(row, now),
        "MaxAssignments": row.maximum,
        "Reward": payments.dollars(row.reward),
        "AutoApprovalDelayInSeconds": row.auto_approval,
        "Expiration": row.expires,
        "AssignmentDurationInSeconds": row.duration,
        "QualificationRequirements": json.loads(row.requirements),
        "HITReviewStatus": "NotReviewed",
        "NumberOfAssignmentsPending": row.pending,
        "NumberOfAssignmentsAvailable": available(row),
        "NumberOfAssignmentsCompleted": row.approved + row.rejected,
    }
    if row.keywords is not None:
        drawn["Keywords"] = row.keywords
    if row.annotation is not None:
        drawn["RequesterAnnotation"] = row.annotation
    return drawn


# --- reading and changing --------------------------------------------------------------------------


def get_hit(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """GetHIT; UNCERTAIN after DeleteHIT: the HIT as Disposed."""
    return {"HIT": _draw(own_hit(context, parameters["HITId"]), context.now)}


def list_hits(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """ListHITs: all undisposed HITs; UNCERTAIN order: the newest first."""
    query = _joined().where(hits.c.requester == context.requester, hits.c.disposed == 0)
    return page(
        context.connection, context.listed(query, hits.c.created), hits.c.seq, parameters,
        member="HITs", draw=lambda row: _draw(row, context.now), newest_first=True,
    )  # fmt: skip


def list_hits_for_qualification_type(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """ListHITsForQualificationType: undisposed HITs of any status that require it."""
    type_id = parameters["QualificationTypeId"]
    if type_id not in SYSTEM_TYPES and not _type_exists(context.connection, type_id):
        raise request_error("QualificationTypeDoesNotExist", f"QualificationType [{type_id}] does not exist.")
    query = _joined().where(
        hits.c.requester == context.requester,
        hits.c.disposed == 0,
        hit_types.c.requirements.contains(f'"QualificationTypeId": "{type_id}"', autoescape=True),
    )
    return page(
        context.connection, context.listed(query, hits.c.created), hits.c.seq, parameters,
        member="HITs", draw=lambda row: _draw(row, context.now),
    )  # fmt: skip


def refuse_state(now_in: str, allowed: str) -> ApiError:
    """InvalidHITState, in the words MTurk used."""
    return request_error(
        "InvalidHITState",
        f"This HIT is currently in the state '{now_in}'.  This operation can be called with a status of: {allowed}",
    )


def create_additional_assignments_for_hit(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """CreateAdditionalAssignmentsForHIT: up only, and never from below ten to ten or more."""
    name, token = "CreateAdditionalAssignmentsForHIT", parameters.get("UniqueRequestToken")
    refuse_repeat(context.connection, context.requester, name, token, context.now)
    row = own_hit(context, parameters["HITId"])
    more = parameters["NumberOfAdditionalAssignments"]
    _refuse_outside("NumberOfAdditionalAssignments", more, 1, 1_000_000_000)
    if row.disposed:
        raise refuse_state("Disposed", "Assignable, Unassignable, Reviewable, Reviewing")
    if row.maximum < CROWD <= row.maximum + more:
        raise request_error(
            "InvalidMaximumAssignmentsIncrease",
            "HITs created with fewer than 10 assignments cannot be extended to have 10 or more.",
        )
    if row.expires > context.now:
        payments.hold(context.connection, context.requester, more * row.unit)
    _set(context, row.id, maximum=row.maximum + more, reviewing=0)
    keep_token(context.connection, context.requester, name, token, now=context.now, object_id=row.id)
    return {}


def update_expiration_for_hit(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """UpdateExpirationForHIT: past means now; the same instant twice for one HIT is refused."""
    row = own_hit(context, parameters["HITId"])
    at = float(parameters["ExpireAt"])
    token = f"{row.id}{int(at)}"
    refuse_repeat(context.connection, context.requester, "UpdateExpirationForHIT", token, context.now)
    if row.disposed:
        raise refuse_state("Disposed", "Assignable, Unassignable, Reviewable, Reviewing")
    expires = min(at, context.now + _SECONDS[1])
    free = available(row) * row.unit
    if expires > context.now and not row.holding:
        payments.hold(context.connection, context.requester, free)
        _set(context, row.id, expires=expires, holding=1, reviewing=0)
    else:
        _set(context, row.id, expires=expires if expires > context.now else float(int(context.now)))
    name = "UpdateExpirationForHIT"
    keep_token(context.connection, context.requester, name, token, now=context.now, object_id=row.id)
    return {}


def update_hit_type_of_hit(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """UpdateHITTypeOfHIT: only while nobody has ever accepted it, not even to return it."""
    row, kind = own_hit(context, parameters["HITId"]), own_type(context, parameters["HITTypeId"])
    if row.disposed or row.taken:
        raise refuse_state(state(row, context.now), "Assignable, with no assignment ever accepted")
    unit = context.fees.unit(kind.reward, maximum=row.maximum, masters=bool(kind.masters))
    if row.holding and unit > row.unit:
        payments.hold(context.connection, context.requester, available(row) * (unit - row.unit))
    elif row.holding:
        payments.release(context.connection, context.requester, available(row) * (row.unit - unit))
    _set(context, row.id, type_id=kind.id, unit=unit)
    return {}


def update_hit_review_status(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """UpdateHITReviewStatus: Reviewable to Reviewing, or back."""
    row = own_hit(context, parameters["HITId"])
    revert = parameters.get("Revert", False)
    needed = "Reviewing" if revert else "Reviewable"
    if state(row, context.now) != needed:
        raise refuse_state(state(row, context.now), needed)
    _set(context, row.id, reviewing=0 if revert else 1)
    return {}


def delete_hit(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """DeleteHIT: Reviewable or Reviewing, with every submission reviewed."""
    row = own_hit(context, parameters["HITId"])
    now_in = state(row, context.now)
    if now_in not in {"Reviewing", "Reviewable"} or row.submitted:
        raise refuse_state(now_in, "Reviewing, Reviewable")
    if row.holding:
        payments.release(context.connection, context.requester, available(row) * row.unit)
    _set(context, row.id, disposed=1, holding=0)
    return {}


def _set(context: Context, hit_id: str, **values: Any) -> None:
    context.connection.execute(update(hits).where(hits.c.id == hit_id).values(**values))


def release_expired(context: Context) -> None:
    """Give back what was held for places that expired unfilled; they are held again if the HIT reopens."""
    mine = (hits.c.requester == context.requester) & (hits.c.holding == 1) & (hits.c.expires <= context.now)
    for row in context.connection.execute(select(hits).where(mine)).all():
        payments.release(context.connection, row.requester, available(row) * row.unit)
        _set(context, row.id, holding=0)
