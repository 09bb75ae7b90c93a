"""The diff: desired beside observed, resource by resource.

In: `Desired`, `Observed` and `Memory`. Out: a `Diff`, every change as a small value and every batch as a
`Publication` that streams its items. Pure; what cannot or must not be done is a refusal with its way
out, what is only worth knowing a note. Nothing here knows prices of plans, steps or order: `plan` does.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any

from turkform.kinds.resource import Address, FieldChange, differences
from turkform.kinds.worker_block import MOST_BLOCKS
from turkform.pricing import Pricing
from turkform.publication import Publication

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

    from turkform.approval import Approval
    from turkform.campaign import Desired, Source
    from turkform.choices import Choices
    from turkform.kinds.hit_type import HITType
    from turkform.kinds.qualification_type import QualificationType
    from turkform.memory import Memory
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
    touched: Mapping[str, Any] = field(default_factory=dict)
    """Taken off and added anew, because a person asked for it."""
    numbers: Mapping[str, int] = field(default_factory=dict)
    """Worker → its number in the declared roster, sorted, the first one 1."""
    ours: tuple[str, ...] = ()
    """Who is in it by our own hand and not declared any more, whether or not somebody else took them off."""
    type_id: str = ""
    """The qualification type's id, where it exists already."""

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed or self.touched)


@dataclass(slots=True)
class Diff:
    """Everything that differs, and everything to be said about it."""

    types: list[TypeChange] = field(default_factory=list)
    rosters: list[RosterChange] = field(default_factory=list)
    publications: dict[Address, Publication] = field(default_factory=dict)
    ids: dict[Address, str] = field(default_factory=dict)
    """Ids of declared qualification types that exist, and of HIT types seen on HITs with equal terms."""
    needed: frozenset[Address] = frozenset()
    """What targets need besides themselves."""
    left_out: int = 0
    """Changed resources that the plan was told not to be about."""
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


def diff(
    desired: Desired,
    observed: Observed,
    memory: Memory,
    choices: Choices,
    *,
    local: float,
    approval: Approval | None = None,
) -> Diff:
    """Compare the two sides; `local` is this machine's clock in epoch seconds.

    `approval` is that of the saved plan that is carried out: nothing beyond it is planned.
    """
    found = Diff(needed=_needed(desired, choices))
    _types(found, desired, observed, memory, choices)
    _grants(found, desired, observed, memory, choices, approval)
    _blocks(found, desired, observed, memory, choices, approval)
    _batches(found, desired, observed, memory, choices, local, approval)
    _addresses(found, desired, memory, choices)
    return found


# --- what was said -------------------------------------------------------------------------------


def _needed(desired: Desired, choices: Choices) -> frozenset[Address]:
    """What the targets need besides themselves: the types their terms require, and who holds these."""
    names = {address.name for address in choices.target if address.kind == "grant"}
    needed = {Address("qualification_type", name) for name in names}
    for source in desired.sources.values():
        if choices.keys("target", source.address):
            for requirement in desired.campaign.hit_types[source.batch.hit_type].requirements:
                if requirement.qualification:
                    needed |= {Address(kind, requirement.qualification) for kind in ("qualification_type", "grant")}
    return frozenset(needed)


def _addresses(found: Diff, desired: Desired, memory: Memory, choices: Choices) -> None:
    """Refuse a choice about nothing: a slip in an address would otherwise change what is done unseen."""
    types = {*desired.campaign.qualification_types, *memory.types}
    known = {
        *found.publications,
        *(Address(kind, name) for kind in ("qualification_type", "grant") for name in types),
        *(Address("hit_type", name) for name in desired.campaign.hit_types),
        Address("block"),
    }
    for name, addresses in choices.said():
        option = f"--{name.replace('_', '-')}"
        for address in sorted(addresses, key=str):
            if address.parent not in known:
                found.refusals.append(f"{option} {address}: there is nothing of that address, declared or published")
            elif address.kind == "hit_type" and name in {"target", "exclude"}:
                users = [s.address for s in desired.sources.values() if s.batch.hit_type == address.name]
                said = " ".join(f"{option} {user}" for user in sorted(users))
                found.refusals.append(f"{option} {address}: terms come with the batches that use them. Say {said}")
            elif name == "touch" and (address.kind != "block" or address.key not in desired.blocks):
                found.refusals.append(
                    f"{option} {address}: only a declared block can be made anew. Write --touch 'block[\"WORKER\"]'"
                )


# --- qualification types -------------------------------------------------------------------------


def _types(found: Diff, desired: Desired, observed: Observed, memory: Memory, choices: Choices) -> None:
    declared = {} if choices.destroy else desired.campaign.qualification_types
    for name, wanted in declared.items():
        address = Address("qualification_type", name)
        state, known = observed.types.get(wanted.name), memory.types.get(name)
        if state is not None:
            found.ids[address] = state.id
        if not choices.chosen(address, found.needed):
            found.left_out += state is None or bool(wanted.differences(state.values))
            continue
        if known and not known.deleted and known.name != wanted.name and known.name in observed.types:
            found.refusals.append(
                f'{address} was created as "{known.name}", and MTurk cannot rename a qualification type. '
                f'Put name: "{known.name}" back, or declare the new one under another key'
            )
        elif state is None:
            found.types.append(_new_type(address, wanted, observed, memory, name))
        else:
            _compare_type(found, address, wanted, state, adopted=known is None or known.id != state.id)
    names = {wanted.name for wanted in declared.values()}
    for name, known in memory.types.items():
        dropped = name not in declared and known.name not in names
        if dropped and not known.deleted and known.name in observed.types:
            address = Address("qualification_type", name)
            if choices.chosen(address):
                _drop_type(found, address, observed.types[known.name], observed)
            else:
                found.left_out += 1


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
                "Put it back, or replace the type by one of another name: "
                f'name: "{wanted.name} 2" and renamed_from: "{wanted.name}"'
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


def numbered(workers: Iterable[str]) -> dict[str, int]:
    """Each worker of a declared roster with its number, sorted, the first one 1."""
    return {worker: number for number, worker in enumerate(sorted(workers), 1)}


def _grants(
    found: Diff,
    desired: Desired,
    observed: Observed,
    memory: Memory,
    choices: Choices,
    approval: Approval | None,
) -> None:
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
            numbers=numbered(workers),
            ours=tuple(sorted(ours - workers.keys())),
            type_id=type_id,
        )
        _keep_roster(found, change, choices, approval)


def _blocks(
    found: Diff,
    desired: Desired,
    observed: Observed,
    memory: Memory,
    choices: Choices,
    approval: Approval | None,
) -> None:
    wanted = {} if choices.destroy else desired.blocks
    present = observed.blocks
    touch = choices.keys("touch", Address("block"))
    change = RosterChange(
        Address("block"),
        added={w: r for w, r in wanted.items() if w not in present},
        removed=tuple(sorted(w for w in memory.blocks if w in present and w not in wanted)),
        touched={w: r for w, r in wanted.items() if w in present and w in touch},
        numbers=numbered(wanted),
    )
    for worker, reason in wanted.items():
        if worker in present and present[worker] and present[worker] != reason and worker not in touch:
            address = Address("block", key=worker)
            found.notes.append(
                f"{address}: blocked with another reason; nothing is sent, because MTurk would have to unblock the "
                f"worker and tell them again; --touch '{address}' does"
            )
    total = len(present.keys() | wanted.keys())
    if total > MOST_BLOCKS:
        found.refusals.append(f"{total:,} blocks in all, and MTurk keeps at most {MOST_BLOCKS:,} per account")
    _keep_roster(found, change, choices, approval)


def _keep_roster(found: Diff, change: RosterChange, choices: Choices, approval: Approval | None) -> None:
    """Keep what the plan is about: the chosen workers, and of a saved plan those it names."""
    chosen = choices.chosen(change.address, found.needed)
    kept = _of(change, chosen, chosen)
    found.left_out += bool(change) and not kept
    if approval is not None:
        approved = approval.roster(change.address)
        adding = frozenset(w for w, number in change.numbers.items() if number in approved.adding)
        kept = _of(kept, adding, approved.taking)
    if kept:
        found.rosters.append(kept)


def _of(change: RosterChange, adding: Container[str], taking: Container[str]) -> RosterChange:
    """The part of a roster's change that concerns these workers."""
    return replace(
        change,
        added={w: v for w, v in change.added.items() if w in adding},
        changed={w: v for w, v in change.changed.items() if w in adding},
        touched={w: v for w, v in change.touched.items() if w in adding},
        removed=tuple(w for w in change.removed if w in taking),
    )


# --- batches -------------------------------------------------------------------------------------


def _batches(
    found: Diff,
    desired: Desired,
    observed: Observed,
    memory: Memory,
    choices: Choices,
    local: float,
    approval: Approval | None,
) -> None:
    pricing = Pricing(desired, observed, found.ids)
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
            reopen=choices.keys("reopen", source.address).stored(),
            discard=choices.keys("discard_answers", source.address).stored(),
            chosen=choices.chosen(source.address).stored(),
            approved=approval.batch(source.address) if approval else None,
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
                batch, None, observed.hits[batch], memory, pricing.observed(None), None, observed.now, local,
                discard=choices.keys("discard_answers", address).stored(), chosen=choices.chosen(address).stored(),
                approved=approval.batch(address) if approval else None,
            )  # fmt: skip
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


def foreign_requirements(hit_type: HITType) -> list[str]:
    """Types of others whose price nobody has declared."""
    return [r.id for r in hit_type.requirements if r.id and r.premium is None]
