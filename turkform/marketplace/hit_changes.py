"""Making HITs and changing them.

The full cost of a HIT is held when it is made or extended, before the HIT is there; `hits` has the states that
an operation can be called in.

Sources: the operations' pages in the API reference, and CreateHIT in that of 2014-08-15 (read 23 Nov 2026).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select

from turkform.marketplace import decisions, documents, layouts, lifecycle, payments, review_policies
from turkform.marketplace.events import tell
from turkform.marketplace.hit_types import DURATION, find_or_make, own_type
from turkform.marketplace.hits import available, draw, own_hit, refuse_state, set_values, state
from turkform.marketplace.protocol import parameter_error, refuse_control_characters, refuse_longer, refuse_outside
from turkform.marketplace.statements import Statement, insertion
from turkform.marketplace.store import keep_token, new_id, refuse_repeat
from turkform.marketplace.tables import hit_types, hits, requesters, tokens

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from turkform.marketplace.context import Context

_INSERT = Statement(
    insertion(
        hits, "id", "requester", "type_id", "created", "expires", "maximum", "question", "annotation", "layout_id",
        "policies", "unit",
    )
)  # fmt: skip
_WITH_TYPE = "CreateHITWithHITType"
_NEW = {column.name: column.default.arg for column in hits.columns if column.default is not None}  # type: ignore[attr-defined] # plain values
_UNDISPOSED = "Assignable, Unassignable, Reviewable, Reviewing"


def create_hit(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """CreateHIT: the type is found or made on the way."""
    refuse_repeat(context.connection, context.requester, "CreateHIT", parameters.get("UniqueRequestToken"), context.now)
    return _make(context, parameters, own_type(context, find_or_make(context, parameters)), "CreateHIT")


def create_hit_with_hit_type(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """CreateHITWithHITType."""
    peers, token, type_id = context.peers, parameters.get("UniqueRequestToken"), parameters["HITTypeId"]
    if peers.facts is None:
        peers.facts = _Facts.read(context, peers.calls)
    facts: _Facts = peers.facts
    if token is not None and token in facts.used:
        refuse_repeat(context.connection, context.requester, _WITH_TYPE, token, context.now)
    kind = facts.types.get(type_id)
    return _make(context, parameters, kind or own_type(context, type_id), _WITH_TYPE, facts)


@dataclass(slots=True)
class _Facts:
    """What making HITs has to know first: their terms, which tokens were used, and what there is to spend."""

    types: Mapping[str, Any]
    used: set[str]
    money: int

    @classmethod
    def read(cls, context: Context, calls: Sequence[Mapping[str, Any]]) -> _Facts:
        """Read it for several calls at once, of the context's requester."""
        given = {
            "who": context.requester,
            "what": _WITH_TYPE,
            "which": [call["UniqueRequestToken"] for call in calls if "UniqueRequestToken" in call],
            "types": list({call["HITTypeId"] for call in calls}),
        }
        kinds = {row.id: row for row in context.connection.execute(_TYPES, given).all()}
        used = set(context.connection.execute(_USED, given).scalars()) if given["which"] else set()
        return cls(kinds, used, int(context.connection.execute(_MONEY, given).scalar_one()))


_T, _K, _R = hit_types.c, tokens.c, requesters.c
_TYPES = select(hit_types).where(
    _T.id.in_(bindparam("types", expanding=True)), _T.requester == bindparam("who"), _T.dropped == 0
)
_USED = select(_K.token).where(
    _K.requester == bindparam("who"), _K.operation == bindparam("what"),
    _K.token.in_(bindparam("which", expanding=True)),
)  # fmt: skip
_MONEY = select(_R.balance - _R.held).where(_R.id == bindparam("who"))


def _make(
    context: Context, p: Mapping[str, Any], kind: Any, operation: str, facts: _Facts | None = None
) -> dict[str, Any]:
    type_id = kind.id
    maximum = p.get("MaxAssignments", 1)
    refuse_outside("LifetimeInSeconds", p["LifetimeInSeconds"], *DURATION)
    refuse_outside("MaxAssignments", maximum, 1, 1_000_000_000)
    refuse_longer("RequesterAnnotation", p.get("RequesterAnnotation"), 255)
    refuse_control_characters("RequesterAnnotation", p.get("RequesterAnnotation"))
    question, policies = _question(context, p), review_policies.checked(p)
    unit = context.fees.unit(kind.reward, maximum=maximum, masters=bool(kind.masters))
    payments.hold(context.connection, context.requester, maximum * unit, None if facts is None else facts.money)
    hit_id, now = new_id(), float(int(context.now))
    given = {
        "id": hit_id,
        "requester": context.requester,
        "type_id": type_id,
        "created": now,
        "expires": now + p["LifetimeInSeconds"],
        "maximum": maximum,
        "question": question,
        "annotation": p.get("RequesterAnnotation"),
        "layout_id": p.get("HITLayoutId"),
        "policies": json.dumps(policies) if policies else None,
        "unit": unit,
    }
    _INSERT.later(context.connection, **given)
    token = p.get("UniqueRequestToken")
    keep_token(context.connection, context.requester, operation, token, now=context.now, object_id=hit_id)
    if facts is not None:
        facts.money -= maximum * unit
        if token is not None:
            facts.used.add(token)
    # The row as `own_hit` would read it, had it to be read.
    hit: Any = SimpleNamespace(**kind._asdict() | _NEW | given)
    tell(context, "HITCreated", hit)
    return {"HIT": draw(hit, context.now)}


def _question(context: Context, p: Mapping[str, Any]) -> str:
    if ("Question" in p) == ("HITLayoutId" in p):
        raise parameter_error("Exactly one of Question and HITLayoutId must be given.")
    if "HITLayoutParameters" in p and "HITLayoutId" not in p:
        raise parameter_error("HITLayoutParameters need a HITLayoutId.")
    question: str = p.get("Question") or (
        layouts.fill_in(context, p["HITLayoutId"], p.get("HITLayoutParameters") or []) if "HITLayoutId" in p else ""
    )
    try:
        documents.check_question(question)
    except documents.DocumentError as error:
        raise parameter_error(error.detail, error.turk_code) from None
    return question


def create_additional_assignments_for_hit(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """CreateAdditionalAssignmentsForHIT: up only, and never from below ten to ten or more."""
    name, token = "CreateAdditionalAssignmentsForHIT", parameters.get("UniqueRequestToken")
    refuse_repeat(context.connection, context.requester, name, token, context.now)
    hit = own_hit(context, parameters["HITId"], change=True)
    more = parameters["NumberOfAdditionalAssignments"]
    refuse_outside("NumberOfAdditionalAssignments", more, 1, 1_000_000_000)
    if hit.disposed:
        raise refuse_state("Disposed", _UNDISPOSED)
    decisions.extend(context, hit, more)
    lifecycle.settle(context, hit.id)
    keep_token(context.connection, context.requester, name, token, now=context.now, object_id=hit.id)
    return {}


def update_expiration_for_hit(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """UpdateExpirationForHIT: past means now; the same instant twice for one HIT is refused.

    UNCERTAIN k15: a moment earlier than before and still to come is taken. UNCERTAIN k16: 0 is taken, as now.
    """
    name = "UpdateExpirationForHIT"
    hit = own_hit(context, parameters["HITId"], change=True)
    at = float(parameters["ExpireAt"])
    token = f"{hit.id}{int(at)}"
    refuse_repeat(context.connection, context.requester, name, token, context.now)
    if hit.disposed:
        raise refuse_state("Disposed", _UNDISPOSED)
    if at > context.now:
        lifecycle.reopen(context, hit.id, min(at, context.now + DURATION[1]))
    else:
        set_values(context, hit.id, expires=float(int(context.now)))
        lifecycle.expire(context, own_hit(context, hit.id))
    keep_token(context.connection, context.requester, name, token, now=context.now, object_id=hit.id)
    return {}


def update_hit_type_of_hit(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """UpdateHITTypeOfHIT: only while nobody has ever accepted it.

    UNCERTAIN k17: not even to return it.
    """
    hit, kind = own_hit(context, parameters["HITId"], change=True), own_type(context, parameters["HITTypeId"])
    if hit.disposed or hit.taken:
        raise refuse_state(state(hit, context.now), "Assignable, with no assignment ever accepted")
    unit = context.fees.unit(kind.reward, maximum=hit.maximum, masters=bool(kind.masters))
    if hit.holding and unit > hit.unit:
        payments.hold(context.connection, context.requester, available(hit) * (unit - hit.unit))
    elif hit.holding:
        payments.release(context.connection, context.requester, available(hit) * (hit.unit - unit))
    set_values(context, hit.id, type_id=kind.id, unit=unit)
    return {}


def update_hit_review_status(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """UpdateHITReviewStatus: Reviewable to Reviewing, or back."""
    hit = own_hit(context, parameters["HITId"], change=True)
    revert = parameters.get("Revert", False)
    needed = "Reviewing" if revert else "Reviewable"
    if state(hit, context.now) != needed:
        raise refuse_state(state(hit, context.now), needed)
    set_values(context, hit.id, reviewing=0 if revert else 1)
    return {}


def delete_hit(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """DeleteHIT: Reviewable or Reviewing, with every submission reviewed."""
    hit = own_hit(context, parameters["HITId"], change=True)
    now_in = state(hit, context.now)
    if now_in not in {"Reviewing", "Reviewable"} or hit.submitted:
        raise refuse_state(now_in, "Reviewing, Reviewable")
    lifecycle.dispose(context, hit)
    return {}
