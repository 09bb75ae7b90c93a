"""Qualification types: what a requester's own qualification is called, and how workers come by it.

Sources: CreateQualificationType and UpdateQualificationType in the Amazon Mechanical Turk API
reference (read 23 Nov 2026). Name and keywords are fixed at creation; a retry delay can be set or
changed but never removed; the name is unique among the caller's own types.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, StringConstraints, model_validator

from turkform.kinds.qualification import Grants
from turkform.kinds.qualification_test import Content, Test
from turkform.kinds.resource import Address, Flag, Integer, Keywords, Resource, Wire, refuse, show
from turkform.times import Duration

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST = 200
_UPDATE = "UpdateQualificationType"


class QualificationType(Resource):
    """A qualification of one's own, identified in the account by its name."""

    kind: ClassVar[str] = "qualification_type"
    create: ClassVar[str] = "CreateQualificationType"
    update: ClassVar[str | None] = _UPDATE
    delete: ClassVar[str | None] = "DeleteQualificationType"
    identity: ClassVar[str] = "QualificationTypeId"

    name: Annotated[
        str,
        StringConstraints(min_length=1, max_length=200),
        Field(
            description="The name workers see; unique among your own types, at most 200 characters.",
            examples=["Tone: trained"],
        ),
        Wire("Name"),
    ]
    description: Annotated[
        str,
        StringConstraints(min_length=1, max_length=2000),
        Field(
            description="What the qualification stands for; at most 2,000 characters.",
            examples=["Passed the training."],
        ),
        Wire("Description", update=_UPDATE),
    ]
    keywords: Annotated[
        Keywords | None,
        Field(
            description="Words workers search by; fixed at creation, 1,000 characters in all.",
            examples=[["photos", "test"]],
        ),
        Wire("Keywords"),
    ] = None
    status: Annotated[
        Literal["active", "inactive"],
        Field(description="Inactive: workers cannot ask for it; grants keep working."),
        Wire("QualificationTypeStatus", update=_UPDATE, default="Active"),
    ] = "active"
    retry_delay: Annotated[
        Duration | None,
        Field(description="How long until a worker may ask again; left out: one request ever.", examples=["1d"]),
        Wire("RetryDelayInSeconds", update=_UPDATE, removable=False),
    ] = None
    auto_granted: Annotated[
        Integer | None,
        Field(description="Every worker who asks gets this value at once.", examples=[100]),
        Wire("AutoGrantedValue", update=_UPDATE),
    ] = None
    test: Annotated[
        Test | None,
        Field(description="What workers must answer to get it; fixed forms of questions, never removed again."),
        Wire("Test", update=_UPDATE, removable=False),
    ] = None
    renamed_from: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=200,
            description="The name it had: a new type is made, grants are copied to it, and the old one is deleted.",
            examples=["Tone: beginners"],
        ),
    ] = None
    prevent_destroy: Annotated[
        Flag | None,
        Field(description="true: never delete it, also when this line is gone; false lifts that. Left out: as it was."),
    ] = None
    workers: Annotated[
        Grants | None,
        Field(
            description="Who holds the qualification: {file: …} or a map of worker id to value.",
            examples=[{"file": "quals/trained.csv"}, {"A1EXAMPLE": 90}],
        ),
    ] = None

    @model_validator(mode="after")
    def _one_way_to_get_it(self) -> QualificationType:
        if self.test is not None and self.auto_granted is not None:
            raise refuse("the type has both test: and auto_granted:", "Remove one of them.", "auto_granted")
        if self.renamed_from == self.name:
            raise refuse(f'renamed_from is "{self.name}", which is the name it has', "Remove it.", "renamed_from")
        return self

    def wire_value(self, name: str, ids: Mapping[Address, str]) -> Any:
        """`active` is `Active` on the wire; a test is its form, and `to_wire` adds what goes with it."""
        if name == "test":
            return self.test.to_wire()["Test"] if self.test else None
        value = super().wire_value(name, ids)
        return value.capitalize() if name == "status" else value

    def to_wire(self, ids: Mapping[Address, str] | None = None) -> dict[str, Any]:
        """One key of ours, `auto_granted`, is two parameters of the API's; a test is three."""
        parameters = super().to_wire(ids) | (self.test.to_wire() if self.test else {})
        if self.auto_granted is not None:
            parameters["AutoGranted"] = True
        return parameters

    @classmethod
    def from_wire(cls, answer: Mapping[str, Any]) -> dict[str, Any]:
        """The value counts only while AutoGranted is true; its default is 1."""
        values = super().from_wire(answer)
        values["status"] = str(values["status"]).lower()
        values["auto_granted"] = answer.get("AutoGrantedValue", 1) if answer.get("AutoGranted") else None
        values["test"] = Content.from_wire(answer)
        return values

    def values(self, ids: Mapping[Address, str]) -> dict[str, Any]:
        """A test counts by what stands in its documents."""
        return super().values(ids) | {"test": self.test.content if self.test else None}

    def update_parameters(self, fields: set[str]) -> dict[str, Any]:
        """Only what changes; the API leaves alone what an update does not name."""
        parameters = {
            wire.name: self.wire_value(name, {})
            for name, wire in self.wires().items()
            if name in fields and wire.update and getattr(self, name) is not None
        }
        if "auto_granted" in fields:
            parameters["AutoGranted"] = self.auto_granted is not None
        if "test" in fields and self.test is not None:
            parameters |= self.test.to_wire()
        return parameters


def remembered(values: Mapping[str, Any]) -> dict[str, str]:
    """A type's values as the journal keeps them, so that somebody else's edit shows; long ones as their digest."""
    shown = {name: show(value) for name, value in values.items()}
    return {name: text if len(text) <= _LONGEST else _digest(text) for name, text in shown.items()}


def _digest(text: str) -> str:
    return f"sha256 {hashlib.sha256(text.encode()).hexdigest()[:16]}"
