"""Pages of the workers' site: a template's values in, a response with the site's policies out.

The site sends nothing elsewhere and takes nothing from elsewhere; task pages are in frames of other origins. A page
names in its policy which frames it holds.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

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
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'; frame-src "
)
_NUL: Final = "%00"
"""PostgreSQL has no text with this character in it."""
_LOCAL: Final = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]*")
"""A path of this site. Browsers read two slashes, or a backslash for one, as another host, and skip white space."""
_MOST_FIELDS: Final = 1000
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
        headers = _HEADERS | {"Content-Security-Policy": _POLICY + frames}
        if self.service.settings.origins.secure:
            headers["Strict-Transport-Security"] = "max-age=31536000"
        return HTMLResponse(html, status, headers=headers)

    def trouble(self, request: Request, visitor: Visitor, status: int, title: str, text: str = "") -> Response:
        """A page that says why not."""
        return self.page(request, visitor, "said.html", status=status, title=title, text=text)

    async def nothing(self, request: Request, visitor: Visitor) -> Response:
        """The page for an address that has none."""
        return self.trouble(request, visitor, 404, "There is no such page", "The address may be old, or not whole.")

    def shown(self, endpoint: Endpoint, *, everybody: bool = False) -> Callable[[Request], Awaitable[Response]]:
        """An endpoint that knows who asks, and refuses forms that other pages send.

        Who is not signed in is sent to do so first, unless the page is for `everybody`.
        """

        async def known(request: Request) -> Response:
            if "\0" in request.url.path or _NUL in request.url.query:
                return HTMLResponse("This address cannot be read.", 400, headers=_HEADERS)
            visitor = await self._visitors.of(request)
            if request.method not in {"GET", "HEAD"}:
                try:
                    self._guard.check_form(request.headers)
                except RefusedError as error:
                    return self.trouble(
                        request, visitor, error.status, "That did not come from this site", error.message
                    )
            if not visitor.worker and not everybody:
                return go(_door(request))
            return await endpoint(request, visitor)

        return known


def _door(request: Request) -> str:
    """Where to sign in, and be led back from to the page that was wanted."""
    path, query = request.url.path, request.url.query
    wanted = f"{path}?{query}" if query else path
    return "/sign-in" if request.method != "GET" or wanted == "/" else f"/sign-in?{urlencode({'next': wanted})}"


def wanted(request: Request) -> str:
    """The page that somebody wanted before signing in; the first one, where `next` is none of this site's."""
    found = request.query_params.get("next", "")
    return found if _LOCAL.fullmatch(found) else "/"


def go(where: str) -> Response:
    """Send the browser on, with GET."""
    return RedirectResponse(where, 303, _HEADERS)


async def fields(request: Request) -> dict[str, str]:
    """What a form of ours holds: one text a field."""
    async with request.form(max_fields=_MOST_FIELDS, max_files=0) as form:
        return {name: value.replace("\0", "") for name, value in form.items() if isinstance(value, str)}
