"""Review policies at work: run at submission and when a HIT becomes Reviewable, carried out, and reported.

In: a HIT's policies and what was submitted; `review_scores` does the arithmetic. Out: work approved or rejected,
HITs extended, and the rows of the report. An action that cannot be done (it was reviewed already, there is no
money, ten would be crossed) is reported as Failed or Cancelled and undoes nothing else.

Sources: "Assignment Review Policies", "HIT Review Policies" and ListReviewPolicyResultsForHIT in the API reference
(read 24 Nov 2026).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from turkform.marketplace import decisions, review_scores
from turkform.marketplace.answers import parse_answers
from turkform.marketplace.hits import own_hit
from turkform.marketplace.protocol import ApiError, parameter_error
from turkform.marketplace.review_scores import PolicyError, Submission
from turkform.marketplace.store import new_id, page
from turkform.marketplace.tables import assignments, review_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Row

    from turkform.marketplace.context import Context
    from turkform.marketplace.review_scores import Action, Extension, Verdict

    Reopen = Callable[[Context, str, float], None]

LEVELS = {"Assignment": "AssignmentReviewPolicy", "HIT": "HITReviewPolicy"}
_SUBMITTED = ("Submitted", "Approved", "Rejected")


def checked(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The review policies of a HIT to be made, by level.

    Raises:
        ApiError: a policy the service would have refused.
    """
    given = {level: parameters[name] for level, name in LEVELS.items() if name in parameters}
    try:
        if "Assignment" in given:
            review_scores.parse_known_answers(given["Assignment"])
        if "HIT" in given:
            review_scores.parse_plurality(given["HIT"])
    except PolicyError as error:
        raise parameter_error(error.detail) from None
    return given


def review_assignment(context: Context, hit: Row[Any], assignment_id: str, reopen: Reopen) -> None:
    """Run the HIT's AssignmentReviewPolicy on a submission."""
    policies = json.loads(hit.policies or "{}")
    if "Assignment" not in policies:
        return
    policy = review_scores.parse_known_answers(policies["Assignment"])
    row = _assignment(context, assignment_id)
    verdict = review_scores.review_assignment(policy, row.id, parse_answers(row.answer))
    changed = update(assignments).where(assignments.c.id == row.id).values(known_score=verdict.score)
    context.connection.execute(changed)
    _carry_out(context, hit.id, "Assignment", verdict, policy.extension, reopen)


def review_hit(context: Context, hit: Row[Any], reopen: Reopen) -> None:
    """Run the HIT's HITReviewPolicy; it has just become Reviewable."""
    policies = json.loads(hit.policies or "{}")
    if "HIT" not in policies:
        return
    policy = review_scores.parse_plurality(policies["HIT"])
    a = assignments.c
    rows = context.connection.execute(
        select(assignments).where(a.hit == hit.id, a.status.in_(_SUBMITTED)).order_by(a.seq)
    ).all()
    verdict = review_scores.review_hit(
        policy, [Submission(r.id, parse_answers(r.answer), r.status == "Rejected", r.known_score) for r in rows]
    )
    _carry_out(context, hit.id, "HIT", verdict, policy.extension, reopen)


def _assignment(context: Context, assignment_id: str) -> Row[Any]:
    return context.connection.execute(select(assignments).where(assignments.c.id == assignment_id)).one()


def _carry_out(
    context: Context, hit_id: str, level: str, verdict: Verdict, extension: Extension | None, reopen: Reopen
) -> None:
    """Report a verdict's results and do what it asks for; the rows of one run share the run's id."""
    run = new_id()
    for result in verdict.results:
        about = result.assignment or hit_id
        row = {
            "ActionId": run,
            "SubjectId": about,
            "SubjectType": "Assignment" if result.assignment else "HIT",
            "Key": result.key,
            "Value": result.value,
        }
        _report(context, hit_id, level, "result", row | ({"QuestionId": result.question} if result.question else {}))
    for action in verdict.actions:
        status, reason, code = _do(context, hit_id, action, extension, reopen)
        done: dict[str, Any] = {
            "ActionId": new_id(),
            "ActionName": "extend HIT" if action.name == "extend" else f"{action.name} assignment",
            "TargetId": action.assignment or hit_id,
            "TargetType": "Assignment" if action.assignment else "HIT",
            "Status": status,
            "CompleteTime": float(int(context.now)),
            "Result": reason,
        }
        _report(context, hit_id, level, "action", done | ({"ErrorCode": code} if code else {}))


def _report(context: Context, hit_id: str, level: str, kind: str, detail: dict[str, Any]) -> None:
    context.connection.execute(
        insert(review_rows).values(hit=hit_id, level=level, kind=kind, detail=json.dumps(detail))
    )


def _do(
    context: Context, hit_id: str, action: Action, extension: Extension | None, reopen: Reopen
) -> tuple[str, str, str]:
    """Do one action; its status, what came of it, and an error's code."""
    hit = own_hit(context, hit_id)
    if action.name != "extend":
        row = _assignment(context, action.assignment or "")
        if row.status != "Submitted":
            return "Cancelled", f"The assignment is {row.status} already.", ""
        if action.name == "approve":
            decisions.approve(context, row, hit, action.reason or None)
        else:
            decisions.reject(context, row, hit, action.reason or None)
        return "Succeeded", f"The assignment was {'approved' if action.name == 'approve' else 'rejected'}.", ""
    assert extension is not None
    if hit.maximum >= extension.maximum:
        return "Cancelled", f"The HIT has {hit.maximum} assignments already.", ""
    try:
        with context.connection.begin_nested():
            decisions.extend(context, hit, 1)
            reopen(context, hit_id, max(hit.expires, float(int(context.now)) + extension.minimum_time))
    except ApiError as error:
        return "Failed", error.message, error.turk_code
    return "Succeeded", "The HIT was extended by one assignment.", ""


# --- the report ------------------------------------------------------------------------------------


def list_review_policy_results_for_hit(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """ListReviewPolicyResultsForHIT: policies, and the rows of their reports, as they came about.

    UNCERTAIN reports: left out, PolicyLevels, RetrieveActions and RetrieveResults ask for all there is.
    """
    hit = own_hit(context, parameters["HITId"])
    levels = parameters.get("PolicyLevels") or list(LEVELS)
    kinds = [kind for kind, name in (("action", "RetrieveActions"), ("result", "RetrieveResults"))
             if parameters.get(name, True)]  # fmt: skip
    r = review_rows.c
    query = select(review_rows).where(r.hit == hit.id, r.level.in_(levels), r.kind.in_(kinds))
    found = page(
        context.connection, query, r.seq, parameters,
        member="rows", draw=lambda row: {"level": row.level, "kind": row.kind, "detail": json.loads(row.detail)},
    )  # fmt: skip
    policies = json.loads(hit.policies or "{}")
    answer: dict[str, Any] = {"HITId": hit.id}
    for level in levels:
        if level in policies:
            answer[LEVELS[level]] = policies[level]
            answer[f"{level}ReviewReport"] = {
                name: [row["detail"] for row in found["rows"] if (row["level"], row["kind"]) == (level, kind)]
                for name, kind in (("ReviewResults", "result"), ("ReviewActions", "action"))
            }
    return answer | ({"NextToken": found["NextToken"]} if "NextToken" in found else {})
