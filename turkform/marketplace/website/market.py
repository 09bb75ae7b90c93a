"""What the site reads of the market, whoever's it is: HITs with their terms, and assignments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from turkform.marketplace.tables import assignments, hit_types, hits

if TYPE_CHECKING:
    from sqlalchemy import Row

    from turkform.marketplace.context import Context


def hit_with_terms(context: Context, hit_id: str) -> Row[Any] | None:
    """A HIT beside the values of its type, or None."""
    t = hit_types.c
    terms = (t.group_id, t.title, t.description, t.keywords, t.reward, t.duration, t.auto_approval, t.requirements)
    query = select(hits, *terms).join(hit_types, t.id == hits.c.type_id)
    return context.connection.execute(query.where(hits.c.id == hit_id)).first()


def assignment(context: Context, assignment_id: str) -> tuple[Row[Any], Row[Any]] | None:
    """An assignment in any state, and its HIT with terms; or None."""
    row = context.connection.execute(select(assignments).where(assignments.c.id == assignment_id)).first()
    hit = None if row is None else hit_with_terms(context, row.hit)
    return None if row is None or hit is None else (row, hit)
