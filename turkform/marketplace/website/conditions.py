"""Requirements in, what a worker reads of them out: each in words, and whether this worker meets it.

Source: the system qualifications' names and values, "Selecting eligible Workers" in the requester guide (read 24 Nov
2026).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from turkform.marketplace.tables import qualification_types

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from turkform.marketplace.context import Context
    from turkform.marketplace.requirements import Candidate

_NAMES: Final = {
    "2F1QJWKUDD8XADTFD2Q0G6UTO95ALH": "Masters",
    "2ARFPLSP75KLA8M8DH1HTEQVJT3SY6": "Masters",
    "00000000000000000040": "Approved tasks",
    "000000000000000000L0": "Approval rate in percent",
    "00000000000000000071": "Location",
    "00000000000000000060": "Adult content",
    "00000000000000000000": "Submitted in percent",
    "00000000000000000070": "Abandoned in percent",
    "000000000000000000E0": "Returned in percent",
    "000000000000000000S0": "Rejected in percent",
}
_WORDS: Final = {
    "LessThan": "less than",
    "LessThanOrEqualTo": "at most",
    "GreaterThan": "more than",
    "GreaterThanOrEqualTo": "at least",
    "EqualTo": "is",
    "NotEqualTo": "is not",
    "In": "one of",
    "NotIn": "none of",
}


@dataclass(frozen=True, slots=True)
class Condition:
    """A requirement as a worker reads it; `type_id` is a requester's qualification type, "" for a system one.

    `held` is what the worker has, where that is more than having it or not.
    """

    name: str
    wanted: str
    met: bool
    type_id: str
    held: str


def conditions(context: Context, candidate: Candidate, requirements: str) -> list[Condition]:
    """What a HIT type's requirements, as JSON, ask for, and whether this worker has it."""
    asked = json.loads(requirements)
    names = _NAMES | _named(context, {r["QualificationTypeId"] for r in asked} - _NAMES.keys())
    return [
        Condition(
            name=names.get(r["QualificationTypeId"], r["QualificationTypeId"]),
            wanted=_wanted(r),
            met=candidate.meets(r),
            type_id="" if r["QualificationTypeId"] in _NAMES else r["QualificationTypeId"],
            held=_held(candidate, r),
        )
        for r in asked
    ]


def _named(context: Context, ids: Iterable[str]) -> dict[str, str]:
    wanted = list(ids)
    if not wanted:
        return {}
    q = qualification_types.c
    rows = context.connection.execute(select(q.id, q.name).where(q.id.in_(wanted))).all()
    return {row.id: row.name for row in rows}


def _held(candidate: Candidate, requirement: Mapping[str, Any]) -> str:
    value = candidate.value(requirement["QualificationTypeId"])
    known = isinstance(value, int | str) and requirement["Comparator"] not in {"Exists", "DoesNotExist"}
    return str(value) if known else ""


def _wanted(requirement: Mapping[str, Any]) -> str:
    comparator = requirement["Comparator"]
    if comparator == "Exists":
        return "you have it"
    if comparator == "DoesNotExist":
        return "you do not have it"
    places = [
        "-".join(filter(None, (p["Country"], p.get("Subdivision")))) for p in requirement.get("LocaleValues") or ()
    ]
    values = places or [str(n) for n in requirement.get("IntegerValues") or ()]
    return f"{_WORDS[comparator]} {', '.join(values)}"
