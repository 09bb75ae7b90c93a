"""The marketplace's store: one transaction a request, tokens, and the pages of lists.

In: a database URL, of SQLite or PostgreSQL. Out: a `Store` that runs handlers inside a transaction. On SQLite
one writes at a time; on PostgreSQL a transaction locks the requester it is about. Times are epoch seconds, money
is whole cents. Lists are paged by key, never by offset, so the last page costs what the first does; a page's
token is bound to the operation and the arguments it came from.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, bindparam, create_engine, event, func, inspect, make_url, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError

from turkform.marketplace.migrations import MigrationError, bring_up, keep, kept
from turkform.marketplace.protocol import ApiError, parameter_error, request_error
from turkform.marketplace.statements import Statement
from turkform.marketplace.tables import settings, tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection, Row, Select, Table

TOKEN_LIFE = 86_400.0
"""Requester guide, "Request tokens": forgotten after 24 hours."""
PAGE = 10
MOST = 100


def new_id() -> str:
    """An id as MTurk's look: thirty upper-case alphanumerics that begin with 3. Nobody can guess one: 145 bits."""
    return "3" + base64.b32encode(secrets.token_bytes(20)).decode()[:29]


def requester_id(access_key: str) -> str:
    """The requester that an access key names in rehearsal: the same one every time."""
    digest = hashlib.sha256(access_key.encode()).digest()
    return "A" + base64.b32encode(digest).decode()[:13]


class StoreError(Exception):
    """The store cannot be opened; the message says why and what to do."""


class Store:
    """One database; every request is one transaction."""

    def __init__(self, url: str) -> None:
        """Open it, and make its tables, or bring them up to this version.

        Raises:
            StoreError: not a URL of SQLite or PostgreSQL, no driver, no answer, or of a later version.
        """
        self.engine = _engine(url)
        try:
            with self.engine.begin() as connection:
                bring_up(connection)
        except MigrationError as error:
            self.close()
            raise StoreError(str(error)) from None
        except DBAPIError as error:
            self.close()
            raise StoreError(f"the store {self.shown} cannot be opened: {str(error.orig).strip()}") from None

    @property
    def shown(self) -> str:
        """The URL without its password."""
        return self.engine.url.set(drivername=self.engine.dialect.name).render_as_string(hide_password=True)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A connection that commits when its block ends well."""
        with self.engine.begin() as connection:
            yield connection

    def claim(self, *, rehearsal: bool) -> None:
        """Keep rehearsals and real work apart: a store is for one of them, from its first use on.

        Raises:
            StoreError: it is for the other. A rehearsal lets anybody in, and its clock can be moved.
        """
        mode = "rehearsal" if rehearsal else "real"
        with self.transaction() as connection:
            known = kept(connection, "mode")
            if known is None and not (mode == "real" and kept(connection, "offset")):
                keep(connection, "mode", mode)
                known = mode
        if known != mode:
            other = "a rehearsal" if mode == "real" else "real requesters"
            raise StoreError(f"the store {self.shown} is one of {other}. Take another for {mode} use")

    def offset(self) -> float:
        """How far the marketplace's clock is ahead of the real one, in seconds."""
        with self.transaction() as connection:
            return offset_in(connection)

    def advance(self, seconds: float) -> float:
        """Move the clock on; it never goes back."""
        with self.transaction() as connection:
            total = offset_in(connection) + seconds
            keep(connection, "offset", str(total))
        return total

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()


@dataclass(frozen=True, slots=True)
class Standing:
    """How a store stands: schema version (None when it is empty), mode, fingerprint of its master key, its clock."""

    shown: str
    kind: str
    version: int | None
    mode: str | None
    master: str | None
    clock_ahead: float
    """Seconds that the database's clock is ahead of this machine's."""


def standing(url: str) -> Standing:
    """Look at a store without changing anything of it.

    Raises:
        StoreError: not a URL of SQLite or PostgreSQL, no driver, no such file, no answer.
    """
    engine = _engine(url)
    shown = engine.url.set(drivername=engine.dialect.name).render_as_string(hide_password=True)
    path = engine.url.database
    if engine.dialect.name == "sqlite" and not (path and Path(path).exists()):
        raise StoreError(f"there is no store {shown}")
    try:
        with engine.begin() as connection:
            ahead = 0.0
            if engine.dialect.name == "postgresql":
                ahead = float(connection.execute(select(func.extract("epoch", func.clock_timestamp()))).scalar_one())
                ahead -= time.time()
            empty = not inspect(connection).has_table(settings.name)
            known = {name: None if empty else kept(connection, name) for name in ("schema", "mode", "master")}
    except DBAPIError as error:
        raise StoreError(f"the store {shown} cannot be opened: {str(error.orig).strip()}") from None
    finally:
        engine.dispose()
    version = None if empty else int(known["schema"] or 1)
    return Standing(shown, engine.dialect.name, version, known["mode"], known["master"], ahead)


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise StoreError("the store is not a URL. Write sqlite:///FILE or postgresql://USER@HOST/DATABASE") from None
    kind = parsed.get_backend_name()
    if kind == "sqlite":
        engine = create_engine(parsed.set(drivername="sqlite"), hide_parameters=True)
        _tune(engine)
        return engine
    if kind not in {"postgresql", "postgres"}:
        raise StoreError(f"a store is on SQLite or PostgreSQL, not on {kind}")
    try:
        return create_engine(parsed.set(drivername="postgresql+psycopg"), hide_parameters=True)
    except ModuleNotFoundError:
        raise StoreError("a store on PostgreSQL needs psycopg. Run: pip install 'turkform[postgres]'") from None


def offset_in(connection: Connection) -> float:
    """How far the marketplace's clock is ahead of the real one, in seconds."""
    return float(kept(connection, "offset") or 0)


def insert_missing(connection: Connection, table: Table, values: Mapping[str, Any]) -> None:
    """Insert a row, or do nothing where one with its key is there, also from a transaction at the same time."""
    kind = postgresql if connection.dialect.name == "postgresql" else sqlite
    connection.execute(kind.insert(table).values(**values).on_conflict_do_nothing())


def _tune(engine: Engine) -> None:
    """WAL and a full sync at each commit; writers take their lock when they begin."""

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _: Any) -> None:
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


# --- tokens ----------------------------------------------------------------------------------------


_T = tokens.c
_USED = Statement(
    select(_T.used, _T.object_id).where(
        _T.requester == bindparam("who"), _T.operation == bindparam("what"), _T.token == bindparam("which")
    )
)
_VALUES: dict[str, Any] = {column.name: bindparam(column.name) for column in tokens.columns}
_LATER: dict[str, Any] = {"used": bindparam("used"), "object_id": bindparam("object_id")}
_KEEP = {
    kind.__name__.rpartition(".")[2]: Statement(
        kind.insert(tokens).values(_VALUES).on_conflict_do_update(index_elements=tokens.primary_key, set_=_LATER)
    )
    for kind in (sqlite, postgresql)
}


def refuse_repeat(connection: Connection, requester: str, operation: str, token: str | None, now: float) -> None:
    """A token used within the last 24 hours is an error that names what it made.

    UNCERTAIN k12: a token is of one requester and one operation, and a failure does not use it up.

    Raises:
        ApiError: `HitAlreadyExists` for creations, RequestError for all else.
    """
    if token is None:
        return
    row = _USED.first(connection, who=requester, what=operation, which=token)
    if row is None or now - row.used >= TOKEN_LIFE:
        return
    message = f'The idempotency token "{token}" has already been processed.'
    if operation.startswith("CreateHIT"):
        raise request_error(
            "HitAlreadyExists", f"{message} HIT {row.object_id} already exists with this token: HITId={row.object_id}"
        )
    raise ApiError("RequestError", message)


def keep_token(
    connection: Connection, requester: str, operation: str, token: str | None, *, now: float, object_id: str
) -> None:
    """Remember a token; only successes are remembered."""
    if token is None:
        return
    keep_it = _KEEP[connection.dialect.name]
    keep_it.later(connection, requester=requester, operation=operation, token=token, used=now, object_id=object_id)


# --- pages -----------------------------------------------------------------------------------------


def page(
    connection: Connection,
    query: Select[Any],
    seq: Any,
    parameters: Mapping[str, Any],
    *,
    member: str,
    draw: Callable[[Row[Any]], dict[str, Any]],
    newest_first: bool = False,
    of: str = "",
) -> dict[str, Any]:
    """One page of what a query finds, by its `seq`; `of` tells lists of one member apart."""

    def next_rows(after: int, most: int) -> Sequence[Row[Any]]:
        here = query
        if after:
            here = here.where(seq < after if newest_first else seq > after)
        return connection.execute(here.order_by(seq.desc() if newest_first else seq).limit(most)).all()

    return page_of(parameters, next_rows, member=member, draw=draw, of=of)


def page_of(
    parameters: Mapping[str, Any],
    next_rows: Callable[[int, int], Sequence[Row[Any]]],
    *,
    member: str,
    draw: Callable[[Row[Any]], dict[str, Any]],
    of: str = "",
) -> dict[str, Any]:
    """One page of a list: NextToken with every page that has items, the end is an empty page.

    `next_rows` is given the `seq` that the page before ended with, 0 for the first, and how many to give.
    """
    after = _position(parameters, of or member)
    rows = next_rows(after, parameters.get("MaxResults") or PAGE)
    found: dict[str, Any] = {"NumResults": len(rows), member: [draw(row) for row in rows]}
    if rows:
        found["NextToken"] = _token(parameters, of or member, rows[-1].seq)
    return found


def _bound(parameters: Mapping[str, Any], member: str) -> str:
    kept = {"": member} | {k: v for k, v in parameters.items() if k not in {"NextToken", "MaxResults"}}
    return hashlib.sha256(json.dumps(kept, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _token(parameters: Mapping[str, Any], member: str, position: int) -> str:
    return base64.urlsafe_b64encode(f"{_bound(parameters, member)}:{position}".encode()).decode()


def _position(parameters: Mapping[str, Any], member: str) -> int:
    token = parameters.get("NextToken")
    if token is None:
        return 0
    try:
        bound, _, position = base64.urlsafe_b64decode(token.encode()).decode().partition(":")
        found = int(position)
    except ValueError:
        bound, found = "", 0
    if bound != _bound(parameters, member):
        raise parameter_error(f'The value "{token}" is not valid for the parameter NextToken.')
    return found
