"""Templates and question documents: a page and a row in, the finished HTMLQuestion out.

In: a page, `*.html` with `${column}` placeholders or `*.html.j2` in Jinja2, and an item's row. Out: the
document that CreateHIT takes; the fingerprint of the inputs it was made from; and what is wrong with either.

A fingerprint binds inputs, never output, so that another wrapper or another turkform changes nobody's batch.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from turkform import pages
from turkform.errors import CampaignError, Diagnostic, Location
from turkform.files import UnreadableFileError
from turkform.items import fingerprint
from turkform.tables import likely

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

    from turkform.items import Item

    Read = Callable[[Path], bytes]

_PLACEHOLDER = re.compile(r"\$(\$?)\{([A-Za-z_][A-Za-z0-9_.-]*)\}")


class RenderError(CampaignError):
    """A page that cannot be made from this row; the location is the template's, where one is known."""

    def __init__(self, summary: str, detail: str = "", location: Location | None = None) -> None:
        self.problem = Diagnostic(summary, detail, location=location)
        super().__init__([self.problem])


class Template:
    """A page as a function of a row; subclasses say how.

    `columns` are the columns whose values it uses. `files` are the files it was read from, each with the
    sha256 of its text.
    """

    kind: str

    def __init__(self, path: Path, frame_height: int) -> None:
        self.path = path
        self.frame_height = frame_height
        self.columns: frozenset[str] = frozenset()
        self.uses_all = False
        self.digest = ""
        self.includes: dict[str, str] = {}

    def page(self, row: Mapping[str, str]) -> str:
        """The HTML page for a row.

        Raises:
            RenderError: the row does not fit the template.
        """
        raise NotImplementedError

    def render(self, row: Mapping[str, str]) -> str:
        """The finished question: an HTMLQuestion document.

        Raises:
            RenderError: the row does not fit the template; cannot happen to rows that were checked.
        """
        return pages.document(self.page(row), self.frame_height)

    def fingerprint(self, row: Mapping[str, str]) -> str:
        """The fingerprint of a HIT made from this row: of the inputs, and of the values used only."""
        used = row if self.uses_all else {name: row[name] for name in self.columns if name in row}
        return fingerprint(
            {
                "kind": self.kind,
                "template": self.digest,
                "includes": self.includes,
                "values": dict(used),
                "frame_height": self.frame_height,
            }
        )

    def unknown(self, columns: Collection[str], data: Path | None) -> list[Diagnostic]:
        """Every use of what is no column, at its line."""
        raise NotImplementedError

    def unused(self, columns: Collection[str]) -> list[str]:
        """The columns whose values make no difference to the page."""
        return [] if self.uses_all else [name for name in columns if name not in self.columns]


class Placeholders(Template):
    """`*.html`: `${column}` stands for the value as it is, `$${column}` for the text `${column}`."""

    kind = "html"

    def __init__(self, path: Path, text: str, frame_height: int) -> None:
        super().__init__(path, frame_height)
        self.text = text
        self.digest = hashlib.sha256(text.encode()).hexdigest()
        before, after = pages.wrapper(text) or ("", "")
        self.places = {m[2]: m.start() for m in reversed([*_PLACEHOLDER.finditer(text)]) if not m[1]}
        self.columns = frozenset(self.places)
        # Odd parts are names: split() yields text, dollar, name, text, dollar, name, …
        parts = _PLACEHOLDER.split(text)
        self._parts: list[tuple[str, str | None]] = [(before, None)]
        for start in range(0, len(parts), 3):
            self._parts.append((parts[start], None))
            if start + 2 < len(parts):
                dollar, name = parts[start + 1], parts[start + 2]
                self._parts.append((f"${{{name}}}", None) if dollar else ("", name))
        self._parts.append((after, None))

    def page(self, row: Mapping[str, str]) -> str:
        """The page, values inserted as they stand."""
        try:
            return "".join([text if name is None else row[name] for text, name in self._parts])
        except KeyError as error:
            name = str(error.args[0])
            raise RenderError(
                f'the row has no "{name}"',
                f"{self.path.name} uses it. Give the row a value for it, an empty one if need be.",
            ) from None

    def unknown(self, columns: Collection[str], data: Path | None) -> list[Diagnostic]:
        """Every placeholder that is no column, where it first stands."""
        return [
            Diagnostic(
                f'"${{{name}}}" is no column of {data.name}' if data else f'"${{{name}}}" is no column: no items:',
                _remedy(name, columns),
                location=place(self.path, self.text, offset),
            )
            for name, offset in self.places.items()
            if name not in columns
        ]


def _remedy(name: str, columns: Collection[str]) -> str:
    near = likely(name, list(columns))
    literal = f"For the text itself, as in a script, write $${{{name}}}."
    if name.startswith(("var.", "env.")):
        literal = f"Pages know columns only. {literal}"
    first = f"Did you mean ${{{near}}}? " if near else ""
    known = f" Columns: {', '.join(list(columns)[:20])}." if columns else ""
    return f"{first}{literal}{known}"


def place(path: Path, text: str, offset: int) -> Location:
    """The line and column of an offset."""
    return Location(path, text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset))


def open_template(path: Path, *, frame_height: int = 0, read: Read | None = None) -> Template:
    """Read a page, and what it includes; `read` fetches a file's bytes and may refuse.

    Raises:
        CampaignError: the page cannot be read, is no template, or holds what no question can.
    """
    text = read_text(path, read or type(path).read_bytes)
    if path.name.lower().endswith(".html.j2"):
        from turkform.jinja_pages import JinjaPage

        return JinjaPage(path, text, frame_height, read or type(path).read_bytes)
    if path.suffix.lower() in (".html", ".htm"):
        return Placeholders(path, text, frame_height)
    detail = "Name a page *.html, with ${column} placeholders, or *.html.j2, in Jinja2."
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


class Inspection:
    """Makes the question of every item and keeps what is wrong: the worst, and how many."""

    def __init__(self, template: Template, data: Path | None) -> None:
        self.template = template
        self.data = data
        self.found: dict[str, tuple[int, Diagnostic]] = {}
        self.large: list[tuple[int, int, str]] = []
        self.too_large = 0
        self.first = True

    def __call__(self, item: Item) -> None:
        """Look at one item."""
        try:
            page = self.template.page(item.row)
        except RenderError as error:
            self._keep(error.problem.summary, error.problem.detail, item, error.problem.location)
            return
        if self.first:
            self.first = False
            self._form(page)
        size = len(pages.document(page, self.template.frame_height).encode())
        if size > pages.MOST_BYTES:
            self.too_large += 1
            self.large = sorted([*self.large, (-size, item.line, item.key)])[:3]
        if character := pages.forbidden(page):
            summary = f"a value of this row holds {character}, which no question can"
            self._keep(summary, "Remove the character.", item, None)

    def _keep(self, summary: str, detail: str, item: Item, at: Location | None) -> None:
        """One diagnostic a kind of problem, at the first row that has it, with their number."""
        count, first = self.found.get(summary, (0, None))
        where = at or Location(self.data or self.template.path, item.line, 1 if item.line else 0)
        if at is not None and self.data is not None and item.line:
            detail = f"{detail} First met with {self.data.name}:{item.line}.".strip()
        self.found[summary] = (count + 1, first or Diagnostic(summary, detail, location=where))

    def _form(self, page: str) -> None:
        """Check the form once: it comes from the template, not from the rows."""
        if pages.wrapper(page) is not None:
            return
        problem = pages.form_problem(page)
        if problem:
            where = Location(self.template.path, 1, 1)
            if isinstance(self.template, Placeholders) and (found := pages.form_problem(self.template.text)):
                where = place(self.template.path, self.template.text, found.offset)
            self.found["form"] = (1, Diagnostic(problem.summary, problem.detail, (), where, problem.severity))

    def problems(self) -> list[Diagnostic]:
        """Everything that was found."""
        told = []
        for count, problem in self.found.values():
            more = f" {count - 1} more items have the same problem." if count > 1 else ""
            told.append(Diagnostic(problem.summary, problem.detail + more, (), problem.location, problem.severity))
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
                    f"Shorten these rows or {self.template.path.name}, or link to a page of your own.",
                    location=where,
                )
            )
        return told
