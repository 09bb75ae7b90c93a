"""The draft of a review: what becomes of the answers of each batch, as priced steps, held against the policies.

In: a `Survey`, and a `Judged` for each batch. Out: a `Draft` with nothing of publishing in it: a step for each thing
that happens to assignments, with what a person approves by it, what it rests on, and what is to be said about it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from turkform.batch_draft import commitment
from turkform.changes import Diff
from turkform.draft import Draft
from turkform.item_change import Op
from turkform.judging import OVERTURNED, told, window
from turkform.money import Cost
from turkform.printable import many
from turkform.steps import ACTIONS, FACTS, LEAVES, OPERATIONS, Digest, Items, Step
from turkform.times import format_time, from_epoch

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from turkform.answers import Answer
    from turkform.judging import AssignmentChange, Judged
    from turkform.survey import Survey

REVIEWING = (Op.APPROVE, Op.REJECT, Op.OVERTURN, Op.BONUS)
FEWEST_GUARDED = 10
"""From so many answers on, the bounds on rejections apply."""


@dataclass(slots=True)
class Standing:
    """How the answers of a campaign stood before: whom they are from, and which are rejected."""

    answers: Counter[str] = field(default_factory=Counter)
    """Batch's address, or worker → answers."""
    rejected: Counter[str] = field(default_factory=Counter)
    submitted: Counter[str] = field(default_factory=Counter)
    """Batch's address → answers that nobody has decided on."""

    def count(self, address: str, answer: Answer) -> None:
        """One more answer, of the batch at this address."""
        for name in (address, answer.worker):
            self.answers[name] += 1
            self.rejected[name] += answer.status == "Rejected"
        self.submitted[address] += answer.status == "Submitted"


def draft_review(survey: Survey, asked: Mapping[str, Any], found: Sequence[Judged], standing: Standing) -> Draft:
    """Draft what becomes of the answers of every batch; `asked` is whose word it goes by, as it stands in a plan."""
    compared = survey.found
    only = Diff(publications=compared.publications, ids=compared.ids, owned=compared.owned)
    draft = Draft(survey.desired, survey.observed, survey.memory, only, survey.choices)
    draft.command, draft.review = "review", dict(asked)
    draft.committed = sum(commitment(publication) for publication in compared.publications.values())
    for judged in found:
        _batch(draft, judged, standing)
    _bounded(draft, found, standing)
    return draft


def _batch(draft: Draft, judged: Judged, standing: Standing) -> None:
    address, name = judged.address, str(judged.address)
    groups = {op: _group(judged.changes, op) for op in REVIEWING}
    for op, items in groups.items():
        if items.count:
            fact, narrower = FACTS[op]
            draft.add(
                Step(
                    address, ACTIONS[op], OPERATIONS[op], LEAVES[op], op=str(op), fact=fact, narrower=narrower,
                    items=items, cents=items.cents, reason=_reason(op, judged.changes), subject=judged,
                )
            )  # fmt: skip
    draft.cost = draft.cost.plus(_cost(judged.changes))
    draft.notes += told(judged)
    draft.notes += _late(judged, standing.submitted[name] - sum(groups[op].count for op in (Op.APPROVE, Op.REJECT)))
    draft.refusals += judged.named_refusals()
    if judged.wish or judged.by == "rules":
        words = sorted({line[1] for line in judged.wish if line[1]} | {"bonus" for line in judged.wish if line[3:]})
        draft.wishes[name] = {"by": judged.by, "decides": words, "answers": _sha(judged.wish)}
        draft.facts[name] = _sha(judged.facts)
    _lasts(draft, judged.changes)


def _group(changes: Iterable[AssignmentChange], op: Op) -> Items:
    """The assignments to which one thing happens; one with two bonuses stands there twice."""
    items = Items(named=True)
    for change in changes:
        bonuses = iter(change.bonuses)
        for own, cents in zip(change.ops, change.cents, strict=True):
            bonus = next(bonuses) if own is Op.BONUS else None
            if own is not op:
                continue
            detail = {"item": change.item, "worker": change.worker}
            if text := bonus.reason if bonus else change.feedback:
                detail["reason"] = text
            if bonus:
                detail["value"] = str(bonus.amount)
            items.add(change.key, detail, cents)
    return items


def _reason(op: Op, changes: Iterable[AssignmentChange]) -> str:
    """Until when it can be undone, where that ends."""
    ends = [(change.until, window(change)) for change in changes if op is Op.REJECT and op in change.ops]
    if not ends:
        return ""
    return (
        f"each can be overturned for {OVERTURNED / 86_400:.0f} days from its submission, the first until {min(ends)[1]}"
    )


def _cost(changes: Iterable[AssignmentChange]) -> Cost:
    """What it is all paid for: of an overturned rejection reward and fee are one sum here."""
    bonuses = fees = again = 0
    for change in changes:
        amounts = iter(change.bonuses)
        for op, cents in zip(change.ops, change.cents, strict=True):
            if op is Op.BONUS:
                amount = min(next(amounts).amount.cents, cents)
                bonuses, fees = bonuses + amount, fees + cents - amount
            else:
                again += cents
    return Cost(rewards=again, fees=fees, bonuses=bonuses)


def _lasts(draft: Draft, changes: Iterable[AssignmentChange]) -> None:
    """A rejection can be overturned for so long, and the plan is good no longer."""
    ends = [change.until for change in changes if Op.OVERTURN in change.ops]
    draft.until = min(filter(None, (draft.until, *ends)), default=0.0)


def _late(judged: Judged, undecided: int) -> Iterable[str]:
    """What time will decide: answers that nobody rejects in time are approved."""
    if undecided > 0:
        yield f"{judged.address}: {many(undecided, 'submitted answer')} left undecided by this plan"
    dues = [change.due for change in judged.changes if Op.REJECT in change.ops and change.due]
    if dues:
        first = format_time(from_epoch(min(dues)))
        yield f"{judged.address}: the first of those to be rejected approves itself at {first}"


def _bounded(draft: Draft, found: Iterable[Judged], standing: Standing) -> None:
    """Hold the rejections against the policies, by batch and by worker."""
    policies = draft.desired.campaign.policies
    rejected, batches, workers = Counter(standing.rejected), set(), set()
    for judged in found:
        for change in judged.changes:
            turn = (Op.REJECT in change.ops) - (Op.OVERTURN in change.ops)
            rejected[str(judged.address)] += turn
            rejected[change.worker] += turn
            if turn > 0:
                batches.add(str(judged.address))
                workers.add(change.worker)
    for names, policy, bound, whose in (
        (batches, "max_rejected", policies.max_rejected, "answers"),
        (workers, "max_rejected_of_worker", policies.max_rejected_of_worker, "answers of this worker"),
    ):
        for name in sorted(names):
            have, bad = standing.answers[name], rejected[name]
            if have >= FEWEST_GUARDED and bad * 100 > have * bound.percent:
                what = f"{name}: {bad:,} of {have:,} {whose} would be rejected, more than {policy}: {bound.limit}"
                draft.breach(policy, bound, what, ". Reject fewer; or raise the policy, where so many are meant")


def _sha(lines: Iterable[tuple[str, ...]]) -> str:
    digest = Digest()
    for line in lines:
        digest.add(*(part.replace("\n", "\\n") for part in line))
    return digest.sha256
