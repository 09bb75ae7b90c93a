"""Question documents in files: a question form with `${column}` placeholders as a function of a row.

In: an XML file that holds a QuestionForm, or an HTMLQuestion or ExternalQuestion as other tools wrote them. Out:
the document for a row. A value arrives as the text that it is: it is escaped as the place where it is inserted
wants it, so no value can break the document or add to it.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

from turkform import documents, forms
from turkform.documents import name_of, text_of
from turkform.errors import CampaignError, Diagnostic, Location
from turkform.offsite import address_problem
from turkform.placeholders import Fill, percent_encoded, unknown, xml_escaped
from turkform.questions import Template, check_page, filled, place, read_text

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from turkform.placeholders import Escape
    from turkform.questions import Read

ROOTS = ("QuestionForm", "HTMLQuestion", "ExternalQuestion")
_SPECIAL = re.compile(r"<(FormattedContent|HTMLContent|ExternalURL)\b[^>]*>.*?</\1\s*>", re.DOTALL)
_SECTION = re.compile(r"<!\[CDATA\[.*?\]\]>", re.DOTALL)
_FREE = {
    "Title", "Text", "ListItem", "DisplayName", "AltText", "DefaultText", "Value", "FormattedContent", "HTMLContent",
}  # fmt: skip
"""Elements that take any text: a value in one of them cannot make the document invalid."""


class FormPage(Template):
    """`form:`: values are escaped as their place wants it."""

    kind = "form"

    def __init__(self, path: Path, text: str) -> None:
        super().__init__(path)
        self.digest = hashlib.sha256(text.encode()).hexdigest()
        self._special = [(m.start(), m.end(), m[1]) for m in _SPECIAL.finditer(text)]
        self._sections = [m.span() for m in _SECTION.finditer(text)]
        self.fill = Fill(text, self._escape)
        self.columns = frozenset(self.fill.places)
        self._typed = any(not self._is_free(offset) for offset in self.fill.places.values())
        """Some value stands where not every text may, so each row's document is checked."""

    def render(self, row: Mapping[str, str]) -> str:
        """The document, values escaped."""
        return filled(self.fill, row, self.name)

    def inputs(self, row: Mapping[str, str]) -> dict[str, Any]:
        """The text of the file."""
        return {**super().inputs(row), "template": self.digest}

    def check(self, row: Mapping[str, str], *, first: bool) -> list[Diagnostic]:
        """The document of the first row, and of each where a value could break it."""
        if not first and not self._typed:
            return []
        text = self.render(row)

        def where(offset: int) -> Location:
            return place(self.path, self.fill.text, self.fill.source(row, offset))

        try:
            return check_document(documents.read(text, where))
        except CampaignError as error:
            return list(error.diagnostics)

    def fields(self, row: Mapping[str, str]) -> set[str] | None:
        """The identifiers of a form's questions; a page's own fields may come from its scripts."""
        try:
            root = documents.read(self.render(row), lambda _: Location(self.path)).root
        except CampaignError:
            return None
        questions = documents.children(root, "Question")
        return {text_of(question, "QuestionIdentifier") for question in questions} if questions else None

    def unknown(self, columns: Collection[str], data: Path | None) -> list[Diagnostic]:
        """Every placeholder that is no column, where it first stands."""
        return unknown(self.fill, columns, data, lambda offset: place(self.path, self.fill.text, offset))

    # --- where a placeholder stands -------------------------------------------------------------------------

    def _escape(self, offset: int) -> Escape:
        """How a value is inserted there, so that it arrives as it is."""
        inside = next((name for start, end, name in self._special if start < offset < end), "")
        section = any(start < offset < end for start, end in self._sections)
        if inside == "ExternalURL":
            return percent_encoded
        if inside == "FormattedContent":
            return xml_escaped if section else _twice
        return _in_section if section else xml_escaped

    def _is_free(self, offset: int) -> bool:
        text = self.fill.text
        if any(start < offset < end for start, end in self._sections):
            return True
        tag = text[text.rfind("<", 0, offset) : offset]
        name = re.match(r"<(?:[\w.-]+:)?([\w.-]+)", tag)
        return ">" in tag and name is not None and name[1] in _FREE


def _twice(value: str) -> str:
    return xml_escaped(xml_escaped(value))


def _in_section(value: str) -> str:
    return value.replace("]]>", "]]]]><![CDATA[>")


def check_document(document: documents.Document) -> list[Diagnostic]:
    """What is wrong with a question document of any of the three kinds."""
    if name_of(document.root) == "QuestionForm":
        return forms.check_form(document)
    told = documents.check(document, ROOTS)
    if told:
        return told
    part = next(iter(document.root))
    if name_of(document.root) == "HTMLQuestion":
        return check_page(part.text or "", document.content(part))
    said = address_problem(text_of(document.root, "ExternalURL").strip())
    return [document.problem(part, *said)] if said else []


_UTF8 = ("utf-8", "utf8", "us-ascii", "ascii")
_BEYOND_ASCII = ("iso-8859-1", "iso-8859-15", "latin-1", "latin1", "windows-1252", "cp1252")
"""The same as UTF-8 where a text is ASCII only."""


def open_form(path: Path, read: Read) -> FormPage:
    """Read a question form; `read` fetches a file's bytes and may refuse.

    Raises:
        CampaignError: it cannot be read, or is not XML by its name.
    """
    if path.suffix.lower() != ".xml":
        detail = "A form is a file *.xml, a QuestionForm. For a page of HTML write  html: instead."
        raise CampaignError([Diagnostic(f'"{path.name}" is no question form', detail, location=Location(path))])
    return FormPage(path, read_xml(path, read))


def read_xml(path: Path, read: Read) -> str:
    """The text of an XML file, which must be UTF-8 and say so.

    Raises:
        CampaignError: it cannot be read, or is written in another encoding.
    """
    text = read_text(path, read)
    declared = re.match(r"""\s*<\?xml[^>]*?\bencoding\s*=\s*["']([^"']*)["']""", text)
    encoding = declared[1].lower() if declared else "utf-8"
    if declared and encoding not in _UTF8 and not (text.isascii() and encoding in _BEYOND_ASCII):
        where = place(path, text, declared.start(1))
        said = f'the document says encoding="{declared[1]}", and is read as UTF-8'
        raise CampaignError([Diagnostic(said, 'Write encoding="UTF-8".', location=where)])
    return text
