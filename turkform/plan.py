"""The plan: changes into priced, ordered steps, and the document a person approves.

In: both sides and their `Diff`. Out: a `Plan`, whose steps are data (operation, parameters, references,
facts, price, reversibility) and whose `document` is JSON: every view is drawn from it, and it is what a
saved plan is.

The graph has a node per resource; a batch is one node, so are all blocks, and the grants of one type. An
edge means *must be finished first*:

    record ─> everything
    qualification_type ─> grant, hit_type that requires it
    hit_type ─> batch          grant of a required type, block ─> batch
    batch ─> taking away: grant, block ─> taking away: qualification_type
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import networkx as nx

from turkform.account import Record
from turkform.diff import Action, Choices, Diff, RosterChange, TypeChange, foreign_requirements
from turkform.errors import StalePlanError, TurkformError
from turkform.kinds.hit_type import AUTO_APPROVAL_DEFAULT, HITType
from turkform.kinds.qualification import GRANT, REVOKE
from turkform.kinds.qualification_type import QualificationType
from turkform.kinds.resource import Address, Pending, show
from turkform.kinds.worker_block import BLOCK, UNBLOCK
from turkform.money import Money
from turkform.publication import ItemChange, Op, Publication, Tally, committed, doubles, superseded
from turkform.times import format_duration, format_time

if TYPE_CHECKING:
    from pathlib import Path

    from turkform.account import Observed
    from turkform.campaign import Desired
    from turkform.memory import Memory

FORMAT_VERSION = "1.0"
LISTED = 1_000
"""So many items of one step stand in the document by key; of more, the first `SHOWN` and a digest."""
SHOWN = 20
SAMPLES = 3
VALID = timedelta(hours=24)
"""A plan is good for so long: as long as the API remembers a request token."""
FEWEST_GUARDED = 10
"""From so many HITs on a batch's thresholds apply."""

RECORD = Address("record")


class Reversibility(StrEnum):
    """What a step leaves behind."""

    FREE = "free"
    """Nothing: the opposite call undoes it."""
    TRACE = "trace"
    """Something that stays, and costs nothing."""
    MONEY = "money"
    """Places that workers may take and be paid for."""
    PERSON = "person"
    """A worker's standing or access."""
    FINAL = "final"
    """Nothing brings it back."""


_OPERATIONS: Mapping[Op, tuple[str, ...]] = {
    Op.CREATE: ("CreateHITWithHITType",),
    Op.REPLACE: ("UpdateExpirationForHIT", "DeleteHIT", "CreateHITWithHITType"),
    Op.MOVE: ("UpdateHITTypeOfHIT",),
    Op.EXTEND: ("CreateAdditionalAssignmentsForHIT",),
    Op.PROLONG: ("UpdateExpirationForHIT",),
    Op.CLOSE: ("UpdateExpirationForHIT",),
    Op.RETIRE: ("UpdateExpirationForHIT", "DeleteHIT"),
    Op.REKEY: (),
    Op.WAIT: (),
}
_FACTS: Mapping[Op, tuple[str, str]] = {
    # What the decision rested on, and what happens where workers or an earlier apply moved on.
    Op.CREATE: ("no HIT with this marker", "adopt"),
    Op.REPLACE: ("untouched", "keep"),
    Op.MOVE: ("untouched", "keep"),
    Op.EXTEND: ("exists with these places", "keep"),
    Op.PROLONG: ("exists", "keep"),
    Op.CLOSE: ("exists", "keep"),
    Op.RETIRE: ("untouched", "wait"),
    Op.REKEY: ("exists", "keep"),
    Op.WAIT: ("", ""),
}
_LEAVES: Mapping[Op, Reversibility] = {
    Op.CREATE: Reversibility.MONEY,
    Op.REPLACE: Reversibility.FINAL,
    Op.MOVE: Reversibility.FREE,
    Op.EXTEND: Reversibility.MONEY,
    Op.PROLONG: Reversibility.FREE,
    Op.CLOSE: Reversibility.FREE,
    Op.RETIRE: Reversibility.FINAL,
    Op.REKEY: Reversibility.FREE,
    Op.WAIT: Reversibility.FREE,
}
_ACTION: Mapping[Op, Action] = {
    Op.CREATE: Action.CREATE,
    Op.REPLACE: Action.REPLACE,
    Op.MOVE: Action.UPDATE,
    Op.EXTEND: Action.UPDATE,
    Op.PROLONG: Action.UPDATE,
    Op.CLOSE: Action.UPDATE,
    Op.RETIRE: Action.DELETE,
    Op.REKEY: Action.UPDATE,
    Op.WAIT: Action.WAIT,
}


@dataclass(slots=True)
class Items:
    """The items of one step: counted, digested in file order, the first ones by name."""

    count: int = 0
    cents: int = 0
    listed: list[dict[str, str]] = field(default_factory=list)
    _sha: Any = field(default_factory=hashlib.sha256)

    def add(self, key: str, detail: Mapping[str, str], cents: int = 0) -> None:
        """One more, after all those added before."""
        self.count += 1
        self.cents += cents
        self._sha.update(f"{key} {' '.join(detail.values())}\n".encode())
        if self.count <= LISTED:
            self.listed.append({"key": key, **detail})

    def document(self) -> dict[str, Any]:
        """As it stands in the plan."""
        listed = self.listed if self.count <= LISTED else self.listed[:SHOWN]
        return {"count": self.count, "listed": listed, "sha256": self._sha.hexdigest()}


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do, as data: it prints, hashes, saves and loads."""

    address: Address
    action: Action
    operations: tuple[str, ...]
    leaves: Reversibility
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Of one call; `Pending` where an id comes from an earlier step. Items' parameters come from their rows."""
    op: str = ""
    """Of a batch's step: what happens to each of its items."""
    fields: tuple[dict[str, str], ...] = ()
    fact: str = ""
    narrower: str = ""
    items: Items | None = None
    cents: int = 0
    reason: str = ""
    subject: Any = None
    """The change behind the step; not part of the document."""

    @property
    def node(self) -> str:
        """The graph's node: taking away comes after everything else, so it is a node of its own."""
        takes = self.action is Action.DELETE and self.address.kind != "batch"
        return f"-{self.address}" if takes else str(self.address)

    def document(self) -> dict[str, Any]:
        """As it stands in the plan; empty parts are left out."""
        parts = {
            "address": str(self.address),
            "action": self.action.name.lower(),
            "op": self.op,
            "operations": list(self.operations),
            "leaves": str(self.leaves),
            "price": str(Money(self.cents)),
            "parameters": _plain(self.parameters),
            "fields": list(self.fields),
            "fact": self.fact,
            "narrower": self.narrower,
            "items": self.items.document() if self.items else None,
            "reason": self.reason,
        }
        return {k: v for k, v in parts.items() if v not in ("", None, [], {}) or k == "operations"}


def _plain(value: Any) -> Any:
    """Parameters as JSON: ids to come as `{"ref": ADDRESS}`, times as text."""
    match value:
        case Pending():
            return {"ref": str(value.address)}
        case Mapping():
            return {k: _plain(v) for k, v in value.items()}
        case list() | tuple():
            return [_plain(v) for v in value]
        case datetime():
            return format_time(value)
        case _:
            return value


@dataclass(slots=True)
class Plan:
    """Steps in an order that works, and the document that says so."""

    document: dict[str, Any]
    steps: tuple[Step, ...] = ()
    waits_for: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Node → the nodes that must be finished first."""

    @property
    def empty(self) -> bool:
        """Nothing to send and nothing to write down; waiting is nothing to do."""
        return not any(step["action"] != "wait" for step in self.document["steps"])

    @property
    def price(self) -> Money:
        """By how much committed money rises at most."""
        return Money.parse(self.document["price"]["total"])

    @property
    def refusals(self) -> list[str]:
        """Why the plan must not run; empty where it may."""
        return list(self.document["refusals"])

    def save(self, path: Path) -> None:
        """Write the document, keys sorted."""
        path.write_text(dump(self.document), encoding="utf-8")


def dump(document: Mapping[str, Any]) -> str:
    """The document's one spelling as a file."""
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def load(path: Path) -> Plan:
    """A saved plan, to be shown or compared; it has no live steps.

    Raises:
        TurkformError: not a plan, or of another major version.
        StalePlanError: the file was altered after it was made.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        version = str(document["format_version"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TurkformError(f"{path} is not a saved plan: {error}", "Make one with `turkform plan -o FILE`.") from None
    if version.partition(".")[0] != FORMAT_VERSION.partition(".")[0]:
        raise TurkformError(
            f"{path} has plan format {version}; this turkform reads {FORMAT_VERSION}",
            "Use the turkform that made it, or plan again.",
        )
    if document.get("digest") != digest_of(document):
        raise StalePlanError([f"{path} was altered after it was made: its digest does not fit its content"])
    return Plan(document)


def digest_of(document: Mapping[str, Any]) -> str:
    """sha256 over the whole document without its digest."""
    return _sha({key: value for key, value in document.items() if key != "digest"})


def _sha(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


# --- making ---------------------------------------------------------------------------------------


def make(desired: Desired, observed: Observed, memory: Memory, found: Diff, choices: Choices, *, plan_id: str) -> Plan:
    """Turn a diff into a plan; equal inputs make equal plans but for `id` and times."""
    maker = _Maker(desired, observed, memory, found, choices)
    for change in found.types:
        maker.type(change)
    for roster in found.rosters:
        maker.roster(roster)
    for address, publication in found.publications.items():
        maker.batch(address, publication)
    maker.hit_types()
    maker.record()
    return maker.finish(plan_id)


class _Maker:
    """Collects steps, then orders them and draws up the document."""

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

    # resources

    def type(self, change: TypeChange) -> None:
        """A qualification type: one step, or a deletion that has to wait."""
        fields = tuple(
            {"field": f.field, "observed": show(f.observed), "desired": show(f.desired)} for f in change.fields
        )
        if change.action is Action.DELETE:
            assert change.observed is not None
            self._drop(change)
            return
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

    def _drop(self, change: TypeChange) -> None:
        assert change.observed is not None
        parameters = {"QualificationTypeId": change.observed.id}
        self.wishes[str(change.address)] = {"action": "DELETE", "fields": []}
        if change.reason and not self.choices.destroy:
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
        for worker, value in sorted(change.added.items()):
            adding.add(worker, {"value": show(value)})
        for worker, (before, value) in sorted(change.changed.items()):
            adding.add(worker, {"value": show(value), "observed": show(before)})
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
        fact, narrower = _FACTS[op]
        leaves = _LEAVES[op]
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
                _ACTION[op],
                _OPERATIONS[op],
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
                self.notes.append(f"{address}: " + text.format(n=tally.counts[word], places=tally.places[word]))
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
            and retired * 100 > have * _percent(policies.max_deletes)
        ):
            self.refusals.append(
                f"{address}: {retired} of {have} HITs would be retired, more than max_deletes: "
                f"{policies.max_deletes}. If that is meant: --allow-destroy {address}"
            )
        new = groups[Op.CREATE].count
        lost = min(len(publication.vanished), new)
        if guarded and address not in self.choices.allow_rekey and lost * 100 > have * _percent(policies.max_rekey):
            self.refusals.append(
                f"{address}: {len(publication.vanished)} keys vanished while {new} new ones appeared, more than "
                f"max_rekey: {policies.max_rekey}; if these are the same items under other keys, publishing "
                f"them buys them twice. If they are new: --allow-rekey {address}"
            )
        short = tally.counts["decayed short"]
        if short and short == tally.published:
            self.refusals.append(
                f"{address}: every HIT's time is over, so nobody could reach more assignments. Raise `lifetime`"
            )

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

    # finishing

    def _add(self, step: Step) -> None:
        self.steps.append(step)

    def finish(self, plan_id: str) -> Plan:
        """Order the steps, bound the price, and draw up the document."""
        graph = self._graph()
        position = {node: n for n, node in enumerate(nx.lexicographical_topological_sort(graph))}
        steps = tuple(sorted(self.steps, key=lambda s: position[s.node]))
        total = Money(sum(step.cents for step in steps))
        self._gone()
        self._bounds(total)
        document = self._document(plan_id, steps, total)
        return Plan(document, steps, {n: frozenset(graph.predecessors(n)) for n in graph})

    def _graph(self) -> nx.DiGraph[str]:
        graph: nx.DiGraph[str] = nx.DiGraph()
        graph.add_nodes_from(step.node for step in self.steps)
        for step in self.steps:
            for before in self._before(step):
                if before in graph and before != step.node:
                    graph.add_edge(before, step.node)
        return graph

    def _before(self, step: Step) -> Iterator[str]:
        """The nodes that must be finished before this step, whether they are in the plan or not."""
        if step.address != RECORD:
            yield str(RECORD)
        kind, name = step.address.kind, step.address.name
        taking = step.node.startswith("-")
        if kind == "grant":
            yield f"qualification_type.{name}"
        if kind == "hit_type":
            yield from self._required(name, "qualification_type")
        if kind == "batch" and isinstance(step.subject, Publication) and step.subject.source:
            hit_type = step.subject.source.batch.hit_type
            yield f"hit_type.{hit_type}"
            yield from self._required(hit_type, "grant")
            yield "block"
        if taking:
            yield from (str(a) for a in self.found.publications)
        if taking and kind == "qualification_type":
            yield f"-grant.{name}"

    def _required(self, hit_type: str, kind: str) -> Iterator[str]:
        for requirement in self.desired.campaign.hit_types[hit_type].requirements:
            if requirement.qualification:
                yield f"{kind}.{requirement.qualification}"

    def _gone(self) -> None:
        """HITs the account has forgotten were paid for all the same."""
        present = {h.id for batch in self.observed.hits.values() for hits in batch.values() for h in hits}
        self.committed += sum(
            known.cents for known in self.memory.by_id.values() if known.id not in present and not known.deleted
        )
        counted = {id(p.hits) for p in self.found.publications.values()}
        now = self.observed.now.timestamp()
        terms = next((p.terms for p in self.found.publications.values()), {})
        for batch in self.observed.hits.values():
            if id(batch) not in counted:  # earlier rounds run out by themselves, and cost what they cost
                for hits in batch.values():
                    self.committed += sum(committed(h, terms[h.type_id].unit(h.maximum), now) for h in hits)

    def _bounds(self, total: Money) -> None:
        budget, target = self.desired.budget, self.desired.target
        after = Money(self.committed) + total
        if budget is not None and total and after > budget:
            self.refusals.append(
                f"${after} would be committed after this plan (${Money(self.committed)} before it), and the budget is "
                f"${budget}. Raise `budget:` to {after} or more, or publish less with `limit:`"
            )
        short = total - self.observed.balance
        if total and short.cents > 0 and target.balance != "ignore":
            text = f"the plan costs up to ${total} and the account's balance is ${self.observed.balance}"
            if target.balance == "enforce":
                self.refusals.append(f"{text}: put in ${short} more, or publish less with `limit:`")
            else:
                self.notes.append(f"{text}; this endpoint's balance is only a limit of AWS Billing")

    def _document(self, plan_id: str, steps: Iterable[Step], total: Money) -> dict[str, Any]:
        desired, observed = self.desired, self.observed
        made = observed.now
        ends = [s.batch.ends for s in desired.sources.values() if s.batch.ends and s.batch.ends > made]
        described = [step.document() for step in steps]
        campaign = desired.campaign
        document: dict[str, Any] = {
            "format_version": FORMAT_VERSION,
            "id": plan_id,
            "made_at": format_time(made),
            "valid_until": format_time(min([made + VALID, *ends])),
            "command": "destroy" if self.choices.destroy else "apply",
            "campaign": campaign.campaign,
            "title": campaign.title,
            "environment": desired.target.name,
            "endpoint": desired.target.endpoint,
            "record": observed.record.id if observed.record else None,
            "journal": self.memory.journal or None,
            "inputs": dict(desired.inputs),
            "variables": dict(desired.variables),
            "choices": {
                name: sorted(str(a) for a in getattr(self.choices, name))
                for name in ("reopen", "allow_destroy", "allow_rekey")
            },
            "policies": campaign.policies.model_dump(),
            "fees": desired.target.fees.name,
            "price": {
                "total": str(total),
                "committed_before": str(Money(self.committed)),
                "committed_after": str(Money(self.committed) + total),
                "budget": str(desired.budget) if desired.budget is not None else None,
                "balance": str(observed.balance),
            },
            "steps": described,
            "batches": self.batches,
            "samples": self.samples,
            "notes": self.notes + [d.summary for d in desired.diagnostics if d.severity != "error"],
            "refusals": self.refusals,
        }
        document["intent"] = self._intent(document)
        document["digest"] = digest_of(document)
        return document

    def _intent(self, document: Mapping[str, Any]) -> str:
        """sha256 over what a person approves and no worker can alter: no price, counts, facts or times."""
        bound = ("campaign", "command", "record", "endpoint", "environment", "inputs", "variables", "choices")
        final = sorted({f"{s.address.kind} {s.op}" for s in self.steps if s.leaves is Reversibility.FINAL})
        if any("question" in wish.get("fields", ()) for wish in self.wishes.values()):
            final.append("batch replace")
        return _sha({**{key: document[key] for key in bound}, "changes": self.wishes, "final": sorted(set(final))})


def _percent(text: str) -> int:
    return int(text.removesuffix("%"))


_NOTES = {
    "kept question": "{n} on an older question, {places} places still open there; `turkform close` them to stop",
    "kept terms": "{n} with work keep the old terms",
    "kept answers": "{n} without a row are kept: {places} answers not stored",
    "gone": "{n} done: their HITs are gone from the account",
    "closed by us": "{n} closed by `close` or `destroy`, {places} places unfilled; --reopen them to go on",
    "decayed": "{n} expired, {places} places unfilled; raise `lifetime` to publish again",
    "interference": "{n} were expired or shortened by somebody else, {places} places unfilled; --reopen restores them",
    "ends later": "{n} end later than declared: a person or a review policy moved them",
    "not published": "{n} not published: closed",
    "over limit": "{n} not published: limit",
}
_NO_JOURNAL = (
    "{what}, so nothing can be bought or changed without guessing. Point `journal:` at the right journal; or take "
    "another `campaign:` name; or run `turkform recover --new-journal`, which asks what to do about each item"
)
