"""What was sent and what came back: the part of the past that the account forgets.

In: a path or a URL. Out: the one who may write (a `Run`), and what planning and `log` read. A call whose
intent is here and whose outcome is not may or may not have happened; it is settled before its object is
touched again. So the order is: `intend` returns when the disk has it, then the call is sent.

    with journal.begin(…) as run:            # the lease, and a new epoch
        [call] = run.intend([intent], at)    # durable, or an error: then it must not be sent
        run.settle(call, Outcome.DONE, …)    # written with the next group

Reading takes no lock and never makes a journal.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import Connection, insert, select, update

from turkform import past
from turkform.entries import call_of, run_of
from turkform.errors import RefusedError, StalePlanError
from turkform.lease import Clocks, Lease, Owner, raise_epoch
from turkform.ledger import (
    OPEN,
    JournalMissingError,
    Ledger,
    calls,
    from_ms,
    lease,
    meta,
    next_id,
    plans,
    rekeys,
    runs,
    to_ms,
)
from turkform.run import Run
from turkform.times import format_time

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Row

    from turkform.entries import Call, Outcome, PastRun
    from turkform.items import Marker
    from turkform.memory import Mark
    from turkform.money import Money

_CHUNK = 1_000


class Journal:
    """One campaign's journal in one environment."""

    def __init__(self, ledger: Ledger, row: Row[Any], clocks: Clocks) -> None:
        self._ledger, self._clocks = ledger, clocks
        self.id: str = row.journal
        """Random, and durable before the campaign record is made."""
        self.record_id: str = row.record_id
        """The campaign record it belongs to; empty until that is made."""
        self.campaign: str = row.campaign
        self.environment: str = row.environment
        self.endpoint: str = row.endpoint
        self.created: datetime = from_ms(row.created)

    @property
    def place(self) -> str:
        """Where it lies: a path, or a PostgreSQL URL with its password."""
        return self._ledger.place

    @classmethod
    def open(
        cls,
        where: str | Path,
        *,
        create: bool,
        anew: bool = False,
        campaign: str = "",
        environment: str = "",
        journal: str = "",
        clocks: Clocks | None = None,
    ) -> Journal:
        """Open the journal at a path or a PostgreSQL URL; its folder must exist.

        Where a database holds several, `campaign` and `environment` choose, or the id `journal`; `anew` makes one
        beside those that are there.

        Raises:
            JournalMissingError: there is none, and none is to be made.
            JournalError: it cannot be used; the message says why.
            RefusedError: it is another campaign's.
        """
        ledger, clocks = Ledger(where), clocks or Clocks()
        try:
            version = ledger.version()
            if create or version:
                ledger.bring_up(clocks.ms())
            row = _choose(ledger, campaign, environment, journal) if (create or version) and not anew else None
            if row is None and create:
                row = _new(ledger, campaign, environment, clocks.ms())
        except BaseException:
            ledger.close()
            raise
        if row is None:
            ledger.close()
            raise JournalMissingError(f"there is no journal at {ledger.shown}", "The first `turkform apply` makes it.")
        return cls(ledger, row, clocks)

    @classmethod
    def find(
        cls,
        where: str | Path,
        *,
        campaign: str = "",
        environment: str = "",
        journal: str = "",
        clocks: Clocks | None = None,
    ) -> Journal | None:
        """Open it for reading, or None where there is none; never makes one."""
        try:
            return cls.open(
                where, create=False, campaign=campaign, environment=environment, journal=journal, clocks=clocks
            )
        except JournalMissingError:
            return None

    def close(self) -> None:
        """Let go of the database."""
        self._ledger.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- writing ----------------------------------------------------------------------------------

    def bind(self, *, record_id: str, campaign: str, environment: str, endpoint: str = "") -> None:
        """Tie the journal to its campaign record; the environment may be renamed later, the record never changes.

        Raises:
            RefusedError: it belongs to another record.
        """
        if self.record_id and self.record_id != record_id:
            raise RefusedError(
                [f"the journal {self._ledger.shown} belongs to the campaign record {self.record_id}, not {record_id}"],
                "Point `journal:` at the right journal.",
            )
        values = {"record_id": record_id, "campaign": campaign, "environment": environment, "endpoint": endpoint}
        with self._ledger.writing() as connection:
            connection.execute(update(meta).where(meta.c.journal == self.id).values(**values))
        self.record_id, self.campaign, self.environment, self.endpoint = record_id, campaign, environment, endpoint

    def begin(
        self,
        *,
        command: str,
        plan_digest: str = "",
        intent: str = "",
        environment: str = "",
        commit: str = "",
        user: str = "",
        host: str = "",
        now: datetime,
        after: Mark | None = None,
        seize: bool = False,
    ) -> Run:
        """Take the lease and a new epoch; `now` is the endpoint's clock.

        `after` is how far the journal reached when it was read for this run's plan. `seize` is for `close`: it
        waits for nobody, and whoever is at work stops at the next intent.

        Raises:
            LeaseHeldError: another process is at work.
            StalePlanError: somebody wrote after it was read.
            JournalError: the journal cannot be written.
        """
        grip = Lease(self._ledger, self.id, Owner(user, host, command), self._clocks)
        grip.wait(patient=not seize)
        row = {
            "journal": self.id, "command": command, "user": user, "host": host, "commit": commit,
            "environment": environment, "plan_digest": plan_digest, "intent": intent, "begun": to_ms(now),
            "local_begun": self._clocks.ms(),
        }  # fmt: skip
        try:
            with self._ledger.writing() as connection:
                row["epoch"] = grip.take(connection, seize=seize)
                _refuse_overtaken(connection, self.id, after)
                row["id"] = next_id(connection, runs, self.id)
                connection.execute(insert(runs), row)
        except BaseException:
            grip.let_go()
            raise
        return Run(self._ledger, grip, row, self._clocks)

    def raise_epoch(self) -> int:
        """Stop whoever is at work, at the next intent; never waits. Returns the new epoch."""
        return raise_epoch(self._ledger, self.id)

    # --- reading ----------------------------------------------------------------------------------

    def mark(self) -> Mark:
        """How far it reaches now."""
        with self._ledger.reading() as connection:
            return _mark(connection, self.id)

    def calls(
        self,
        *,
        run: int | None = None,
        address: str | None = None,
        key: str | None = None,
        operation: str | None = None,
        outcome: Outcome | None = None,
        after: int = 0,
    ) -> Iterator[Call]:
        """Every call that fits, in the order they were sent, as a stream; `after` is a call's id."""
        query = select(calls).where(calls.c.journal == self.id, calls.c.id > after).order_by(calls.c.id)
        for name, wanted in (("run", run), ("address", address), ("key", key), ("operation", operation)):
            if wanted is not None:
                query = query.where(calls.c[name] == wanted)
        if outcome is not None:
            query = query.where(calls.c.outcome == outcome.value)
        with self._ledger.reading() as connection:
            for row in connection.execute(query.execution_options(yield_per=_CHUNK)):
                yield call_of(row)

    def open_intents(self) -> list[Call]:
        """Calls that were about to be sent, or sent, and whose outcome is not known."""
        query = select(calls).where(calls.c.journal == self.id, OPEN).order_by(calls.c.id)
        with self._ledger.reading() as connection:
            return [call_of(row) for row in connection.execute(query)]

    def runs(self) -> list[PastRun]:
        """Every run, the oldest first."""
        with self._ledger.reading() as connection:
            query = select(runs).where(runs.c.journal == self.id).order_by(runs.c.id)
            return [run_of(row) for row in connection.execute(query)]

    def plan_used(self, digest: str) -> bool:
        """Whether the saved plan was applied before."""
        with self._ledger.reading() as connection:
            query = select(plans.c.run).where(plans.c.journal == self.id, plans.c.digest == digest)
            return connection.scalar(query) is not None

    def hits(self) -> Iterator[past.PastHIT]:
        """Every HIT known as created or adopted by this campaign, with its batch and round, as a stream."""
        with self._ledger.reading() as connection:
            yield from past.hits(connection, self.id)

    def types(self) -> list[past.KnownType]:
        """Qualification types created by this campaign, in order; deleted ones say when."""
        with self._ledger.reading() as connection:
            return list(past.types(connection, self.id))

    def grants(self) -> list[past.KnownGrant]:
        """Grants that are ours and not taken back."""
        with self._ledger.reading() as connection:
            return list(past.grants(connection, self.id))

    def blocks(self) -> list[past.KnownBlock]:
        """Blocks that are ours and not lifted."""
        with self._ledger.reading() as connection:
            return list(past.blocks(connection, self.id))

    def notifications(self) -> list[tuple[str, str, str]]:
        """Notification settings that are ours and active: HIT type id, address, digest."""
        with self._ledger.reading() as connection:
            return list(past.notifications(connection, self.id))

    def bonuses(self) -> list[past.KnownBonus]:
        """Bonuses that were paid."""
        with self._ledger.reading() as connection:
            return list(past.bonuses(connection, self.id))

    def rejections(self) -> dict[str, tuple[Money, bool]]:
        """Our rejections by assignment: what each released, and whether we overturned it."""
        with self._ledger.reading() as connection:
            return past.rejections(connection, self.id)

    def protected(self) -> frozenset[str]:
        """Ids of qualification types that must not be deleted."""
        with self._ledger.reading() as connection:
            return past.protected(connection, self.id)

    def imported(self) -> dict[str, Marker]:
        """HIT id → the marker it goes by, for HITs that `import` took over and that bear none."""
        with self._ledger.reading() as connection:
            return dict(past.imported(connection, self.id, self.campaign))

    def rekeys(self) -> dict[str, str]:
        """HIT id → the stored key it goes by now, where that is not its marker's."""
        with self._ledger.reading() as connection:
            query = select(rekeys.c.hit_id, rekeys.c.key).where(rekeys.c.journal == self.id).order_by(rekeys.c.id)
            return {row.hit_id: row.key for row in connection.execute(query)}


def _mark(connection: Connection, journal: str) -> Mark:
    return next_id(connection, runs, journal) - 1, next_id(connection, calls, journal) - 1


def _refuse_overtaken(connection: Connection, journal: str, after: Mark | None) -> None:
    """A plan knows the journal as far as `after`; what was written since may be what it is about to do."""
    if after is None or _mark(connection, journal) == after:
        return
    last = select(runs).where(runs.c.journal == journal).order_by(runs.c.id.desc()).limit(1)
    run = connection.execute(last).one()
    who = f"`{run.command}` of {run.user} on {run.host} at {format_time(from_ms(run.begun))}"
    raise StalePlanError([f"another command has written in the journal since: run {run.id}, {who}"])


def _choose(ledger: Ledger, campaign: str, environment: str, journal: str = "") -> Row[Any] | None:
    """The journal of this campaign and environment; the youngest, where one was made anew. Or the one with the id."""
    with ledger.reading() as connection:
        found = connection.execute(select(meta).order_by(meta.c.created.desc(), meta.c.journal)).all()
    if journal:
        return next((row for row in found if row.journal == journal), None)
    if ledger.path is None:
        return next((r for r in found if (r.campaign, r.environment) == (campaign, environment)), None)
    if found and campaign and found[0].campaign not in {"", campaign}:
        raise RefusedError(
            [f'the journal {ledger.shown} is that of the campaign "{found[0].campaign}", not "{campaign}"'],
            "Point `journal:` at another path.",
        )
    return found[0] if found else None


def _new(ledger: Ledger, campaign: str, environment: str, now: int) -> Row[Any] | None:
    """Make a journal; its id is durable when this returns."""
    journal = secrets.token_hex(10)
    free = dict.fromkeys(("owner", "user", "host", "command"), "") | dict.fromkeys(("pid", "since", "heartbeat"), 0)
    with ledger.writing() as connection:
        connection.execute(
            insert(meta).values(
                journal=journal, record_id="", campaign=campaign, environment=environment, endpoint="", created=now
            )
        )
        connection.execute(insert(lease).values(journal=journal, epoch=0, **free))
    return _choose(ledger, campaign, environment, journal)
