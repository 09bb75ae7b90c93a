"""A run: one command's writing in a journal, under one epoch.

In: intents before a call leaves, outcomes after its answer. Out: numbers for calls that are durable, and only
then may be sent. Outcomes are written with the next group; closing the run writes what is left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import Connection, insert, select, update

from turkform.entries import Outcome, row_of
from turkform.errors import InterruptedApplyError, StalePlanError, TurkformError
from turkform.ledger import clean, from_ms, next_id, plans, rekeys, runs, to_ms
from turkform.scribe import Scribe
from turkform.times import format_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime
    from types import TracebackType

    from turkform.entries import Intent
    from turkform.lease import Clocks, Lease, LeaseLostError
    from turkform.ledger import Ledger


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
        return self._scribe.write([self._stamp | times | row_of(intent) for intent in intents])

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
