"""FormattedContent in, the reason why it is refused out, or its HTML: the subset of XHTML that question forms hold.

The rules are those of AWS's API reference page "Formatted Content: XHTML": its table of tags and attributes,
no `id`, `class`, `style`, script or comment, every tag closed, all names in lower case.
"""

import html.entities
import re
from collections.abc import Mapping
from typing import Final

from turkform.marketplace import xml_schemas
from turkform.marketplace.xml_schemas import Element

_XHTML: Final = "http://www.w3.org/1999/xhtml"

_CELL: Final = "align char charoff valign"
_TABLE_CELL: Final = "abbr align axis bgcolor char charoff colspan headers height nowrap rowspan scope valign width"

# The page's table, less `title` (for every tag) and `dir` and `lang` (for every tag but br). It lists dd
# without dt; a list of definitions without terms is nobody's intention, so dt is taken too.
_ATTRIBUTES: Final[Mapping[str, frozenset[str]]] = {
    tag: frozenset(attributes.split())
    for tags, attributes in {
        "a": "accesskey charset coords href hreflang name rel rev shape tabindex target type",
        "area": "alt coords href nohref shape target",
        "b big br center cite code dd dl dt em i small strong sub sup u": "",
        "blockquote q": "cite",
        "col colgroup": "align char charoff span valign width",
        "del ins": "cite datetime",
        "font": "color face size",
        "h1 h2 h3 h4 h5 h6 p": "align",
        "hr": "align noshade size width",
        "img": "align alt border height hspace ismap longdesc src usemap vspace width",
        "li": "type value",
        "map": "name",
        "ol": "compact start type",
        "pre": "width",
        "table": "align bgcolor border cellpadding cellspacing frame rules summary width",
        "tbody tfoot thead": _CELL,
        "td th": _TABLE_CELL,
        "tr": f"bgcolor {_CELL}",
        "ul": "compact type",
    }.items()
    for tag in tags.split()
}
_REQUIRED: Final = {"area": ("alt",), "img": ("alt", "src"), "map": ("name",)}
_PARENTS: Final = {
    "li": ("ol", "ul"),
    "dd": ("dl",),
    "dt": ("dl",),
    "area": ("map",),
    "tr": ("table", "thead", "tbody", "tfoot"),
    "td": ("tr",),
    "th": ("tr",),
    **dict.fromkeys(("thead", "tbody", "tfoot", "colgroup"), ("table",)),
    "col": ("table", "colgroup"),
}
_URLS: Final = {"a": "href", "area": "href", "img": "src"}
_SCHEMES: Final = frozenset({"http", "https", "ftp", "news", "nntp", "mailto", "gopher", "telnet"})
_SCHEME: Final = re.compile(r"\s*([A-Za-z][A-Za-z0-9+.-]*)\s*:")
_ENTITY: Final = re.compile(r"&([A-Za-z][A-Za-z0-9]*);")
_OF_XML: Final = frozenset({"amp", "lt", "gt", "quot", "apos"})


def problem(content: str) -> str:
    """Return why a FormattedContent's text is refused, or "" where it is good."""
    source = _ENTITY.sub(_as_reference, content)
    try:
        root = xml_schemas.parse(f'<FormattedContent xmlns="{_XHTML}">{source}</FormattedContent>', keep_comments=True)
    except xml_schemas.InvalidXMLError as error:
        return str(error)
    for node in root.iterdescendants():
        if found := _problem_of(node):
            return found
    return ""


def as_html(content: str) -> str:
    """Return a FormattedContent, checked before, as HTML for a page; its links open beside the page.

    Only what the subset names comes through, whatever the document: this is requesters' text on workers' screens.
    """
    source = _ENTITY.sub(_as_reference, content)
    root = xml_schemas.parse(f'<div xmlns="{_XHTML}">{source}</div>')
    for node in list(root.iterdescendants()):
        parent = node.getparent()
        if parent is not None and _problem_of(node):
            parent.remove(node)
        elif "href" in node.attrib:
            node.set("target", "_blank")
            node.set("rel", "noopener noreferrer")
    return xml_schemas.to_html(root)


def _problem_of(node: Element) -> str:
    if not isinstance(node.tag, str):
        return "Comments and processing instructions are not allowed in formatted content."
    tag, parent = xml_schemas.name_of(node), node.getparent()
    above = "" if parent is None else xml_schemas.name_of(parent)
    allowed = _ATTRIBUTES.get(tag)
    if allowed is None or not node.tag.startswith(f"{{{_XHTML}}}"):
        return f"cvc-complex-type.2.4.a: Invalid content was found starting with element '{tag}'."
    if tag in _PARENTS and above not in _PARENTS[tag]:
        return f"cvc-complex-type.2.4.a: Invalid content was found: element '{tag}' in '{above}'."
    everywhere = {"title"} if tag == "br" else {"title", "dir", "lang"}
    for attribute in map(str, node.attrib):
        if attribute not in allowed | everywhere:
            return f"cvc-complex-type.3.2.2: Attribute '{attribute}' is not allowed in element '{tag}'."
    for attribute in _REQUIRED.get(tag, ()):
        if attribute not in node.attrib:
            return f"cvc-complex-type.4: Attribute '{attribute}' must appear on element '{tag}'."
    scheme = _SCHEME.match(node.get(_URLS.get(tag, "href"), ""))
    if scheme and scheme[1].lower() not in _SCHEMES:
        return f"The URL of element '{tag}' must not begin with '{scheme[1]}:'."
    return ""


def _as_reference(entity: re.Match[str]) -> str:
    """Write XHTML's named entities as numbers, which need no DTD."""
    name = entity[1]
    if name in _OF_XML or name not in html.entities.name2codepoint:
        return entity[0]
    return f"&#{html.entities.name2codepoint[name]};"
