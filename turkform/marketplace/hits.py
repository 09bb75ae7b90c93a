"""HITs: the state machine of a HIT, and reading HITs.

    disposed                                      -> Disposed
    set Reviewing, and still finished             -> Reviewing
    nothing pending, and full or expired          -> Reviewable
    a place free, and not expired                 -> Assignable
    otherwise                                     -> Unassignable

A submitted, unreviewed assignment is in none of the three counters; Available is what is left of
MaxAssignments after all others, and expiry does not zero it. `hits.finished` says since when a HIT has been
Reviewable or Reviewing; `lifecycle.settle` keeps it.

Sources: the operations' pages in the API reference, "Retrieving HIT status" in the requester guide (read 23
Nov 2026), and botocore's model of 2017-01-17.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select, update

from turkform.marketplace import payments
from turkform.marketplace.hit_types import SYSTEM_TYPES, exists, missing_qualification_type, requiring
from turkform.marketplace.protocol import ApiError, request_error
from turkform.marketplace.statements import Statement
from turkform.marketplace.store import page, page_of
from turkform.marketplace.tables import hit_types, hits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Row, Select

    from turkform.marketplace.context import Context


def joined() -> Select[Any]:
    """HITs with their terms."""
    t = hit_types.c
    terms = (
        t.title, t.description, t.keywords, t.reward, t.duration, t.auto_approval, t.requirements, t.group_id,
        t.notified,
    )  # fmt: skip
    return select(hits, *terms).join(hit_types, t.id == hits.c.type_id)


_ONE = joined().where(hits.c.id == bindparam("the_id"), hits.c.requester == bindparam("who"))
_OWN, _OWN_TO_CHANGE = Statement(_ONE), Statement(_ONE.with_for_update(of=hits))


def own_hit(context: Context, hit_id: str, *, change: bool = False) -> Row[Any]:
    """One of the caller's HITs, with its terms; for a change, no other transaction has it meanwhile.

    Raises:
        ApiError: HITDoesNotExist, also for another requester's.
    """
    statement = _OWN_TO_CHANGE if change else _OWN
    row: Row[Any] | None = statement.first(context.connection, the_id=hit_id, who=context.requester)
    if row is None:
        raise missing_hit(hit_id)
    return row


def missing_hit(hit_id: str) -> ApiError:
    """HITDoesNotExist, in the words MTurk used."""
    return request_error("HITDoesNotExist", f"Hit {hit_id} does not exist.")


def set_values(context: Context, hit_id: str, **values: Any) -> None:
    """Change columns of a HIT."""
    context.connection.execute(update(hits).where(hits.c.id == hit_id).values(**values))


def available(row: Row[Any]) -> int:
    """Places nobody has."""
    return int(row.maximum - row.pending - row.submitted - row.approved - row.rejected)


def state(row: Row[Any], now: float) -> str:
    """The HIT's status at this moment.

    UNCERTAIN k5: an expired HIT with work pending is Unassignable.
    """
    if row.disposed:
        return "Disposed"
    free = available(row)
    if row.pending == 0 and (free <= 0 or now >= row.expires):
        return "Reviewing" if row.reviewing else "Reviewable"
    return "Assignable" if free > 0 and now < row.expires else "Unassignable"


def refuse_state(now_in: str, allowed: str) -> ApiError:
    """InvalidHITState, in the words MTurk used."""
    return request_error(
        "InvalidHITState",
        f"This HIT is currently in the state '{now_in}'.  This operation can be called with a status of: {allowed}",
    )


def draw(row: Row[Any], now: float) -> dict[str, Any]:
    """A HIT as the API shows it."""
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
    given = {"Keywords": row.keywords, "RequesterAnnotation": row.annotation, "HITLayoutId": row.layout_id}
    drawn.update({name: value for name, value in given.items() if value is not None})
    return drawn


# --- reading ---------------------------------------------------------------------------------------


def get_hit(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """GetHIT.

    UNCERTAIN k8: a disposed HIT is shown as Disposed, whoever disposed of it; nothing is purged.
    """
    return {"HIT": draw(own_hit(context, parameters["HITId"]), context.now)}


def list_hits(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """ListHITs: all undisposed HITs.

    UNCERTAIN k13: the newest first.
    """
    query = joined().where(hits.c.requester == context.requester, hits.c.disposed == 0)
    return page(
        context.connection, context.listed(query, hits.c.created), hits.c.seq, parameters,
        member="HITs", draw=lambda row: draw(row, context.now), newest_first=True,
    )  # fmt: skip


def list_reviewable_hits(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """ListReviewableHITs: those in exactly one status.

    UNCERTAIN reviewable: live answers held little but HITId; these are whole.
    """
    query = joined().where(
        hits.c.requester == context.requester,
        hits.c.disposed == 0,
        hits.c.finished.is_not(None),
        hits.c.reviewing == (1 if parameters.get("Status") == "Reviewing" else 0),
    )
    if "HITTypeId" in parameters:
        query = query.where(hits.c.type_id == parameters["HITTypeId"])
    return page(
        context.connection, context.listed(query, hits.c.created), hits.c.seq, parameters,
        member="HITs", of="ReviewableHITs", draw=lambda row: draw(row, context.now),
    )  # fmt: skip


def list_hits_for_qualification_type(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """ListHITsForQualificationType: undisposed HITs of any status that require it.

    Its HIT types are found first and each gives its next HITs, so that HITs of other types cost nothing.
    """
    type_id = parameters["QualificationTypeId"]
    if type_id not in SYSTEM_TYPES and not exists(context.connection, type_id):
        raise missing_qualification_type(type_id)

    def next_rows(after: int, most: int) -> list[Row[Any]]:
        h = hits.c
        found: list[int] = []
        for kind in requiring(context.connection, type_id, context.requester):
            query = select(h.seq).where(h.type_id == kind, h.disposed == 0, h.seq > after)
            query = context.listed(query, h.created).order_by(h.seq).limit(most)
            found += context.connection.execute(query).scalars()
        wanted = joined().where(h.seq.in_(sorted(found)[:most])).order_by(h.seq)
        return list(context.connection.execute(wanted).all())

    return page_of(parameters, next_rows, member="HITs", of="RequiringHITs", draw=lambda row: draw(row, context.now))
