"""Case files of reviews: answers as they are stored, and what is wanted of them.

In: a case with `answers:` (key of the row → answers, each with its worker, status and age) and `decide:` (what a person
wants), or neither where the rules of the batch decide. The third answer to the row `a` is the assignment `3A3`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from turkform.answers import Answer, StoredHIT
from turkform.decisions import Bonus, Decision
from turkform.judging import Account, By, Case, bonus_token, judge
from turkform.kinds.resource import Address
from turkform.memory import OpenCall, PaidBonus
from turkform.money import MTURK, Money
from turkform.plan import Plan, order
from turkform.pricing import Pricing
from turkform.review_draft import Standing, draft_review
from turkform.rules import Rules

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from turkform.approval import Approval
    from turkform.survey import Survey

ADDRESS = Address("review", "pilot")


def reviewed_plan(case: dict[str, Any], survey: Survey, approval: Approval | None) -> Plan:
    """The plan of a review of these answers."""
    decided = {said["assignment"]: _decision(said) for said in case.get("decide", ())}
    declared = survey.desired.campaign.batches["pilot"].decisions
    rules = Rules(declared) if declared and not decided else None
    standing, cases = Standing(), []
    for hit, answer in _answers(case, survey):
        standing.count(str(ADDRESS), answer)
        decision = rules.decide(hit, answer) if rules else decided.get(answer.assignment_id)
        if decision is not None:
            cases.append(Case(hit.key, answer, decision))
    terms = Pricing(survey.desired, survey.observed, {}).observed(None)
    units = {
        hit.id: terms[hit.type_id].unit(hit.maximum)
        for listed in survey.observed.hits.values()
        for hits in listed.values()
        for hit in hits
    }
    paid = {key: [_bonus(*said) for said in bonuses] for key, bonuses in case.get("paid", {}).items()}
    by: By = "rules" if rules else "file"
    account = Account(units, paid, survey.memory, survey.desired.target.fees, survey.observed.now)
    judged = judge(ADDRESS, by, cases, account, approval.review(ADDRESS) if approval else None)
    asked = {"batches": [], "decisions": None, "overturn": []}
    return order(draft_review(survey, asked, [judged], standing), plan_id="case")


def paid_bonuses(journal: dict[str, Any]) -> dict[str, PaidBonus]:
    """Bonuses that the journal knows as paid."""
    found = {}
    for assignment, amount, reason in journal.get("bonuses", ()):
        bonus = _bonus(amount, reason)
        cents = bonus.amount.cents
        fee = MTURK.bonus_fee(bonus.amount).cents
        found[bonus_token(assignment, bonus)] = PaidBonus(assignment, cents, cents + fee)
    return found


def open_bonuses(journal: dict[str, Any], now: datetime) -> tuple[OpenCall, ...]:
    """Bonuses that were sent a minute ago, and whose outcome is not known."""
    sent = (now - timedelta(minutes=2)).timestamp()
    return tuple(
        OpenCall(1, "SendBonus", str(ADDRESS), assignment, bonus_token(assignment, bonus), sent, sent, {},
                 bonus.amount.cents + MTURK.bonus_fee(bonus.amount).cents)
        for assignment, amount, reason in journal.get("open_bonuses", ())
        for bonus in [_bonus(amount, reason)]
    )  # fmt: skip


def _bonus(amount: str, reason: str) -> Bonus:
    return Bonus(Money.parse(amount), reason)


def _decision(said: dict[str, Any]) -> Decision:
    bonuses = tuple(_bonus(*bonus) for bonus in said.get("bonuses", ()))
    return Decision(said["assignment"], said.get("wish", ""), said.get("feedback", ""), bonuses, said.get("worker", ""))


def _answers(case: dict[str, Any], survey: Survey) -> Iterator[tuple[StoredHIT, Answer]]:
    texts = case.get("rows", {"a": "one"})
    for key, answers in case["answers"].items():
        hit = StoredHIT(f"3{key.upper()}", "pilot", 1, key, {"id": key, "text": texts.get(key, "")}, {})
        for number, said in enumerate(answers, 1):
            submitted = survey.observed.now - timedelta(**{said.get("unit", "hours"): said.get("old", 1)})
            decided = survey.observed.now
            status = said.get("status", "Submitted")
            yield hit, Answer(
                f"3{key.upper()}{number}", hit.hit_id, said.get("worker", f"A{number}"), status,
                submitted - timedelta(seconds=said.get("seconds", 60)), submitted, submitted + timedelta(days=3),
                decided if status == "Approved" else None, decided if status == "Rejected" else None, None, "",
                _document(said.get("gave", {})), Money(),
            )  # fmt: skip


def _document(gave: dict[str, str]) -> str:
    """What a worker handed in."""
    if not gave:
        return ""
    answers = (
        f"<Answer><QuestionIdentifier>{name}</QuestionIdentifier><FreeText>{text}</FreeText></Answer>"
        for name, text in gave.items()
    )
    return f"<QuestionFormAnswers>{''.join(answers)}</QuestionFormAnswers>"
