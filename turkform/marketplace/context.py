"""What every handler is given: one request's transaction, who asks, and when."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy import Connection, Select

    from turkform.marketplace.payments import Fees
    from turkform.marketplace.settings import Settings


@dataclass(frozen=True, slots=True)
class Context:
    """What a handler knows: the transaction, the requester, the marketplace's time and settings."""

    connection: Connection
    requester: str
    now: float
    settings: Settings
    stale: float = 0.0
    """Seconds that lists are behind; a fault, made in rehearsal on request."""

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
