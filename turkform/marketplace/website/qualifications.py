"""Qualifications: a worker's own, all that can be asked for, and their tests.

A test is a QuestionForm, shown in a frame like a task, on the origin of its qualification type. From the moment when it
is begun its time runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, or_, select
from starlette.routing import Route

from turkform.marketplace import qualification_requests
from turkform.marketplace.assignments import WorkerError
from turkform.marketplace.tables import grants, qualification_types, requesters
from turkform.marketplace.tables import qualification_requests as asked
from turkform.marketplace.website.market import REQUESTER
from turkform.marketplace.website.pages import go
from turkform.marketplace.website.tasks import SANDBOX

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Row
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from turkform.marketplace.context import Context
    from turkform.marketplace.website.pages import Pages
    from turkform.marketplace.website.visitors import Visitor

_MOST: Final = 100
_GONE: Final = "There is no such qualification"


class Qualifications:
    """The routes of qualifications."""

    def __init__(self, pages: Pages) -> None:
        self._pages, self._service = pages, pages.service
        self._origins = pages.service.settings.origins

    def routes(self) -> list[BaseRoute]:
        """Every route."""
        shown = self._pages.shown
        return [
            Route("/qualifications", shown(self.listed)),
            Route("/qualifications/{type}", shown(self.one)),
            Route("/qualifications/{type}/request", shown(self.ask), methods=["POST"]),
            Route("/qualifications/{type}/test", shown(self.test)),
            Route("/qualifications/{type}/test", shown(self.begin), methods=["POST"]),
        ]

    async def listed(self, request: Request, visitor: Visitor) -> Response:
        """A worker's qualifications, and those to ask for."""
        text = request.query_params.get("q", "").strip()
        mine, waiting, others = await self._service.act(
            lambda context: (
                _mine(context, visitor.worker),
                _waiting(context, visitor.worker),
                _requestable(context, visitor.worker, text),
            )
        )
        return self._pages.page(
            request, visitor, "qualifications.html", mine=mine, waiting=waiting, others=others, text=text, most=_MOST
        )

    async def one(self, request: Request, visitor: Visitor) -> Response:
        """One qualification, and how this worker stands to it."""
        wanted = request.path_params["type"]
        kind, grant, last = await self._service.act(
            lambda context: (
                _kind(context, wanted),
                _grant(context, wanted, visitor.worker),
                _last(context, wanted, visitor.worker),
            ),
            qualification_type=wanted,
        )
        if kind is None:
            return self._pages.trouble(request, visitor, 404, _GONE)
        return self._pages.page(request, visitor, "qualification.html", kind=kind, grant=grant, last=last)

    async def ask(self, request: Request, visitor: Visitor) -> Response:
        """Ask for a qualification without a test."""
        wanted = request.path_params["type"]
        return await self._done(
            request, visitor, lambda context: qualification_requests.ask(context, wanted, visitor.worker),
            f"/qualifications/{wanted}",
        )  # fmt: skip

    async def begin(self, request: Request, visitor: Visitor) -> Response:
        """Begin a test: its time runs from now."""
        wanted = request.path_params["type"]
        return await self._done(
            request, visitor, lambda context: qualification_requests.begin(context, wanted, visitor.worker),
            f"/qualifications/{wanted}/test",
        )  # fmt: skip

    async def _done(
        self, request: Request, visitor: Visitor, action: Callable[[Context], object], then: str
    ) -> Response:
        try:
            await self._service.act(action, qualification_type=request.path_params["type"])
        except WorkerError as error:
            return self._pages.trouble(request, visitor, 409, "This cannot be asked for", error.said)
        return go(then)

    async def test(self, request: Request, visitor: Visitor) -> Response:
        """The test that this worker has begun."""
        wanted = request.path_params["type"]
        kind, last = await self._service.act(
            lambda context: (_kind(context, wanted), _last(context, wanted, visitor.worker)), qualification_type=wanted
        )
        if kind is None:
            return self._pages.trouble(request, visitor, 404, _GONE)
        if last is None or last.status != "Testing" or last.deadline <= self._service.now():
            return go(f"/qualifications/{wanted}")
        origin = self._origins.of_group(kind.id)
        return self._pages.page(
            request, visitor, "test.html", frames=origin, origin=origin, kind=kind, asked=last, sandbox=SANDBOX,
            frame=f"{origin}/test/{last.id}",
        )  # fmt: skip


def _types(*more: Any) -> Any:
    """Qualification types with their requesters' names, and more columns."""
    q = qualification_types.c
    return select(qualification_types, REQUESTER, *more).join(requesters, requesters.c.id == q.requester)


def _kind(context: Context, type_id: str) -> Row[Any] | None:
    q = qualification_types.c
    return context.connection.execute(
        _types().where(q.id == type_id, q.deleted.is_(None))
    ).first()  # fmt: skip


def _grant(context: Context, type_id: str, worker: str) -> Row[Any] | None:
    g = grants.c
    query = select(grants).where(g.type_id == type_id, g.worker == worker, g.status == "Granted")
    return context.connection.execute(query).first()


def _last(context: Context, type_id: str, worker: str) -> Row[Any] | None:
    """The last request, whatever came of it."""
    r = asked.c
    query = select(asked).where(r.type_id == type_id, r.worker == worker).order_by(r.seq.desc()).limit(1)
    return context.connection.execute(query).first()


def _mine(context: Context, worker: str) -> list[Any]:
    """What a worker has, the last first; a revoked one is gone."""
    g, q = grants.c, qualification_types.c
    query = _types(g.value, g.granted).join(grants, g.type_id == q.id)
    query = query.where(g.worker == worker, g.status == "Granted", q.deleted.is_(None))
    return list(context.connection.execute(query.order_by(g.granted.desc(), g.seq.desc())).all())


def _waiting(context: Context, worker: str) -> list[Any]:
    """What a worker has asked for and nobody has decided."""
    r, q = asked.c, qualification_types.c
    query = _types(r.submitted).join(asked, r.type_id == q.id)
    return list(context.connection.execute(query.where(r.worker == worker, r.status == "Open").order_by(r.seq)).all())


def _requestable(context: Context, worker: str, text: str) -> list[Any]:
    """What can be asked for and the worker does not have, by what was searched for."""
    g, q = grants.c, qualification_types.c
    has = select(g.type_id).where(g.worker == worker, g.status == "Granted")
    query = _types().where(q.deleted.is_(None), q.status == "Active", q.id.not_in(has))
    for word in text.lower().split():
        spots = (q.name, q.description, q.requester, func.coalesce(requesters.c.name, ""))
        query = query.where(or_(*(func.lower(spot).contains(word, autoescape=True) for spot in spots)))
    return list(context.connection.execute(query.order_by(q.seq.desc()).limit(_MOST)).all())
