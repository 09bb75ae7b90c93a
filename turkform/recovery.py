"""Settling what an interrupted apply left open, and starting again where the journal is lost.

In: a `Survey`, and the calls whose outcome was not learned. Out: their outcomes, read off the account
once it is sure to show them; or, after a loss, a new journal that vouches for what a person said.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from turkform.entries import Outcome
from turkform.errors import RefusedError, UsageError
from turkform.hits import HITs
from turkform.item_change import Op
from turkform.kinds.qualification import GRANT, REVOKE
from turkform.kinds.resource import Address
from turkform.kinds.worker_block import BLOCK, UNBLOCK
from turkform.money import Money
from turkform.past import APPROVE, BONUS, REJECT
from turkform.publication import SETTLING, TOLERANCE
from turkform.reviewer import reviewed
from turkform.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from turkform.hits import HIT
    from turkform.memory import OpenCall
    from turkform.observed import Record
    from turkform.run import Run
    from turkform.survey import Survey

Fate = Literal["done", "publish"]


def settle(survey: Survey, run: Run, gone: list[OpenCall] | None = None) -> list[OpenCall]:
    """Settle every open call that the account answers; returns those still too young to tell.

    A listing shows what a call did after 60 s at most;
    what it does not show then never happened, and if it is still wanted it is sent with the same token.
    Decisions on a HIT that is gone can never be told: with a list for them, they are put there and counted as done.
    """
    left = []
    at = survey.observed.now
    wanted = {str(call.detail.get("object", "")) for call in survey.memory.open}
    listed = (hit for batch in survey.observed.hits.values() for hits in batch.values() for hit in hits)
    hits = {hit.id: hit for hit in listed if hit.id in wanted} if wanted else {}
    for call in survey.memory.open:
        done, object_id = _happened(call, survey, hits)
        if done is None and gone is not None:
            gone.append(call)
            run.settle(call.id, Outcome.DONE, object_id=object_id, at=at, error="its HIT is gone; counted as done")
            continue
        if done is None:
            left.append(call)
            continue
        if done:
            run.settle(call.id, Outcome.DONE, object_id=object_id, at=at, error="settled by reading the account")
        elif call.shown_for(at.timestamp(), survey.local) >= SETTLING:
            run.settle(call.id, Outcome.VOID, object_id=object_id, at=at, error="settled by reading the account")
        else:
            left.append(call)
    return left


def _happened(call: OpenCall, survey: Survey, hits: Mapping[str, HIT]) -> tuple[bool | None, str]:
    """Whether the account shows what the call was to do, and the object it is about; None where it cannot tell."""
    detail, observed = call.detail, survey.observed
    object_id = str(detail.get("object", ""))
    hit = hits.get(object_id)
    match call.operation:
        case "CreateHITWithHITType":
            made = _made(call, survey)
            return made is not None, made.id if made else ""
        case "CreateQualificationType":
            state = observed.types.get(str(detail.get("name", "")))
            if state is None and observed.record is not None and call.address == "record":
                return True, observed.record.id
            return state is not None, state.id if state else ""
        case "DeleteHIT":
            return hit is None, object_id
        case "CreateAdditionalAssignmentsForHIT":
            return hit is not None and hit.maximum >= int(detail.get("maximum", 0)), object_id
        case "UpdateExpirationForHIT":
            return hit is not None and _ends(hit, float(detail["expires"]), observed.now.timestamp()), object_id
        case "UpdateHITReviewStatus":
            return hit is not None and hit.status != "Reviewing", object_id
        case "UpdateHITTypeOfHIT":
            return hit is not None and hit.type_id == detail.get("type"), object_id
        case "DeleteQualificationType":
            return all(state.id != object_id for state in observed.types.values()), object_id
        case operation if operation in {APPROVE, REJECT, BONUS}:
            return reviewed(survey.account, call), object_id
        case operation if operation in {BLOCK, UNBLOCK}:
            return (call.key in observed.blocks) == (operation == BLOCK), ""
        case operation if operation in {GRANT, REVOKE}:
            holders = observed.grants.get(str(detail.get("type", "")), {})
            return (call.key in holders) == (operation == GRANT), ""
    return False, object_id


def _made(call: OpenCall, survey: Survey) -> HIT | None:
    """The HIT with the very marker that an open creation was to make."""
    batch = (str(call.detail["batch"]), int(call.detail["round"]))
    for hit in survey.observed.hits.get(batch, HITs()).get(call.key, ()):
        if hit.generation == call.detail["generation"] and hit.fingerprint == call.detail["fingerprint"]:
            return hit
    return None


def _ends(hit: HIT, wanted: float, now: float) -> bool:
    return hit.expires <= now if wanted <= now else abs(hit.expires - wanted) <= TOLERANCE


# --- a lost journal -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Unvouched:
    """A row without a HIT: bought and gone, or never bought; without the journal nobody can say."""

    address: Address
    batch: str
    round: int
    stored: str
    fingerprint: str
    cents: int


def unvouched(survey: Survey) -> Iterator[Unvouched]:
    """The items nobody can vouch for: new rows look the same as finished ones."""
    for address, publication in survey.found.publications.items():
        for change in publication.changes(Tally()):
            if Op.CREATE in change.ops:
                yield Unvouched(
                    address.item(change.key),
                    *publication.batch,
                    change.stored,
                    change.fingerprint,
                    sum(change.cents),
                )


def start_anew(
    survey: Survey,
    run: Run,
    *,
    fates: Mapping[Address, Fate],
    otherwise: Fate | None,
) -> dict[str, int]:
    """Write into a new journal what a person vouches for; buys nothing.

    Every HIT with the campaign's marker is adopted. An item told `done` counts as bought for ever, and in
    the budget at its full price; one told `publish` is a purchase of the next plan.

    Raises:
        RefusedError: there is no campaign record to take over.
        UsageError: an item was told nothing.
    """
    record = survey.observed.record
    if record is None:
        raise RefusedError(["this account has no record of this campaign, so no journal was lost"])
    items = list(unvouched(survey))
    silent = [item for item in items if (fates.get(item.address) or otherwise) is None]
    if silent:
        price = Money(sum(item.cents for item in silent))
        raise UsageError(
            f"nobody can vouch for {len(silent)} items, ${price} if bought again: " + _names(silent),
            "Say --unvouched done or --unvouched publish for all, or --item ADDRESS=done for one.",
        )
    adopted = _adopt_all(survey, run)
    done = [item for item in items if (fates.get(item.address) or otherwise) == "done"]
    for item in done:
        run.note_adopted(
            address=str(item.address.parent), batch=item.batch, round=item.round, key=item.stored,
            hit_id=f"vouched:{item.batch}@{item.round}/{item.stored}", generation=1, fingerprint=item.fingerprint,
            cents=item.cents, created=0.0, expires=0.0,
        )  # fmt: skip
    return {"adopted": adopted, "done": len(done), "publish": len(items) - len(done)}


def _names(items: list[Unvouched]) -> str:
    shown = ", ".join(str(item.address) for item in items[:5])
    return shown + (f" and {len(items) - 5} more" if len(items) > 5 else "")


def _adopt_all(survey: Survey, run: Run) -> int:
    count = 0
    names = {p.batch: address for address, p in survey.found.publications.items()}
    for batch, keys in survey.observed.hits.items():
        address = names.get(batch, Address("batch", batch[0]))
        terms = survey.found.publications[address].terms if address in survey.found.publications else {}
        for key, hits in keys.items():
            for hit in hits:
                unit = terms[hit.type_id].unit(hit.maximum) if hit.type_id in terms else 0
                run.note_adopted(
                    address=str(address), batch=batch[0], round=batch[1], key=key, hit_id=hit.id,
                    generation=hit.generation, fingerprint=hit.fingerprint, cents=hit.maximum * unit,
                    created=hit.created, expires=hit.expires,
                )  # fmt: skip
                count += 1
    return count


def rewritten(record: Record, *, journal: str, environment: str) -> dict[str, Any]:
    """The call that makes the record name another journal or environment; its creation time stays."""
    line = {"created": record.created, "environment": environment, "journal": journal, "record": 1}
    return {"QualificationTypeId": record.id, "Description": json.dumps(line, sort_keys=True)}
