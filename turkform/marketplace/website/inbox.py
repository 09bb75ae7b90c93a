"""The inbox: messages from requesters, and from the marketplace about them. Opening it marks all as read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select, update
from starlette.routing import Route

from turkform.marketplace.store import insert_missing
from turkform.marketplace.tables import messages, readers, requesters
from turkform.marketplace.website.market import REQUESTER

if TYPE_CHECKING:
    from sqlalchemy import Row
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from turkform.marketplace.context import Context
    from turkform.marketplace.website.pages import Pages
    from turkform.marketplace.website.visitors import Visitor

_ON_A_PAGE: Final = 25


class Inbox:
    """The routes of the inbox."""

    def __init__(self, pages: Pages) -> None:
        self._pages, self._service = pages, pages.service

    def routes(self) -> list[BaseRoute]:
        """Every route."""
        return [Route("/inbox", self._pages.shown(self.inbox))]

    async def inbox(self, request: Request, visitor: Visitor) -> Response:
        """A page of messages, the last first."""
        given = request.query_params.get("before", "")
        before = int(given) if re.fullmatch(r"[0-9]{1,18}", given) else 0

        def look(context: Context) -> tuple[list[Row[Any]], int]:
            m = messages.c
            query = select(messages, REQUESTER).join(requesters, requesters.c.id == m.requester)
            query = query.where(m.worker == visitor.worker).order_by(m.seq.desc()).limit(_ON_A_PAGE + 1)
            rows = list(context.connection.execute(query.where(m.seq < before) if before else query).all())
            return rows, _read(context, visitor.worker, rows[0].seq if rows else 0)

        rows, read = await self._service.act(look)
        shown = rows[:_ON_A_PAGE]
        more = shown[-1].seq if len(rows) > _ON_A_PAGE else 0
        return self._pages.page(request, visitor, "inbox.html", messages=shown, more=more, read=read, first=not before)


def _read(context: Context, worker: str, newest: int) -> int:
    """Remember the newest message that was shown; return which it was before."""
    r = readers.c
    insert_missing(context.connection, readers, {"worker": worker, "seen": 0})
    before = int(context.connection.execute(select(r.seen).where(r.worker == worker)).scalar_one())
    context.connection.execute(update(readers).where(r.worker == worker, r.seen < newest).values(seen=newest))
    return before
