"""Who may talk to which part of the server, decided by a request's headers alone.

In: headers. Out: nothing, or a refusal. A page that rebinds a name to this machine brings the wrong Host, and
what a browser sends for a page carries Origin or Sec-Fetch-Site; clients of the API send neither.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from turkform.marketplace.settings import Settings

MISDIRECTED = 421
FORBIDDEN = 403
_PORTS = {"http": ":80", "https": ":443"}


class RefusedError(Exception):
    """This request may not come in: an HTTP status and a sentence."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


class Guard:
    """The checks of one server."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._names = frozenset(_host(site) for site in settings.origins.sites)

    def group_at(self, host: str) -> str | None:
        """The HIT group whose pages live under this Host, or None."""
        return self._settings.origins.group_at(host)

    def is_site(self, host: str) -> bool:
        """Whether this Host is one of the server's own names."""
        name = host.lower()
        return name in self._names or any(name.removesuffix(port) in self._names for port in _PORTS.values())

    def check_api(self, headers: Mapping[str, str]) -> None:
        """Let clients of the API in. In real mode the signature decides, whatever name a client signed for.

        Raises:
            RefusedError: not one of our names, or sent by a web page.
        """
        if not self._settings.rehearsal:
            return
        if not self.is_site(headers.get("host", "")):
            raise RefusedError(MISDIRECTED, "this is not a name of this server")
        if "origin" in headers or "sec-fetch-site" in headers:
            raise RefusedError(FORBIDDEN, "web pages cannot call this API")

    def check_form(self, headers: Mapping[str, str]) -> None:
        """Let what a page of the site itself sends in. Every browser names a form's origin in a POST.

        Raises:
            RefusedError: another page sent it, or none that says so.
        """
        origin = headers.get("origin", "")
        if origin not in self._settings.origins.sites or headers.get("sec-fetch-site", "same-origin") != "same-origin":
            raise RefusedError(FORBIDDEN, "the form was sent by another page than ours")

    def check_control(self, headers: Mapping[str, str]) -> None:
        """Let the holder of the control token in.

        Raises:
            RefusedError: as `check_api`, or the token is wrong, or there is none because this is no rehearsal.
        """
        self.check_api(headers)
        given = headers.get("authorization", "").removeprefix("Bearer ")
        token = self._settings.token
        if not token or not hmac.compare_digest(given.encode(), token.encode()):
            raise RefusedError(FORBIDDEN, "the control token is wrong")


def _host(origin: str) -> str:
    """An origin as a Host header names it."""
    parts = urlsplit(origin)
    return parts.netloc.lower().removesuffix(_PORTS.get(parts.scheme, ""))
