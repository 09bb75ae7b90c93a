"""Rows of the conformance table: an operation, a sentence, its parameters, and what must come of it.

Parameters are made from a `World` in which what they need exists; what must come is a check of the answer, or the
error's code.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from botocore import xform_name
from marketplace_world import BAD_XML, KNOWN_ANSWERS, NOBODY, PLURALITY, SCHEMAS, TERMS, TEST, World, page

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.exceptions import ClientError

    Given: TypeAlias = Callable[[World], dict[str, Any]]
    Expected: TypeAlias = str | Callable[[dict[str, Any]], Any]

PARAMETER = "ParameterValidationError"
MODEL = "ValidationException"
REPEATED = "already been processed"
"""Repeated tokens have no code of their own: the message tells them."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    operation: str
    says: str
    given: Given
    expected: Expected


def nothing(answer: dict[str, Any]) -> bool:
    """An answer without members."""
    return set(answer) == {"ResponseMetadata"}


def having(**members: Any) -> Callable[[dict[str, Any]], bool]:
    """An answer with these members in its one structure."""

    def check(answer: dict[str, Any]) -> bool:
        inner = next((value for value in answer.values() if isinstance(value, dict) and value is not members), answer)
        return all(inner.get(name, answer.get(name)) == value for name, value in members.items())

    return check


def once(operation: str, given: Given) -> Given:
    """The same parameters again, after they were used once."""

    def again(w: World) -> dict[str, Any]:
        parameters = given(w)
        call(w, operation, parameters)
        return parameters

    return again


def first(action: Callable[[World], Any], *, given: Given | None = None, **parameters: Any) -> Given:
    """Parameters, after something has happened."""

    def then(w: World) -> dict[str, Any]:
        action(w)
        return parameters if given is None else given(w)

    return then


def after(action: Callable[[World], Any], given: Given) -> Given:
    """Parameters, and something that happens once they are there."""

    def then(w: World) -> dict[str, Any]:
        parameters = given(w)
        action(w)
        return parameters

    return then


def hit_given(w: World, **changes: Any) -> dict[str, Any]:
    return {**TERMS, "LifetimeInSeconds": 3600, "Question": page(), **changes}


def typed(w: World, **changes: Any) -> dict[str, Any]:
    return {"HITTypeId": w.hit_type(), "LifetimeInSeconds": 3600, "Question": page(), **changes}


def bonus(w: World, assignment: str = "", **changes: Any) -> dict[str, Any]:
    given = {"WorkerId": "A1ONE", "BonusAmount": "0.50", "Reason": "well done"}
    return {**given, "AssignmentId": assignment or w.approved(), **changes}


def quality(**changes: Any) -> dict[str, Any]:
    return {"Name": "Quality", "Description": "D", "QualificationTypeStatus": "Active", **changes}


def specification(**changes: Any) -> dict[str, Any]:
    return {
        "Destination": "http://127.0.0.1:9/x", "Transport": "SQS", "Version": "2014-08-15",
        "EventTypes": ["HITExpired"], **changes,
    }  # fmt: skip


def external(url: str) -> str:
    return (
        f'<ExternalQuestion xmlns="{SCHEMAS}2006-07-14/ExternalQuestion.xsd"><ExternalURL>{url}</ExternalURL>'
        "<FrameHeight>400</FrameHeight></ExternalQuestion>"
    )


def making(operation: str, given: Callable[..., dict[str, Any]]) -> list[Row]:
    """What both operations that make HITs answer."""

    def row(says: str, expected: Expected, **changes: Any) -> Row:
        return Row(operation, says, lambda w: given(w, **changes), expected)

    return [
        row("makes a HIT", having(HITStatus="Assignable", MaxAssignments=1, HITReviewStatus="NotReviewed")),
        row("repeats an annotation", having(RequesterAnnotation="mine"), RequesterAnnotation="mine"),
        row("takes an external question", having(HITStatus="Assignable"), Question=external("https://example.org/")),
        row("takes a form", having(HITStatus="Assignable"), Question=TEST),
        row("takes sloppy HTML", having(HITStatus="Assignable"), Question=page("<p>a</p></p><input></input>")),
        row("takes both review policies", having(HITStatus="Assignable"),
            AssignmentReviewPolicy=KNOWN_ANSWERS, HITReviewPolicy=PLURALITY),
        row("takes the shortest lifetime", having(HITStatus="Assignable"), LifetimeInSeconds=30),
        row("refuses a shorter one", PARAMETER, LifetimeInSeconds=29),
        row("refuses a lifetime over a year", PARAMETER, LifetimeInSeconds=31_536_001),
        row("refuses no assignments", PARAMETER, MaxAssignments=0),
        row("refuses too many assignments", PARAMETER, MaxAssignments=1_000_000_001),
        row("refuses a long annotation", PARAMETER, RequesterAnnotation="x" * 256),
        row("refuses control characters", "InvalidParameterValue", RequesterAnnotation="a\x07"),
        row("needs money for all of it", "InsufficientFunds", MaxAssignments=1_000_000),
        row("checks the schema of a question", "XMLParseError", Question=BAD_XML),
        row("refuses what is not XML", "XMLParseError", Question="hello"),
        row("refuses a DTD", "XMLParseError", Question='<!DOCTYPE a [<!ENTITY b "c">]>' + page()),
        row("refuses a second body", "XHTMLParseError", Question=page("<body>")),
        row("refuses attributes run together", "XHTMLParseError", Question=page('<a href="x"id="y">z</a>')),
        row("refuses over 65,535 bytes", PARAMETER, Question=page("x" * 65_536)),
        row("refuses an external question without TLS", PARAMETER, Question=external("http://example.org/")),
        row("refuses an unknown policy", PARAMETER, HITReviewPolicy=KNOWN_ANSWERS),
        row("refuses a policy that misses a parameter", PARAMETER,
            HITReviewPolicy={**PLURALITY, "Parameters": PLURALITY["Parameters"][1:]}),
        row("refuses an unknown layout", "HITLayoutDoesNotExist", Question=None, HITLayoutId=NOBODY),
        row("refuses question and layout together", PARAMETER, HITLayoutId=NOBODY),
        row("refuses neither", PARAMETER, Question=None),
        row("refuses parameters without a layout", PARAMETER, HITLayoutParameters=[{"Name": "a", "Value": "b"}]),
        Row(operation, "answers a token used before with the HIT it made",
            once(operation, lambda w: given(w, UniqueRequestToken="t")), "HitAlreadyExists"),
        Row(operation, "has forgotten a token after a day",
            after(lambda w: w.later(hours=25), once(operation, lambda w: given(w, UniqueRequestToken="t"))),
            having(HITStatus="Assignable")),
    ]  # fmt: skip


def missing(operation: str, code: str, parameter: str, **others: Any) -> Row:
    return Row(operation, "refuses an id that nothing has", lambda _: {parameter: NOBODY, **others}, code)


def of_another(operation: str, code: str, given: Given) -> Row:
    return Row(operation, "answers for another requester's as for none", lambda w: given(w.another()), code)


def one_hit(operation: str, *, hit: Callable[[World], str] = World.hit, **others: Any) -> list[Row]:
    return [
        missing(operation, "HITDoesNotExist", "HITId", **others),
        of_another(operation, "HITDoesNotExist", lambda w: {"HITId": hit(w), **others}),
    ]


def one_assignment(operation: str, **others: Any) -> list[Row]:
    return [
        missing(operation, "AssignmentDoesNotExist", "AssignmentId", **others),
        of_another(operation, "AssignmentDoesNotExist", lambda w: {"AssignmentId": w.submitted(), **others}),
    ]


def gone_with_its_hit(w: World) -> str:
    hit = w.hit(MaxAssignments=1)
    assignment = w.approved(hit)
    w.client.delete_hit(HITId=hit)
    return assignment


def one_qualification_type(operation: str, **others: Any) -> list[Row]:
    return [
        missing(operation, "QualificationTypeDoesNotExist", "QualificationTypeId", **others),
        of_another(
            operation, "QualificationTypeDoesNotExist", lambda w: {"QualificationTypeId": w.granted(), **others}
        ),
    ]


def call(w: World, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
    given = {name: value for name, value in parameters.items() if value is not None}
    found: dict[str, Any] = getattr(w.client, xform_name(operation))(**given)
    return found


def code_of(w: World, caught: ClientError) -> str:
    """The most telling code of an error; its envelope is checked on the way."""
    response: Any = caught.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 400
    envelope = json.loads(w.raw)
    code, message = envelope["__type"], envelope["Message"]
    turk = str(envelope.get("TurkErrorCode", "AWS.MechanicalTurk.")).removeprefix("AWS.MechanicalTurk.")
    assert response["Error"]["Code"] == code
    if code != MODEL:
        assert re.search(r" \(\d{13}\)$", message), "a message ends in the server's milliseconds"
    if turk:
        assert code == ("ParameterValidationError" if turk.endswith("ParseError") else "RequestError")
        assert code == "ParameterValidationError" or response["TurkErrorCode"] == envelope["TurkErrorCode"]
        return turk
    return REPEATED if code == "RequestError" and REPEATED in message else code
