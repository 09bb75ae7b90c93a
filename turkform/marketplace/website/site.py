"""The workers' site: every route under the server's own names, API, health and control apart."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

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
    folder = resources.files(__package__).joinpath("static")
    return [Mount("/static", StaticFiles(directory=str(folder)), name="static")]
