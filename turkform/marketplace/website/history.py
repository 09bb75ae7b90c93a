"""My work: what a worker has accepted, handed in and earned, with what requesters said about it.

What is earned is what was approved, and bonuses; what a worker is still owed is in `payouts`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import func, select
from starlette.routing import Route

from turkform.marketplace import keeper, payouts
from turkform.marketplace.tables import assignments, bonuses, hit_types, hits, requesters
from turkform.marketplace.website.market import REQUESTER

if TYPE_CHECKING:
    from sqlalchemy import Row, Select
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from turkform.marketplace.context import Context
    from turkform.marketplace.website.pages import Pages
    from turkform.marketplace.website.visitors import Visitor

_ON_A_PAGE: Final = 25
_HANDED_IN: Final = ("Submitted", "Approved", "Rejected")


class Sum(NamedTuple):
    """So many pieces of work, worth so many cents."""

    pieces: int = 0
    cents: int = 0


class History:
    """The routes of a worker's work."""

    def __init__(self, pages: Pages) -> None:
        self._pages, self._service = pages, pages.service

    def routes(self) -> list[BaseRoute]:
        """Every route."""
        return [Route("/work", self._pages.shown(self.work))]

    async def work(self, request: Request, visitor: Visitor) -> Response:
        """Sums, work in hand, and what was handed in, the last first."""
        given = request.query_params.get("before", "")
        before = int(given) if re.fullmatch(r"[0-9]{1,18}", given) else 0

        await keeper.settle_due(self._service, visitor.worker)

        def look(context: Context) -> dict[str, Any]:
            rows = _handed_in(context, visitor.worker, before)
            shown = rows[:_ON_A_PAGE]
            return {
                "sums": _sums(context, visitor.worker),
                "paid": payouts.paid_out(context.connection, visitor.worker),
                "held": _held(context, visitor.worker),
                "rows": shown,
                "bonuses": bonuses_of(context, [row.id for row in shown]),
                "more": shown[-1].seq if len(rows) > _ON_A_PAGE else 0,
                "first": not before,
            }

        return self._pages.page(request, visitor, "my_work.html", **await self._service.act(look))


def _joined() -> Select[Any]:
    a, t = assignments.c, hit_types.c
    shown = select(assignments, t.title, t.reward, t.group_id, REQUESTER)
    shown = shown.join(requesters, requesters.c.id == a.requester)
    return shown.join(hits, hits.c.id == a.hit).join(hit_types, t.id == hits.c.type_id)


def _held(context: Context, worker: str) -> list[Row[Any]]:
    """What is accepted and has time left, by the time it has."""
    a = assignments.c
    mine = (a.worker == worker, a.status == "Accepted", a.deadline > context.now)
    return list(context.connection.execute(_joined().where(*mine).order_by(a.deadline)).all())


def _handed_in(context: Context, worker: str, before: int) -> list[Row[Any]]:
    """A page of what was handed in, and one more."""
    a = assignments.c
    query = _joined().where(a.worker == worker, a.status.in_(_HANDED_IN))
    if before:
        query = query.where(a.seq < before)
    return list(context.connection.execute(query.order_by(a.seq.desc()).limit(_ON_A_PAGE + 1)).all())


def bonuses_of(context: Context, ids: list[str]) -> dict[str, list[Row[Any]]]:
    """The bonuses of assignments, by AssignmentId."""
    found: dict[str, list[Row[Any]]] = {}
    query = select(bonuses).where(bonuses.c.assignment.in_(ids)).order_by(bonuses.c.seq)
    for row in context.connection.execute(query).all():
        found.setdefault(row.assignment, []).append(row)
    return found


def _sums(context: Context, worker: str) -> dict[str, Sum]:
    """What a worker's work comes to, by its status; bonuses too."""
    a, t, b = assignments.c, hit_types.c, bonuses.c
    worth = select(a.status, func.count(), func.sum(t.reward))
    worth = worth.join(hits, hits.c.id == a.hit).join(hit_types, t.id == hits.c.type_id)
    rows = context.connection.execute(
        worth.where(a.worker == worker, a.status.in_(_HANDED_IN)).group_by(a.status)
    ).all()
    extra = context.connection.execute(select(func.count(), func.sum(b.amount)).where(b.worker == worker)).one()
    by_status = {status: Sum(count, int(cents or 0)) for status, count, cents in rows}
    nothing = Sum()
    return {
        "approved": by_status.get("Approved", nothing),
        "waiting": by_status.get("Submitted", nothing),
        "rejected": by_status.get("Rejected", nothing),
        "bonuses": Sum(extra[0], int(extra[1] or 0)),
    }
