"""Review policies: what MTurk itself does with answers, as they come in or when all are there.

They are fixed when a HIT is created. One scores known answers at each submission, the other compares workers'
answers once a HIT is reviewable; both can approve, reject, and ask for one more assignment, so a HIT may come to
have more places, and a later end, than its batch declares.

Source: "ScoreMyKnownAnswers/2011-09-01 Policy" and "SimplePlurality/2011-09-01 Policy" in the API reference (read
25 Nov 2026). All numbers are texts on the wire.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, Strict, StringConstraints, WithJsonSchema, model_validator

from turkform.kinds.resource import Flag, Section, Whole, listed, refuse
from turkform.times import Duration, between

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

KNOWN_ANSWERS = "ScoreMyKnownAnswers/2011-09-01"
PLURALITY = "SimplePlurality/2011-09-01"
EXTEND_DEFAULT = 5
"""ExtendMaximumAssignments, where known answers extend and nothing is said."""

Reason = Annotated[str, StringConstraints(min_length=1, max_length=1024)]
Percent = Annotated[Whole, Field(ge=0, le=101)]
PositivePercent = Annotated[Whole, Field(ge=1, le=101)]
Text = Annotated[str, Strict()]
_LIST = {"type": "array", "items": {"type": "string"}, "minItems": 1}


def _several(value: Any) -> Any:
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        raise refuse(f"{value} is not a text", f'Write "{value}", in quotes.')
    return (value,) if isinstance(value, str) else listed(value)


OneOrMore = Annotated[
    tuple[Text, ...],
    Field(min_length=1),
    BeforeValidator(_several),
    WithJsonSchema({"anyOf": [{"type": "string"}, _LIST]}),
]


class _Extending(Section):
    """What both policies have in common: one more assignment where a score is too low."""

    extend_maximum: Annotated[
        Whole | None, Field(ge=2, le=25, description="Until the HIT has so many assignments; 2 to 25.", examples=[5])
    ] = None
    extend_minimum_time: Annotated[
        Duration | None,
        between("60s", "365d"),
        Field(description="The HIT can be found at least so long after it was extended; 60s to 365d.", examples=["1d"]),
    ] = None
    reject_reason: Annotated[
        Reason | None,
        Field(
            description="What a rejected worker reads.", examples=["Your answers to the control questions were wrong."]
        ),
    ] = None


class KnownAnswers(_Extending):
    """Scores each submission by questions whose answers are known, in per cent of them."""

    answers: Annotated[
        dict[
            Annotated[str, Field(min_length=1)],
            OneOrMore,
        ],
        Field(
            min_length=1,
            description="Question → its answer, or list of answers; ${column} is the row's.",
            examples=[{"animal": "${known}", "sharp": ["yes", "mostly"]}],
        ),
    ]
    approve_at_least: Annotated[
        Percent | None, Field(description="Approves a score of so many per cent.", examples=[80])
    ] = None
    approve_reason: Annotated[
        Reason | None, Field(description="What an approved worker reads.", examples=["Thank you."])
    ] = None
    reject_below: Annotated[
        Percent | None, Field(description="Rejects a score below so many per cent.", examples=[30])
    ] = None
    extend_below: Annotated[
        Percent | None,
        Field(description="Asks for one more assignment where the score is below so many per cent.", examples=[50]),
    ] = None

    @model_validator(mode="after")
    def _complete(self) -> KnownAnswers:
        _reasons(self, "reject_below", "reject_reason")
        _bounds(self.approve_at_least, self.reject_below)
        if self.extend_below is None and (self.extend_maximum or self.extend_minimum_time):
            raise refuse("nothing extends the HIT", "Add  extend_below: 50", "extend_maximum")
        return self

    def to_wire(self, answers: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
        """The policy, with the answers of one row."""
        entries = [{"Key": question, "Values": list(values)} for question, values in sorted(answers.items())]
        return _policy(
            KNOWN_ANSWERS,
            [
                {"Key": "AnswerKey", "MapEntries": entries},
                *_values(
                    ApproveIfKnownAnswerScoreIsAtLeast=self.approve_at_least,
                    ApproveReason=self.approve_reason,
                    RejectIfKnownAnswerScoreIsLessThan=self.reject_below,
                    RejectReason=self.reject_reason,
                    ExtendIfKnownAnswerScoreIsLessThan=self.extend_below,
                    ExtendMaximumAssignments=self.extend_maximum,
                    ExtendMinimumTimeInSeconds=self.extend_minimum_time,
                ),
            ],
        )

    @property
    def most_assignments(self) -> int:
        """So many a HIT may come to have; 0 where it is never extended."""
        return 0 if self.extend_below is None else self.extend_maximum or EXTEND_DEFAULT


class Plurality(_Extending):
    """Compares workers' answers once a HIT is reviewable."""

    questions: Annotated[
        tuple[Text, ...],
        Field(
            min_length=1,
            max_length=15,
            description="The questions that are compared; at most 15.",
            examples=[["animal", "sharp"]],
        ),
        BeforeValidator(_several),
        WithJsonSchema({"anyOf": [{"type": "string"}, _LIST | {"maxItems": 15}]}),
    ]
    agreement: Annotated[
        Whole,
        Field(ge=0, le=100, description="An answer is agreed when more than so many per cent gave it.", examples=[66]),
    ]
    disregard_rejected: Annotated[Flag, Field(description="Rejected assignments do not count.")] = False
    disregard_below: Annotated[
        Percent | None,
        Field(description="Assignments with a known-answers score below so many per cent do not count.", examples=[50]),
    ] = None
    approve_at_least: Annotated[
        PositivePercent | None,
        Field(description="Approves workers who gave so many per cent of the agreed answers.", examples=[80]),
    ] = None
    reject_below: Annotated[
        PositivePercent | None,
        Field(description="Rejects workers who gave fewer per cent of the agreed answers.", examples=[30]),
    ] = None
    extend_below: Annotated[
        Annotated[Whole, Field(ge=1, le=100)] | None,
        Field(
            description="Asks for one more assignment where fewer per cent of the questions are agreed on.",
            examples=[66],
        ),
    ] = None

    @model_validator(mode="after")
    def _complete(self) -> Plurality:
        _reasons(self, "reject_below", "reject_reason")
        _bounds(self.approve_at_least, self.reject_below)
        extends = (self.extend_below, self.extend_maximum, self.extend_minimum_time)
        if any(extends) and not all(extends):
            said = "extend_below, extend_maximum and extend_minimum_time go together"
            raise refuse(said, "Write all three, or none.", "extend_below")
        if len(set(self.questions)) < len(self.questions):
            raise refuse("a question is named twice", "Remove one.", "questions")
        return self

    def to_wire(self) -> dict[str, Any]:
        """The policy."""
        return _policy(
            PLURALITY,
            [
                {"Key": "QuestionIds", "Values": list(self.questions)},
                *_values(
                    QuestionAgreementThreshold=self.agreement,
                    DisregardAssignmentIfRejected="T" if self.disregard_rejected else "F",
                    DisregardAssignmentIfKnownAnswerScoreIsLessThan=self.disregard_below,
                    ApproveIfWorkerAgreementScoreIsAtLeast=self.approve_at_least,
                    RejectIfWorkerAgreementScoreIsLessThan=self.reject_below,
                    RejectReason=self.reject_reason,
                    ExtendIfHITAgreementScoreIsLessThan=self.extend_below,
                    ExtendMaximumAssignments=self.extend_maximum,
                    ExtendMinimumTimeInSeconds=self.extend_minimum_time,
                ),
            ],
        )

    @property
    def most_assignments(self) -> int:
        """So many a HIT may come to have; 0 where it is never extended."""
        return self.extend_maximum or 0 if self.extend_below is not None else 0


class ReviewPolicies(Section):
    """MTurk's own policies for the HITs of a batch; a change of them is a change of the HIT."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    known_answers: Annotated[KnownAnswers | None, Field(description="Scores submissions by known answers.")] = None
    plurality: Annotated[Plurality | None, Field(description="Compares workers' answers with each other.")] = None

    @model_validator(mode="after")
    def _something(self) -> ReviewPolicies:
        if self.known_answers is None and self.plurality is None:
            raise refuse("there is no policy", "Add known_answers: or plurality:, or remove the line.")
        return self

    @property
    def most_assignments(self) -> int:
        """So many a HIT may come to have; 0 where none is ever extended."""
        return max(policy.most_assignments for policy in (self.known_answers, self.plurality) if policy)


def _reasons(policy: Section, rule: str, reason: str) -> None:
    if getattr(policy, reason) is not None and getattr(policy, rule) is None:
        raise refuse(f"{reason} is never used: nothing rejects", f"Add  {rule}: 30", reason)


def _bounds(approve: int | None, reject: int | None) -> None:
    if approve is not None and reject is not None and approve < reject:
        raise refuse(
            f"a score from {approve} to {reject - 1} would be approved and rejected",
            f"Write reject_below: {approve} or less.",
            "reject_below",
        )


def _policy(name: str, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    return {"PolicyName": name, "Parameters": parameters}


def _values(**values: Any) -> Iterator[dict[str, Any]]:
    """Parameters of one value each; those without one are left out."""
    for key, value in values.items():
        if value is not None:
            seconds = int(value.total_seconds()) if hasattr(value, "total_seconds") else value
            yield {"Key": key, "Values": [str(seconds)]}
