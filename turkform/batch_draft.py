"""The draft of one batch: what becomes of its items, as priced steps, and what is to be said about it.

In: a `Publication` and what a person said. Out: `Drafted`. One pass over the items counts, prices and digests
them, picks sample pages, and keeps apart what a person approves (the wish), what the decisions rested on (the
facts), and what workers may alter meanwhile (everything else).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from turkform.approval import Rows
from turkform.item_change import ItemChange, Op
from turkform.kinds.batch import CROWD
from turkform.kinds.resource import Address, show
from turkform.money import NOTHING, Cost, Money
from turkform.pricing import committed
from turkform.printable import many
from turkform.publication import SHORTEST, TOLERANCE, Publication
from turkform.steps import ACTIONS, FACTS, LEAVES, OPERATIONS, Digest, Items, Reversibility, Step
from turkform.superseded import doubles, superseded
from turkform.tally import Tally
from turkform.times import format_time, from_epoch

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from turkform.campaign import Desired
    from turkform.choices import Choices
    from turkform.hits import HIT
    from turkform.policies import Policy

SAMPLES = 3
"""So many changed items of a batch stand in the plan before and after, for review."""
SOON = timedelta(hours=24)
"""Answers that approve themselves within so long are to be warned of."""
FEWEST_GUARDED = 10
"""From so many HITs on a batch's thresholds apply."""
_UNSEEN = frozenset({Op.KEEP, Op.ADOPT})
"""Nothing is done and nothing is to be shown."""


@dataclass(slots=True)
class Drafted:
    """What one batch brings to a plan."""

    steps: list[Step] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    samples: list[dict[str, Any]] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    wish: dict[str, Any] = field(default_factory=dict)
    """What a person approves, and no worker can alter."""
    facts: str = ""
    """sha256 over what the decisions rested on, and no worker can alter."""
    until: float = 0.0
    """When the first of these facts expires, in epoch seconds; 0 where none does."""
    committed: int = 0
    cost: Cost = NOTHING
    needs_type: bool = False
    """Some step needs the id of the declared HIT type."""


def draft_batch(address: Address, publication: Publication, desired: Desired, choices: Choices) -> Drafted:
    """One pass over a batch."""
    return _Pass(address, publication, desired, choices).run()


def commitment(publication: Publication, sent: Collection[str] = ()) -> int:
    """Cents that a batch's HITs have cost or may still cost; `sent`: keys whose open creations are sent again."""
    now, cents = publication.now.timestamp(), publication.unknown(sent)
    for hit, number, current in publication.hits.alike(now):
        each = committed(hit, publication.terms[hit.type_id].unit(hit.maximum), now)
        cents += number * (each + (publication.reserve(hit) if current else 0))
    return cents


class _Pass:
    def __init__(self, address: Address, publication: Publication, desired: Desired, choices: Choices) -> None:
        self.address, self.publication, self.desired, self.choices = address, publication, desired, choices
        self.out = Drafted()
        self.tally = Tally()
        self.groups: dict[Op, Items] = {op: Items() for op in Op}
        self.costs: dict[Op, Cost] = {}
        self.wishes = {word: Digest() for word in ("create", "change", "retire")}
        self.facts = {word: Digest() for word in ("create", "change", "retire")}
        self.fields: set[str] = set()
        self.reasons: Counter[str] = Counter()
        self.left, self.taken = Rows(), Rows()
        self.replaced: list[ItemChange] = []
        self.created: list[ItemChange] = []
        self.sent: set[str] = set()
        """Stored keys of open creations that this plan sends again."""

    def run(self) -> Drafted:
        out, publication = self.out, self.publication
        for change in self._changes():
            self._wish(change)
            self._group(change)
            if Op.CREATE in change.ops and publication.open:
                self.sent.add(change.stored)
        for op in Op:
            if self.groups[op].count and op not in _UNSEEN:
                out.steps.append(self._step(op, self.groups[op]))
        for hit in publication.hits.handed_in():
            self._approving(hit)
        self._notes()
        self._guards()
        self._samples()
        out.committed = commitment(publication, self.sent)
        out.cost = self._cost()
        out.needs_type = bool({Op.CREATE, Op.REPLACE, Op.MOVE} & {op for op, i in self.groups.items() if i.count})
        if self.fields or any(wish.count for wish in self.wishes.values()):
            out.wish = {
                "fields": sorted(self.fields),
                "items": {word: wish.sha256 for word, wish in self.wishes.items() if wish.count},
            }
            facts = Digest()
            facts.add(*(digest.sha256 for digest in self.facts.values()))
            out.facts = facts.sha256
            self._until_end(publication)
        out.figures = self._figures()
        return out

    def _changes(self) -> Iterator[ItemChange]:
        yield from self.publication.changes(self.tally)
        yield from superseded(self.publication)

    def _approving(self, hit: HIT) -> None:
        """Count a HIT whose answers the clock approves before long, though nobody has looked at them."""
        soon = self.publication.now.timestamp() + SOON.total_seconds()
        due = self.publication.memory.due.get(hit.id, 0.0)
        delay = self.publication.terms[hit.type_id].approval
        if due and due <= soon:
            self.tally.due = min(due, self.tally.due or due)
        if (due and due <= soon) or (delay is not None and delay <= SOON):
            self.tally.note("approving soon", hit.submitted)

    # --- what is approved, and what it rests on ------------------------------------------------------

    def _wish(self, change: ItemChange) -> None:
        """What the change means to a person, whether or not work on the HIT will narrow it."""
        word = change.wish
        if word is None:
            return
        known = () if word == "retire" else (change.fingerprint,)
        self.wishes[word].add(change.key, *known)
        self.facts[word].add(change.key, change.fingerprint, *change.facts(extended=self.publication.extended))
        if word != "create":
            self.fields.update(change.fields)
        if change.hit is not None and word != "create":
            self._lasts(change.hit.expires)
        if change.expires:
            self._lasts(change.expires - TOLERANCE)

    def _lasts(self, until: float) -> None:
        """A fact that time alone will end."""
        if until > self.publication.now.timestamp() and (not self.out.until or until < self.out.until):
            self.out.until = until

    def _until_end(self, publication: Publication) -> None:
        ends = publication.source.batch.ends if publication.source else None
        if ends is not None:
            self._lasts((ends - SHORTEST).timestamp())

    # --- steps ---------------------------------------------------------------------------------------

    def _group(self, change: ItemChange) -> None:
        for op, cents in zip(change.ops, change.cents, strict=True):
            detail = {"fingerprint": change.fingerprint}
            if op is Op.REKEY:
                detail["observed"] = change.was
            group = self.groups[op]
            if group.add(change.key, detail, cents, row=change.row) and change.hit is not None:
                group.listed[-1].update(_facts_listed(change))
            if op is Op.WAIT:
                self.reasons[change.reason] += 1
            elif op not in _UNSEEN and op is not Op.CREATE and cents:
                self.costs[op] = self.costs.get(op, NOTHING).plus(self.publication.rise(change, op))
        self._leave_alone(change)
        if Op.REPLACE in change.ops and len(self.replaced) < SAMPLES:
            self.replaced.append(change)
        elif Op.CREATE in change.ops and len(self.created) < SAMPLES:
            self.created.append(change)

    def _leave_alone(self, change: ItemChange) -> None:
        """Remember the rows that workers alone could turn into something to do."""
        kept = {name for op, name in zip(change.ops, change.fields, strict=False) if op is Op.KEEP}
        if change.row and (Op.WAIT in change.ops or kept - {"lifetime"}):
            self.left.add(change.row)
        if change.row and "lifetime" in kept:
            self.taken.add(change.row)

    def _step(self, op: Op, items: Items) -> Step:
        fact, narrower = FACTS[op]
        leaves = LEAVES[op]
        if items.cents and leaves is Reversibility.FREE:
            leaves = Reversibility.MONEY
        reasons = (f"{many(n, 'item')}: {text}" for text, n in sorted(self.reasons.items()))
        return Step(
            self.address,
            ACTIONS[op],
            OPERATIONS[op],
            leaves,
            op=str(op),
            fields=self._step_fields(op),
            fact=fact,
            narrower=narrower,
            items=items,
            cents=items.cents,
            reason="; ".join(reasons) if op is Op.WAIT else "",
            subject=self.publication,
        )

    def _step_fields(self, op: Op) -> tuple[dict[str, str], ...]:
        source = self.publication.source
        if op is Op.MOVE:
            return self._moved_fields()
        if op is Op.EXTEND and source:
            return ({"field": "assignments", "desired": str(source.batch.assignments)},)
        if op is Op.PROLONG and source:
            name = "lifetime" if source.batch.lifetime is not None else "ends"
            return ({"field": name, "desired": show(getattr(source.batch, name))},)
        return ()

    def _moved_fields(self) -> tuple[dict[str, str], ...]:
        """How the terms change, seen from every HIT type that HITs of this batch have."""
        used = {hit.type_id for hits in self.publication.hits.values() for hit in hits[:1]}
        found: dict[tuple[str, str, str], None] = {}
        for type_id in sorted(used):
            for change in self.publication.terms[type_id].differences:
                found[change.field, show(change.observed), show(change.desired)] = None
        return tuple({"field": f, "observed": o, "desired": d} for f, o, d in found)

    # --- figures -------------------------------------------------------------------------------------

    def _cost(self) -> Cost:
        """What the steps add to what is committed; a step that would lower it adds nothing."""
        publication, create = self.publication, self.groups[Op.CREATE]
        whole = NOTHING
        if create.count and publication.source and publication.desired_terms:
            wanted = publication.source.batch.most_assignments
            whole = NOTHING.plus(publication.desired_terms.parts(wanted), wanted * create.count)
        for cost in self.costs.values():
            whole = whole.plus(cost)
        return whole

    def _figures(self) -> dict[str, Any]:
        publication, tally = self.publication, self.tally
        figures: dict[str, Any] = {
            "rows": tally.total,
            "hits": publication.hits.count,
            "round": publication.batch[1],
            "notes": {word: count for word, count in sorted(tally.counts.items()) if count},
            "price": str(Money(sum(items.cents for items in self.groups.values()))),
            "committed": str(Money(self.out.committed)),
        }
        if publication.source and publication.desired_terms:
            wanted = publication.source.batch.assignments
            figures |= {"assignments": wanted, "each": str(Money(publication.desired_terms.unit(wanted)))}
        figures |= {word: str(rows) for word, rows in (("left", self.left), ("taken", self.taken)) if rows.count}
        return figures

    def _samples(self) -> None:
        """Pages of changed items, replaced ones first: what workers see of them changes."""
        source = self.publication.source
        for change in [*self.replaced, *self.created][:SAMPLES]:
            if source is not None and change.item is not None:
                old = change.hit.id if change.hit and Op.REPLACE in change.ops else None
                page = source.template.render(change.item.row)
                address = str(self.address.item(change.key))
                self.out.samples.append({"address": address, "hit": old, "before": None, "after": page})

    # --- notes and guards ----------------------------------------------------------------------------

    def _notes(self) -> None:
        address, tally, notes = self.address, self.tally, self.out.notes
        for reason, keys in tally.refusals.items():
            named = ", ".join(str(address.item(key)) for key in keys[:3])
            more = f" and {len(keys) - 3} more" if len(keys) > 3 else ""
            self.out.refusals.append(f"{named}{more} {reason}")
        for word, text in NOTES.items():
            if tally.counts[word]:
                places, answers = many(tally.places[word], "place"), many(tally.places[word], "answer")
                closed = f"{from_epoch(tally.closed):%Y-%m-%d}" if tally.closed else "an unknown day"
                first = f", the first at {format_time(from_epoch(tally.due))}" if tally.due else ""
                said = text.format(n=tally.counts[word], places=places, answers=answers, closed=closed, first=first)
                notes.append(f"{address}: {said}")
        for hit, unit in doubles(self.publication):
            notes.append(
                f"{address.item(hit.key)}: {hit.id} is a double with work on it; its answers cost up to "
                f"${Money(committed(hit, unit, self.publication.now.timestamp()))}"
            )
        notes += self._dear()

    def _dear(self) -> Iterator[str]:
        """Where the fee rules make what is bought here dearer than it needs to be."""
        publication, fees = self.publication, self.desired.target.fees
        bought = self.groups[Op.CREATE].count + self.groups[Op.REPLACE].count
        if not bought or publication.source is None or publication.desired_terms is None:
            return
        wanted, terms = publication.source.batch.assignments, publication.desired_terms
        extra = terms.parts(wanted).ten_or_more * wanted
        if extra and wanted >= CROWD:
            yield (
                f"{self.address}: {wanted} assignments cost ${Money(extra * bought)} more than two batches of fewer "
                f"than {CROWD} each, because the fee rises at {CROWD}; keep the same workers out of both with a "
                "qualification"
            )
        reward, fee = terms.cost.rewards, terms.cost.fees
        if fees.minimum.cents and fee == fees.minimum.cents and fee > reward * fees.rate:
            yield (
                f"{self.address}: the least fee, ${fees.minimum}, is {100 * fee // max(1, reward)} % of a reward of "
                f"${Money(reward)}; several small items in one task cost less"
            )

    def _guards(self) -> None:
        """The circuit breakers: mass deletion, and mass re-keying, which buys everything twice."""
        address, tally = self.address, self.tally
        policies, have = self.desired.campaign.policies, len(self.publication.hits)
        guarded = have >= FEWEST_GUARDED and not self.choices.destroy
        # Those in work are counted too: they only wait to be retired.
        retired = sum(self.groups[op].count for op in (Op.RETIRE, Op.DISCARD, Op.ARCHIVE)) + self._waiting
        if (
            guarded
            and address not in self.choices.allow_destroy
            and retired * 100 > have * policies.max_deletes.percent
        ):
            self._breach(
                "max_deletes",
                policies.max_deletes,
                f"{address}: {retired} of {have} HITs would be retired, more than max_deletes: "
                f"{policies.max_deletes.limit}",
                f". If that is meant: --allow-destroy {address}",
            )
        new = self.groups[Op.CREATE].count
        vanished = len(self.publication.matching.vanished)
        lost = min(vanished, new)
        too_many = lost * 100 > have * policies.max_rekey.percent
        if guarded and too_many and address not in self.choices.allow_rekey:
            self._breach(
                "max_rekey",
                policies.max_rekey,
                f"{address}: {vanished} keys vanished while {new} new ones appeared, more than "
                f"max_rekey: {policies.max_rekey.limit}",
                "; if these are the same items under other keys, publishing "
                f"them buys them twice. If they are new: --allow-rekey {address}",
            )
        short = tally.counts["decayed short"]
        if short and short == tally.published:
            self.out.refusals.append(
                f"{address}: every HIT's time is over, so nobody could reach more assignments. Raise `lifetime`"
            )

    @property
    def _waiting(self) -> int:
        """Items that wait to be retired."""
        waiting = self.groups[Op.WAIT]
        return waiting.count - waiting.rows.count

    def _breach(self, name: str, policy: Policy, what: str, more: str) -> None:
        """A policy that this plan does not keep to: denied, or only said; with the policy's own place."""
        text = f"{what}{self.desired.place('policies', name)}"
        if policy.effect == "deny":
            self.out.refusals.append(text + more)
        else:
            self.out.notes.append(text)


def _facts_listed(change: ItemChange) -> dict[str, str]:
    """What a listed item rests on, by name."""
    hit = change.hit
    assert hit is not None
    return {
        "hit": hit.id,
        "hit_type": hit.type_id,
        "assignments": str(hit.maximum),
        "ends": format_time(from_epoch(hit.expires)),
    }


NOTES = {
    "kept question": "{n} on an older question, {places} still open there; `turkform close` them to stop",
    "kept terms": "{n} with work, on the old terms as before",
    "chosen question": "{n} on an older question as on_change says, {places} still open there",
    "chosen terms": "{n} on the old terms as on_change says, {places} still open there",
    "kept answers": "{n} kept without a row: {answers} not stored and reviewed; `turkform results` stores them",
    "kept unreviewed": "{n} kept without a row: {answers} not all reviewed; approve or reject them first",
    "approving soon": "{n} with answers that approve themselves within 24 hours{first}, if nobody reviews them",
    "gone": "{n} done: their HITs are gone from the account",
    "closed by us": "{n} closed by `close` or `destroy` on {closed}, {places} unfilled; --reopen them to go on",
    "forgotten soon": "{n} over for 90 days or more; the marketplace disposes of them after 120, with {answers}",
    "decayed": "{n} expired, {places} unfilled; raise `lifetime` to publish again",
    "interference": "{n} expired or shortened by somebody else, {places} unfilled; --reopen restores them",
    "extended by policy": "{n} extended by their review policy, {places} more than declared",
    "ends later": "{n} with a later end than declared: a person or a review policy moved it",
    "not published": "{n} not published: closed",
    "over limit": "{n} not published: limit",
    "left out": "{n} changed and left out of this plan by --target or --exclude",
}
"""What the words of a tally mean to a person."""
