"""Questions with review policies: the two are fixed together when a HIT is created, so they are one template.

In: a template, and the policies of its batch. Out: a template that sends both and whose fingerprint binds both.
Known answers can come from the row, by `${column}`; a row whose answers are all empty is one whose answers
nobody knows, and gets no such policy.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from turkform.errors import Diagnostic
from turkform.placeholders import Fill, unknown
from turkform.questions import Template, filled
from turkform.tables import likely

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from turkform.errors import Location
    from turkform.kinds.review_policy import ReviewPolicies


def _meant(name: str, fields: set[str]) -> str:
    near = likely(name, sorted(fields))
    return f'Did you mean "{near}"?' if near else f"It has: {', '.join(sorted(fields)[:20])}."


class Reviewed(Template):
    """A template and its review policies; `places` says where each known answer is written."""

    def __init__(
        self, question: Template, policies: ReviewPolicies, places: Mapping[str, Location], at: Location | None = None
    ) -> None:
        super().__init__(question.path)
        self.at = at
        """Where the policies are written."""
        self.question, self.policies, self._places = question, policies, places
        self.kind, self.complete, self.uses_all = question.kind, question.complete, question.uses_all
        known = policies.known_answers.answers if policies.known_answers else {}
        self._answers = {name: tuple(Fill(text) for text in texts) for name, texts in known.items()}
        fills = (fill for texts in self._answers.values() for fill in texts)
        self.columns = question.columns.union(*(fill.places for fill in fills))

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.question.name

    def render(self, row: Mapping[str, str]) -> str:
        """The finished question; its policies are no part of what workers see."""
        return self.question.render(row)

    def parameters(self, row: Mapping[str, str]) -> dict[str, Any]:
        """The question's parameters, and the policies'."""
        found = self.question.parameters(row)
        answers = self.answers(row)
        if self.policies.known_answers and answers:
            found["AssignmentReviewPolicy"] = self.policies.known_answers.to_wire(answers)
        if self.policies.plurality:
            found["HITReviewPolicy"] = self.policies.plurality.to_wire()
        return found

    def answers(self, row: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
        """The known answers of a row; those that are empty are not known."""
        made = {name: tuple(filled(t, row, "known_answers") for t in texts) for name, texts in self._answers.items()}
        return {name: texts for name, texts in made.items() if any(texts)}

    def inputs(self, row: Mapping[str, str]) -> dict[str, Any]:
        """The question's inputs, and the policies as they are written."""
        written = json.loads(self.policies.model_dump_json(exclude_none=True))
        return {**self.question.inputs(row), "values": self.values(row), "review_policies": written}

    def check(self, row: Mapping[str, str], *, first: bool) -> list[Diagnostic]:
        """What is wrong with the question; a row that lacks an answer's column is told here as well."""
        self.answers(row)
        told = self.question.check(row, first=first)
        fields = self.question.fields(row) if first else None
        if fields is not None:
            plurality = self.policies.plurality.questions if self.policies.plurality else ()
            strangers = [name for name in dict.fromkeys((*self._answers, *plurality)) if name not in fields]
            said = "the review policies are about question {}, which the form does not have"
            told += [
                Diagnostic(said.format(f'"{name}"'), _meant(name, fields), location=self.at, severity="warning")
                for name in strangers
            ]
        return told

    def unknown(self, columns: Collection[str], data: Path | None) -> list[Diagnostic]:
        """Every use of what is no column, in the question or in a known answer."""
        told = self.question.unknown(columns, data)
        for name, texts in self._answers.items():
            place = self._places[name]
            for text in texts:
                told += unknown(text, columns, data, lambda _, place=place: place)  # type: ignore[misc] # bound on purpose
        return told
