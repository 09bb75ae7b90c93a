"""Rules by which `review` decides on a batch's answers: what is approved, and what is paid beyond the reward.

A rule only ever approves and pays: rejecting is a person's to do, one by one and with a reason. They are not sent, and
hold from the next review on.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from turkform.expressions import Expression, ExpressionError, amount, condition, value
from turkform.kinds.resource import Section, listed, refuse
from turkform.kinds.review_policy import OneOrMore
from turkform.money import Money
from turkform.times import Duration

if TYPE_CHECKING:
    from pydantic import GetJsonSchemaHandler
    from pydantic_core import CoreSchema

LONGEST_FEEDBACK = 1_024
"""Characters; the API counts one of several bytes as one."""
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_AMOUNT = re.compile(r"\$?[0-9.,]+")


def _read(text: str, how: Any) -> str:
    try:
        how(text)
    except ExpressionError as error:
        raise refuse(str(error), error.remedy) from None
    return text


def unfit(text: str) -> str:
    """Why the API would not take a text that a worker is to read; empty where it would."""
    if found := _CONTROL.search(text):
        return f"it holds the control character {found[0]!a}"
    if len(text) > LONGEST_FEEDBACK:
        return f"it has {len(text):,} characters, and {LONGEST_FEEDBACK:,} are taken"
    return ""


def _sendable(text: str) -> str:
    text = text.strip()
    if not text:
        raise refuse("the text is blank, and the worker reads it", "Say why.")
    if problem := unfit(text):
        raise refuse(f"the worker cannot be sent this: {problem}", "Shorten or retype it.")
    return text


Said = Annotated[str, AfterValidator(_sendable), Field(min_length=1, max_length=LONGEST_FEEDBACK)]
"""What a worker reads of a decision, without blanks around it."""
Condition = Annotated[str, AfterValidator(lambda text: _read(text, condition)), Field(min_length=1)]
"""An expression that holds or not; see `expressions`."""
Column = Annotated[str, AfterValidator(lambda text: _read(text, value)), Field(min_length=1)]


def _everything(found: Any) -> Any:
    """`all` is a rule that holds for every answer; one rule is a list of one."""
    if found == "all":
        return ({"when": "true"},)
    if isinstance(found, str):
        raise refuse(f'"{found}" is no rule', 'Write all, or  {when: "Answer.animal == Input.known"}')
    return (found,) if isinstance(found, dict) else listed(found)


def _one_or_more(found: Any) -> Any:
    return (found,) if isinstance(found, dict) else listed(found)


def _sum(found: Any) -> Any:
    """Money as it was written, or an expression."""
    if isinstance(found, int | Decimal) and not isinstance(found, bool):
        found = str(found)
    if not isinstance(found, str):
        raise refuse("this is no amount", "Write it like 0.15, or as an expression.")
    if _AMOUNT.fullmatch(found.strip()):
        try:
            Money.parse(found.strip())
        except ValueError as error:
            said, _, remedy = str(error).rpartition(". ")
            raise refuse(said, remedy) from None
        return found.strip()
    return _read(found, amount)


class ApproveRule(Section):
    """What an answer has to be for its approval: everything that is said here."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": [name]} for name in ("known_answers", "min_time", "when")]}
    )

    known_answers: Annotated[
        dict[Annotated[str, Field(min_length=1)], OneOrMore],
        Field(
            description="Question → its answer, or a list of which one is enough; ${column} is the row's. A row whose "
            "answers are all empty is not approved by this.",
            examples=[{"animal": "${known}"}],
        ),
    ] = Field(default_factory=dict)
    min_time: Annotated[
        Duration | None, Field(description="The worker had it at least for so long.", examples=["20s"])
    ] = None
    when: Annotated[
        Condition | None,
        Field(description="A condition over the answer's columns.", examples=['Answer.sure in ["yes", "mostly"]']),
    ] = None
    feedback: Annotated[Said | None, Field(description="What the worker reads.", examples=["Thank you."])] = None

    @model_validator(mode="after")
    def _says_something(self) -> ApproveRule:
        if not self.known_answers and self.min_time is None and self.when is None:
            remedy = "Add known_answers:, min_time: or when:; or write  approve: all"
            raise refuse("the rule says nothing of the answer", remedy)
        return self


class BonusRule(Section):
    """A bonus for every approved answer that it holds for, once for each reason."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [{"required": ["amount"]}, {"required": ["table"]}],
            "dependentRequired": {"table": ["by"], "by": ["table"]},
        }
    )

    reason: Annotated[
        Said, Field(description="What the worker reads; names the bonus for good.", examples=["Every word right."])
    ]
    amount: Annotated[
        str | None,
        BeforeValidator(_sum),
        WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "number", "minimum": 0}]}),
        Field(
            description="US dollars, or an expression that comes to them, rounded down to a cent; it needs most.",
            examples=["0.05", "0.01 * Answer.count"],
        ),
    ] = None
    most: Annotated[Money | None, Field(description="The most one answer is paid by this rule.", examples=["0.50"])] = (
        None
    )
    by: Annotated[Column | None, Field(description="The column that table is about.", examples=["Answer.rating"])] = (
        None
    )
    table: Annotated[
        dict[str, Money],
        Field(
            description="What the column says → US dollars; what is not in it is paid nothing.",
            examples=[{"high": "0.20", "low": "0.05"}],
        ),
    ] = Field(default_factory=dict)
    when: Annotated[
        Condition | None, Field(description="A condition over the answer's columns.", examples=["Answer.count > 10"])
    ] = None

    @model_validator(mode="after")
    def _one_way(self) -> BonusRule:
        if (self.amount is None) == (not self.table):
            said = "both amount: and table:" if self.table else "neither amount: nor table:"
            raise refuse(f"the bonus has {said}", "Write one of them.")
        if bool(self.table) != (self.by is not None):
            raise refuse("by: and table: go together", "Write  by: Answer.rating" if self.table else "Add table:", "by")
        if self.expression and self.most is None:
            said = "the amount is reckoned from answers, which workers write, and nothing bounds it"
            raise refuse(said, 'Add  most: "0.50"', "amount")
        return self

    @property
    def expression(self) -> Expression | None:
        """The amount, where it is reckoned."""
        return amount(self.amount) if self.amount is not None and not _AMOUNT.fullmatch(self.amount) else None


class Decisions(Section):
    """Rules for `turkform review`; they never reject."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    approve: Annotated[
        tuple[ApproveRule, ...],
        BeforeValidator(_everything),
        Field(
            description="all, or a rule, or a list of which one is enough.",
            examples=[{"known_answers": {"animal": "${known}"}, "min_time": "20s"}],
        ),
    ] = ()
    bonus: Annotated[
        tuple[BonusRule, ...],
        BeforeValidator(_one_or_more),
        Field(
            description="A rule, or a list, each of which is paid.",
            examples=[{"amount": "0.05", "reason": "Thanks."}],
        ),
    ] = ()

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """One rule may stand where a list of them may."""
        found = handler(schema)
        written = handler.resolve_ref_schema(found)["properties"]
        for name, more in (("approve", [{"const": "all"}]), ("bonus", [])):
            rule = written[name].pop("items")
            del written[name]["type"]
            written[name]["anyOf"] = [*more, rule, {"type": "array", "items": rule}]
        return found

    @model_validator(mode="after")
    def _something(self) -> Decisions:
        if not self.approve and not self.bonus:
            raise refuse("there is no rule", "Add approve: or bonus:, or remove the line.")
        reasons = [rule.reason for rule in self.bonus]
        if len(set(reasons)) < len(reasons):
            said = "two bonuses have one reason, which is what tells them apart"
            raise refuse(said, "Give them other reasons.", "bonus")
        return self
