"""The conformance table: every operation of botocore's own list, as an unmodified boto3 client meets it.

A row is an operation, a sentence, its parameters (made from a `World` in which what they need exists), and what must
come of it: a check of the answer, or the error's code. The codes an operation must be able to give are in `ERRORS`;
what botocore's model itself forbids is in `test_marketplace_protocol`, generated from it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError
from marketplace_server import STORES, running, store_url
from marketplace_world import (
    BAD_XML,
    KEY,
    KNOWN_ANSWERS,
    NOBODY,
    PLURALITY,
    SCHEMAS,
    TERMS,
    TEST,
    World,
    page,
    requirement,
)

from turkform.marketplace.operations import HANDLERS
from turkform.marketplace.protocol import operations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Given: TypeAlias = Callable[[World], dict[str, Any]]
    Expected: TypeAlias = str | Callable[[dict[str, Any]], Any]

PARAMETER = "ParameterValidationError"
MODEL = "ValidationException"
REPEATED = "already been processed"
"""Repeated tokens have no code of their own: the message tells them."""

ERRORS = {
    "AcceptQualificationRequest": "QualificationRequestDoesNotExist InvalidQualificationRequestState",
    "ApproveAssignment": "AssignmentDoesNotExist InvalidAssignmentState InsufficientFunds InvalidParameterValue",
    "AssociateQualificationWithWorker": f"QualificationTypeDoesNotExist {MODEL}",
    "CreateAdditionalAssignmentsForHIT": "InvalidMaximumAssignmentsIncrease HITTooOldForExtension InsufficientFunds "
    "HITDoesNotExist InvalidHITState already",
    "CreateHIT": "InsufficientFunds HitAlreadyExists XMLParseError XHTMLParseError ParameterValidationError "
    "HITLayoutDoesNotExist QualificationTypeDoesNotExist InvalidParameterValue",
    "CreateHITType": "QualificationTypeDoesNotExist ParameterValidationError InvalidParameterValue",
    "CreateHITWithHITType": "InsufficientFunds HitAlreadyExists XMLParseError XHTMLParseError "
    "ParameterValidationError HITLayoutDoesNotExist HITTypeDoesNotExist InvalidParameterValue",
    "CreateQualificationType": "QualificationTypeAlreadyExists ParameterValidationError XMLParseError",
    "CreateWorkerBlock": MODEL,
    "DeleteHIT": "InvalidHITState HITDoesNotExist",
    "DeleteQualificationType": "QualificationTypeDoesNotExist InvalidQualificationTypeState",
    "DeleteWorkerBlock": MODEL,
    "DisassociateQualificationFromWorker": "QualificationTypeDoesNotExist QualificationDoesNotExist "
    "InvalidQualificationState",
    "GetAccountBalance": "",
    "GetAssignment": "AssignmentDoesNotExist InvalidAssignmentState",
    "GetFileUploadURL": "AssignmentDoesNotExist ParameterValidationError",
    "GetHIT": "HITDoesNotExist",
    "GetQualificationScore": "QualificationTypeDoesNotExist QualificationDoesNotExist InvalidQualificationState",
    "GetQualificationType": "QualificationTypeDoesNotExist",
    "ListAssignmentsForHIT": "HITDoesNotExist",
    "ListBonusPayments": "ParameterValidationError HITDoesNotExist AssignmentDoesNotExist",
    "ListHITs": PARAMETER,
    "ListHITsForQualificationType": "QualificationTypeDoesNotExist",
    "ListQualificationRequests": "QualificationTypeDoesNotExist",
    "ListQualificationTypes": PARAMETER,
    "ListReviewPolicyResultsForHIT": "HITDoesNotExist",
    "ListReviewableHITs": PARAMETER,
    "ListWorkerBlocks": PARAMETER,
    "ListWorkersWithQualificationType": "QualificationTypeDoesNotExist",
    "NotifyWorkers": PARAMETER,
    "RejectAssignment": "AssignmentDoesNotExist InvalidAssignmentState InvalidParameterValue",
    "RejectQualificationRequest": "QualificationRequestDoesNotExist InvalidQualificationRequestState",
    "SendBonus": "AssignmentDoesNotExist InvalidAssignmentState InsufficientFunds ParameterValidationError already",
    "SendTestEventNotification": "InvalidTransportEndpoint",
    "UpdateExpirationForHIT": "HITDoesNotExist InvalidHITState already",
    "UpdateHITReviewStatus": "InvalidHITState HITDoesNotExist",
    "UpdateHITTypeOfHIT": "HITDoesNotExist InvalidHITState HITTypeDoesNotExist",
    "UpdateNotificationSettings": "InvalidTransportEndpoint HITTypeDoesNotExist ParameterValidationError",
    "UpdateQualificationType": "QualificationTypeDoesNotExist InvalidQualificationTypeState ParameterValidationError "
    "XMLParseError",
}


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


TABLE = [
    # --- HIT types and HITs
    Row("CreateHITType", "makes a type", lambda _: dict(TERMS), lambda a: a["HITTypeId"]),
    Row("CreateHITType", "takes a reward of nothing", lambda _: {**TERMS, "Reward": "0.00"}, lambda a: a["HITTypeId"]),
    Row("CreateHITType", "refuses a long title", lambda _: {**TERMS, "Title": "x" * 129}, PARAMETER),
    Row("CreateHITType", "refuses a long description", lambda _: {**TERMS, "Description": "x" * 2001}, PARAMETER),
    Row("CreateHITType", "refuses long keywords", lambda _: {**TERMS, "Keywords": "x" * 1001}, PARAMETER),
    Row("CreateHITType", "refuses control characters", lambda _: {**TERMS, "Title": "a\x01"}, "InvalidParameterValue"),
    Row("CreateHITType", "refuses a short time", lambda _: {**TERMS, "AssignmentDurationInSeconds": 29}, PARAMETER),
    Row("CreateHITType", "refuses a late approval", lambda _: {**TERMS, "AutoApprovalDelayInSeconds": 2_592_001},
        PARAMETER),
    Row("CreateHITType", "refuses a fraction of a cent", lambda _: {**TERMS, "Reward": "0.155"}, MODEL),
    Row("CreateHITType", "refuses eleven requirements",
        lambda w: {**TERMS, "QualificationRequirements": [requirement(w.qualification_type())] * 11}, PARAMETER),
    Row("CreateHITType", "refuses a requirement on what is not there",
        lambda _: {**TERMS, "QualificationRequirements": [requirement(NOBODY)]}, "QualificationTypeDoesNotExist"),
    Row("CreateHITType", "refuses values that do not fit the comparator",
        lambda w: {**TERMS, "QualificationRequirements": [requirement(w.qualification_type(), "In")]}, PARAMETER),
    Row("CreateHITType", "refuses a locale outside of Worker_Locale",
        lambda w: {**TERMS, "QualificationRequirements": [
            {**requirement(w.qualification_type(), "EqualTo"), "LocaleValues": [{"Country": "US"}]}]}, PARAMETER),
    Row("CreateHITType", "refuses both ways to guard",
        lambda w: {**TERMS, "QualificationRequirements": [
            {**requirement(w.granted()), "RequiredToPreview": True, "ActionsGuarded": "Accept"}]}, PARAMETER),
    *making("CreateHIT", hit_given),
    Row("CreateHIT", "needs the qualification types that it requires",
        lambda w: hit_given(w, QualificationRequirements=[requirement(NOBODY)]), "QualificationTypeDoesNotExist"),
    *making("CreateHITWithHITType", typed),
    missing("CreateHITWithHITType", "HITTypeDoesNotExist", "HITTypeId", LifetimeInSeconds=60, Question=page()),
    of_another("CreateHITWithHITType", "HITTypeDoesNotExist", typed),
    Row("GetHIT", "shows a HIT", lambda w: {"HITId": w.hit()}, having(Reward="0.10", NumberOfAssignmentsAvailable=2)),
    Row("GetHIT", "shows a deleted one as disposed", lambda w: {"HITId": w.deleted()}, having(HITStatus="Disposed")),
    *one_hit("GetHIT"),
    Row("ListHITs", "lists every HIT that is not disposed",
        first(lambda w: (w.hit(), w.expired(), w.deleted())), having(NumResults=2)),
    Row("ListHITs", "refuses a token of its own making", lambda _: {"NextToken": "nonsense"}, PARAMETER),
    Row("ListReviewableHITs", "lists what is Reviewable",
        first(lambda w: (w.hit(), w.expired())), having(NumResults=1)),
    Row("ListReviewableHITs", "lists one type's",
        after(World.expired, lambda w: {"HITTypeId": w.hit_type(Title="Other")}), having(NumResults=0)),
    Row("ListReviewableHITs", "lists what is Reviewing",
        first(lambda w: w.client.update_hit_review_status(HITId=w.expired()), Status="Reviewing"),
        having(NumResults=1)),
    Row("ListReviewableHITs", "refuses a token of its own making", lambda _: {"NextToken": "nonsense"}, PARAMETER),
    Row("ListHITsForQualificationType", "lists the HITs that require it",
        first(World.hit, given=lambda w: {"QualificationTypeId": w.required()}), having(NumResults=1)),
    missing("ListHITsForQualificationType", "QualificationTypeDoesNotExist", "QualificationTypeId"),
    Row("CreateAdditionalAssignmentsForHIT", "adds places",
        lambda w: {"HITId": w.hit(), "NumberOfAdditionalAssignments": 7}, nothing),
    Row("CreateAdditionalAssignmentsForHIT", "adds any number to ten",
        lambda w: {"HITId": w.hit(MaxAssignments=10), "NumberOfAdditionalAssignments": 50}, nothing),
    Row("CreateAdditionalAssignmentsForHIT", "adds to an expired HIT without holding money",
        after(World.poor, lambda w: {"HITId": w.expired(Reward="5.00"), "NumberOfAdditionalAssignments": 1}), nothing),
    Row("CreateAdditionalAssignmentsForHIT", "refuses nine to ten",
        lambda w: {"HITId": w.hit(MaxAssignments=9), "NumberOfAdditionalAssignments": 1},
        "InvalidMaximumAssignmentsIncrease"),
    Row("CreateAdditionalAssignmentsForHIT", "refuses HITs from before 22 July 2015",
        lambda w: {"HITId": w.made_long_ago(w.hit()), "NumberOfAdditionalAssignments": 1}, "HITTooOldForExtension"),
    Row("CreateAdditionalAssignmentsForHIT", "refuses none", lambda w: {"HITId": w.hit(),
        "NumberOfAdditionalAssignments": 0}, PARAMETER),
    Row("CreateAdditionalAssignmentsForHIT", "needs money",
        after(World.poor, lambda w: {"HITId": w.hit(Reward="5.00"), "NumberOfAdditionalAssignments": 1}),
        "InsufficientFunds"),
    Row("CreateAdditionalAssignmentsForHIT", "refuses a disposed HIT",
        lambda w: {"HITId": w.deleted(), "NumberOfAdditionalAssignments": 1}, "InvalidHITState"),
    Row("CreateAdditionalAssignmentsForHIT", "refuses a token used before",
        once("CreateAdditionalAssignmentsForHIT", lambda w: {"HITId": w.hit(), "NumberOfAdditionalAssignments": 1,
                                                             "UniqueRequestToken": "t"}), REPEATED),
    *one_hit("CreateAdditionalAssignmentsForHIT", NumberOfAdditionalAssignments=1),
    Row("UpdateExpirationForHIT", "takes a time to come", lambda w: {"HITId": w.hit(), "ExpireAt": 4_000_000_000},
        nothing),
    Row("UpdateExpirationForHIT", "takes 0 as now", lambda w: {"HITId": w.hit(), "ExpireAt": 0}, nothing),
    Row("UpdateExpirationForHIT", "refuses the same instant twice",
        once("UpdateExpirationForHIT", lambda w: {"HITId": w.hit(), "ExpireAt": 1_420_070_400}), REPEATED),
    Row("UpdateExpirationForHIT", "refuses a disposed HIT", lambda w: {"HITId": w.deleted(), "ExpireAt": 0},
        "InvalidHITState"),
    *one_hit("UpdateExpirationForHIT", ExpireAt=5),
    Row("UpdateHITTypeOfHIT", "moves an untouched HIT",
        lambda w: {"HITId": w.hit(), "HITTypeId": w.hit_type(Reward="0.20")}, nothing),
    Row("UpdateHITTypeOfHIT", "refuses one that was accepted",
        lambda w: {"HITId": w.begun(), "HITTypeId": w.hit_type()}, "InvalidHITState"),
    Row("UpdateHITTypeOfHIT", "refuses a disposed HIT", lambda w: {"HITId": w.deleted(), "HITTypeId": w.hit_type()},
        "InvalidHITState"),
    Row("UpdateHITTypeOfHIT", "refuses an unknown type", lambda w: {"HITId": w.hit(), "HITTypeId": NOBODY},
        "HITTypeDoesNotExist"),
    *one_hit("UpdateHITTypeOfHIT", HITTypeId=NOBODY),
    Row("UpdateHITReviewStatus", "sets Reviewing", lambda w: {"HITId": w.expired()}, nothing),
    Row("UpdateHITReviewStatus", "sets Reviewable again", lambda w: {
        **once("UpdateHITReviewStatus", lambda v: {"HITId": v.expired()})(w), "Revert": True}, nothing),
    Row("UpdateHITReviewStatus", "refuses an Assignable HIT", lambda w: {"HITId": w.hit()}, "InvalidHITState"),
    Row("UpdateHITReviewStatus", "reverts Reviewing only", lambda w: {"HITId": w.expired(), "Revert": True},
        "InvalidHITState"),
    *one_hit("UpdateHITReviewStatus"),
    Row("DeleteHIT", "disposes of a Reviewable HIT", lambda w: {"HITId": w.expired()}, nothing),
    Row("DeleteHIT", "disposes of a Reviewing HIT",
        once("UpdateHITReviewStatus", lambda w: {"HITId": w.expired()}), nothing),
    Row("DeleteHIT", "refuses an Assignable HIT", lambda w: {"HITId": w.hit()}, "InvalidHITState"),
    Row("DeleteHIT", "refuses work not reviewed", lambda w: {"HITId": w.worked(MaxAssignments=1)}, "InvalidHITState"),
    Row("DeleteHIT", "refuses twice, and says why", lambda w: {"HITId": w.deleted()}, "InvalidHITState"),
    *one_hit("DeleteHIT"),
    # --- assignments and money
    Row("GetAssignment", "shows a submission and its HIT", lambda w: {"AssignmentId": w.submitted()},
        having(AssignmentStatus="Submitted", WorkerId="A1ONE")),
    Row("GetAssignment", "refuses one in work", lambda w: {"AssignmentId": w.accepted()}, "InvalidAssignmentState"),
    Row("GetAssignment", "does not know one of a disposed HIT", lambda w: {"AssignmentId": gone_with_its_hit(w)},
        "AssignmentDoesNotExist"),
    *one_assignment("GetAssignment"),
    Row("ListAssignmentsForHIT", "lists what was submitted, and not what is in work",
        lambda w: {"HITId": w.begun(w.worked())}, having(NumResults=1)),
    Row("ListAssignmentsForHIT", "lists by status",
        lambda w: {"HITId": w.worked(), "AssignmentStatuses": ["Approved", "Rejected"]}, having(NumResults=0)),
    *one_hit("ListAssignmentsForHIT"),
    Row("ApproveAssignment", "approves a submission", lambda w: {"AssignmentId": w.submitted()}, nothing),
    Row("ApproveAssignment", "overrides a rejection",
        lambda w: {"AssignmentId": w.rejected(), "OverrideRejection": True}, nothing),
    Row("ApproveAssignment", "just approves where there is nothing to override",
        lambda w: {"AssignmentId": w.submitted(), "OverrideRejection": True}, nothing),
    Row("ApproveAssignment", "refuses one in work", lambda w: {"AssignmentId": w.accepted()}, "InvalidAssignmentState"),
    Row("ApproveAssignment", "refuses twice", lambda w: {"AssignmentId": w.approved()}, "InvalidAssignmentState"),
    Row("ApproveAssignment", "refuses a rejected one", lambda w: {"AssignmentId": w.rejected()},
        "InvalidAssignmentState"),
    Row("ApproveAssignment", "overrides within thirty days only",
        after(lambda w: w.later(days=31), lambda w: {"AssignmentId": w.rejected(), "OverrideRejection": True}),
        "InvalidAssignmentState"),
    Row("ApproveAssignment", "needs the money again for an override",
        after(World.poor, lambda w: {"AssignmentId": w.rejected(w.hit(Reward="5.00", MaxAssignments=1)),
                                     "OverrideRejection": True}), "InsufficientFunds"),
    Row("ApproveAssignment", "refuses long feedback",
        lambda w: {"AssignmentId": w.submitted(), "RequesterFeedback": "x" * 1025}, "InvalidParameterValue"),
    Row("ApproveAssignment", "counts characters, not bytes",
        lambda w: {"AssignmentId": w.submitted(), "RequesterFeedback": "é" * 1024}, nothing),
    *one_assignment("ApproveAssignment"),
    Row("RejectAssignment", "rejects a submission", lambda w: {"AssignmentId": w.submitted(), "RequesterFeedback": "n"},
        nothing),
    Row("RejectAssignment", "refuses an approved one",
        lambda w: {"AssignmentId": w.approved(), "RequesterFeedback": "n"}, "InvalidAssignmentState"),
    Row("RejectAssignment", "refuses control characters",
        lambda w: {"AssignmentId": w.submitted(), "RequesterFeedback": "\x0b"}, "InvalidParameterValue"),
    *one_assignment("RejectAssignment", RequesterFeedback="n"),
    Row("SendBonus", "pays for approved work", bonus, nothing),
    Row("SendBonus", "pays for rejected work", lambda w: bonus(w, w.rejected()), nothing),
    Row("SendBonus", "refuses nothing", lambda w: bonus(w, BonusAmount="0.00"), PARAMETER),
    Row("SendBonus", "refuses a fraction of a cent, as it always did", lambda w: bonus(w, BonusAmount="0.9752"), MODEL),
    Row("SendBonus", "refuses another worker's assignment", lambda w: bonus(w, WorkerId="A1TWO"), PARAMETER),
    Row("SendBonus", "refuses a long reason", lambda w: bonus(w, Reason="x" * 4097), PARAMETER),
    Row("SendBonus", "refuses one in work", lambda w: bonus(w, w.accepted()), "InvalidAssignmentState"),
    Row("SendBonus", "refuses after half a year", after(lambda w: w.later(days=184), bonus), "InvalidAssignmentState"),
    Row("SendBonus", "needs money for the fee as well", lambda w: bonus(w, BonusAmount="9990.00"), "InsufficientFunds"),
    Row("SendBonus", "refuses a token used before",
        once("SendBonus", lambda w: bonus(w, UniqueRequestToken="t")), REPEATED),
    *one_assignment("SendBonus", WorkerId="A1ONE", BonusAmount="1", Reason="r"),
    Row("ListBonusPayments", "lists a HIT's",
        lambda w: {"HITId": w.hit_of(once("SendBonus", bonus)(w)["AssignmentId"])}, having(NumResults=1)),
    Row("ListBonusPayments", "lists an assignment's",
        lambda w: {"AssignmentId": once("SendBonus", bonus)(w)["AssignmentId"]}, having(NumResults=1)),
    Row("ListBonusPayments", "needs one of the two", lambda _: {}, PARAMETER),
    Row("ListBonusPayments", "does not know a disposed HIT", lambda w: {"HITId": w.deleted()}, "HITDoesNotExist"),
    *one_hit("ListBonusPayments"),
    *one_assignment("ListBonusPayments"),
    Row("GetAccountBalance", "tells what is left and what is held", first(World.hit),
        having(AvailableBalance="9999.76", OnHoldBalance="0.24")),
    Row("GetFileUploadURL", "has no files", lambda w: {"AssignmentId": w.submitted(), "QuestionIdentifier": "a"},
        PARAMETER),
    *one_assignment("GetFileUploadURL", QuestionIdentifier="a"),
    Row("ListReviewPolicyResultsForHIT", "shows policies, results and actions",
        lambda w: {"HITId": w.worked(AssignmentReviewPolicy=KNOWN_ANSWERS)},
        lambda a: (a["AssignmentReviewPolicy"] == KNOWN_ANSWERS
                   and [r["Key"] for r in a["AssignmentReviewReport"]["ReviewResults"]]
                   == ["KnownAnswerCorrect", "KnownAnswerScore"]
                   and [r["Status"] for r in a["AssignmentReviewReport"]["ReviewActions"]] == ["Succeeded"])),
    *one_hit("ListReviewPolicyResultsForHIT"),
    # --- qualifications
    Row("CreateQualificationType", "makes a type", lambda _: quality(Keywords="k", RetryDelayInSeconds=0),
        having(Name="Quality", Keywords="k", RetryDelayInSeconds=0, IsRequestable=True, AutoGranted=False)),
    Row("CreateQualificationType", "takes a test with its key",
        lambda _: quality(Test=TEST, AnswerKey=KEY, TestDurationInSeconds=60), having(Test=TEST, AnswerKey=KEY)),
    Row("CreateQualificationType", "grants itself at 1", lambda _: quality(AutoGranted=True),
        having(AutoGranted=True, AutoGrantedValue=1)),
    Row("CreateQualificationType", "refuses a name in use", once("CreateQualificationType", lambda _: quality()),
        "QualificationTypeAlreadyExists"),
    Row("CreateQualificationType", "refuses a name for two days after its type was deleted",
        first(lambda w: w.client.delete_qualification_type(QualificationTypeId=w.qualification_type(Name="Quality")),
              **quality()), "QualificationTypeAlreadyExists"),
    Row("CreateQualificationType", "refuses a test without duration", lambda _: quality(Test=TEST), PARAMETER),
    Row("CreateQualificationType", "refuses a key without test", lambda _: quality(AnswerKey=KEY), PARAMETER),
    Row("CreateQualificationType", "refuses a duration of nothing",
        lambda _: quality(Test=TEST, TestDurationInSeconds=0), PARAMETER),
    Row("CreateQualificationType", "refuses a test that grants itself",
        lambda _: quality(Test=TEST, TestDurationInSeconds=9, AutoGranted=True), PARAMETER),
    Row("CreateQualificationType", "refuses a value that nothing grants", lambda _: quality(AutoGrantedValue=4),
        PARAMETER),
    Row("CreateQualificationType", "refuses a retry before now", lambda _: quality(RetryDelayInSeconds=-1), PARAMETER),
    Row("CreateQualificationType", "refuses a long name", lambda _: quality(Name="x" * 201), PARAMETER),
    Row("CreateQualificationType", "refuses a long description", lambda _: quality(Description="x" * 2001), PARAMETER),
    Row("CreateQualificationType", "refuses a test that is no form",
        lambda _: quality(Test=page(), TestDurationInSeconds=60), "XMLParseError"),
    Row("CreateQualificationType", "refuses a key to another test",
        lambda _: quality(Test=TEST, AnswerKey=KEY.replace(">cat<", ">cow<"), TestDurationInSeconds=60), PARAMETER),
    Row("GetQualificationType", "shows one's own", lambda w: {"QualificationTypeId": w.granted()},
        having(QualificationTypeStatus="Active", Description="D")),
    Row("GetQualificationType", "shows the system's", lambda _: {"QualificationTypeId": "00000000000000000071"},
        having(Name="Worker_Locale", IsRequestable=False)),
    Row("GetQualificationType", "shows another's without its test",
        lambda w: {"QualificationTypeId": w.another().qualification_type(Test=TEST, TestDurationInSeconds=60)},
        lambda a: "Test" not in a["QualificationType"]),
    missing("GetQualificationType", "QualificationTypeDoesNotExist", "QualificationTypeId"),
    Row("ListQualificationTypes", "finds every word, in any case",
        first(lambda w: (w.qualification_type(Name=f"Zebra {w.key}"), w.qualification_type(Name="Zebra")),
              given=lambda w: {"MustBeRequestable": True, "Query": f"zEBRA {w.key.lower()}"}), having(NumResults=1)),
    Row("ListQualificationTypes", "lists one's own",
        first(World.qualification_type, MustBeRequestable=False, MustBeOwnedByCaller=True), having(NumResults=1)),
    Row("ListQualificationTypes", "leaves out inactive ones where asked",
        first(lambda w: w.qualification_type(QualificationTypeStatus="Inactive"), MustBeRequestable=True,
              MustBeOwnedByCaller=True), having(NumResults=0)),
    Row("ListQualificationTypes", "refuses a token of its own making",
        lambda _: {"MustBeRequestable": True, "NextToken": "nonsense"}, PARAMETER),
    Row("UpdateQualificationType", "changes what is given",
        lambda w: {"QualificationTypeId": w.qualification_type(RetryDelayInSeconds=5), "Description": "E"},
        having(Description="E", RetryDelayInSeconds=5)),
    Row("UpdateQualificationType", "replaces a test and drops its key",
        lambda w: {"QualificationTypeId": w.qualification_type(Test=TEST, AnswerKey=KEY, TestDurationInSeconds=9),
                   "Test": TEST, "TestDurationInSeconds": 8},
        lambda a: "AnswerKey" not in a["QualificationType"] and a["QualificationType"]["TestDurationInSeconds"] == 8),
    Row("UpdateQualificationType", "refuses a key without its test",
        lambda w: {"QualificationTypeId": w.qualification_type(Test=TEST, TestDurationInSeconds=9), "AnswerKey": KEY},
        PARAMETER),
    Row("UpdateQualificationType", "refuses to grant itself where there is a test",
        lambda w: {"QualificationTypeId": w.qualification_type(Test=TEST, TestDurationInSeconds=9),
                   "AutoGranted": True}, PARAMETER),
    Row("UpdateQualificationType", "refuses a test off its schema",
        lambda w: {"QualificationTypeId": w.qualification_type(), "Test": "<a/>", "TestDurationInSeconds": 9},
        "XMLParseError"),
    Row("UpdateQualificationType", "refuses one being disposed of", lambda w: {"QualificationTypeId": w.disposing()},
        "InvalidQualificationTypeState"),
    *one_qualification_type("UpdateQualificationType"),
    Row("DeleteQualificationType", "deletes", lambda w: {"QualificationTypeId": w.granted()}, nothing),
    Row("DeleteQualificationType", "refuses one being disposed of", lambda w: {"QualificationTypeId": w.disposing()},
        "InvalidQualificationTypeState"),
    Row("DeleteQualificationType", "does not know one that is gone",
        once("DeleteQualificationType", lambda w: {"QualificationTypeId": w.qualification_type()}),
        "QualificationTypeDoesNotExist"),
    *one_qualification_type("DeleteQualificationType"),
    Row("ListQualificationRequests", "lists open ones of every type",
        first(lambda w: (w.request(), w.request())), having(NumResults=2)),
    Row("ListQualificationRequests", "lists one type's",
        after(World.request, lambda w: {"QualificationTypeId": w.qualification_type()}), having(NumResults=0)),
    *one_qualification_type("ListQualificationRequests"),
    *(row for operation in ("AcceptQualificationRequest", "RejectQualificationRequest") for row in (
        Row(operation, "settles an open request", lambda w: {"QualificationRequestId": w.request()}, nothing),
        Row(operation, "refuses a settled one",
            once(operation, lambda w: {"QualificationRequestId": w.request()}), "InvalidQualificationRequestState"),
        missing(operation, "QualificationRequestDoesNotExist", "QualificationRequestId"),
        of_another(operation, "QualificationRequestDoesNotExist", lambda w: {"QualificationRequestId": w.request()}),
    )),
    Row("AssociateQualificationWithWorker", "grants at 1",
        lambda w: {"QualificationTypeId": w.qualification_type(), "WorkerId": "A1ONE"}, nothing),
    Row("AssociateQualificationWithWorker", "overwrites",
        lambda w: {"QualificationTypeId": w.granted(), "WorkerId": "A1ONE", "IntegerValue": 2}, nothing),
    Row("AssociateQualificationWithWorker", "refuses a malformed worker",
        lambda w: {"QualificationTypeId": w.granted(), "WorkerId": "bob"}, MODEL),
    *one_qualification_type("AssociateQualificationWithWorker", WorkerId="A1ONE"),
    Row("DisassociateQualificationFromWorker", "revokes",
        lambda w: {"QualificationTypeId": w.granted(), "WorkerId": "A1ONE", "Reason": "r"}, nothing),
    Row("DisassociateQualificationFromWorker", "refuses what was never granted",
        lambda w: {"QualificationTypeId": w.granted(), "WorkerId": "A1TWO"}, "QualificationDoesNotExist"),
    Row("DisassociateQualificationFromWorker", "refuses what was revoked",
        lambda w: {"QualificationTypeId": w.revoked(), "WorkerId": "A1ONE"}, "InvalidQualificationState"),
    *one_qualification_type("DisassociateQualificationFromWorker", WorkerId="A1ONE"),
    Row("GetQualificationScore", "tells the value", lambda w: {"QualificationTypeId": w.granted(), "WorkerId": "A1ONE"},
        having(IntegerValue=7, Status="Granted")),
    Row("GetQualificationScore", "refuses what was never granted",
        lambda w: {"QualificationTypeId": w.granted(), "WorkerId": "A1TWO"}, "QualificationDoesNotExist"),
    Row("GetQualificationScore", "refuses what was revoked",
        lambda w: {"QualificationTypeId": w.revoked(), "WorkerId": "A1ONE"}, "InvalidQualificationState"),
    *one_qualification_type("GetQualificationScore", WorkerId="A1ONE"),
    Row("ListWorkersWithQualificationType", "lists who has it", lambda w: {"QualificationTypeId": w.granted()},
        having(NumResults=1)),
    Row("ListWorkersWithQualificationType", "lists by status",
        lambda w: {"QualificationTypeId": w.revoked(), "Status": "Granted"}, having(NumResults=0)),
    *one_qualification_type("ListWorkersWithQualificationType"),
    # --- workers and notifications
    Row("CreateWorkerBlock", "blocks", lambda _: {"WorkerId": "A1BAD", "Reason": "r"}, nothing),
    Row("CreateWorkerBlock", "blocks again, with another reason",
        once("CreateWorkerBlock", lambda _: {"WorkerId": "A1BAD", "Reason": "r"}), nothing),
    Row("CreateWorkerBlock", "refuses a malformed worker", lambda _: {"WorkerId": "bob", "Reason": "r"}, MODEL),
    Row("DeleteWorkerBlock", "is fine where there is none", lambda _: {"WorkerId": "A1BAD"}, nothing),
    Row("DeleteWorkerBlock", "refuses a malformed worker", lambda _: {"WorkerId": "bob"}, MODEL),
    Row("ListWorkerBlocks", "lists blocks with their reasons",
        first(lambda w: w.client.create_worker_block(WorkerId="A1BAD", Reason="why")),
        lambda a: a["WorkerBlocks"] == [{"WorkerId": "A1BAD", "Reason": "why"}]),
    Row("ListWorkerBlocks", "refuses a token of its own making", lambda _: {"NextToken": "nonsense"}, PARAMETER),
    Row("NotifyWorkers", "writes to who worked, and fails softly for others",
        first(World.approved, Subject="s", MessageText="m", WorkerIds=["A1ONE", "A1TWO"]),
        lambda a: [(f["NotifyWorkersFailureCode"], f["WorkerId"]) for f in a["NotifyWorkersFailureStatuses"]]
        == [("SoftFailure", "A1TWO")]),
    Row("NotifyWorkers", "refuses a long subject",
        lambda _: {"Subject": "s" * 201, "MessageText": "m", "WorkerIds": ["A1ONE"]}, PARAMETER),
    Row("NotifyWorkers", "refuses a long text",
        lambda _: {"Subject": "s", "MessageText": "m" * 4097, "WorkerIds": ["A1ONE"]}, PARAMETER),
    Row("NotifyWorkers", "refuses more than a hundred",
        lambda _: {"Subject": "s", "MessageText": "m", "WorkerIds": [f"A{n}" for n in range(101)]}, PARAMETER),
    Row("UpdateNotificationSettings", "sets a specification",
        lambda w: {"HITTypeId": w.hit_type(), "Notification": specification(Version="2006-05-05")}, nothing),
    Row("UpdateNotificationSettings", "switches one off",
        lambda w: {"HITTypeId": once("UpdateNotificationSettings", lambda v: {
            "HITTypeId": v.hit_type(), "Notification": specification()})(w)["HITTypeId"], "Active": False}, nothing),
    Row("UpdateNotificationSettings", "needs something to set", lambda w: {"HITTypeId": w.hit_type()}, PARAMETER),
    Row("UpdateNotificationSettings", "needs a specification to switch on",
        lambda w: {"HITTypeId": w.hit_type(), "Active": True}, PARAMETER),
    Row("UpdateNotificationSettings", "refuses mail", lambda w: {
        "HITTypeId": w.hit_type(), "Notification": specification(Transport="Email", Destination="a@b.example")},
        "InvalidTransportEndpoint"),
    missing("UpdateNotificationSettings", "HITTypeDoesNotExist", "HITTypeId", Active=True),
    of_another("UpdateNotificationSettings", "HITTypeDoesNotExist", lambda w: {"HITTypeId": w.hit_type(),
                                                                               "Active": True}),
    Row("SendTestEventNotification", "refuses where nobody listens",
        lambda _: {"Notification": specification(), "TestEventType": "Ping"}, "InvalidTransportEndpoint"),
]  # fmt: skip

ELSEWHERE = {"GetFileUploadURL", "SendTestEventNotification"}
"""No good row here: the one has none (its files ended in 2017), the other needs a receiver (`notifications`)."""


@pytest.fixture(scope="module", params=STORES)
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], World]]:
    folder = tmp_path_factory.mktemp("conformance")
    url = store_url(request.param, folder)
    with running(folder, store=url) as server:
        yield lambda: World(server, url)


@pytest.fixture
def w(world: Callable[[], World]) -> World:
    return world()


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


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.operation} {row.says}".replace("[", "("))
def test_an_operation_does_what_its_row_says(w: World, row: Row) -> None:
    parameters = row.given(w)
    if isinstance(row.expected, str):
        with pytest.raises(ClientError) as caught:
            call(w, row.operation, parameters)
        assert code_of(w, caught.value) == row.expected
    else:
        answer = call(w, row.operation, parameters)
        assert answer["ResponseMetadata"]["RequestId"]
        assert row.expected(answer), answer


def test_every_operation_of_the_model_has_a_handler_and_its_errors_named() -> None:
    assert set(HANDLERS) == set(operations()) == set(ERRORS)
    assert len(operations()) == 39


@pytest.mark.parametrize("operation", operations())
def test_every_operation_has_a_good_row_and_one_for_each_of_its_errors(operation: str) -> None:
    rows = [row for row in TABLE if row.operation == operation]
    codes = {row.expected for row in rows if isinstance(row.expected, str)}
    assert operation in ELSEWHERE or any(not isinstance(row.expected, str) for row in rows)
    assert {REPEATED if code == "already" else code for code in ERRORS[operation].split()} <= codes


# --- pages -----------------------------------------------------------------------------------------


def three_grants(w: World) -> dict[str, Any]:
    type_id = w.granted()
    for worker in ("A1TWO", "A1THREE"):
        w.client.associate_qualification_with_worker(QualificationTypeId=type_id, WorkerId=worker)
    return {"QualificationTypeId": type_id}


def three_requests(w: World) -> dict[str, Any]:
    type_id = w.qualification_type()
    for worker in ("A1ONE", "A1TWO", "A1THREE"):
        w.request(type_id, worker)
    return {"QualificationTypeId": type_id}


def three_submissions(w: World) -> dict[str, Any]:
    hit = w.hit(MaxAssignments=3)
    for worker in ("A1ONE", "A1TWO", "A1THREE"):
        w.submitted(hit, worker)
    return {"HITId": hit}


def three_bonuses(w: World) -> dict[str, Any]:
    assignment = w.approved()
    for _ in range(3):
        w.client.send_bonus(WorkerId="A1ONE", BonusAmount="0.01", AssignmentId=assignment, Reason="r")
    return {"AssignmentId": assignment}


def three_requiring(w: World) -> dict[str, Any]:
    type_id = w.qualification_type()
    for title in ("One", "Two", "One"):
        w.hit(Title=title, QualificationRequirements=[requirement(type_id)])
    return {"QualificationTypeId": type_id}


def three_blocks(w: World) -> dict[str, Any]:
    for worker in ("A1ONE", "A1TWO", "A1THREE"):
        w.client.create_worker_block(WorkerId=worker, Reason="r")
    return {}


LISTS: dict[str, Callable[[World], dict[str, Any]]] = {
    "ListAssignmentsForHIT": three_submissions,
    "ListBonusPayments": three_bonuses,
    "ListHITs": first(lambda w: (w.hit(), w.hit(), w.hit())),
    "ListHITsForQualificationType": three_requiring,
    "ListQualificationRequests": three_requests,
    "ListQualificationTypes": first(lambda w: (w.qualification_type(), w.qualification_type(), w.qualification_type()),
                                    MustBeRequestable=True, MustBeOwnedByCaller=True),
    "ListReviewableHITs": first(lambda w: (w.expired(), w.expired(), w.expired())),
    "ListWorkerBlocks": three_blocks,
    "ListWorkersWithQualificationType": three_grants,
}  # fmt: skip


@pytest.mark.parametrize("operation", LISTS)
def test_pages_carry_a_token_until_an_empty_one_ends_them(w: World, operation: str) -> None:
    parameters = LISTS[operation](w)
    sizes, seen, token = [], [], {}
    while True:
        answer = call(w, operation, {**parameters, "MaxResults": 2, **token})
        items = next(value for value in answer.values() if isinstance(value, list))
        assert answer["NumResults"] == len(items)
        sizes.append(len(items))
        seen += [str(item) for item in items]
        if "NextToken" not in answer:
            break
        token = {"NextToken": answer["NextToken"]}
    assert sizes == [2, 1, 0]
    assert operation == "ListBonusPayments" or len(set(seen)) == 3


@pytest.mark.parametrize("operation", LISTS)
def test_botocores_paginator_finds_everything(w: World, operation: str) -> None:
    parameters = LISTS[operation](w)
    pages = w.client.get_paginator(xform_name(operation)).paginate(**parameters, PaginationConfig={"PageSize": 2})
    assert sum(answer["NumResults"] for answer in pages) == 3


def test_a_page_has_ten_items_unless_more_are_asked_for(w: World) -> None:
    for _ in range(11):
        w.hit(MaxAssignments=1)
    assert w.client.list_hits()["NumResults"] == 10
    assert w.client.list_hits(MaxResults=100)["NumResults"] == 11


def test_a_token_of_one_list_does_not_open_another(w: World) -> None:
    w.hit()
    token = w.client.list_hits()["NextToken"]
    with pytest.raises(ClientError) as caught:
        w.client.list_reviewable_hits(NextToken=token)
    assert code_of(w, caught.value) == PARAMETER
