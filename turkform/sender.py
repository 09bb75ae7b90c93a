"""One call at a time, exactly once: journalled before it leaves, settled when its answer is learned.

In: what is to be sent. Out: the answer, or the error that says what became of it. A call that got no
answer is sent again with the same token; every operation used here is safe to repeat, because a token,
a name or the state of the object makes the second one harmless.

A refusal says that *this* request did nothing. An earlier one of the same call, which went unanswered or was
repeated on its way, may have done what was asked and be what the refusal is about. So a judge looks:

    what was asked is so           done
    it is not                      failed
    nothing can be said of that    failed where every request was answered, else unknown

Time may pass unseen between the intent and its request: a process is stopped, a laptop sleeps. So a
request that leaves late asks first whether the epoch is still ours, and a token is not used again after
an hour: it lives for 24.
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
from turkform.entries import Intent, Outcome
from turkform.errors import EndpointError, InterruptedApplyError, TurkformError
from turkform.ledger import JournalError
from turkform.money import Money

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from turkform.kinds.resource import Address
    from turkform.memory import OpenCall
    from turkform.pace import Pace
    from turkform.run import Run

_TRIES = 8
_LONGEST_PAUSE = 20.0
_LATE = 5.0
"""Seconds after its intent from which on a request asks whether the epoch is still ours before it leaves."""
_TRUSTED = 3600.0
"""Seconds for which a token is used again; the API forgets it after 24 hours (requester guide, "Request
tokens"), and any clock may be wrong by a time zone."""


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

    def queue(self, seconds: float) -> None:
        """Wait for a turn to send, unless told that nothing more is to be sent."""
        self._drain.wait(seconds)


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
    """A call that was done."""

    call: int
    """Its number in the journal."""
    object_id: str
    """What it made, or what it is about."""
    body: Mapping[str, Any] = field(default_factory=dict)
    """The answer; empty where an earlier request had done it already."""


Verdict = tuple[Outcome, str] | None
"""What became of a call, and the object it made or is about; None where a refusal tells nothing of that."""


def no_judge(_: CallRefusedError) -> Verdict:
    """For calls that refuse no repetition."""
    return None


@dataclass(slots=True)
class Announced:
    """A call whose intent is durable: it may be sent, or withdrawn."""

    request: Request
    call: int
    """Its number in the journal."""
    wall: float
    monotonic: float
    endpoint: float
    """The endpoint's clock when it was journalled, in epoch seconds."""
    checked: float
    """When the epoch was last known to be ours, on the monotonic clock."""
    checked_wall: float
    unanswered: CallUnansweredError | None = None
    """Why an earlier request of it may have been done."""


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
        earlier: Iterable[OpenCall] = (),
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`earlier` are calls that former runs left open: whoever uses their token again settles them."""
        self.account, self.run, self.pace, self.stop = account, run, pace, stop
        self._clock, self._monotonic = clock, monotonic
        now = account.now or datetime.now(UTC)
        self._offset = now.timestamp() - clock()
        """The endpoint's clock minus this machine's."""
        self._earlier: dict[str, list[int]] = {}
        for call in earlier:
            if call.token:
                self._earlier.setdefault(call.token, []).append(call.id)

    def now(self) -> float:
        """The endpoint's clock, in epoch seconds, carried on by this machine's."""
        return self._clock() + self._offset

    def send(self, request: Request, judge: Callable[[CallRefusedError], Verdict] = no_judge) -> Sent:
        """Journal the intent, send, settle; `judge` looks where a refusal does not say what became of the call.

        Raises:
            CallRefusedError: the endpoint said no, and the journal says so.
            CallUnansweredError: no answer after several tries; the journal keeps the call as unknown.
            EndpointError: there was no connection, or no access; the journal says that nothing happened.
            InterruptedApplyError: told to stop, or the lease was lost, before it was sent.
        """
        return self.dispatch(self.announce([request])[0], judge)

    def announce(self, requests: Sequence[Request]) -> list[Announced]:
        """Journal the intents of several calls at once: waiting for the disk costs the same for all as for one.

        Raises:
            InterruptedApplyError: told to stop, or the lease was lost; none may be sent.
            JournalError: they could not be written; none may be sent.
        """
        if self.stop.requested:
            raise InterruptedApplyError("told to stop")
        calls = self.run.intend([_intent(request) for request in requests], at=self._time())
        wall, monotonic, endpoint = self._clock(), self._monotonic(), self.now()
        return [
            Announced(request, call, wall, monotonic, endpoint, monotonic, wall)
            for request, call in zip(requests, calls, strict=True)
        ]

    def dispatch(self, announced: Announced, judge: Callable[[CallRefusedError], Verdict] = no_judge) -> Sent:
        """Send what was announced, and settle it; raises what `send` does."""
        request = announced.request
        try:
            answer = self._try(announced)
        except CallRefusedError as error:
            return self._refused(announced, error, judge)
        except CallUnansweredError as error:
            self._settle(announced, Outcome.UNKNOWN, request.object_id, error=str(error))
            raise
        except (EndpointError, InterruptedApplyError, JournalError) as error:
            self._settle(announced, Outcome.VOID, request.object_id, error=str(error))
            raise
        object_id = request.object_id or _made(answer.body)
        self._settle(announced, Outcome.DONE, object_id, answer=answer)
        self._settle_earlier(request, object_id)
        return Sent(announced.call, object_id, answer.body)

    def withdraw(self, announced: Announced) -> None:
        """Say of a call that was announced that it will not be sent."""
        self._settle(announced, Outcome.VOID, announced.request.object_id, error="not sent")

    def _refused(
        self, announced: Announced, error: CallRefusedError, judge: Callable[[CallRefusedError], Verdict]
    ) -> Sent:
        """Say what a refusal means for its call: nothing happened, or an earlier request had done it."""
        try:
            verdict = judge(error)
        except (EndpointError, CallRefusedError):
            verdict = Outcome.UNKNOWN, ""
        silent = Outcome.UNKNOWN if announced.unanswered else Outcome.FAILED
        outcome, object_id = verdict or (silent, "")
        self._settle(announced, outcome, object_id or announced.request.object_id, error=str(error))
        if outcome is Outcome.FAILED:
            raise error
        if outcome is Outcome.UNKNOWN:
            raise CallUnansweredError(f"{error}; whether an earlier request did it is not known")
        self._settle_earlier(announced.request, object_id)
        return Sent(announced.call, object_id)

    def _settle_earlier(self, request: Request, object_id: str) -> None:
        """Calls of former runs with this token were this very call."""
        for call in self._earlier.pop(request.token, ()):
            self.run.settle(call, Outcome.DONE, object_id=object_id, at=self._time(), error="settled by its token")

    def note(self, request: Request) -> None:
        """Write down what needs no call: it is done with its writing.

        Raises:
            JournalError: it could not be written.
            LeaseLostError: another process has the lease.
        """
        [announced] = self.announce([request])
        self._settle(announced, Outcome.DONE, request.object_id)

    def _settle(
        self, announced: Announced, outcome: Outcome, object_id: str, *, answer: Answer | None = None, error: str = ""
    ) -> None:
        at = answer.at if answer else self._time()
        request_id = answer.request_id if answer else ""
        self.run.settle(announced.call, outcome, object_id=object_id, request_id=request_id, at=at, error=error)

    def _try(self, announced: Announced) -> Answer:
        """Send until there is an answer: throttled and unsent calls did nothing, the rest is repeatable."""
        request, tries = announced.request, 0
        while True:
            self.pace.wait()
            self._must_be_ours(announced)
            try:
                answer = self.account.call(request.operation, request.parameters)
            except CallRefusedError as error:
                if not error.throttled:
                    self.pace.taken()
                    raise
                self.pace.throttled()
                self._pause(0)
                continue
            except CallUnansweredError as error:
                announced.unanswered = error
            except EndpointError as error:
                if tries + 1 >= _TRIES or not isinstance(error, CallUnsentError):
                    raise (announced.unanswered or error) from None
            else:
                self.pace.taken()
                return answer
            tries += 1
            if tries >= _TRIES or self.stop.requested_now:
                raise announced.unanswered or CallUnsentError(f"{request.operation}: no connection")
            self._pause(tries)
            if announced.unanswered and request.token:
                self._must_be_trusted(announced)

    def _must_be_ours(self, announced: Announced) -> None:
        """Before a request leaves: nobody said stop, and the intent still stands under an epoch of ours.

        Raises:
            InterruptedApplyError: told to stop, or another process has the lease; nothing was sent.
            CallUnansweredError: the same after an earlier request without an answer.
        """
        if self.stop.requested_now or (self.stop.requested and not announced.unanswered):
            raise announced.unanswered or InterruptedApplyError(
                f"{announced.request.operation}: told to stop before it was taken"
            )
        wall, monotonic = self._clock(), self._monotonic()
        if max(abs(wall - announced.checked_wall), monotonic - announced.checked) > _LATE:
            try:
                self.run.flush()
            except (InterruptedApplyError, JournalError) as error:
                raise (announced.unanswered or error) from None
            announced.checked, announced.checked_wall = monotonic, wall

    def _must_be_trusted(self, announced: Announced) -> None:
        """Before a token is used again: it is young by every clock, the endpoint's own included.

        Raises:
            CallUnansweredError: it may be forgotten by now, and the request would do it all twice.
        """
        try:
            endpoint = self.account.read("GetAccountBalance", {}).at.timestamp()
        except TurkformError:
            assert announced.unanswered is not None
            raise announced.unanswered from None
        passed = (
            self._clock() - announced.wall,
            self._monotonic() - announced.monotonic,
            endpoint - announced.endpoint,
        )
        if max(map(abs, passed)) > _TRUSTED:
            raise CallUnansweredError(f"{announced.request.operation}: no answer, and too late to send it again")

    def _pause(self, tries: int) -> None:
        self.stop.pause(min(_LONGEST_PAUSE, 0.05 * 2**tries) * (0.5 + random.random()))  # noqa: S311 - jitter

    def _time(self) -> datetime:
        return datetime.fromtimestamp(self.now(), UTC)


def _intent(request: Request) -> Intent:
    """What the journal keeps of a call."""
    return Intent(
        address=str(request.address),
        key=request.key,
        operation=request.operation,
        digest=digest(request.parameters),
        token=request.token,
        price=Money(request.cents),
        detail={**request.detail, **({"object": request.object_id} if request.object_id else {})},
    )


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
