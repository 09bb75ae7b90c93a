"""What a person says beside the files, for one plan: what to leave out, and which guard to lift where.

In: addresses, as the plan shows them. Out: `Choices`, which answers for one resource, one item or one worker
at a time. A choice names what it is about: there is none that lifts a guard everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from turkform.items import stored_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from turkform.kinds.resource import Address


@dataclass(frozen=True, slots=True)
class Keys:
    """Some of one resource's items or workers: all of them, or those with these keys."""

    whole: bool = False
    keys: frozenset[str] = frozenset()
    """As people write them."""
    besides: frozenset[str] = frozenset()
    """Never these, whatever else is said."""

    def __contains__(self, key: object) -> bool:
        return key not in self.besides and (self.whole or key in self.keys)

    def __bool__(self) -> bool:
        return self.whole or bool(self.keys)

    def stored(self) -> Keys:
        """The same items by their keys as markers hold them."""
        return Keys(self.whole, frozenset(map(stored_key, self.keys)), frozenset(map(stored_key, self.besides)))


ALL = Keys(whole=True)
NONE = Keys()


@dataclass(frozen=True, slots=True)
class Choices:
    """What a person said beside the files, for this one plan."""

    destroy: bool = False
    reopen: frozenset[Address] = frozenset()
    """Batches and items to open again that `close`, `destroy` or somebody else expired."""
    allow_destroy: frozenset[Address] = frozenset()
    """Resources that may lose more than their guard lets them."""
    allow_rekey: frozenset[Address] = frozenset()
    touch: frozenset[Address] = frozenset()
    """Blocks to take away and make anew, though nothing that can be compared differs."""
    discard_answers: frozenset[Address] = frozenset()
    """Batches and items whose HITs may be deleted with the answers on them."""
    target: frozenset[Address] = frozenset()
    """Only these and what they need; everything where it is empty."""
    exclude: frozenset[Address] = frozenset()

    def keys(self, name: str, address: Address) -> Keys:
        """Which items or workers of a resource the choice of this name is about."""
        found: frozenset[Address] = getattr(self, name)
        return _keys(found, address)

    def chosen(self, address: Address, needed: frozenset[Address] = frozenset()) -> Keys:
        """Which items or workers of a resource this plan is about; `needed`: what the targets need besides."""
        left_out = _keys(self.exclude, address)
        if left_out.whole:
            return NONE
        whole = not self.target or address in needed
        picked = ALL if whole else _keys(self.target, address)
        return Keys(picked.whole, picked.keys, left_out.keys)

    def said(self) -> Iterator[tuple[str, frozenset[Address]]]:
        """Every choice that takes addresses, in a fixed order."""
        for choice in fields(self):
            value = getattr(self, choice.name)
            if isinstance(value, frozenset):
                yield choice.name, value


def _keys(addresses: frozenset[Address], address: Address) -> Keys:
    if address in addresses:
        return ALL
    return Keys(keys=frozenset(a.key for a in addresses if a.key is not None and a.parent == address))
