"""Who asks: which worker a request of the site comes from, and how a browser is told to say so.

In a rehearsal anyone can be any worker, so the cookie is that worker's id, and who has none is one visitor to start
with. Otherwise the cookie holds a session's secret; the store knows its digest. On loopback the cookie has the port in
its name, as browsers keep one set of cookies for all ports of a machine; elsewhere it is `__Host-` and kept to TLS.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from turkform.marketplace import accounts
from turkform.marketplace.website import market

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from turkform.marketplace.context import Context
    from turkform.marketplace.service import Service

FIRST: Final = "A1VISITOR"
"""Who a browser is in a rehearsal before it says who it wants to be."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whoever looks at a page: `worker` is the worker's id, or "" before signing in; `session` that of the browser."""

    worker: str = ""
    session: str = ""
    unread: int = 0
    """Messages that wait in the inbox."""


class Visitors:
    """Finds out who asks, and remembers it."""

    def __init__(self, service: Service) -> None:
        self._service = service
        origins = service.settings.origins
        self._secure = origins.secure
        self._cookie = "__Host-session" if origins.secure else f"session-{urlsplit(origins.site).port or 80}"

    async def of(self, request: Request) -> Visitor:
        """Who sent this request."""
        given = request.cookies.get(self._cookie, "")
        return await self._service.act(lambda context: self._known(context, given))

    def _known(self, context: Context, given: str) -> Visitor:
        if self._service.settings.rehearsal:
            worker, session = given if accounts.WORKER_ID.fullmatch(given) else FIRST, ""
        else:
            row = accounts.session(context.connection, given, context.now) if given else None
            if row is None:
                return Visitor()
            worker, session = row.worker, row.digest
        return Visitor(worker, session, market.unread(context, worker))

    async def sign_in(self, request: Request, response: Response, worker: str) -> None:
        """Make the browser this worker from now on."""
        browser = request.headers.get("user-agent", "")

        def begin(context: Context) -> str:
            return accounts.begin_session(context.connection, worker, context.now, browser)

        value = worker if self._service.settings.rehearsal else await self._service.act(begin)
        response.set_cookie(self._cookie, value, max_age=int(accounts.SESSION_LIFE), **self._manners())

    async def sign_out(self, response: Response, visitor: Visitor) -> None:
        """Make the browser nobody's, and its session worthless."""
        if visitor.session:
            await self._service.act(
                lambda c: accounts.end_session(c.connection, visitor.worker, visitor.session)
            )  # fmt: skip
        response.delete_cookie(self._cookie, **self._manners())

    def _manners(self) -> dict[str, Any]:
        """No script reads the cookie, no other site's page sends it with a form."""
        return {"path": "/", "secure": self._secure, "httponly": True, "samesite": "lax"}
