"""Batches: rows of data, each published as one HIT.

What is fixed when a HIT is created (the question, the row's values) is bound into the HIT's marker as a
fingerprint; what the API can change afterwards carries its operation here.

Sources: CreateHITWithHITType, CreateAdditionalAssignmentsForHIT, UpdateExpirationForHIT and
UpdateHITTypeOfHIT in the API reference (read 23 Nov 2026).
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, ConfigDict, Field, Strict, WithJsonSchema, model_validator

from turkform.kinds.decisions import Decisions
from turkform.kinds.question import Question
from turkform.kinds.resource import NAME_PATTERN, Ref, Resource, Section, Whole, Wire, listed, refuse
from turkform.kinds.review_policy import ReviewPolicies
from turkform.times import Duration, Instant, between

CROWD = 10
"""From so many places on a HIT costs 20 % more, and a smaller one cannot grow to so many."""


def _names(value: Any) -> Any:
    names = (value,) if isinstance(value, str) else listed(value)
    if isinstance(names, tuple) and (not names or len(set(map(str, names))) < len(names)):
        raise refuse("key: names a column twice" if names else "key: names no column", "Write  key: COLUMN")
    return names


class OnChange(Section):
    """What an edit does to HITs that nobody has touched; HITs with work always stay as they are."""

    question: Annotated[
        Literal["replace-untouched", "keep"],
        Field(description="A changed page or row: replace HITs nobody has touched, or keep them as they are."),
    ] = "replace-untouched"
    terms: Annotated[
        Literal["move-untouched", "keep"],
        Field(description="A changed hit type: move HITs nobody has touched to the new terms, or keep the old ones."),
    ] = "move-untouched"


class Batch(Resource):
    """Items to publish, one HIT each, and for how long and for how many workers."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [{"required": ["lifetime"]}, {"required": ["ends"]}],
            "dependentRequired": {"items": ["key"], "key": ["items"]},
        }
    )

    kind: ClassVar[str] = "batch"
    create: ClassVar[str] = "CreateHITWithHITType"
    delete: ClassVar[str | None] = "DeleteHIT"
    identity: ClassVar[str] = "HITId"

    id: Annotated[
        str | None,
        Field(
            pattern=NAME_PATTERN,
            description="The batch's permanent id; its name unless you renamed it.",
            examples=["pilot"],
        ),
    ] = None
    hit_type: Annotated[
        str,
        Field(description="The terms, by name.", examples=["label"]),
        Ref("HITTypeId", kind="hit_type", update="UpdateHITTypeOfHIT"),
    ]
    question: Annotated[
        Question, Field(description="What workers see.", examples=[{"html": "tasks/page.html"}]), Wire("Question")
    ]
    items: Annotated[
        str | None,
        Field(
            min_length=1,
            description="Data, a row a HIT: *.csv, *.tsv or *.jsonl. Left out: one HIT without a row.",
            examples=["data/items.csv"],
        ),
    ] = None
    key: Annotated[
        tuple[Annotated[str, Strict(), Field(min_length=1)], ...],
        BeforeValidator(_names),
        WithJsonSchema(
            {
                "anyOf": [
                    {"type": "string", "minLength": 1},
                    {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1, "uniqueItems": True},
                ]
            }
        ),
        Field(
            description="The column, or list of columns, that names a row for good.", examples=["id", ["book", "page"]]
        ),
    ] = ()
    limit: Annotated[
        Whole | None, Field(ge=0, description="At most so many items are ever published.", examples=[20])
    ] = None
    assignments: Annotated[
        Whole,
        Field(ge=1, le=1_000_000_000, description="How many different workers do each item.", examples=[3]),
        Wire("MaxAssignments", update="CreateAdditionalAssignmentsForHIT", default=1),
    ] = 1
    lifetime: Annotated[
        Duration | None,
        between("30s", "365d"),
        Field(description="How long each HIT can be found, from its own publication; 30s to 365d.", examples=["7d"]),
        Wire("LifetimeInSeconds", update="UpdateExpirationForHIT"),
    ] = None
    ends: Annotated[
        Instant | None,
        Field(description="When the whole batch ends, with its zone.", examples=["2026-12-24T12:00:00Z"]),
    ] = None
    status: Annotated[
        Literal["open", "closed"],
        Field(description="closed: nothing new is published, what is open expires and is kept for review."),
    ] = "open"
    review_policies: Annotated[
        ReviewPolicies | None, Field(description="What MTurk itself does with answers; fixed when a HIT is created.")
    ] = None
    decisions: Annotated[
        Decisions | None, Field(description="What `review` approves and pays beyond the reward; it never rejects.")
    ] = None
    on_change: Annotated[OnChange, Field(description="What an edit does to HITs that are out already.")] = Field(
        default_factory=OnChange
    )
    round: Annotated[
        Whole, Field(ge=1, le=9999, description="Raise it to buy every item again, on purpose.", examples=[2])
    ] = 1

    @model_validator(mode="after")
    def _consistent(self) -> Batch:
        if self.lifetime is None and self.ends is None:
            raise refuse("the batch has neither lifetime: nor ends:", "Add  lifetime: 7d")
        if self.lifetime is not None and self.ends is not None:
            raise refuse("the batch has both lifetime: and ends:", "Remove one of them.", "ends")
        if self.key and not self.items:
            raise refuse(
                f"key: names {' and '.join(self.key)}, and the batch has no items:", "Add  items: data/items.csv", "key"
            )
        return self

    @property
    def most_assignments(self) -> int:
        """So many a HIT may come to have: review policies add some, and never lead from below ten to ten."""
        most = self.review_policies.most_assignments if self.review_policies else 0
        return max(self.assignments, min(most, CROWD - 1) if self.assignments < CROWD else most)

    def lifetime_at(self, now: Any) -> int:
        """LifetimeInSeconds of a HIT created `now`."""
        left = self.lifetime if self.lifetime is not None else (self.ends or now) - now
        return int(left.total_seconds())
