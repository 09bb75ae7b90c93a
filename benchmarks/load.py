"""A load generator that is not the bottleneck: signed requests made beforehand, raw sockets, one thread.

In: whole HTTP requests as bytes, an address, how many connections. Out: how long it took, what came back, and how
much of the time the generator itself was busy. Each connection sends its next request when the last was answered.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(slots=True)
class Load:
    """What a run was like; `seconds` by the wall, `busy` of the generator's own processor time."""

    seconds: float = 0.0
    busy: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)

    @property
    def rate(self) -> float:
        """Answers a second."""
        return sum(self.statuses.values()) / self.seconds


def signed(
    url: str, target: str, version: str, service: str, bodies: Iterable[bytes], key: tuple[str, str]
) -> list[bytes]:
    """Requests as boto3 sends them, each with its own SigV4 signature."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    signer = SigV4Auth(Credentials(*key), service, "us-east-1")
    host, found = urlsplit(url).netloc, []
    for body in bodies:
        headers = {"X-Amz-Target": target, "Content-Type": f"application/x-amz-json-{version}", "Host": host}
        request = AWSRequest("POST", url + "/", headers, body)
        signer.add_auth(request)
        lines = [f"{name}: {value}" for name, value in request.headers.items()]
        head = "\r\n".join(["POST / HTTP/1.1", *lines, f"Content-Length: {len(body)}", "", ""])
        found.append(head.encode() + body)
    return found


class _Link:
    """One connection, renewed when the server closes it, and the answer it is waiting for."""

    def __init__(self, address: tuple[str, int], selector: selectors.BaseSelector) -> None:
        self._address, self._selector = address, selector
        self._socket: socket.socket | None = None
        self._received = b""

    def send(self, request: bytes) -> None:
        """Send a request."""
        if self._socket is None:
            self._socket = socket.create_connection(self._address)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._selector.register(self._socket, selectors.EVENT_READ, self)
        self._socket.sendall(request)

    def answered(self) -> int | None:
        """The status, once the whole answer is here."""
        assert self._socket is not None
        part = self._socket.recv(262_144)
        if not part:
            raise ConnectionError("the server closed the connection before it answered")
        self._received += part
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found:
            return None
        fields = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:])
        if len(body) < int(fields[b"content-length"]):
            return None
        self._received = b""
        if fields.get(b"connection") == b"close":
            self.close()
        return int(head[9:12])

    def close(self) -> None:
        """Hang up."""
        if self._socket is not None:
            self._selector.unregister(self._socket)
            self._socket.close()
            self._socket = None


def run(url: str, requests: Iterable[bytes], connections: int = 64) -> Load:
    """Send all of them, and wait for every answer."""
    parts, load = urlsplit(url), Load()
    todo = iter(requests)
    selector = selectors.DefaultSelector()
    links = [_Link((parts.hostname or "", parts.port or 80), selector) for _ in range(connections)]
    begun, busy, waiting = time.perf_counter(), time.process_time(), 0
    for link, request in zip(links, todo, strict=False):
        link.send(request)
        waiting += 1
    while waiting:
        for key, _ in selector.select():
            link = key.data
            status = link.answered()
            if status is None:
                continue
            load.statuses[status] += 1
            following = next(todo, None)
            if following is None:
                waiting -= 1
            else:
                link.send(following)
    load.seconds, load.busy = time.perf_counter() - begun, time.process_time() - busy
    for link in links:
        link.close()
    selector.close()
    return load
