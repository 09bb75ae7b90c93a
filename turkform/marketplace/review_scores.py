"""A review policy and answers in, scores, report rows and the actions that follow out.

The arithmetic alone, without store or clock, of MTurk's two policies (AWS's API reference pages "Assignment
Review Policies" and "HIT Review Policies", read November 2026): `ScoreMyKnownAnswers/2011-09-01` judges an
assignment when it is submitted, `SimplePlurality/2011-09-01` a HIT when it becomes reviewable. Scores are
whole percentages, rounded down: two of three workers are 66 in the second page's example. The rows' keys are
those of the pages "ListReviewPolicyResultsForHIT" and, before it, "GetReviewResultsForHIT".

Who calls carries the actions out: it knows whether an assignment is still Submitted, whether there is money,
and that a HIT made with fewer than 10 assignments never reaches 10.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

KNOWN_ANSWERS: Final = "ScoreMyKnownAnswers/2011-09-01"
PLURALITY: Final = "SimplePlurality/2011-09-01"

# "Answers that are longer than 256 characters are not used in the computation of HIT review policies."
MAX_ANSWER: Final = 256
MAX_QUESTIONS: Final = 15

# Question -> values, as `answers.parse_answers` returns them.
Answers: TypeAlias = Mapping[str, Sequence[str]]
_Values: TypeAlias = frozenset[str]


class PolicyError(Exception):
    """A review policy the service would have refused; `detail` is the sentence for the requester."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Extension:
    """When a HIT gets one more assignment: below a score, while it has fewer than `maximum`.

    `minimum_time` is in seconds: how long the added assignment can be taken at least.
    """

    below: int
    maximum: int
    minimum_time: int


@dataclass(frozen=True, slots=True)
class KnownAnswers:
    """A `ScoreMyKnownAnswers` policy; thresholds are percentages, None where the action is not asked for."""

    answer_key: Mapping[str, _Values]
    approve_at_least: int | None = None
    approve_reason: str = ""
    reject_below: int | None = None
    reject_reason: str = ""
    extension: Extension | None = None


@dataclass(frozen=True, slots=True)
class Plurality:
    """A `SimplePlurality` policy; thresholds are percentages, None where the action is not asked for."""

    questions: tuple[str, ...]
    agreement_above: int
    disregard_rejected: bool = False
    disregard_known_below: int | None = None
    approve_at_least: int | None = None
    reject_below: int | None = None
    reject_reason: str = ""
    extension: Extension | None = None


@dataclass(frozen=True, slots=True)
class Submission:
    """An assignment as a plurality sees it; `known_score` is None without a known-answer policy."""

    assignment: str
    answers: Answers
    rejected: bool = False
    known_score: int | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """A row of the report: `assignment` None is about the HIT, `question` None about all questions."""

    key: str
    value: str
    assignment: str | None = None
    question: str | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """What a policy wants done; `assignment` None is the HIT, which is what an extension is for."""

    name: Literal["approve", "reject", "extend"]
    assignment: str | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a policy found: its score (None where there was nothing to score), report rows and actions."""

    score: int | None
    results: tuple[Result, ...] = ()
    actions: tuple[Action, ...] = ()


def parse_known_answers(policy: Mapping[str, Any]) -> KnownAnswers:
    """Read an AssignmentReviewPolicy as the API carries it (PolicyName, Parameters).

    Raises:
        PolicyError: another policy's name, or a parameter unknown, repeated, missing or out of range.
    """
    given = _Parameters(policy, KNOWN_ANSWERS)
    key = given.entries("AnswerKey")
    below = given.integer("ExtendIfKnownAnswerScoreIsLessThan", 0, 101)
    maximum = given.integer("ExtendMaximumAssignments", 2, 25)
    # "Minimum of 60 … Default: 0": 0 can be left out, not asked for.
    minimum_time = given.integer("ExtendMinimumTimeInSeconds", 60, 31_536_000)
    parsed = KnownAnswers(
        answer_key={question: _normal(values) for question, values in key.items()},
        approve_at_least=given.integer("ApproveIfKnownAnswerScoreIsAtLeast", 0, 101),
        approve_reason=given.text("ApproveReason"),
        reject_below=given.integer("RejectIfKnownAnswerScoreIsLessThan", 0, 101),
        reject_reason=given.text("RejectReason"),
        extension=None if below is None else Extension(below, maximum or 5, minimum_time or 0),
    )
    given.refuse_unknown()
    return parsed


def parse_plurality(policy: Mapping[str, Any]) -> Plurality:
    """Read a HITReviewPolicy as the API carries it (PolicyName, Parameters).

    QuestionIds may be one comma-separated value, as the page says, or several, as clients send. The page
    calls DisregardAssignmentIfRejected required; samples in AWS's own SDKs leave it out, so F is the default.

    Raises:
        PolicyError: another policy's name, or a parameter unknown, repeated, missing or out of range.
    """
    given = _Parameters(policy, PLURALITY)
    questions = given.names("QuestionIds")
    above = given.integer("QuestionAgreementThreshold", 0, 100)
    if above is None:
        raise PolicyError(f"The parameter QuestionAgreementThreshold of {PLURALITY} is required.")
    parsed = Plurality(
        questions=questions,
        agreement_above=above,
        disregard_rejected=given.boolean("DisregardAssignmentIfRejected"),
        disregard_known_below=given.integer("DisregardAssignmentIfKnownAnswerScoreIsLessThan", 0, 101),
        approve_at_least=given.integer("ApproveIfWorkerAgreementScoreIsAtLeast", 1, 101),
        reject_below=given.integer("RejectIfWorkerAgreementScoreIsLessThan", 1, 101),
        reject_reason=given.text("RejectReason"),
        extension=_plurality_extension(given),
    )
    given.refuse_unknown()
    return parsed


def review_assignment(policy: KnownAnswers, assignment: str, answers: Answers) -> Verdict:
    """Score a submitted assignment against the known answers.

    A question is right when the values given are the key's, all of them and no others; case and punctuation
    count, white space around a value does not.
    """
    right = {question: _normal(answers.get(question, ())) == known for question, known in policy.answer_key.items()}
    score = 100 * sum(right.values()) // len(right)
    results = [
        Result("KnownAnswerCorrect", "1" if correct else "0", assignment, question)
        for question, correct in right.items()
    ]
    results.append(Result("KnownAnswerScore", str(score), assignment))
    judged = _judge(assignment, score, policy, policy.approve_reason)
    return Verdict(score, tuple(results), judged + _extend(policy.extension, score))


def review_hit(policy: Plurality, submissions: Sequence[Submission]) -> Verdict:
    """Score the agreement among the assignments of a HIT; the verdict's score is the HIT Agreement Score.

    UNCERTAIN plurality: points on which the page is silent:
    - no assignment left to compare: no score, and nothing follows;
    - two answers tied for the top: no agreed answer, as neither is the plurality;
    - a question left open counts among the workers, but nothing can be agreed to be its answer;
    - a worker without any agreed question, or who was disregarded, is neither approved nor rejected.
    """
    counted = [submission for submission in submissions if not _disregarded(policy, submission)]
    if not counted:
        return Verdict(None)
    results: list[Result] = []
    actions: tuple[Action, ...] = ()
    agreed: dict[str, _Values] = {}
    for question in policy.questions:
        answer, share = _plurality(question, counted)
        found = answer is not None and share > policy.agreement_above
        results.append(Result("AgreedAnswerFound", "true" if found else "false", question=question))
        if answer is not None and found:
            agreed[question] = answer
            results.append(Result("AgreedAnswer", "|".join(sorted(answer)), question=question))
            results.append(Result("AnswerAgreementScore", str(share), question=question))
    for submission in counted:
        given = {question: _comparable(submission, question) for question in agreed}
        right = sum(given[question] == answer for question, answer in agreed.items())
        wrong = sum(values is not None for values in given.values()) - right
        if right + wrong:
            score = 100 * right // (right + wrong)
            results += [
                Result("WorkerAgreementScore", str(score), submission.assignment),
                Result("PluralityAnswersCorrect", str(right), submission.assignment),
                Result("PluralityAnswersIncorrect", str(wrong), submission.assignment),
            ]
            actions += _judge(submission.assignment, score, policy)
    hit_score = 100 * len(agreed) // len(policy.questions)
    results.append(Result("HitAgreementScore", str(hit_score)))
    return Verdict(hit_score, tuple(results), actions + _extend(policy.extension, hit_score))


def _judge(
    assignment: str, score: int, policy: KnownAnswers | Plurality, approve_reason: str = ""
) -> tuple[Action, ...]:
    """Approve or reject an assignment by its score.

    UNCERTAIN both-thresholds: where they overlap and ask for both, approve. The requester has called such work good
    enough, and a wrong rejection hurts a person.
    """
    if policy.approve_at_least is not None and score >= policy.approve_at_least:
        return (Action("approve", assignment, approve_reason),)
    if policy.reject_below is not None and score < policy.reject_below:
        return (Action("reject", assignment, policy.reject_reason),)
    return ()


def _extend(extension: Extension | None, score: int) -> tuple[Action, ...]:
    return (Action("extend"),) if extension is not None and score < extension.below else ()


def _disregarded(policy: Plurality, submission: Submission) -> bool:
    below, known = policy.disregard_known_below, submission.known_score
    poor = below is not None and known is not None and known < below
    return poor or (policy.disregard_rejected and submission.rejected)


def _plurality(question: str, counted: Sequence[Submission]) -> tuple[_Values | None, int]:
    """Return the one answer given most often and its share in percent, or None and 0."""
    given = [values for submission in counted if (values := _comparable(submission, question)) is not None]
    top = Counter(values for values in given if values).most_common(2)
    if not top or (len(top) == 2 and top[0][1] == top[1][1]):
        return None, 0
    return top[0][0], 100 * top[0][1] // len(given)


def _comparable(submission: Submission, question: str) -> _Values | None:
    """Return the values given to a question, or None where one is too long to take part."""
    values = submission.answers.get(question, ())
    return None if any(len(value) > MAX_ANSWER for value in values) else _normal(values)


def _normal(values: Sequence[str]) -> _Values:
    """Return values as they are compared: trimmed, without order; checkboxes come joined by `|`."""
    parts = (part.strip() for value in values for part in value.split("|"))
    return frozenset(part for part in parts if part)


def _plurality_extension(given: "_Parameters") -> Extension | None:
    below = given.integer("ExtendIfHITAgreementScoreIsLessThan", 1, 100)
    maximum = given.integer("ExtendMaximumAssignments", 1, 1_000_000_000)
    minimum_time = given.integer("ExtendMinimumTimeInSeconds", 3_600, 31_536_000)
    if below is None:
        return None
    if maximum is None or minimum_time is None:
        raise PolicyError(
            "ExtendIfHITAgreementScoreIsLessThan requires ExtendMaximumAssignments and ExtendMinimumTimeInSeconds."
        )
    return Extension(below, maximum, minimum_time)


class _Parameters:
    """A policy's parameters, taken out one by one, so that what is left over is unknown."""

    def __init__(self, policy: Mapping[str, Any], name: str) -> None:
        self.policy = name
        self.left: dict[str, Mapping[str, Any]] = {}
        if policy.get("PolicyName") != name:
            raise PolicyError(f"The review policy '{policy.get('PolicyName', '')}' is not {name}.")
        for parameter in policy.get("Parameters") or ():
            key = str(parameter.get("Key", "")).strip()
            if key in self.left:
                raise PolicyError(f"The parameter {key} of {name} is given more than once.")
            self.left[key] = parameter

    def entries(self, key: str) -> dict[str, list[str]]:
        """Return a required map, question → values; an entry without values asks for an empty answer."""
        found = {
            str(entry.get("Key", "")): list(entry.get("Values") or ())
            for entry in self.left.pop(key, {}).get("MapEntries") or ()
        }
        if not found or "" in found:
            raise PolicyError(f"The parameter {key} of {self.policy} needs map entries with a key each.")
        return found

    def names(self, key: str) -> tuple[str, ...]:
        """Return a required list of at most 15 names."""
        values = self._values(key)
        names = values[0].split(",") if len(values) == 1 else values
        found = tuple(dict.fromkeys(name.strip() for name in names if name.strip()))
        if not 1 <= len(found) <= MAX_QUESTIONS:
            raise PolicyError(f"The parameter {key} of {self.policy} takes 1 to {MAX_QUESTIONS} names.")
        return found

    def integer(self, key: str, low: int, high: int) -> int | None:
        """Return a whole number between two bounds, None where it is not given."""
        if key not in self.left:
            return None
        text = self.text(key).strip()
        # Ten digits hold every bound; `int` alone would also take signs and other alphabets' digits.
        if not (text.isascii() and text.isdigit() and len(text) <= 10 and low <= int(text) <= high):
            raise PolicyError(
                f"The value '{text}' of {key} of {self.policy} is not a whole number from {low} to {high}."
            )
        return int(text)

    def boolean(self, key: str) -> bool:
        """Return whether T was given; the page says "T or F", clients also send true and false."""
        text = self.text(key).strip().lower() or "f"
        if text not in ("t", "f", "true", "false"):
            raise PolicyError(f"The value '{text}' of {key} of {self.policy} is neither T nor F.")
        return text.startswith("t")

    def text(self, key: str) -> str:
        """Return a single value, "" where it is not given."""
        values = self._values(key)
        if len(values) > 1:
            raise PolicyError(f"The parameter {key} of {self.policy} takes one value.")
        return values[0] if values else ""

    def refuse_unknown(self) -> None:
        for key in self.left:
            raise PolicyError(f"The review policy {self.policy} has no parameter '{key}'.")

    def _values(self, key: str) -> list[str]:
        return list(self.left.pop(key, {}).get("Values") or ())
