"""How a campaign stands as one self-contained web page with plots.

In: a `Stand`. Out: HTML that asks no other host for anything, which its own content security policy forbids, and that
runs no script. It names no worker and quotes no answer: it is to be shown around.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from turkform import plots
from turkform.money import Money
from turkform.printable import clean, many
from turkform.results import handed_in
from turkform.times import format_duration, parse_time
from turkform.webpage import environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from turkform.figures import Figures
    from turkform.plots import Plot
    from turkform.results import Stand

_UNKNOWN = "not yet"
MOST = 12
"""So many batches have a bar of their own; the rest share one."""
MOST_PLOTTED = 20
"""So many batches have plots of their own."""
KINDS = (("paid", "paid for work"), ("bonus", "bonuses"), ("open", "committed and not paid"))
"""What money by batch is told apart by."""
PLACES = (
    ("approved", "approved"), ("rejected", "rejected"), ("reviewed", "reviewed, not read"), ("submitted", "to review"),
    ("pending", "in work"), ("open", "free"), ("lost", "unfilled when time was up"),
)  # fmt: skip
"""What places are told apart by."""


def draw(stand: Stand) -> str:
    """Draw the page."""
    document = stand.document
    total, batches = document["total"], document["batches"]
    now = _ms(document["now"])
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            doc=document,
            total=total,
            tiles=list(_tiles(total, document)),
            plots=[_progress(total, stand.whole, now), *_measured(stand.whole, document), _spend(batches)],
            batches={name: list(_places(batch)) for name, batch in batches.items()},
            legend=PLACES,
            details={
                name: _measured(stand.figures[name], document)
                for name in list(batches)[:MOST_PLOTTED]
                if len(batches) > 1 and stand.figures[name].answers
            },
            unread=_unread(total),
            handed_in=handed_in,
            time=_time,
            width=plots.WIDTH,
            left=plots.LEFT,
            right=plots.WIDTH - plots.RIGHT,
            top=plots.TOP,
            bottom=plots.BOTTOM,
            many=many,
        )
    )


def _tiles(total: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """The few numbers that come first: name, value, what to know of it."""
    done, places = handed_in(total)
    reviewed = f"{total['approved']:,} approved, {total['rejected']:,} rejected, {total['submitted']:,} to review"
    yield "Handed in", f"{done:,} of {places:,}", reviewed
    yield "Median work time", _time(total["median_seconds"]), many(total["stored"], "answer")
    least = document["min_hourly_pay"]
    wanted = "" if least is None else f"the policy wants ${least}"
    yield "Median pay by the hour", _UNKNOWN if total["hourly"] is None else f"${total['hourly']}", wanted
    left = total["open"] + total["pending"]
    pace = _UNKNOWN if total["pace"] is None or not left else f"{total['pace']:,} an hour"
    yield "Pace", pace, f"all in about {_short(total['done_at'])}" if total["done_at"] else _over(left)
    budget = document["price"]["budget"]
    exact = "" if total["spent_exact"] else "at most "
    limit = "" if budget is None else f" of ${budget} budget"
    yield "Spent", f"{exact}${total['spent']}", f"${total['committed']} committed{limit}"


def _over(left: int) -> str:
    return "" if left else "no place is free or in work"


def _short(moment: str) -> str:
    return moment.replace("T", " ").removesuffix(":00Z").removesuffix("Z") + " UTC"


def _time(seconds: int | None) -> str:
    return _UNKNOWN if seconds is None else format_duration(timedelta(seconds=seconds))


def _unread(total: Mapping[str, Any]) -> str:
    unread = total["unread"]
    if not unread["calls"]:
        return ""
    return (
        f"{many(unread['answers'], 'answer')} and {many(unread['reviews'], 'review')} were not fetched and are missing"
    )


def _progress(total: Mapping[str, Any], whole: Figures, now: int) -> Plot:
    done_at = _ms(total["done_at"]) if total["done_at"] else None
    places = handed_in(total)[1]
    return plots.progress(whole.submitted, whole.decided, places=places, now=now, done_at=done_at)


def _measured(figures: Figures, document: Mapping[str, Any]) -> list[Plot]:
    rate = figures.median_rate
    least = document["min_hourly_pay"]
    return [
        plots.times(figures.seconds, figures.median_seconds),
        plots.rates(
            figures.rates, None if rate is None else rate.cents, None if least is None else Money.parse(least).cents
        ),
    ]


def _spend(batches: Mapping[str, Mapping[str, Any]]) -> Plot:
    """The dearest first."""
    rows = [(clean(name), _money(batch)) for name, batch in batches.items()]
    rows.sort(key=lambda row: -sum(row[1].values()))
    if len(rows) > MOST:
        rest = rows[MOST - 1 :]
        others = {kind: sum(parts[kind] for _, parts in rest) for kind, _ in KINDS}
        rows = [*rows[: MOST - 1], (f"{len(rest)} others", others)]
    return plots.spend([(name, list(parts.items())) for name, parts in rows], KINDS)


def _money(batch: Mapping[str, Any]) -> dict[str, int]:
    spent, bonus = (Money.parse(batch[name]).cents for name in ("spent", "bonuses"))
    return {"paid": spent - bonus, "bonus": bonus, "open": Money.parse(batch["unpaid"]).cents}


def _places(batch: Mapping[str, Any]) -> Iterator[tuple[str, str, int, float]]:
    """Kind, name, count and share in percent of a batch's places, none left out."""
    reviewed = batch["reviewed"] + batch["gone"]["answers"]
    known = batch["approved"] + batch["rejected"]
    counts = {**batch, "reviewed": max(0, reviewed - known)}
    total = handed_in(batch)[1]
    counts["lost"] = max(0, total - reviewed - batch["submitted"] - batch["pending"] - batch["open"])
    for kind, name in PLACES:
        if counts[kind]:
            yield kind, name, counts[kind], round(100 * counts[kind] / total, 2)


def _ms(moment: str) -> int:
    return int(parse_time(moment).timestamp() * 1000)
