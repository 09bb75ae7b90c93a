"""Every question of a batch, made once to see what is wrong with it.

In: a template, and items one by one. Out: diagnostics: the first item of each kind of problem with the number of
others; the worst of the questions that are too large.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from turkform import pages
from turkform.errors import Diagnostic, Location
from turkform.questions import RenderError

if TYPE_CHECKING:
    from pathlib import Path

    from turkform.items import Item
    from turkform.questions import Template

_WORST = 3
"""So many of the questions that are too large are named."""
_KINDS = 20
"""So many kinds of problems are told; of the rest, their number."""


class Inspection:
    """Makes the question of every item and keeps what is wrong."""

    def __init__(self, template: Template, data: Path | None) -> None:
        self.template = template
        self.data = data
        self.found: dict[tuple[str, str], tuple[int, Diagnostic]] = {}
        self.large: list[tuple[int, int, str]] = []
        self.too_large = self.more = 0
        self.first = True

    def __call__(self, item: Item) -> None:
        """Look at one item."""
        try:
            question = self.template.render(item.row)
            told = self.template.check(item.row, first=self.first)
        except RenderError as error:
            self._keep(error.problem, item)
            return
        for problem in told:
            self._keep(problem, item)
        self.first = False
        size = len(question.encode(errors="surrogatepass"))
        if size > pages.MOST_BYTES and self.template.complete:
            self.too_large += 1
            self.large = sorted([*self.large, (-size, item.line, item.key)])[:_WORST]
        if character := pages.forbidden(question):
            summary = f"a value of this row holds {character}, which no question can"
            self._keep(Diagnostic(summary, "Remove the character."), item)

    def _keep(self, problem: Diagnostic, item: Item) -> None:
        """One diagnostic a kind of problem, at the first row that has it, with their number."""
        at, detail = problem.location, problem.detail
        kind = (str(at or ""), problem.summary)
        if at is not None and not self.first:  # at one place of the template, rows differ in their values only
            kind = next((known for known in self.found if known[0] == kind[0]), kind)
        if kind not in self.found and len(self.found) >= _KINDS:
            self.more += 1
            return
        count, first = self.found.get(kind, (0, None))
        if first is None:
            row = self._row(item)
            if at is not None and row.path != at.path and row.line and not self.first:
                detail = f"{detail} First met with {row.path.name}:{row.line}.".strip()
            first = replace(problem, detail=detail, location=at or row)
        self.found[kind] = (count + 1, first)

    def _row(self, item: Item) -> Location:
        return Location(self.data or self.template.path, item.line, 1 if item.line else 0)

    def problems(self) -> list[Diagnostic]:
        """Everything that was found."""
        told = []
        for count, problem in self.found.values():
            more = f" {count - 1} more items have the same problem." if count > 1 else ""
            told.append(replace(problem, detail=(problem.detail + more).strip()))
        if self.more:
            where = Location(self.data or self.template.path)
            told.append(Diagnostic(f"{self.more} more items have problems", "Correct these first.", location=where))
        if self.too_large:
            _, line, _ = self.large[0]
            rows = ", ".join(
                f'{-size:,} bytes for "{key}"' + (f" (line {line})" if line else "") for size, line, key in self.large
            )
            number = "1 item makes" if self.too_large == 1 else f"{self.too_large} items make"
            where = Location(self.data or self.template.path, line, 1 if line else 0)
            told.append(
                Diagnostic(
                    f"{number} a question of more than {pages.MOST_BYTES:,} bytes: {rows}",
                    f"Shorten these rows or {self.template.name}, or link to a page of your own.",
                    location=where,
                )
            )
        return told
