"""Payouts: what workers have earned and nobody has settled yet, and settling it, each piece once.

In: approved assignments and bonuses. Out: a row a worker of a payout, for the keeper's bank; and the mark on every
piece that says which payout it was in. A payout that was made is read again as often as needed, and never changes.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import String, cast, func, insert, literal, select, union_all

from turkform.marketplace.payments import dollars
from turkform.marketplace.store import insert_missing, new_id
from turkform.marketplace.tables import assignments, bonuses, hit_types, hits, payouts, settings, settlements

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection, Select

COLUMNS: Final = ("payout", "worker", "assignments", "rewards", "bonuses", "bonus_amount", "total", "first", "last")
_LOCK: Final = "payouts"


class PayoutError(Exception):
    """There is no such payout."""


class Line(NamedTuple):
    """What one worker gets: counts, cents, and when the first and the last piece was earned."""

    worker: str
    assignments: int
    rewards: int
    bonuses: int
    bonus_amount: int
    first: float
    last: float


def open_lines(connection: Connection) -> list[Line]:
    """What a payout made now would hold, by worker."""
    return _lines(connection, _unsettled().subquery())


def settle(connection: Connection, now: float) -> str | None:
    """Make a payout of all that is not settled; return its id, or None where there is nothing."""
    insert_missing(connection, settings, {"name": _LOCK, "value": ""})
    connection.execute(select(settings.c.name).where(settings.c.name == _LOCK).with_for_update())
    payout = new_id()
    earned = _unsettled().subquery()
    rows = select(literal(payout), earned.c.kind, earned.c.item, earned.c.worker, earned.c.cents, earned.c.earned)
    s = settlements.c
    columns = [s.payout, s.kind, s.item, s.worker, s.cents, s.earned]
    if not connection.execute(insert(settlements).from_select(columns, rows)).rowcount:
        return None
    connection.execute(insert(payouts).values(id=payout, made=now))
    return payout


def lines_of(connection: Connection, payout: str) -> list[Line]:
    """What a payout holds, by worker.

    Raises:
        PayoutError: there is none with this id.
    """
    if connection.execute(select(payouts.c.id).where(payouts.c.id == payout)).first() is None:
        raise PayoutError(f"there is no payout {payout}")
    return _lines(connection, select(settlements).where(settlements.c.payout == payout).subquery())


def listed(connection: Connection) -> list[tuple[str, float, int]]:
    """Every payout with when it was made and the cents it holds, the last first."""
    p, s = payouts.c, settlements.c
    query = select(p.id, p.made, func.sum(s.cents)).join(settlements, s.payout == p.id).group_by(p.id, p.made)
    rows = connection.execute(query.order_by(p.made.desc(), p.id)).all()
    return [(payout, made, int(cents)) for payout, made, cents in rows]


def paid_out(connection: Connection, worker: str) -> int:
    """The cents that a worker's payouts hold."""
    query = select(func.sum(settlements.c.cents)).where(settlements.c.worker == worker)
    return int(connection.execute(query).scalar() or 0)


def as_csv(payout: str, lines: Iterable[Line]) -> str:
    """The lines as CSV, amounts in dollars; `payout` is empty in what was not settled."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for line in lines:
        total = dollars(line.rewards + line.bonus_amount)
        money = (dollars(line.rewards), line.bonuses, dollars(line.bonus_amount), total)
        writer.writerow((payout, line.worker, line.assignments, *money, int(line.first), int(line.last)))
    return text.getvalue()


def _unsettled() -> Select[Any]:
    """Approved assignments and bonuses that are in no payout."""
    a, b, t, s = assignments.c, bonuses.c, hit_types.c, settlements.c
    work = (
        select(
            literal("assignment").label("kind"),
            a.id.label("item"),
            a.worker,
            t.reward.label("cents"),
            a.approved.label("earned"),
        )
        .join(hits, hits.c.id == a.hit)
        .join(hit_types, t.id == hits.c.type_id)
        .where(a.status == "Approved")
    )
    extra = select(literal("bonus"), cast(b.seq, String(64)), b.worker, b.amount, b.granted)
    earned = union_all(work, extra).subquery()
    e = earned.c
    settled = select(s.item).where(s.kind == e.kind, s.item == e.item).exists()
    return select(e.kind, e.item, e.worker, e.cents, e.earned).where(~settled)


def _lines(connection: Connection, earned: Any) -> list[Line]:
    e = earned.c
    work, extra = e.kind == "assignment", e.kind == "bonus"
    query = select(
        e.worker,
        func.count().filter(work),
        func.coalesce(func.sum(e.cents).filter(work), 0),
        func.count().filter(extra),
        func.coalesce(func.sum(e.cents).filter(extra), 0),
        func.min(e.earned),
        func.max(e.earned),
    )
    rows = connection.execute(query.group_by(e.worker).order_by(e.worker)).all()
    return [Line(row[0], row[1], int(row[2]), row[3], int(row[4]), row[5], row[6]) for row in rows]
