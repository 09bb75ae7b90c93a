"""US dollars in whole cents, and what the marketplace adds to them.

In: the text a person wrote (`0.15`, `"0.15"`) or the API's string. Out: `Money`, which adds and
multiplies exactly, and `Fees`, a dated table that prices one assignment. No float ever takes part.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import total_ordering
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic_core import PydanticCustomError, core_schema

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler

_WRITTEN = re.compile(r"\$?([0-9]{1,12})(?:\.([0-9]*))?")
PATTERN = r"^\$?[0-9]{1,12}(\.[0-9]{0,2}0*)?$"


@total_ordering
@dataclass(frozen=True, slots=True)
class Money:
    """A sum in US dollars, kept as whole cents; may be negative only as a difference."""

    cents: int = 0

    @classmethod
    def parse(cls, text: str) -> Money:
        """Read dollars as people and the API write them: `0.15`, `$0.15`, `3`.

        Raises:
            ValueError: not an amount, or a fraction of a cent; the message offers what is valid.
        """
        match = _WRITTEN.fullmatch(text)
        if not match:
            raise ValueError(f'"{text}" is not an amount of US dollars. Write {_meant(text) or "it like 0.15"}')
        dollars, fraction = match[1], (match[2] or "").rstrip("0")
        if len(fraction) > 2:
            low = int(dollars) * 100 + int(fraction[:2])
            raise ValueError(
                f"{text} is a fraction of a cent; MTurk takes whole cents. Use {Money(low)} or {Money(low + 1)}"
            )
        return cls(int(dollars) * 100 + int((fraction + "00")[:2]))

    def __str__(self) -> str:
        sign, cents = ("-", -self.cents) if self.cents < 0 else ("", self.cents)
        return f"{sign}{cents // 100}.{cents % 100:02d}"

    def __add__(self, other: Money) -> Money:
        return Money(self.cents + other.cents)

    def __sub__(self, other: Money) -> Money:
        return Money(self.cents - other.cents)

    def __mul__(self, count: int) -> Money:
        return Money(self.cents * count)

    __rmul__ = __mul__

    def __lt__(self, other: Money) -> bool:
        return self.cents < other.cents

    def __bool__(self) -> bool:
        return self.cents != 0

    def share(self, rate: Decimal) -> Money:
        """This sum times `rate`, half a cent rounded up."""
        return Money(int((Decimal(self.cents) * rate).quantize(Decimal(1), ROUND_HALF_UP)))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """Let pydantic read the loader's scalars: text, whole numbers and decimals, never floats."""
        return core_schema.no_info_plain_validator_function(
            _from_scalar, serialization=core_schema.to_string_ser_schema()
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """The editor's hint, as strict as `parse`."""
        return {"anyOf": [{"type": "string", "pattern": PATTERN}, {"type": "number", "minimum": 0}]}


_LIKE = re.compile(
    r"(?:usd|us\$|\$)?\s*([0-9]{1,9})(?:[.,]([0-9]{1,2}))?\s*(usd|us\$|\$|dollars?|cents?|c)?", re.IGNORECASE
)


def _meant(text: str) -> str:
    """The amount that `15 cents`, `0,15` or `100 USD` most likely mean; nothing where that is not plain."""
    match = _LIKE.fullmatch(text.strip())
    if match is None:
        return ""
    if (match[3] or "").lower().startswith("c"):
        return "" if match[2] else str(Money(int(match[1])))
    return str(Money(int(match[1]) * 100 + int((match[2] or "0").ljust(2, "0"))))


def _from_scalar(value: object) -> Money:
    if isinstance(value, Money):
        return value
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise PydanticCustomError(
            "money", "{reason}", {"reason": "this is not an amount of US dollars. Write it like 0.15"}
        )
    try:
        return Money.parse(str(value))
    except ValueError as error:
        raise PydanticCustomError("money", "{reason}", {"reason": str(error)}) from None


class Cost(NamedTuple):
    """What work costs, in whole cents, by what it is paid for; the parts add up to the sum exactly."""

    rewards: int = 0
    fees: int = 0
    ten_or_more: int = 0
    """The higher fee on HITs with ten places or more."""
    masters: int = 0
    premiums: int = 0
    """What other people's qualifications cost."""
    bonuses: int = 0

    @property
    def cents(self) -> int:
        """All of it."""
        return sum(self)

    def plus(self, other: Cost, times: int = 1) -> Cost:
        """This and `times` the other; a negative number takes it away."""
        return Cost(*(mine + times * theirs for mine, theirs in zip(self, other, strict=True)))


NOTHING = Cost()


@dataclass(frozen=True, slots=True)
class Fees:
    """What a marketplace adds to rewards and bonuses, as shares of the reward per assignment.

    `crowded` is added where a HIT asks for `crowd` assignments or more. `minimum` is per assignment
    and per bonus.
    """

    name: str
    rate: Decimal
    crowded: Decimal = Decimal(0)
    crowd: int = 10
    masters: Decimal = Decimal(0)
    minimum: Money = Money(0)

    def fee(self, reward: Money, *, assignments: int, masters: bool) -> Money:
        """The fee on one assignment of a HIT with `assignments` places."""
        rate = self.rate + (self.crowded if assignments >= self.crowd else 0) + (self.masters if masters else 0)
        return max(self.minimum, reward.share(Decimal(rate)))

    def cost(self, reward: Money, *, assignments: int, masters: bool, premium: Money) -> Cost:
        """What one assignment of a HIT with `assignments` places costs in all."""
        plain = self.fee(reward, assignments=1, masters=False).cents
        crowded = self.fee(reward, assignments=assignments, masters=False).cents
        whole = self.fee(reward, assignments=assignments, masters=masters).cents
        return Cost(reward.cents, plain, crowded - plain, whole - crowded, premium.cents)

    def bonus_fee(self, amount: Money) -> Money:
        """The fee on one bonus."""
        return max(self.minimum, amount.share(self.rate))


MTURK = Fees(
    # https://www.mturk.com/pricing, as in force from 22 Jul 2015 to the end: 20 % of rewards and bonuses,
    # 20 % more from ten assignments on, 5 % more for Masters, at least $0.01.
    "mturk-2015-07-22",
    rate=Decimal("0.20"),
    crowded=Decimal("0.20"),
    masters=Decimal("0.05"),
    minimum=Money(1),
)
NONE = Fees("none", rate=Decimal(0))
FEES_PATTERN = r"^(mturk|none|100%|[0-9]{1,2}(\.[0-9]{1,4})?%)$"
_FEES = re.compile(FEES_PATTERN)


def fees_named(text: str) -> Fees:
    """The fee table of an environment: `mturk`, `none`, or a percentage such as `12.5%`.

    Raises:
        ValueError: neither of the names nor a percentage from 0 to 100.
    """
    if text == "mturk":
        return MTURK
    if text == "none":
        return NONE
    if not _FEES.fullmatch(text):
        raise ValueError(f'"{text}" is not a fee table. Use mturk, none or a percentage like 10%')
    rate = Decimal(text.removesuffix("%")) / 100
    return Fees(text, rate=rate)
