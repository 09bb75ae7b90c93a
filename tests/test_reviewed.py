"""Questions with review policies: both are sent, both are in the fingerprint, known answers come from the row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from campaign_files import YAML, problems, read, write

from turkform.documents import NAMESPACES

if TYPE_CHECKING:
    from pathlib import Path

    from turkform.questions import Template

PLURALITY = "plurality: {questions: [bird], agreement: 60}"
KNOWN = 'known_answers: {answers: {bird: "${photo}", place: [a, "${place}"]}, approve_at_least: 80}'


def template(folder: Path, policies: str) -> Template:
    line = f"    review_policies: {{{policies}}}\n" if policies else ""
    yaml = YAML.replace("    status: open\n", f"    status: open\n{line}")
    return read(write(folder, {"campaign.yaml": yaml})).sources["pilot"].template


def row(**values: str) -> dict[str, str]:
    return {"id": "b1", "photo": "crow", "place": "", **values}


def values_of(policy: dict[str, Any]) -> dict[str, Any]:
    return {p["Key"]: p.get("Values") or p["MapEntries"] for p in policy["Parameters"]}


def test_policies_are_sent_beside_the_question(tmp_path: Path) -> None:
    found = template(tmp_path, f"{PLURALITY}, {KNOWN}").parameters(row())
    assert found["Question"].startswith("<HTMLQuestion")
    known, plurality = found["AssignmentReviewPolicy"], found["HITReviewPolicy"]
    assert known["PolicyName"] == "ScoreMyKnownAnswers/2011-09-01"
    assert values_of(known) == {
        "AnswerKey": [{"Key": "bird", "Values": ["crow"]}, {"Key": "place", "Values": ["a", ""]}],
        "ApproveIfKnownAnswerScoreIsAtLeast": ["80"],
    }
    assert values_of(plurality) == {
        "QuestionIds": ["bird"], "QuestionAgreementThreshold": ["60"], "DisregardAssignmentIfRejected": ["F"],
    }  # fmt: skip


def test_a_row_whose_answers_nobody_knows_has_no_such_policy(tmp_path: Path) -> None:
    known = 'known_answers: {answers: {bird: "${photo}"}}'
    assert "AssignmentReviewPolicy" not in template(tmp_path, known).parameters(row(photo=""))


def test_policies_and_the_values_they_use_are_in_the_fingerprint(tmp_path: Path) -> None:
    plain, reviewed = template(tmp_path, ""), template(tmp_path, KNOWN.replace("${photo}", "${id}"))
    assert plain.fingerprint(row()) != reviewed.fingerprint(row())
    assert plain.fingerprint(row()) == plain.fingerprint(row(id="b2"))
    assert reviewed.fingerprint(row()) != reviewed.fingerprint(row(id="b2"))
    assert reviewed.fingerprint(row()) != template(tmp_path, KNOWN.replace("80", "90")).fingerprint(row())


@pytest.mark.parametrize(
    ("policies", "says"),
    [
        (KNOWN.replace("${photo}", "${Photo}"), "Did you mean ${photo}?"),
        ("plurality: {questions: [a, a], agreement: 60}", "a question is named twice"),
        ("plurality: {questions: [a], agreement: 60, extend_below: 5}", "go together"),
        ("known_answers: {answers: {a: x}, extend_maximum: 5}", "nothing extends the HIT"),
        ("known_answers: {answers: {a: x}, reject_reason: Sorry}", "nothing rejects"),
        ("known_answers: {answers: {a: x}, approve_at_least: 50, reject_below: 60}", "approved and rejected"),
        ("", "there is no policy"),
    ],
)
def test_a_policy_that_does_nothing_or_contradicts_itself_is_refused(policies: str, says: str, tmp_path: Path) -> None:
    yaml = YAML.replace("    status: open\n", f"    status: open\n    review_policies: {{{policies}}}\n")
    found = problems(write(tmp_path, {"campaign.yaml": yaml}))
    assert any(says in f"{problem.summary} {problem.detail}" for problem in found), found


def test_a_policy_about_a_question_that_the_form_does_not_have_is_a_warning(tmp_path: Path) -> None:
    form = f"""\
<QuestionForm xmlns="{NAMESPACES["QuestionForm"][0]}"><Question>
  <QuestionIdentifier>brid</QuestionIdentifier><QuestionContent><Text>${{place}}</Text></QuestionContent>
  <AnswerSpecification><FreeTextAnswer/></AnswerSpecification>
</Question></QuestionForm>
"""
    yaml = YAML.replace("{html: tasks/bird.html, frame_height: 0}", "{form: tasks/form.xml}")
    yaml = yaml.replace("    status: open\n", f"    status: open\n    review_policies: {{{PLURALITY}}}\n")
    desired = read(write(tmp_path, {"campaign.yaml": yaml, "tasks/form.xml": form}))
    (warning,) = [found for found in desired.diagnostics if found.severity == "warning"]
    assert 'question "bird", which the form does not have' in warning.summary
    assert warning.detail == 'Did you mean "brid"?'
    assert warning.location is not None
    assert warning.location.path.name == "campaign.yaml"
