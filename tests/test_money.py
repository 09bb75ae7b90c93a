"""Money: whole cents, exact sums, and the fees that a marketplace adds."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turkform.money import MTURK, NONE, Cost, Fees, Money, fees_named

CENTS = st.integers(0, 10**14 - 1)


@given(cents=CENTS)
def test_what_is_written_reads_back(cents: int) -> None:
    assert Money.parse(str(Money(cents))).cents == cents


@given(st.lists(st.integers(-(10**9), 10**9)))
def test_a_sum_is_the_exact_sum_of_its_parts(parts: list[int]) -> None:
    assert sum(map(Money, parts), Money()) == Money(sum(parts))


@pytest.mark.parametrize(
    ("text", "cents"),
    [("0.15", 15), ("$0.15", 15), ("3", 300), ("0.1", 10), (".5", None), ("0.150", 15), ("12.", 1200), ("007", 700)],
)
def test_dollars_are_read_as_people_and_the_api_write_them(text: str, cents: int | None) -> None:
    if cents is None:
        with pytest.raises(ValueError, match=r"is not an amount of US dollars\. Write it like 0\.15"):
            Money.parse(text)
    else:
        assert Money.parse(text) == Money(cents)


@pytest.mark.parametrize(("text", "low", "high"), [("0.155", "0.15", "0.16"), ("1.999", "1.99", "2.00")])
def test_a_fraction_of_a_cent_is_refused_with_its_neighbours(text: str, low: str, high: str) -> None:
    with pytest.raises(ValueError, match=rf"whole cents\. Use {low} or {high}"):
        Money.parse(text)


@pytest.mark.parametrize(("cents", "text"), [(0, "0.00"), (5, "0.05"), (-5, "-0.05"), (-1234, "-12.34"), (100, "1.00")])
def test_money_is_written_with_two_decimals(cents: int, text: str) -> None:
    assert str(Money(cents)) == text


def test_money_compares_multiplies_and_is_false_only_when_it_is_nothing() -> None:
    assert Money(1) < Money(2) <= Money(2)
    assert 3 * Money(5) == Money(5) * 3 == Money(20) - Money(5)
    assert Money(-1)
    assert not Money()


@pytest.mark.parametrize(("cents", "rate", "share"), [(10, "0.25", 3), (10, "0.24", 2), (2, "0.20", 0), (3, "0.20", 1)])
def test_half_a_cent_of_a_share_is_rounded_up(cents: int, rate: str, share: int) -> None:
    assert Money(cents).share(Decimal(rate)) == Money(share)


@pytest.mark.parametrize(
    ("reward", "assignments", "masters", "fee"),
    [
        (100, 9, False, 20),
        (100, 10, False, 40),
        (100, 9, True, 25),
        (100, 10, True, 45),
        (1, 1, False, 1),
        (0, 1, False, 1),
    ],
)
def test_mturk_adds_more_from_ten_assignments_on_and_for_masters(
    reward: int, assignments: int, *, masters: bool, fee: int
) -> None:
    assert MTURK.fee(Money(reward), assignments=assignments, masters=masters) == Money(fee)


def test_a_bonus_has_the_plain_fee_alone() -> None:
    assert MTURK.bonus_fee(Money(100)) == Money(20)
    assert MTURK.bonus_fee(Money(1)) == Money(1)
    assert NONE.bonus_fee(Money(100)) == Money()


@given(
    reward=st.integers(0, 10_000), premium=st.integers(0, 500), assignments=st.integers(1, 20), masters=st.booleans(),
    fees=st.sampled_from([MTURK, NONE, fees_named("12.5%")]),
)  # fmt: skip
def test_the_parts_of_a_cost_add_up_to_reward_fee_and_premium(
    reward: int, premium: int, assignments: int, *, masters: bool, fees: Fees
) -> None:
    cost = fees.cost(Money(reward), assignments=assignments, masters=masters, premium=Money(premium))
    fee = fees.fee(Money(reward), assignments=assignments, masters=masters).cents
    assert cost.cents == reward + premium + fee
    assert (cost.rewards, cost.premiums) == (reward, premium)
    assert (cost.ten_or_more == 0) or assignments >= 10
    assert (cost.masters == 0) or masters


def test_costs_add_up_part_by_part() -> None:
    assert Cost(1, 2, 3, 4, 5).plus(Cost(1, 1, 1, 1, 1), 10) == Cost(11, 12, 13, 14, 15)
    assert Cost(1, 2, 3, 4, 5).plus(Cost(1, 2, 3, 4, 5), -1) == Cost()


@pytest.mark.parametrize(
    ("text", "rate"), [("12.5%", "0.125"), ("0%", "0"), ("100%", "1"), ("mturk", "0.20"), ("none", "0")]
)
def test_a_fee_table_has_a_name_or_is_a_percentage(text: str, rate: str) -> None:
    fees = fees_named(text)
    assert fees.rate == Decimal(rate)
    assert fees.name == {"mturk": "mturk-2015-07-22"}.get(text, text)


@pytest.mark.parametrize("text", ["101%", "12.34567%", "-1%", "20", "MTURK", "", "20%%"])
def test_any_other_fee_table_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a fee table"):
        fees_named(text)
