"""The plan: changes into priced, ordered steps, and the document a person approves.

In: both sides and their `Diff`. Out: a `Plan`, whose steps are data (operation, parameters, references,
facts, price, reversibility) and whose `document` is JSON: every view is drawn from it, and it is what a
saved plan is.

The graph has a node per resource; a batch is one node, so are all blocks, and the grants of one type. An
edge means *must be finished first*:

    record ─> everything
    qualification_type ─> grant, hit_type that requires it
    hit_type ─> notification ─> batch          grant of a required type, block ─> batch
    batch ─> taking away: notification, grant, block ─> taking away: qualification_type
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from turkform.changes import Action
from turkform.draft import Draft
from turkform.errors import StalePlanError, TurkformError
from turkform.hits import HITs
from turkform.money import Money
from turkform.pricing import Pricing, committed
from turkform.publication import Publication
from turkform.steps import GRAVEST, RECORD, Reversibility, Step
from turkform.times import format_time, from_epoch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from networkx import DiGraph

    from turkform.campaign import Desired
    from turkform.changes import Diff
    from turkform.choices import Choices
    from turkform.memory import Memory
    from turkform.observed import Observed

FORMAT_VERSION = "1.0"
VALID = timedelta(hours=24)
"""A plan is good for so long: as long as the API remembers a request token."""


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


def illustrate(plan: Plan, pages: Mapping[str, str]) -> None:
    """Show the samples' pages as they are now: HIT id → its question document, as read from the account."""
    for sample in plan.document["samples"]:
        sample["before"] = pages.get(sample["hit"])
    plan.document["digest"] = digest_of(plan.document)


def digest_of(document: Mapping[str, Any]) -> str:
    """sha256 over the whole document without its digest."""
    return _sha({key: value for key, value in document.items() if key != "digest"})


def _sha(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


# --- making ---------------------------------------------------------------------------------------


def make(desired: Desired, observed: Observed, memory: Memory, found: Diff, choices: Choices, *, plan_id: str) -> Plan:
    """Turn a diff into a plan; equal inputs make equal plans but for `id` and times."""
    draft = Draft(desired, observed, memory, found, choices)
    for change in found.types:
        if change.action is not Action.DELETE:
            draft.type(change)
    for roster in found.rosters:
        draft.roster(roster)
    for address, publication in found.publications.items():
        draft.batch(address, publication)
    for change in found.types:
        if change.action is Action.DELETE:
            draft.drop(change)
    for claim in found.owned.claims if found.owned else ():
        draft.claim(claim)
    draft.hit_types()
    draft.notifications()
    draft.policies()
    return order(draft, plan_id=plan_id)


def order(draft: Draft, *, plan_id: str) -> Plan:
    """Turn a draft into a plan: the campaign record first, everything else as it depends on each other."""
    draft.record()
    return _Order(draft).finish(plan_id)


@dataclass(frozen=True, slots=True)
class _Ordered:
    """The graph's nodes: where each stands in an order that works, and what has to be finished before it."""

    position: Mapping[str, int] = field(default_factory=dict)
    waits_for: Mapping[str, frozenset[str]] = field(default_factory=dict)
    after: Mapping[str, list[str]] = field(default_factory=dict)
    """The same without what follows from the rest, as it stands in the document."""


class _Order:
    """Orders a draft's steps, bounds their price, and draws up the document."""

    def __init__(self, draft: Draft) -> None:
        self.steps, self.found, self.memory = draft.steps, draft.found, draft.memory
        self.desired, self.observed, self.choices = draft.desired, draft.observed, draft.choices
        self.batches, self.samples, self.wishes = draft.batches, draft.samples, draft.wishes
        self.notes, self.refusals = draft.notes, draft.refusals
        self.committed, self.cost = draft.committed, draft.cost
        self.facts, self.until = draft.facts, draft.until
        self.command, self.review = draft.command, draft.review

    def finish(self, plan_id: str) -> Plan:
        """Order the steps, bound the price, and draw up the document."""
        ordered = self._ordered() if self.steps else _Ordered()  # the library takes a while to load
        steps = tuple(sorted(self.steps, key=lambda s: ordered.position[s.node]))
        total = Money(sum(step.cents for step in steps))
        self._gone()
        self._bounds(total)
        document = self._document(plan_id, steps, total, ordered.after)
        plan = Plan(document, steps, ordered.waits_for)
        illustrate(plan, {})
        return plan

    def _ordered(self) -> _Ordered:
        import networkx as nx

        graph = self._graph(nx.DiGraph())
        reduced = nx.transitive_reduction(graph)
        return _Ordered(
            {node: n for n, node in enumerate(nx.lexicographical_topological_sort(graph, key=_rank))},
            {node: frozenset(graph.predecessors(node)) for node in graph},
            {node: sorted(reduced.predecessors(node)) for node in reduced},
        )

    def _graph(self, graph: DiGraph[str]) -> DiGraph[str]:
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
        declared = step.subject.source is not None if isinstance(step.subject, Publication) else not taking
        if declared or kind == "grant":
            yield from self.desired.campaign.prerequisites(step.address)
        if taking:
            yield from (str(a) for a in self.found.publications)
        if taking and kind == "qualification_type":
            yield f"-grant.{name}"
            yield f"grant.{name}"
            # Its deletion may take HIT types with it, whose settings are turned off before.
            yield from (other.node for other in self.steps if other.node.startswith("-notification."))

    def _gone(self) -> None:
        """HITs the account has forgotten were paid for all the same; bonuses it shows nowhere in the listing."""
        self.committed += self.memory.reviewed
        for batch, knowns in self.memory.hits.items():
            present = self.observed.hits.get(batch, HITs())
            self.committed += sum(known.cents for known in knowns.beside(present) if not known.deleted)
        batches = {p.batch for p in self.found.publications.values()}
        self.committed += sum(  # a creation of a batch that is not declared any more, its outcome unknown
            call.cents for (batch, _), call in self.memory.open_creates().items() if batch not in batches
        )
        counted = {id(p.hits) for p in self.found.publications.values()}
        now = self.observed.now.timestamp()
        terms = Pricing(self.desired, self.observed, self.found.ids).observed(None)
        for listed in self.observed.hits.values():
            if id(listed) not in counted:  # earlier rounds and forgotten batches run out by themselves
                for hits in listed.values():
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

    def _document(
        self, plan_id: str, steps: Iterable[Step], total: Money, after: Mapping[str, list[str]]
    ) -> dict[str, Any]:
        desired, observed = self.desired, self.observed
        made = observed.now
        until = [from_epoch(self.until)] if self.until else []
        described = [step.document() | ({"after": after[step.node]} if after[step.node] else {}) for step in steps]
        campaign = desired.campaign
        document: dict[str, Any] = {
            "format_version": FORMAT_VERSION,
            "id": plan_id,
            "made_at": format_time(made),
            "valid_until": format_time(min([made + VALID, *until])),
            "command": self.command,
            "campaign": campaign.campaign,
            "title": campaign.title,
            "environment": desired.target.name,
            "endpoint": desired.target.endpoint,
            "record": observed.record.id if observed.record else None,
            "journal": self.memory.journal or None,
            "inputs": dict(desired.inputs),
            "variables": dict(desired.variables),
            "choices": {name: sorted(map(str, addresses)) for name, addresses in self.choices.said()},
            "policies": campaign.policies.described(),
            "fees": desired.target.fees.name,
            "price": {
                "total": str(total),
                "committed_before": str(Money(self.committed)),
                "committed_after": str(Money(self.committed) + total),
                "budget": str(desired.budget) if desired.budget is not None else None,
                "balance": str(observed.balance),
                "by_batch": {a: b["price"] for a, b in self.batches.items() if b["price"] != "0.00"},
                "by_fee": {name: str(Money(cents)) for name, cents in self.cost._asdict().items() if cents},
            },
            "leaves": self._leaves(steps),
            "rests_on": {
                address: {"wish": _sha(wish), "facts": self.facts.get(address, "")}
                for address, wish in self.wishes.items()
            },
            "steps": described,
            "batches": self.batches,
            "review": self.review,
            "samples": self.samples,
            "notes": self._notes(),
            "refusals": self.refusals,
        }
        document["intent"] = self._intent(document)
        return document

    @staticmethod
    def _leaves(steps: Iterable[Step]) -> dict[str, Any]:
        """Class of reversibility, the gravest first → how many things the plan does of it, at what price, where."""
        found: dict[str, Any] = {}
        for leaves in sorted(Reversibility, key=GRAVEST.index):
            mine = [s for s in steps if s.leaves is leaves and s.action is not Action.WAIT]
            if mine:
                found[str(leaves)] = {
                    "count": sum(s.items.count if s.items else 1 for s in mine),
                    "price": str(Money(sum(s.cents for s in mine))),
                    "addresses": list(dict.fromkeys(str(s.address) for s in mine)),
                }
        return found

    def _notes(self) -> list[str]:
        """What to know, once; what the files' check warned of and the plan refuses is a refusal alone."""
        warned = [d.summary for d in self.desired.diagnostics if d.severity != "error"]
        told = [text for text in warned if not any(reason.startswith(text) for reason in self.refusals)]
        return list(dict.fromkeys([*self.notes, *told]))

    def _intent(self, document: Mapping[str, Any]) -> str:
        """sha256 over what a person approves and no worker can alter: no price, counts, facts or times."""
        bound = ("campaign", "command", "record", "endpoint", "environment", "inputs", "variables", "choices")
        # By what is wished, never by the steps there are: whether one is needed can depend on workers.
        final = set()
        for address, wish in self.wishes.items():
            final |= {address.partition(".")[0] + " delete"} if "deletes" in wish else set()
            final |= {"batch replace"} if {"question", "hit_type"} & set(wish.get("fields", ())) else set()
            final |= {"batch retire"} if "retire" in wish.get("items", ()) else set()
            final |= {f"review {word}" for word in wish.get("decides", ())}
        return _sha({**{key: document[key] for key in bound}, "changes": self.wishes, "final": sorted(final)})


def _rank(node: str) -> tuple[bool, str]:
    """Among nodes that could go at once, taking away comes last."""
    return node.startswith("-"), node
