"""The draft of a plan: every change of a diff as a priced step, with its notes and refusals.

In: both sides and their `Diff`. Out: a `Draft`, whose steps stand in no order yet, and what a person
approves by them. One pass over every batch counts, prices and digests what becomes of its items.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from turkform.batch_draft import draft_batch
from turkform.changes import Action, Diff, RosterChange, TypeChange
from turkform.diff import foreign_requirements
from turkform.item_change import Op
from turkform.kinds.hit_type import AUTO_APPROVAL_DEFAULT, HITType
from turkform.kinds.notification import UPDATE as NOTIFY
from turkform.kinds.qualification import GRANT, REVOKE
from turkform.kinds.qualification_type import QualificationType
from turkform.kinds.resource import Address, show
from turkform.kinds.worker_block import BLOCK, UNBLOCK
from turkform.money import NOTHING
from turkform.notifications import settings
from turkform.observed import Record
from turkform.policies import judge
from turkform.printable import many
from turkform.steps import RECORD, Digest, Items, Reversibility, Step
from turkform.times import format_duration

if TYPE_CHECKING:
    from turkform.campaign import Desired
    from turkform.choices import Choices
    from turkform.memory import Memory
    from turkform.observed import Observed
    from turkform.ownership import Claim
    from turkform.policies import Judgement, Policy
    from turkform.publication import Publication


class Draft:
    """Collects steps, notes and refusals; knows nothing of order."""

    def __init__(self, desired: Desired, observed: Observed, memory: Memory, found: Diff, choices: Choices) -> None:
        self.desired, self.observed, self.memory = desired, observed, memory
        self.found, self.choices = found, choices
        self.command = "destroy" if choices.destroy else "apply"
        self.review: dict[str, Any] | None = None
        """Of a review: by whose word, and how the answers stand."""
        self.steps: list[Step] = []
        self.notes = list(found.notes)
        if found.left_out:
            self.notes.append(f"{many(found.left_out, 'changed resource')} left out by --target or --exclude")
        self.refusals = list(found.refusals)
        self.batches: dict[str, Any] = {}
        self.samples: list[dict[str, Any]] = []
        self.wishes: dict[str, Any] = {}
        """What a person approves, per address: the heart of the intent."""
        self.facts: dict[str, str] = {}
        """sha256 over what decisions rested on and no worker can alter, per address."""
        self.committed = 0
        self.cost = NOTHING
        """What the plan adds to it, by what it is paid for."""
        self.until = 0.0
        """When the first fact expires, in epoch seconds; 0 where none does."""
        self.needed: set[str] = set()
        """HIT types that some step needs the id of."""
        self.bought: set[str] = set()
        """HIT types under whose terms some step buys."""

    # resources

    def type(self, change: TypeChange) -> None:
        """A qualification type to make or to change, or to make once its name is free."""
        fields = tuple(
            {"field": f.field, "observed": show(f.observed), "desired": show(f.desired)} for f in change.fields
        )
        wanted = change.desired
        assert wanted is not None
        # What a person approves is the creation; that it waits is the account's doing.
        wish = {"action": change.action.name, "fields": [f.field for f in change.fields]}
        if change.action is Action.WAIT:
            self.add(Step(change.address, Action.WAIT, (), Reversibility.FREE, reason=change.reason, subject=change))
            self.wishes[str(change.address)] = {**wish, "action": Action.CREATE.name}
            self.until = min(filter(None, (self.until, change.until)))
            return
        if change.observed is None:
            parameters = wanted.to_wire()
            operation, fact = QualificationType.create, "no qualification type of ours has this name"
        else:
            changed = {f.field for f in change.fields}
            parameters = {"QualificationTypeId": change.observed.id, **wanted.update_parameters(changed)}
            operation, fact = QualificationType.update or "", "as observed"
        self.add(
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
        self.wishes[str(change.address)] = wish
        self._rests_on(change)

    def _rests_on(self, change: TypeChange) -> None:
        """Digest a qualification type as it was read; of one that is replaced, both are."""
        if change.observed is not None:
            values = (f"{name}={show(value)}" for name, value in sorted(change.observed.values.items()))
            facts = Digest()
            facts.add(self.facts.get(str(change.address), ""), change.observed.id, *values)
            self.facts[str(change.address)] = facts.sha256

    def drop(self, change: TypeChange) -> None:
        """A qualification type to delete; comes after the batches, whose HITs may have to be gone first."""
        assert change.observed is not None
        parameters = {"QualificationTypeId": change.observed.id}
        which = f'"{change.observed.values["name"]}" ({change.observed.id}); ' if change.replaced else ""
        wish = {"action": "DELETE", "fields": []}
        self.wishes[str(change.address)] = {**self.wishes.get(str(change.address), wish), "deletes": change.observed.id}
        self._rests_on(change)
        approval = self.found.approval
        later = change.held or (change.reason and not any(step.op == Op.RETIRE for step in self.steps))
        if later or (approval is not None and str(change.address) not in approval.deleting):
            if change.observed.values.get("status") == "active":
                inactive = {**parameters, "QualificationTypeStatus": "Inactive"}
                self.add(
                    Step(change.address, Action.UPDATE, ("UpdateQualificationType",), Reversibility.FREE, inactive,
                         fields=({"field": "status", "observed": "active", "desired": "inactive"},),
                         fact="as observed", subject=change)
                )  # fmt: skip
            self.add(
                Step(change.address, Action.WAIT, (), Reversibility.FREE,
                     reason=f"{which}deletion waits: {change.reason or 'as when it was planned'}", subject=change)
            )  # fmt: skip
            return
        self.add(
            Step(change.address, Action.DELETE, ("DeleteQualificationType",), Reversibility.FINAL, parameters,
                 fact="no HIT requires it", narrower="wait",
                 reason=f"{which}its name may stay taken for up to 48 h", subject=change)
        )  # fmt: skip

    def roster(self, change: RosterChange) -> None:
        """Grants of one type, or blocks: adding and taking away are two steps of two nodes."""
        block = change.address.kind == "block"
        adding, anew, taking = Items(), Items(), Items()
        new = {worker: {"value": show(value)} for worker, value in change.added.items()}
        other = {w: {"value": show(value), "observed": show(before)} for w, (before, value) in change.changed.items()}
        for worker, detail in sorted((new | other).items()):
            adding.add(worker, detail, row=change.numbers.get(worker, 0))
        for worker, value in sorted(change.touched.items()):
            anew.add(worker, {"value": show(value)}, row=change.numbers[worker])
        for worker in change.removed:
            taking.add(worker, {})
        leaves = Reversibility.PERSON
        operation, opposite = (BLOCK, UNBLOCK) if block else (GRANT, REVOKE)
        if adding.count and change.waits:
            self.add(
                Step(change.address, Action.WAIT, (), Reversibility.FREE, items=adding, reason=change.waits,
                     subject=change)
            )  # fmt: skip
        elif adding.count:
            action = Action.CREATE if change.added else Action.UPDATE
            reason = "copied from the type that is replaced, and not taken back later" if change.copied else ""
            self.add(Step(change.address, action, (operation,), leaves, items=adding, reason=reason, subject=change))
        if anew.count:
            operations = (opposite, operation)
            self.add(Step(change.address, Action.REPLACE, operations, leaves, items=anew, subject=change))
        if taking.count:
            self.add(Step(change.address, Action.DELETE, (opposite,), leaves, items=taking, subject=change))
        # Workers come by qualifications of their own accord: of grants only what we gave is approved by name;
        # what is to be given stands in the inputs.
        mine = [part.digest.sha256 for part in (adding, anew, taking)] if block else list(change.ours)
        if mine:
            self.wishes[str(change.address)] = {"workers": mine}

    def claim(self, claim: Claim) -> None:
        """What the journal has to remember of whose things are; nothing is sent."""
        adopting = claim.word == "import"
        self.add(
            Step(
                claim.address,
                Action.ADOPT if adopting else Action.UPDATE,
                (),
                Reversibility.FREE,
                reason=claim.said,
                fact="as observed",
                subject=claim,
            )
        )
        before = self.wishes.get(str(claim.address), {})
        self.wishes[str(claim.address)] = {**before, "claim": claim.word}

    # batches

    def batch(self, address: Address, publication: Publication) -> None:
        """Everything that becomes of one batch."""
        drafted = draft_batch(address, publication, self.desired, self.choices)
        hit_type = publication.source.batch.hit_type if publication.source else ""
        self.steps += drafted.steps
        self.notes += drafted.notes
        self.refusals += drafted.refusals
        self.samples += drafted.samples
        self.batches[str(address)] = drafted.figures
        self.committed += drafted.committed
        self.cost = self.cost.plus(drafted.cost)
        self.until = min(filter(None, (self.until, drafted.until)), default=0.0)
        if drafted.needs_type:
            self.needed.add(hit_type)
        if hit_type and any(step.cents for step in drafted.steps):
            self.bought.add(hit_type)
        if drafted.wish:
            self.wishes[str(address)] = drafted.wish
            self.facts[str(address)] = drafted.facts

    def policies(self) -> None:
        """What the campaign's own rules say of the terms that this plan buys under."""
        bought = {name: self.desired.campaign.hit_types[name] for name in sorted(self.bought)}
        for found in judge(self.desired.campaign.policies, bought):
            self.breach(found.policy, found, found.summary, f". {found.remedy}")

    def breach(self, name: str, policy: Policy | Judgement, what: str, more: str) -> None:
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
            self._required(address, declared)
            if address in self.found.ids:
                continue
            self.add(
                Step(
                    address,
                    Action.CREATE,
                    (HITType.create,),
                    Reversibility.TRACE,
                    declared.to_wire(self.found.ids, sandbox=self.desired.target.sandbox),
                    subject=declared,
                )
            )

    def notifications(self) -> None:
        """Settings of every HIT type that has or gets HITs of ours, where they are not as declared."""
        memory = self.found.owned.memory if self.found.owned else self.memory
        for setting in settings(self.desired, self.found, memory, self.needed, self.choices):
            active = setting.desired is not None
            action = Action.DELETE if not active else Action.UPDATE if setting.known else Action.CREATE
            specification = {"Notification": setting.desired.to_wire()} if setting.desired else {}
            self.add(
                Step(
                    setting.address,
                    action,
                    (NOTIFY,),
                    Reversibility.FREE,
                    {"HITTypeId": setting.type_id, **specification, "Active": active},
                    fields=({"field": "notify", "desired": str(setting.desired)},) if active else (),
                    subject=setting,
                )
            )
            if not active:  # what is to be sent stands in the inputs, and whether it is depends on workers
                self.wishes[str(setting.address)] = {"action": action.name, "fields": ["notify"]}

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

    def _required(self, address: Address, declared: HITType) -> None:
        """Terms cannot require a type that neither exists nor is made by this plan."""
        made = {step.address for step in self.steps}
        for requirement in declared.requirements:
            required = Address("qualification_type", requirement.qualification or "")
            if requirement.qualification and required not in self.found.ids and required not in made:
                self.refusals.append(
                    f"{address} requires {required}, which does not exist yet and which this plan leaves out. "
                    f"Leave out --exclude {required}, or make it first: --target {required}"
                )

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
            self.add(
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

    def add(self, step: Step) -> None:
        """One more step."""
        self.steps.append(step)


_NO_JOURNAL = (
    "{what}, so nothing can be bought or changed without guessing. Point `journal:` at the right journal; or take "
    "another `campaign:` name; or run `turkform recover --new-journal`, which asks what to do about each item"
)
