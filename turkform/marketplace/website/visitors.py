"""Who asks: which worker a request of the site comes from.

In a rehearsal anyone can be any worker, so the cookie is that worker's id, and who has none is one visitor to start
with. It carries the port in its name, as browsers keep one set of cookies for all ports of a machine.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from turkform.marketplace.settings import Settings

WORKER_ID: Final = re.compile(r"A[A-Z0-9]{1,63}")
"""CustomerId in the service model of 2017-01-17."""
FIRST: Final = "A1VISITOR"
"""Who a browser is in a rehearsal before it says who it wants to be."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whoever looks at a page: `worker` is the worker's id, or "" before signing in."""

    worker: str = ""


class Visitors:
    """Finds out who asks, and remembers it."""

    def __init__(self, settings: Settings) -> None:
        self._cookie = f"worker-{urlsplit(settings.origins.site).port or 80}"

    def of(self, request: Request) -> Visitor:
        """Who sent this request."""
        given = request.cookies.get(self._cookie, "")
        return Visitor(given if WORKER_ID.fullmatch(given) else FIRST)

    def become(self, response: Response, worker: str) -> None:
        """Make the browser this worker from now on."""
        response.set_cookie(self._cookie, worker, httponly=True, samesite="lax", path="/")
