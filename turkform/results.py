"""How a campaign stands: HITs, places, money, as the last survey saw them.

In: a `Survey`. Out: one JSON-able document, which `status` draws.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from turkform.money import Money
from turkform.pricing import committed
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
    count: Counter[str] = Counter()
    last = 0.0
    for hit in (hit for hits in publication.hits.values() for hit in hits):
        live = hit.expires > now
        count.update(
            hits=1, live=live, expired=not live, assignments=hit.maximum, open=hit.available if live else 0,
            pending=hit.pending, submitted=hit.submitted, reviewed=hit.completed,
            cents=committed(hit, publication.terms[hit.type_id].unit(hit.maximum), now),
        )  # fmt: skip
        last = max(last, hit.expires)
    return {
        "rows": figures["rows"],
        "round": figures["round"],
        **{name: count[name] for name in _COUNTED},
        "committed": str(Money(count["cents"])),
        "ends": format_time(from_epoch(last)) if last else None,
        "notes": figures["notes"],
    }


_COUNTED = ("hits", "live", "expired", "assignments", "open", "pending", "submitted", "reviewed")
