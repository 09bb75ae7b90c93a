"""One call at a time, exactly once: journalled before it leaves, settled when its answer is learned.

In: what is to be sent. Out: the answer, or the error that says what became of it. A call that got no
answer is sent again with the same token; every operation used here is safe to repeat, because a token,
a name or the state of the object makes the second one harmless.
"""

from __future__ import annotations

import hashlib
import json
import random
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from turkform.account import Account, Answer, CallRefusedError, CallUnansweredError, CallUnsentError
from turkform.errors import InterruptedApplyError
from turkform.journal import Intent, Outcome
from turkform.money import Money

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from turkform.journal import Run
    from turkform.kinds.resource import Address
    from turkform.pace import Pace

_TRIES = 8
_LONGEST_PAUSE = 20.0


class Stop:
    """How an apply is told to stop: first to drain, then to stop at once. Set from a signal handler."""

    def __init__(self) -> None:
        self._drain = threading.Event()
        self._now = threading.Event()

    def request(self) -> None:
        """Send nothing new; finish what is under way."""
        self._drain.set()

    def request_now(self) -> None:
        """Do not even wait for answers; they are settled by the next apply."""
        self._drain.set()
        self._now.set()

    @property
    def requested(self) -> bool:
        """Nothing new is to be sent."""
        return self._drain.is_set()

    @property
    def requested_now(self) -> bool:
        """Nothing is to be waited for."""
        return self._now.is_set()

    def pause(self, seconds: float) -> None:
        """Sleep, unless told to stop at once."""
        self._now.wait(seconds)


@dataclass(frozen=True, slots=True)
class Request:
    """One call to make: what is sent, for whom, and what the journal keeps of it."""

    operation: str
    parameters: Mapping[str, Any]
    address: Address
    key: str = ""
    token: str = ""
    cents: int = 0
    detail: Mapping[str, Any] = field(default_factory=dict)
    object_id: str = ""
    """The object it is about, where that exists already."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A call that was done: its answer and its number in the journal."""

    call: int
    answer: Answer


def token(operation: str, *parts: object) -> str:
    """The UniqueRequestToken: 64 hexadecimal characters, the same whenever the same thing is meant.

    The API takes at most 64 characters, and forgets a token after 24 hours (requester guide,
    "Request tokens").
    """
    text = json.dumps([operation, *(str(part) for part in parts)], separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


class Sender:
    """Sends for one run of one journal. Shared by all of its threads."""

    def __init__(
        self,
        account: Account,
        run: Run,
        pace: Pace,
        stop: Stop,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.account, self.run, self.pace, self.stop = account, run, pace, stop
        self._clock = clock
        now = account.now or datetime.now(UTC)
        self._offset = now.timestamp() - clock()
        """The endpoint's clock minus this machine's."""

    def now(self) -> float:
        """The endpoint's clock, in epoch seconds, carried on by this machine's."""
        return self._clock() + self._offset

    def send(self, request: Request) -> Sent:
        """Journal the intent, send, settle.

        Raises:
            CallRefusedError: the endpoint said no, and the journal says so.
            CallUnansweredError: no answer after several tries; the journal keeps the call as unknown.
            CallUnsentError: there was no connection; the journal says that nothing happened.
            InterruptedApplyError: told to stop before it was sent.
        """
        if self.stop.requested:
            raise InterruptedApplyError("told to stop")
        call = self._intend(request)
        try:
            answer = self._try(request)
        except CallRefusedError as error:
            self._settle(call, Outcome.FAILED, request.object_id, error=str(error))
            raise
        except CallUnansweredError as error:
            self._settle(call, Outcome.UNKNOWN, request.object_id, error=str(error))
            raise
        except CallUnsentError as error:
            self._settle(call, Outcome.VOID, request.object_id, error=str(error))
            raise
        self._settle(call, Outcome.DONE, request.object_id or _made(answer.body), answer=answer)
        return Sent(call, answer)

    def done_before(self, call: int, object_id: str) -> None:
        """An earlier call turns out to have been done."""
        self.run.settle(call, Outcome.DONE, object_id=object_id, at=self._time())

    def _intend(self, request: Request) -> int:
        intent = Intent(
            address=str(request.address),
            key=request.key,
            operation=request.operation,
            digest=digest(request.parameters),
            token=request.token,
            price=Money(request.cents),
            detail={**request.detail, **({"object": request.object_id} if request.object_id else {})},
        )
        return self.run.intend([intent], at=self._time())[0]

    def _settle(
        self, call: int, outcome: Outcome, object_id: str, *, answer: Answer | None = None, error: str = ""
    ) -> None:
        at = answer.at if answer else self._time()
        request_id = answer.request_id if answer else ""
        self.run.settle(call, outcome, object_id=object_id, request_id=request_id, at=at, error=error)

    def _try(self, request: Request) -> Answer:
        """Send until there is an answer: throttled and unsent calls did nothing, the rest is repeatable."""
        last: CallUnansweredError | None = None
        tries = 0
        while True:
            self.pace.wait()
            try:
                answer = self.account.call(request.operation, request.parameters)
            except CallRefusedError as error:
                if not error.throttled:
                    self.pace.taken()
                    raise
                self.pace.throttled()
                if self.stop.requested:
                    raise CallUnsentError(f"{request.operation}: told to stop before it was taken") from None
                self._pause(0)
                continue
            except CallUnansweredError as error:
                last = error
            except CallUnsentError:
                if last is None and tries + 1 >= _TRIES:
                    raise
            else:
                self.pace.taken()
                return answer
            tries += 1
            if tries >= _TRIES or self.stop.requested_now:
                raise last or CallUnsentError(f"{request.operation}: no connection")
            self._pause(tries)

    def _pause(self, tries: int) -> None:
        self.stop.pause(min(_LONGEST_PAUSE, 0.05 * 2**tries) * (0.5 + random.random()))  # noqa: S311 - jitter

    def _time(self) -> datetime:
        return datetime.fromtimestamp(self.now(), UTC)


def _made(body: Mapping[str, Any]) -> str:
    """The id of what a call made, wherever its operation puts it."""
    if "HIT" in body:
        return str(body["HIT"]["HITId"])
    if "QualificationType" in body:
        return str(body["QualificationType"]["QualificationTypeId"])
    return str(body.get("HITTypeId", ""))


def digest(parameters: Mapping[str, Any]) -> str:
    """sha256 over what is sent, for the audit trail."""
    text = json.dumps(parameters, sort_keys=True, default=str, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def past(now: float) -> datetime:
    """An instant to expire a HIT at: long past, and another one every second.

    The API refuses the same ExpireAt for the same HIT twice, to the second, as "already processed".
    """
    return datetime(2015, 1, 1, tzinfo=UTC) + timedelta(seconds=int(now) % 300_000_000)
