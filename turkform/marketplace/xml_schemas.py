"""XML in, a checked tree out: the marketplace's one door to lxml, whose elements others know as `Element`.

Requesters' documents are hostile: no DTD, no entity, no network. The schemas beside this module are our own,
written from AWS's API reference; each is compiled once, when first used.
"""

import functools
import re
import threading
from collections.abc import Mapping
from importlib import resources
from typing import Any, Final, TypeAlias, cast

from lxml import etree

Element: TypeAlias = etree._Element  # noqa: SLF001 - lxml publishes its element type under this name only

NAMESPACES: Final = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/"

# Root element -> (our schema file, the namespace that file is written for). AWS, "Data Structure Schema
# Locations": the QuestionForm of 2005-10-01 stays good for who uses none of the elements retired in 2017.
_ROOTS: Final[Mapping[str, tuple[str, str]]] = {
    f"{{{NAMESPACES}{path}}}{name}": (f"{name}.xsd", f"{NAMESPACES}{written_for}")
    for name, path, written_for in (
        ("HTMLQuestion", "2011-11-11/HTMLQuestion.xsd", "2011-11-11/HTMLQuestion.xsd"),
        ("ExternalQuestion", "2006-07-14/ExternalQuestion.xsd", "2006-07-14/ExternalQuestion.xsd"),
        ("QuestionForm", "2017-11-06/QuestionForm.xsd", "2017-11-06/QuestionForm.xsd"),
        ("QuestionForm", "2005-10-01/QuestionForm.xsd", "2017-11-06/QuestionForm.xsd"),
        ("AnswerKey", "2005-10-01/AnswerKey.xsd", "2005-10-01/AnswerKey.xsd"),
        ("QuestionFormAnswers", "2005-10-01/QuestionFormAnswers.xsd", "2005-10-01/QuestionFormAnswers.xsd"),
    )
}

# A document type can stand only here, after declarations, comments and white space, so it is found before a
# parser sees the document.
_DOCTYPE: Final = re.compile(r"(?>[ \t\r\n]++|<\?.*?\?>|<!--.*?-->)*+<!DOCTYPE", re.DOTALL)

# A schema keeps the errors of its last document; two threads must not share that.
_LOCK: Final = threading.Lock()


class InvalidXMLError(Exception):
    """XML that is not well-formed or not of its schema; the message is the reason, begun by its cvc- code."""


def parse(xml: str, *, keep_comments: bool = False) -> Element:
    """Parse XML and return its root.

    Comments and processing instructions are dropped unless asked for; an encoding declaration is ignored, as
    the text has been decoded already.

    Raises:
        InvalidXMLError: not well-formed, or with a document type.
    """
    if _DOCTYPE.match(xml):
        raise InvalidXMLError("DOCTYPE is disallowed: the document must not declare a DTD or entities.")
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_comments=not keep_comments,
        remove_pis=not keep_comments,
    )
    try:
        return etree.fromstring(xml.encode(), parser)
    except UnicodeEncodeError as error:
        raise InvalidXMLError(f"An invalid XML character was found at position {error.start}.") from None
    except etree.XMLSyntaxError as error:
        raise InvalidXMLError(str(error)) from None


def validate(root: Element) -> None:
    """Check a document against our schema of its root element.

    Raises:
        InvalidXMLError: the first breach, in the words of the schema validator after the rule's name in the
            XML Schema standard (`cvc-complex-type.2.4.a: …`), as the service's validator named them.
    """
    tag = str(root.tag)
    if tag not in _ROOTS:
        raise InvalidXMLError(f"cvc-elt.1: Cannot find the declaration of element '{name_of(root)}'.")
    schema = _schema(tag)
    with _LOCK:
        if schema.validate(root):
            return
        breach = cast("Any", schema.error_log)[0]  # the stubs lack the log's items
    message = re.sub(r"\{[^}]*\}", "", breach.message)
    raise InvalidXMLError(f"{_rule(breach.type_name)}: {message}")


def name_of(element: Element) -> str:
    """Return an element's name without its namespace."""
    return str(etree.QName(element).localname)


def find_all(element: Element, path: str) -> list[Element]:
    """Return the elements at a path of names in any namespace: `Question/AnswerOption`, `.//Text`."""
    return element.findall(re.sub(r"(?<![\w{}*])(?=[A-Z])", "{*}", path))


def text_at(element: Element, path: str, default: str = "") -> str:
    """Return the text of the first element at a path like `find_all`'s, or the default without one."""
    found = find_all(element, path)
    return (found[0].text or "") if found else default


def to_html(element: Element) -> str:
    """Write an element of XHTML's namespace as HTML does: without the namespace, empty elements unclosed."""
    for node in element.iter("*"):
        node.tag = name_of(node)
    etree.cleanup_namespaces(element)
    return etree.tostring(element, method="html", encoding="unicode")


@functools.cache
def _schema(tag: str) -> etree.XMLSchema:
    file, written_for = _ROOTS[tag]
    source = resources.files(__package__).joinpath("schemas", file).read_text(encoding="utf-8")
    namespace = etree.QName(tag).namespace
    return etree.XMLSchema(etree.fromstring(source.replace(written_for, str(namespace)).encode()))


def _rule(type_name: str) -> str:
    """Turn libxml2's name of a rule into the standard's: SCHEMAV_CVC_ELT_1, cvc-elt.1."""
    if type_name == "SCHEMAV_ELEMENT_CONTENT":
        return "cvc-complex-type.2.4.a"
    name, *clauses = re.split(r"_(?=\d)", type_name.removeprefix("SCHEMAV_"))
    return ".".join([name.lower().replace("_", "-"), *clauses])
