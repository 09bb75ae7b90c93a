"""A QuestionForm in, what a page shows of it out: pieces of content, questions, and how each is answered.

In: a document that was checked when its HIT or qualification type was made. Out: values for a template; nothing here
is HTML but what FormattedContent holds, whose subset of XHTML has neither scripts nor styles.

Source: AWS's API reference page "QuestionForm" (read November 2026), for the styles too: a suggestion that does not
suit a question is not followed.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from turkform.marketplace import formatted_content, xml_schemas
from turkform.marketplace.xml_schemas import find_all, text_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from turkform.marketplace.xml_schemas import Element

_MENUS = {"dropdown", "combobox", "list", "multichooser"}


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of content: `kind` is title, text, list, html, image, audio or video."""

    kind: str
    text: str = ""
    items: tuple[str, ...] = ()
    url: str = ""
    width: str = ""
    height: str = ""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression that an answer has to contain a match of, and what to say otherwise."""

    regex: str
    flags: str
    message: str


@dataclass(frozen=True, slots=True)
class Text:
    """A field for text, and what may be typed there; counts are characters."""

    lines: int = 1
    default: str = ""
    numeric: bool = False
    lowest: str = ""
    highest: str = ""
    shortest: str = ""
    longest: str = ""
    patterns: tuple[Pattern, ...] = ()

    @property
    def rules(self) -> str:
        """The patterns, for the script of the page."""
        return json.dumps([asdict(pattern) for pattern in self.patterns])


@dataclass(frozen=True, slots=True)
class Choice:
    """One selection."""

    identifier: str
    content: Piece


@dataclass(frozen=True, slots=True)
class Question:
    """A question: answered in `text`, or by so many of the `choices` as `fewest` and `most` say."""

    identifier: str
    name: str
    required: bool
    content: tuple[Piece, ...]
    text: Text | None = None
    choices: tuple[Choice, ...] = ()
    other: Text | None = None
    style: str = ""
    fewest: int = 1
    most: int = 1

    @property
    def multiple(self) -> bool:
        """Whether several selections can be made."""
        return self.most > 1

    @property
    def menu(self) -> bool:
        """Whether it is a menu. Menus show words only, and have no place for an answer in one's own."""
        return self.style in _MENUS and self.other is None and all(c.content.kind == "text" for c in self.choices)


@dataclass(frozen=True, slots=True)
class Form:
    """A form in its order: overviews, which are content only, and questions."""

    parts: tuple[tuple[Piece, ...] | Question, ...]

    @property
    def questions(self) -> tuple[Question, ...]:
        """Its questions."""
        return tuple(part for part in self.parts if isinstance(part, Question))


def read(xml: str) -> Form:
    """Read a QuestionForm of either namespace."""
    root = xml_schemas.parse(xml)
    parts = [
        _question(part) if xml_schemas.name_of(part) == "Question" else tuple(_pieces(part))
        for part in find_all(root, "*")
    ]
    return Form(tuple(parts))


def _question(element: Element) -> Question:
    identifier, name = text_at(element, "QuestionIdentifier"), text_at(element, "DisplayName")
    required = text_at(element, "IsRequired").strip() in {"true", "1"}
    content = tuple(piece for inside in find_all(element, "QuestionContent") for piece in _pieces(inside))
    free = find_all(element, "AnswerSpecification/FreeTextAnswer")
    if free:
        return Question(identifier, name, required, content, text=_text(free[0]))
    answer = find_all(element, "AnswerSpecification/SelectionAnswer")[0]
    choices = tuple(
        Choice(text_at(selection, "SelectionIdentifier"), next(_pieces(selection)))
        for selection in find_all(answer, "Selections/Selection")
    )
    others = find_all(answer, "Selections/OtherSelection")
    fewest = int(text_at(answer, "MinSelectionCount", "1"))
    return Question(
        identifier,
        name,
        required,
        content,
        choices=choices,
        other=_text(others[0]) if others else None,
        style=text_at(answer, "StyleSuggestion").strip(),
        fewest=fewest,
        most=max(fewest, int(text_at(answer, "MaxSelectionCount", "1"))),
    )


def _pieces(content: Element) -> Iterator[Piece]:
    for element in find_all(content, "*"):
        text = element.text or ""
        match xml_schemas.name_of(element):
            case "Title":
                yield Piece("title", text)
            case "Text":
                yield Piece("text", text)
            case "List":
                yield Piece("list", items=tuple(item.text or "" for item in find_all(element, "ListItem")))
            case "FormattedContent":
                yield Piece("html", formatted_content.as_html(text))
            case "Binary" | "EmbeddedBinary":
                yield Piece(
                    text_at(element, "MimeType/Type").strip() or text_at(element, "EmbeddedMimeType/Type").strip(),
                    text_at(element, "AltText"),
                    url=_web(text_at(element, "DataURL").strip()),
                    width=text_at(element, "Width"),
                    height=text_at(element, "Height"),
                )


def _text(element: Element) -> Text:
    numbers = find_all(element, "Constraints/IsNumeric")
    lengths = find_all(element, "Constraints/Length")
    return Text(
        lines=int(text_at(element, "NumberOfLinesSuggestion", "1")),
        default=text_at(element, "DefaultText"),
        numeric=bool(numbers),
        lowest=numbers[0].get("minValue", "") if numbers else "",
        highest=numbers[0].get("maxValue", "") if numbers else "",
        shortest=lengths[0].get("minLength", "") if lengths else "",
        longest=lengths[0].get("maxLength", "") if lengths else "",
        patterns=tuple(
            Pattern(rule.get("regex", ""), rule.get("flags", ""), rule.get("errorText", ""))
            for rule in find_all(element, "Constraints/AnswerFormatRegex")
        ),
    )


def _web(url: str) -> str:
    """An address that a page can show; any other scheme shows nothing."""
    return url if url.lower().startswith(("https://", "http://")) else ""
