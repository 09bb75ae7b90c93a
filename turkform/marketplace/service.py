"""The service: operation to handler, one transaction a request, at the marketplace's own time.

In: an operation's name, its checked parameters, who asks. Out: its answer, or an `ApiError`.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import select

from turkform.marketplace import lifecycle, payments, protocol, tables
from turkform.marketplace.commits import Commits, Shared
from turkform.marketplace.context import Context, Peers
from turkform.marketplace.faults import Faults
from turkform.marketplace.operations import AFTERWARDS, HANDLERS
from turkform.marketplace.signatures import unknown_key
from turkform.marketplace.store import insert_missing, offset_in, requester_id
from turkform.marketplace.tables import requesters

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Connection, Table

    from turkform.marketplace.sealing import Master
    from turkform.marketplace.settings import Settings
    from turkform.marketplace.store import Store

T = TypeVar("T")
_READS = ("Get", "List")
"""What the names of operations begin with that change nothing."""
_PEERS, _CLOCK = "peers", "clock"


class Service:
    """A marketplace at work on one store."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        *,
        master: Master | None = None,
        faults: Faults | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.settings = settings
        self.faults = faults or Faults()
        self._store, self._commits, self._clock = store, Commits(store), clock
        self._master, self._secrets = master, dict[str, str]()
        self._offset = store.offset()

    def close(self) -> None:
        """Let go of the store's threads."""
        self._commits.close()

    def now(self) -> float:
        """The marketplace's time, in epoch seconds."""
        return self._clock() + self._offset

    def _set_clock(self, shared: Shared) -> None:
        """Where another process may have moved the clock on, follow it, once a transaction."""
        if self.settings.rehearsal and self.settings.processes > 1 and _CLOCK not in shared.known:
            shared.known[_CLOCK] = self._offset = offset_in(shared.connection)

    async def advance(self, seconds: float) -> float:
        """Move the clock on, and let everything happen that is due by then."""
        self._offset = self._store.advance(seconds)
        await asyncio.to_thread(lifecycle.elapse_for_all, self._store, self.settings)
        return self.now()

    async def ping(self) -> None:
        """Read from the store, or raise what it raises."""
        self._store.offset()

    async def call(self, operation: str, parameters: Mapping[str, Any], access_key: str) -> dict[str, Any]:
        """Carry out one operation of the API.

        Raises:
            ApiError: refused; nothing was changed.
        """
        handler, afterwards = HANDLERS[operation], AFTERWARDS.get(operation)
        protocol.check(operation, parameters)
        given = {name: value for name, value in parameters.items() if value is not None}
        subject, reads = (access_key, operation, given), operation.startswith(_READS)

        def work(shared: Shared) -> dict[str, Any]:
            context = self._context(shared, access_key, reads=reads)
            return handler(replace(context, peers=_peers(shared, subject)), given)

        answer = await self._commits.do(_line(access_key, reads=reads), work, subject)
        return await asyncio.to_thread(afterwards, self.settings, answer) if afterwards else answer

    async def act(
        self,
        action: Callable[[Context], T],
        *,
        requester: str = "",
        hit: str = "",
        assignment: str = "",
        qualification_type: str = "",
        reads: bool = False,
    ) -> T:
        """Let a worker, or whoever keeps the marketplace, do something in one transaction.

        Name whose HITs or types it is about, by requester, HIT, assignment or qualification type: nothing else
        happens to that requester meanwhile, and what was due by now has happened. Who only `reads` waits for nobody.
        An exception of `action` undoes it all and comes out here.
        """
        named = ((tables.hits, hit), (tables.assignments, assignment), (tables.qualification_types, qualification_type))

        def work(shared: Shared) -> T:
            connection = shared.connection
            shared.known.pop(_PEERS, None)
            self._set_clock(shared)
            owner = requester or next((_owner(connection, table, name) for table, name in named if name), "")
            context = Context(connection, owner, self.now(), self.settings)
            if owner:
                _let_elapse(context, reads=reads)
            return action(context)

        return await self._commits.do(_line(requester or hit or assignment or qualification_type, reads=reads), work)

    def _context(self, shared: Shared, access_key: str, *, reads: bool) -> Context:
        """The context of a key's calls; once one of them writes, the requester is the transaction's alone."""
        known: tuple[Context, bool] | None = shared.known.get(access_key)
        if known is None or not (known[1] or reads):
            requester = self._requester(shared.connection, access_key)
            self._set_clock(shared)
            stale = self.faults.trouble.stale_list
            context = Context(shared.connection, requester, self.now(), self.settings, stale)
            known = shared.known[access_key] = context, _let_elapse(context, reads=reads)
        return known[0]

    def _requester(self, connection: Connection, access_key: str) -> str:
        """Who asks; in rehearsal a new key is a new requester.

        Raises:
            ApiError: nobody, or one who is disabled.
        """
        r = requesters.c
        mine = select(r.id, r.disabled).where(r.access_key == access_key)
        found = connection.execute(mine).first()
        if found is None and self.settings.rehearsal:
            new = {"id": requester_id(access_key), "access_key": access_key, "balance": payments.PURSE, "held": 0}
            insert_missing(connection, requesters, new)
            found = connection.execute(mine).first()
        if found is None or found.disabled:
            raise unknown_key()
        return str(found.id)

    async def secret(self, access_key: str) -> str:
        """The secret of an access key. It never changes, so it is read and opened once.

        Raises:
            ApiError: nobody has this key.
        """
        secret = self._secrets.get(access_key)
        if secret is None:
            sealed = await self._commits.do(access_key, lambda shared: _sealed(shared.connection, access_key))
            if sealed is None or self._master is None:
                raise unknown_key()
            secret = self._secrets[access_key] = self._master.open(sealed, access_key)
        return secret


def _let_elapse(context: Context, *, reads: bool) -> bool:
    """Let what was due have happened; whether the requester is this transaction's alone until it ends.

    Who only reads needs that only where something is due.
    """
    if reads and not lifecycle.is_due(context):
        return False
    alone = select(requesters.c.id).where(requesters.c.id == context.requester).with_for_update()
    context.connection.execute(alone)
    lifecycle.elapse(context)
    return True


def _line(name: str, *, reads: bool) -> str:
    """Where one waits: who changes something behind one another, who only reads apart from them."""
    return f"{name} reads" if reads else name


def _peers(shared: Shared, subject: tuple[str, str, Any]) -> Peers:
    """The calls like this one that are next to it in its transaction."""
    whose = subject[:2]

    def calls() -> list[Mapping[str, Any]]:
        return [given for *who, given in filter(None, shared.subjects) if tuple(who) == whose]

    known: tuple[Any, Peers] | None = shared.known.get(_PEERS)
    if known is None or known[0] != whose:
        known = shared.known[_PEERS] = whose, Peers(calls)
    return known[1]


def _sealed(connection: Connection, access_key: str) -> str | None:
    return connection.execute(select(requesters.c.secret).where(requesters.c.access_key == access_key)).scalar()


def _owner(connection: Connection, table: Table, name: str) -> str:
    """Whose this row is; nobody's where there is none."""
    return connection.execute(select(table.c.requester).where(table.c.id == name)).scalar() or ""
