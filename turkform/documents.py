"""XML documents of requesters: read, placed, and held against our own schemas. The planner's door to lxml.

In: the text of a question form, an answer key or another question document. Out: a `Document`, whose elements
know where they begin; or diagnostics in the words of somebody who wrote the file. Documents come from
strangers: no document type, so no entity and no network.

The schemas in `schemas/` are written after AWS's API reference, apart from the marketplace's: what one of the
two has wrong, the other finds.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias
from xml.parsers import expat

from lxml import etree

from turkform.errors import CampaignError, Diagnostic, Location
from turkform.tables import likely

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Element: TypeAlias = etree._Element  # noqa: SLF001 - lxml publishes its element type under this name only

_BASE = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/"
NAMESPACES = {
    # Root → its namespaces, the one to write first ("Data Structure Schema Locations", read 25 Nov 2026).
    "QuestionForm": (f"{_BASE}2017-11-06/QuestionForm.xsd", f"{_BASE}2005-10-01/QuestionForm.xsd"),
    "AnswerKey": (f"{_BASE}2005-10-01/AnswerKey.xsd",),
    "HTMLQuestion": (f"{_BASE}2011-11-11/HTMLQuestion.xsd",),
    "ExternalQuestion": (f"{_BASE}2006-07-14/ExternalQuestion.xsd",),
}
_SCHEMAS = {
    "QuestionForm": "question_form.xsd",
    "AnswerKey": "answer_key.xsd",
    "HTMLQuestion": "html_question.xsd",
    "ExternalQuestion": "external_question.xsd",
}
_ORDER = {
    # Elements whose parts have an order that people get wrong.
    "Question": "QuestionIdentifier, DisplayName, IsRequired, QuestionContent, AnswerSpecification",
    "SelectionAnswer": "MinSelectionCount, MaxSelectionCount, StyleSuggestion, Selections",
    "FreeTextAnswer": "Constraints, DefaultText, NumberOfLinesSuggestion",
    "Constraints": "IsNumeric, Length, AnswerFormatRegex",
    "Selections": "Selection, then OtherSelection",
    "Selection": "SelectionIdentifier, then Text, FormattedContent or Binary",
    "Binary": "MimeType, DataURL, AltText",
    "AnswerOption": "SelectionIdentifier, AnswerScore",
    "SummedScoreRange": "InclusiveLowerBound, InclusiveUpperBound, QualificationValue",
    "HTMLQuestion": "HTMLContent, FrameHeight",
    "ExternalQuestion": "ExternalURL, FrameHeight",
}
_RETIRED = {"FileUploadAnswer", "Application"}
_LONGEST_SHOWN = 60


class Document:
    """A well-formed document; `where` tells the place of an offset in its text."""

    def __init__(self, root: Element, text: str, starts: list[int], where: Callable[[int], Location]) -> None:
        self.root = root
        self.text = text
        self.where = where
        self._starts = dict(zip(root.iter("*"), starts, strict=True))

    def start(self, element: Element) -> int:
        """The offset of an element's `<`."""
        return self._starts[element]

    def problem(self, element: Element, summary: str, detail: str = "", **more: Any) -> Diagnostic:
        """A diagnostic at an element."""
        return Diagnostic(summary, detail, location=self.where(self.start(element)), **more)

    def content(self, element: Element) -> Callable[[int], Location]:
        """The place of an offset in the text of an element, which may stand in a CDATA section."""
        inside = self.text.index(">", self.start(element)) + 1
        section = re.compile(r"(\s*)<!\[CDATA\[").match(self.text, inside)
        blank = len(section[1]) if section else 0
        return lambda offset: self.where(inside + offset + (9 if section and offset >= blank else 0))


def name_of(element: Element) -> str:
    """An element's name, without its namespace."""
    return str(etree.QName(element).localname)


def children(element: Element, *names: str) -> list[Element]:
    """The elements at a path of names below this one."""
    return element.findall("/".join(f"{{*}}{name}" for name in names))


def within(element: Element, name: str) -> list[Element]:
    """The elements of a name anywhere below this one."""
    return element.findall(f".//{{*}}{name}")


def text_of(element: Element, *names: str) -> str:
    """The text of the first element at such a path, or ""."""
    found = children(element, *names)
    return (found[0].text or "") if found else ""


# --- reading ----------------------------------------------------------------------------------------------


class _DoctypeError(Exception):
    """The document declares a document type."""


def read(text: str, where: Callable[[int], Location]) -> Document:
    """Read a document that must be well-formed; its encoding declaration is checked, the text being decoded.

    Raises:
        CampaignError: it is not, or has a document type.
    """
    data = text.encode()
    starts: list[int] = []
    parser = expat.ParserCreate("utf-8")

    def start(*_: Any) -> None:
        starts.append(parser.CurrentByteIndex)

    def doctype(*_: Any) -> None:
        raise _DoctypeError

    parser.StartElementHandler = start
    parser.StartDoctypeDeclHandler = doctype
    broken = ""
    at = 0
    try:
        parser.Parse(data, True)  # noqa: FBT003 - expat's own signature
    except _DoctypeError:
        at = text.index("<!DOCTYPE")
        detail = "Remove it: documents here declare neither types nor entities. Write characters as &#160; and so on."
        raise CampaignError([Diagnostic("the document has a DOCTYPE", detail, location=where(at))]) from None
    except expat.ExpatError as error:
        broken = expat.errors.messages.get(error.code, str(error))
        at = len(data[: parser.ErrorByteIndex].decode(errors="replace")) - 2 * (broken == "mismatched tag")
    try:
        root = etree.fromstring(
            data, etree.XMLParser(encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False)
        )
    except etree.XMLSyntaxError as error:
        # The two parsers agree on what is XML; this one says it better, the other one knows where.
        raise CampaignError([Diagnostic(*_syntax(error.msg or broken), location=where(at))]) from None
    if broken:
        raise CampaignError([Diagnostic(f"the document is not XML: {broken}", location=where(at))])
    # Offsets of bytes are offsets of characters but where there are others than ASCII.
    if not text.isascii():
        starts = _characters(data, starts)
    return Document(root, text, starts, where)


def _characters(data: bytes, offsets: list[int]) -> list[int]:
    """Rising offsets of bytes as offsets of characters, in one pass."""
    found, at, count = [], 0, 0
    for offset in offsets:
        count += len(data[at:offset].decode())
        at = offset
        found.append(count)
    return found


def _syntax(said: str) -> tuple[str, str]:
    """What the parser said, in words that help."""
    said = re.sub(r", line \d+, column \d+.*", "", said)
    tags = re.match(r"Opening and ending tag mismatch: ([^ ]+) line (\d+) and ([^ ]+)", said)
    if tags:
        return f"</{tags[3]}> closes nothing here: <{tags[1]}> of line {tags[2]} is still open", f"Write </{tags[1]}>"
    if "EntityRef" in said or "xmlParseEntityRef" in said:
        return "an & stands alone", "Write &amp;"
    entity = re.match(r"Entity '(\w+)' not defined", said)
    if entity:
        from html.entities import name2codepoint

        code = name2codepoint.get(entity[1])
        return f"&{entity[1]}; is not known in XML", f"Write &#{code};" if code else "Write the character itself."
    if "StartTag: invalid element name" in said:
        return "a < stands alone", "Write &lt;"
    if "Start tag expected" in said or "Document is empty" in said:
        return "the file is not XML", "A question form begins with <QuestionForm xmlns=…>."
    if "declaration allowed only at the start" in said:
        return "<?xml …?> stands here, and may stand at the very start only", "Remove what is before it."
    if "Extra content" in said:
        return "something follows after the end of the document", "A document has one root element."
    if "Premature end" in said or "EndTag" in said:
        return f"the document ends too early: {said}", "Close what is open."
    return f"the document is not XML: {said}", ""


# --- against the schemas ----------------------------------------------------------------------------------


def check(document: Document, roots: tuple[str, ...]) -> list[Diagnostic]:
    """Everything in which a document breaks the schema of its root, which must be one of `roots`."""
    name, namespace = name_of(document.root), str(etree.QName(document.root).namespace or "")
    if name not in roots:
        near = likely(name, list(roots))
        first = f"Did you mean <{near}>? " if near else ""
        detail = f'{first}It begins  <{near or roots[0]} xmlns="{NAMESPACES[near or roots[0]][0]}">'
        return [document.problem(document.root, f"the document is <{name}>, not <{'> or <'.join(roots)}>", detail)]
    if namespace not in NAMESPACES[name]:
        said = f'the namespace of <{name}> is "{namespace}"' if namespace else f"<{name}> has no namespace"
        return [document.problem(document.root, said, f'Write <{name} xmlns="{NAMESPACES[name][0]}">')]
    schema = _schema(name, namespace)
    if schema.validate(document.root):
        return []
    return list(_breaches(document, schema.error_log))


@functools.cache
def _schema(name: str, namespace: str) -> etree.XMLSchema:
    # Not importlib.resources: it takes longer to import than everything else here.
    source = Path(__file__).with_name("schemas").joinpath(_SCHEMAS[name]).read_text(encoding="utf-8")
    return etree.XMLSchema(etree.fromstring(source.replace("NAMESPACE", namespace).encode()))


def _breaches(document: Document, log: Any) -> Iterator[Diagnostic]:
    """Each breach once: the validator tells a wrong value twice, as a facet and as a type."""
    told: set[Element] = set()
    for entry in log:
        found = document.root.xpath(entry.path) if entry.path else []
        element = found[0] if isinstance(found, list) and found else document.root
        if isinstance(element, etree._Element) and element not in told:  # noqa: SLF001 - see Element
            told.add(element)
            yield document.problem(element, *_breach(element, re.sub(r"\{[^{}]*?:[^{}]*\}", "", entry.message)))


def _breach(element: Element, said: str) -> tuple[str, str]:
    name, parent = name_of(element), element.getparent()
    above = name_of(parent) if parent is not None else ""
    expected = re.search(r"Expected is (?:one of )?\( ([^()]*) \)", said)
    wanted = [part.strip() for part in expected[1].split(",")] if expected else []
    named = " or ".join(f"<{part}>" for part in wanted)
    value = (element.text or "").strip()
    shown = value if len(value) <= _LONGEST_SHOWN else value[: _LONGEST_SHOWN - 1] + "…"
    if "element is not expected" in said:
        if name in _RETIRED:
            return f"<{name}> was retired on 12 December 2017", "Ask for a link or a text, or use an HTML page."
        near = likely(name, wanted)
        order = f"The order in <{above}> is {_ORDER[above]}." if above in _ORDER else ""
        if near and near.casefold() == name.casefold():
            return f"<{name}> is no element here; case matters", f"Write <{near}>"
        told = f"Expected here: {named}. {order}" if named else f"Nothing more can stand here. {order}"
        return f"<{name}> cannot stand here, in <{above}>", told.strip()
    if "Missing child" in said:
        order = f" The order is {_ORDER[name]}." if name in _ORDER else ""
        return f"<{name}> lacks {named or 'what it must hold'}", f"Add it.{order}"
    if "element-only" in said or "content type is empty" in said:
        return f"<{name}> holds text, and may hold elements only", f"Remove the text{_stray(element)}."
    if "Element content is not allowed" in said:
        return f"<{name}> holds elements, and may hold text only", "Put markup into <FormattedContent><![CDATA[ … ]]>."
    attribute = re.search(r"attribute '(\w+)'(?: is not allowed|: The attribute)", said)
    if attribute and "not allowed" in said:
        return f"<{name}> has no attribute {attribute[1]}", "Remove it."
    missing = re.search(r"The attribute '(\w+)' is required", said)
    if missing:
        return f"<{name}> needs the attribute {missing[1]}", f'Write <{name} {missing[1]}="…">'
    choices = re.findall(r"'([^']*)'", said.partition("element of the set")[2])
    if choices:
        near = likely(value, choices)
        return f'<{name}> is "{shown}", which is not one of {", ".join(choices)}', f"Write {near or choices[0]}"
    of_attribute = re.search(r"attribute '(\w+)'.*?'([^']*)' is not a valid value", said)
    if of_attribute:
        return f'{of_attribute[1]}="{of_attribute[2]}" of <{name}> is {_no_value(said)}', "Correct the number."
    if not value and ("valid value" in said or "length" in said):
        return f"<{name}> is empty", "Write a value, or remove the element where it is optional."
    if "valid value" in said or "facet" in said:
        return f'<{name}> is "{shown}", which is {_no_value(said)}', ""
    return f"<{name}>: {said}", ""


def _stray(element: Element) -> str:
    texts = [element.text or "", *(child.tail or "" for child in element)]
    found = next((text.strip() for text in texts if text.strip()), "")
    return f' "{found[:_LONGEST_SHOWN]}"' if found else ""


def _no_value(said: str) -> str:
    if "boolean" in said:
        return "neither true nor false"
    if "positiveInteger" in said:
        return "no whole number of 1 or more"
    if "nonNegativeInteger" in said:
        return "no whole number of 0 or more"
    if "minInclusive" in said:
        return "too small"
    if "decimal" in said:
        return "no number"
    if "anyURI" in said:
        return "no URL"
    return "no whole number"
