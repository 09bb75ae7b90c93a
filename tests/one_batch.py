"""One batch, both sides at hand, without an account; and what is decided about its items."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from turkform.hits import HIT, HITs
from turkform.items import Item
from turkform.kinds import Batch
from turkform.kinds.resource import FieldChange
from turkform.memory import Known, Knowns, Memory
from turkform.pricing import Terms
from turkform.publication import Publication
from turkform.superseded import superseded
from turkform.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Sequence

    from turkform.item_change import ItemChange

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
T = NOW.timestamp()
DAY = 86_400.0
OWN, OLD = Terms(18, 21), Terms(12, 14, (FieldChange("reward", "0.10", "0.15"),))


@dataclass
class Page:
    """A template whose fingerprint is the row's text."""

    def fingerprint(self, row: Any) -> str:
        return str(row["text"])


@dataclass
class Rows:
    """A batch's source, its rows in memory."""

    batch: Batch
    rows: dict[str, str]
    template: Page = field(default_factory=Page)

    def items(self) -> Any:
        return (Item(key, {"text": text}, n) for n, (key, text) in enumerate(self.rows.items(), 2))


def hit(key: str, fingerprint: str, **changes: Any) -> HIT:
    """An untouched HIT made an hour ago under the declared terms, to end in a day's time less an hour."""
    values: dict[str, Any] = {
        "id": f"3{key.upper()}", "key": key, "generation": 1, "version": 1, "fingerprint": fingerprint,
        "type_id": "OWN", "created": T - 3600, "expires": T - 3600 + DAY, "maximum": 3, "available": 3,
        "pending": 0, "completed": 0, "status": "Assignable",
    }  # fmt: skip
    return HIT(**(values | changes))


def publication(
    rows: dict[str, str] | None,
    hits: Sequence[HIT] = (),
    memory: Memory | None = None,
    **batch: Any,
) -> Publication:
    """One batch, three assignments and a lifetime of a day unless said otherwise."""
    declared = {"hit_type": "t", "question": {"html": "p.html"}, "assignments": 3, "lifetime": "1d"} | batch
    if "ends" in batch:
        del declared["lifetime"]
    return Publication(
        batch=("b", 1),
        source=None if rows is None else Rows(Batch.model_validate(declared), rows),  # type: ignore[arg-type]
        hits=HITs(hits),
        memory=memory or Memory(),
        terms={"OWN": OWN, "OLD": OLD},
        desired_terms=OWN,
        now=NOW,
        local=T,
    )


def known(one: HIT, **changes: Any) -> Memory:
    """A journal that made this HIT."""
    entry = Known(one.id, one.key, one.generation, one.fingerprint, 54, one.created, one.expires)._replace(**changes)
    return Memory(journal="j", hits={("b", 1): Knowns([entry])})


def decide(subject: Publication) -> tuple[list[ItemChange], Tally]:
    tally = Tally()
    return [*subject.changes(tally), *superseded(subject)], tally


def ops(subject: Publication) -> dict[str, tuple[str, ...]]:
    return {change.key: tuple(str(op) for op in change.ops) for change in decide(subject)[0]}
