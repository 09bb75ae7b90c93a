"""The draft of a plan: every change of a diff as a priced step, with its notes and refusals.

In: both sides and their `Diff`. Out: a `Draft`, whose steps stand in no order yet, and what a person
approves by them. One pass over every batch counts, prices and digests what becomes of its items.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from turkform.diff import Action, Choices, Diff, RosterChange, TypeChange, foreign_requirements
from turkform.kinds.hit_type import AUTO_APPROVAL_DEFAULT, HITType
from turkform.kinds.qualification import GRANT, REVOKE
from turkform.kinds.qualification_type import QualificationType
from turkform.kinds.resource import Address, show
from turkform.kinds.worker_block import BLOCK, UNBLOCK
from turkform.money import Money
from turkform.observed import Record
from turkform.policies import judge
from turkform.printable import many
from turkform.publication import ItemChange, Op, Publication, Tally, committed, doubles, superseded
from turkform.steps import ACTIONS, FACTS, LEAVES, OPERATIONS, RECORD, Items, Reversibility, Step
from turkform.times import format_duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from turkform.campaign import Desired
    from turkform.memory import Memory
    from turkform.observed import Observed
    from turkform.policies import Judgement, Policy

SAMPLES = 3
"""So many changed items of a batch stand in the plan before and after, for review."""
FEWEST_GUARDED = 10
"""From so many HITs on a batch's thresholds apply."""


class Draft:
    """Collects steps, notes and refusals; knows nothing of order."""

    def __init__(self, desired: Desired, observed: Observed, memory: Memory, found: Diff, choices: Choices) -> None:
        self.desired, self.observed, self.memory = desired, observed, memory
        self.found, self.choices = found, choices
        self.steps: list[Step] = []
        self.notes = list(found.notes)
        self.refusals = list(found.refusals)
        self.batches: dict[str, Any] = {}
        self.samples: list[dict[str, Any]] = []
        self.wishes: dict[str, Any] = {}
        """What a person approves, per address: the heart of the intent."""
        self.committed = 0
        self.needed: set[str] = set()
        """HIT types that some step needs the id of."""
        self.bought: set[str] = set()
        """HIT types under whose terms some step buys."""

    # resources

    def type(self, change: TypeChange) -> None:
        """A qualification type to make or to change."""
        fields = tuple(
            {"field": f.field, "observed": show(f.observed), "desired": show(f.desired)} for f in change.fields
        )
        wanted = change.desired
        assert wanted is not None
        if change.observed is None:
            parameters = wanted.to_wire()
            operation, fact = QualificationType.create, "no qualification type of ours has this name"
        else:
            changed = {f.field for f in change.fields}
            parameters = {"QualificationTypeId": change.observed.id, **wanted.update_parameters(changed)}
            operation, fact = QualificationType.update or "", "as observed"
        self._add(
            Step(
                change.address,
                change.action,
                (operation,),
                Reversibility.TRACE if change.observed is None else Reversibility.FREE,
                parameters,
                fields=fields,
                fact=fact,
                narrower="adopt" if change.observed is None else "",
                reason=change.reason,
                subject=change,
            )
        )
        self.wishes[str(change.address)] = {
            "action": change.action.name,
            "fields": [f.field for f in change.fields],
        }

    def drop(self, change: TypeChange) -> None:
        """A qualification type to delete; comes after the batches, whose HITs may have to be gone first."""
        assert change.observed is not None
        parameters = {"QualificationTypeId": change.observed.id}
        self.wishes[str(change.address)] = {"action": "DELETE", "fields": []}
        if change.reason and not any(step.op == Op.RETIRE for step in self.steps):
            if change.observed.values.get("status") == "active":
                inactive = {**parameters, "QualificationTypeStatus": "Inactive"}
                self._add(
                    Step(change.address, Action.UPDATE, ("UpdateQualificationType",), Reversibility.FREE, inactive,
                         fields=({"field": "status", "observed": "active", "desired": "inactive"},),
                         fact="as observed", subject=change)
                )  # fmt: skip
            self._add(
                Step(change.address, Action.WAIT, (), Reversibility.FREE,
                     reason=f"deletion waits: {change.reason}", subject=change)
            )  # fmt: skip
            return
        self._add(
            Step(change.address, Action.DELETE, ("DeleteQualificationType",), Reversibility.FINAL, parameters,
                 fact="no HIT requires it", narrower="wait",
                 reason="its name may stay taken for up to 48 h", subject=change)
        )  # fmt: skip

    def roster(self, change: RosterChange) -> None:
        """Grants of one type, or blocks: adding and taking away are two steps of two nodes."""
        block = change.address.kind == "block"
        adding, taking = Items(), Items()
        new = {worker: {"value": show(value)} for worker, value in change.added.items()}
        other = {w: {"value": show(value), "observed": show(before)} for w, (before, value) in change.changed.items()}
        for worker, detail in sorted((new | other).items()):
            adding.add(worker, detail)
        for worker in change.removed:
            taking.add(worker, {})
        leaves = Reversibility.PERSON
        if adding.count:
            action = Action.CREATE if change.added else Action.UPDATE
            self._add(Step(change.address, action, (BLOCK if block else GRANT,), leaves, items=adding, subject=change))
        if taking.count:
            operation = UNBLOCK if block else REVOKE
            self._add(Step(change.address, Action.DELETE, (operation,), leaves, items=taking, subject=change))
        self.wishes[str(change.address)] = {"workers": [adding.document()["sha256"], taking.document()["sha256"]]}

    # batches

    def batch(self, address: Address, publication: Publication) -> None:
        """One pass over a batch: count, price and digest what becomes of its items."""
        tally, groups = Tally(), {op: Items() for op in Op}
        wishes = {word: Items() for word in ("create", "change", "retire")}
        fields: set[str] = set()
        reasons: Counter[str] = Counter()
        samples = 0
        for change in self._changes(publication, tally):
            self._wish(change, wishes, fields)
            for op, cents in zip(change.ops, change.cents, strict=True):
                detail = {"fingerprint": change.fingerprint}
                if op is Op.REKEY:
                    detail["observed"] = change.reason
                groups[op].add(change.key, detail, cents)
                if op is Op.WAIT:
                    reasons[change.reason] += 1
            if samples < SAMPLES and {Op.CREATE, Op.REPLACE} & set(change.ops):
                self._sample(address, publication, change)
                samples += 1
        self._commit(publication)
        self._batch_notes(address, publication, tally)
        self._guards(address, publication, tally, groups)
        if {Op.CREATE, Op.REPLACE, Op.MOVE} & {op for op, items in groups.items() if items.count}:
            assert publication.source is not None
            self.needed.add(publication.source.batch.hit_type)
        if publication.source is not None and any(items.cents for items in groups.values()):
            self.bought.add(publication.source.batch.hit_type)
        for op in Op:
            if groups[op].count and op is not Op.KEEP:
                self._batch_step(address, publication, op, groups[op], reasons)
        if fields or any(w.count for w in wishes.values()):
            self.wishes[str(address)] = {
                "fields": sorted(fields),
                "items": {word: items.document()["sha256"] for word, items in wishes.items() if items.count},
            }
        self.batches[str(address)] = self._figures(publication, tally)

    @staticmethod
    def _changes(publication: Publication, tally: Tally) -> Iterator[ItemChange]:
        yield from publication.changes(tally)
        yield from superseded(publication)

    @staticmethod
    def _wish(change: ItemChange, wishes: Mapping[str, Items], fields: set[str]) -> None:
        """What the change means to a person, whether or not work on the HIT will narrow it."""
        ops = set(change.ops)
        if Op.CREATE in ops:
            wishes["create"].add(change.key, {"fingerprint": change.fingerprint})
        elif ops & {Op.RETIRE, Op.CLOSE} or (Op.WAIT in ops and change.hit):
            wishes["retire"].add(change.key, {})
        elif ops - {Op.WAIT}:
            wishes["change"].add(change.key, {"fingerprint": change.fingerprint})
            if change.hit and change.hit.fingerprint != change.fingerprint:
                fields.add("question")
            elif ops & {Op.MOVE, Op.KEEP}:
                fields.add("hit_type")
            fields.update(
                name
                for op, name in ((Op.EXTEND, "assignments"), (Op.PROLONG, "lifetime"), (Op.REKEY, "key"))
                if op in ops
            )

    def _batch_step(
        self, address: Address, publication: Publication, op: Op, items: Items, reasons: Counter[str]
    ) -> None:
        fact, narrower = FACTS[op]
        leaves = LEAVES[op]
        if items.cents and leaves is Reversibility.FREE:
            leaves = Reversibility.MONEY
        fields: tuple[dict[str, str], ...] = ()
        if op is Op.MOVE:
            fields = self._moved_fields(publication)
        if op is Op.EXTEND and publication.source:
            fields = ({"field": "assignments", "desired": str(publication.source.batch.assignments)},)
        if op is Op.PROLONG and publication.source:
            batch = publication.source.batch
            name = "lifetime" if batch.lifetime is not None else "ends"
            fields = ({"field": name, "desired": show(getattr(batch, name))},)
        self._add(
            Step(
                address,
                ACTIONS[op],
                OPERATIONS[op],
                leaves,
                op=str(op),
                fields=fields,
                fact=fact,
                narrower=narrower,
                items=items,
                cents=items.cents,
                reason="; ".join(f"{n} of {text}" for text, n in sorted(reasons.items())) if op is Op.WAIT else "",
                subject=publication,
            )
        )

    @staticmethod
    def _moved_fields(publication: Publication) -> tuple[dict[str, str], ...]:
        """How the terms change, seen from every HIT type that HITs of this batch have."""
        used = {hit.type_id for hits in publication.hits.values() for hit in hits[:1]}
        found: dict[tuple[str, str, str], None] = {}
        for type_id in sorted(used):
            for change in publication.terms[type_id].differences:
                found[change.field, show(change.observed), show(change.desired)] = None
        return tuple({"field": f, "observed": o, "desired": d} for f, o, d in found)

    def _sample(self, address: Address, publication: Publication, change: ItemChange) -> None:
        if publication.source is None or change.item is None:
            return
        self.samples.append(
            {
                "address": str(address.item(change.key)),
                "before": None,
                "after": publication.source.template.render(change.item.row),
            }
        )

    def _commit(self, publication: Publication) -> None:
        """Add what the batch's HITs may still cost or have cost, gone ones at their full price."""
        now = self.observed.now.timestamp()
        for hits in publication.hits.values():
            self.committed += sum(committed(h, publication.terms[h.type_id].unit(h.maximum), now) for h in hits)

    def _figures(self, publication: Publication, tally: Tally) -> dict[str, Any]:
        return {
            "rows": tally.total,
            "hits": sum(len(hits) for hits in publication.hits.values()),
            "round": publication.batch[1],
            "notes": {word: count for word, count in sorted(tally.counts.items()) if count},
        }

    def _batch_notes(self, address: Address, publication: Publication, tally: Tally) -> None:
        for reason, keys in tally.refusals.items():
            named = ", ".join(str(address.item(key)) for key in keys[:3])
            more = f" and {len(keys) - 3} more" if len(keys) > 3 else ""
            self.refusals.append(f"{named}{more} {reason}")
        for word, text in _NOTES.items():
            if tally.counts[word]:
                places, answers = many(tally.places[word], "place"), many(tally.places[word], "answer")
                self.notes.append(f"{address}: " + text.format(n=tally.counts[word], places=places, answers=answers))
        for hit, unit in doubles(publication):
            self.notes.append(
                f"{address.item(hit.key)}: {hit.id} is a double with work on it; its answers cost up to "
                f"${Money(committed(hit, unit, self.observed.now.timestamp()))}"
            )

    def _guards(self, address: Address, publication: Publication, tally: Tally, groups: Mapping[Op, Items]) -> None:
        """The circuit breakers: mass deletion, and mass re-keying, which buys everything twice."""
        policies, have = self.desired.campaign.policies, len(publication.hits)
        retired = groups[Op.RETIRE].count
        guarded = have >= FEWEST_GUARDED and not self.choices.destroy
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
        new = groups[Op.CREATE].count
        lost = min(len(publication.vanished), new)
        too_many = lost * 100 > have * policies.max_rekey.percent
        if guarded and too_many and address not in self.choices.allow_rekey:
            self._breach(
                "max_rekey",
                policies.max_rekey,
                f"{address}: {len(publication.vanished)} keys vanished while {new} new ones appeared, more than "
                f"max_rekey: {policies.max_rekey.limit}",
                "; if these are the same items under other keys, publishing "
                f"them buys them twice. If they are new: --allow-rekey {address}",
            )
        short = tally.counts["decayed short"]
        if short and short == tally.published:
            self.refusals.append(
                f"{address}: every HIT's time is over, so nobody could reach more assignments. Raise `lifetime`"
            )

    def policies(self) -> None:
        """What the campaign's own rules say of the terms that this plan buys under."""
        bought = {name: self.desired.campaign.hit_types[name] for name in sorted(self.bought)}
        for found in judge(self.desired.campaign.policies, bought):
            self._breach(found.policy, found, found.summary, f". {found.remedy}")

    def _breach(self, name: str, policy: Policy | Judgement, what: str, more: str) -> None:
        """A policy that this plan does not keep to: denied, or only said; with the policy's own place."""
        text = f"{what}{self.desired.place('policies', name)}"
        if policy.effect == "deny":
            self.refusals.append(text + more)
        else:
            self.notes.append(text)

    # terms and record

    def hit_types(self) -> None:
        """CreateHITType where a step needs an id that is not known from a HIT."""
        for name in sorted(self.needed):
            address, declared = Address("hit_type", name), self.desired.campaign.hit_types[name]
            self._terms_notes(address, declared)
            if address in self.found.ids:
                continue
            self._add(
                Step(
                    address,
                    Action.CREATE,
                    (HITType.create,),
                    Reversibility.TRACE,
                    declared.to_wire(self.found.ids, sandbox=self.desired.target.sandbox),
                    subject=declared,
                )
            )

    def _terms_notes(self, address: Address, declared: HITType) -> None:
        if declared.auto_approval_delay is None:
            self.notes.append(
                f"{address}: no auto_approval_delay, so the API's {format_duration(AUTO_APPROVAL_DEFAULT)} applies"
            )
        for type_id in foreign_requirements(declared):
            text = f"{address}: {type_id} is somebody else's qualification and may cost a premium"
            if self.desired.budget is None:
                self.notes.append(f"{text}; say `premium:` where it does")
            else:
                self.refusals.append(f'{text} that the budget cannot bound. Say `premium: "0.00"` or what it costs')

    def record(self) -> None:
        """The campaign record comes first, and decides whether anything may be written at all."""
        record, memory = self.observed.record, self.memory
        if not any(step.action is not Action.WAIT for step in self.steps):
            return
        target, campaign = self.desired.target, self.desired.campaign.campaign
        if record is None and not memory.record:
            if any(self.observed.hits.values()) and not memory.hits:
                self.refusals.append(_NO_JOURNAL.format(what="HITs of this campaign exist, and no journal knows them"))
            parameters = Record.parameters(campaign, memory.journal or "-", target.name, self.observed.now)
            self._add(
                Step(RECORD, Action.CREATE, ("CreateQualificationType",), Reversibility.TRACE,
                     {"Name": parameters["Name"], "QualificationTypeStatus": "Inactive"},
                     fact="no qualification type of ours has this name", narrower="adopt")
            )  # fmt: skip
        elif record is None:
            self.refusals.append(_NO_JOURNAL.format(what="the journal belongs to a campaign record this account lacks"))
        elif record.journal != memory.journal:
            what = "belongs to another journal" if memory.journal else "exists, and its journal is not at hand"
            self.refusals.append(_NO_JOURNAL.format(what=f"the campaign record {record.id} {what}"))
        elif record.environment != target.name:
            self.refusals.append(
                f'this account holds "{campaign}" as environment {record.environment}, not {target.name}: two '
                f"environments would publish over each other. Use --env {record.environment}, or, where it was "
                f"only renamed, `turkform recover --environment {target.name}`"
            )

    def _add(self, step: Step) -> None:
        self.steps.append(step)


_NOTES = {
    "kept question": "{n} on an older question, {places} still open there; `turkform close` them to stop",
    "kept terms": "{n} with work, on the old terms as before",
    "chosen question": "{n} on an older question as on_change says, {places} still open there",
    "chosen terms": "{n} on the old terms as on_change says, {places} still open there",
    "kept answers": "{n} kept without a row: {answers} not stored",
    "gone": "{n} done: their HITs are gone from the account",
    "closed by us": "{n} closed by `close` or `destroy`, {places} unfilled; --reopen them to go on",
    "decayed": "{n} expired, {places} unfilled; raise `lifetime` to publish again",
    "interference": "{n} expired or shortened by somebody else, {places} unfilled; --reopen restores them",
    "ends later": "{n} with a later end than declared: a person or a review policy moved it",
    "not published": "{n} not published: closed",
    "over limit": "{n} not published: limit",
}
_NO_JOURNAL = (
    "{what}, so nothing can be bought or changed without guessing. Point `journal:` at the right journal; or take "
    "another `campaign:` name; or run `turkform recover --new-journal`, which asks what to do about each item"
)
