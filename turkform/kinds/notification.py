"""Notifications: where the events of a HIT type's HITs are sent.

Settings hang on a HIT type, one specification each, and nothing reads them back: they are sent when a type
first gets a HIT of ours, and whenever they are not what the journal remembers. Repeating them is harmless.

Source: UpdateNotificationSettings and the NotificationSpecification data structure in the API reference (read 25
Nov 2026). E-mail destinations exist in the model and were not taken any more.
"""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from turkform.kinds.resource import Section, listed, refuse

UPDATE = "UpdateNotificationSettings"
VERSION = "2014-08-15"
"""The one version that the documentation calls valid; the service model still says 2006-05-05."""

_LOOPBACK = r"(localhost|127\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}|\[::1\])"
QUEUE_PATTERN = rf"^(https://[A-Za-z0-9.-]+|http://{_LOOPBACK})(:[0-9]{{1,5}})?/[^\s]*$"
TOPIC_PATTERN = r"^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}$"

Event = Literal[
    "AssignmentAccepted",
    "AssignmentAbandoned",
    "AssignmentReturned",
    "AssignmentSubmitted",
    "AssignmentRejected",
    "AssignmentApproved",
    "HITCreated",
    "HITExpired",
    "HITReviewable",
    "HITExtended",
    "HITDisposed",
]


def _once(value: Any) -> Any:
    events = listed(value)
    if isinstance(events, tuple):
        for number, event in enumerate(events):
            if event in events[:number]:
                raise refuse(f"{event} stands twice", "Remove one.")
    return events


class Notification(Section):
    """Where events go, and which."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["sqs"]}, {"required": ["sns"]}]})

    kind: ClassVar[str] = "notification"

    sqs: Annotated[
        str | None,
        Field(
            pattern=QUEUE_PATTERN,
            description="The URL of an SQS queue, or of a receiver of your own.",
            examples=["https://sqs.us-east-1.amazonaws.com/123456789012/answers"],
        ),
    ] = None
    sns: Annotated[
        str | None,
        Field(
            pattern=TOPIC_PATTERN,
            description="The ARN of an SNS topic.",
            examples=["arn:aws:sns:us-east-1:123456789012:answers"],
        ),
    ] = None
    events: Annotated[
        tuple[Event, ...],
        Field(min_length=1, description="Which events are sent.", examples=[["AssignmentSubmitted"]]),
        BeforeValidator(_once),
    ]

    @model_validator(mode="after")
    def _one_destination(self) -> Notification:
        if self.sqs is None and self.sns is None:
            raise refuse("the notification goes nowhere", "Add  sqs: https://…  or  sns: arn:aws:sns:…")
        if self.sqs is not None and self.sns is not None:
            raise refuse("the notification goes to two places: sqs and sns", "Keep one.", "sns")
        return self

    def to_wire(self) -> dict[str, Any]:
        """The specification, as the API takes it."""
        return {
            "Destination": self.sqs or self.sns,
            "Transport": "SQS" if self.sqs else "SNS",
            "Version": VERSION,
            "EventTypes": sorted(self.events),
        }

    @property
    def digest(self) -> str:
        """What the journal remembers of the settings that were sent."""
        return hashlib.sha256(json.dumps(self.to_wire(), sort_keys=True).encode()).hexdigest()[:16]

    def __str__(self) -> str:
        return f"{self.sqs or self.sns}: {', '.join(sorted(self.events))}"
