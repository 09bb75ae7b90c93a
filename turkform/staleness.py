"""Whether a saved plan is still true.

In: the saved document and a fresh survey. Out: everything that moved, as sentences; none means that the
plan may run. What workers do meanwhile is not among them: their work only narrows a plan.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from turkform.money import Money
from turkform.times import format_time, parse_time

if TYPE_CHECKING:
    from turkform.campaign import Desired
    from turkform.plan import Plan
    from turkform.survey import Survey

_BOUND = ("command", "campaign", "environment", "endpoint", "record", "journal", "fees", "policies", "choices")


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
    found += [f"now refused: {reason}" for reason in now["refusals"] if reason not in before["refusals"]]
    price, fresh = Money.parse(before["price"]["total"]), survey.plan.price
    if fresh > price:
        found.append(f"the price was ${price} and is ${fresh}")
    if not found and before["intent"] != now["intent"]:
        found += _steps(before, now)
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


def _steps(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """The account is not as it was: name the addresses whose changes are others."""
    old, new = ({(s["address"], s["action"], s.get("op", "")) for s in d["steps"]} for d in (before, now))
    addresses = sorted({address for address, *_ in old ^ new}) or sorted({address for address, *_ in old | new})
    return [f"{address}: the account changed, and so would what the plan does" for address in addresses]
