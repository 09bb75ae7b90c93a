"""The workers' site: every route under the server's own names, API, health and control apart."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING, Any

from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from turkform.marketplace.website.browse import Browse
from turkform.marketplace.website.entry import Entry
from turkform.marketplace.website.history import History
from turkform.marketplace.website.inbox import Inbox
from turkform.marketplace.website.pages import Pages
from turkform.marketplace.website.qualifications import Qualifications
from turkform.marketplace.website.visitors import Visitors
from turkform.marketplace.website.work import Work

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from turkform.marketplace.guard import Guard
    from turkform.marketplace.service import Service


def routes(service: Service, guard: Guard) -> list[BaseRoute]:
    """Every route of the site."""
    visitors = Visitors(service)
    pages = Pages(service, guard, visitors)
    parts = (
        Browse(pages), Work(pages), History(pages), Qualifications(pages), Inbox(pages), Entry(pages, visitors),
    )  # fmt: skip
    rest = Route("/{rest:path}", pages.shown(pages.nothing, everybody=True))
    return [*(route for part in parts for route in part.routes()), *_static(), rest]


def _static() -> list[BaseRoute]:
    return [Mount("/static", _Files(directory=str(resources.files(__package__).joinpath("static"))), name="static")]


class _Files(StaticFiles):
    """Files that are asked about before a copy is used, so that an upgrade shows at once."""

    def file_response(self, *given: Any, **named: Any) -> Response:
        """Answer with a file, or that it is as it was."""
        response = super().file_response(*given, **named)
        response.headers.update({"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"})
        return response
