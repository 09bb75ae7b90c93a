"""What every handler is given: one request's transaction, who asks, and when."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from turkform.marketplace.payments import Fees


@dataclass(frozen=True, slots=True)
class Context:
    """What a handler knows: the transaction, the requester, the marketplace's time, its fees."""

    connection: Connection
    requester: str
    now: float
    fees: Fees

    def acting_for(self, requester: str) -> Context:
        """The same moment as another requester."""
        return replace(self, requester=requester)
