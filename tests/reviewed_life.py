"""A campaign whose workers have handed in answers, and what it takes to review them as the command does."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from life import Life

from turkform.answers import Answers
from turkform.apply import apply
from turkform.approval import Approval
from turkform.errors import StalePlanError
from turkform.outcomes import Report, RunInfo
from turkform.plan import Plan, load
from turkform.reviewing import Asked, review
from turkform.staleness import moved

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from turkform.journal import Journal
    from turkform.survey import Survey

HEAD = "AssignmentId,decision,feedback,bonus,bonus_reason"


class ReviewedLife(Life):
    """The same campaign, its answers reviewed."""

    def begin(self, workers: int = 2) -> dict[str, str]:
        """Publish, and let so many workers do every item; returns `KEY WORKER` → assignment."""
        self.apply()
        hits = {hit["Question"].partition("<p>")[2].partition("<")[0]: hit["HITId"] for hit in self.hits()}
        return {
            f"{key} {worker}": self.submit(hits[text], f"A{worker}WORKER")
            for key, text in self.rows.items()
            for worker in range(1, workers + 1)
        }

    def submit(self, hit: str, worker: str, **answers: str) -> str:
        body = {"hit": hit, "worker": worker, "answers": answers or {"answer": "x"}}
        return str(self.server.control("worker/submit", **body)["assignment_id"])

    def decisions(self, *rows: str, head: str = HEAD) -> Path:
        """A file of decisions."""
        file = self.folder / "decisions.csv"
        file.write_text("\n".join([head, *rows]) + "\n")
        return file

    @contextmanager
    def reviewing(self, asked: Asked, approval: Approval | None = None) -> Iterator[tuple[Survey, Journal]]:
        with self.looking() as (found, journal):
            assert journal is not None
            answers = Answers.beside(journal.place, journal.id)
            try:
                yield review(found, answers, asked, approval=approval), journal
            finally:
                answers.close()

    def plan(self, *rows: str, head: str = HEAD, **asked: Any) -> Plan:
        """The plan of a review by a file, or by what else is asked."""
        said = Asked(file=self.decisions(*rows, head=head), **asked) if rows else Asked(**asked)
        with self.reviewing(said) as (found, _):
            return found.plan

    def review(self, *rows: str, head: str = HEAD, **asked: Any) -> Report:
        """What `review --auto-approve` does."""
        said = Asked(file=self.decisions(*rows, head=head), **asked) if rows else Asked(**asked)
        with self.reviewing(said) as (found, journal):
            return apply(found, journal, run=RunInfo("review"))

    def saved_review(self, *rows: str, **asked: Any) -> Plan:
        file = self.folder / "review.json"
        self.plan(*rows, **asked).save(file)
        return load(file)

    def moved_review(self, saved: Plan) -> list[str]:
        """What `check` says of it."""
        with self.reviewing(Asked.of(saved.document, self.folder), Approval.of(saved.document)) as (found, _):
            return moved(saved, found)

    def apply_review(self, saved: Plan) -> Report:
        """What `apply FILE` does.

        Raises:
            StalePlanError: it is not true any more.
        """
        asked, digest = Asked.of(saved.document, self.folder), saved.document["digest"]
        with self.reviewing(asked, Approval.of(saved.document)) as (found, journal):
            if reasons := moved(saved, found, used=journal.plan_used(digest)):
                raise StalePlanError(reasons)
            return apply(found, journal, run=RunInfo("review"), plan_digest=digest)

    # --- what the marketplace itself says ---------------------------------------------------------

    def status(self, assignment: str) -> str:
        return str(self.server.client().get_assignment(AssignmentId=assignment)["Assignment"]["AssignmentStatus"])

    def feedback(self, assignment: str) -> str:
        found = self.server.client().get_assignment(AssignmentId=assignment)["Assignment"]
        return str(found.get("RequesterFeedback", ""))

    def paid(self, assignment: str) -> list[tuple[str, str, str]]:
        """Worker, amount and reason of every bonus."""
        found = self.server.client().list_bonus_payments(AssignmentId=assignment)["BonusPayments"]
        return [(payment["WorkerId"], payment["BonusAmount"], payment["Reason"]) for payment in found]


def ops(plan: Plan) -> dict[str, list[str]]:
    """What a plan does → the assignments it does it to."""
    return {step["op"]: [entry["key"] for entry in step["items"]["listed"]] for step in plan.document["steps"]}
