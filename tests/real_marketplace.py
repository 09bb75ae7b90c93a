"""A marketplace for people, not a rehearsal: workers sign in, and nobody can be somebody else."""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from marketplace_server import STORES, Real, real

from turkform.marketplace import keeper
from turkform.marketplace.origins import Origins
from turkform.marketplace.payments import Fees
from turkform.marketplace.service import Service
from turkform.marketplace.settings import Settings
from turkform.marketplace.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class RealMarketplace:
    """Where workers reach it, and the server behind that."""

    url: str
    server: Real

    def keep(self, word: str, **given: Any) -> dict[str, Any]:
        """One of the keeper's words about workers, said beside the store as the command line says it."""
        database = Store(self.server.store)
        try:
            settings = Settings(rehearsal=False, origins=Origins((self.url,), ""), fees=Fees(0))
            # A thread of its own: where a browser is driven, this one has an event loop already.
            with ThreadPoolExecutor(1) as thread:
                return thread.submit(asyncio.run, keeper.say(Service(database, settings), word, given)).result()
        finally:
            database.close()

    def invitation(self, worker: str) -> str:
        """The path of a new link for a worker."""
        link: str = self.keep("invite", worker=worker)["link"]
        return link.removeprefix(self.url)


@contextmanager
def real_marketplace(folder: Path, kind: str = STORES[0], public_url: str = "") -> Iterator[RealMarketplace]:
    """A marketplace on a new store, reached under this URL or at its own port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = public_url or f"http://127.0.0.1:{port}"
    names = ("--public-url", url, "--tasks-url", f"http://tasks.localhost:{port}")
    with real(folder, "--port", str(port), *names, store=kind) as server:
        yield RealMarketplace(url, server)
