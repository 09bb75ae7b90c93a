"""The journal's database: its tables, how it is opened, and what its errors mean to a person.

In: a path (SQLite) or a PostgreSQL URL. Out: a `Ledger`, which gives connections for reading and for
writing. The tables are the same on both; every row carries the id of its journal, because a PostgreSQL
database holds many. Money is whole cents. Times are whole milliseconds since 1970 in UTC, since SQLite
has no type for them and integers sort and subtract. No row is ever deleted. Migrations go forward only.

    calls       what was sent; `outcome` is NULL until one is learned, `settled` until it is known for good
    runs        who ran what; `ended` is NULL for a run that was killed.
    rekeys      the key under which a HIT is known from now on
    adoptions   HITs that are ours though no call here made them
    plans       saved plans, each usable once
    lease       who may write, under which epoch
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    Executable,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    create_engine,
    event,
    func,
    insert,
    inspect,
    literal_column,
    select,
    text,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from turkform.errors import TurkformError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sqlalchemy import URL

VERSION = 1
"""Of the tables; a database with a higher one was written by a newer turkform."""
MIGRATIONS: dict[int, Callable[[Connection], None]] = {}
"""Version → what brings the tables there from the version before."""
BUSY = 10.0
"""Seconds to wait for another process's commit, which takes milliseconds."""
_POLL = 20
"""Milliseconds after which SQLite's own waiting starts again from short pauses. Its pauses grow to 100 ms and
would seldom meet the gaps between the commits of a busy run, which `close` has to stop at once."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_METADATA = MetaData()
_BYTEWISE = Text().with_variant(Text(collation="C"), "postgresql")
"""Sorted as Python sorts, so that sorted streams can be merged."""
_CORE = {"migrations", "meta", "calls"}
"""Tables that a journal of any version has."""


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False, default="")


def _whole(name: str, *, null: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=null)


migrations = Table(
    "migrations", _METADATA, Column("version", Integer, primary_key=True, autoincrement=False), _whole("applied")
)
meta = Table(
    "meta",
    _METADATA,
    Column("journal", Text, primary_key=True),
    _text("record_id"),
    _text("campaign"),
    _text("environment"),
    _text("endpoint"),
    _whole("created"),
)
calls = Table(
    "calls",
    _METADATA,
    Column("journal", Text, primary_key=True),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    _whole("run"),
    _whole("epoch"),
    _text("address"),
    _text("key"),
    _text("operation"),
    _text("digest"),
    _text("token"),
    _whole("endpoint_time"),
    _whole("local_time"),
    _whole("price"),
    _text("detail"),
    Column("outcome", Text),
    _whole("settled", null=True),
    Column("object_id", _BYTEWISE, nullable=False, default=""),
    _text("request_id"),
    _text("error"),
)
runs = Table(
    "runs",
    _METADATA,
    Column("journal", Text, primary_key=True),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    _whole("epoch"),
    _text("command"),
    _text("user"),
    _text("host"),
    _text("commit"),
    _text("environment"),
    _text("plan_digest"),
    _text("intent"),
    _whole("begun"),
    _whole("local_begun"),
    _whole("ended", null=True),
    Column("exit_code", Integer),
)
rekeys = Table(
    "rekeys",
    _METADATA,
    Column("journal", Text, primary_key=True),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    _whole("run"),
    _whole("epoch"),
    _text("address"),
    _whole("round"),
    Column("hit_id", _BYTEWISE, nullable=False),
    _text("key"),
)
adoptions = Table(
    "adoptions",
    _METADATA,
    Column("journal", Text, primary_key=True),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    _whole("run"),
    _whole("epoch"),
    _text("address"),
    _text("batch"),
    _whole("round"),
    _text("key"),
    Column("hit_id", _BYTEWISE, nullable=False),
    _whole("generation"),
    _text("fingerprint"),
    _whole("price"),
    _whole("created"),
    _whole("expires"),
)
plans = Table(
    "plans",
    _METADATA,
    Column("journal", Text, primary_key=True),
    Column("digest", Text, primary_key=True),
    _whole("run"),
    _whole("epoch"),
    _whole("used"),
)
lease = Table(
    "lease",
    _METADATA,
    Column("journal", Text, primary_key=True),
    _whole("epoch"),
    _text("owner"),
    _text("user"),
    _text("host"),
    _text("command"),
    _whole("pid"),
    _whole("since"),
    _whole("heartbeat"),
)

OPEN = calls.c.settled.is_(None)
"""Calls whose outcome is not known, or not known for good."""
RARE = calls.c.operation != literal_column("'CreateHITWithHITType'")
"""All but the calls that a batch of a million makes a million of. Not a parameter: SQLite uses a partial
index only where the query says the index's own condition."""
_OPEN_CALLS = Index(
    "calls_open", calls.c.journal, calls.c.settled, calls.c.id, sqlite_where=OPEN, postgresql_where=OPEN
)
_RARE_CALLS = Index(
    "calls_rare", calls.c.journal, calls.c.operation, calls.c.id, sqlite_where=RARE, postgresql_where=RARE
)


class JournalError(TurkformError):
    """The journal cannot be read or written; what was about to be sent was not sent."""


class JournalMissingError(JournalError):
    """There is no journal where one was looked for."""


def to_ms(at: datetime) -> int:
    """An aware time as the tables hold it."""
    return (at - _EPOCH) // timedelta(milliseconds=1)


def from_ms(milliseconds: int) -> datetime:
    """An aware time from the tables."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def next_id(connection: Connection, table: Table, journal: str) -> int:
    """The number of the next row; nobody else writes this journal in the meantime."""
    return int(connection.scalar(select(func.max(table.c.id)).where(table.c.journal == journal)) or 0) + 1


def clean(value: str, longest: int = 2_000) -> str:
    """Text from outside, such that every database takes it."""
    if value.isascii() and value.isprintable():
        return value[:longest]
    return value[:longest].replace("\0", "").encode(errors="replace").decode()


class Ledger:
    """One database with the journal's tables in it."""

    def __init__(self, where: str | Path, *, what: str = "the journal") -> None:
        """Say where, and what errors shall call it; nothing is opened yet."""
        self.what = what
        self.path: Path | None = None
        if isinstance(where, str) and where.partition(":")[0] in {"postgres", "postgresql", "postgresql+psycopg"}:
            self.engine, self.shown = _postgresql(where)
        else:
            self.path = Path(str(where).removeprefix("sqlite:///"))
            self.shown = str(self.path)
            self.engine = _sqlite(self.path)

    @property
    def place(self) -> str:
        """The path or the URL it was opened with, password and all."""
        return str(self.path) if self.path is not None else self.engine.url.render_as_string(hide_password=False)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection of its own that sees one moment; takes no lock."""
        with self.explained(), self.engine.connect() as connection:
            if self.path is None:
                connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A connection in a transaction that nobody else writes beside; durable when this ends."""
        with self.explained(), self.connect() as connection, connection.begin():
            yield connection

    def sql(self, statement: Executable) -> str:
        """A statement as text, compiled once where it runs thousands of times; its parameters are maps."""
        return str(statement.compile(dialect=self.engine.dialect))  # type: ignore[attr-defined]

    def connect(self) -> Connection:
        """A connection whose transactions are for writing."""
        connection = self.engine.connect().execution_options(writing=True)
        raw = connection.connection.driver_connection
        if isinstance(raw, sqlite3.Connection):
            raw.execute(f"PRAGMA busy_timeout={_POLL}")
        return connection

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turn the database's errors into what a person can do about them."""
        try:
            yield
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise self.explain(error) from error

    def explain(self, error: Exception) -> JournalError:
        """What happened, in which journal, and what to do."""
        cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
        code = getattr(cause, "sqlite_errorname", "")
        what, hint = next(
            (known for prefix, known in _CAUSES.items() if code.startswith(prefix)),
            (f"cannot be used: {cause}", "Make it reachable and run the command again."),
        )
        return JournalError(f"{self.what} {self.shown} {what}", hint)

    def version(self) -> int:
        """Version of the tables, 0 where there are none yet.

        Raises:
            JournalError: not a turkform journal, or one from a newer turkform.
        """
        if self.path is not None and not _is_file(self.path):
            return 0
        with self.reading() as connection:
            names = set(inspect(connection).get_table_names())
            if not (names & _CORE if self.path is None else names):
                return 0
            if not names >= _CORE:
                raise JournalError(
                    f"{self.shown} is a database, but not a turkform journal",
                    "Nothing in it was changed. Point `journal:` at another path.",
                )
            found = int(connection.scalar(select(func.max(migrations.c.version))) or 0)
        if found > VERSION:
            raise JournalError(
                f"the journal {self.shown} was written by a newer turkform (its version is {found}, "
                f"this one knows {VERSION})",
                "Upgrade turkform.",
            )
        return found

    def bring_up(self, now: int) -> None:
        """Make the tables, or bring older ones forward; in one transaction, so never by halves."""
        found = self.version()
        if found == VERSION:
            return
        if self.path is not None and not self.path.parent.is_dir():
            raise JournalError(
                f"the journal {self.shown} cannot be made: there is no folder {self.path.parent}", "Make the folder."
            )
        if self.path is not None and not found:
            with self.explained():
                _make_file(self.path)
        with self.writing() as connection:
            if self.path is None:  # two may start at once, and CREATE TABLE IF NOT EXISTS is no lock there
                connection.execute(text("SELECT pg_advisory_xact_lock(7820412)"))
            _METADATA.create_all(connection)
            reached = int(connection.scalar(select(func.max(migrations.c.version))) or 0)
            steps = range(reached + 1, VERSION + 1) if reached else [VERSION]
            for version in steps:
                if reached:
                    MIGRATIONS[version](connection)
                connection.execute(insert(migrations).values(version=version, applied=now))

    def has(self, table: str) -> bool:
        """Whether the database holds a table of this name."""
        if self.path is not None and not _is_file(self.path):
            return False
        with self.reading() as connection:
            return inspect(connection).has_table(table)

    def make(self, tables: MetaData) -> None:
        """Make tables that are not the journal's own where they are not there yet."""
        if self.path is not None and not _is_file(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.explained():
                _make_file(self.path)
        with self.writing() as connection:
            if self.path is None:
                connection.execute(text("SELECT pg_advisory_xact_lock(7820412)"))
            tables.create_all(connection)

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()


_CAUSES: Mapping[str, tuple[str, str]] = {
    "SQLITE_FULL": ("cannot grow: its disk is full", "Make room and run the command again."),
    "SQLITE_READONLY": ("is read-only", "Allow this user to write it and its folder."),
    "SQLITE_PERM": ("is read-only", "Allow this user to write it and its folder."),
    "SQLITE_CANTOPEN": (
        "cannot be opened: no such folder, or no permission",
        "Allow this user to write it and its folder.",
    ),
    "SQLITE_NOTADB": ("is not a database", "Nothing in it was changed. Point `journal:` at another path."),
    "SQLITE_CORRUPT": ("is damaged", "Restore it from a backup, or see `turkform recover --new-journal`."),
    "SQLITE_BUSY": ("is locked by another program", "Close what has it open and try again."),
    "SQLITE_IOERR": ("cannot be read or written: its disk fails", "Check the disk."),
}


def _postgresql(url: str) -> tuple[Engine, str]:
    try:
        parsed = make_url(url).set(drivername="postgresql+psycopg")
        engine = create_engine(parsed, poolclass=NullPool, connect_args=_given(parsed))
    except ArgumentError:
        raise JournalError(
            "the journal's address is not a PostgreSQL URL", "Write postgresql://USER@HOST/DATABASE"
        ) from None
    except ModuleNotFoundError:
        raise JournalError("a journal on PostgreSQL needs psycopg", "Run: pip install 'turkform[postgres]'") from None

    @event.listens_for(engine, "connect")
    def durable(connection: Any, _: object) -> None:
        # A server may be set to answer before the disk has it; an intent must be there before its call leaves.
        connection.execute("SET synchronous_commit = on")
        connection.execute(f"SET lock_timeout = '{BUSY:.0f}s'")
        connection.commit()

    shown = parsed.set(drivername="postgresql", query={k: v for k, v in parsed.query.items() if k != "password"})
    return engine, shown.render_as_string(hide_password=True)


def _given(url: URL) -> dict[str, Any]:
    """How long to wait for a server that has gone, where the URL does not say."""
    patience = {"connect_timeout": BUSY, "keepalives_idle": BUSY, "tcp_user_timeout": 1000 * BUSY}
    return {name: int(value) for name, value in patience.items() if name not in url.query}


def _sqlite(path: Path) -> Engine:
    """An engine over a file that must exist: looking for a journal never makes one."""
    address = f"{path.absolute().as_uri()}?mode=rw"

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(address, uri=True, timeout=BUSY, isolation_level=None, check_same_thread=False)
        try:
            for pragma in ("synchronous=FULL", "fullfsync=ON"):  # fullfsync: macOS lies about fsync without it
                connection.execute(f"PRAGMA {pragma}")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    engine = create_engine("sqlite://", creator=connect, paramstyle="named", poolclass=NullPool)

    # sqlite3 would begin a transaction only at the first INSERT, after the epoch was read.
    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if not connection.get_execution_options().get("writing"):
            connection.exec_driver_sql("BEGIN")
            return
        until = time.monotonic() + BUSY
        while True:
            try:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            except DBAPIError as error:
                if getattr(error.orig, "sqlite_errorname", "") != "SQLITE_BUSY" or time.monotonic() > until:
                    raise
            else:
                return

    return engine


def _is_file(path: Path) -> bool:
    """Whether there is something at the path that could be a journal."""
    try:
        if path.is_dir():
            raise JournalError(f"the journal {path} is a folder", "Name a file in it.")
        return path.exists()
    except OSError as error:
        raise JournalError(f"the journal {path} cannot be reached: {error.strerror}") from None


def _make_file(path: Path) -> None:
    """An empty database whose readers never wait for its writer.

    WAL is kept in the file's header, so this is the one place that sets it: a stranger's database is not
    to be changed by looking at it.
    """
    connection = sqlite3.connect(path, timeout=BUSY)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
    finally:
        connection.close()
