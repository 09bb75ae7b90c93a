"""What else an account holds: other campaigns' HITs, HITs that nobody's campaign made, and what they cost.

In: an `Account`, the campaign that is not meant, the fee table. Out: holdings, largest commitment first. This is a
reading of its own, in full: the diff's own pass over the same list reads only what a diff needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from turkform.kinds.requirement import MASTERS, MASTERS_SANDBOX
from turkform.money import Money
from turkform.observed import RECORD_PREFIX, marker_of
from turkform.times import format_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from turkform.account import Account
    from turkform.money import Fees


@dataclass(slots=True)
class Holding:
    """HITs that belong together: another campaign's, or those of one HIT type that no campaign made."""

    name: str
    """The campaign, or the HIT type's title."""
    type_id: str = ""
    """Of foreign HITs."""
    hits: int = 0
    open: int = 0
    """Places that a worker can still take."""
    pending: int = 0
    submitted: int = 0
    reviewed: int = 0
    cents: int = 0
    """Committed: what they have cost and may still cost, premiums of other people's qualifications left out."""
    ends: datetime | None = None
    """When the last of them expires."""

    def add(self, hit: Mapping[str, Any], fees: Fees, now: datetime) -> None:
        """One more HIT, as ListHITs shows it."""
        maximum, available = hit["MaxAssignments"], hit["NumberOfAssignmentsAvailable"]
        pending, completed = hit["NumberOfAssignmentsPending"], hit["NumberOfAssignmentsCompleted"]
        free = available if hit["Expiration"] > now else 0
        self.hits += 1
        self.open += free
        self.pending += pending
        self.submitted += max(0, maximum - available - pending - completed)
        self.reviewed += completed
        self.cents += (maximum - available + free) * unit_cents(hit, fees)
        self.ends = max(self.ends or hit["Expiration"], hit["Expiration"])

    def document(self) -> dict[str, Any]:
        """For programs."""
        return {
            "name": self.name,
            "hit_type": self.type_id or None,
            "hits": self.hits,
            "open": self.open,
            "pending": self.pending,
            "submitted": self.submitted,
            "reviewed": self.reviewed,
            "committed": str(Money(self.cents)),
            "ends": format_time(self.ends) if self.ends else None,
        }


@dataclass(frozen=True, slots=True)
class Inventory:
    """Everything in an account that is not the campaign's."""

    campaigns: tuple[Holding, ...]
    """Other campaigns of turkform, those without a HIT too."""
    foreign: tuple[Holding, ...]
    """By HIT type."""

    def document(self) -> dict[str, Any]:
        """For programs."""
        return {
            "campaigns": [holding.document() for holding in self.campaigns],
            "foreign": [holding.document() for holding in self.foreign],
        }


def inventory(account: Account, campaign: str, fees: Fees, now: datetime) -> Inventory:
    """Read every HIT and every own qualification type.

    Raises:
        EndpointError: the account cannot be read.
    """
    campaigns = {name: Holding(name) for name in _recorded(account) if name != campaign}
    foreign: dict[str, Holding] = {}
    for page in account.pages("ListHITs", "HITs"):
        for hit in page:
            marker = marker_of(hit, account.imported)
            if marker is None:
                type_id = hit["HITTypeId"]
                foreign.setdefault(type_id, Holding(hit["Title"], type_id)).add(hit, fees, now)
            elif marker.campaign != campaign:
                campaigns.setdefault(marker.campaign, Holding(marker.campaign)).add(hit, fees, now)
    return Inventory(_dearest(campaigns.values()), _dearest(foreign.values()))


def _dearest(holdings: Iterable[Holding]) -> tuple[Holding, ...]:
    return tuple(sorted(holdings, key=lambda h: (-h.cents, h.name, h.type_id)))


def _recorded(account: Account) -> list[str]:
    """The campaigns that have a record here."""
    wanted: dict[str, Any] = {"MustBeRequestable": False, "MustBeOwnedByCaller": True, "Query": RECORD_PREFIX}
    pages = account.pages("ListQualificationTypes", "QualificationTypes", **wanted)
    names = (wire["Name"] for page in pages for wire in page)
    return [name.removeprefix(RECORD_PREFIX) for name in names if name.startswith(RECORD_PREFIX)]


def unit_cents(hit: Mapping[str, Any], fees: Fees) -> int:
    """Cents for one assignment under the HIT's own terms."""
    reward = Money.parse(hit["Reward"])
    masters = any(
        wire["QualificationTypeId"] in {MASTERS, MASTERS_SANDBOX} and wire["Comparator"] != "DoesNotExist"
        for wire in hit.get("QualificationRequirements") or ()
    )
    return reward.cents + fees.fee(reward, assignments=hit["MaxAssignments"], masters=masters).cents
