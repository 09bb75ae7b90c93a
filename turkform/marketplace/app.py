"""The application: which part of the server answers a request, chosen by its Host.

    a name of ours     POST /          the API
                       /health         whether the store answers
                       /control/...    `control`, in rehearsal
                       anything else   the workers' site
    a group's name     that group's task pages, nothing else
    any other name     421; in real mode POST / still reaches the API, whose signature covers the name

In: a `Service`, its `Settings`, the routes of site and task pages. Out: an ASGI application.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from turkform.marketplace.api import Api
from turkform.marketplace.guard import MISDIRECTED
from turkform.marketplace.troubled import Troubled
from turkform.marketplace.website.limits import Limited

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp, Receive, Scope, Send

    from turkform.marketplace.guard import Guard
    from turkform.marketplace.service import Service

_LIMITED = [Middleware(Limited)]
_MISDIRECTED = PlainTextResponse("This server has no such name.\n", MISDIRECTED)


class Application:
    """Everything a server answers. `site` is mounted under the server's own names, `tasks` under the groups'."""

    def __init__(
        self, service: Service, guard: Guard, *, site: Sequence[BaseRoute] = (), tasks: Sequence[BaseRoute] = ()
    ) -> None:
        self._service, self._guard = service, guard
        self._api: ASGIApp = Troubled(Api(service, guard), service.faults)
        self._site: ASGIApp = Starlette(routes=[Route("/health", self._health), *site], middleware=_LIMITED)
        self._tasks: ASGIApp = Starlette(routes=[*tasks], middleware=_LIMITED)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self._part(scope)(scope, receive, send)

    def _part(self, scope: Scope) -> ASGIApp:
        host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
        if self._guard.group_at(host) is not None:
            return self._tasks
        if scope["path"] == "/" and scope["method"] == "POST":
            return self._api
        if self._guard.is_site(host) or scope["path"] == "/health":
            return self._site
        return _MISDIRECTED

    async def _health(self, _: Request) -> Response:
        """Whether the store answers."""
        try:
            await self._service.ping()
        except SQLAlchemyError:
            return JSONResponse({"status": "the store does not answer"}, 503)
        return JSONResponse({"status": "ok"})
