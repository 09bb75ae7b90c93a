"""Money: what a place costs, what is held for it, and the balance.

In: rewards and fees. Out: whole cents. The full cost of a HIT is held when it is made or extended, moves to
paid at approval, and is released by rejection and for places unfilled at expiry.

Source: https://www.mturk.com/pricing, and "Accessing Mechanical Turk" in the requester guide (read 23 Nov
2026). UNCERTAIN money: that it is held, and not spent, at creation; no page says it outright.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select, update

from turkform.marketplace.protocol import ApiError, parameter_error, request_error
from turkform.marketplace.statements import Statement
from turkform.marketplace.tables import requesters

if TYPE_CHECKING:
    from sqlalchemy import Connection

_DIGITS = 8
"""Of an amount's dollars: a billion places of such a reward still fit the database's integers."""
PURSE = 1_000_000
"""Cents a new requester has in rehearsal, as the sandbox always showed."""


@dataclass(frozen=True, slots=True)
class Fees:
    """In thousandths of the reward; `minimum` in cents per assignment and per bonus.

    UNCERTAIN k11: a fee is rounded to the cent for each assignment, half a cent up.
    """

    rate: int
    crowded: int = 0
    masters: int = 0
    minimum: int = 0

    def unit(self, reward: int, *, maximum: int, masters: bool) -> int:
        """Cents for one assignment of a HIT with `maximum` places: reward and fee."""
        thousandths = self.rate + (self.crowded if maximum >= 10 else 0) + (self.masters if masters else 0)
        return reward + max(self.minimum, (reward * thousandths + 500) // 1000)

    def bonus(self, amount: int) -> int:
        """Cents that a bonus of so much costs, fee included."""
        return amount + max(self.minimum, (amount * self.rate + 500) // 1000)


def fees_named(text: str) -> Fees:
    """`mturk`, `none`, or a percentage.

    Raises:
        ValueError: none of these.
    """
    if text == "mturk":
        return Fees(200, crowded=200, masters=50, minimum=1)
    if text == "none":
        return Fees(0)
    if not text.endswith("%"):
        raise ValueError(f"{text} is not mturk, none or a percentage")
    return Fees(round(float(text[:-1]) * 10))


def cents(amount: str) -> int:
    """A CurrencyAmount in cents; the model's pattern has been checked.

    Raises:
        ApiError: more than any purse can hold.
    """
    whole, _, fraction = amount.partition(".")
    if len(whole) > _DIGITS:
        raise parameter_error(f'The value "{amount[:100]}" is not a valid amount of money.')
    return int(whole) * 100 + int((fraction + "00")[:2])


def dollars(amount: int) -> str:
    """Cents as the API writes money."""
    return f"{amount // 100}.{amount % 100:02d}"


_R = requesters.c
_AMOUNT: Any = bindparam("amount", type_=_R.balance.type)
_MINE = update(requesters).where(_R.id == bindparam("who"))
_ENOUGH = _MINE.where(_R.balance - _R.held >= _AMOUNT)
_HOLD = Statement(_ENOUGH.values(held=_R.held + _AMOUNT), adds="amount")
_SPEND = Statement(_ENOUGH.values(balance=_R.balance - _AMOUNT))
_RELEASE = Statement(_MINE.values(held=_R.held - _AMOUNT), adds="amount")
_PAY = Statement(_MINE.values(held=_R.held - _AMOUNT, balance=_R.balance - _AMOUNT), adds="amount")
_BALANCE = Statement(select(_R.balance, _R.held).where(_R.id == bindparam("who")))


def hold(connection: Connection, requester: str, amount: int, available: int | None = None) -> None:
    """Hold money for places; `available` is what the requester has, where this transaction has read it.

    Raises:
        ApiError: InsufficientFunds; nothing is held then.
    """
    if available is None:
        _take(connection, _HOLD, requester, amount)
    elif available < amount:
        raise _insufficient()
    else:
        _HOLD.later(connection, who=requester, amount=amount)


def spend(connection: Connection, requester: str, amount: int) -> None:
    """Pay what was not held.

    Raises:
        ApiError: InsufficientFunds; nothing is paid then.
    """
    _take(connection, _SPEND, requester, amount)


def _take(connection: Connection, statement: Statement, requester: str, amount: int) -> None:
    """Change an account, in one statement, if so much is available."""
    if not statement.change(connection, who=requester, amount=amount):
        raise _insufficient()


def _insufficient() -> ApiError:
    return request_error(
        "InsufficientFunds", "This Requester has insufficient funds in their account to complete this transaction."
    )


def release(connection: Connection, requester: str, amount: int) -> None:
    """Give held money back."""
    if amount:
        _RELEASE.later(connection, who=requester, amount=amount)


def pay(connection: Connection, requester: str, amount: int) -> None:
    """Turn held money into paid money."""
    _PAY.later(connection, who=requester, amount=amount)


def balance(connection: Connection, requester: str) -> dict[str, Any]:
    """GetAccountBalance."""
    row = _BALANCE.first(connection, who=requester)
    return {"AvailableBalance": dollars(row.balance - row.held), "OnHoldBalance": dollars(row.held)}
