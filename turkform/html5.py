"""HTML as a browser meets it: the parse errors that MTurk refused, and the hosts that a page loads from.

In: a page. Out: `Problem`s with their offsets; names of hosts.

MTurk parsed a page as HTML5 and refused some of the errors that a browser repairs: a `<body>` where a body is
open already, and attributes without a space between them. Unbalanced end tags and unclosed elements passed
(requesters' reports, read 23 Nov 2026). So those two are errors here, and sloppiness is none.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from turkform.pages import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

_IN_HEAD = {
    "html", "head", "base", "basefont", "bgsound", "link", "meta", "noframes", "noscript", "script", "style",
    "template", "title",
}  # fmt: skip
_QUOTED = re.compile(r"""=\s*(?:"[^"]*"|'[^']*')""")
_AFTER_VALUE = " \t\n\r\f/>"
_LOADING = ("src", "href", "srcset", "poster", "data", "background")
_OF_LINKS = ("link", "use", "image")
"""Elements whose href is loaded; everywhere else it is a link to follow."""
_CSS = re.compile(r"""(?:url\(|@import)\s*["']?([^"')\s;]+)""", re.IGNORECASE)


class _Reader(HTMLParser):
    """Follows the tags of a page; the parser of the standard library decides what a tag is."""

    CDATA_CONTENT_ELEMENTS = (  # type: ignore[misc] # a subclass may know more of them
        "script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes",
    )  # fmt: skip
    """Hold text up to their own end tag, by the HTML standard; older libraries know the first two."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=False)
        self.page = page
        self.problems: list[Problem] = []
        self.addresses: dict[str, None] = {}
        self._lines = [0, *(match.end() for match in re.finditer("\n", page))]
        self._body = False
        self._templates = 0
        self._inside = ""
        self.feed(page)
        self.close()

    def parse_marked_section(self, i: int, report: int = 1) -> int:  # noqa: ARG002 - the library's own name and shape
        """`<![…` is a comment up to the next `>`, whatever follows: the library knows few words there, and trips."""
        return self.parse_bogus_comment(i)

    def _offset(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + column

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag
        source = self.get_starttag_text() or ""
        # One after the other, so that quotation marks inside a value end nothing.
        close = next((m for m in _QUOTED.finditer(source) if source[m.end()] not in _AFTER_VALUE), None)
        if close:
            said = "two attributes stand here without a space between them, which MTurk refuses"
            self.problems.append(Problem(said, "Put a space between them.", self._offset() + close.end()))
        if tag == "template":
            self._templates += 1
        elif not self._templates and tag == "body" and self._body:
            detail = (
                "Something before it opened the body already: leave this tag out, or move what is before it inside."
            )
            self.problems.append(Problem("a second <body> begins here, which MTurk refuses", detail, self._offset()))
        elif not self._templates and tag not in _IN_HEAD:
            self._body = True
        for name, value in attrs:
            if name in _LOADING and value and (name != "href" or tag in _OF_LINKS):
                parts = value.split(",") if name == "srcset" else [value]
                self.addresses.update((part.split()[0], None) for part in parts if part.strip())
            elif name == "style" and value:
                self.addresses.update((found, None) for found in _CSS.findall(value))

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""
        if tag == "template":
            self._templates = max(0, self._templates - 1)
        elif tag in ("body", "html", "br") and not self._templates:
            self._body = True

    def handle_data(self, data: str) -> None:
        if self._inside == "style":
            self.addresses.update((found, None) for found in _CSS.findall(data))
        elif self._inside not in ("script", "title") and data.strip() and not self._templates:
            self._body = True


def problems(page: str) -> list[Problem]:
    """The errors that MTurk refuses, in their order."""
    return _Reader(page).problems


def hosts(page: str) -> list[str]:
    """The hosts that a browser asks for parts of the page, in their order."""
    return list(dict.fromkeys(_hosts(_Reader(page).addresses)))


def _hosts(addresses: dict[str, None]) -> Iterator[str]:
    for address in addresses:
        try:
            parts = urlsplit(address)
            host = parts.hostname
        except ValueError:
            continue
        if host and parts.scheme in ("", "http", "https", "ws", "wss"):
            yield host
