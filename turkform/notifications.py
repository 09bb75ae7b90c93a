"""Which notification settings have to be sent: one specification hangs on each HIT type, and none can be read.

In: the desired side, the batches, what the journal remembers of settings, and the HIT types that the plan needs
the ids of. Out: `Setting`s. Those of a HIT type are sent when it first gets a HIT of ours, also where HITs keep
its old terms, and whenever the journal remembers others. Where nothing is declared any more they are turned off.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from turkform.kinds.resource import Address, Pending

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from turkform.campaign import Desired
    from turkform.changes import Diff
    from turkform.choices import Choices
    from turkform.kinds.notification import Notification
    from turkform.memory import Memory


@dataclass(frozen=True, slots=True)
class Setting:
    """Settings to send for one HIT type; `desired` None turns them off."""

    address: Address
    type_id: str | Pending
    desired: Notification | None
    known: bool
    """The journal remembers settings of this HIT type."""


def settings(
    desired: Desired, found: Diff, memory: Memory, needed: Collection[str], choices: Choices
) -> Iterator[Setting]:
    """Every HIT type whose settings are not as declared; `needed` are HIT types that get HITs by this plan."""
    declared = {} if choices.destroy else desired.campaign.hit_types
    covered: set[str | Pending] = set()
    for name, hit_type in sorted(declared.items()):
        if hit_type.notify is None or not (name in needed or choices.chosen(Address("notification", name))):
            continue
        for type_id in _types(name, found, needed):
            covered.add(type_id)
            known = memory.notifications.get(str(type_id))
            if known is None or known.digest != hit_type.notify.digest:
                yield Setting(Address("notification", name), type_id, hit_type.notify, known is not None)
    for type_id, known in sorted(memory.notifications.items()):
        kept, address = declared.get(known.name), Address("notification", known.name)
        if type_id not in covered and (kept is None or kept.notify is None) and choices.chosen(address):
            yield Setting(address, type_id, None, known=True)


def _types(name: str, found: Diff, needed: Collection[str]) -> list[str | Pending]:
    """The ids of the HIT types that HITs have or get under this name."""
    address = Address("hit_type", name)
    used = {
        hits[0].type_id
        for publication in found.publications.values()
        if publication.source is not None and publication.source.batch.hit_type == name
        for hits in publication.hits.values()
    }
    new = found.ids.get(address, Pending(address))
    return [*sorted(used), *([new] if name in needed and new not in used else [])]
