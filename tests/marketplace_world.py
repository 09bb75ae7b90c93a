"""A requester of its own on a running marketplace, and what a test needs to be there first."""

from __future__ import annotations

import itertools
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, text

if TYPE_CHECKING:
    from marketplace_server import Server

SCHEMAS = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/"
NOBODY = "3" + "Z" * 29
BAD_XML = f'<HTMLQuestion xmlns="{SCHEMAS}2011-11-11/HTMLQuestion.xsd"><FrameHeight>0</FrameHeight></HTMLQuestion>'
TERMS: dict[str, Any] = {
    "Title": "Sort", "Description": "Sort one thing", "Reward": "0.10", "AssignmentDurationInSeconds": 600,
    "AutoApprovalDelayInSeconds": 86_400,
}  # fmt: skip
TEST = (
    f'<QuestionForm xmlns="{SCHEMAS}2017-11-06/QuestionForm.xsd"><Question>'
    "<QuestionIdentifier>animal</QuestionIdentifier><QuestionContent><Text>Which?</Text></QuestionContent>"
    "<AnswerSpecification><SelectionAnswer><Selections>"
    "<Selection><SelectionIdentifier>cat</SelectionIdentifier><Text>Cat</Text></Selection>"
    "<Selection><SelectionIdentifier>dog</SelectionIdentifier><Text>Dog</Text></Selection>"
    "</Selections></SelectionAnswer></AnswerSpecification></Question></QuestionForm>"
)
KEY = (
    f'<AnswerKey xmlns="{SCHEMAS}2005-10-01/AnswerKey.xsd"><Question>'
    "<QuestionIdentifier>animal</QuestionIdentifier><AnswerOption><SelectionIdentifier>cat</SelectionIdentifier>"
    "<AnswerScore>3</AnswerScore></AnswerOption></Question><QualificationValueMapping><PercentageMapping>"
    "<MaximumSummedScore>4</MaximumSummedScore></PercentageMapping></QualificationValueMapping></AnswerKey>"
)
KNOWN_ANSWERS: dict[str, Any] = {
    "PolicyName": "ScoreMyKnownAnswers/2011-09-01",
    "Parameters": [
        {"Key": "AnswerKey", "MapEntries": [{"Key": "animal", "Values": ["cat"]}]},
        {"Key": "ApproveIfKnownAnswerScoreIsAtLeast", "Values": ["100"]},
        {"Key": "RejectIfKnownAnswerScoreIsLessThan", "Values": ["1"]},
        {"Key": "RejectReason", "Values": ["It was a cat."]},
        {"Key": "ExtendIfKnownAnswerScoreIsLessThan", "Values": ["1"]},
        {"Key": "ExtendMaximumAssignments", "Values": ["3"]},
    ],
}
PLURALITY: dict[str, Any] = {
    "PolicyName": "SimplePlurality/2011-09-01",
    "Parameters": [
        {"Key": "QuestionIds", "Values": ["animal"]},
        {"Key": "QuestionAgreementThreshold", "Values": ["60"]},
        {"Key": "ApproveIfWorkerAgreementScoreIsAtLeast", "Values": ["100"]},
        {"Key": "ExtendIfHITAgreementScoreIsLessThan", "Values": ["50"]},
        {"Key": "ExtendMaximumAssignments", "Values": ["3"]},
        {"Key": "ExtendMinimumTimeInSeconds", "Values": ["3600"]},
    ],
}


def page(body: str = "<form><input name=assignmentId></form>") -> str:
    """An HTMLQuestion with this in its body."""
    return (
        f'<HTMLQuestion xmlns="{SCHEMAS}2011-11-11/HTMLQuestion.xsd"><HTMLContent><![CDATA[<!DOCTYPE html><html>'
        f"<body>{body}</body></html>]]></HTMLContent><FrameHeight>0</FrameHeight></HTMLQuestion>"
    )


@dataclass
class World:
    """One requester; the methods make what their names say and return its id."""

    server: Server
    store: str
    key: str = field(default_factory=lambda: f"W{uuid.uuid4().hex[:16].upper()}")
    _names: Any = field(default_factory=itertools.count)
    raw: bytes = b""
    """The last answer as it came; boto3 keeps a TurkErrorCode only of errors that the model names."""

    def __post_init__(self) -> None:
        self.client = self.server.client(self.key)
        self.client.meta.events.register("before-parse.mturk", self._see)

    def _see(self, response_dict: dict[str, Any], **_: Any) -> None:
        self.raw = response_dict["body"]

    def another(self) -> World:
        """Another requester of the same marketplace."""
        return World(self.server, self.store)

    def hit_type(self, **changes: Any) -> str:
        return str(self.client.create_hit_type(**TERMS | changes)["HITTypeId"])

    def hit(self, **changes: Any) -> str:
        given = {"LifetimeInSeconds": 3600, "MaxAssignments": 2, "Question": page()} | TERMS | changes
        return str(self.client.create_hit(**given)["HIT"]["HITId"])

    def expired(self, **changes: Any) -> str:
        """A HIT that ended with nothing done: Reviewable."""
        hit = self.hit(**changes)
        self.client.update_expiration_for_hit(HITId=hit, ExpireAt=1)
        return hit

    def expiring(self) -> str:
        """A HIT with two places that nobody can take in a minute's time."""
        return self.hit(LifetimeInSeconds=60)

    def deleted(self) -> str:
        hit = self.expired()
        self.client.delete_hit(HITId=hit)
        return hit

    def accepted(self, hit: str = "", worker: str = "A1ONE") -> str:
        return str(self.server.control("worker/accept", hit=hit or self.hit(), worker=worker)["assignment_id"])

    def submitted(self, hit: str = "", worker: str = "A1ONE", answers: Any = None) -> str:
        given = {"animal": "cat"} if answers is None else answers
        body = {"hit": hit or self.hit(), "worker": worker, "answers": given}
        return str(self.server.control("worker/submit", **body)["assignment_id"])

    def begun(self, hit: str = "") -> str:
        """A HIT that a worker is at work on."""
        hit = hit or self.hit()
        self.accepted(hit, "A1TWO")
        return hit

    def worked(self, **changes: Any) -> str:
        """A HIT with a submission that nobody has reviewed."""
        hit = self.hit(**changes)
        self.submitted(hit)
        return hit

    def hit_of(self, assignment: str) -> str:
        return str(self.client.get_assignment(AssignmentId=assignment)["HIT"]["HITId"])

    def approved(self, hit: str = "", worker: str = "A1ONE") -> str:
        assignment = self.submitted(hit, worker)
        self.client.approve_assignment(AssignmentId=assignment)
        return assignment

    def rejected(self, hit: str = "", worker: str = "A1ONE") -> str:
        assignment = self.submitted(hit, worker)
        self.client.reject_assignment(AssignmentId=assignment, RequesterFeedback="no")
        return assignment

    def qualification_type(self, **changes: Any) -> str:
        name = f"Q{next(self._names)}"
        given = {"Name": name, "Description": "D", "QualificationTypeStatus": "Active"} | changes
        return str(self.client.create_qualification_type(**given)["QualificationType"]["QualificationTypeId"])

    def granted(self, worker: str = "A1ONE", value: int = 7) -> str:
        type_id = self.qualification_type()
        self.client.associate_qualification_with_worker(
            QualificationTypeId=type_id, WorkerId=worker, IntegerValue=value
        )
        return type_id

    def revoked(self, worker: str = "A1ONE") -> str:
        type_id = self.granted(worker)
        self.client.disassociate_qualification_from_worker(QualificationTypeId=type_id, WorkerId=worker)
        return type_id

    def request(self, type_id: str = "", worker: str = "A1ONE", **given: Any) -> str:
        body = {"type": type_id or self.qualification_type(), "worker": worker, **given}
        return str(self.server.control("worker/request", **body)["request_id"])

    def required(self) -> str:
        """A qualification type that a HIT requires."""
        type_id = self.qualification_type()
        self.hit(QualificationRequirements=[requirement(type_id)])
        return type_id

    def disposing(self) -> str:
        """A qualification type that is deleted while a HIT still requires it."""
        type_id = self.required()
        self.client.delete_qualification_type(QualificationTypeId=type_id)
        return type_id

    def poor(self) -> None:
        """Hold nearly all there is."""
        self.hit(Reward="8000.00", MaxAssignments=1)
        balance = float(self.client.get_account_balance()["AvailableBalance"])
        if balance >= 1:
            self.hit(Reward=f"{balance / 1.2 - 0.5:.2f}", MaxAssignments=1)

    def drain(self) -> None:
        """Hold or pay all there is, to the last cent that buys anything."""
        assignment = self.approved(self.hit(Reward="0.00", MaxAssignments=1))
        left = round(float(self.client.get_account_balance()["AvailableBalance"]) * 100)
        amount = max(n for n in range(left * 10 // 12 - 2, left * 10 // 12 + 1) if n + max(1, round(n / 5)) <= left)
        given = {"WorkerId": "A1ONE", "AssignmentId": assignment, "Reason": "all of it"}
        self.client.send_bonus(BonusAmount=f"{amount // 100}.{amount % 100:02d}", **given)

    def now(self) -> float:
        """The marketplace's time, in epoch seconds."""
        return datetime.fromisoformat(self.server.control("clock")["now"]).timestamp()

    def later(self, **durations: float) -> None:
        """Move the clock on: days=, hours=, seconds=."""
        units = {"days": 86_400, "hours": 3_600, "seconds": 1}
        self.server.control("clock", advance_seconds=sum(units[name] * n for name, n in durations.items()))

    def made_long_ago(self, hit: str) -> str:
        """Change a HIT's birthday where it is kept; no clock goes back that far."""
        engine = create_engine(self.store.replace("postgresql:", "postgresql+psycopg:"))
        with engine.begin() as connection:
            connection.execute(text("UPDATE hits SET created = 1400000000 WHERE id = :hit"), {"hit": hit})
        engine.dispose()
        return hit

    def status(self, hit: str) -> tuple[str, int, int, int]:
        """HITStatus, and the places that are free, in work, and reviewed."""
        seen = self.client.get_hit(HITId=hit)["HIT"]
        counters = ("Available", "Pending", "Completed")
        return (seen["HITStatus"], *(seen[f"NumberOfAssignments{name}"] for name in counters))


def requirement(type_id: str, comparator: str = "Exists", *values: int) -> dict[str, Any]:
    given: dict[str, Any] = {"QualificationTypeId": type_id, "Comparator": comparator}
    return given | ({"IntegerValues": list(values)} if values else {})
