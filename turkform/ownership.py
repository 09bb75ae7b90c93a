"""Whose things are: what the files claim, give up or protect, before anything is compared.

In: `moved`, `removed`, `import` and `prevent_destroy`, the account, and what the journal remembers. Out: an
`Owned`: the memory as it is after these claims, which every later comparison takes; the claims that the journal
does not know yet, as changes that send nothing; and what cannot be claimed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from turkform.kinds.resource import Address
from turkform.memory import KnownType

if TYPE_CHECKING:
    from turkform.campaign import Campaign
    from turkform.memory import Memory
    from turkform.observed import Observed, QualificationTypeState

Word = Literal["import", "move", "forget", "protect", "release"]


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing for the journal to remember; nothing is sent."""

    address: Address
    word: Word
    objects: tuple[tuple[str, str], ...]
    """What it is about: ids in the account, each with a worker's id where it is about a grant or a block."""
    name: str = ""
    """Of a qualification type."""
    said: str = ""


@dataclass(slots=True)
class Owned:
    """What is ours, as the files have it."""

    memory: Memory
    claims: list[Claim] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    released: frozenset[str] = frozenset()
    """Names and ids of batches whose HITs are left alone."""


def own(campaign: Campaign, observed: Observed, memory: Memory) -> Owned:
    """Everything the files say about whose things are."""
    owned = Owned(memory)
    _move(owned, campaign)
    _import(owned, campaign, observed)
    _forget(owned, campaign, observed)
    _protect(owned, campaign, observed)
    return owned


def _move(owned: Owned, campaign: Campaign) -> None:
    for moved in campaign.moved:
        old, new = Address.parse(moved.from_), Address.parse(moved.to)
        known = owned.memory.types.get(old.name)
        if old.kind != "qualification_type" or known is None or known.deleted:
            continue
        there = owned.memory.types.get(new.name)
        if there is not None and not there.deleted and there.id != known.id:
            owned.refusals.append(
                f"{old} cannot become {new}: the journal knows both, as {known.id} and {there.id}. Remove the line"
            )
            continue
        types = {name: t for name, t in owned.memory.types.items() if name != old.name} | {new.name: known}
        owned.memory = replace(owned.memory, types=types)
        said = f"was {old}; nothing is sent"
        owned.claims.append(Claim(new, "move", ((known.id, ""),), known.name, said))


def _import(owned: Owned, campaign: Campaign, observed: Observed) -> None:
    for imported in campaign.import_:
        address = Address.parse(imported.to)
        declared, known = campaign.qualification_types[address.name], owned.memory.types.get(address.name)
        if known is not None and known.id == imported.id and not known.deleted:
            continue
        state = _by_id(observed, imported.id)
        if state is None:
            owned.refusals.append(f"{address}: this account has no qualification type of its own with id {imported.id}")
        elif state.values["name"] != declared.name:
            owned.refusals.append(
                f'{address}: {imported.id} is called "{state.values["name"]}". Write name: "{state.values["name"]}"; '
                "to give it another name afterwards, add renamed_from"
            )
        elif known is not None and not known.deleted:
            owned.refusals.append(
                f"{address}: the journal knows {known.id} by this address. Declare {imported.id} by another"
            )
        else:
            mine = KnownType(imported.id, declared.name)
            owned.memory = replace(owned.memory, types={**owned.memory.types, address.name: mine})
            said = "becomes this campaign's; nothing is sent"
            owned.claims.append(Claim(address, "import", ((imported.id, ""),), declared.name, said))


def _by_id(observed: Observed, type_id: str) -> QualificationTypeState | None:
    return next((state for state in observed.types.values() if state.id == type_id), None)


def _forget(owned: Owned, campaign: Campaign, observed: Observed) -> None:
    released = set()
    for removed in campaign.removed:
        address = Address.parse(removed.from_)
        objects: list[tuple[str, str]] = []
        match address.kind:
            case "qualification_type":
                objects = _forget_type(owned, address.name)
            case "grant":
                objects = _forget_grants(owned, address, campaign, observed)
            case "block":
                objects = _forget_blocks(owned, address)
            case "hit_type":
                kept = {i: n for i, n in owned.memory.notifications.items() if n.name != address.name}
                objects = [(i, "") for i in owned.memory.notifications if i not in kept]
                owned.memory = replace(owned.memory, notifications=kept)
            case _:
                released.add(address.name)
                left = sum(len(hits) for (name, _), hits in observed.hits.items() if name == address.name)
                if left:
                    text = f"{address}: {left} HIT{'s' if left != 1 else ''} left alone; keep the line while they live"
                    owned.notes.append(text)
        if objects:
            said = "stays in the account, and is not this campaign's any more; nothing is sent"
            owned.claims.append(Claim(address, "forget", tuple(objects), said=said))
    owned.released = frozenset(released)


def _forget_type(owned: Owned, name: str) -> list[tuple[str, str]]:
    known = owned.memory.types.get(name)
    older = [old for at, old in owned.memory.older if at == name]
    gone = {t.id for t in (known, *older) if t is not None and not t.deleted}
    owned.memory = replace(
        owned.memory,
        types={at: t for at, t in owned.memory.types.items() if at != name},
        older=tuple(entry for entry in owned.memory.older if entry[0] != name),
        grants={i: workers for i, workers in owned.memory.grants.items() if i not in gone},
    )
    return [(type_id, "") for type_id in sorted(gone)]


def _forget_grants(owned: Owned, address: Address, campaign: Campaign, observed: Observed) -> list[tuple[str, str]]:
    known = owned.memory.types.get(address.name)
    declared = campaign.qualification_types.get(address.name)
    state = observed.types.get(declared.name) if declared else None
    ids = {t.id for t in (known, state) if t is not None}
    found = [
        (type_id, worker)
        for type_id in sorted(ids)
        for worker in sorted(owned.memory.grants.get(type_id, ()))
        if address.key in (None, worker)
    ]
    grants = {i: frozenset(w for w in workers if (i, w) not in found) for i, workers in owned.memory.grants.items()}
    owned.memory = replace(owned.memory, grants=grants)
    return found


def _forget_blocks(owned: Owned, address: Address) -> list[tuple[str, str]]:
    found = sorted(worker for worker in owned.memory.blocks if address.key in (None, worker))
    owned.memory = replace(owned.memory, blocks=owned.memory.blocks.difference(found))
    return [("", worker) for worker in found]


def _protect(owned: Owned, campaign: Campaign, observed: Observed) -> None:
    """What the files say of a type that is there, where the journal remembers something else.

    One that is to be made is protected with its creation; one of which nothing is said stays as it is, so that
    the line that protects cannot be deleted together with what it protects.
    """
    for name, declared in sorted(campaign.qualification_types.items()):
        state = observed.types.get(declared.name)
        if state is None or declared.prevent_destroy is None:
            continue
        protected = state.id in owned.memory.protected
        if declared.prevent_destroy != protected:
            word: Word = "protect" if declared.prevent_destroy else "release"
            rest = "cannot be deleted from now on" if declared.prevent_destroy else "may be deleted from now on"
            address = Address("qualification_type", name)
            owned.claims.append(Claim(address, word, ((state.id, ""),), declared.name, f"{rest}; nothing is sent"))


def protected(owned: Owned, campaign: Campaign, name: str, state: QualificationTypeState) -> str:
    """Why a type must not be deleted; empty where it may."""
    declared = campaign.qualification_types.get(name)
    if declared is not None and declared.prevent_destroy is not None:
        return "prevent_destroy is set" if declared.prevent_destroy else ""
    return "the journal remembers its prevent_destroy" if state.id in owned.memory.protected else ""
