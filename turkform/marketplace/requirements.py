"""Requirements: whether a worker has what a HIT type asks for.

In: a worker and the requirements of a type. Out: the first that is not met. Those on system types are judged by
what the marketplace's keeper has said of the worker, and count as met where nothing was said.

Source: QualificationRequirement in the API reference (read 23 Nov 2026).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from turkform.marketplace.hit_types import SYSTEM_TYPES
from turkform.marketplace.tables import grants, system_values

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from turkform.marketplace.context import Context

GUARDS = ("Accept", "PreviewAndAccept", "DiscoverPreviewAndAccept")
"""ActionsGuarded, from the weakest; each guards what those before it guard."""


def unmet(context: Context, worker: str, requirements: str, guard: str = "Accept") -> Mapping[str, Any] | None:
    """The first requirement, of a type's JSON, that keeps a worker from doing what `guard` names."""
    for requirement in json.loads(requirements):
        if GUARDS.index(_guarded(requirement)) >= GUARDS.index(guard):
            found: Mapping[str, Any] = requirement
            if not meets(context.connection, worker, found):
                return found
    return None


def _guarded(requirement: Mapping[str, Any]) -> str:
    if requirement.get("RequiredToPreview"):
        return "PreviewAndAccept"
    return str(requirement.get("ActionsGuarded", "Accept"))


def meets(connection: Connection, worker: str, requirement: Mapping[str, Any]) -> bool:
    """Whether a worker meets a requirement.

    UNCERTAIN k14: without the qualification, DoesNotExist is met and nothing else.
    """
    type_id, comparator = requirement["QualificationTypeId"], requirement["Comparator"]
    value: int | str | None
    if type_id in SYSTEM_TYPES:
        s = system_values.c
        known = select(s.value, s.locale).where(s.worker == worker, s.type_id == type_id)
        row = connection.execute(known).first()
        if row is None:
            return True
        value = row.value if row.locale is None else row.locale
    else:
        g = grants.c
        query = select(g.value).where(g.type_id == type_id, g.worker == worker, g.status == "Granted")
        value = connection.execute(query).scalar()
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
