"""How a campaign stands: HITs, places, time, money, and what will soon be too late.

In: a `Survey`, and the answers store where there is one. Out: one JSON-able document, which `status` and `report`
draw. HITs and places come from the account's listing alone; what only an answer itself tells (whether it was approved,
how long it took) comes from those that are stored, and the document says how many are not.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from turkform.batch_draft import NOTES, SOON
from turkform.collecting import Due
from turkform.figures import FEW, Figures, measure, together
from turkform.memory import NOT_STORED, Stored
from turkform.money import Money
from turkform.pricing import Pricing, committed
from turkform.printable import many
from turkform.publication import FORGETTING
from turkform.times import format_time, from_epoch

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from turkform.answers import Answers
    from turkform.hits import HIT, HITs
    from turkform.observed import BatchKey
    from turkform.pricing import Terms
    from turkform.survey import Survey

_COUNTED = ("hits", "live", "expired", "assignments", "open", "pending", "submitted", "reviewed")
_NEARLY_FORGOTTEN = FORGETTING - timedelta(days=10).total_seconds()
_WARNED = [NOTES[word].partition("}")[2].partition("{")[0] for word in ("approving soon", "forgotten soon")]
"""How a plan's notes tell of what is a warning here, with the answers counted."""
_LONGEST = timedelta(days=3650)
"""An end that lies further off than this is none."""


@dataclass(slots=True)
class _Standing:
    """One batch, or all of them: what the listing says, and what the stored answers do."""

    figures: Figures
    count: Counter[str] = field(default_factory=Counter)
    due: Due = field(default_factory=Due)
    created: float = 0.0
    """When its first HIT was; 0 where there is none. In epoch seconds, as the next two."""
    ends: float = 0.0
    unread_due: float = 0.0
    """The earliest moment at which an answer that is not stored may approve itself."""

    def add(self, hit: HIT, terms: Terms, stored: Stored, *, approving: float, now: float) -> None:
        """One more HIT; `approving` is after how many seconds its answers approve themselves."""
        live = hit.expires > now
        due = Due.of(hit, stored)
        unread = min(hit.submitted, due.answers)
        self.count.update(
            hits=1, live=live, expired=not live, assignments=hit.maximum, open=hit.available if live else 0,
            pending=hit.pending, submitted=hit.submitted, reviewed=hit.completed,
            committed=committed(hit, terms.unit(hit.maximum), now), unread=unread,
            assumed=due.reviews * terms.unit(hit.maximum),
            forgotten=hit.expires < now - _NEARLY_FORGOTTEN and bool(due.answers or hit.submitted),
        )  # fmt: skip
        self.due += due
        self.created = min(self.created or hit.created, hit.created)
        self.ends = max(self.ends, hit.expires)
        if unread:
            self.unread_due = min(self.unread_due or hit.created + approving, hit.created + approving)

    def __iadd__(self, other: _Standing) -> Self:
        self.count.update(other.count)
        self.due += other.due
        self.created = min(filter(None, (self.created, other.created)), default=0.0)
        self.ends = max(self.ends, other.ends)
        self.unread_due = min(filter(None, (self.unread_due, other.unread_due)), default=0.0)
        return self

    @property
    def handed_in(self) -> int:
        """Assignments that were handed in, those of HITs that are gone too."""
        return self.count["submitted"] + self.count["reviewed"] + self.figures.gone_answers

    @property
    def left(self) -> int:
        """Places that are free or in work."""
        return self.count["open"] + self.count["pending"]

    @property
    def exact(self) -> bool:
        """Whether what was spent is known to the cent."""
        return not self.due.reviews and not self.figures.guessed

    def spent(self) -> Money:
        """Paid for approved work and bonuses, fees included; a review that is not stored counts as an approval."""
        return Money(self.figures.paid + self.figures.bonuses + self.count["assumed"])

    @property
    def unpaid(self) -> int:
        """Cents that what is open and what is not reviewed may still cost."""
        figures = self.figures
        settled = figures.paid - figures.gone_paid + figures.released + self.count["assumed"]
        return self.count["committed"] - settled

    def pace(self, now: float) -> float | None:
        """Answers an hour: by the latest ones, else since the first HIT was published."""
        measured = self.figures.pace(None if self.due.answers else int(now * 1000))
        if measured is not None or not self.handed_in or not self.created:
            return measured
        return self.handed_in * 3600 / max(1.0, now - self.created)

    def done_at(self, now: float) -> float | None:
        """When every place will have been handed in, at this pace, in epoch seconds."""
        pace = self.pace(now)
        if not self.left or not pace:
            return None
        seconds = self.left * 3600 / pace
        return now + seconds if seconds < _LONGEST.total_seconds() else None

    def document(self, now: float) -> dict[str, Any]:
        """For programs."""
        figures, pace, done = self.figures, self.pace(now), self.done_at(now)
        return {
            **{name: self.count[name] for name in _COUNTED},
            "approved": figures.approved,
            "rejected": figures.rejected,
            "gone": {"hits": figures.gone_hits, "answers": figures.gone_answers},
            "stored": figures.answers,
            "unread": {"answers": self.due.answers, "reviews": self.due.reviews, "calls": self.due.calls},
            "median_seconds": figures.median_seconds,
            "hourly": None if figures.median_rate is None else str(figures.median_rate),
            "pace": None if pace is None else round(pace, 1),
            "done_at": None if done is None else format_time(from_epoch(done)),
            "committed": str(Money(self.count["committed"])),
            "unpaid": str(Money(max(0, self.unpaid))),
            "spent": str(self.spent()),
            "spent_exact": self.exact,
            "bonuses": str(Money(figures.bonuses)),
            "auto_approval": {
                "next": format_time(from_epoch(figures.next_due / 1000)) if figures.next_due else None,
                "within_a_day": figures.soon,
                "unread": self.count["unread"],
            },
            "ends": format_time(from_epoch(self.ends)) if self.ends else None,
        }


class Stand(NamedTuple):
    """How a campaign stands, and what that was drawn from."""

    document: dict[str, Any]
    figures: Mapping[str, Figures]
    """Of each batch in the document."""
    whole: Figures


def handed_in(one: Mapping[str, Any]) -> tuple[int, int]:
    """Of a part of the document: assignments handed in, and how many there can be; those of gone HITs in both."""
    gone = one["gone"]["answers"]
    return one["submitted"] + one["reviewed"] + gone, one["assignments"] + gone


def status(survey: Survey, answers: Answers | None = None) -> dict[str, Any]:
    """Progress and spend of every batch and in all."""
    return stand(survey, answers).document


def stand(survey: Survey, answers: Answers | None = None) -> Stand:
    """The same, with the measurements behind it."""
    document, now = survey.plan.document, survey.observed.now.timestamp()
    standings = dict(_standings(survey, answers))
    whole = _Standing(together(standing.figures for standing in standings.values()))
    for standing in standings.values():
        whole += standing
    price, least = document["price"], survey.desired.campaign.policies.min_hourly_pay
    told = {
        "campaign": document["campaign"],
        "title": document["title"],
        "environment": document["environment"],
        "endpoint": document["endpoint"],
        "now": document["made_at"],
        "batches": {name: {**_said(document, name), **standing.document(now)} for name, standing in standings.items()},
        "total": whole.document(now) | {"committed": price["committed_before"]},
        "price": {
            "committed": price["committed_before"],
            "budget": price["budget"],
            "balance": price["balance"],
            "on_hold": str(survey.observed.on_hold) if survey.observed.on_hold is not None else None,
        },
        "min_hourly_pay": str(least.rate) if least is not None else None,
        "foreign": survey.observed.foreign - sum(survey.observed.others.values()),
        "others": dict(sorted(survey.observed.others.items())),
        "notes": [note for note in document["notes"] if not any(word in note for word in _WARNED)],
        "changes": sum(step["action"] != "wait" for step in document["steps"]),
    }
    told["warnings"] = [
        *(warning for name, one in standings.items() for warning in _warnings(f"batch.{name}", one, now)),
        *_short(survey, whole),
        *_little(survey, standings),
    ]
    return Stand(told, {name: one.figures for name, one in standings.items()}, whole.figures)


def _said(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    """What the plan says of a batch; an earlier round, and a batch that is not declared any more, have no rows."""
    figures = document["batches"].get(f"batch.{name}", {})
    return {"rows": figures.get("rows", 0), "round": figures.get("round", 1), "notes": figures.get("notes", [])}


def _standings(survey: Survey, answers: Answers | None) -> Iterator[tuple[str, _Standing]]:
    """Every batch that is declared, has HITs or has stored answers; declared ones first, in the order of the files."""
    figures = measure(survey, answers)
    stored = answers.stored() if answers is not None else {}
    names = {publication.batch: address.name for address, publication in survey.found.publications.items()}
    terms = Pricing(survey.desired, survey.observed, survey.found.ids).observed(None)
    for batch in [*names, *sorted({*survey.observed.hits, *figures}.difference(names))]:
        listed = survey.observed.hits.get(batch)
        standing = _Standing(figures.get(batch, Figures()))
        for hit in _every(listed):
            delay = survey.observed.terms[hit.type_id]["auto_approval_delay"]
            standing.add(
                hit, terms[hit.type_id], stored.get(hit.id, NOT_STORED),
                approving=delay.total_seconds(), now=survey.observed.now.timestamp(),
            )  # fmt: skip
        yield names.get(batch) or _name(batch, names.values()), standing


def _name(batch: BatchKey, taken: Collection[str]) -> str:
    """Of a batch or a round that is not declared any more."""
    return batch[0] if batch[1] == 1 and batch[0] not in taken else f"{batch[0]}@{batch[1]}"


def _every(listed: HITs | None) -> Iterator[HIT]:
    return (hit for hits in listed.values() for hit in hits) if listed is not None else iter(())


# --- warnings -------------------------------------------------------------------------------------


def _warnings(about: str, one: _Standing, now: float) -> Iterator[dict[str, str]]:
    """What will be too late soon, each with what to do."""

    def warn(kind: str, text: str) -> dict[str, str]:
        return {"about": about, "kind": kind, "text": text}

    figures = one.figures
    if figures.soon and figures.next_due:
        first = format_time(from_epoch(figures.next_due / 1000))
        yield warn(
            "auto_approval",
            f"{many(figures.soon, 'answer')} will approve {'itself' if figures.soon == 1 else 'themselves'} "
            f"within a day, the first at {first}: review before",
        )
    if one.unread_due and one.unread_due < now + SOON.total_seconds():
        yield warn(
            "auto_approval",
            f"{many(one.count['unread'], 'answer')} not fetched yet may approve themselves from "
            f"{format_time(from_epoch(one.unread_due))} on: `turkform results` fetches them",
        )
    if one.count["forgotten"]:
        yield warn(
            "disposal",
            f"{many(one.count['forgotten'], 'HIT')} with answers not stored or not reviewed ended 80 days ago or more; "
            "the marketplace disposes of HITs after 120: run `turkform results` and review",
        )
    if (late := _late(one, now)) > 0:
        yield warn(
            "pace",
            f"at this pace {many(late, 'free place')} will be left on {format_time(from_epoch(one.ends))}, when the "
            "last HIT ends: raise `lifetime` or the reward",
        )


def _late(one: _Standing, now: float) -> int:
    """Places that will not be taken in time, at this pace."""
    pace = one.pace(now)
    if pace is None or not one.count["open"] or one.ends <= now:
        return 0
    return one.left - int(pace * (one.ends - now) / 3600)


def _short(survey: Survey, whole: _Standing) -> Iterator[dict[str, str]]:
    """Whether the account can pay for what is open and what waits for review."""
    observed = survey.observed
    if survey.desired.target.balance != "enforce":
        return  # the balance is no purse there
    needed = Money(whole.unpaid)
    missing = needed - (observed.on_hold or Money()) - observed.balance
    if missing.cents > 0:
        held = "nothing" if observed.on_hold is None else f"${observed.on_hold}"
        yield {
            "about": "account",
            "kind": "balance",
            "text": f"what is open and unreviewed may cost ${needed} more; the account has ${observed.balance}, and "
            f"says {held} is on hold: put in ${missing} more, or `turkform close` what shall not be done",
        }


def _little(survey: Survey, standings: Mapping[str, _Standing]) -> Iterator[dict[str, str]]:
    """Where work turned out to pay less by the hour than the campaign's own policy wants."""
    policy = survey.desired.campaign.policies.min_hourly_pay
    for name, one in standings.items() if policy is not None else ():
        paid = one.figures.median_rate
        if policy is not None and paid is not None and one.figures.answers >= FEW and paid < policy.rate:
            yield {
                "about": f"batch.{name}",
                "kind": "pay",
                "text": f"half of the answers paid ${paid} an hour or less, and min_hourly_pay is ${policy.rate}: "
                "raise the reward of what is still to be published, or pay bonuses",
            }
