"""Qualification types, desired beside observed: to create, change, replace or delete.

In: both sides and what the journal proves ours. Out: `TypeChange`s, refusals and notes in a `Diff`. A type is
found by its name, which nothing can change: another name is another type.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from turkform.changes import Action, TypeChange
from turkform.kinds.resource import Address, differences
from turkform.ownership import protected
from turkform.times import format_time, from_epoch

if TYPE_CHECKING:
    from turkform.campaign import Desired
    from turkform.changes import Diff
    from turkform.choices import Choices
    from turkform.kinds.qualification_type import QualificationType
    from turkform.memory import KnownType, Memory
    from turkform.observed import Observed, QualificationTypeState

NAME_BLOCKED = timedelta(hours=48)
"""DeleteQualificationType: the name may stay taken for up to so long."""


def compare_types(found: Diff, desired: Desired, observed: Observed, memory: Memory, choices: Choices) -> None:
    """Add to the diff everything that differs between the types declared and those there are."""
    declared = {} if choices.destroy else desired.campaign.qualification_types
    for name, wanted in sorted(declared.items()):
        address = Address("qualification_type", name)
        state, known = observed.types.get(wanted.name), memory.types.get(name)
        if state is not None:
            found.ids[address] = state.id
        if not choices.chosen(address, found.needed):
            found.left_out += state is None or bool(wanted.differences(state.values))
            continue
        old = replaced(wanted, observed, memory, name)
        if known and known.name not in (wanted.name, wanted.renamed_from) and _lives(known, observed):
            found.refusals.append(
                f'{address} was created as "{known.name}", and MTurk cannot rename a qualification type. '
                f'Put name: "{known.name}" back, or add renamed_from: "{known.name}" to replace it by a new one'
            )
            continue
        if state is None:
            found.types.append(_new_type(address, wanted, observed, memory, old))
            if found.types[-1].action is Action.WAIT:
                continue  # until it is there, the one that it takes the place of is needed
        else:
            _compare_type(found, address, wanted, state, adopted=known is None or known.id != state.id)
        if old is not None:
            _drop_type(found, desired, address, old, observed, replaced=True)
    _drop_types(found, desired, observed, memory, choices)


def _drop_types(found: Diff, desired: Desired, observed: Observed, memory: Memory, choices: Choices) -> None:
    """Types of ours that nothing declares, and those that another one has taken the place of."""
    declared = {} if choices.destroy else desired.campaign.qualification_types
    names = {wanted.name for wanted in declared.values()}
    going = {change.observed.id for change in found.types if change.action is Action.DELETE and change.observed}
    for name, known in (*sorted(memory.types.items()), *memory.older):
        superseded = (name, known) in memory.older
        dropped = known.name not in names and (superseded or name not in declared)
        if not dropped or not _lives(known, observed) or known.id in going:
            continue
        address = Address("qualification_type", name)
        if choices.chosen(address):
            _drop_type(found, desired, address, observed.types[known.name], observed, replaced=superseded)
        else:
            found.left_out += 1


def _lives(known: KnownType, observed: Observed) -> bool:
    state = observed.types.get(known.name)
    return not known.deleted and state is not None and state.id == known.id


def replaced(wanted: QualificationType, observed: Observed, memory: Memory, name: str) -> QualificationTypeState | None:
    """The type that this one takes the place of, while it is there.

    Its name may come back as somebody's new type: once the replacement is made, the old one is known by its id.
    """
    old = observed.types.get(wanted.renamed_from or "")
    if old is None:
        return None
    known = memory.types.get(name)
    begun = known is not None and old.id in (known.replaces, known.id)
    older = any(old.id == before.id for _, before in memory.older)
    return old if begun or older or wanted.name not in observed.types else None


def _new_type(
    address: Address,
    wanted: QualificationType,
    observed: Observed,
    memory: Memory,
    old: QualificationTypeState | None,
) -> TypeChange:
    fields = differences(wanted.values({}), {})
    until = memory.freed.get(wanted.name, 0.0) + NAME_BLOCKED.total_seconds()
    if observed.now.timestamp() < until:
        reason = (
            f'the name "{wanted.name}" was freed by a deletion and may stay taken until '
            f"{format_time(from_epoch(until))}; under another `name:` it can be made now"
        )
        return TypeChange(address, Action.WAIT, wanted, None, fields, reason, until=until)
    reason = f'takes the place of "{old.values["name"]}" ({old.id})' if old else ""
    return TypeChange(address, Action.CREATE, wanted, None, fields, reason, replaces=old.id if old else "")


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


def _drop_type(
    found: Diff,
    desired: Desired,
    address: Address,
    state: QualificationTypeState,
    observed: Observed,
    *,
    replaced: bool = False,
) -> None:
    """Delete our own type; while HITs require it, it is only made Inactive and the deletion waits."""
    why = protected(found.owned, desired.campaign, address.name, state) if found.owned else ""
    if why:
        place = desired.place("qualification_types", address.name, "prevent_destroy")
        found.refusals.append(
            f'{address}: "{state.values["name"]}" would be deleted, and {why}{place}. Keep it; or say '
            "prevent_destroy: false, apply, and try again"
        )
        return
    left = observed.guarded.get(state.id, 0)
    reason = f"{left} HIT{'s' if left != 1 else ''} still require it" if left else ""
    found.types.append(TypeChange(address, Action.DELETE, None, state, reason=reason, replaced=replaced))
