"""Browse: the groups of tasks that a worker may see, and one group with what it asks for."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any, Final

from starlette.routing import Route

from turkform.marketplace.requirements import Candidate
from turkform.marketplace.website import market
from turkform.marketplace.website.conditions import conditions
from turkform.marketplace.website.market import Offer

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from turkform.marketplace.context import Context
    from turkform.marketplace.website.pages import Pages
    from turkform.marketplace.website.visitors import Visitor

_ON_A_PAGE: Final = 20
_FRESH: Final = 1.0
"""Seconds for which the plain list is good."""
_SORTS: Final = {"newest": "newest first", "reward": "best paid", "quick": "quickest", "tasks": "most tasks"}


class Browse:
    """The routes of the list."""

    def __init__(self, pages: Pages) -> None:
        self._pages, self._service = pages, pages.service
        self._plain: dict[str, tuple[float, list[Any]]] = {}

    def routes(self) -> list[BaseRoute]:
        """Every route."""
        return [Route("/", self._pages.shown(self.groups))]

    async def groups(self, request: Request, visitor: Visitor) -> Response:
        """The list of groups, as it was asked for."""
        asked = request.query_params
        sort = asked.get("sort", "")
        wish = market.Wish(
            asked.get("q", "").strip(), _cents(asked.get("pay", "")), sort if sort in _SORTS else "newest"
        )
        mine = asked.get("mine", "") == "1"

        rows = await self._groups(wish)

        def look(context: Context) -> list[Offer]:
            blocked, candidate = market.blocking(context, visitor.worker), Candidate(context, visitor.worker)
            return [
                Offer(row, conditions(context, candidate, row.requirements), row.requester in blocked)
                for row in market.visible(candidate, rows)
            ]

        offers = [offer for offer in await self._service.act(look) if offer.qualifies or not mine]
        start = _whole(asked.get("from", ""))
        return self._pages.page(
            request, visitor, "browse.html", offers=offers[start : start + _ON_A_PAGE], found=len(offers), start=start,
            step=_ON_A_PAGE, wish=wish, mine=mine, sorts=_SORTS, asked={**asked},
        )  # fmt: skip

    async def _groups(self, wish: market.Wish) -> list[Any]:
        """The groups of a wish; those of the plain list, which everybody opens, are read once a second.

        In a rehearsal they are read each time: its clock can be moved by days within that second.
        """
        if wish.text or wish.reward or self._service.settings.rehearsal:
            return await self._service.act(lambda context: market.groups(context, wish))
        read, rows = self._plain.get(wish.sort, (-_FRESH, []))
        if time.monotonic() >= read + _FRESH:
            rows = await self._service.act(lambda context: market.groups(context, wish))
            self._plain[wish.sort] = time.monotonic(), rows
        return rows


def _cents(dollars: str) -> int:
    """A smallest reward as somebody typed it; anything else than an amount asks for nothing."""
    parts = re.fullmatch(r"\s*\$?\s*([0-9]{1,5})(?:[.,]([0-9]{1,2}))?\s*", dollars)
    return int(parts[1]) * 100 + int((parts[2] or "").ljust(2, "0")) if parts else 0


def _whole(number: str) -> int:
    return int(number) if re.fullmatch(r"[0-9]{1,6}", number) else 0
