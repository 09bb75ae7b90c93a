"""A worker's browser without the browser: cookies, forms, and the Origin that a page's form is sent with."""

from __future__ import annotations

import html
import http.client
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from marketplace_server import Server


@dataclass(frozen=True, slots=True)
class Page:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    source: str

    @property
    def text(self) -> str:
        """Its words, without markup."""
        body = re.sub(r"<(script|style)\b.*?</\1>", " ", self.source, flags=re.DOTALL)
        return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())

    @property
    def place(self) -> str:
        """Where it sends the browser on to."""
        return self.headers.get("location", "")


@dataclass(slots=True)
class Surfer:
    """One browser at one server."""

    url: str
    cookies: dict[str, str] = field(default_factory=dict)
    agent: str = "Mozilla/5.0 (X11; Linux) Firefox/140.0"
    host: str = ""
    """The name under which the server is reached, where that is another than its address."""
    origin: str = ""

    def get(self, path: str) -> Page:
        """Open a page."""
        return self._send("GET", path, None, {})

    def post(self, path: str, **fields: str) -> Page:
        """Send a form of the site's own."""
        return self._send("POST", path, urlencode(fields), {"Origin": self.origin or self.url})

    def follow(self, page: Page) -> Page:
        """Go where a page sends the browser."""
        assert page.status == 303, page.text
        return self.get(page.place)

    def _send(self, method: str, path: str, body: str | None, headers: Mapping[str, str]) -> Page:
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=20)
        sent = {"User-Agent": self.agent, **({"Host": self.host} if self.host else {}), **headers}
        if body is not None:
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        connection.request(method, path, body, sent)
        with connection.getresponse() as answer:
            given = answer.headers.get_all("set-cookie") or []
            named = {name.lower(): value for name, value in answer.headers.items()}
            found = Page(answer.status, named, answer.read().decode("utf-8", "replace"))
        connection.close()
        for cookie in given:
            name, _, rest = cookie.partition("=")
            value = rest.partition(";")[0].strip('"')
            if value:
                self.cookies[name] = value
            else:
                self.cookies.pop(name, None)
        return found


def as_worker(server: Server, worker: str) -> Surfer:
    """A browser that is this worker, in a rehearsal."""
    surfer = Surfer(server.url)
    assert surfer.post("/account/worker", worker=worker).status == 303
    return surfer
