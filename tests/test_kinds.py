"""Every kind: as the service model spells it, within its limits, and the same on the wire and back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from botocore.loaders import Loader
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from turkform.kinds import KINDS, Batch, HITType, QualificationType
from turkform.kinds.notification import Notification
from turkform.kinds.qualification import grant_parameters, revoke_parameters
from turkform.kinds.refactoring import Imported, Moved, Removed
from turkform.kinds.requirement import COMPARATORS, GUARDS, LOCALE, MASTERS, MASTERS_SANDBOX, Requirement, Rule
from turkform.kinds.resource import Address, Pending, differences, show
from turkform.kinds.review_policy import KnownAnswers, Plurality, ReviewPolicies
from turkform.kinds.worker_block import Blocks, block_parameters, unblock_parameters
from turkform.money import Money

MODEL = Loader().load_service_model("mturk", "service-2")


def members(operation: str) -> set[str]:
    shape = MODEL["operations"][operation]["input"]["shape"]
    return set(MODEL["shapes"][shape]["members"])


WIRES = [
    pytest.param(kind, name, wire, id=f"{kind.kind}.{name}") for kind in KINDS for name, wire in kind.wires().items()
]


@pytest.mark.parametrize(("kind", "name", "wire"), WIRES)
def test_the_service_model_knows_every_field_and_the_operation_that_changes_it(kind: Any, name: str, wire: Any) -> None:
    assert wire.name in members(kind.create), name
    assert wire.update is None or wire.update in MODEL["operations"]


# --- limits ---------------------------------------------------------------------------------------

HIT_TYPE = {"title": "T", "description": "D", "reward": "0.10", "assignment_duration": "10m"}
TYPE = {"name": "N", "description": "D"}
BATCH = {"hit_type": "t", "question": {"html": "p.html"}, "lifetime": "1d"}
KNOWN = {"answers": {"a": "x"}, "extend_below": 50}
PLURAL = {"questions": ["a"], "agreement": 50, "extend_below": 50, "extend_maximum": 5, "extend_minimum_time": "1h"}
LOCALES = [f"{a}{b}" for a in "ABCDEF" for b in "ABCDEF"]

LIMITS: list[tuple[type[BaseModel], dict[str, Any], str, list[Any], list[Any]]] = [
    (HITType, HIT_TYPE, "title", ["x" * 128], ["x" * 129, ""]),
    (HITType, HIT_TYPE, "description", ["x" * 2000], ["x" * 2001, ""]),
    (HITType, HIT_TYPE, "keywords", [["x" * 1000], ["x" * 499, "y" * 500]], [["x" * 1001], ["x" * 500] * 2, ["a,b"]]),
    (HITType, HIT_TYPE, "assignment_duration", ["30s", "365d"], ["29s", "366d"]),
    (HITType, HIT_TYPE, "auto_approval_delay", ["0s", "30d"], ["31d"]),
    (HITType, HIT_TYPE, "requirements", [[{"system": "adult"}] * 10], [[{"system": "adult"}] * 11]),
    (QualificationType, TYPE, "name", ["x" * 200], ["x" * 201, ""]),
    (QualificationType, TYPE, "description", ["x" * 2000], ["x" * 2001, ""]),
    (QualificationType, TYPE, "auto_granted", [-(2**31), 2**31 - 1], [2**31, -(2**31) - 1, "1", True]),
    (Batch, BATCH, "assignments", [1, 1_000_000_000], [0, 1_000_000_001, True, "3"]),
    (Batch, BATCH, "lifetime", ["30s", "365d"], ["29s", "366d"]),
    (Batch, BATCH, "limit", [0, 5], [-1]),
    (Batch, BATCH, "round", [1, 9999], [0, 10_000]),
    (Batch, BATCH, "id", ["a", "a" * 40], ["A", "a" * 41, "1a"]),
    (Blocks, {}, "values", [{"A1": "x" * 1024}], [{"A1": "x" * 1025}, {"A1": ""}, {"B1": "x"}, {"A" * 65: "x"}]),
    (KnownAnswers, KNOWN, "approve_at_least", [0, 101], [-1, 102]),
    (KnownAnswers, KNOWN, "approve_reason", ["x" * 1024], ["x" * 1025, ""]),
    (KnownAnswers, KNOWN, "extend_maximum", [2, 25], [1, 26]),
    (KnownAnswers, KNOWN, "extend_minimum_time", ["60s", "365d"], ["59s", "366d"]),
    (KnownAnswers, KNOWN, "answers", [{"a": ["x", "y"]}], [{}, {"a": []}, {"": "x"}, {"a": 1}]),
    (Plurality, PLURAL, "agreement", [0, 100], [-1, 101]),
    (Plurality, PLURAL, "extend_below", [1, 100], [0, 101]),
    (Plurality, PLURAL, "approve_at_least", [1, 101], [0, 102]),
    (Plurality, PLURAL, "questions", [[str(n) for n in range(15)]], [[str(n) for n in range(16)], [], ["a", "a"]]),
    (Requirement, {"id": "3A"}, "in", [list(range(15))], [list(range(16)), [], [2**31]]),
    (Requirement, {"system": "locale"}, "in", [LOCALES[:30], ["US-CA"]], [LOCALES[:31], ["us"], ["GB-LO"], [1]]),
]  # fmt: skip
EDGES = [
    pytest.param(kind, {**base, field: value}, good, id=f"{kind.__name__}.{field}-{'good' if good else 'bad'}-{n}")
    for kind, base, field, goods, bads in LIMITS
    for good, values in ((True, goods), (False, bads))
    for n, value in enumerate(values)
]


@pytest.mark.parametrize(("kind", "values", "good"), EDGES)
def test_a_value_is_taken_up_to_its_limit_and_no_further(
    kind: type[BaseModel], values: dict[str, Any], *, good: bool
) -> None:
    if good:
        kind.model_validate(values)
    else:
        with pytest.raises(ValidationError):
            kind.model_validate(values)


TOPIC = "arn:aws:sns:us-east-1:123456789012:t"
REFUSED: list[tuple[type[BaseModel], dict[str, Any], str]] = [
    (Batch, {"hit_type": "t", "question": {"html": "p.html"}}, "neither lifetime: nor ends:"),
    (Batch, {**BATCH, "ends": "2026-12-24T12:00:00Z"}, "both lifetime: and ends:"),
    (Batch, {**BATCH, "key": "id"}, "the batch has no items:"),
    (Batch, {**BATCH, "items": "i.csv", "key": ["a", "a"]}, "names a column twice"),
    (KnownAnswers, {"answers": {"a": "x"}, "extend_maximum": 5}, "nothing extends the HIT"),
    (KnownAnswers, {"answers": {"a": "x"}, "reject_reason": "No."}, "nothing rejects"),
    (KnownAnswers, {"answers": {"a": "x"}, "approve_at_least": 50, "reject_below": 51}, "from 50 to 50 would be"),
    (Plurality, {"questions": "a", "agreement": 5, "extend_below": 5}, "go together"),
    (Plurality, {"questions": "a", "agreement": 5, "reject_reason": "No."}, "nothing rejects"),
    (ReviewPolicies, {}, "there is no policy"),
    (Notification, {"events": ["HITExpired"]}, "goes nowhere"),
    (Notification, {"sqs": "https://q/a", "sns": TOPIC, "events": ["HITExpired"]}, "goes to two places"),
    (Notification, {"sqs": "https://q/a", "events": ["HITExpired", "HITExpired"]}, "HITExpired stands twice"),
    (Requirement, {"exists": True}, "says nothing of what"),
    (Requirement, {"system": "adult", "id": "3A"}, "about two things: system and id"),
    (Requirement, {"id": "3A", "at_least": 1, "at_most": 2}, "two comparisons: at_least and at_most"),
    (Requirement, {"system": "locale", "at_least": 1}, "locale takes locales"),
    (Requirement, {"id": "3A", "in": ["US"]}, "id takes numbers, not locales"),
    (Requirement, {"id": LOCALE, "in": ["US", 1]}, "numbers and locales do not mix"),
    (Requirement, {"system": "locale"}, "locale needs in:"),
    (Requirement, {"system": "masters", "at_least": 1}, "masters has no value"),
    (Moved, {"from": "hit_type.a", "to": "batch.b"}, "they are of two kinds"),
    (Moved, {"from": "batch.a", "to": "batch.b"}, "a batch is moved by keeping its id"),
    (Moved, {"from": "grant.a", "to": "grant.b"}, "moves with what it belongs to"),
    (Imported, {"to": "batch.a", "id": "3A"}, "cannot be imported"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "values", "says"), REFUSED, ids=lambda part: part if isinstance(part, str) else "")
def test_what_does_not_fit_together_is_refused_with_the_reason(
    kind: type[BaseModel], values: dict[str, Any], says: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        kind.model_validate(values)
    assert any(says in error["msg"] for error in caught.value.errors()), caught.value.errors()


def test_refactorings_that_fit_together_are_taken() -> None:
    assert Moved.model_validate({"from": "hit_type.a", "to": "hit_type.b"}).to == "hit_type.b"
    assert Removed.model_validate({"from": "batch.a", "action": "forget"}).from_ == "batch.a"
    assert Imported.model_validate({"to": "qualification_type.a", "id": "3A"}).id == "3A"


# --- on the wire ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "wire"),
    [
        ("at_least", "GreaterThanOrEqualTo"), ("at_most", "LessThanOrEqualTo"), ("greater_than", "GreaterThan"),
        ("less_than", "LessThan"), ("equal_to", "EqualTo"), ("not_equal_to", "NotEqualTo"), ("in", "In"),
        ("not_in", "NotIn"),
    ],
)  # fmt: skip
def test_a_comparison_has_the_api_s_name(word: str, wire: str) -> None:
    value: Any = [5] if word in {"in", "not_in"} else 5
    rule = Requirement.model_validate({"id": "3A", word: value}).rule({})
    assert rule.to_wire() == {
        "QualificationTypeId": "3A", "Comparator": wire, "IntegerValues": [5], "ActionsGuarded": "Accept"
    }  # fmt: skip
    assert COMPARATORS[word] == wire


@pytest.mark.parametrize(
    ("said", "type_id", "comparator"),
    [
        ({"system": "masters"}, MASTERS, "Exists"),
        ({"system": "adult", "exists": True}, "00000000000000000060", "Exists"),
        ({"id": "3A", "exists": False}, "3A", "DoesNotExist"),
        ({"system": "percent_approved", "at_least": 95}, "000000000000000000L0", "GreaterThanOrEqualTo"),
        ({"system": "hits_approved", "at_least": 95}, "00000000000000000040", "GreaterThanOrEqualTo"),
        ({"system": "locale", "in": ["US"]}, "00000000000000000071", "In"),
    ],
)
def test_a_requirement_is_of_a_type_by_its_id(said: dict[str, Any], type_id: str, comparator: str) -> None:
    rule = Requirement.model_validate(said).rule({})
    assert (rule.type_id, rule.comparator, rule.guards) == (type_id, comparator, "Accept")


def test_a_rule_is_shown_in_words() -> None:
    assert str(Rule(MASTERS, "Exists")) == "masters Exists"
    assert str(Rule("3A", "In", (1, 2), "PreviewAndAccept")) == "3A In 1, 2 (PreviewAndAccept)"


def test_masters_are_the_environment_s_own() -> None:
    assert Requirement(system="masters").rule({}, masters=MASTERS_SANDBOX).type_id == MASTERS_SANDBOX
    terms = {"title": "T", "description": "D", "reward": "0.10", "assignment_duration": "10m"}
    declared = HITType.model_validate({**terms, "requirements": [{"system": "masters"}]})
    assert [declared.rules({})[0].type_id, declared.rules({}, sandbox=True)[0].type_id] == [MASTERS, MASTERS_SANDBOX]


def test_a_type_of_the_campaign_is_its_id_or_is_still_to_come() -> None:
    address = Address("qualification_type", "trained")
    requirement = Requirement(qualification="trained", at_least=1)
    assert requirement.rule({address: "3Q"}).type_id == "3Q"
    assert requirement.rule({}).type_id == Pending(address)


RULES = st.builds(
    Rule,
    st.text("ABC3", min_size=1, max_size=9),
    st.sampled_from(sorted(COMPARATORS.values())),
    st.one_of(
        st.lists(st.integers(0, 100), max_size=4).map(sorted).map(tuple),
        st.lists(st.sampled_from(["US", "GB", "US-CA"]), max_size=3).map(sorted).map(tuple),
    ),
    st.sampled_from(sorted(GUARDS.values())),
)


@given(rule=RULES)
def test_a_rule_comes_back_from_the_wire_as_it_went(rule: Rule) -> None:
    assert Rule.from_wire(rule.to_wire()) == rule


def test_a_reference_goes_as_the_id_where_there_is_one() -> None:
    batch = Batch.model_validate({"hit_type": "label", "question": {"html": "p.html"}, "lifetime": "1d"})
    address = Address("hit_type", "label")
    assert batch.to_wire({address: "3TYPE"})["HITTypeId"] == "3TYPE"
    assert batch.to_wire()["HITTypeId"] == Pending(address)


def test_the_deprecated_spelling_of_a_guard_is_understood() -> None:
    wire = {"QualificationTypeId": "3A", "Comparator": "Exists"}
    assert Rule.from_wire({**wire, "RequiredToPreview": True}).guards == "PreviewAndAccept"
    assert Rule.from_wire(wire).guards == "Accept"


def test_policies_are_texts_on_the_wire() -> None:
    known = KnownAnswers(answers={"b": ("y",), "a": ("x", "z")}, approve_at_least=80, reject_below=30,
                         reject_reason="No.", extend_below=50, extend_minimum_time=timedelta(hours=1))  # fmt: skip
    assert known.to_wire(known.answers) == {
        "PolicyName": "ScoreMyKnownAnswers/2011-09-01",
        "Parameters": [
            {"Key": "AnswerKey", "MapEntries": [{"Key": "a", "Values": ["x", "z"]}, {"Key": "b", "Values": ["y"]}]},
            {"Key": "ApproveIfKnownAnswerScoreIsAtLeast", "Values": ["80"]},
            {"Key": "RejectIfKnownAnswerScoreIsLessThan", "Values": ["30"]},
            {"Key": "RejectReason", "Values": ["No."]},
            {"Key": "ExtendIfKnownAnswerScoreIsLessThan", "Values": ["50"]},
            {"Key": "ExtendMinimumTimeInSeconds", "Values": ["3600"]},
        ],
    }
    plural = Plurality(questions=("a",), agreement=66, disregard_rejected=True, disregard_below=40)
    assert plural.to_wire() == {
        "PolicyName": "SimplePlurality/2011-09-01",
        "Parameters": [
            {"Key": "QuestionIds", "Values": ["a"]},
            {"Key": "QuestionAgreementThreshold", "Values": ["66"]},
            {"Key": "DisregardAssignmentIfRejected", "Values": ["T"]},
            {"Key": "DisregardAssignmentIfKnownAnswerScoreIsLessThan", "Values": ["40"]},
        ],
    }


def test_rejected_assignments_count_unless_they_are_not_to() -> None:
    assert {"Key": "DisregardAssignmentIfRejected", "Values": ["F"]} in Plurality(
        questions=("a",), agreement=66
    ).to_wire()["Parameters"]


@pytest.mark.parametrize(
    ("known", "plural", "most"),
    [(None, {"extend_below": None}, 0), ({}, None, 5), ({"extend_maximum": 7}, {}, 7), ({"extend_below": None}, {}, 5)],
)
def test_a_hit_may_come_to_have_as_many_places_as_a_policy_adds(
    known: dict[str, Any] | None, plural: dict[str, Any] | None, most: int
) -> None:
    said: dict[str, Any] = {}
    if known is not None:
        said["known_answers"] = {k: v for k, v in {**KNOWN, **known}.items() if v is not None}
    if plural is not None:
        kept = {"questions": ["a"], "agreement": 50} if "extend_below" in plural else PLURAL
        said["plurality"] = kept
    assert ReviewPolicies.model_validate(said).most_assignments == most


def test_notifications_name_their_transport() -> None:
    queue = Notification(sqs="https://q.example.org/a", events=("HITExpired", "AssignmentSubmitted"))
    assert queue.to_wire() == {
        "Destination": "https://q.example.org/a", "Transport": "SQS", "Version": "2014-08-15",
        "EventTypes": ["AssignmentSubmitted", "HITExpired"],
    }  # fmt: skip
    topic = Notification(sns="arn:aws:sns:us-east-1:123456789012:t", events=("HITExpired",))
    assert (topic.to_wire()["Transport"], topic.to_wire()["Destination"]) == ("SNS", topic.sns)
    assert queue.digest != topic.digest


def test_workers_are_granted_without_a_mail_and_told_only_why_they_are_blocked() -> None:
    assert grant_parameters("3Q", "A1", 5) == {
        "QualificationTypeId": "3Q", "WorkerId": "A1", "IntegerValue": 5, "SendNotification": False
    }  # fmt: skip
    assert revoke_parameters("3Q", "A1") == {"QualificationTypeId": "3Q", "WorkerId": "A1"}
    assert block_parameters("A1", "Why") == {"WorkerId": "A1", "Reason": "Why"}
    assert unblock_parameters("A1") == {"WorkerId": "A1"}


def test_a_hit_type_comes_back_from_the_wire_as_it_was_declared() -> None:
    declared = HITType.model_validate({**HIT_TYPE, "keywords": ["a", "b"], "requirements": [{"system": "adult"}]})
    assert declared.to_wire() == {
        "Title": "T", "Description": "D", "Keywords": "a,b", "Reward": "0.10", "AssignmentDurationInSeconds": 600,
        "QualificationRequirements": [
            {"QualificationTypeId": "00000000000000000060", "Comparator": "Exists", "ActionsGuarded": "Accept"}
        ],
    }  # fmt: skip
    assert differences(declared.values({}), HITType.from_wire(declared.to_wire())) == ()
    assert declared.values({})["auto_approval_delay"] == timedelta(days=30)


def test_terms_differ_field_by_field() -> None:
    declared = HITType.model_validate(HIT_TYPE)
    other = HITType.from_wire({**declared.to_wire(), "Reward": "0.1", "Title": "Other", "Keywords": ""})
    assert [(c.field, c.observed, c.desired) for c in declared.differences(other)] == [("title", "Other", "T")]


def test_a_qualification_type_is_updated_by_what_changes_alone() -> None:
    declared = QualificationType.model_validate({**TYPE, "auto_granted": 5, "retry_delay": "1d", "status": "inactive"})
    assert declared.update_parameters({"status", "retry_delay"}) == {
        "QualificationTypeStatus": "Inactive", "RetryDelayInSeconds": 86_400
    }  # fmt: skip
    assert declared.update_parameters({"auto_granted"}) == {"AutoGranted": True, "AutoGrantedValue": 5}
    assert QualificationType.model_validate(TYPE).update_parameters({"auto_granted"}) == {"AutoGranted": False}
    assert declared.to_wire()["AutoGranted"] is True
    assert QualificationType.from_wire({"Name": "N", "Description": "D", "AutoGranted": True})["auto_granted"] == 1
    assert QualificationType.from_wire({"Name": "N", "Description": "D", "AutoGrantedValue": 3})["auto_granted"] is None


# --- addresses and values for people ------------------------------------------------------------------


@given(key=st.text(max_size=20).filter(lambda text: "\n" not in text))
def test_an_address_reads_back_whatever_its_key(key: str) -> None:
    address = Address("batch", "pilot", key)
    assert Address.parse(str(address)) == address
    assert address.parent == Address("batch", "pilot")


@pytest.mark.parametrize("text", ["batch", "batch.", "Batch.a", "block.a", 'batch.a["', "batch.a[b]", "nothing.a", ""])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an address"):
        Address.parse(text)


@pytest.mark.parametrize("text", ["batch.pilot@2", 'batch.pilot@2["a"]', "block", "record", 'block["A1"]'])
def test_every_address_that_a_plan_shows_can_be_said(text: str) -> None:
    assert str(Address.parse(text)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "(none)"), ((), "(none)"), (True, "true"), (timedelta(minutes=90), "1h30m"), (Money(10), "0.10"),
     (("a", "b"), "[a, b]"), (5, "5")],
)  # fmt: skip
def test_a_value_is_shown_as_it_would_stand_in_the_file(value: Any, text: str) -> None:
    assert show(value) == text
