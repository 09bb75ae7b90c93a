"""FormattedContent: the part of XHTML that question forms may hold.

In: the text of a FormattedContent element. Out: what MTurk would refuse in it, each at its place.

Source: "Formatted Content: XHTML" in the API reference (read 25 Nov 2026): which tags, with which attributes;
no `id`, `class`, `style`, script or comment, and XHTML's own rules for what stands inside what.
"""

from __future__ import annotations

import re
from html.entities import name2codepoint
from typing import TYPE_CHECKING

from turkform import documents
from turkform.errors import CampaignError, Diagnostic
from turkform.tables import likely

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from turkform.documents import Document, Element
    from turkform.errors import Location

_OPEN, _CLOSE = "<FormattedContent>", "</FormattedContent>"
_CELL = ("align", "char", "charoff", "valign")
_TAGS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("b", "big", "br", "center", "cite", "code", "dd", "dl", "dt", "em", "i", "small", "strong", "sub", "sup", "u"),
        (),
    ),
    **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6", "p"), ("align",)),
    **dict.fromkeys(("blockquote", "q"), ("cite",)),
    **dict.fromkeys(("del", "ins"), ("cite", "datetime")),
    **dict.fromkeys(("tbody", "tfoot", "thead"), _CELL),
    **dict.fromkeys(("col", "colgroup"), (*_CELL, "span", "width")),
    **dict.fromkeys(
        ("td", "th"),
        (*_CELL, "abbr", "axis", "bgcolor", "colspan", "headers", "height", "nowrap", "rowspan", "scope", "width"),
    ),
    "a": ("accesskey", "charset", "coords", "href", "hreflang", "name", "rel", "rev", "shape", "tabindex", "target",
          "type"),
    "area": ("alt", "coords", "href", "nohref", "shape", "target"),
    "font": ("color", "face", "size"),
    "hr": ("align", "noshade", "size", "width"),
    "img": ("align", "alt", "border", "height", "hspace", "ismap", "longdesc", "src", "usemap", "vspace", "width"),
    "li": ("type", "value"),
    "map": ("name",),
    "ol": ("compact", "start", "type"),
    "pre": ("width",),
    "table": ("align", "bgcolor", "border", "cellpadding", "cellspacing", "frame", "rules", "summary", "width"),
    "tr": (*_CELL, "bgcolor"),
    "ul": ("compact", "type"),
}  # fmt: skip
_NEEDED = {"img": ("src", "alt"), "area": ("alt",), "map": ("name",)}
_INSIDE = {
    "li": ("ul", "ol"), "dt": ("dl",), "dd": ("dl",), "area": ("map",), "tr": ("table", "thead", "tbody", "tfoot"),
    "td": ("tr",), "th": ("tr",), "thead": ("table",), "tbody": ("table",), "tfoot": ("table",),
    "colgroup": ("table",), "col": ("table", "colgroup"),
}  # fmt: skip
_INSTEAD = {
    "div": "p", "span": "font", "strike": "del", "s": "del", "tt": "code", "kbd": "code", "samp": "code", "var": "i",
    "address": "p", "section": "p", "caption": "p",
}  # fmt: skip
_SCHEMES = ("http", "https", "ftp", "news", "nntp", "mailto", "gopher", "telnet")


def problems(content: str, where: Callable[[int], Location]) -> list[Diagnostic]:
    """Everything MTurk would refuse in the text of a FormattedContent; `where` places its offsets."""
    text = _OPEN + re.sub(r"&([A-Za-z]+);", _numbered, content) + _CLOSE
    try:
        document = documents.read(text, lambda offset: where(max(0, min(offset - len(_OPEN), len(content)))))
    except CampaignError as error:
        return [
            Diagnostic(f"FormattedContent is XHTML: {_own(p.summary)}", p.detail, location=p.location)
            for p in error.diagnostics
        ]
    told = [problem for node in document.root.iterdescendants("*") for problem in _of(document, node)]
    comment = content.find("<!--")
    if comment >= 0:
        told.append(Diagnostic("FormattedContent may not hold comments", "Remove it.", location=where(comment)))
    return told


def _own(said: str) -> str:
    """The reader's complaint without the wrapper and its lines, which nobody wrote."""
    return re.sub(r" of line \d+", "", said.replace(f"{_CLOSE} closes nothing here:", "at its end"))


def _numbered(entity: re.Match[str]) -> str:
    """XHTML's named characters as numbers, which XML knows, padded so that nothing after them moves."""
    code = name2codepoint.get(entity[1])
    if code is None or entity[1] in ("amp", "lt", "gt", "quot"):
        return entity[0]
    return f"&#{code:0{max(1, len(entity[0]) - 3)}};"


def _of(document: Document, node: Element) -> Iterator[Diagnostic]:
    tag, parent = documents.name_of(node), node.getparent()
    above = documents.name_of(parent) if parent is not None else ""
    if tag not in _TAGS:
        if tag.lower() in _TAGS:
            yield document.problem(
                node, f"<{tag}>: tags of FormattedContent are in lower case", f"Write <{tag.lower()}>"
            )
            return
        near = _INSTEAD.get(tag.lower()) or likely(tag, list(_TAGS))
        remedy = f"Use <{near}>, or an HTML page instead of a form." if near else "Use an HTML page instead of a form."
        yield document.problem(node, f"<{tag}> may not stand in FormattedContent", remedy)
        return
    if tag in _INSIDE and above not in _INSIDE[tag]:
        around = " or ".join(f"<{name}>" for name in _INSIDE[tag])
        yield document.problem(node, f"<{tag}> stands outside of {around}", f"Put it into {around}.")
    common = ("title",) if tag == "br" else ("title", "dir", "lang", "{http://www.w3.org/XML/1998/namespace}lang")
    for name in map(str, node.attrib):
        if name not in (*_TAGS[tag], *common):
            shown = name.rpartition("}")[2]
            yield document.problem(
                node, f"<{tag}> may not have the attribute {shown} in FormattedContent", "Remove it."
            )
    for name in _NEEDED.get(tag, ()):
        if name not in node.attrib:
            yield document.problem(node, f"<{tag}> needs the attribute {name}", f'Write <{tag} {name}="…">')
    for name in ("href", "src"):
        scheme = re.match(r"\s*([A-Za-z][A-Za-z0-9+.-]*)\s*:", node.get(name, ""))
        if scheme and scheme[1].lower() not in _SCHEMES:
            yield document.problem(node, f'{name}="{node.get(name)}" is a link of the kind {scheme[1]}:', "Use https.")
