"""Rules applied to an answer: what a batch's `decisions:` say of it.

In: the rules, and an answer with its item as they are stored. Out: a `Decision`, which approves, pays, or does nothing;
no rule rejects. A row that is read gives columns by the names that results have.
"""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING

from turkform.decisions import Bonus, Decision
from turkform.expressions import ANSWER, INPUT, condition, value
from turkform.money import Money
from turkform.placeholders import Fill
from turkform.replies import columns

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from turkform.answers import Answer, StoredHIT
    from turkform.expressions import Expression
    from turkform.kinds.decisions import ApproveRule, BonusRule, Decisions


def row_of(hit: StoredHIT, answer: Answer) -> dict[str, str]:
    """The columns of an answer that rules can read."""
    return {
        "WorkTimeInSeconds": str(answer.seconds),
        "WorkerId": answer.worker,
        "ItemKey": hit.key,
        **{INPUT + name: text for name, text in hit.row.items()},
        **{ANSWER + name: text for name, text in columns(answer.answer).items()},
    }


class _Approve:
    """One rule of approval, its texts read once."""

    def __init__(self, rule: ApproveRule) -> None:
        self.rule = rule
        self.when = None if rule.when is None else condition(rule.when)
        self.known = {name: tuple(map(Fill, texts)) for name, texts in rule.known_answers.items()}

    def holds(self, row: Mapping[str, str], inputs: Mapping[str, str], seconds: int) -> bool:
        rule = self.rule
        if rule.min_time is not None and seconds < rule.min_time.total_seconds():
            return False
        if self.when is not None and not self.when.holds(row):
            return False
        return not self.known or self._known(row, inputs)

    def _known(self, row: Mapping[str, str], inputs: Mapping[str, str]) -> bool:
        """Every question whose answer the row knows is answered so; a row that knows none is not approved."""
        try:
            known = {name: [fill(inputs).strip() for fill in fills] for name, fills in self.known.items()}
        except KeyError:  # the row was gone when its answers were first read
            return False
        asked = {name: texts for name, texts in known.items() if any(texts)}
        return bool(asked) and all(row.get(ANSWER + name, "").strip() in filter(None, t) for name, t in asked.items())


class _Pay:
    """One rule of a bonus, its texts read once."""

    def __init__(self, rule: BonusRule) -> None:
        self.rule = rule
        self.when = None if rule.when is None else condition(rule.when)
        self.by = None if rule.by is None else value(rule.by)
        self.amount = rule.expression
        self.fixed = Money() if rule.amount is None or self.amount is not None else Money.parse(rule.amount)

    def bonus(self, row: Mapping[str, str]) -> Bonus | None:
        """What is paid; None where it is nothing."""
        if self.when is not None and not self.when.holds(row):
            return None
        amount = self._amount(row)
        if self.rule.most is not None:
            amount = min(amount, self.rule.most)
        return Bonus(amount, self.rule.reason) if amount > Money() else None

    def _amount(self, row: Mapping[str, str]) -> Money:
        if self.by is not None:
            return self.rule.table.get(self.by.value(row), Money())
        if self.amount is None:
            return self.fixed
        dollars = self.amount.number(row) or Decimal()
        return Money(int((dollars * 100).to_integral_value(ROUND_FLOOR)))


class Rules:
    """The rules of one batch; they remember which columns they met."""

    def __init__(self, decisions: Decisions) -> None:
        self._approve = [_Approve(rule) for rule in decisions.approve]
        self._pay = [_Pay(rule) for rule in decisions.bonus]
        self._met: set[str] = set()

    def decide(self, hit: StoredHIT, answer: Answer) -> Decision | None:
        """What they say of an answer; None where they say nothing."""
        row = row_of(hit, answer)
        self._met.update(row)
        rule = next((rule for rule in self._approve if rule.holds(row, hit.row, answer.seconds)), None)
        approved = answer.status == "Approved" or (rule is not None and answer.status == "Submitted")
        bonuses = tuple(filter(None, (rule.bonus(row) for rule in self._pay))) if approved else ()
        if rule is None and not bonuses:
            return None
        feedback = rule.rule.feedback or "" if rule else ""
        return Decision(answer.assignment_id, "approve" if rule else "", feedback, bonuses)

    def strangers(self) -> list[str]:
        """Columns that the rules read and no answer has: a slip of the pen would otherwise approve nobody, unseen."""
        read = {name for expression in self._expressions() for name in expression.columns}
        read.update(ANSWER + name for rule in self._approve for name in rule.known)
        return sorted(read - self._met) if self._met else []

    @property
    def met(self) -> list[str]:
        """The columns of answers that there are."""
        return sorted(name for name in self._met if name.startswith(ANSWER))

    def _expressions(self) -> Iterator[Expression]:
        for approve in self._approve:
            yield from filter(None, (approve.when,))
        for pay in self._pay:
            yield from filter(None, (pay.when, pay.by, pay.amount))
