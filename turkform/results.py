"""How a campaign stands: HITs, places, money, as the last survey saw them.

In: a `Survey`. Out: one JSON-able document, which `status` draws.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from turkform.money import Money
from turkform.publication import committed
from turkform.times import format_time, from_epoch

if TYPE_CHECKING:
    from turkform.publication import Publication
    from turkform.survey import Survey


def status(survey: Survey) -> dict[str, Any]:
    """Progress and spend of every batch and in all."""
    document = survey.plan.document
    batches = {
        address.name: _batch(publication, document["batches"][str(address)], survey.observed.now.timestamp())
        for address, publication in survey.found.publications.items()
    }
    return {
        "campaign": document["campaign"],
        "environment": document["environment"],
        "endpoint": document["endpoint"],
        "now": document["made_at"],
        "batches": batches,
        "price": {
            "committed": document["price"]["committed_before"],
            "budget": document["price"]["budget"],
            "balance": document["price"]["balance"],
            "on_hold": str(survey.observed.on_hold) if survey.observed.on_hold is not None else None,
        },
        "foreign": survey.observed.foreign - sum(survey.observed.others.values()),
        "others": dict(sorted(survey.observed.others.items())),
        "notes": document["notes"],
        "changes": sum(step["action"] != "wait" for step in document["steps"]),
    }


def _batch(publication: Publication, figures: dict[str, Any], now: float) -> dict[str, Any]:
    """Counts over a batch's HITs; places that nobody can reach any more are not open."""
    hits = [hit for found in publication.hits.values() for hit in found]
    live = [hit for hit in hits if hit.expires > now]
    return {
        "hits": len(hits),
        "rows": figures["rows"],
        "round": figures["round"],
        "live": len(live),
        "expired": len(hits) - len(live),
        "assignments": sum(hit.maximum for hit in hits),
        "open": sum(hit.available for hit in live),
        "pending": sum(hit.pending for hit in hits),
        "submitted": sum(hit.submitted for hit in hits),
        "reviewed": sum(hit.completed for hit in hits),
        "committed": str(Money(sum(committed(h, publication.terms[h.type_id].unit(h.maximum), now) for h in hits))),
        "ends": format_time(from_epoch(max(hit.expires for hit in hits))) if hits else None,
        "notes": figures["notes"],
    }
