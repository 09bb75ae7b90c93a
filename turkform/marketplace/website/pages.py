"""Pages of the workers' site: a template's values in, a response with the site's policies out.

The site sends nothing elsewhere and takes nothing from elsewhere; task pages are in frames of other origins. A page
names in its policy which frames it holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from starlette.responses import HTMLResponse, RedirectResponse, Response

from turkform.marketplace.guard import RefusedError
from turkform.marketplace.website.templates import draw

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from turkform.marketplace.guard import Guard
    from turkform.marketplace.service import Service
    from turkform.marketplace.website.visitors import Visitor, Visitors

    Endpoint = Callable[[Request, Visitor], Awaitable[Response]]

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'; frame-src "
)
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Pages:
    """Draws the site's pages, and lets in only what its own pages send."""

    def __init__(self, service: Service, guard: Guard, visitors: Visitors) -> None:
        self.service, self._guard, self._visitors = service, guard, visitors

    def page(
        self, request: Request, visitor: Visitor, name: str, *, status: int = 200, frames: str = "'none'", **values: Any
    ) -> Response:
        """A page around a template; `frames` are the origins of what it frames."""
        about = {"visitor": visitor, "rehearsal": self.service.settings.rehearsal, "path": request.url.path}
        html = draw(name, **about, now=self.service.now(), **values)
        return HTMLResponse(html, status, headers=_HEADERS | {"Content-Security-Policy": _POLICY + frames})

    def trouble(self, request: Request, visitor: Visitor, status: int, title: str, text: str = "") -> Response:
        """A page that says why not."""
        return self.page(request, visitor, "trouble.html", status=status, title=title, text=text)

    def shown(self, endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
        """An endpoint that knows who asks, and refuses forms that other pages send."""

        async def known(request: Request) -> Response:
            visitor = self._visitors.of(request)
            if request.method not in {"GET", "HEAD"}:
                try:
                    self._guard.check_form(request.headers)
                except RefusedError as error:
                    return self.trouble(
                        request, visitor, error.status, "That did not come from this site", error.message
                    )
            return await endpoint(request, visitor)

        return known


def go(where: str) -> Response:
    """Send the browser on, with GET."""
    return RedirectResponse(where, 303, _HEADERS)
