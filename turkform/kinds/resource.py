"""What every kind is made of: addresses, fields that know their wire name, and the API's spellings.

A kind is a frozen pydantic model. One line declares a field, and everything else follows from it: the
error with its place, the JSON Schema, the diff, the API parameter, the reading of the account and the
edge in the graph.

    reward: Annotated[Money, Field(description="US dollars per approved assignment."), Wire("Reward")]
    hit_type: Annotated[str, Ref("HITTypeId", kind="hit_type", update="UpdateHITTypeOfHIT")]

In: values as a person declares them, or the API's answer. Out: API parameters (`to_wire`), values as a
person would declare them (`from_wire`), and field by field what differs (`differences`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, Strict, model_validator
from pydantic_core import CoreSchema, PydanticCustomError

from turkform.money import Money
from turkform.times import format_duration, format_time, from_epoch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import GetJsonSchemaHandler

NAME_PATTERN = r"^[a-z][a-z0-9_-]{0,39}$"
"""Names of resources and ids of batches; they stand in markers, so they never need escaping."""


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """Where a resource is declared: `hit_type.label`, `batch.pilot["img-7"]`, `block["A1"]`.

    What is left of a batch's earlier rounds has the round's number behind its name: `batch.pilot@2`.
    """

    kind: str
    name: str = ""
    key: str | None = None

    def __str__(self) -> str:
        head = f"{self.kind}.{self.name}" if self.name else self.kind
        return head if self.key is None else f'{head}["{_escape(self.key)}"]'

    def item(self, key: str) -> Address:
        """The address of one item, worker or block under this one."""
        return Address(self.kind, self.name, key)

    @property
    def parent(self) -> Address:
        """The address without its key: the node of the graph that an item belongs to."""
        return Address(self.kind, self.name)

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read an address as it is written everywhere.

        Raises:
            ValueError: not an address.
        """
        match = _ADDRESS.fullmatch(text.strip())
        if not match or (match["kind"] in _NAMELESS) == bool(match["name"]):
            raise ValueError(
                f'"{text}" is not an address. Write hit_type.NAME, batch.NAME, batch.NAME["KEY"], '
                'qualification_type.NAME, grant.NAME["WORKER"] or block["WORKER"]'
            )
        key = match["key"]
        return cls(match["kind"], match["name"] or "", None if key is None else _unescape(key))


_NAMELESS = {"block", "record"}
_ADDRESS = re.compile(
    r"(?P<kind>qualification_type|grant|hit_type|notification|batch|review|block|record)"
    r'(?:\.(?P<name>[a-z][a-z0-9_-]{0,39}(?:@[1-9][0-9]{0,8})?))?(?:\["(?P<key>(?:[^"\\]|\\.)*)"\])?'
)


def _escape(key: str) -> str:
    return key.replace("\\", "\\\\").replace('"', '\\"')


def _unescape(key: str) -> str:
    return re.sub(r"\\(.)", r"\1", key)


@dataclass(frozen=True, slots=True)
class Wire:
    """How the API spells a field, and how the field changes.

    `update` names the operation that changes it in place; None means fixed at creation. `default` is
    what the API fills in when the field is left out. `removable` is False where the API can set the
    field but never take it away again.
    """

    name: str
    update: str | None = None
    default: Any = None
    removable: bool = True


@dataclass(frozen=True, slots=True)
class Ref(Wire):
    """A field that names another resource; on the wire it is that resource's id."""

    kind: str = ""


@dataclass(frozen=True, slots=True)
class Pending:
    """Stands in API parameters for the id of a resource that exists only after an earlier step."""

    address: Address


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that differs, both sides as a person would declare them."""

    field: str
    observed: Any
    desired: Any


def refuse(reason: str, remedy: str = "", key: str = "") -> PydanticCustomError:
    """A rule of ours that a value breaks, what to write instead, and the key of a map that it is about."""
    return PydanticCustomError("rule", "{reason}", {"reason": reason, "remedy": remedy, "key": key})


Whole = Annotated[int, Strict()]
Integer = Annotated[int, Strict(), Field(ge=-(2**31), le=2**31 - 1)]
"""Qualification values: the API's 32-bit Integer."""
Flag = Annotated[bool, Strict()]


def listed(value: Any) -> Any:
    """YAML's lists are tuples here, because everything is frozen."""
    return tuple(value) if isinstance(value, list) else value


def _joinable(words: tuple[str, ...]) -> tuple[str, ...]:
    """Keywords are one text on the wire, parted by commas: each must come back as it was declared."""
    for word in words:
        if "," in word or word != word.strip() or not word:
            parts = ", ".join(part.strip() for part in word.split(",") if part.strip())
            raise refuse(f'"{word}" is not one keyword', f"Write {parts}" if parts else "Remove it.")
    if len(",".join(words)) > 1000:  # CreateHITType and CreateQualificationType: Keywords
        raise refuse("all keywords together, with commas, take more than 1,000 characters", "Remove some.")
    return words


Keywords = Annotated[tuple[str, ...], BeforeValidator(listed), AfterValidator(_joinable)]

WORKER_PATTERN = r"^A[A-Z0-9]{1,63}$"
"""CustomerId in botocore's model of mturk 2017-01-17, and its length limit of 64."""

ID_PATTERN = r"^[A-Z0-9]{1,64}$"
"""EntityId in botocore's model of mturk 2017-01-17."""

WorkerId = Annotated[str, Field(pattern=WORKER_PATTERN)]


class Section(BaseModel):
    """A part of a campaign file: frozen, and no key it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=False, defer_build=True)


class Roster(Section):
    """Workers, each with one value: from a CSV file of `worker_id` and `column`, or written as a map."""

    column: ClassVar[str]
    file: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _either(cls, value: Any) -> Any:
        """`{file: x}` is a file; any other map is workers and their values."""
        if isinstance(value, dict) and set(value) not in ({"file"}, {"values"}):
            if "file" in value:
                raise refuse("file: and workers written out do not go together", "Keep one of them.", "file")
            return {"values": value}
        return value

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """What a person may write: one of the two forms, never a key called `values`."""
        written = handler.resolve_ref_schema(handler(schema))
        pairs = written["properties"]["values"]
        return {
            "anyOf": [
                {
                    "type": "object",
                    "properties": {
                        "file": {
                            "type": "string",
                            "description": f"A CSV file with the columns worker_id and {cls.column}.",
                            "examples": ["workers.csv"],
                        }
                    },
                    "required": ["file"],
                    "additionalProperties": False,
                },
                {key: pairs[key] for key in ("type", "patternProperties", "additionalProperties") if key in pairs},
            ],
            "description": f"{{file: CSV with worker_id and {cls.column}}}, or worker id → {cls.column}.",
        }


class Resource(Section):
    """A kind: what a requester declares, and the API calls that make it so.

    Subclasses name their operations; fields carry a `Wire` or a `Ref`. What is odd about a kind is a
    method of that kind.
    """

    kind: ClassVar[str]
    create: ClassVar[str]
    update: ClassVar[str | None] = None
    delete: ClassVar[str | None] = None
    identity: ClassVar[str]
    """The API's name of the id."""

    @classmethod
    @cache
    def wires(cls) -> Mapping[str, Wire]:
        """Field name → wire, in the order of declaration."""
        return {
            name: wire for name, info in cls.model_fields.items() for wire in info.metadata if isinstance(wire, Wire)
        }

    def to_wire(self, ids: Mapping[Address, str] | None = None) -> dict[str, Any]:
        """API parameters for creation; ids that do not exist yet stand as `Pending`."""
        return {
            wire.name: self.wire_value(name, ids or {})
            for name, wire in self.wires().items()
            if getattr(self, name) is not None
        }

    def wire_value(self, name: str, ids: Mapping[Address, str]) -> Any:
        """One field as the API spells it."""
        wire, value = self.wires()[name], getattr(self, name)
        if isinstance(wire, Ref):
            address = Address(wire.kind, value)
            return ids.get(address, Pending(address))
        return spell(value)

    @classmethod
    def from_wire(cls, answer: Mapping[str, Any]) -> dict[str, Any]:
        """The API's answer, field by field, as a person would declare it; absent ones as the default."""
        return {
            name: read(answer.get(wire.name, wire.default), cls.model_fields[name].annotation)
            for name, wire in cls.wires().items()
        }

    def values(self, ids: Mapping[Address, str]) -> dict[str, Any]:  # noqa: ARG002 - kinds with references use it
        """Every field with a wire, defaults filled, comparable with `from_wire` of its answer."""
        return {
            name: read(wire.default, type(self).model_fields[name].annotation)
            if getattr(self, name) is None
            else getattr(self, name)
            for name, wire in self.wires().items()
        }

    def differences(self, observed: Mapping[str, Any]) -> tuple[FieldChange, ...]:
        """The fields whose declared value is not the observed one, defaults filled on both sides."""
        return differences(self.values({}), observed)


def differences(desired: Mapping[str, Any], observed: Mapping[str, Any]) -> tuple[FieldChange, ...]:
    """Field by field what differs, in the order of declaration."""
    return tuple(
        FieldChange(name, observed.get(name), value)
        for name, value in desired.items()
        if normal(value) != normal(observed.get(name))
    )


def spell(value: Any) -> Any:
    """A declared value as the API spells it: money as text, durations in seconds, lists of words joined."""
    match value:
        case Money():
            return str(value)
        case timedelta():
            return int(value.total_seconds())
        case tuple():
            return ",".join(value)
        case datetime():
            return value
        case _:
            return value


def read(value: Any, annotation: Any) -> Any:
    """An API value as it would be declared, by the field's own type."""
    if value is None:
        return None
    wanted = str(annotation)
    if "Money" in wanted:
        return value if isinstance(value, Money) else Money.parse(str(value))
    if "timedelta" in wanted:
        return value if isinstance(value, timedelta) else timedelta(seconds=int(value))
    if "tuple[str" in wanted:
        return value if isinstance(value, tuple) else tuple(w.strip() for w in value.split(",") if w.strip())
    if "datetime" in wanted and not isinstance(value, datetime):
        return from_epoch(value)
    return value


def normal(value: Any) -> Any:
    """What two spellings of one value have in common; `()` and None are both nothing."""
    if value in ((), ""):
        return None
    return value.astimezone(UTC) if isinstance(value, datetime) else value


def show(value: Any) -> str:
    """A value for people, as it would stand in the file."""
    match value:
        case None | ():
            return "(none)"
        case timedelta():
            return format_duration(value)
        case datetime():
            return format_time(value)
        case tuple():
            return "[" + ", ".join(show(v) for v in value) + "]"
        case bool():
            return str(value).lower()
        case _:
            return str(value)
