"""Whether a saved plan is still true.

In: the saved document, and a survey made within its approval. Out: everything that moved, as sentences; none
means that the survey's plan, which is the saved one or a narrower one, may run. What workers do meanwhile is
not among them: no worker can alter what a plan's wishes and facts are digests of, and where their work
narrows a step, the plan within the approval has narrowed it already.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from turkform.money import Money
from turkform.times import format_time, from_epoch, parse_time

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from turkform.campaign import Desired
    from turkform.hits import HIT
    from turkform.plan import Plan
    from turkform.survey import Survey

_BOUND = ("command", "campaign", "environment", "endpoint", "record", "journal", "fees", "policies", "choices")
_NAMED = 5
"""So many items that moved are told of one address."""


def moved(saved: Plan, survey: Survey, *, used: bool = False) -> list[str]:
    """What makes the saved plan untrue; `used` says whether the journal knows it as applied."""
    before, now = saved.document, survey.plan.document
    found = ["this plan was applied already: a plan is used once"] if used else []
    if survey.observed.now > parse_time(before["valid_until"]):
        found.append(f"the plan was valid until {before['valid_until']}; it is {format_time(survey.observed.now)}")
    found += [
        f"{name} was {_shown(before[name])} and is {_shown(now[name])}" for name in _BOUND if before[name] != now[name]
    ]
    found += _differing("file", before["inputs"], now["inputs"])
    found += _differing("variable", before["variables"], now["variables"])
    if not found:  # of another campaign or a later time everything would be said
        found += _account(before, now, survey)
    found += [f"now refused: {reason}" for reason in now["refusals"] if reason not in before["refusals"]]
    found += _dearer(before["price"], now["price"])
    return found


def edited(desired: Desired) -> list[str]:
    """Which of a campaign's files are no longer as they were read: their rows are read again when they are sent."""
    found = []
    for name, sha256 in desired.inputs.items():
        try:
            with (desired.folder / name).open("rb") as file:
                same = hashlib.file_digest(file, "sha256").hexdigest() == sha256
        except OSError:
            same = False
        if not same:
            found.append(f"the file {name} was changed since it was read")
    return found


def _shown(value: Any) -> str:
    return "nothing" if value in (None, "", {}, []) else str(value)


def _differing(what: str, before: dict[str, str], now: dict[str, str]) -> list[str]:
    names = sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
    return [
        f"the {what} {name} was {'changed' if name in before and name in now else 'added or removed'}" for name in names
    ]


def _dearer(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """A price that rose, unless only what is committed fell by as much: a worker has returned a place."""
    price, fresh = Money.parse(before["total"]), Money.parse(now["total"])
    after, fresh_after = Money.parse(before["committed_after"]), Money.parse(now["committed_after"])
    return [f"the price was ${price} and is ${fresh}"] if fresh > price and fresh_after > after else []


# --- the account ----------------------------------------------------------------------------------


def _account(before: Mapping[str, Any], now: Mapping[str, Any], survey: Survey) -> Iterator[str]:
    """Addresses whose wishes or facts are others, and what of their items moved where that can be told."""
    old, new = before["rests_on"], now["rests_on"]
    made = {s["address"] for s in before["steps"] if s["action"] == "create" and not s.get("items")}
    for address in sorted(old.keys() | new.keys()):
        if old.get(address) == new.get(address) or (address in made and address not in new):
            continue  # what was to be made and is there already, as declared, is adopted
        told = [said for step in before["steps"] if step["address"] == address for said in _items(step, survey)]
        told = list(dict.fromkeys(told))
        yield from told[:_NAMED]
        if len(told) > _NAMED:
            yield f"{address}: {len(told) - _NAMED} more of its HITs are not as they were"
        if not told:
            yield f"{address}: the account is not as it was, and so the plan would be another"


def _items(step: Mapping[str, Any], survey: Survey) -> Iterator[str]:
    """What is known of the step's listed HITs that is not as it was."""
    entries = [entry for entry in step["items"]["listed"] if "hit" in entry] if step.get("items") else []
    if not entries:
        return
    wanted = {entry["hit"] for entry in entries}
    hits = {h.id: h for batch in survey.observed.hits.values() for own in batch.values() for h in own if h.id in wanted}
    for entry in entries:
        said = _item(entry, hits.get(entry["hit"]))
        if said:
            yield f"{step['address']}: HIT {entry['hit']} of {entry['key']} {said}"


def _item(entry: Mapping[str, str], hit: HIT | None) -> str:
    if hit is None:
        return "is gone"
    ends = format_time(from_epoch(hit.expires))
    if ends != entry["ends"]:
        return f"ended {entry['ends']} and ends {ends} now: somebody moved it"
    if hit.type_id != entry["hit_type"]:
        return "was moved to other terms by somebody"
    if str(hit.maximum) != entry["assignments"]:
        return f"had {entry['assignments']} assignments and has {hit.maximum} now"
    return ""
