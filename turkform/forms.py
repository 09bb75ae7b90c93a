"""Question forms and answer keys: the rules that a schema cannot say.

In: documents that keep to their schema. Out: diagnostics, each at its element: what could not be answered, what
could not be told apart, and what a key scores that nobody can choose.

Sources: "QuestionForm" and "AnswerKey" in the API reference (read 25 Nov 2026).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from turkform import documents, formatted
from turkform.documents import children, text_of, within
from turkform.tables import likely

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from turkform.documents import Document, Element
    from turkform.errors import Diagnostic

FORM = ("QuestionForm",)
KEY = ("AnswerKey",)


def check_form(form: Document) -> list[Diagnostic]:
    """Everything that is wrong with a question form, its schema included."""
    told = documents.check(form, FORM)
    if told:
        return told
    questions = children(form.root, "Question")
    told += _doubles(form, ((q, text_of(q, "QuestionIdentifier")) for q in questions), "QuestionIdentifier")
    if not questions:
        said = "the form has no <Question>, so workers have nothing to answer"
        told.append(form.problem(form.root, said, "Add one.", severity="warning"))
    for question in questions:
        told += _question(form, question)
    for content in within(form.root, "FormattedContent"):
        told += formatted.problems(content.text or "", form.content(content))
    return told


def _doubles(document: Document, named: Iterable[tuple[Element, str]], what: str) -> Iterator[Diagnostic]:
    """Each element whose identifier an earlier one has: their answers could not be told apart."""
    first: dict[str, Element] = {}
    for element, name in named:
        if name in first:
            line = document.where(document.start(first[name])).line
            said = f'the {what} "{name}" stands twice, first in line {line}'
            yield document.problem(element, said, f"Write another, like {name}_2.")
        first.setdefault(name, element)


def _question(form: Document, question: Element) -> Iterator[Diagnostic]:
    name = text_of(question, "QuestionIdentifier")
    for choice in children(question, "AnswerSpecification", "SelectionAnswer"):
        selections = children(choice, "Selections", "Selection")
        yield from _doubles(form, ((s, text_of(s, "SelectionIdentifier")) for s in selections), "SelectionIdentifier")
        least, most = (int(text_of(choice, n) or 1) for n in ("MinSelectionCount", "MaxSelectionCount"))
        there = len(selections) + len(children(choice, "Selections", "OtherSelection"))
        if least > most:
            said = f'question "{name}" wants at least {least} selections and at most {most}'
            yield form.problem(
                choice, said, f"Write <MaxSelectionCount>{least}</MaxSelectionCount>, or a lower minimum."
            )
        elif least > there:
            said = f'question "{name}" wants at least {least} of {there} selections'
            yield form.problem(
                choice, said, f"Write <MinSelectionCount>{there}</MinSelectionCount>, or add selections."
            )
    for low, high, kind in (("minLength", "maxLength", "Length"), ("minValue", "maxValue", "IsNumeric")):
        for bounds in within(question, kind):
            smallest, largest = bounds.get(low), bounds.get(high)
            if smallest and largest and int(smallest) > int(largest):
                said = f'question "{name}" wants {low} {smallest} and {high} {largest}: no answer fits'
                yield form.problem(bounds, said, "Exchange them.")


# --- answer keys ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Choice:
    """What a question of the form lets a worker choose."""

    selections: tuple[str, ...]
    most: int
    typed: bool
    """A free answer too, which no key can score."""


def check_key(key: Document, form: Document | None) -> list[Diagnostic]:
    """Everything that is wrong with an answer key, by itself and beside its form; None leaves the form out."""
    told = documents.check(key, KEY)
    if told:
        return told
    entries = children(key.root, "Question")
    told += _doubles(key, ((q, text_of(q, "QuestionIdentifier")) for q in entries), "QuestionIdentifier")
    if form is not None:
        choices = {text_of(q, "QuestionIdentifier"): _choice(q) for q in children(form.root, "Question")}
        for entry in entries:
            told += _entry(key, entry, choices)
        told += _reachable(key, entries, choices)
    told += _ranges(key)
    return told


def _choice(question: Element) -> _Choice:
    answers = children(question, "AnswerSpecification", "SelectionAnswer")
    selections = [text_of(s, "SelectionIdentifier") for a in answers for s in children(a, "Selections", "Selection")]
    most = int(text_of(answers[0], "MaxSelectionCount") or 1) if answers else 0
    other = any(children(answer, "Selections", "OtherSelection") for answer in answers)
    return _Choice(tuple(selections), most, other or not answers)


def _entry(key: Document, entry: Element, choices: dict[str, _Choice]) -> Iterator[Diagnostic]:
    """One question of the key beside the form's."""
    name = text_of(entry, "QuestionIdentifier")
    choice = choices.get(name)
    if choice is None:
        near = likely(name, list(choices))
        detail = f'Did you mean "{near}"?' if near else f"The form has: {', '.join(list(choices)[:20])}."
        yield key.problem(entry, f'the key scores question "{name}", which the form does not have', detail)
        return
    if choice.typed:
        said = f'the key scores question "{name}", where workers can write text'
        yield key.problem(entry, said, "A key scores selections only: leave the question out of it.")
        return
    for option in children(entry, "AnswerOption"):
        chosen = [s.text or "" for s in children(option, "SelectionIdentifier")]
        for selection in children(option, "SelectionIdentifier"):
            if selection.text not in choice.selections:
                near = likely(selection.text or "", list(choice.selections))
                detail = f'Did you mean "{near}"?' if near else f"It has: {', '.join(choice.selections[:20])}."
                said = f'question "{name}" has no selection "{selection.text or ""}"'
                yield key.problem(selection, said, detail)
        if len(chosen) > choice.most:
            said = f'this answer to "{name}" is {len(chosen)} selections, and workers can choose {choice.most}'
            detail = f"One <AnswerOption> each, or <MaxSelectionCount>{len(chosen)}</MaxSelectionCount> in the form."
            yield key.problem(option, said, detail, severity="warning")


def best_score(key: Document) -> int:
    """The most that a key's options sum to."""
    return sum(_best(entry) for entry in children(key.root, "Question"))


def best_value(key: Document) -> int:
    """The highest qualification value that a sound key can give."""
    best = best_score(key)
    mapping = next(iter(children(key.root, "QualificationValueMapping", "*")), None)
    match documents.name_of(mapping) if mapping is not None else "":
        case "PercentageMapping":
            most = int(text_of(key.root, "QualificationValueMapping", "PercentageMapping", "MaximumSummedScore"))
            return (200 * best + most) // (2 * most)  # rounded to the nearest
        case "ScaleMapping":
            scale = text_of(key.root, "QualificationValueMapping", "ScaleMapping", "SummedScoreMultiplier")
            return int(best * Decimal(scale))
        case "RangeMapping":
            names = ("QualificationValue", "OutOfRangeQualificationValue")
            return max(int(found.text or 0) for name in names for found in within(key.root, name))
    return best


def _best(entry: Element) -> int:
    scores = [int(s.text or 0) for s in children(entry, "AnswerOption", "AnswerScore")]
    return max([*scores, int(text_of(entry, "DefaultScore") or 0)])


def _reachable(key: Document, entries: list[Element], choices: dict[str, _Choice]) -> Iterator[Diagnostic]:
    """A percentage is of the maximum that the key says, whether or not the answers come to it."""
    mapping = children(key.root, "QualificationValueMapping", "PercentageMapping", "MaximumSummedScore")
    best = best_score(key)
    if mapping and all(text_of(entry, "QuestionIdentifier") in choices for entry in entries):
        wanted = int(mapping[0].text or 0)
        if best != wanted:
            percent = best * 100 // wanted
            said = f"the best answers sum to {best}, and MaximumSummedScore is {wanted}: they come to {percent} %"
            yield key.problem(mapping[0], said, f"Write {best}.", severity="warning")


def _ranges(key: Document) -> Iterator[Diagnostic]:
    """Ranges of a mapping hold a score each, and no score is in two of them."""
    spans = sorted(
        (
            (int(text_of(r, "InclusiveLowerBound")), int(text_of(r, "InclusiveUpperBound")), n, r)
            for n, r in enumerate(within(key.root, "SummedScoreRange"))
        ),
        key=lambda span: span[:3],
    )
    for low, high, _, element in spans:
        if low > high:
            yield key.problem(element, f"the range from {low} to {high} holds no score", "Exchange its bounds.")
    for (_, high, _, _), (low, _, _, element) in itertools.pairwise(spans):
        if low <= high:
            yield key.problem(element, f"the ranges overlap: {low} is in two of them", f"Begin this one at {high + 1}.")
