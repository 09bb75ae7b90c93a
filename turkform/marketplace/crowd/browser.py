"""A browser without its window: HTTP, cookies, forms, redirects, and the Origin that a page's form is sent with.

In: addresses, and fields of forms. Out: pages. Names below `localhost` are this machine, as browsers have it, whatever
the machine's resolver says of them.
"""

from __future__ import annotations

import http.client
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode, urljoin, urlsplit

from lxml import html

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_SECONDS: Final = 60
"""So long a browser waits for an answer."""
_IDLE: Final = 2.0
_MOST_REDIRECTS: Final = 5
_REDIRECTS: Final = {301, 302, 303, 307, 308}


class BrowserError(Exception):
    """A server that does not answer, or not in HTTP; the message says which."""


@dataclass(frozen=True, slots=True)
class Page:
    """What an address answered, after every redirect."""

    url: str
    status: int
    source: str

    def document(self) -> Any:
        """Its elements, as a browser would make them of it."""
        return html.document_fromstring(self.source.strip() or "<html></html>", parser=html.HTMLParser(encoding=None))


@dataclass(slots=True)
class Network:
    """Connections that are kept open; for one thread. `seen` is told of every answer: path, status, seconds."""

    seen: Callable[[str, int, float], None] | None = None
    _open: dict[tuple[str, str], tuple[http.client.HTTPConnection, float]] = field(default_factory=dict)

    def send(self, method: str, url: str, body: str | None, headers: dict[str, str]) -> tuple[int, Any, bytes]:
        """One request: status, headers, body.

        Raises:
            BrowserError: no answer came.
        """
        parts = urlsplit(url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        key = (parts.scheme, parts.netloc)
        began = time.perf_counter()
        for last in (False, True):
            connection, kept = self._connection(key, url)
            try:
                connection.request(method, path, body, headers | {"Host": parts.netloc})
                with connection.getresponse() as answer:
                    found = answer.status, answer.headers, answer.read()
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                # A connection that was kept may have been closed meanwhile; nothing was asked on it then.
                if last or not kept or not isinstance(error, ConnectionError):
                    raise BrowserError(f"{parts.scheme}://{parts.netloc} does not answer: {error}") from None
                continue
            self._open[key] = connection, time.monotonic()
            if self.seen is not None:
                self.seen(parts.path, found[0], time.perf_counter() - began)
            return found
        raise AssertionError  # the loop returns or raises

    def _connection(self, key: tuple[str, str], url: str) -> tuple[http.client.HTTPConnection, bool]:
        """A connection, and whether it was kept; servers close what is idle, so what was idle long is not used."""
        kept, last = self._open.pop(key, (None, 0.0))
        if kept is not None and time.monotonic() - last < _IDLE:
            return kept, True
        if kept is not None:
            kept.close()
        return _connection(url), False

    def close(self) -> None:
        """Let go of every connection."""
        for connection, _ in self._open.values():
            connection.close()
        self._open.clear()


@dataclass(slots=True)
class Browser:
    """One person's browser, at the site of a marketplace; `site` is its origin. Only the site gets cookies."""

    site: str
    network: Network
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, url: str) -> Page:
        """Open a page."""
        return self._visit("GET", urljoin(self.site, url), None, "")

    def post(self, url: str, fields: Sequence[tuple[str, str]] = ()) -> Page:
        """Send a form that stands on a page of the same origin."""
        address = urljoin(self.site, url)
        parts = urlsplit(address)
        return self._visit("POST", address, urlencode(fields), f"{parts.scheme}://{parts.netloc}")

    def _visit(self, method: str, url: str, body: str | None, origin: str) -> Page:
        for _ in range(_MOST_REDIRECTS):
            status, headers, content = self.network.send(method, url, body, self._headers(url, body, origin))
            self._remember(url, headers)
            if status not in _REDIRECTS or not headers.get("Location"):
                return Page(url, status, content.decode(headers.get_content_charset("utf-8"), "replace"))
            if status in {301, 302, 303}:
                method, body, origin = "GET", None, ""
            url = urljoin(url, headers["Location"])
        raise BrowserError(f"{url} is one redirect too many")

    def _headers(self, url: str, body: str | None, origin: str) -> dict[str, str]:
        headers = {"User-Agent": "turkform crowd", "Accept": "text/html"}
        if body is not None:
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": origin}
        if self.cookies and self._at_site(url):
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return headers

    def _remember(self, url: str, headers: Any) -> None:
        if not self._at_site(url):
            return
        for cookie in headers.get_all("Set-Cookie") or []:
            name, _, rest = cookie.partition("=")
            self.cookies[name] = rest.partition(";")[0].strip('"')

    def _at_site(self, url: str) -> bool:
        return urlsplit(url).netloc == urlsplit(self.site).netloc


def _connection(url: str) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    name = parts.hostname or ""
    host = "127.0.0.1" if name.endswith(".localhost") else name
    try:
        if parts.scheme == "https":
            return http.client.HTTPSConnection(host, parts.port, timeout=_SECONDS)
        return http.client.HTTPConnection(host, parts.port, timeout=_SECONDS)
    except (ValueError, http.client.HTTPException) as error:
        raise BrowserError(f"{url} is no address: {error}") from None
