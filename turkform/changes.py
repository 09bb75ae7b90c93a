"""Changes: what a diff is made of, each one difference between desired and observed as a small value.

In: what a comparison found. Out: values, and a `Diff` that holds all of them with everything to be said.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from turkform.approval import Approval
    from turkform.kinds.qualification_type import QualificationType
    from turkform.kinds.resource import Address, FieldChange
    from turkform.observed import QualificationTypeState
    from turkform.ownership import Owned
    from turkform.publication import Publication


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
    """A qualification type to create, update or delete; or to create once its name is free."""

    address: Address
    action: Action
    desired: QualificationType | None
    observed: QualificationTypeState | None
    fields: tuple[FieldChange, ...] = ()
    reason: str = ""
    replaces: str = ""
    """CREATE: the id of the type that it takes the place of."""
    until: float = 0.0
    """WAIT: when its name is free again at the latest, in epoch seconds."""
    replaced: bool = False
    """DELETE: another one has taken its place, at the same address."""
    held: bool = False
    """DELETE: workers hold it to whom the saved plan gives nothing instead, so that it has to stay."""


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
    waits: str = ""
    """Why nobody can be added yet; empty where they can."""
    copied: bool = False
    """Taken over from a type that is replaced: not ours, so that their absence revokes nothing."""

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
    owned: Owned | None = None
    """Whose things are, by the files' own word; None only while it is not compared yet."""
    approval: Approval | None = None
    """Of the saved plan that is carried out."""
    refusals: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
