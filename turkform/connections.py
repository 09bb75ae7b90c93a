"""Kept connections to one endpoint: a request out, its answer in, and what is known where none came.

In: headers and a body. Out: a `Reply`. A connection serves one request at a time and is kept for the
next one; there are never more than threads that ask at once. Nothing is ever sent twice from here: whoever
asks knows whether a second time would do harm.
"""

from __future__ import annotations

import select
import socket
import ssl
import weakref
from base64 import b64encode
from collections import deque
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import httptools

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_CONNECTING = 10.0
_READING = 60.0
"""Seconds to wait for a connection, and for the next bytes of an answer."""
_CHUNK = 1 << 16


class NotSentError(OSError):
    """There was no connection: the request did not leave this machine."""


class NoReplyError(OSError):
    """The request left, and no whole answer came back: whatever it asks for may have been done."""


class Reply(NamedTuple):
    """An answer; the names of its headers are in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Connections:
    """Connections to one URL. Safe to share between threads.

    Where the URL is https, `trust` is asked for the certificates to trust, and the environment for a proxy
    (`HTTPS_PROXY`, `NO_PROXY`).
    """

    def __init__(self, url: str, trust: Callable[[], ssl.SSLContext] = ssl.create_default_context) -> None:
        parts = urlsplit(url)
        self._secure = parts.scheme == "https"
        self._at = (parts.hostname or "", parts.port or (443 if self._secure else 80))
        self.host = parts.netloc.rpartition("@")[2].removesuffix(f":{443 if self._secure else 80}")
        """As the Host header says it."""
        self.path = parts.path or "/"
        self._trust = trust() if self._secure else None
        self._proxy = _proxy(self._at[0]) if self._secure else None
        self._free: deque[_Connection] = deque()
        weakref.finalize(self, _close, self._free)

    def post(self, headers: Mapping[str, str], body: bytes) -> Reply:
        """Send one request and read its answer.

        Raises:
            NotSentError: no connection could be had.
            NoReplyError: it was sent, in part at least, and no whole answer came.
        """
        lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
        head = f"POST {self.path} HTTP/1.1\r\n{lines}content-length: {len(body)}\r\n\r\n"
        connection = self._take()
        try:
            reply = connection.ask(head.encode("latin-1") + body)
        except (OSError, httptools.HttpParserError) as error:
            connection.close()
            raise NoReplyError(str(error) or type(error).__name__) from error
        except BaseException:
            connection.close()
            raise
        if connection.lasting:
            self._free.append(connection)
        else:
            connection.close()
        return reply

    def _take(self) -> _Connection:
        """The connection used last that is still good, or a new one."""
        while True:
            try:
                kept = self._free.pop()
            except IndexError:
                break
            if kept.fresh():
                return kept
            kept.close()
        try:
            return _Connection(self._open())
        except (OSError, httptools.HttpParserError) as error:
            raise NotSentError(str(error) or type(error).__name__) from error

    def _open(self) -> socket.socket:
        opened = socket.create_connection(self._proxy.at if self._proxy else self._at, _CONNECTING)
        try:
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._proxy:
                self._proxy.tunnel(opened, *self._at)
            if self._trust:
                opened = self._trust.wrap_socket(opened, server_hostname=self._at[0])
            opened.settimeout(_READING)
        except BaseException:
            opened.close()
            raise
        return opened


def _close(kept: deque[_Connection]) -> None:
    """What is kept goes with its keeper; nobody has to say so."""
    while kept:
        kept.pop().close()


class _Connection:
    """One connection, and the parser of the answer under way, which tells it what it reads."""

    __slots__ = ("_begun", "_body", "_ended", "_headers", "_parser", "_socket", "_tunnel", "lasting")

    def __init__(self, opened: socket.socket) -> None:
        self._socket = opened
        self.lasting = False
        """Whether it may serve another request."""

    def fresh(self) -> bool:
        """Whether the other side has left it open; one that it closed is readable."""
        watch = select.poll()  # select itself knows no descriptor above 1,023
        watch.register(self._socket, select.POLLIN)
        return not watch.poll(0)

    def ask(self, request: bytes, *, tunnel: bool = False) -> Reply:
        """Send a request and read its answer; that to a request for a `tunnel` has no body."""
        self._tunnel = tunnel
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._begun = self._ended = self.lasting = False
        self._parser = httptools.HttpResponseParser(self)
        try:
            self._socket.sendall(request)
            while not self._ended:
                data = self._socket.recv(_CHUNK)
                if not data:
                    self._stop_short()
                    break
                self._parser.feed_data(data)
            return Reply(self._parser.get_status_code(), self._headers, b"".join(self._body))
        finally:
            del self._parser  # the two hold each other, and a socket should not have to wait for that to be noticed

    def close(self) -> None:
        """Let it go."""
        self._socket.close()

    def _stop_short(self) -> None:
        """The end of the connection ends an answer that says nothing of its own length, and no other."""
        if not self._begun or {"content-length", "transfer-encoding"} & self._headers.keys():
            raise ConnectionError("the connection was closed before the answer was whole")

    # what the parser calls

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self._begun, self._ended = True, self._tunnel

    def on_body(self, part: bytes) -> None:
        self._body.append(part)

    def on_message_complete(self) -> None:
        self._ended = self._parser.get_status_code() >= 200
        self.lasting = self._parser.should_keep_alive()


class _Proxy(NamedTuple):
    """Where the proxy is, and what it wants to be shown."""

    at: tuple[str, int]
    authorization: str

    def tunnel(self, opened: socket.socket, host: str, port: int) -> None:
        """Ask it to pass on what is sent from now on."""
        lines = f"CONNECT {host}:{port} HTTP/1.1\r\nhost: {host}:{port}\r\n"
        if self.authorization:
            lines += f"proxy-authorization: {self.authorization}\r\n"
        reply = _Connection(opened).ask(f"{lines}\r\n".encode("latin-1"), tunnel=True)
        if reply.status != 200:
            raise ConnectionError(f"the proxy {self.at[0]}:{self.at[1]} answered {reply.status}")


def _proxy(host: str) -> _Proxy | None:
    url = getproxies().get("https")
    if not url or proxy_bypass(host):
        return None
    parts = urlsplit(url if "://" in url else f"http://{url}")
    login = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    authorization = f"Basic {b64encode(login.encode()).decode()}" if parts.username else ""
    return _Proxy((parts.hostname or "", parts.port or 8080), authorization)
