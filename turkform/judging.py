"""What becomes of each answer: approve, reject, overturn a rejection, pay a bonus, or leave alone.

In: answers as they are stored, what is wanted of them, the HITs and payments of the account, what the journal
remembers. Out: a `Judged`, a batch's changes as small values, in the order of the store, with what is to be said of
the rest. Pure.

    wanted      Submitted    Approved                  Rejected
    approve     approve      nothing                   overturn, within 30 days; never by a rule
    reject      reject       refused: it is final      nothing
    overturn    refused      nothing                   overturn, within 30 days

A bonus is what it is paid for: assignment, amount and reason. One that was paid, by whomever, is not paid again. A
payment of the same amount for another reason, or for the same reason with another amount, may be the same bonus
written otherwise, so it has to be named as well, or the plan is refused.

Sources: ApproveAssignment, RejectAssignment and SendBonus in the API reference (read 24 Nov 2026): what can be
overturned and for how long, and that bonuses are paid for six months.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

from turkform.item_change import Op
from turkform.printable import many
from turkform.sender import token
from turkform.times import from_epoch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from turkform.answers import Answer
    from turkform.approval import ApprovedAssignments
    from turkform.decisions import Bonus, Decision
    from turkform.kinds.resource import Address
    from turkform.memory import Memory
    from turkform.money import Fees

OVERTURNED = 30 * 86_400.0
"""Seconds from its submission in which a rejected assignment can be approved after all (ApproveAssignment)."""
BONUSES = 183 * 86_400.0
"""Seconds from its submission in which a bonus can be paid: six months (SendBonus)."""
_NAMED = 3

By = Literal["file", "rules", "overturn"]
"""Whose word the decisions are: a person's file, the campaign's rules, or an assignment named to be overturned."""


class AssignmentChange(NamedTuple):
    """One assignment: what happens to it, in order, and at most at what price (cents, one per op)."""

    key: str
    """Its id."""
    ops: tuple[Op, ...]
    cents: tuple[int, ...]
    item: str
    hit: str
    worker: str
    feedback: str = ""
    bonuses: tuple[Bonus, ...] = ()
    """One for each `BONUS`, in the order of the ops."""
    until: float = 0.0
    """The last moment at which its rejection can be overturned, in epoch seconds."""
    due: float = 0.0
    """When it approves itself, in epoch seconds; 0 where nothing says."""
    released: int = 0
    """REJECT: cents that are not committed any more."""

    @property
    def stored(self) -> str:
        """The key under which the journal has it."""
        return self.key


class Case(NamedTuple):
    """An answer, and what is wanted of it."""

    item: str
    """The stored key of its item."""
    answer: Answer
    decision: Decision


@dataclass(slots=True)
class Judged:
    """What becomes of the answers of one batch."""

    address: Address
    """`review.NAME`."""
    by: By
    changes: list[AssignmentChange] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    """What is only to be known: word → assignments."""
    refusals: dict[str, list[str]] = field(default_factory=dict)
    """Why it is impossible → the assignments it concerns."""
    wish: list[tuple[str, ...]] = field(default_factory=list)
    """What a person wants, a line an assignment; by rules it stands in the campaign."""
    facts: list[tuple[str, ...]] = field(default_factory=list)
    """What the decisions rest on and no worker can alter."""

    def named_refusals(self) -> Iterator[str]:
        """Each reason once, with the first assignments it concerns."""
        for reason, keys in self.refusals.items():
            named = ", ".join(str(self.address.item(key)) for key in keys[:_NAMED])
            more = f" and {len(keys) - _NAMED:,} more" if len(keys) > _NAMED else ""
            yield f"{named}{more} {reason}"


@dataclass(frozen=True, slots=True)
class Account:
    """What the account and the journal say of the answers of one batch."""

    units: Mapping[str, int]
    """HIT that is there → cents of one of its assignments."""
    paid: Mapping[str, Sequence[Bonus]]
    """Assignment → bonuses the account shows."""
    memory: Memory
    fees: Fees
    now: datetime


def bonus_token(assignment: str, bonus: Bonus, ordinal: int = 1) -> str:
    """The UniqueRequestToken of a bonus: the same whenever the same payment is meant."""
    return token("SendBonus", assignment, bonus.amount, bonus.reason, ordinal)


def judge(
    address: Address, by: By, cases: Iterable[Case], account: Account, approved: ApprovedAssignments | None = None
) -> Judged:
    """Decide on every case; with what a saved plan approves, no more than that."""
    judged = Judged(address, by)
    pass_ = _Pass(judged, account, approved)
    for case in cases:
        pass_.case(case)
    if approved is not None:
        for op, keys in approved.items():
            judged.facts += [(key, op, "gone") for key in sorted(keys - pass_.seen)]
    judged.facts.sort()
    return judged


class _Pass:
    def __init__(self, judged: Judged, account: Account, approved: ApprovedAssignments | None) -> None:
        self.judged, self.account, self.approved = judged, account, approved
        self.now = account.now.timestamp()
        self.open = {call.token for call in account.memory.open if call.operation == "SendBonus"}
        self.seen: set[str] = set()

    def case(self, case: Case) -> None:
        """Decide on one answer."""
        answer, decision = case.answer, case.decision
        key = answer.assignment_id
        self.seen.add(key)
        if self.judged.by != "rules":
            amounts = (part for bonus in decision.bonuses for part in (str(bonus.amount), bonus.reason))
            self.judged.wish.append((key, decision.wish, decision.feedback, *amounts))
        if answer.worker != (decision.worker or answer.worker):
            self._refuse(key, f"belongs to {answer.worker}, and the file says {decision.worker}: its rows are mixed up")
            return
        op, bonuses = self._decided(case), self._bonuses(case)
        planned = [(op, self._price(op, answer))] if op else []
        planned += [(Op.BONUS, self._bonus_price(key, bonus)) for bonus in bonuses]
        self._rests_on(case, [op for op, _ in planned])
        planned = [(op, cents) for op, cents in planned if self._kept(op, key)]
        if not planned:
            return
        unit = self.account.units[answer.hit_id]
        self.judged.changes.append(
            AssignmentChange(
                key, tuple(op for op, _ in planned), tuple(cents for _, cents in planned),
                case.item, answer.hit_id, answer.worker, decision.feedback,
                bonuses=tuple(bonuses) if planned[-1][0] is Op.BONUS else (),
                until=answer.submitted.timestamp() + OVERTURNED,
                due=answer.due.timestamp() if answer.due else 0.0,
                released=unit if op is Op.REJECT else 0,
            )
        )  # fmt: skip

    def _kept(self, op: Op, key: str) -> bool:
        """Whether the saved plan that is carried out says so, where there is one."""
        return self.approved is None or key in self.approved.get(op, frozenset())

    def _rests_on(self, case: Case, ops: Sequence[Op]) -> None:
        """What would be another decision: somebody rejected it, or it is gone."""
        key, gone = case.answer.assignment_id, case.answer.hit_id not in self.account.units
        named = ops if self.approved is None else [Op(op) for op, keys in self.approved.items() if key in keys]
        for op in dict.fromkeys(named):
            rejected = op is Op.APPROVE and case.answer.status == "Rejected"
            self.judged.facts.append((key, op, "gone" if gone else "rejected" if rejected else ""))

    # --- approving and rejecting --------------------------------------------------------------------

    def _decided(self, case: Case) -> Op | None:
        """Approve, reject or overturn; None where nothing is to be done."""
        answer, wish = case.answer, case.decision.wish
        reached = {"approve": "Approved", "overturn": "Approved", "reject": "Rejected"}
        if not wish or (answer.status == "Rejected" and self.judged.by == "rules"):
            return None
        if answer.status == reached[wish]:
            self.judged.counts["rejected" if wish == "reject" else "approved"] += 1
            return None
        if problem := self._problem(answer, wish):
            self._impossible(answer.assignment_id, problem)
            return None
        if answer.status == "Rejected":
            return Op.OVERTURN
        if answer.status == "Approved":  # the plan was made before: it was to be rejected, and is not
            self.judged.counts["approved meanwhile"] += 1
            return None
        return Op.REJECT if wish == "reject" else Op.APPROVE

    def _problem(self, answer: Answer, wish: str) -> str:
        """Why a wish cannot be met; empty where it can, or where a saved plan does less by now."""
        if answer.hit_id not in self.account.units:
            return "cannot be changed any more: its HIT is gone"
        if answer.status == "Approved":
            meanwhile = self.approved is not None and answer.assignment_id in self.approved.get(Op.REJECT, ())
            return "" if meanwhile else "is approved, which is final. Leave its row without a decision"
        if answer.status == "Submitted" and wish == "overturn":
            return "is not rejected, so there is nothing to overturn"
        if answer.status == "Rejected" and self.now - answer.submitted.timestamp() > OVERTURNED:
            return "was handed in over 30 days ago, and its rejection stands for good"
        return ""

    def _impossible(self, key: str, reason: str) -> None:
        """A person is told; a rule only does not reach it."""
        if self.judged.by == "rules":
            self.judged.counts["out of reach"] += 1
        else:
            self._refuse(key, reason)

    def _refuse(self, key: str, reason: str) -> None:
        self.judged.refusals.setdefault(reason, []).append(key)

    def _price(self, op: Op, answer: Answer) -> int:
        """A rejection overturned needs the money again; approved work was priced when it was published."""
        return self.account.units.get(answer.hit_id, 0) if op is Op.OVERTURN else 0

    # --- bonuses --------------------------------------------------------------------------------------

    def _bonuses(self, case: Case) -> list[Bonus]:
        """The bonuses that were not paid yet."""
        key, wanted = case.answer.assignment_id, case.decision.bonuses
        known = self.account.memory.bonuses
        shown = list(self.account.paid.get(key, ()))
        missing = []
        for bonus in wanted:
            if bonus in shown:
                shown.remove(bonus)
            elif bonus_token(key, bonus) not in known:
                missing.append(bonus)
                continue
            self.judged.counts["bonus paid"] += 1
        if not missing:
            return []
        if case.answer.hit_id not in self.account.units:
            self._impossible(key, "can be paid no bonus: its HIT is gone, and with it the list of what was paid")
            return []
        if self.now - case.answer.submitted.timestamp() > BONUSES:
            self._impossible(key, "was handed in over six months ago, and can be paid no bonus any more")
            return []
        for bonus in missing:
            alike = next((p for p in shown if p.reason == bonus.reason or p.amount == bonus.amount), None)
            if alike is not None and bonus_token(key, bonus) not in self.open:
                self._refuse(
                    key,
                    f'was paid ${alike.amount} for "{alike.reason}", which is not named, and ${bonus.amount} for '
                    f'"{bonus.reason}" may be the same again. Name the one that was paid as well, where both are meant',
                )
        self.judged.counts["other bonus"] += bool(shown)
        return missing

    def _bonus_price(self, key: str, bonus: Bonus) -> int:
        """The amount and its fee; nothing more where a call of unknown outcome is counted already."""
        if bonus_token(key, bonus) in self.open:
            return 0
        return bonus.amount.cents + self.account.fees.bonus_fee(bonus.amount).cents


def window(change: AssignmentChange) -> str:
    """Until when a rejection can be overturned, as a day."""
    return f"{from_epoch(change.until):%Y-%m-%d}"


def told(judged: Judged) -> Iterator[str]:
    """What is only to be known, as sentences."""
    for word, text in _NOTES.items():
        if judged.counts[word]:
            yield f"{judged.address}: {text.format(many(judged.counts[word], 'answer'))}"


_NOTES = {
    "approved": "{} approved already",
    "rejected": "{} rejected already",
    "approved meanwhile": "{} to be rejected and approved meanwhile, which is final",
    "bonus paid": "{} with a bonus that was paid already",
    "other bonus": "{} with another bonus besides, which is not named here",
    "out of reach": "{} left alone: too old, or gone from the account",
}
