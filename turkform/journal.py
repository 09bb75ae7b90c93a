"""What was sent and what came back: the part of the past that the account forgets.

In: intents before a call leaves, outcomes after its answer. Out: what planning and `log` read. A call
whose intent is here and whose outcome is not may or may not have happened; it is settled before its
object is touched again. So the order is: `intend` returns when the disk has it, then the call is sent.

    with journal.begin(…) as run:            # the lease, and a new epoch
        [call] = run.intend([intent], at)    # durable, or an error: then it must not be sent
        run.settle(call, Outcome.DONE, …)    # written with the next group

Reading takes no lock and never makes a journal.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import Connection, insert, select, update

from turkform import past
from turkform.errors import InterruptedApplyError, RefusedError, StalePlanError, TurkformError
from turkform.lease import Clocks, Lease, LeaseLostError, Owner, raise_epoch
from turkform.ledger import (
    OPEN,
    JournalMissingError,
    Ledger,
    calls,
    clean,
    from_ms,
    lease,
    meta,
    next_id,
    plans,
    rekeys,
    runs,
    to_ms,
)
from turkform.money import Money
from turkform.scribe import Scribe
from turkform.times import format_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path
    from types import TracebackType

    from sqlalchemy import Row

    from turkform.items import Marker
    from turkform.memory import Mark

_CHUNK = 1_000
_compact = json.JSONEncoder(separators=(",", ":"), sort_keys=True).encode


class Outcome(StrEnum):
    """What became of a call; a call without one is open."""

    DONE = "done"
    FAILED = "failed"
    """The endpoint answered with an error: known not to have happened."""
    UNKNOWN = "unknown"
    """Sent, and no answer was learned; still to be settled."""
    VOID = "void"
    """Settled: it never happened."""


@dataclass(frozen=True, slots=True)
class Intent:
    """A call that is about to be sent."""

    address: str
    key: str
    operation: str
    digest: str
    """sha256 of the parameters, in hexadecimal."""
    token: str
    price: Money
    detail: Mapping[str, Any] = field(default_factory=dict)
    """What settling and planning need of it later; small, JSON."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call as it stands in the journal."""

    id: int
    run: int
    epoch: int
    address: str
    key: str
    operation: str
    digest: str
    token: str
    price: Money
    detail: Mapping[str, Any]
    endpoint_time: datetime
    local_time: datetime
    outcome: Outcome | None
    settled_at: datetime | None
    """When the outcome was known for good; None while the call is open."""
    object_id: str
    request_id: str
    error: str


@dataclass(frozen=True, slots=True)
class PastRun:
    """A command that wrote; `ended` is None where it was killed."""

    id: int
    epoch: int
    command: str
    user: str
    host: str
    commit: str
    environment: str
    plan_digest: str
    intent: str
    begun: datetime
    ended: datetime | None
    exit_code: int | None


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
                yield _call(row)

    def open_intents(self) -> list[Call]:
        """Calls that were about to be sent, or sent, and whose outcome is not known."""
        query = select(calls).where(calls.c.journal == self.id, OPEN).order_by(calls.c.id)
        with self._ledger.reading() as connection:
            return [_call(row) for row in connection.execute(query)]

    def runs(self) -> list[PastRun]:
        """Every run, the oldest first."""
        with self._ledger.reading() as connection:
            query = select(runs).where(runs.c.journal == self.id).order_by(runs.c.id)
            return [_run(row) for row in connection.execute(query)]

    def plan_used(self, digest: str) -> bool:
        """Whether the saved plan was applied before."""
        with self._ledger.reading() as connection:
            query = select(plans.c.run).where(plans.c.journal == self.id, plans.c.digest == digest)
            return connection.scalar(query) is not None

    def hits(self) -> Iterator[past.KnownHIT]:
        """Every HIT known as created or adopted by this campaign, by HIT id, as a stream."""
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


class Run:
    """One command's writing in a journal, under one epoch. Shared by all of its threads."""

    def __init__(self, ledger: Ledger, grip: Lease, row: Mapping[str, Any], clocks: Clocks) -> None:
        self._ledger, self._lease, self._clocks = ledger, grip, clocks
        self.id: int = row["id"]
        self.epoch: int = row["epoch"]
        self._begun: int = row["begun"]
        self._local_begun: int = row["local_begun"]
        self._journal: str = row["journal"]
        self._stamp = {"journal": self._journal, "run": self.id, "epoch": self.epoch}
        self._exit_code: int | None = None
        self._scribe = Scribe(ledger, grip)

    @property
    def seized(self) -> bool:
        """Whether somebody else had the lease, who may have calls under way."""
        return self._lease.seized

    @property
    def lost(self) -> LeaseLostError | None:
        """Why this run may write nothing more, once that is known."""
        return self._scribe.lost

    def intend(self, intents: Sequence[Intent], at: datetime) -> list[int]:
        """Make intents durable and number them; `at` is the endpoint's clock. Only then may they be sent.

        Raises:
            LeaseLostError: another process has the lease; nothing was written, nothing may be sent.
            JournalError: they could not be written, so they must not be sent.
        """
        times = {"endpoint_time": to_ms(at), "local_time": self._clocks.ms()}
        return self._scribe.write([self._stamp | times | _row(intent) for intent in intents])

    def settle(
        self,
        call_id: int,
        outcome: Outcome,
        *,
        object_id: str = "",
        request_id: str = "",
        at: datetime,
        error: str = "",
    ) -> None:
        """Say what became of a call of this or an earlier run; written within a moment, and before the run ends.

        An outcome is written once. Only a guess gives way: UNKNOWN to anything, VOID to DONE.
        """
        self._scribe.settle(
            {
                "of": self._journal,
                "call": call_id,
                "now": outcome.value,
                "at": None if outcome is Outcome.UNKNOWN else to_ms(at),
                "object": clean(object_id),
                "request": clean(request_id),
                "why": clean(error),
            }
        )

    def note_rekey(self, *, address: str, round: int, pairs: Iterable[tuple[str, str]]) -> None:  # noqa: A002 - the word
        """Write down under which stored key HITs go from now on: pairs of HIT id and key. Durable on return.

        Raises:
            LeaseLostError: another process has the lease.
            JournalError: it could not be written.
        """
        rows = [
            self._stamp | {"address": address, "round": round, "hit_id": hit_id, "key": key} for hit_id, key in pairs
        ]

        def write(connection: Connection) -> None:
            first = next_id(connection, rekeys, self._journal)
            connection.execute(insert(rekeys), [row | {"id": first + n} for n, row in enumerate(rows)])

        if rows:
            self._scribe.do(write)

    def note_adopted(
        self,
        *,
        address: str,
        batch: str,
        round: int,  # noqa: A002 - the word
        key: str,
        hit_id: str,
        generation: int,
        fingerprint: str,
        cents: int,
        created: float,
        expires: float,
    ) -> None:
        """Write down that a HIT is ours though no call here made it; times in epoch seconds.

        Durable before any later intent, and before the run ends.
        """
        self._scribe.adopt(
            self._stamp
            | {"address": address, "batch": batch, "round": round, "key": key, "hit_id": hit_id}
            | {"generation": generation, "fingerprint": fingerprint, "price": cents}
            | {"created": int(created * 1000), "expires": int(expires * 1000)}
        )

    def use_plan(self, digest: str) -> None:
        """Use a saved plan up. Durable on return.

        Raises:
            StalePlanError: it was used before.
            LeaseLostError: another process has the lease.
        """
        row = self._stamp | {"digest": digest, "used": self._now()}
        same = plans.c.journal == self._journal, plans.c.digest == digest

        def write(connection: Connection) -> TurkformError | None:
            before = connection.execute(
                select(plans.c.used, runs.c.user, runs.c.host)
                .join(runs, (runs.c.journal == plans.c.journal) & (runs.c.id == plans.c.run))
                .where(*same)
            ).first()
            if before is None:
                connection.execute(insert(plans), row)
                return None
            who = f"{before.user} on {before.host}"
            return StalePlanError([f"it was applied before, by {who} at {format_time(from_ms(before.used))}"])

        self._scribe.do(write)

    def flush(self) -> None:
        """Return when everything said so far is durable.

        Raises:
            JournalError: it could not be written.
        """
        self._scribe.do(lambda _: None)

    def end(self, exit_code: int) -> None:
        """Say how the command ends; it is written, with all that is left, when the run is closed."""
        self._exit_code = exit_code

    def close(self) -> None:
        """Write what is left, say when the run ended, give the lease back.

        Raises:
            JournalError: some outcomes could not be written; the next apply finds them out again.
        """
        try:
            self._scribe.close()
            with self._ledger.writing() as connection:
                mine = runs.c.journal == self._journal, runs.c.id == self.id
                connection.execute(update(runs).where(*mine).values(ended=self._now(), exit_code=self._exit_code))
                self._lease.release(connection)
        finally:
            self._lease.let_go()

    def _now(self) -> int:
        """The endpoint's clock, carried on by this machine's."""
        return self._begun + self._clocks.ms() - self._local_begun

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._exit_code is None and error is not None:
            interrupted = InterruptedApplyError.exit_code if isinstance(error, KeyboardInterrupt) else 1
            self._exit_code = error.exit_code if isinstance(error, TurkformError) else interrupted
        self._exit_code = self._exit_code or 0
        self.close()


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


def _row(intent: Intent) -> dict[str, Any]:
    """An intent as the table holds it, still open."""
    return {
        "address": intent.address,
        "key": intent.key,
        "operation": intent.operation,
        "digest": intent.digest,
        "token": intent.token,
        "price": intent.price.cents,
        "detail": _compact(intent.detail),
        "outcome": None,
        "settled": None,
        "object_id": "",
        "request_id": "",
        "error": "",
    }


def _call(row: Row[Any]) -> Call:
    return Call(
        id=row.id,
        run=row.run,
        epoch=row.epoch,
        address=row.address,
        key=row.key,
        operation=row.operation,
        digest=row.digest,
        token=row.token,
        price=Money(row.price),
        detail=json.loads(row.detail),
        endpoint_time=from_ms(row.endpoint_time),
        local_time=from_ms(row.local_time),
        outcome=None if row.outcome is None else Outcome(row.outcome),
        settled_at=None if row.settled is None else from_ms(row.settled),
        object_id=row.object_id,
        request_id=row.request_id,
        error=row.error,
    )


def _run(row: Row[Any]) -> PastRun:
    return PastRun(
        id=row.id,
        epoch=row.epoch,
        command=row.command,
        user=row.user,
        host=row.host,
        commit=row.commit,
        environment=row.environment,
        plan_digest=row.plan_digest,
        intent=row.intent,
        begun=from_ms(row.begun),
        ended=None if row.ended is None else from_ms(row.ended),
        exit_code=row.exit_code,
    )
