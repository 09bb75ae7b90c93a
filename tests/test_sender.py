"""Sending: what the journal says of a call is what its answers prove, and no more."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from turkform.account import Account, CallRefusedError, CallUnansweredError, CallUnsentError, connect
from turkform.campaign import Target
from turkform.entries import Outcome
from turkform.errors import EndpointError, InterruptedApplyError
from turkform.journal import Journal
from turkform.kinds.resource import Address
from turkform.lease import LeaseLostError
from turkform.memory import OpenCall
from turkform.pace import Pace
from turkform.sender import Request, Sender, Stop, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from marketplace_server import Server

    from turkform.run import Run


class Troubled(Account):
    """An account whose writing calls meet what a script says, one word a request."""

    script: list[str]
    reached: int
    """How many of them the marketplace was asked for."""
    meanwhile: Callable[[], None]

    @classmethod
    def at(cls, server: Server, *script: str) -> Troubled:
        account = cls.__new__(cls)
        account.__dict__.update(connect(Target("local", "local"), server.url).__dict__)
        account.script, account.reached, account.meanwhile = list(script), 0, lambda: None
        return account

    def call(self, operation: str, parameters: Mapping[str, Any], *, shape: Any = None) -> Any:
        word = self.script.pop(0) if self.script and not operation.startswith("Get") else ""
        self.meanwhile()
        if word == "unsent":
            raise CallUnsentError("no connection")
        if word == "no access":
            raise EndpointError("refused the credentials")
        if word == "lost request":
            raise CallUnansweredError("no answer")
        if word == "throttled":
            raise CallRefusedError(operation, "ThrottlingException", "", "Rate exceeded")
        if word == "refused":
            raise CallRefusedError(operation, "RequestError", "AWS.MechanicalTurk.InsufficientFunds", "no money")
        if not operation.startswith("Get"):
            self.reached += 1
        answer = super().call(operation, parameters, shape=shape)
        if word == "lost answer":
            raise CallUnansweredError("no answer")
        return answer


class Clock:
    """A clock that can be moved, beside the real one."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        import time

        return time.time() + self.ahead


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal.open(tmp_path / "journal.sqlite", create=True) as opened:
        yield opened


@pytest.fixture
def run(journal: Journal, server: Server) -> Iterator[Run]:
    account = connect(Target("local", "local"), server.url)
    with journal.begin(command="apply", now=account.clock()) as begun:
        yield begun


def sender(account: Account, run: Run, **more: Any) -> Sender:
    account.clock()
    return Sender(account, run, Pace(), more.pop("stop", Stop()), **more)


def block(worker: str) -> Request:
    return Request("CreateWorkerBlock", {"WorkerId": worker, "Reason": "R"}, Address("block"), worker)


def tokened(worker: str) -> Request:
    """A call that bears a token in the journal."""
    return Request("CreateWorkerBlock", {"WorkerId": worker, "Reason": "R"}, Address("block"), worker, "t" * 64)


def outcomes(journal: Journal, run: Run) -> list[Outcome | None]:
    run.flush()
    return [call.outcome for call in journal.calls()]


@pytest.mark.parametrize(
    ("script", "outcome", "error"),
    [
        ([], Outcome.DONE, None),
        (["lost answer"], Outcome.DONE, None),
        (["lost request", "throttled", "lost answer"], Outcome.DONE, None),
        (["unsent", "unsent"], Outcome.DONE, None),
        (["refused"], Outcome.FAILED, CallRefusedError),
        (["lost answer", "refused"], Outcome.UNKNOWN, CallUnansweredError),
        (["lost request", "no access"], Outcome.UNKNOWN, CallUnansweredError),
        (["no access"], Outcome.VOID, EndpointError),
        (["unsent"] * 8, Outcome.VOID, CallUnsentError),
        (["lost request"] + ["unsent"] * 7, Outcome.UNKNOWN, CallUnansweredError),
    ],
    ids=lambda value: ", ".join(value[:3]) if isinstance(value, list) else None,
)
def test_a_call_is_what_its_answers_prove(
    server: Server, journal: Journal, run: Run, script: list[str], outcome: Outcome, error: type[Exception] | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(Stop, "pause", lambda *_: None)
    account = Troubled.at(server, *script)
    if error is None:
        sender(account, run).send(block("A1CALL"))
    else:
        with pytest.raises(error):
            sender(account, run).send(block("A1CALL"))
    assert outcomes(journal, run) == [outcome]


@pytest.mark.parametrize(
    ("verdict", "outcome"),
    [((Outcome.DONE, "3HIT"), Outcome.DONE), ((Outcome.FAILED, ""), Outcome.FAILED), (None, Outcome.FAILED)],
)
def test_a_judge_looks_what_a_refusal_means(
    server: Server, journal: Journal, run: Run, verdict: Verdict, outcome: Outcome
) -> None:
    sending = sender(Troubled.at(server, "refused"), run)
    if outcome is Outcome.DONE:
        assert sending.send(block("A1CALL"), lambda _: verdict).object_id == "3HIT"
    else:
        with pytest.raises(CallRefusedError):
            sending.send(block("A1CALL"), lambda _: verdict)
    assert outcomes(journal, run) == [outcome]


def test_told_to_stop_after_an_unanswered_try_the_call_is_not_said_never_to_have_happened(
    server: Server, journal: Journal, run: Run
) -> None:
    stop = Stop()
    account = Troubled.at(server, "lost answer", "throttled", "throttled")
    account.meanwhile = lambda: stop.request_now() if len(account.script) < 2 else None
    with pytest.raises(CallUnansweredError):
        sender(account, run, stop=stop).send(block("A1CALL"))
    assert outcomes(journal, run) == [Outcome.UNKNOWN]


def test_told_to_stop_before_it_was_sent_a_call_never_happened(server: Server, journal: Journal, run: Run) -> None:
    stop = Stop()
    account = Troubled.at(server)
    [announced] = sender(account, run, stop=stop).announce([block("A1CALL")])
    stop.request()
    with pytest.raises(InterruptedApplyError):
        sender(account, run, stop=stop).dispatch(announced)
    assert (outcomes(journal, run), account.reached) == ([Outcome.VOID], 0)


@pytest.mark.parametrize("slept", [10.0, -10.0], ids=["slept", "set back"])
def test_a_request_that_leaves_late_asks_whether_the_epoch_is_still_ours(
    server: Server, journal: Journal, run: Run, slept: float
) -> None:
    clock, account = Clock(), Troubled.at(server)
    sending = sender(account, run, clock=clock)
    [announced] = sending.announce([block("A1CALL")])
    journal.raise_epoch()
    clock.ahead = slept
    with pytest.raises(LeaseLostError):
        sending.dispatch(announced)
    assert (outcomes_of(journal), account.reached) == ([None], 0)


def outcomes_of(journal: Journal) -> list[Outcome | None]:
    return [call.outcome for call in journal.calls()]


@pytest.mark.parametrize("whose", ["this machine's", "the endpoint's"])
def test_a_token_is_not_used_again_when_any_clock_says_that_it_is_old(
    server: Server, journal: Journal, run: Run, whose: str
) -> None:
    clock = Clock()
    account = Troubled.at(server, "lost answer")

    def slept() -> None:
        if account.script or clock.ahead:
            return
        clock.ahead = 90_000.0
        if whose == "the endpoint's":
            clock.ahead = 0.001
            server.control("clock", advance_seconds=90_000)

    account.meanwhile = slept
    with pytest.raises(CallUnansweredError, match="no answer"):
        sender(account, run, clock=clock).send(tokened("A1CALL"))
    assert account.reached == 1
    assert outcomes(journal, run) == [Outcome.UNKNOWN]


def test_a_token_used_again_settles_the_call_that_an_earlier_run_left_open(
    server: Server, journal: Journal, run: Run
) -> None:
    sending = sender(Troubled.at(server), run)
    [left] = sending.announce([block("A1LEFT")])
    earlier = OpenCall(left.call, "CreateWorkerBlock", "block", "A1LEFT", "t" * 64, 0.0, 0.0, {})
    sender(Troubled.at(server), run, earlier=[earlier]).send(tokened("A1LEFT"))
    assert outcomes(journal, run) == [Outcome.DONE, Outcome.DONE]


def test_threads_share_a_sender(server: Server, journal: Journal, run: Run) -> None:
    sending = sender(Troubled.at(server), run)
    threads = [threading.Thread(target=sending.send, args=(block(f"A{n}"),)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes(journal, run) == [Outcome.DONE] * 8
