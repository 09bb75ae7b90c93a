"""What the site reads of the market, whoever's it is: groups, HITs with their terms, assignments, tests, mail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import exists, func, or_, select

from turkform.marketplace.tables import (
    assignments,
    blocks,
    hit_types,
    hits,
    messages,
    qualification_requests,
    readers,
    requesters,
)

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Row, Select

    from turkform.marketplace.context import Context
    from turkform.marketplace.requirements import Candidate
    from turkform.marketplace.website.conditions import Condition

MOST_GROUPS: Final = 500
"""So many groups are looked at for one page; a search finds the others."""
MOST_WORDS: Final = 8
MOST_COUNTED: Final = 1000
"""So many HITs of a group are counted; where there are more, it says so."""
REQUESTER: Final = func.coalesce(requesters.c.name, requesters.c.id).label("requester_name")
"""What workers see of a requester: the name under which its keys were made, in a rehearsal its id."""
_KEPT: Final = ("Accepted", "Submitted", "Approved", "Rejected")


@dataclass(frozen=True, slots=True)
class Wish:
    """What a worker looks for among the groups; `reward` in cents."""

    text: str = ""
    reward: int = 0
    sort: str = "newest"


@dataclass(frozen=True, slots=True)
class Offer:
    """A group as one worker sees it: its terms, what it asks for, whether its requester has blocked the worker."""

    terms: Row[Any]
    conditions: list[Condition]
    blocked: bool

    @property
    def qualifies(self) -> bool:
        """Whether this worker can accept its tasks."""
        return not self.blocked and all(condition.met for condition in self.conditions)


def _with_terms() -> Select[Any]:
    t = hit_types.c
    terms = (t.group_id, t.title, t.description, t.keywords, t.reward, t.duration, t.auto_approval, t.requirements)
    query = select(hits, *terms, REQUESTER).join(hit_types, t.id == hits.c.type_id)
    return query.join(requesters, requesters.c.id == hits.c.requester)


def _open(now: float) -> ColumnElement[bool]:
    """HITs with a place to take."""
    h = hits.c
    free = h.maximum > h.pending + h.submitted + h.approved + h.rejected
    return (h.disposed == 0) & (h.expires > now) & free


def groups(context: Context, wish: Wish) -> list[Any]:
    """Groups that have work, whoever may see them; `tasks` is how many HITs with free places each has."""
    t, h = hit_types.c, hits.c
    wanted = [t.reward >= wish.reward] if wish.reward else []
    for word in wish.text.lower().split()[:MOST_WORDS]:
        spots = (
            t.title,
            t.description,
            func.coalesce(t.keywords, ""),
            t.requester,
            func.coalesce(requesters.c.name, ""),
        )
        wanted.append(or_(*(func.lower(spot).contains(word, autoescape=True) for spot in spots)))
    # HITs are counted before anything is joined, and of wanted types only: there are many, and their types are few.
    counted = select(h.type_id, func.count().label("tasks"), func.max(h.seq).label("newest")).where(_open(context.now))
    if wanted:
        whose = select(t.id).join(requesters, requesters.c.id == t.requester)
        counted = counted.where(h.type_id.in_(whose.where(*wanted)))
    work = counted.group_by(h.type_id).subquery()
    o = work.c
    columns = (t.id, t.group_id, t.requester, t.title, t.description, t.keywords, t.reward, t.duration, t.requirements)
    query = select(*columns, REQUESTER, o.tasks).join(work, o.type_id == t.id)
    query = query.join(requesters, requesters.c.id == t.requester)
    order = {"reward": t.reward.desc(), "tasks": o.tasks.desc(), "quick": t.duration}
    query = query.order_by(*([order[wish.sort]] if wish.sort in order else []), o.newest.desc()).limit(MOST_GROUPS)
    return list(context.connection.execute(query).all())


def visible(candidate: Candidate, found: list[Any]) -> list[Any]:
    """The groups among these that a worker may see."""
    return [row for row in found if candidate.unmet(row.requirements, "DiscoverPreviewAndAccept") is None]


def blocking(context: Context, worker: str) -> set[str]:
    """The requesters who have blocked this worker."""
    return set(context.connection.execute(select(blocks.c.requester).where(blocks.c.worker == worker)).scalars())


def group(context: Context, group_id: str) -> Row[Any] | None:
    """A group's terms, or None."""
    query = select(hit_types, REQUESTER).join(requesters, requesters.c.id == hit_types.c.requester)
    return context.connection.execute(query.where(hit_types.c.group_id == group_id)).first()


def next_hit(context: Context, type_id: str, worker: str) -> Row[Any] | None:
    """The oldest HIT of a type that has a place and that this worker never had, or None."""
    a = assignments.c
    had = exists().where(a.hit == hits.c.id, a.worker == worker, a.status.in_(_KEPT))
    query = _with_terms().where(hits.c.type_id == type_id, _open(context.now), ~had).order_by(hits.c.seq).limit(1)
    return context.connection.execute(query).first()


def tasks_left(context: Context, type_id: str) -> int:
    """How many HITs of a type have a place; one more than MOST_COUNTED stands for any greater number."""
    some = select(hits.c.seq).where(hits.c.type_id == type_id, _open(context.now)).limit(MOST_COUNTED + 1).subquery()
    return int(context.connection.execute(select(func.count()).select_from(some)).scalar_one())


def hit_with_terms(context: Context, hit_id: str) -> Row[Any] | None:
    """A HIT beside the values of its type, or None."""
    return context.connection.execute(_with_terms().where(hits.c.id == hit_id)).first()


def assignment(context: Context, assignment_id: str) -> tuple[Row[Any], Row[Any]] | None:
    """An assignment in any state, and its HIT with terms; or None."""
    row = context.connection.execute(select(assignments).where(assignments.c.id == assignment_id)).first()
    hit = None if row is None else hit_with_terms(context, row.hit)
    return None if row is None or hit is None else (row, hit)


def begun_test(context: Context, request_id: str) -> Row[Any] | None:
    """A qualification test that was begun and has time left, or None."""
    r = qualification_requests.c
    query = select(qualification_requests).where(
        r.id == request_id, r.status == "Testing", r.deadline > context.now
    )  # fmt: skip
    return context.connection.execute(query).first()


def unread(context: Context, worker: str) -> int:
    """How many messages a worker has not seen."""
    m, r = messages.c, readers.c
    seen = select(func.coalesce(func.max(r.seen), 0)).where(r.worker == worker).scalar_subquery()
    query = select(func.count()).select_from(messages).where(m.worker == worker, m.seq > seen)
    return int(context.connection.execute(query).scalar_one())
