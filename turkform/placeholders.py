"""`${column}` in texts: where it stands, and the text with a row's values in its place.

In: a text that somebody wrote. Out: a `Fill`, a function of a row. `$${column}` is the text `${column}`, and
`${…}` that is no name, as scripts have it, stays as it is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from turkform.errors import Diagnostic
from turkform.tables import likely

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from pathlib import Path

    from turkform.errors import Location

    Escape = Callable[[str], str]

_BRACED = re.compile(r"(?<!\$)\$\{([^{}\n]{1,100})\}")
_DOUBLE_BRACES = re.compile(r"\{\{\s*(?:task\.input\.|row\.)?([A-Za-z_][A-Za-z0-9_]*)\s*(?:\|[^{}\n]*)?\}\}")
"""As Jinja2, Handlebars, and SageMaker's Liquid have it."""
PLACEHOLDER = re.compile(r"\$(\$?)\{([A-Za-z_][A-Za-z0-9_.-]*)\}")


def as_it_is(value: str) -> str:
    """Insert a value as it stands."""
    return value


def percent_encoded(value: str) -> str:
    """Insert a value as one part of a URL."""
    return quote(value, safe="")


def xml_escaped(value: str) -> str:
    """Insert a value as the text of an XML element or attribute."""
    escaped = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return escaped.replace('"', "&quot;").replace("'", "&apos;")


class Fill:
    """A text with placeholders as a function of a row; `escape` says how a value is inserted at an offset."""

    def __init__(self, text: str, escape: Callable[[int], Escape] = lambda _: as_it_is) -> None:
        self.text = text
        self.places: dict[str, int] = {}
        """Each column, and the offset where it first stands."""
        self._parts: list[tuple[str, str, Escape, int]] = []
        """Text, or the name of a column and how its value is inserted; and where it stands."""
        end = 0
        for match in PLACEHOLDER.finditer(text):
            self._parts.append((text[end : match.start()], "", as_it_is, end))
            if match[1]:
                self._parts.append((match[0][1:], "", as_it_is, match.start() + 1))
            else:
                self.places.setdefault(match[2], match.start())
                self._parts.append(("", match[2], escape(match.start()), match.start()))
            end = match.end()
        self._parts.append((text[end:], "", as_it_is, end))

    def __call__(self, row: Mapping[str, str]) -> str:
        """The text for a row.

        Raises:
            KeyError: the row has no such column.
        """
        return "".join([escape(row[name]) if name else text for text, name, escape, _ in self._parts])

    def source(self, row: Mapping[str, str], offset: int) -> int:
        """Where in the text stands what is at this offset of the text for a row."""
        for text, name, escape, at in self._parts:
            made = len(escape(row[name])) if name else len(text)
            if offset < made:
                return at if name else at + offset
            offset -= made
        return len(self.text)


def unknown(
    fill: Fill, columns: Collection[str], data: Path | None, place: Callable[[int], Location]
) -> list[Diagnostic]:
    """Every placeholder that is no column, where it first stands; all at once where there are no columns."""
    names = [name for name in fill.places if name not in columns]
    if data is None:
        others = f" and {len(names) - 1} more are no columns" if len(names) > 1 else " is no column"
        return [
            Diagnostic(f'"${{{name}}}"{others}: the batch has no items:', _remedy(name, ()), location=place(at))
            for name, at in fill.places.items()
            if name in names[:1]
        ]
    told = [
        Diagnostic(f'"${{{name}}}" is no column of {data.name}', _remedy(name, columns), location=place(at))
        for name, at in fill.places.items()
        if name in names
    ]
    return [*told, *_unread(fill, columns, place), *_foreign(fill, columns, place)]


def _unread(fill: Fill, columns: Collection[str], place: Callable[[int], Location]) -> Iterator[Diagnostic]:
    """What stays as it is and was most likely meant to be a column's value."""
    seen: set[str] = set()
    for match in _BRACED.finditer(fill.text):
        inside, name = match[1], match[1].strip()
        if name not in columns or inside in seen or PLACEHOLDER.fullmatch(match[0]):
            continue
        seen.add(inside)
        said = f'"{match[0]}" is not replaced, though "{name}" is a column'
        if PLACEHOLDER.fullmatch(f"${{{name}}}"):
            yield Diagnostic(said, f"Write ${{{name}}}, unless a script means it.", (), place(match.start()), "warning")
        else:
            near = re.sub(r"[^A-Za-z0-9_.-]+", "_", name).lstrip("0123456789.-") or "column"
            detail = (
                f"Names in placeholders are letters, digits, _, . and -: call the column {near}, here and in the data."
            )
            yield Diagnostic(said, detail, (), place(match.start()))


def _foreign(fill: Fill, columns: Collection[str], place: Callable[[int], Location]) -> Iterator[Diagnostic]:
    """Placeholders as other tools write them, where a column has the name."""
    for match in _DOUBLE_BRACES.finditer(fill.text):
        if match[1] in columns:
            said = f'"{match[0]}" is not replaced here, though "{match[1]}" is a column'
            detail = f"Write ${{{match[1]}}}; or, where it is a Jinja2 page, name it *.html.j2."
            yield Diagnostic(said, detail, (), place(match.start()), "warning")
            return


def _remedy(name: str, columns: Collection[str]) -> str:
    near = likely(name, list(columns))
    literal = f"For the text itself, as in a script, write $${{{name}}}."
    if name.startswith(("var.", "env.")):
        literal = f"Pages know columns only. {literal}"
    first = f"Did you mean ${{{near}}}? " if near else ""
    shown = [name if name == name.strip() else f'"{name}"' for name in list(columns)[:20]]
    known = f" Columns: {', '.join(shown)}." if columns else ""
    return f"{first}{literal}{known}"
