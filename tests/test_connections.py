"""What is known after each way in which an answer can fail to come; the other side is a bare socket."""

from __future__ import annotations

import os
import resource
import socket
import threading
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from turkform.connections import Connections, NoReplyError, NotSentError

if TYPE_CHECKING:
    from collections.abc import Iterator

OK = b"HTTP/1.1 200 OK\r\nX-Amzn-RequestId: r1\r\ncontent-length: 2\r\n\r\n{}"
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"
CONTINUED = b"HTTP/1.1 100 Continue\r\n\r\n" + OK


class Peer:
    """Answers the requests of each connection from a list, then closes it; keeps what it was sent."""

    def __init__(self, *connections: list[bytes]) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.asked: list[bytes] = []
        self.script = connections
        self.closed = [threading.Event() for _ in connections]
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self) -> None:
        for answers, closed in zip(self.script, self.closed, strict=True):
            connection, _ = self.listener.accept()
            with connection:
                for answer in answers:
                    self.asked.append(self.read(connection))
                    connection.sendall(answer)
            closed.set()

    def close(self) -> None:
        """Stop waiting for connections."""
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join(10)
        self.listener.close()

    @staticmethod
    def read(connection: socket.socket) -> bytes:
        """One request: a head, and what follows it to the length that it says."""
        data = b""
        while b"\r\n\r\n" not in data:
            data += connection.recv(65_536)
        head, _, body = data.partition(b"\r\n\r\n")
        lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        length = int(lengths[0].split(b":")[1]) if lengths else 0
        while len(body) < length:
            body += connection.recv(65_536)
        return head + b"\r\n\r\n" + body


@pytest.fixture
def peers() -> Iterator[list[Peer]]:
    found: list[Peer] = []
    yield found
    for peer in found:
        peer.close()


def peer_of(peers: list[Peer], *connections: list[bytes]) -> tuple[Peer, Connections]:
    peer = Peer(*connections)
    peers.append(peer)
    return peer, Connections(peer.url)


@pytest.mark.parametrize("answer", [OK, CHUNKED, CONTINUED], ids=["length", "chunks", "100"])
def test_a_whole_answer_is_read_and_its_connection_used_again(peers: list[Peer], answer: bytes) -> None:
    peer, connections = peer_of(peers, [answer, OK])
    assert connections.post({"host": connections.host}, b"one").body == b"{}"
    second = connections.post({"host": connections.host}, b"two")
    assert (second.status, second.headers["x-amzn-requestid"], second.body) == (200, "r1", b"{}")
    assert [request.rpartition(b"\r\n\r\n")[2] for request in peer.asked] == [b"one", b"two"]


def test_an_answer_without_a_length_ends_with_its_connection(peers: list[Peer]) -> None:
    _, connections = peer_of(peers, [b"HTTP/1.1 200 OK\r\n\r\n{}"], [OK])
    assert connections.post({}, b"").body == b"{}"
    assert connections.post({}, b"").status == 200


def test_a_kept_connection_that_the_other_side_closed_is_not_sent_on(peers: list[Peer]) -> None:
    peer, connections = peer_of(peers, [OK], [OK])
    connections.post({}, b"one")
    assert peer.closed[0].wait(10)
    assert connections.post({}, b"two").status == 200


def test_a_connection_beyond_a_thousand_open_files_is_used_again(peers: list[Peer]) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert hard == resource.RLIM_INFINITY or hard > 1_100
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 1_100) if soft != resource.RLIM_INFINITY else soft, hard))
    peer, connections = peer_of(peers, [OK, OK])
    with ExitStack() as files:
        while files.enter_context(Path(os.devnull).open("rb")).fileno() < 1_024:
            pass
        connections.post({}, b"one")
        connections.post({}, b"two")
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert len(peer.asked) == 2


@pytest.mark.parametrize(
    "answer", [b"", OK[:-1], b"HTTP/1.1 2", b"nonsense\r\n\r\n"], ids=["none", "half", "cut", "no"]
)
def test_a_request_without_a_whole_answer_may_have_been_done(peers: list[Peer], answer: bytes) -> None:
    _, connections = peer_of(peers, [answer], [OK])
    with pytest.raises(NoReplyError):
        connections.post({}, b"")
    assert connections.post({}, b"").status == 200


def test_a_request_that_found_no_connection_did_not_leave() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    with pytest.raises(NotSentError):
        Connections(url).post({}, b"")


@pytest.mark.parametrize(
    ("url", "host", "path"),
    [
        ("http://127.0.0.1:8750", "127.0.0.1:8750", "/"),
        ("http://localhost:80/mturk", "localhost", "/mturk"),
        ("http://[::1]:8750/", "[::1]:8750", "/"),
    ],
)
def test_the_host_is_named_as_it_is_signed(url: str, host: str, path: str) -> None:
    connections = Connections(url)
    assert (connections.host, connections.path) == (host, path)


def test_https_goes_through_the_proxy_of_the_environment(peers: list[Peer], monkeypatch: pytest.MonkeyPatch) -> None:
    peer, _ = peer_of(peers, [b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"])
    monkeypatch.setenv("HTTPS_PROXY", peer.url.replace("//", "//me:se%40cret@"))
    monkeypatch.setenv("NO_PROXY", "")
    with pytest.raises(NotSentError, match="407"):
        Connections("https://tasks.example.org").post({}, b"")
    head = b"CONNECT tasks.example.org:443 HTTP/1.1\r\nhost: tasks.example.org:443\r\n"
    assert peer.asked == [head + b"proxy-authorization: Basic bWU6c2VAY3JldA==\r\n\r\n"]
