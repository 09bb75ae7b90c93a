"""HIT types: the terms workers see: what is asked, what it pays, who may do it.

A HIT type is a value, not a resource: the API finds one by its content or makes it, and has no read,
list or delete for it. So it is compared through the HITs that carry it, and CreateHITType is only ever
a step towards something that needs its id.

Sources: CreateHITType in the API reference and "HIT attributes" in the requester guide (read 23 Nov 2026).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, StringConstraints

from turkform.kinds.notification import Notification
from turkform.kinds.requirement import MASTERS, MASTERS_SANDBOX, Requirement, Rule
from turkform.kinds.resource import Address, Keywords, Resource, Wire, listed
from turkform.money import Money
from turkform.times import Duration, between

if TYPE_CHECKING:
    from collections.abc import Mapping

AUTO_APPROVAL_DEFAULT = timedelta(days=30)


class HITType(Resource):
    """The terms of a HIT: everything workers compare before they accept."""

    kind: ClassVar[str] = "hit_type"
    create: ClassVar[str] = "CreateHITType"
    identity: ClassVar[str] = "HITTypeId"

    title: Annotated[
        str,
        StringConstraints(min_length=1, max_length=128),
        Field(
            description="What workers see in the list; at most 128 characters.",
            examples=["Judge the tone of a sentence"],
        ),
        Wire("Title"),
    ]
    description: Annotated[
        str,
        StringConstraints(min_length=1, max_length=2000),
        Field(description="What the task is about; at most 2,000 characters.", examples=["Read one sentence."]),
        Wire("Description"),
    ]
    keywords: Annotated[
        Keywords | None,
        Field(
            description="Words workers search by; 1,000 characters in all, commas included.",
            examples=[["photos", "birds"]],
        ),
        Wire("Keywords"),
    ] = None
    reward: Annotated[
        Money, Field(description="US dollars per approved assignment, whole cents.", examples=["0.15"]), Wire("Reward")
    ]
    assignment_duration: Annotated[
        Duration,
        between("30s", "365d"),
        Field(description="How long a worker has once accepted; 30s to 365d.", examples=["10m"]),
        Wire("AssignmentDurationInSeconds"),
    ]
    auto_approval_delay: Annotated[
        Duration | None,
        between("0s", "30d"),
        Field(
            description="After so long an unreviewed submission is approved and paid; 0s to 30d, the API's default.",
            examples=["3d"],
        ),
        Wire("AutoApprovalDelayInSeconds", default=AUTO_APPROVAL_DEFAULT),
    ] = None
    requirements: Annotated[
        tuple[Requirement, ...],
        Field(
            max_length=10,
            description="What a worker must have; all must hold, at most 10.",
            examples=[[{"system": "percent_approved", "at_least": 95}]],
        ),
        BeforeValidator(listed),
        Wire("QualificationRequirements", default=()),
    ] = ()

    notify: Annotated[Notification | None, Field(description="Where events of its HITs are sent.")] = None

    def rules(self, ids: Mapping[Address, str], *, sandbox: bool = False) -> tuple[Rule, ...]:
        """The requirements as the API compares them: a set, in one fixed order."""
        masters = MASTERS_SANDBOX if sandbox else MASTERS
        return tuple(sorted({r.rule(ids, masters=masters) for r in self.requirements}, key=repr))

    def wire_value(self, name: str, ids: Mapping[Address, str]) -> Any:
        """Requirements depend on the endpoint too: `to_wire` adds them."""
        return [] if name == "requirements" else super().wire_value(name, ids)

    def to_wire(self, ids: Mapping[Address, str] | None = None, *, sandbox: bool = False) -> dict[str, Any]:
        """API parameters; requirements go as structures."""
        parameters = super().to_wire(ids)
        parameters["QualificationRequirements"] = [r.to_wire() for r in self.rules(ids or {}, sandbox=sandbox)]
        return parameters

    def values(self, ids: Mapping[Address, str], *, sandbox: bool = False) -> dict[str, Any]:
        """Every term with defaults filled, comparable with `from_wire` of a HIT that has them."""
        declared = {name: getattr(self, name) for name in self.wires()}
        filled = {name: self.wires()[name].default if v is None else v for name, v in declared.items()}
        return filled | {"requirements": self.rules(ids, sandbox=sandbox)}

    @classmethod
    def from_wire(cls, answer: Mapping[str, Any]) -> dict[str, Any]:
        """The terms of a HIT, as a person would declare them; requirements as a sorted set."""
        rules = {Rule.from_wire(wire) for wire in answer.get("QualificationRequirements") or ()}
        values = super().from_wire({k: v for k, v in answer.items() if k != "QualificationRequirements"})
        return values | {"requirements": tuple(sorted(rules, key=repr))}

    @property
    def asks_masters(self) -> bool:
        """Masters cost 5 % more."""
        return any(r.system == "masters" and r.exists is not False for r in self.requirements)

    @property
    def premium(self) -> Money:
        """What the required types cost per assignment, as declared."""
        return Money(sum(r.premium.cents for r in self.requirements if r.premium))
