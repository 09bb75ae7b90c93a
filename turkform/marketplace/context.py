"""What every handler is given: one request's transaction, who asks, and when."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from turkform.marketplace.payments import Fees
    from turkform.marketplace.settings import Settings


@dataclass(frozen=True, slots=True)
class Context:
    """What a handler knows: the transaction, the requester, the marketplace's time and settings."""

    connection: Connection
    requester: str
    now: float
    settings: Settings

    @property
    def fees(self) -> Fees:
        """What the marketplace takes."""
        return self.settings.fees

    def acting_for(self, requester: str) -> Context:
        """The same moment as another requester."""
        return replace(self, requester=requester)
