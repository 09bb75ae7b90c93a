"""Submitted fields in, QuestionFormAnswers out; and answers in, a qualification test's score out.

Sources: AWS's API reference pages "QuestionFormAnswers" and "AnswerKey" (read November 2026), and documents
as production sent them: declared as ASCII, no white space between elements. Clients read them with regular
expressions too, so the form is kept to the letter.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from turkform.marketplace import xml_schemas
from turkform.marketplace.documents import DocumentError
from turkform.marketplace.xml_schemas import Element, find_all, text_at

_HEAD: Final = (
    '<?xml version="1.0" encoding="ASCII"?>'
    f'<QuestionFormAnswers xmlns="{xml_schemas.NAMESPACES}2005-10-01/QuestionFormAnswers.xsd">'
)
_TAIL: Final = "</QuestionFormAnswers>"

# What a browser can send and XML 1.0 cannot hold, not even as a reference.
_NOT_XML: Final = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a worker gave to one question: text, or selections and perhaps another in the worker's words."""

    free_text: str | None = None
    selections: tuple[str, ...] = ()
    other: str | None = None

    @property
    def values(self) -> tuple[str, ...]:
        """All values given, in order; none where the question was left open."""
        return tuple(value for value in (self.free_text, *self.selections, self.other) if value)


def build_answers(pairs: Iterable[tuple[str, str]]) -> str:
    """Return the answers of an HTML or external question: every field of its form as FreeText, in order.

    A field sent several times (checkboxes of one name) becomes one answer, its values joined by `|`.
    UNCERTAIN checkboxes: production is remembered to have done so; AWS's pages do not say.
    Characters that XML cannot hold become U+FFFD.
    """
    fields: dict[str, list[str]] = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return _document((name, Answer(free_text="|".join(values))) for name, values in fields.items())


def build_form_answers(form_xml: str, values: Mapping[str, str | Sequence[str]]) -> str:
    """Return the answers to a QuestionForm: one Answer a question, in the form's order.

    The values of a multiple-choice question are identifiers of its selections; a value that is none is the
    worker's own, where the question has an OtherSelection. A question left open has an Answer with nothing in
    it (FreeText, where it asks for text). Whether required questions are answered is for the page to ask:
    "answer data is not guaranteed … to conform to the answer specifications" (AWS, "QuestionFormAnswers").

    Raises:
        DocumentError: a value that no question of the form takes.
    """
    questions = {text_at(question, "QuestionIdentifier"): question for question in _questions(form_xml)}
    for name in values:
        if name not in questions:
            raise DocumentError(f"The form has no question '{name}'.")
    return _document(
        (name, _answer_to(name, question, _listed(values.get(name, ())))) for name, question in questions.items()
    )


def answers_to(question: str, pairs: Iterable[tuple[str, str]]) -> str:
    """Return the answers to a HIT's Question from the fields that were sent: a form's in its own terms, else as text.

    Raises:
        DocumentError: a value that no question of the form takes.
    """
    if xml_schemas.name_of(xml_schemas.parse(question)) != "QuestionForm":
        return build_answers(pairs)
    fields: dict[str, list[str]] = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return build_form_answers(question, fields)


def parse_answers(xml: str) -> dict[str, tuple[str, ...]]:
    """Return a QuestionFormAnswers document as question → values given; an open question has none.

    Raises:
        DocumentError: the document is not QuestionFormAnswers.
    """
    return {name: answer.values for name, answer in read_answers(xml).items()}


def read_answers(xml: str) -> dict[str, Answer]:
    """Return a QuestionFormAnswers document as question → Answer, in the document's order.

    Raises:
        DocumentError: the document is not QuestionFormAnswers.
    """
    return {
        text_at(answer, "QuestionIdentifier"): Answer(
            free_text=_text_or_none(answer, "FreeText"),
            selections=tuple(selection.text or "" for selection in find_all(answer, "SelectionIdentifier")),
            other=_text_or_none(answer, "OtherSelectionText"),
        )
        for answer in find_all(_parse(xml, "QuestionFormAnswers"), "Answer")
    }


def score(answer_key_xml: str, answers_xml: str) -> int:
    """Return the value that an answer key, checked before, gives to a worker's answers.

    A question earns the score of the option whose selections are all that the worker chose and no others,
    else its DefaultScore (0). The sum is the value, or is mapped: to a percentage of a maximum "rounded to
    the nearest integer", by a multiplier, or by ranges of scores.
    UNCERTAIN halves: halves are rounded up, towards the greater number, and multiplied sums like percentages.

    Raises:
        DocumentError: one of the two is not the document it should be.
    """
    answers = read_answers(answers_xml)
    key = _parse(answer_key_xml, "AnswerKey")
    total = sum(
        _question_score(question, answers.get(text_at(question, "QuestionIdentifier"), Answer()))
        for question in find_all(key, "Question")
    )
    for mapping in find_all(key, "QualificationValueMapping/*"):
        return _mapped(mapping, total)
    return total


def _question_score(question: Element, answer: Answer) -> int:
    if answer.other is None:
        for option in find_all(question, "AnswerOption"):
            if {chosen.text for chosen in find_all(option, "SelectionIdentifier")} == {*answer.selections}:
                return int(text_at(option, "AnswerScore"))
    return int(text_at(question, "DefaultScore", "0"))


def _mapped(mapping: Element, total: int) -> int:
    match xml_schemas.name_of(mapping):
        case "PercentageMapping":
            return _half_up(Fraction(100 * total, int(text_at(mapping, "MaximumSummedScore"))))
        case "ScaleMapping":
            return _half_up(total * Fraction(text_at(mapping, "SummedScoreMultiplier").strip()))
        case _:
            for span in find_all(mapping, "SummedScoreRange"):
                bounds = text_at(span, "InclusiveLowerBound"), text_at(span, "InclusiveUpperBound")
                if int(bounds[0]) <= total <= int(bounds[1]):
                    return int(text_at(span, "QualificationValue"))
            return int(text_at(mapping, "OutOfRangeQualificationValue"))


def _half_up(value: Fraction) -> int:
    return math.floor(value + Fraction(1, 2))


def _answer_to(name: str, question: Element, values: tuple[str, ...]) -> Answer:
    selections = find_all(question, "AnswerSpecification/SelectionAnswer/Selections")
    if not selections:
        if len(values) > 1:
            raise DocumentError(f"The question '{name}' takes one text.")
        return Answer(free_text=values[0] if values else "")
    identifiers = {text_at(choice, "SelectionIdentifier") for choice in find_all(selections[0], "Selection")}
    own = [value for value in values if value not in identifiers]
    if len(own) > len(find_all(selections[0], "OtherSelection")):
        raise DocumentError(f"The question '{name}' has no selection '{own[0]}'.")
    chosen = tuple(dict.fromkeys(value for value in values if value in identifiers))
    return Answer(selections=chosen, other=own[0] if own else None)


def _document(answers: Iterable[tuple[str, Answer]]) -> str:
    return "".join([_HEAD, *(_answer_xml(name, answer) for name, answer in answers), _TAIL])


def _answer_xml(name: str, answer: Answer) -> str:
    parts = [_element("QuestionIdentifier", name)]
    if answer.free_text is not None:
        parts.append(_element("FreeText", answer.free_text))
    parts += [_element("SelectionIdentifier", selection) for selection in answer.selections]
    if answer.other is not None:
        parts.append(_element("OtherSelectionText", answer.other))
    return f"<Answer>{''.join(parts)}</Answer>"


def _element(name: str, text: str) -> str:
    """Write an element as production's serializer did: all but ASCII, and a carriage return, by number."""
    safe = _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
    safe = safe.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")
    return f"<{name}>{safe.encode('ascii', 'xmlcharrefreplace').decode()}</{name}>"


def _listed(values: str | Sequence[str]) -> tuple[str, ...]:
    """Return the values given; an empty field is none."""
    return tuple(value for value in ([values] if isinstance(values, str) else values) if value)


def _text_or_none(answer: Element, name: str) -> str | None:
    return text_at(answer, name) if find_all(answer, name) else None


def _questions(form_xml: str) -> list[Element]:
    return find_all(_parse(form_xml, "QuestionForm"), "Question")


def _parse(xml: str, kind: str) -> Element:
    """Parse a document and check that it is of this kind and its schema, as reading on relies on both."""
    try:
        root = xml_schemas.parse(xml)
        xml_schemas.validate(root)
    except xml_schemas.InvalidXMLError as error:
        raise DocumentError(f"The {kind} cannot be read: {error}") from None
    if xml_schemas.name_of(root) != kind:
        raise DocumentError(f"The document is no {kind}.")
    return root
