"""The diff: desired beside observed, resource by resource.

In: `Desired`, `Observed` and `Memory`. Out: a `Diff`, every change as a small value and every batch as a
`Publication` that streams its items. Pure; what cannot or must not be done is a refusal with its way
out, what is only worth knowing a note. Nothing here knows prices of plans, steps or order: `plan` does.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from turkform.changes import Action, Diff, RosterChange
from turkform.hits import HITs
from turkform.kinds.resource import Address
from turkform.kinds.worker_block import MOST_BLOCKS
from turkform.ownership import own
from turkform.pricing import Pricing
from turkform.printable import many
from turkform.publication import Publication
from turkform.type_diff import compare_types, replaced

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from turkform.approval import Approval
    from turkform.campaign import Desired, Source
    from turkform.choices import Choices
    from turkform.kinds.hit_type import HITType
    from turkform.memory import Memory
    from turkform.observed import Observed, Scope


def scope(desired: Desired, memory: Memory) -> Scope:
    """What `observe` has to read besides HITs and types: only what is managed."""
    from turkform.observed import Scope

    declared = desired.campaign.qualification_types
    managed = {declared[name].name for name in desired.grants if name in declared}
    known_types = (*memory.types.values(), *(known for _, known in memory.older))
    ours = {known.id: known.name for known in known_types if not known.deleted}
    before = {wanted.renamed_from for wanted in declared.values() if wanted.renamed_from}
    replacing = before | {wanted.name for wanted in declared.values() if wanted.renamed_from}
    return Scope(
        grants=frozenset(managed | replacing | {ours[i] for i in memory.grants if i in ours}),
        blocks=bool(desired.blocks or desired.campaign.blocks or memory.blocks),
        deletable=frozenset({*ours.values(), *before}),
        recent=tuple(
            {
                **dict.fromkeys(memory.recent),
                **{str(c.detail["object"]): None for c in memory.open if "HIT" in c.operation and "object" in c.detail},
            }
        ),
        type_ids=(*ours, *([memory.record] if memory.record else [])),
        rekeys=memory.rekeys,
        imported=memory.imported,
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
    owned = own(desired.campaign, observed, memory)
    memory = owned.memory
    found = Diff(
        needed=_needed(desired, choices), owned=owned, refusals=owned.refusals, notes=owned.notes, approval=approval
    )
    compare_types(found, desired, observed, memory, choices)
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
    for name, wanted in sorted(declared.items()):
        address = Address("qualification_type", name)
        type_id = observed.types[wanted.name].id if wanted.name in observed.types else ""
        workers = {} if choices.destroy else desired.grants.get(name, {})
        present = observed.grants.get(type_id, {})
        ours = memory.grants.get(type_id, frozenset())
        if address in {t.address for t in found.types if t.action is Action.DELETE and not t.replaced}:
            continue  # the grants end with their type
        if not choices.destroy:
            _copy_grants(found, name, desired, observed, memory, choices, approval)
        waits = any(t.address == address and t.action is Action.WAIT for t in found.types)
        change = RosterChange(
            Address("grant", name),
            added={w: v for w, v in workers.items() if w not in present},
            changed={w: (present[w], v) for w, v in workers.items() if w in present and present[w] != v},
            removed=tuple(sorted(w for w in ours if w in present and w not in workers)),
            numbers=numbered(workers),
            ours=tuple(sorted(ours - workers.keys())),
            type_id=type_id,
            waits=f"{address} is not there yet" if waits else "",
        )
        _keep_roster(found, change, choices, approval)
        asking = sorted(observed.asking.get(type_id, frozenset()) & workers.keys())
        if asking:
            found.notes.append(
                f"{change.address}: {many(len(asking), 'worker')} with a declared value, {asking[0]} first, asked for "
                "the qualification; granting a request replaces that value"
            )


def _copy_grants(
    found: Diff,
    name: str,
    desired: Desired,
    observed: Observed,
    memory: Memory,
    choices: Choices,
    approval: Approval | None,
) -> None:
    """Give those who hold a type the one that takes its place, once each: the copies are nobody's to take back.

    Whoever has earned the old one since a plan was saved is none of that plan's business: the old one stays for them.
    """
    wanted = desired.campaign.qualification_types[name]
    old = replaced(wanted, observed, memory, name)
    if old is None or any(t.action is Action.WAIT and t.desired is wanted for t in found.types):
        return
    type_id = observed.types[wanted.name].id if wanted.name in observed.types else ""
    done = {*observed.grants.get(type_id, {}), *memory.copies.get(type_id, ()), *desired.grants.get(name, {})}
    copies = {worker: value for worker, value in sorted(observed.grants.get(old.id, {}).items()) if worker not in done}
    change = RosterChange(Address("grant", name), added=copies, type_id=type_id, copied=True)
    _keep_roster(found, change, choices, approval)
    approved = approval.roster(change.address).copying if approval else copies
    late = [worker for worker in copies if worker not in approved]
    if late:
        why = f"{many(len(late), 'worker')} got it since the plan was made"
        found.types = [
            replace(t, reason=why, held=True) if t.replaced and t.observed is old else t for t in found.types
        ]


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
    for worker, reason in sorted(wanted.items()):
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
        numbered = frozenset(w for w, number in change.numbers.items() if number in approved.adding)
        adding = approved.copying if change.copied else numbered
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
    released = found.owned.released if found.owned else frozenset()
    declared = set()
    for _, source in sorted(desired.sources.items()):
        batch = (source.id, source.batch.round)
        declared.add(source.id)
        publication = Publication(
            batch=batch,
            source=None if choices.destroy else source,
            hits=observed.hits.get(batch, HITs()),
            memory=memory,
            terms=pricing.observed(source.batch.hit_type),
            desired_terms=pricing.desired(source.batch.hit_type),
            now=observed.now,
            local=local,
            reopen=choices.keys("reopen", source.address).stored(),
            discard=choices.keys("discard_answers", source.address).stored(),
            chosen=choices.chosen(source.address).stored(),
            waits=_waits(found, desired.campaign.hit_types[source.batch.hit_type]),
            approved=approval.batch(source.address) if approval else None,
        )
        found.publications[source.address] = publication
        hit_type = Address("hit_type", source.batch.hit_type)
        equal = pricing.equal(source.batch.hit_type)
        if equal:
            found.ids[hit_type] = equal
    for batch in sorted(observed.hits):
        if batch[0] in released:
            continue  # removed: forget
        gone = batch[0] not in declared
        if gone or (choices.destroy and batch not in {p.batch for p in found.publications.values()}):
            address = Address("batch", batch[0])
            if batch[1] > 1 or address in found.publications:  # another batch may have its name by now
                address = Address("batch", f"{batch[0]}@{batch[1]}")
            found.publications[address] = Publication(
                batch, None, observed.hits[batch], memory, pricing.observed(None), None, observed.now, local,
                discard=choices.keys("discard_answers", address).stored(), chosen=choices.chosen(address).stored(),
                approved=approval.batch(address) if approval else None,
            )  # fmt: skip
            if gone and not choices.destroy:
                _renamed(found, address, found.publications[address])


def _waits(found: Diff, terms: HITType) -> str:
    """Why HITs under these terms cannot be published yet: a type that they require cannot be made yet."""
    required = {Address("qualification_type", r.qualification) for r in terms.requirements if r.qualification}
    waiting = sorted(str(t.address) for t in found.types if t.action is Action.WAIT and t.address in required)
    return f"{waiting[0]} is not there yet" if waiting else ""


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
