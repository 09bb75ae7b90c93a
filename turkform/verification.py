"""Whether each item was bought once: the journal and the account against each other, item by item.

In: a `Survey`. Out: a `Verification`: every HIT that bears this campaign's marker is read off the account again,
and every one the journal knows is looked for there. What does not fit is named, with what it costs.

    duplicate   another HIT of the same item and generation stands beside it
    missing     the journal has bought it, and the account does not have it any more
    stranger    it bears our marker, and the journal neither made nor adopted it
    open        a call whose outcome is not known may have bought it

A missing one is no loss by itself: a HIT that is done and deleted is missing for ever, and was paid for.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from turkform.kinds.resource import Address
from turkform.money import Money
from turkform.pricing import Pricing, committed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from turkform.observed import BatchKey
    from turkform.survey import Survey

Flaw = Literal["duplicate", "missing", "stranger", "open"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One item that is not simply bought once."""

    flaw: Flaw
    address: str
    hit_id: str
    """Empty where nothing is known of a HIT."""
    price: Money
    """What it has cost or may still cost."""


@dataclass(slots=True)
class Verification:
    """What an audit of every item found."""

    items: int = 0
    """Items that have a HIT, in the account or in the journal."""
    hits: int = 0
    """HITs of this campaign in the account."""
    price: Money = field(default_factory=lambda: Money(0))
    """What they have cost or may still cost."""
    findings: list[Finding] = field(default_factory=list)

    @property
    def counts(self) -> Counter[str]:
        """How many of each flaw."""
        return Counter(finding.flaw for finding in self.findings)

    @property
    def sound(self) -> bool:
        """Nothing was bought twice or by nobody; what is missing was bought once all the same."""
        return not self.counts.keys() & {"duplicate", "stranger"}

    def document(self) -> dict[str, Any]:
        """The same for programs."""
        return {
            "items": self.items,
            "hits": self.hits,
            "committed": str(self.price),
            "findings": [
                {"flaw": f.flaw, "address": f.address, "hit": f.hit_id or None, "price": str(f.price)}
                for f in self.findings
            ],
        }


def verify(survey: Survey) -> Verification:
    """Hold the journal against the account, every round of every batch."""
    found = Verification()
    names = {publication.batch: address for address, publication in survey.found.publications.items()}
    keys: set[tuple[BatchKey, str]] = set()
    cents = 0
    for finding, batch, key, price in _account(survey, names):
        found.hits += 1
        cents += price
        keys.add((batch, key))
        if finding is not None:
            found.findings.append(finding)
    found.findings += _missing(survey, names, keys)
    for call in survey.memory.open:
        if call.operation == "CreateHITWithHITType":
            address = str(Address.parse(call.address).item(call.key))
            found.findings.append(Finding("open", address, "", Money(0)))
    found.items, found.price = len(keys), Money(cents)
    found.findings.sort(key=lambda finding: (finding.flaw, finding.address, finding.hit_id))
    return found


def _account(survey: Survey, names: dict[BatchKey, Address]) -> Iterator[tuple[Finding | None, BatchKey, str, int]]:
    """Every HIT of the campaign: what is wrong with it, whose it is, and its cents."""
    now = survey.observed.now.timestamp()
    terms = Pricing(survey.desired, survey.observed, survey.found.ids).observed(None)
    ours = {known.id for batch in survey.memory.hits.values() for known in batch.every()}
    for batch, by_key in survey.observed.hits.items():
        for key, hits in by_key.items():
            for number, hit in enumerate(sorted(hits, key=lambda hit: (-hit.generation, hit.id not in ours))):
                cents = committed(hit, terms[hit.type_id].unit(hit.maximum), now)
                flaw: Flaw | None = None
                if number and hit.generation == hits[0].generation:
                    flaw = "duplicate"
                elif survey.memory.journal and hit.id not in ours:
                    flaw = "stranger"
                address = str(_batch(batch, names).item(key))
                yield (Finding(flaw, address, hit.id, Money(cents)) if flaw else None), batch, key, cents


def _missing(survey: Survey, names: dict[BatchKey, Address], keys: set[tuple[BatchKey, str]]) -> Iterator[Finding]:
    """What the journal has bought and the account lacks; also notes whose items they are."""
    present = {hit.id for by_key in survey.observed.hits.values() for hits in by_key.values() for hit in hits}
    for batch, known in survey.memory.hits.items():
        for hit in known.values():
            if hit.deleted or hit.id in present:
                continue
            keys.add((batch, hit.key))
            yield Finding("missing", str(_batch(batch, names).item(hit.key)), hit.id, Money(hit.cents))


def _batch(batch: BatchKey, names: dict[BatchKey, Address]) -> Address:
    name, number = batch
    return names.get(batch, Address("batch", name if number == 1 else f"{name}@{number}"))
