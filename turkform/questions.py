"""Templates: what workers see as a function of a row.

In: a page, `*.html` with `${column}` placeholders or `*.html.j2` in Jinja2 (forms, external pages and layouts
are in modules of their own), and an item's row. Out: the question that CreateHIT takes; the fingerprint of the
inputs it was made from; and what is wrong with either.

A fingerprint binds inputs, never output, so that another wrapper or another turkform changes nobody's batch.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from turkform import pages
from turkform.errors import CampaignError, Diagnostic, Location
from turkform.files import UnreadableFileError
from turkform.items import fingerprint
from turkform.placeholders import Fill, unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

    Read = Callable[[Path], bytes]


class RenderError(CampaignError):
    """A page that cannot be made from this row; the location is the template's, where one is known."""

    def __init__(self, summary: str, detail: str = "", location: Location | None = None) -> None:
        self.problem = Diagnostic(summary, detail, location=location)
        super().__init__([self.problem])


class Template:
    """A question as a function of a row; subclasses say how.

    `columns` are the columns whose values it uses, `path` is the file that it stands in.
    """

    kind: str
    complete = True
    """Whether all that workers see is here, so that its size can be told."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.columns: frozenset[str] = frozenset()
        self.uses_all = False

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.path.name

    def render(self, row: Mapping[str, str]) -> str:
        """The finished question, as workers and reviewers get it.

        Raises:
            RenderError: the row does not fit the template; cannot happen to rows that were checked.
        """
        raise NotImplementedError

    def parameters(self, row: Mapping[str, str]) -> dict[str, Any]:
        """The parameters of CreateHITWithHITType that are made of the row.

        Raises:
            RenderError: as `render`.
        """
        return {"Question": self.render(row)}

    def inputs(self, row: Mapping[str, str]) -> dict[str, Any]:
        """What a HIT made from this row is made of, as canonical JSON can say it."""
        return {"kind": self.kind, "values": self.values(row)}

    def values(self, row: Mapping[str, str]) -> dict[str, str]:
        """The values used of a row, and no others."""
        return dict(row) if self.uses_all else {name: row[name] for name in self.columns if name in row}

    def fingerprint(self, row: Mapping[str, str]) -> str:
        """The fingerprint of a HIT made from this row: of its inputs."""
        return fingerprint(self.inputs(row))

    def check(self, row: Mapping[str, str], *, first: bool) -> list[Diagnostic]:  # noqa: ARG002 - for subclasses
        """What is wrong with the question of a row; `first` asks for what comes from the template as well.

        Raises:
            RenderError: the row does not fit the template.
        """
        return []

    def fields(self, row: Mapping[str, str]) -> set[str] | None:  # noqa: ARG002 - for subclasses
        """The names of the answers to the question of a row; None where that cannot be told."""
        return None

    def unknown(self, columns: Collection[str], data: Path | None) -> list[Diagnostic]:
        """Every use of what is no column, at its place."""
        raise NotImplementedError

    def unused(self, columns: Collection[str]) -> list[str]:
        """The columns whose values make no difference to the question."""
        return [] if self.uses_all else [name for name in columns if name not in self.columns]


class Page(Template):
    """A page of HTML: `digest` is the sha256 of its text, `includes` are those of the files it takes in."""

    def __init__(self, path: Path, frame_height: int) -> None:
        super().__init__(path)
        self.frame_height = frame_height
        self.digest = ""
        self.includes: dict[str, str] = {}

    def page(self, row: Mapping[str, str]) -> str:
        """The HTML page for a row.

        Raises:
            RenderError: the row does not fit the template.
        """
        raise NotImplementedError

    def render(self, row: Mapping[str, str]) -> str:
        """An HTMLQuestion document."""
        return pages.document(self.page(row), self.frame_height)

    def inputs(self, row: Mapping[str, str]) -> dict[str, Any]:
        """The page's text and what it includes, and the height of its frame."""
        more = {"template": self.digest, "includes": self.includes, "frame_height": self.frame_height}
        return {**super().inputs(row), **more}

    def check(self, row: Mapping[str, str], *, first: bool) -> list[Diagnostic]:
        """The form and the HTML come from the template, and hardly from a row: they are checked once."""
        return check_page(self.page(row), lambda offset: self.source(row, offset)) if first else []

    def source(self, row: Mapping[str, str], offset: int) -> Location:  # noqa: ARG002 - for subclasses
        """Where in the template stands what is at an offset of the page."""
        return Location(self.path, 1, 1)


def check_page(page: str, where: Callable[[int], Location]) -> list[Diagnostic]:
    """What would keep a page from being taken or submitted, and whom else it asks for its parts."""
    from turkform import html5

    told = html5.problems(page)
    if pages.wrapper(page) is None and (problem := pages.form_problem(page)):
        told.append(problem)
    found = [Diagnostic(p.summary, p.detail, (), where(p.offset), p.severity) for p in told]
    if hosts := html5.hosts(page):
        place = where(0)
        summary = f"{place.path.name} loads from {', '.join(hosts)}"
        found.append(Diagnostic(summary, location=place, severity="note"))
    return found


class Placeholders(Page):
    """`*.html`: `${column}` stands for the value as it is, `$${column}` for the text `${column}`."""

    kind = "html"

    def __init__(self, path: Path, text: str, frame_height: int) -> None:
        super().__init__(path, frame_height)
        self.fill = Fill(text)
        self.digest = hashlib.sha256(text.encode()).hexdigest()
        self.before, self.after = pages.wrapper(text) or ("", "")
        self.whole = "<" not in text
        """No tag stands in it, so that its rows are pages: each of them is wrapped or not."""
        self.columns = frozenset(self.fill.places)

    def page(self, row: Mapping[str, str]) -> str:
        """The page, values inserted as they stand."""
        text = filled(self.fill, row, self.name)
        before, after = (pages.wrapper(text) or ("", "")) if self.whole else (self.before, self.after)
        return f"{before}{text}{after}"

    def source(self, row: Mapping[str, str], offset: int) -> Location:
        """The place, however long the values before it are."""
        return place(self.path, self.fill.text, self.fill.source(row, max(0, offset - len(self.before))))

    def unknown(self, columns: Collection[str], data: Path | None) -> list[Diagnostic]:
        """Every placeholder that is no column, where it first stands."""
        return unknown(self.fill, columns, data, lambda offset: place(self.path, self.fill.text, offset))


def filled(fill: Fill, row: Mapping[str, str], name: str) -> str:
    """A text with a row's values in place; `name` is what it is called.

    Raises:
        RenderError: the row lacks a column.
    """
    try:
        return fill(row)
    except KeyError as error:
        detail = f"{name} uses it. Give the row a value for it, an empty one if need be."
        raise RenderError(f'the row has no "{error.args[0]}"', detail) from None


def place(path: Path, text: str, offset: int) -> Location:
    """The line and column of an offset."""
    return Location(path, text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset))


def open_template(path: Path, *, frame_height: int = 0, read: Read | None = None) -> Template:
    """Read a page, and what it includes; `read` fetches a file's bytes and may refuse.

    Raises:
        CampaignError: the page cannot be read, is no template, or holds what no question can.
    """
    text = read_text(path, read or type(path).read_bytes)
    if not text.strip():
        detail = "Write what workers are to do, and the fields for their answers."
        raise CampaignError([Diagnostic(f"{path.name} is empty", detail, location=Location(path, 1, 1))])
    if path.name.lower().endswith(".html.j2"):
        from turkform.jinja_pages import JinjaPage

        return JinjaPage(path, text, frame_height, read or type(path).read_bytes)
    if path.suffix.lower() in (".html", ".htm"):
        return Placeholders(path, text, frame_height)
    detail = "Name a page *.html, with ${column} placeholders, or *.html.j2, in Jinja2."
    if path.suffix.lower() == ".xml":
        detail = "For a question form, or another question document in XML, write  form: instead."
    raise CampaignError([Diagnostic(f'"{path.name}" is no page', detail, location=Location(path))])


def read_text(path: Path, read: Read) -> str:
    r"""A template's text: UTF-8, a BOM dropped, `\r\n` as `\n`.

    Raises:
        CampaignError: not readable, not UTF-8, or with characters that no question can hold.
    """
    try:
        data = read(path)
    except UnreadableFileError as error:
        raise CampaignError([Diagnostic(error.summary, error.detail, location=Location(path))]) from None
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode(errors="replace")
        problem = Diagnostic(
            f"byte 0x{data[error.start]:02x} is not UTF-8",
            "Save the file as UTF-8.",
            location=place(path, before, len(before)),
        )
        raise CampaignError([problem]) from None
    if pages.forbidden(text):
        offset = next(n for n, character in enumerate(text) if pages.forbidden(character))
        summary = f"the page holds {pages.forbidden(text)}, which no question can"
        raise CampaignError([Diagnostic(summary, "Remove the character.", location=place(path, text, offset))])
    return text
