"""The life of a HIT: entering and leaving Reviewable, expiry, reopening, disposal; and what time brings about.

In: a HIT whose counters, Expiration or clock changed. Out: its `finished` moment, its events, money held or
released, its review policy run. Everything that was due by now is carried out, at the moment it was due and in
that order, before anything else is read or done.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import Float, bindparam, literal, or_, select, union_all, update

from turkform.marketplace import decisions, payments, review_policies
from turkform.marketplace.context import Context
from turkform.marketplace.events import tell
from turkform.marketplace.hits import available, own_hit, set_values, state
from turkform.marketplace.tables import assignments, hits, requesters

if TYPE_CHECKING:
    from sqlalchemy import Row

    from turkform.marketplace.settings import Settings
    from turkform.marketplace.store import Store

DISPOSED_AFTER = 120 * 86_400.0
"""DeleteHIT in the service model of 2017-01-17. UNCERTAIN k7: counted from the last change into Reviewable."""
_AT_ONCE = 500
_OVER = {"Reviewable", "Reviewing"}


def settle(context: Context, hit_id: str) -> None:
    """Let a HIT enter or leave Reviewable, as its counters and the time say."""
    hit = own_hit(context, hit_id)
    over = state(hit, context.now) in _OVER
    if over and hit.finished is None:
        set_values(context, hit_id, finished=float(int(context.now)), reviewing=0)
        tell(context, "HITReviewable", hit)
        review_policies.review_hit(context, hit, reopen)
    elif not over and hit.finished is not None:
        set_values(context, hit_id, finished=None, reviewing=0)


def reopen(context: Context, hit_id: str, expires: float) -> None:
    """Let a HIT run until a moment to come, its free places held again.

    UNCERTAIN k6: a HIT that is Reviewing is reopened like one that is Reviewable.

    Raises:
        ApiError: InsufficientFunds.
    """
    hit = own_hit(context, hit_id)
    values: dict[str, Any] = {"expires": expires}
    if not hit.holding and expires > context.now:
        payments.hold(context.connection, hit.requester, available(hit) * hit.unit)
        values["holding"] = 1
    set_values(context, hit_id, **values)
    settle(context, hit_id)


def expire(context: Context, hit: Row[Any]) -> None:
    """A HIT's time is over: what was held for places nobody took is given back."""
    if hit.holding:
        payments.release(context.connection, hit.requester, available(hit) * hit.unit)
        set_values(context, hit.id, holding=0)
        if available(hit) or hit.pending:
            tell(context, "HITExpired", hit)
    settle(context, hit.id)


def dispose(context: Context, hit: Row[Any]) -> None:
    """Take a HIT away for good."""
    if hit.holding:
        payments.release(context.connection, hit.requester, available(hit) * hit.unit)
    set_values(context, hit.id, disposed=1, holding=0)
    tell(context, "HITDisposed", hit)


def vacate(context: Context, row: Row[Any], hit: Row[Any], status: str) -> None:
    """An accepted assignment was returned or abandoned: its place is free; if none can take it, so is its money."""
    a = assignments.c
    freed = update(assignments).where(a.id == row.id, a.status == "Accepted").values(status=status)
    if not context.connection.execute(freed).rowcount:
        return
    decisions.count(context.connection, hit.id, pending=-1)
    if not hit.holding:
        payments.release(context.connection, hit.requester, hit.unit)
    tell(context, f"Assignment{status}", hit, row.id)
    settle(context, hit.id)


# --- time ------------------------------------------------------------------------------------------


def elapse(context: Context) -> None:
    """Carry out all that was due for the context's requester by now."""
    while due := context.connection.execute(_DUE, _moment(context)).all():
        for what, hit_id, assignment_id, at in due:
            moment = replace(context, now=at)
            hit = own_hit(moment, hit_id, change=True)
            if what == "expire":
                if hit.holding and hit.expires <= at:
                    expire(moment, hit)
            elif what == "dispose":
                if not hit.disposed and hit.finished is not None:
                    dispose(moment, hit)
            else:
                row = context.connection.execute(select(assignments).where(assignments.c.id == assignment_id)).one()
                if what == "abandon":
                    vacate(moment, row, hit, "Abandoned")
                elif row.status == "Submitted":
                    decisions.approve(moment, row, hit)


def is_due(context: Context) -> bool:
    """Whether anything of the context's requester is to be carried out by now."""
    return context.connection.execute(_DUE, _moment(context)).first() is not None


def _moment(context: Context) -> dict[str, Any]:
    return {"requester": context.requester, "now": context.now, "long_ago": context.now - DISPOSED_AFTER}


def elapse_for_all(store: Store, settings: Settings) -> None:
    """Carry out what is due for requesters of whom nobody asks anything, each in a transaction of its own."""
    now = time.time() + store.offset()
    with store.transaction() as connection:
        waiting = connection.execute(_waiting(now)).scalars().all()
    for requester in waiting:
        with store.transaction() as connection:
            connection.execute(select(requesters.c.id).where(requesters.c.id == requester).with_for_update())
            elapse(Context(connection, requester, now, settings))


def _waiting(now: float) -> Any:
    """The requesters that something is due for."""
    a, h, who = assignments.c, hits.c, requesters.c.id
    return select(who).where(
        or_(
            select(a.seq).where(a.requester == who, a.status == "Accepted", a.deadline <= now).exists(),
            select(a.seq).where(a.requester == who, a.status == "Submitted", a.due <= now).exists(),
            select(h.seq).where(h.requester == who, h.holding == 1, h.expires <= now).exists(),
        )
    )


def _due() -> Any:
    """What is due for a requester, the earliest first."""
    a, h = assignments.c, hits.c
    who: Any = bindparam("requester")
    now, none = bindparam("now", type_=Float), literal("")
    return (
        union_all(
            select(literal("abandon").label("what"), a.hit, a.id, a.deadline.label("at")).where(
                a.requester == who, a.status == "Accepted", a.deadline <= now
            ),
            select(literal("approve"), a.hit, a.id, a.due).where(
                a.requester == who, a.status == "Submitted", a.due <= now
            ),
            select(literal("expire"), h.id, none, h.expires).where(
                h.requester == who, h.holding == 1, h.expires <= now
            ),
            select(literal("dispose"), h.id, none, h.finished + DISPOSED_AFTER).where(
                h.requester == who,
                h.disposed == 0,
                h.finished.is_not(None),
                h.finished <= bindparam("long_ago", type_=Float),
            ),
        )
        .order_by("at")
        .limit(_AT_ONCE)
    )


_DUE = _due()
"""Built once: it is asked before every call."""
