"""Requirements: whether a worker has what a HIT type asks for.

In: a worker and the requirements of a type. Out: the first that is not met. What system types hold of a worker:

                                       real                            rehearsal
    approvals, percentages             counted (`track_record`)        what the keeper said
    Masters, locale, adult content     what the keeper said            what the keeper said
    where nothing was said             the worker does not have it     counts as met

Source: QualificationRequirement in the API reference (read 23 Nov 2026).
"""

from __future__ import annotations

import json
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from turkform.marketplace.hit_types import ADULT, SYSTEM_TYPES
from turkform.marketplace.tables import grants, system_values
from turkform.marketplace.track_record import COUNTED, track_record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from turkform.marketplace.context import Context

    Value = int | str | None

GUARDS: Final = ("Accept", "PreviewAndAccept", "DiscoverPreviewAndAccept")
"""ActionsGuarded, from the weakest; each guards what those before it guard."""


class Unsaid(Enum):
    """A system qualification of which a rehearsal's keeper has said nothing."""

    UNSAID = "counts as met"


class Candidate:
    """A worker beside requirements, within one transaction; what the worker holds is read once."""

    def __init__(self, context: Context, worker: str) -> None:
        self._context, self.worker = context, worker
        self._values: dict[str, Value | Unsaid] = {}

    def unmet(self, requirements: str, guard: str = "Accept") -> Mapping[str, Any] | None:
        """The first requirement, of a type's JSON, that keeps the worker from doing what `guard` names."""
        for requirement in json.loads(requirements):
            if GUARDS.index(_guarded(requirement)) >= GUARDS.index(guard) and not self.meets(requirement):
                found: Mapping[str, Any] = requirement
                return found
        return None

    def meets(self, requirement: Mapping[str, Any]) -> bool:
        """Whether the worker meets a requirement."""
        value = self.value(requirement["QualificationTypeId"])
        return isinstance(value, Unsaid) or _fits(value, requirement)

    def value(self, type_id: str) -> Value | Unsaid:
        """What the worker has of a qualification type: a number, a locale like US-CA, or None."""
        if type_id not in self._values:
            if type_id in SYSTEM_TYPES:
                self._values = self._of_the_system() | self._values
            else:
                g = grants.c
                query = select(g.value).where(g.type_id == type_id, g.worker == self.worker, g.status == "Granted")
                self._values[type_id] = self._context.connection.execute(query).scalar()
        return self._values[type_id]

    def _of_the_system(self) -> dict[str, Value | Unsaid]:
        connection, s = self._context.connection, system_values.c
        query = select(s.type_id, s.value, s.locale).where(s.worker == self.worker)
        said = {row.type_id: row.value if row.locale is None else row.locale for row in connection.execute(query).all()}
        if self._context.settings.rehearsal:
            return dict.fromkeys(SYSTEM_TYPES, Unsaid.UNSAID) | said
        told = {type_id: value for type_id, value in said.items() if type_id not in COUNTED}
        return dict.fromkeys(SYSTEM_TYPES) | {ADULT: 0} | told | track_record(connection, self.worker)


def _guarded(requirement: Mapping[str, Any]) -> str:
    if requirement.get("RequiredToPreview"):
        return "PreviewAndAccept"
    return str(requirement.get("ActionsGuarded", "Accept"))


def _fits(value: Value, requirement: Mapping[str, Any]) -> bool:
    """Whether a value fits what is required of it.

    UNCERTAIN k14: without the qualification, DoesNotExist is met and nothing else.
    """
    comparator = requirement["Comparator"]
    if value is None:
        return bool(comparator == "DoesNotExist")
    if comparator in {"Exists", "DoesNotExist"}:
        return bool(comparator == "Exists")
    if isinstance(value, str):
        here = any(_within(value, locale) for locale in requirement.get("LocaleValues") or [])
        return here if comparator in {"EqualTo", "In"} else not here
    wanted = requirement.get("IntegerValues") or [0]
    return bool(
        {
            "LessThan": value < wanted[0],
            "LessThanOrEqualTo": value <= wanted[0],
            "GreaterThan": value > wanted[0],
            "GreaterThanOrEqualTo": value >= wanted[0],
            "EqualTo": value == wanted[0],
            "NotEqualTo": value != wanted[0],
            "In": value in wanted,
            "NotIn": value not in wanted,
        }[comparator]
    )


def _within(locale: str, wanted: Mapping[str, str]) -> bool:
    """Whether a worker's locale, US or US-CA, lies in a wanted one."""
    country, _, subdivision = locale.partition("-")
    return country == wanted["Country"] and wanted.get("Subdivision", subdivision) == subdivision
