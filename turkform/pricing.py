"""Prices of assignments: under the declared terms, and under those a HIT was published with.

In: both sides. Out: `Terms`, for every HIT type that is declared or was observed, and what a HIT commits under
them. Whether two HIT types are the same terms is decided here too, for that is what tells a HIT's own price from
the declared one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from turkform.kinds.batch import CROWD
from turkform.kinds.requirement import MASTERS, MASTERS_SANDBOX, Rule
from turkform.kinds.resource import Address, FieldChange, differences
from turkform.money import NOTHING, Cost, Money

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from turkform.campaign import Desired
    from turkform.hits import HIT
    from turkform.observed import Observed


@dataclass(frozen=True, slots=True)
class Terms:
    """What one assignment costs under a HIT's terms, and how they differ from the declared ones."""

    cents: int
    crowded: int
    """The same from ten assignments on."""
    differences: tuple[FieldChange, ...] = ()
    cost: Cost = NOTHING
    """`cents`, by what they are paid for."""
    crowded_cost: Cost = NOTHING
    approval: timedelta | None = None
    """How long after its submission an answer approves itself; None where nobody can say."""

    def unit(self, maximum: int) -> int:
        """Cents for one assignment of a HIT with `maximum` places."""
        return self.crowded if maximum >= CROWD else self.cents

    def parts(self, maximum: int) -> Cost:
        """The same, by what it is paid for."""
        return self.crowded_cost if maximum >= CROWD else self.cost


class Pricing:
    """What an assignment costs, under declared terms and under those a HIT was published with."""

    def __init__(self, desired: Desired, observed: Observed, ids: Mapping[Address, str]) -> None:
        self._hit_types = desired.campaign.hit_types
        self._fees = desired.target.fees
        self._sandbox = desired.target.sandbox
        self._observed = observed.terms
        self._ids = ids
        self._premiums = {
            r.id: r.premium.cents
            for hit_type in self._hit_types.values()
            for r in hit_type.requirements
            if r.id and r.premium
        }

    def desired(self, name: str) -> Terms:
        """The declared terms of this name."""
        hit_type = self._hit_types[name]
        return self._terms(hit_type.reward, hit_type.rules(self._ids, sandbox=self._sandbox))

    def observed(self, name: str | None) -> dict[str, Terms]:
        """Terms of every observed HIT type, with how they differ from those declared under `name`."""
        values = None if name is None else self._hit_types[name].values(self._ids, sandbox=self._sandbox)
        return {
            type_id: replace(
                self._terms(seen["reward"], seen["requirements"]),
                differences=() if values is None else differences(values, seen),
                approval=seen["auto_approval_delay"],
            )
            for type_id, seen in self._observed.items()
        }

    def equal(self, name: str) -> str | None:
        """The id of an observed HIT type with exactly the declared terms."""
        return min((i for i, terms in self.observed(name).items() if not terms.differences), default=None)

    def _terms(self, reward: Money, rules: tuple[Rule, ...]) -> Terms:
        masters = any(r.type_id in {MASTERS, MASTERS_SANDBOX} and r.comparator != "DoesNotExist" for r in rules)
        premium = Money(sum(self._premiums.get(r.type_id, 0) for r in rules if isinstance(r.type_id, str)))
        few, many = (
            self._fees.cost(reward, assignments=count, masters=masters, premium=premium)
            for count in (1, self._fees.crowd)
        )
        return Terms(few.cents, many.cents, cost=few, crowded_cost=many)


def committed(hit: HIT, unit: int, now: float) -> int:
    """Cents a HIT may still cost or has cost: taken places always, free ones while it can be found."""
    free = min(hit.available, hit.maximum)
    return (hit.maximum - free + (free if hit.expires > now else 0)) * unit
