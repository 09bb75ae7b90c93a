"""A marketplace for people, not a rehearsal: workers sign in, and nobody can be somebody else."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from marketplace_server import STORES, store_url

from turkform.marketplace import keeper
from turkform.marketplace.origins import Origins
from turkform.marketplace.payments import Fees
from turkform.marketplace.service import Service
from turkform.marketplace.settings import Settings
from turkform.marketplace.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SERVE = """
import sys
from turkform.marketplace.faults import Faults, Trouble
from turkform.marketplace.origins import Origins
from turkform.marketplace.payments import fees_named
from turkform.marketplace.process import listen, serve_at
from turkform.marketplace.settings import Settings

listener = listen("127.0.0.1", 0)
port = listener.getsockname()[1]
origins = Origins((f"http://127.0.0.1:{port}",), f"http://tasks.localhost:{port}")
settings = Settings(rehearsal=False, origins=origins, fees=fees_named("none"))
serve_at(listener, sys.argv[1], settings, faults=Faults(Trouble.named(())), control_file=None, linger=None,
         announce=lambda url: print("serving", url, flush=True))
"""


@dataclass(frozen=True, slots=True)
class RealMarketplace:
    """Where workers reach it, and where it keeps what it knows."""

    url: str
    store: str

    def keep(self, word: str, **given: Any) -> dict[str, Any]:
        """One of the keeper's words about workers, said beside the store as the command line says it."""
        origins = Origins((self.url,), "")
        database = Store(self.store)
        try:
            service = Service(database, Settings(rehearsal=False, origins=origins, fees=Fees(0)))
            return asyncio.run(keeper.say(service, word, given))
        finally:
            database.close()

    def invitation(self, worker: str) -> str:
        """The path of a new link for a worker."""
        link: str = self.keep("invite", worker=worker)["link"]
        return link.removeprefix(self.url)


@contextmanager
def real_marketplace(folder: Path, kind: str = STORES[0]) -> Iterator[RealMarketplace]:
    """A marketplace on a new store."""
    store = store_url(kind, folder)
    with subprocess.Popen([sys.executable, "-c", _SERVE, store], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("serving "), line
        try:
            yield RealMarketplace(line.split()[1], store)
        finally:
            os.kill(process.pid, signal.SIGTERM)
            process.wait(20)
