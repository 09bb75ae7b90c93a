"""Qualification requirements: what a worker must have to see, preview or accept a HIT.

Source: QualificationRequirement data structure in the API reference (read 23 Nov 2026). Requirements
are compared as a set, their values sorted, because the API promises no order.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from turkform.kinds.resource import ID_PATTERN, Address, Flag, Integer, Pending, Section, listed, refuse
from turkform.money import Money

if TYPE_CHECKING:
    from collections.abc import Mapping

MASTERS = "2F1QJWKUDD8XADTFD2Q0G6UTO95ALH"
MASTERS_SANDBOX = "2ARFPLSP75KLA8M8DH1HTEQVJT3SY6"
LOCALE = "00000000000000000071"
SYSTEM_TYPES = {
    # Requester guide, "Selecting eligible workers" (read 23 Nov 2026).
    "masters": MASTERS,
    "locale": LOCALE,
    "percent_approved": "000000000000000000L0",
    "hits_approved": "00000000000000000040",
    "adult": "00000000000000000060",
}
GUARDS = {"accept": "Accept", "preview": "PreviewAndAccept", "discover": "DiscoverPreviewAndAccept"}
COMPARATORS = {
    "at_least": "GreaterThanOrEqualTo",
    "at_most": "LessThanOrEqualTo",
    "greater_than": "GreaterThan",
    "less_than": "LessThan",
    "equal_to": "EqualTo",
    "not_equal_to": "NotEqualTo",
    "in": "In",
    "not_in": "NotIn",
}
SUBJECTS = ("qualification", "system", "id")
_MOST = {int: 15, str: 30}  # QualificationRequirement: 15 integers or 30 locales per In and NotIn

LOCALE_PATTERN = r"^([A-Z]{2}|US-[A-Z]{2})$"
"""Countries as ISO 3166 writes them; MTurk knows subdivisions of the US only."""
_LOCALE = re.compile(LOCALE_PATTERN)
_SMALLEST, _LARGEST = -(2**31), 2**31 - 1


def _one(value: Any) -> Any:
    """A number or a locale, said in one message where pydantic would need one per branch."""
    if isinstance(value, int) and not isinstance(value, bool) and _SMALLEST <= value <= _LARGEST:
        return value
    if isinstance(value, str) and _LOCALE.fullmatch(value):
        return value
    text = str(value).strip().upper()
    if text.lstrip("-").isdecimal() and text.isascii() and len(text) < 10:
        raise refuse(f"{value!r} is a text and not a number", f"Write {text}, without quotes.")
    near = f"Write {text}" if _LOCALE.fullmatch(text) else "Write a number like 80, or a locale like US, GB or US-CA."
    raise refuse(f'"{value}" is neither a whole number nor a locale', near)


One = Annotated[
    int | str,
    BeforeValidator(_one),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": _SMALLEST, "maximum": _LARGEST},
                {"type": "string", "pattern": LOCALE_PATTERN},
            ]
        }
    ),
]
Many = Annotated[tuple[One, ...], Field(min_length=1, max_length=30), BeforeValidator(listed)]


@dataclass(frozen=True, slots=True)
class Rule:
    """A requirement as the API compares it; two spellings of one requirement are equal."""

    type_id: str | Pending
    comparator: str
    values: tuple[int | str, ...] = ()
    guards: str = "Accept"

    def to_wire(self) -> dict[str, Any]:
        """The API's structure."""
        wire: dict[str, Any] = {
            "QualificationTypeId": self.type_id,
            "Comparator": self.comparator,
            "ActionsGuarded": self.guards,
        }
        if self.values and isinstance(self.values[0], int):
            wire["IntegerValues"] = list(self.values)
        elif self.values:
            wire["LocaleValues"] = [_locale(str(value)) for value in self.values]
        return wire

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> Rule:
        """Read the API's structure; the deprecated RequiredToPreview means PreviewAndAccept."""
        locales = ("-".join(filter(None, (v["Country"], v.get("Subdivision")))) for v in wire.get("LocaleValues") or ())
        preview = "PreviewAndAccept" if wire.get("RequiredToPreview") else "Accept"
        return cls(
            type_id=wire["QualificationTypeId"],
            comparator=wire["Comparator"],
            values=(*sorted(wire.get("IntegerValues") or ()), *sorted(locales)),
            guards=wire.get("ActionsGuarded") or preview,
        )

    def __str__(self) -> str:
        subject = str(self.type_id.address) if isinstance(self.type_id, Pending) else self.type_id
        subject = next((name for name, id_ in SYSTEM_TYPES.items() if id_ == subject), subject)
        values = ", ".join(str(value) for value in self.values)
        guards = "" if self.guards == "Accept" else f" ({self.guards})"
        return f"{subject} {self.comparator}{' ' + values if values else ''}{guards}"


def _number_first(value: int | str) -> tuple[bool, int | str]:
    """Numbers and locales do not compare; where they are mixed, that is said later."""
    return isinstance(value, str), value


def _locale(text: str) -> dict[str, str]:
    country, _, subdivision = text.partition("-")
    return {"Country": country} | ({"Subdivision": subdivision} if subdivision else {})


class Requirement(Section):
    """One requirement, as declared: a qualification of this campaign, of the system, or by id."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": [n]} for n in SUBJECTS]})

    qualification: Annotated[
        str | None, Field(description="A qualification type of this campaign, by name.", examples=["trained"])
    ] = None
    system: Annotated[
        Literal["masters", "locale", "percent_approved", "hits_approved", "adult"] | None,
        Field(description="A qualification that MTurk itself keeps."),
    ] = None
    id: Annotated[
        str | None,
        Field(
            pattern=ID_PATTERN,
            description="Somebody else's type, by its id.",
            examples=["3EXAMPLEQUALIFICATIONTYPEID"],
        ),
    ] = None
    exists: Annotated[Flag | None, Field(description="true: must hold it; false: must not.")] = None
    at_least: Annotated[Integer | None, Field(description="The value must be so much or more.", examples=[80])] = None
    at_most: Annotated[Integer | None, Field(description="The value must be so much or less.", examples=[20])] = None
    greater_than: Annotated[Integer | None, Field(description="The value must be more.", examples=[95])] = None
    less_than: Annotated[Integer | None, Field(description="The value must be less.", examples=[50])] = None
    equal_to: Annotated[One | None, Field(description="Exactly this number or locale.", examples=["US"])] = None
    not_equal_to: Annotated[One | None, Field(description="Any but this number or locale.", examples=["US"])] = None
    in_: Annotated[
        Many | None,
        Field(alias="in", description="One of up to 15 numbers or 30 locales.", examples=[["US", "GB", "US-CA"]]),
    ] = None
    not_in: Annotated[
        Many | None, Field(description="None of up to 15 numbers or 30 locales.", examples=[["US", "GB"]])
    ] = None
    guards: Annotated[
        Literal["accept", "preview", "discover"],
        Field(description="What unqualified workers cannot do: accept, also preview, or even see it."),
    ] = "accept"
    premium: Annotated[
        Money | None, Field(description="US dollars this type costs per assignment, where it does.", examples=["0.05"])
    ] = None

    @model_validator(mode="after")
    def _complete(self) -> Requirement:
        subjects = [n for n in SUBJECTS if getattr(self, n) is not None]
        if not subjects:
            raise refuse(
                "the requirement says nothing of what", "Add  system: locale,  qualification: NAME  or  id: ID"
            )
        if len(subjects) > 1:
            raise refuse(f"the requirement is about two things: {' and '.join(subjects)}", "Keep one.", subjects[1])
        written = self._written()
        if len(written) > 1:
            detail = "Keep one, and write another requirement for the other."
            raise refuse(f"the requirement makes two comparisons: {' and '.join(written)}", detail, written[1])
        values = self.rule({}).values
        texts = [v for v in values if isinstance(v, str)]
        key = written[0] if written else ""
        of_places = self.system == "locale" or self.id == LOCALE
        if of_places != bool(texts) and values:
            what = "locale takes locales" if of_places else f"{subjects[0]} takes numbers, not locales"
            raise refuse(what, "Write US or US-CA" if of_places else "Write a number like 80", key)
        if self.system == "locale" and key not in ("equal_to", "not_equal_to", "in", "not_in", "exists"):
            raise refuse("locale needs in:, not_in:, equal_to: or not_equal_to:", "Add  in: [US]", key)
        if values and self.system == "masters":
            raise refuse("masters has no value: workers hold it or not", "Write  exists: true", key)
        if texts and len(texts) != len(values):
            raise refuse("numbers and locales do not mix", "Keep one kind.", key)
        if values and len(values) > _MOST[type(values[0])]:
            raise refuse(f"{len(values)} values; MTurk takes 15 numbers or 30 locales", "Remove some.", key)
        return self

    def _written(self) -> list[str]:
        present = ["exists"] if self.exists is not None else []
        return present + [n for n in COMPARATORS if getattr(self, "in_" if n == "in" else n) is not None]

    def rule(self, ids: Mapping[Address, str], *, masters: str = MASTERS) -> Rule:
        """The requirement as the API compares it; `masters` is the environment's own id."""
        type_id: str | Pending
        if self.qualification is not None:
            address = Address("qualification_type", self.qualification)
            type_id = ids.get(address) or Pending(address)
        elif self.system is not None:
            type_id = masters if self.system == "masters" else SYSTEM_TYPES[self.system]
        else:
            type_id = self.id or ""
        written = self._written()
        if not written or written == ["exists"]:
            comparator, values = "DoesNotExist" if self.exists is False else "Exists", ()
        else:
            value = getattr(self, "in_" if written[0] == "in" else written[0])
            comparator = COMPARATORS[written[0]]
            values = tuple(sorted(set(value), key=_number_first)) if isinstance(value, tuple) else (value,)
        return Rule(type_id, comparator, values, GUARDS[self.guards])
