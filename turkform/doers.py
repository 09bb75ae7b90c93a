"""Doers: what apply asks of whoever carries out the changes of one resource, item by item.

In: a change, which is things to do in an order, each at a price. Out: a `Result`. `Publisher` is the doer for the items
of a batch, `Reviewer` for the answers to them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from turkform.item_change import Op
    from turkform.kinds.resource import Address
    from turkform.sender import Announced


class Result(NamedTuple):
    """What became of an item: at what price, and what it was narrowed to."""

    cents: int = 0
    narrowed: str = ""
    done: tuple[Op, ...] = ()
    """What was done all the same, where something was narrowed."""


class Change(Protocol):
    """What happens to one item."""

    @property
    def key(self) -> str:
        """What messages call it."""

    @property
    def stored(self) -> str:
        """What the journal calls it."""

    @property
    def ops(self) -> tuple[Op, ...]:
        """What is to be done, in order."""

    @property
    def cents(self) -> tuple[int, ...]:
        """At most at what price, one for each."""


C_contra = TypeVar("C_contra", bound=Change, contravariant=True)


class Doer(Protocol[C_contra]):
    """Whoever carries out the changes of one resource."""

    @property
    def address(self) -> Address:
        """The resource's."""

    def announce(self, changes: Sequence[C_contra]) -> list[Announced]:
        """Journal what makes new things, together; each is then carried out by itself."""

    def carry_out(self, change: C_contra, announced: Announced | None = None) -> Result:
        """Do everything the change says, in its order."""
