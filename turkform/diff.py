"""The diff: desired beside observed, resource by resource.

In: `Desired`, `Observed` and `Memory`. Out: a `Diff`, every change as a small value and every batch as a
`Publication` that streams its items. Pure; what cannot or must not be done is a refusal with its way
out, what is only worth knowing a note. Nothing here knows prices of plans, steps or order: `plan` does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any

from turkform.kinds.requirement import MASTERS, MASTERS_SANDBOX, Rule
from turkform.kinds.resource import Address, FieldChange, differences
from turkform.kinds.worker_block import MOST_BLOCKS
from turkform.publication import Publication, Terms

if TYPE_CHECKING:
    from collections.abc import Mapping

    from turkform.campaign import Desired, Source
    from turkform.kinds.hit_type import HITType
    from turkform.kinds.qualification_type import QualificationType
    from turkform.memory import Memory
    from turkform.money import Fees, Money
    from turkform.observed import Observed, QualificationTypeState, Scope

NAME_BLOCKED = timedelta(hours=48)
"""DeleteQualificationType: the name may stay taken for up to so long."""


class Action(Enum):
    """What happens to a resource, with the sign it is shown by."""

    CREATE = "+"
    UPDATE = "~"
    REPLACE = "-/+"
    DELETE = "-"
    ADOPT = "="
    WAIT = "…"


@dataclass(frozen=True, slots=True)
class Choices:
    """What a person said beside the files, for this one plan."""

    destroy: bool = False
    reopen: frozenset[Address] = frozenset()
    allow_destroy: frozenset[Address] = frozenset()
    allow_rekey: frozenset[Address] = frozenset()


@dataclass(frozen=True, slots=True)
class TypeChange:
    """A qualification type to create, update or delete."""

    address: Address
    action: Action
    desired: QualificationType | None
    observed: QualificationTypeState | None
    fields: tuple[FieldChange, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RosterChange:
    """Grants of one type, or blocks: who is added, who gets another value, who is taken off."""

    address: Address
    added: Mapping[str, Any] = field(default_factory=dict)
    changed: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    removed: tuple[str, ...] = ()
    type_id: str = ""
    """The qualification type's id, where it exists already."""


@dataclass(slots=True)
class Diff:
    """Everything that differs, and everything to be said about it."""

    types: list[TypeChange] = field(default_factory=list)
    rosters: list[RosterChange] = field(default_factory=list)
    publications: dict[Address, Publication] = field(default_factory=dict)
    ids: dict[Address, str] = field(default_factory=dict)
    """Ids of declared qualification types that exist, and of HIT types seen on HITs with equal terms."""
    refusals: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def scope(desired: Desired, memory: Memory, *, now: float) -> Scope:
    """What `observe` has to read besides HITs and types: only what is managed.

    `now` is this machine's clock in epoch seconds: it decides which HITs are so new that a listing may
    lack them.
    """
    from turkform.observed import LISTING_LAG, Scope

    declared = desired.campaign.qualification_types
    managed = {declared[name].name for name in desired.grants if name in declared}
    ours = {known.id: known.name for known in memory.types.values() if not known.deleted}
    recent = now - LISTING_LAG.total_seconds()
    return Scope(
        grants=frozenset(managed | {ours[i] for i in memory.grants if i in ours}),
        blocks=bool(desired.blocks or desired.campaign.blocks or memory.blocks),
        deletable=frozenset(ours.values()),
        recent=tuple(k.id for k in memory.by_id.values() if k.created > recent and not k.deleted),
        type_ids=(*ours, *([memory.record] if memory.record else [])),
        rekeys=memory.rekeys,
    )


def diff(desired: Desired, observed: Observed, memory: Memory, choices: Choices, *, local: float) -> Diff:
    """Compare the two sides; `local` is this machine's clock in epoch seconds."""
    found = Diff()
    _types(found, desired, observed, memory, choices)
    _grants(found, desired, observed, memory, choices)
    _blocks(found, desired, observed, memory, choices)
    _batches(found, desired, observed, memory, choices, local)
    return found


# --- qualification types -------------------------------------------------------------------------


def _types(found: Diff, desired: Desired, observed: Observed, memory: Memory, choices: Choices) -> None:
    declared = {} if choices.destroy else desired.campaign.qualification_types
    for name, wanted in declared.items():
        address = Address("qualification_type", name)
        state, known = observed.types.get(wanted.name), memory.types.get(name)
        if known and not known.deleted and known.name != wanted.name and known.name in observed.types:
            found.refusals.append(
                f'{address} was created as "{known.name}", and MTurk cannot rename a qualification type. '
                f'Put name: "{known.name}" back, or declare the new one under another key'
            )
        elif state is None:
            found.types.append(_new_type(address, wanted, observed, memory, name))
        else:
            found.ids[address] = state.id
            _compare_type(found, address, wanted, state, adopted=known is None or known.id != state.id)
    names = {wanted.name for wanted in declared.values()}
    for name, known in memory.types.items():
        dropped = name not in declared and known.name not in names
        if dropped and not known.deleted and known.name in observed.types:
            _drop_type(found, Address("qualification_type", name), observed.types[known.name], observed)


def _new_type(address: Address, wanted: QualificationType, observed: Observed, memory: Memory, name: str) -> TypeChange:
    known = memory.types.get(name)
    reason = ""
    if known and known.deleted and observed.now.timestamp() - known.deleted < NAME_BLOCKED.total_seconds():
        reason = "its name was freed by a deletion and may stay taken for up to 48 h after it"
    return TypeChange(address, Action.CREATE, wanted, None, differences(wanted.values({}), {}), reason)


def _compare_type(
    found: Diff, address: Address, wanted: QualificationType, state: QualificationTypeState, *, adopted: bool
) -> None:
    changes = []
    for change in wanted.differences(state.values):
        wire = wanted.wires()[change.field]
        if change.field == "name":
            continue
        if wire.update is None:
            found.notes.append(
                f"{address}: {change.field} differ, and MTurk fixes them when the type is created; kept as they are"
            )
        elif change.desired is None and not wire.removable:
            found.refusals.append(
                f"{address}: {change.field} was set and MTurk cannot remove it. "
                f"Put it back, or give the type another name under another key"
            )
        else:
            changes.append(change)
    if changes:
        found.types.append(TypeChange(address, Action.UPDATE, wanted, state, tuple(changes)))
    elif adopted:
        found.notes.append(f"{address}: adopted as it is ({state.id})")


def _drop_type(found: Diff, address: Address, state: QualificationTypeState, observed: Observed) -> None:
    """Delete our own type; while HITs require it, it is only made Inactive and the deletion waits."""
    left = observed.guarded.get(state.id, 0)
    reason = f"{left} HIT{'s' if left != 1 else ''} still require it" if left else ""
    found.types.append(TypeChange(address, Action.DELETE, None, state, reason=reason))


# --- grants and blocks ---------------------------------------------------------------------------


def _grants(found: Diff, desired: Desired, observed: Observed, memory: Memory, choices: Choices) -> None:
    declared = desired.campaign.qualification_types
    for name, wanted in declared.items():
        address = Address("qualification_type", name)
        type_id = observed.types[wanted.name].id if wanted.name in observed.types else ""
        workers = {} if choices.destroy else desired.grants.get(name, {})
        present = observed.grants.get(type_id, {})
        ours = memory.grants.get(type_id, frozenset())
        if address in {t.address for t in found.types if t.action is Action.DELETE}:
            continue  # the grants end with their type
        change = RosterChange(
            Address("grant", name),
            added={w: v for w, v in workers.items() if w not in present},
            changed={w: (present[w], v) for w, v in workers.items() if w in present and present[w] != v},
            removed=tuple(sorted(w for w in ours if w in present and w not in workers)),
            type_id=type_id,
        )
        _keep_roster(found, change)


def _blocks(found: Diff, desired: Desired, observed: Observed, memory: Memory, choices: Choices) -> None:
    wanted = {} if choices.destroy else desired.blocks
    present = observed.blocks
    change = RosterChange(
        Address("block"),
        added={w: r for w, r in wanted.items() if w not in present},
        removed=tuple(sorted(w for w in memory.blocks if w in present and w not in wanted)),
    )
    for worker, reason in wanted.items():
        if worker in present and present[worker] and present[worker] != reason:
            found.notes.append(
                f"{Address('block', key=worker)}: blocked with another reason; nothing is sent, "
                "because MTurk would have to unblock the worker and tell them again"
            )
    total = len(present.keys() | wanted.keys())
    if total > MOST_BLOCKS:
        found.refusals.append(f"{total:,} blocks in all, and MTurk keeps at most {MOST_BLOCKS:,} per account")
    _keep_roster(found, change)


def _keep_roster(found: Diff, change: RosterChange) -> None:
    if change.added or change.changed or change.removed:
        found.rosters.append(change)


# --- batches -------------------------------------------------------------------------------------


def _batches(found: Diff, desired: Desired, observed: Observed, memory: Memory, choices: Choices, local: float) -> None:
    pricing = _Pricing(desired, observed, found.ids)
    declared = set()
    for source in desired.sources.values():
        batch = (source.id, source.batch.round)
        declared.add(source.id)
        publication = Publication(
            batch=batch,
            source=None if choices.destroy else source,
            hits=observed.hits.get(batch, {}),
            memory=memory,
            terms=pricing.observed(source.batch.hit_type),
            desired_terms=pricing.desired(source.batch.hit_type),
            now=observed.now,
            local=local,
            reopen=source.address in choices.reopen,
        )
        found.publications[source.address] = publication
        hit_type = Address("hit_type", source.batch.hit_type)
        equal = pricing.equal(source.batch.hit_type)
        if equal:
            found.ids[hit_type] = equal
    for batch in sorted(observed.hits):
        gone = batch[0] not in declared
        if gone or (choices.destroy and batch not in {p.batch for p in found.publications.values()}):
            address = Address("batch", batch[0] if batch[1] == 1 else f"{batch[0]}@{batch[1]}")
            found.publications[address] = Publication(
                batch, None, observed.hits[batch], memory, pricing.observed(None), None, observed.now, local
            )
            if gone and not choices.destroy:
                _renamed(found, address, found.publications[address])


def _renamed(found: Diff, address: Address, gone: Publication) -> None:
    """Refuse to retire a batch whose items another, still unpublished batch holds."""
    fingerprints = {hits[0].fingerprint for hits in gone.hits.values()}
    for other, publication in found.publications.items():
        source: Source | None = publication.source
        if source is None or publication.hits or publication.known:
            continue
        shared = sum(source.template.fingerprint(item.row) in fingerprints for item in source.items())
        if shared * 2 >= len(fingerprints):
            found.refusals.append(
                f"{address} is gone from the files, and {other} holds {shared} of its {len(fingerprints)} items: "
                f"publishing them again would buy them twice. Add `id: {gone.batch[0]}` to {other}"
            )


class _Pricing:
    """What an assignment costs, under declared terms and under those a HIT was published with."""

    def __init__(self, desired: Desired, observed: Observed, ids: Mapping[Address, str]) -> None:
        self._hit_types = desired.campaign.hit_types
        self._fees = desired.target.fees
        self._sandbox = desired.target.sandbox
        self._observed = observed.terms
        self._ids = ids
        self._premiums = {
            r.id: r.premium.cents
            for hit_type in self._hit_types.values()
            for r in hit_type.requirements
            if r.id and r.premium
        }

    def desired(self, name: str) -> Terms:
        hit_type = self._hit_types[name]
        return self._terms(hit_type.reward, hit_type.rules(self._ids, sandbox=self._sandbox), ())

    def observed(self, name: str | None) -> dict[str, Terms]:
        """Terms of every observed HIT type, with how they differ from those declared under `name`."""
        values = None if name is None else self._hit_types[name].values(self._ids, sandbox=self._sandbox)
        return {
            type_id: self._terms(
                seen["reward"], seen["requirements"], () if values is None else differences(values, seen)
            )
            for type_id, seen in self._observed.items()
        }

    def equal(self, name: str) -> str | None:
        """The id of an observed HIT type with exactly the declared terms."""
        return min((i for i, terms in self.observed(name).items() if not terms.differences), default=None)

    def _terms(self, reward: Money, rules: tuple[Rule, ...], changes: tuple[FieldChange, ...]) -> Terms:
        masters = any(r.type_id in {MASTERS, MASTERS_SANDBOX} and r.comparator != "DoesNotExist" for r in rules)
        premium = sum(self._premiums.get(r.type_id, 0) for r in rules if isinstance(r.type_id, str))
        return Terms(
            cents=reward.cents + premium + _fee(self._fees, reward, 1, masters=masters),
            crowded=reward.cents + premium + _fee(self._fees, reward, self._fees.crowd, masters=masters),
            differences=changes,
        )


def _fee(fees: Fees, reward: Money, assignments: int, *, masters: bool) -> int:
    return fees.fee(reward, assignments=assignments, masters=masters).cents


def foreign_requirements(hit_type: HITType) -> list[str]:
    """Types of others whose price nobody has declared."""
    return [r.id for r in hit_type.requirements if r.id and r.premium is None]
