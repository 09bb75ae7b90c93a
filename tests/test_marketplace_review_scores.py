"""The arithmetic of both review policies, on AWS's own example and beyond."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turkform.marketplace.review_scores import (
    KNOWN_ANSWERS,
    PLURALITY,
    Action,
    Extension,
    KnownAnswers,
    Plurality,
    PolicyError,
    Result,
    Submission,
    Verdict,
    parse_known_answers,
    parse_plurality,
    review_assignment,
    review_hit,
)


def policy(name: str, **parameters: Any) -> dict[str, Any]:
    """A policy as the API carries it; a mapping becomes map entries, anything else values."""
    return {
        "PolicyName": name,
        "Parameters": [
            {"Key": key, "MapEntries": [{"Key": k, "Values": v} for k, v in value.items()]}
            if isinstance(value, dict)
            else {"Key": key, "Values": value if isinstance(value, list) else [value]}
            for key, value in parameters.items()
        ],
    }


def known(**parameters: Any) -> KnownAnswers:
    return parse_known_answers(policy(KNOWN_ANSWERS, **{"AnswerKey": {"q": ["cat"]}, **parameters}))


def plurality(**parameters: Any) -> Plurality:
    default = {"QuestionIds": ["q"], "QuestionAgreementThreshold": "50"}
    return parse_plurality(policy(PLURALITY, **{**default, **parameters}))


def submissions(*answers: Mapping[str, Sequence[str]]) -> list[Submission]:
    return [Submission(f"A{number}", given) for number, given in enumerate(answers, 1)]


def to_q(*values: str) -> list[Submission]:
    return submissions(*({"q": (value,)} for value in values))


class TestParsing:
    def test_a_known_answer_policy_with_everything_is_read(self) -> None:
        assert known(
            AnswerKey={"a": ["x", " y "], "b": []},
            ApproveIfKnownAnswerScoreIsAtLeast="80",
            ApproveReason="Thanks",
            RejectIfKnownAnswerScoreIsLessThan="40",
            RejectReason="Sorry",
            ExtendIfKnownAnswerScoreIsLessThan="101",
            ExtendMaximumAssignments="25",
            ExtendMinimumTimeInSeconds="60",
        ) == KnownAnswers(
            answer_key={"a": frozenset({"x", "y"}), "b": frozenset()},
            approve_at_least=80,
            approve_reason="Thanks",
            reject_below=40,
            reject_reason="Sorry",
            extension=Extension(below=101, maximum=25, minimum_time=60),
        )

    def test_extending_after_known_answers_goes_to_five_assignments_by_default(self) -> None:
        assert known(ExtendIfKnownAnswerScoreIsLessThan="50").extension == Extension(50, 5, 0)
        assert known(ExtendMaximumAssignments="9").extension is None

    def test_a_plurality_policy_with_everything_is_read(self) -> None:
        assert plurality(
            QuestionIds="a, b,a",
            QuestionAgreementThreshold="66",
            DisregardAssignmentIfRejected="T",
            DisregardAssignmentIfKnownAnswerScoreIsLessThan="101",
            ExtendIfHITAgreementScoreIsLessThan="100",
            ExtendMaximumAssignments="4",
            ExtendMinimumTimeInSeconds="3600",
            ApproveIfWorkerAgreementScoreIsAtLeast="101",
            RejectIfWorkerAgreementScoreIsLessThan="1",
            RejectReason="Sorry",
        ) == Plurality(
            questions=("a", "b"),
            agreement_above=66,
            disregard_rejected=True,
            disregard_known_below=101,
            approve_at_least=101,
            reject_below=1,
            reject_reason="Sorry",
            extension=Extension(below=100, maximum=4, minimum_time=3600),
        )

    def test_question_ids_come_as_one_value_with_commas_or_as_several_values(self) -> None:
        assert plurality(QuestionIds="a,b").questions == ("a", "b")
        assert plurality(QuestionIds=["a", "b,c"]).questions == ("a", "b,c")

    @pytest.mark.parametrize(
        ("given", "meant"), [("T", True), ("F", False), ("true", True), ("False", False), ([], False)]
    )
    def test_a_boolean_is_t_or_f_and_f_when_left_out(self, given: Any, *, meant: bool) -> None:
        assert plurality(DisregardAssignmentIfRejected=given).disregard_rejected is meant

    @pytest.mark.parametrize(
        ("parameters", "reason"),
        [
            ({"AnswerKey": {}}, "AnswerKey of .* needs map entries"),
            ({"AnswerKey": "q"}, "AnswerKey of .* needs map entries"),
            ({"ApproveIfKnownAnswerScoreIsAtLeast": "102"}, "'102' of Approve.* from 0 to 101"),
            ({"ApproveIfKnownAnswerScoreIsAtLeast": "-1"}, "'-1'"),
            ({"RejectIfKnownAnswerScoreIsLessThan": "half"}, "'half'"),
            ({"RejectIfKnownAnswerScoreIsLessThan": "٣"}, "is not a whole number"),
            ({"ExtendIfKnownAnswerScoreIsLessThan": ""}, "''"),
            ({"ExtendIfKnownAnswerScoreIsLessThan": ["1", "2"]}, "takes one value"),
            ({"ExtendMaximumAssignments": "1"}, "from 2 to 25"),
            ({"ExtendMaximumAssignments": "26"}, "from 2 to 25"),
            ({"ExtendMinimumTimeInSeconds": "59"}, "from 60 to 31536000"),
            ({"QuestionIds": "q"}, "has no parameter 'QuestionIds'"),
        ],
    )
    def test_a_known_answer_policy_outside_of_its_rules_is_refused(
        self, parameters: dict[str, Any], reason: str
    ) -> None:
        with pytest.raises(PolicyError, match=reason) as caught:
            known(**parameters)
        assert caught.value.detail == str(caught.value)

    @pytest.mark.parametrize(
        ("parameters", "reason"),
        [
            ({"QuestionIds": []}, "1 to 15 names"),
            ({"QuestionIds": [f"q{n}" for n in range(16)]}, "1 to 15 names"),
            ({"QuestionAgreementThreshold": "101"}, "from 0 to 100"),
            ({"DisregardAssignmentIfRejected": "maybe"}, "neither T nor F"),
            ({"ExtendIfHITAgreementScoreIsLessThan": "0"}, "from 1 to 100"),
            ({"ExtendIfHITAgreementScoreIsLessThan": "50"}, "requires ExtendMaximumAssignments"),
            ({"ExtendMinimumTimeInSeconds": "3599"}, "from 3600"),
            ({"ApproveIfWorkerAgreementScoreIsAtLeast": "0"}, "from 1 to 101"),
            ({"AnswerKey": {"q": ["a"]}}, "has no parameter 'AnswerKey'"),
        ],
    )
    def test_a_plurality_policy_outside_of_its_rules_is_refused(self, parameters: dict[str, Any], reason: str) -> None:
        with pytest.raises(PolicyError, match=reason):
            plurality(**parameters)

    def test_a_missing_threshold_and_a_repeated_parameter_are_refused(self) -> None:
        with pytest.raises(PolicyError, match=r"QuestionAgreementThreshold .* is required"):
            parse_plurality(policy(PLURALITY, QuestionIds="q"))
        twice = policy(PLURALITY, QuestionIds="q")
        twice["Parameters"] *= 2
        with pytest.raises(PolicyError, match="more than once"):
            parse_plurality(twice)

    def test_one_policy_is_not_taken_for_the_other(self) -> None:
        with pytest.raises(PolicyError, match="'ScoreMyKnownAnswers/2011-09-01' is not SimplePlurality"):
            parse_plurality(policy(KNOWN_ANSWERS))
        with pytest.raises(PolicyError, match="'' is not ScoreMyKnownAnswers"):
            parse_known_answers({})


class TestKnownAnswers:
    @pytest.mark.parametrize(
        ("known_values", "given", "right"),
        [
            (["cat"], ["cat"], True),
            ([" cat"], ["cat\n"], True),
            (["cat"], ["Cat"], False),
            (["cat"], ["cat."], False),
            (["cat", "dog"], ["dog", "cat"], True),
            (["cat", "dog"], ["cat|dog"], True),
            (["cat", "dog"], ["cat"], False),
            (["cat"], ["cat", "dog"], False),
            ([], [], True),
            ([], ["cat"], False),
            (["cat"], [], False),
        ],
    )
    def test_an_answer_is_right_when_its_values_are_exactly_the_keys(
        self, known_values: list[str], given: list[str], *, right: bool
    ) -> None:
        verdict = review_assignment(known(AnswerKey={"q": known_values}), "A1", {"q": given})
        assert verdict == Verdict(
            score=100 * right,
            results=(
                Result("KnownAnswerCorrect", str(int(right)), "A1", "q"),
                Result("KnownAnswerScore", str(100 * right), "A1"),
            ),
        )

    def test_the_score_is_the_share_of_right_answers_rounded_down(self) -> None:
        rules = known(AnswerKey={"a": ["1"], "b": ["2"], "c": ["3"]})
        assert review_assignment(rules, "A1", {"a": ["1"], "c": ["3"], "other": ["x"]}).score == 66

    @pytest.mark.parametrize(
        ("answer", "approve", "reject", "extend", "actions"),
        [
            ("cat", "100", "100", "100", [Action("approve", "A1", "good")]),
            ("dog", "1", "1", "1", [Action("reject", "A1", "bad"), Action("extend")]),
            ("dog", "0", "0", "0", [Action("approve", "A1", "good")]),
            ("cat", "101", "101", "101", [Action("reject", "A1", "bad"), Action("extend")]),
            ("cat", "50", "101", "0", [Action("approve", "A1", "good")]),
            ("dog", "1", "0", "0", []),
        ],
    )
    def test_approving_is_from_a_score_on_rejecting_and_extending_below_one(
        self, answer: str, approve: str, reject: str, extend: str, actions: list[Action]
    ) -> None:
        rules = known(
            ApproveIfKnownAnswerScoreIsAtLeast=approve,
            ApproveReason="good",
            RejectIfKnownAnswerScoreIsLessThan=reject,
            RejectReason="bad",
            ExtendIfKnownAnswerScoreIsLessThan=extend,
        )
        assert list(review_assignment(rules, "A1", {"q": [answer]}).actions) == actions


class TestPlurality:
    EXAMPLE = submissions(
        {"A": ["coat"], "B": ["blue"], "C": ["large"], "D": ["Furry"]},
        {"A": ["sweater"], "B": ["blue"], "C": ["large"], "D": ["fur"]},
        {"A": ["coat"], "B": ["green"], "C": ["large"], "D": ["furr"]},
    )

    def test_the_example_of_awss_page_gives_the_pages_scores(self) -> None:
        verdict = review_hit(plurality(QuestionIds="A,B,C,D"), self.EXAMPLE)
        assert verdict.score == 75
        assert verdict.results == (
            Result("AgreedAnswerFound", "true", question="A"),
            Result("AgreedAnswer", "coat", question="A"),
            Result("AnswerAgreementScore", "66", question="A"),
            Result("AgreedAnswerFound", "true", question="B"),
            Result("AgreedAnswer", "blue", question="B"),
            Result("AnswerAgreementScore", "66", question="B"),
            Result("AgreedAnswerFound", "true", question="C"),
            Result("AgreedAnswer", "large", question="C"),
            Result("AnswerAgreementScore", "100", question="C"),
            Result("AgreedAnswerFound", "false", question="D"),
            *(
                Result(key, str(value), assignment)
                for assignment, score, right in [("A1", 100, 3), ("A2", 66, 2), ("A3", 66, 2)]
                for key, value in [
                    ("WorkerAgreementScore", score),
                    ("PluralityAnswersCorrect", right),
                    ("PluralityAnswersIncorrect", 3 - right),
                ]
            ),
            Result("HitAgreementScore", "75"),
        )

    def test_what_the_scores_ask_for_follows_worker_by_worker_and_then_for_the_hit(self) -> None:
        rules = plurality(
            QuestionIds="A,B,C,D",
            ApproveIfWorkerAgreementScoreIsAtLeast="100",
            RejectIfWorkerAgreementScoreIsLessThan="67",
            RejectReason="Others saw it differently",
            ExtendIfHITAgreementScoreIsLessThan="76",
            ExtendMaximumAssignments="5",
            ExtendMinimumTimeInSeconds="3600",
        )
        assert review_hit(rules, self.EXAMPLE).actions == (
            Action("approve", "A1"),
            Action("reject", "A2", "Others saw it differently"),
            Action("reject", "A3", "Others saw it differently"),
            Action("extend"),
        )

    @pytest.mark.parametrize(
        ("values", "threshold", "agreed"),
        [
            (["x", "x", "y"], "65", True),
            (["x", "x", "y"], "66", False),
            (["x", "y"], "49", False),
            (["x", "X"], "0", False),
            ([" x", "x "], "99", True),
            (["x|y", "y|x"], "99", True),
            (["x|y", "x"], "49", False),
            (["x"], "100", False),
            (["", "", "x"], "33", False),
            (["", "", "x"], "32", True),
            (["z" * 257, "z" * 257, "x"], "99", True),
            (["z" * 256, "z" * 256, "x"], "65", True),
        ],
    )
    def test_an_answer_is_agreed_when_its_share_is_above_the_threshold(
        self, values: list[str], threshold: str, *, agreed: bool
    ) -> None:
        verdict = review_hit(plurality(QuestionAgreementThreshold=threshold), to_q(*values))
        assert verdict.score == 100 * agreed

    def test_a_worker_whose_answer_was_too_long_or_without_agreement_is_not_judged(self) -> None:
        rules = plurality(RejectIfWorkerAgreementScoreIsLessThan="101")
        assert review_hit(rules, to_q("x", "y")).actions == ()
        judged = review_hit(rules, to_q("x", "z" * 257)).actions
        assert [action.assignment for action in judged] == ["A1"]

    def test_rejected_assignments_and_those_poor_in_known_answers_are_disregarded_when_asked(self) -> None:
        given = [
            Submission("A1", {"q": ["x"]}),
            Submission("A2", {"q": ["y"]}, rejected=True),
            Submission("A3", {"q": ["z"]}, known_score=49),
            Submission("A4", {"q": ["x"]}, known_score=50),
        ]
        rules = {"ApproveIfWorkerAgreementScoreIsAtLeast": "1"}
        assert review_hit(plurality(**rules), given).actions == ()
        rules |= {
            "DisregardAssignmentIfRejected": "T",
            "DisregardAssignmentIfKnownAnswerScoreIsLessThan": "50",
        }
        approved = review_hit(plurality(**rules), given).actions
        assert [action.assignment for action in approved] == ["A1", "A4"]

    def test_without_assignments_to_compare_nothing_follows(self) -> None:
        rules = plurality(
            ExtendIfHITAgreementScoreIsLessThan="100",
            ExtendMaximumAssignments="5",
            ExtendMinimumTimeInSeconds="3600",
        )
        assert review_hit(rules, []) == Verdict(None)

    @given(
        st.lists(st.dictionaries(st.sampled_from("abc"), st.lists(st.sampled_from("xyz"), max_size=2)), min_size=1),
        st.integers(0, 100),
        st.randoms(use_true_random=False),
    )
    def test_scores_are_percentages_and_do_not_depend_on_the_order_of_assignments(
        self, answers: list[dict[str, list[str]]], threshold: int, random: Any
    ) -> None:
        rules = plurality(QuestionIds="a,b,c", QuestionAgreementThreshold=str(threshold))
        given = submissions(*answers)
        verdict = review_hit(rules, given)
        random.shuffle(given)
        again = review_hit(rules, given)
        assert set(again.results) == set(verdict.results)
        scores = [int(row.value) for row in verdict.results if row.key.endswith("Score")]
        assert all(0 <= score <= 100 for score in scores)

    @given(st.lists(st.sampled_from("xyz"), min_size=1), st.integers(50, 99))
    def test_from_half_on_the_agreed_answer_is_the_majoritys(self, values: list[str], threshold: int) -> None:
        verdict = review_hit(plurality(QuestionAgreementThreshold=str(threshold)), to_q(*values))
        most = max(values.count(value) for value in "xyz")
        assert (verdict.score == 100) == (100 * most // len(values) > threshold)
