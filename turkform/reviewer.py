"""What the review of an assignment means in calls: approve, reject, overturn, pay.

In: an `AssignmentChange`. Out: what became of it, as a `Result`. The state of the assignment is the token of the first
three: the API refuses each of them in any other state, so a second request of one does nothing. A bonus has a token,
which the API forgets after 24 hours; so the payments of the assignment are read before it is sent, and one that is
among them is not sent.

    approve   ── approved meanwhile ──> nothing            reject    ── approved meanwhile ──> kept
    overturn  ── approved meanwhile ──> nothing            bonus     ── paid meanwhile     ──> nothing

What somebody rejected meanwhile is not approved: a person decided otherwise, and the plan is to be made again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from turkform.account import CallRefusedError
from turkform.decisions import Bonus
from turkform.doers import Result
from turkform.entries import Outcome
from turkform.errors import TurkformError
from turkform.item_change import Op
from turkform.judging import bonus_token
from turkform.money import Money
from turkform.past import APPROVE, BONUS, REJECT
from turkform.sender import Announced, Request, Sender, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from turkform.account import Account
    from turkform.judging import AssignmentChange
    from turkform.kinds.resource import Address
    from turkform.memory import OpenCall

_APPROVED, _REJECTED = "Approved", "Rejected"
_GONE = {"AssignmentDoesNotExist", "HITDoesNotExist"}


def read_status(account: Account, assignment: str) -> str:
    """`Submitted`, `Approved` or `Rejected`; empty where the assignment is gone with its HIT."""
    try:
        return str(account.read("GetAssignment", {"AssignmentId": assignment}).body["Assignment"]["AssignmentStatus"])
    except CallRefusedError as error:
        if error.turk_code in _GONE:
            return ""
        raise


def payments(
    account: Account, *, before: Callable[[], object] = lambda: None, **of: str
) -> Iterator[tuple[str, Bonus]]:
    """The bonuses that were paid on a HIT or on an assignment, whoever paid them; `before` is that of `pages`."""
    for page in account.pages("ListBonusPayments", "BonusPayments", before=before, **of):
        for payment in page:
            amount = Money.parse(str(payment["BonusAmount"]))
            yield payment["AssignmentId"], Bonus(amount, str(payment.get("Reason", "")).strip())


def reviewed(account: Account, call: OpenCall) -> bool | None:
    """Whether the account shows what an open call was to do; None where the account has forgotten."""
    if call.operation == BONUS:
        try:
            paid = [bonus for _, bonus in payments(account, AssignmentId=call.key)]
        except CallRefusedError as error:
            if error.turk_code in _GONE:
                return None
            raise
        return Bonus(Money(int(call.detail["amount"])), str(call.detail["reason"])) in paid
    status = read_status(account, call.key)
    return status == (_REJECTED if call.operation == REJECT else _APPROVED) if status else None


@dataclass(frozen=True, slots=True)
class Reviewer:
    """Carries out the changes of one batch's review."""

    sender: Sender
    address: Address
    fees: Callable[[Money], Money]
    """The fee on a bonus."""

    def announce(self, changes: Sequence[AssignmentChange]) -> list[Announced]:
        """Nothing is announced in groups: each call rests on what is read just before it."""
        assert not changes
        return []

    def carry_out(self, change: AssignmentChange, announced: Announced | None = None) -> Result:
        """Do everything the change says, in its order; what is narrowed leaves the rest to be done."""
        assert announced is None
        cents, narrowed, bonuses = 0, "", iter(change.bonuses)
        done: list[Op] = []
        for op, price in zip(change.ops, change.cents, strict=True):
            match op:
                case Op.APPROVE:
                    result = self._approve(change, price, {})
                case Op.OVERTURN:
                    result = self._approve(change, price, {"OverrideRejection": True})
                case Op.REJECT:
                    result = self._reject(change)
                case _:
                    result = self._pay(change, price, next(bonuses))
            cents += result.cents
            narrowed = narrowed or result.narrowed
            done += [] if result.narrowed else [op]
        return Result(cents, narrowed, tuple(done))

    def _approve(self, change: AssignmentChange, cents: int, more: dict[str, Any]) -> Result:
        told = {"RequesterFeedback": change.feedback} if change.feedback else {}
        request = self._about(change, APPROVE, {**told, **more}, cents)
        try:
            self.sender.send(request, lambda error: self._judged(change, error, _APPROVED))
        except CallRefusedError as error:
            if not more and self._now(change, error) == _REJECTED:
                said = f"{self.address.item(change.key)}: somebody rejected it since the plan was made"
                raise TurkformError(said, "Plan again.") from None
            raise
        return Result(cents)

    def _reject(self, change: AssignmentChange) -> Result:
        request = self._about(change, REJECT, {"RequesterFeedback": change.feedback}, 0, released=change.released)
        try:
            self.sender.send(request, lambda error: self._judged(change, error, _REJECTED))
        except CallRefusedError as error:
            if self._now(change, error) == _APPROVED:
                return Result(0, "kept: approved meanwhile, which is final")
            raise
        return Result()

    def _pay(self, change: AssignmentChange, cents: int, bonus: Bonus) -> Result:
        """Pay a bonus, unless the account shows it: its token is worth nothing after a day."""
        key = bonus_token(change.key, bonus)
        parameters = {
            "WorkerId": change.worker, "BonusAmount": str(bonus.amount), "Reason": bonus.reason,
            "UniqueRequestToken": key,
        }  # fmt: skip
        full = bonus.amount.cents + self.fees(bonus.amount).cents
        detail = {"amount": bonus.amount.cents, "reason": bonus.reason}
        request = self._about(change, BONUS, parameters, full, token=key, **detail)
        if bonus in [paid for _, paid in payments(self.sender.account, AssignmentId=change.key)]:
            self.sender.note(request)
            return Result(cents, "paid already")
        self.sender.send(request, lambda error: (Outcome.DONE, change.key) if error.repeated_token else None)
        return Result(cents)

    # --- what became of it --------------------------------------------------------------------------

    def _judged(self, change: AssignmentChange, error: CallRefusedError, wanted: str) -> Verdict:
        """Where the state is refused: whether it is the wanted one, by an earlier request or by the clock."""
        if error.turk_code != "InvalidAssignmentState":
            return None
        status = read_status(self.sender.account, change.key)
        return (Outcome.DONE if status == wanted else Outcome.FAILED), change.key

    def _now(self, change: AssignmentChange, error: CallRefusedError) -> str:
        """The state that a refusal is about; empty where it is about something else."""
        if error.turk_code != "InvalidAssignmentState":
            raise error
        return read_status(self.sender.account, change.key)

    def _about(
        self, change: AssignmentChange, operation: str, parameters: dict[str, Any], cents: int, *, token: str = "",
        **detail: Any,
    ) -> Request:  # fmt: skip
        """A call about an assignment, with what the journal has to keep of it."""
        return Request(
            operation,
            {"AssignmentId": change.key, **parameters},
            self.address,
            change.key,
            token,
            cents,
            {"hit": change.hit, **detail},
            change.key,
        )
