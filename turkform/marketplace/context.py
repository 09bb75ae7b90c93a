"""What every handler is given: one request's transaction, who asks, and when."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Connection, Select

    from turkform.marketplace.payments import Fees
    from turkform.marketplace.settings import Settings


class Peers:
    """Calls of one operation by one requester that follow each other in a transaction: what they know together.

    In: all calls of that operation and requester in the transaction. `facts` is for their handler: what it has read for
    all of them at once. Another call may make it untrue, so it has Peers of its own, and so have those after it.
    """

    __slots__ = ("_calls", "facts")

    def __init__(self, calls: Callable[[], list[Mapping[str, Any]]]) -> None:
        self._calls, self.facts = calls, None

    facts: Any

    @property
    def calls(self) -> list[Mapping[str, Any]]:
        """The parameters of each."""
        return self._calls()


@dataclass(frozen=True, slots=True)
class Context:
    """What a handler knows: the transaction, the requester, the marketplace's time and settings."""

    connection: Connection
    requester: str
    now: float
    settings: Settings
    stale: float = 0.0
    """Seconds that lists are behind; a fault, made in rehearsal on request."""
    peers: Peers = field(default_factory=lambda: Peers(list))

    @property
    def fees(self) -> Fees:
        """What the marketplace takes."""
        return self.settings.fees

    def listed(self, query: Select[Any], created: Any) -> Select[Any]:
        """What of this query a list shows: not yet what was created while lists are behind."""
        return query.where(created <= self.now - self.stale) if self.stale else query

    def acting_for(self, requester: str) -> Context:
        """The same moment as another requester."""
        return replace(self, requester=requester)
