"""Drift: what became of a campaign in its account that no apply of ours did.

In: a `Survey` and the journal. Out: findings, interference apart from decay. *Interference*: somebody else changed what
this campaign made: expired or shortened a HIT, moved it to other terms, deleted it, edited or deleted a qualification
type, revoked a grant, lifted a block. *Decay*: a HIT's own time is over, as was said when it was made. What the files
say now plays no part: an edited file is a plan, not drift.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from turkform.kinds.qualification_type import remembered
from turkform.kinds.resource import Address
from turkform.publication import TOLERANCE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from turkform.hits import HIT
    from turkform.journal import Journal
    from turkform.memory import Known
    from turkform.survey import Survey

NAMED = 20
"""So many items of one finding are named."""


class Cause(StrEnum):
    """Who or what did it."""

    INTERFERENCE = "interference"
    DECAY = "decay"
    EXTENSION = "extension"


@dataclass(slots=True)
class Finding:
    """One thing that became of one resource; of a batch, how many of its items it concerns."""

    address: Address
    cause: Cause
    text: str
    count: int = 0
    """Items; 0 where the resource has none."""
    keys: list[str] = field(default_factory=list)
    """The first of them, as stored."""

    def document(self) -> dict[str, Any]:
        """For programs."""
        return {
            "address": str(self.address),
            "cause": str(self.cause),
            "text": self.text,
            "items": {"count": self.count, "listed": self.keys} if self.count else None,
        }


def drift(survey: Survey, journal: Journal) -> list[Finding]:
    """Everything that moved without us, interference first, then by address."""
    found = [
        *_record(survey),
        *_types(survey, journal),
        *_grants(survey, journal),
        *_blocks(survey),
        *_hits(survey, journal),
    ]
    return sorted(found, key=lambda finding: (finding.cause != Cause.INTERFERENCE, str(finding.address), finding.text))


def _record(survey: Survey) -> Iterator[Finding]:
    if survey.memory.record and survey.observed.record is None:
        yield Finding(Address("record"), Cause.INTERFERENCE, "the campaign record was deleted")


def _types(survey: Survey, journal: Journal) -> Iterator[Finding]:
    """Own qualification types beside the values that our last call gave them."""
    for known in journal.types():
        if known.deleted_at or known.address == "record":
            continue
        address = Address.parse(known.address)
        state = next((state for state in survey.observed.types.values() if state.id == known.type_id), None)
        if state is None:
            yield Finding(address, Cause.INTERFERENCE, f'"{known.name}" was deleted')
            continue
        after = remembered(state.values)
        for name, before in known.values.items():
            if name in after and after[name] != before:
                yield Finding(address, Cause.INTERFERENCE, f"{name} was changed: {before} -> {after[name]}")


def _grants(survey: Survey, journal: Journal) -> Iterator[Finding]:
    live = {state.id for state in survey.observed.types.values()}
    for grant in journal.grants():
        if grant.copied or grant.type_id not in live or grant.type_id not in survey.observed.grants:
            continue  # nobody's to take back; or it went with its type, which is a finding of its own
        address = Address("grant", Address.parse(grant.address).name, grant.worker)
        value = survey.observed.grants[grant.type_id].get(grant.worker)
        if value is None:
            yield Finding(address, Cause.INTERFERENCE, "was revoked")
        elif grant.value is not None and value != grant.value:
            yield Finding(address, Cause.INTERFERENCE, f"value was changed: {grant.value} -> {value}")


def _blocks(survey: Survey) -> Iterator[Finding]:
    for worker in sorted(survey.memory.blocks - survey.observed.blocks.keys()):
        yield Finding(Address("block", key=worker), Cause.INTERFERENCE, "was unblocked")


def _hits(survey: Survey, journal: Journal) -> Iterator[Finding]:
    """One pass over the HITs the journal knows, beside those in the account."""
    now = survey.observed.now.timestamp()
    ours = {call.object_id for call in journal.calls(operation="CreateHITType")}
    names = {publication.batch: address for address, publication in survey.found.publications.items()}
    findings: dict[tuple[Address, Cause, str], Finding] = {}
    for batch, known_hits in survey.memory.hits.items():
        address = names.get(batch, Address("batch", batch[0]))
        present = {hit.id: hit for hits in survey.observed.hits.get(batch, {}).values() for hit in hits}
        for key, known in known_hits.items():
            for cause, text in _became(known, present.get(known.id), ours, now):
                at = address, cause, text
                finding = findings.setdefault(at, Finding(*at))
                finding.count += 1
                if len(finding.keys) < NAMED:
                    finding.keys.append(key)
    yield from findings.values()


def _became(known: Known, hit: HIT | None, ours: set[str], now: float) -> Iterator[tuple[Cause, str]]:
    """What became of one HIT that nothing of ours explains."""
    if known.deleted:
        return
    if hit is None:
        if not known.ending and known.expires > now:
            yield Cause.INTERFERENCE, "was deleted before its time was over"
        return
    if ours and hit.type_id not in ours:
        yield Cause.INTERFERENCE, f"was moved to HIT type {hit.type_id}, which this campaign did not make"
    if known.ending or not known.expires:
        return
    if hit.expires < known.expires - TOLERANCE:
        yield Cause.INTERFERENCE, "was expired" if hit.expires <= now else "was given an earlier end"
    elif hit.expires > known.expires + TOLERANCE:
        yield Cause.EXTENSION, "ends later than we said: a review policy or a person extended it"
    elif hit.expires <= now:
        yield Cause.DECAY, "expired, as was said when it was published"
