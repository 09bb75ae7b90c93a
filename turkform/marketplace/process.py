"""The process of a server: its socket, uvicorn, what it announces, and how it ends.

In: a listening socket, the address of a store, settings. Out: nothing, when SIGTERM or SIGINT came, or when
the last control connection of a lingering server was closed.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from turkform.marketplace.app import Application
from turkform.marketplace.control import Control
from turkform.marketplace.courier import Courier
from turkform.marketplace.guard import Guard
from turkform.marketplace.requesters import check_master
from turkform.marketplace.service import Service
from turkform.marketplace.store import Store
from turkform.marketplace.troubled import HANG_UP
from turkform.marketplace.website import site
from turkform.marketplace.website.tasks import Tasks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from turkform.marketplace.faults import Faults
    from turkform.marketplace.sealing import Master
    from turkform.marketplace.settings import Settings


_GRACE = 20
"""Seconds that calls under way have to end."""


class ProcessError(Exception):
    """The server cannot start; the message says why."""


def listen(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """A socket bound to this address; port 0 takes a free one. Sockets of several processes can share one.

    Raises:
        ProcessError: the address is taken, or not ours.
    """
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        raise ProcessError(f"cannot listen on {host}:{port}: {error.strerror}") from None
    return listener


def url_of(listener: socket.socket) -> str:
    """Where a socket listens."""
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def serve_at(
    listener: socket.socket,
    store: str,
    settings: Settings,
    *,
    announce: Callable[[str], None],
    master: Master | None = None,
    faults: Faults | None = None,
    control_file: Path | None = None,
    linger: float | None = None,
    life: int | None = None,
) -> None:
    """Answer requests until told to stop, or until the pipe `life` closes; `announce` is called with the URL.

    Raises:
        StoreError: the store cannot be opened, or is not for this mode.
        SealError: its secrets do not open with this master key.
    """
    database, url = Store(store), url_of(listener)
    server: Server

    def stop() -> None:
        server.should_exit = True
        control.let_go()

    def started() -> None:
        if control_file is not None:
            record = {"url": url, "token": settings.token, "pid": os.getpid(), "store": database.shown}
            _write(control_file, record)
        if life is not None:
            asyncio.get_running_loop().add_reader(life, stop)
        announce(url)

    try:
        database.claim(rehearsal=settings.rehearsal)
        if master is not None:
            with database.transaction() as connection:
                check_master(connection, master)
        service, guard = Service(database, settings, master=master, faults=faults), Guard(settings)
        control = Control(service, guard, linger=linger, stop=stop)
        pages = site.routes(service, guard)
        application = Application(service, guard, site=[*control.routes(), *pages], tasks=Tasks(service).routes())
        config = uvicorn.Config(
            application, log_config=None, log_level="warning", access_log=False, date_header=False,
            server_header=False, http=Connection, timeout_graceful_shutdown=_GRACE, lifespan="off",
        )  # fmt: skip
        server, courier = Server(config, started, control.let_go), Courier(database, settings)
        courier.start()
        # uvicorn raises the signals it took once more when it has ended: then there is still something to put away.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)
        try:
            server.run(sockets=[listener])
        finally:
            courier.stop()
            service.close()
    finally:
        database.close()
        if control_file is not None and _is_ours(control_file):
            control_file.unlink(missing_ok=True)


def _is_ours(control_file: Path) -> bool:
    """Whether the file speaks of this process: the next one may have written its own by now."""
    try:
        return bool(json.loads(control_file.read_text())["pid"] == os.getpid())
    except (OSError, ValueError, KeyError, TypeError):
        return False


class Server(uvicorn.Server):
    """Says when it answers, and when it is about to end."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], None], ending: Callable[[], None]) -> None:
        super().__init__(config)
        self._started, self._ending = started, ending

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer, then say so."""
        await super().startup(sockets)
        self._started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more calls, answer those that came, then end."""
        self._ending()
        await super().shutdown(sockets)


class Connection(HttpToolsProtocol):
    """A connection that can be closed from within a request; faults need it, and nothing in ASGI does it."""

    def on_message_begin(self) -> None:
        """Offer it to the application."""
        super().on_message_begin()
        self.scope["extensions"] = {HANG_UP: self.transport.close}  # type: ignore[dict-item] # an extension of ours


def _write(path: Path, record: dict[str, Any]) -> None:
    """Write the control file whole or not at all, for this user's eyes only."""
    record["started"] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        json.dump(record, file)
    draft.replace(path)
