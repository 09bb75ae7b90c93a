"""Documents in, nothing or a DocumentError out: what MTurk took as Question, Test and AnswerKey.

Sources: AWS's API reference pages "HTMLQuestion", "ExternalQuestion", "QuestionForm", "AnswerKey" and "Data
Structure Schema Locations" (read November 2026). What HTML may hold is in `html_rules`, what FormattedContent
may hold in `formatted_content`; the schemas are in `schemas/`.
"""

import ipaddress
import itertools
import re
from typing import Final, NoReturn
from urllib.parse import urlsplit

from turkform.marketplace import formatted_content, html_rules, xml_schemas
from turkform.marketplace.xml_schemas import Element, find_all, text_at

# "The XML question data must not be larger than 64 kilobytes (65,535 bytes) in size, including whitespace":
# AWS, CreateHIT; the same for Test and AnswerKey in CreateQualificationType.
MAX_BYTES: Final = 65_535

_XML_ERROR: Final = "AWS.MechanicalTurk.XMLParseError"

# For the XHTML of question forms, and for an HTMLQuestion. UNCERTAIN html-code: its message is known, its code is not.
_XHTML_ERROR: Final = "AWS.MechanicalTurk.XHTMLParseError"

# How many errors of a page are told, and how much of it is repeated, in characters. UNCERTAIN html-echo: the
# service told and repeated more than one and some; its bounds are not known.
_TOLD: Final = 20
_ECHO: Final = 1_000

# The shape nearly every HTMLQuestion has: one CDATA section, nothing else of XML to look at.
_BEFORE_PAGE: Final = re.compile(
    r'(?:<\?xml version="1\.0"(?: encoding="(?:UTF|utf)-8")?\?>)?[ \t\r\n]*'
    rf'<HTMLQuestion xmlns="{re.escape(xml_schemas.NAMESPACES)}2011-11-11/HTMLQuestion\.xsd">[ \t\r\n]*'
    r"<HTMLContent>[ \t\r\n]*<!\[CDATA\["
)
_AFTER_PAGE: Final = re.compile(
    r"\]\]>[ \t\r\n]*</HTMLContent>[ \t\r\n]*<FrameHeight>[ \t\r\n]*[0-9]{1,9}[ \t\r\n]*</FrameHeight>"
    r"[ \t\r\n]*</HTMLQuestion>[ \t\r\n]*"
)
_XML_BYTES: Final = bytes([0x09, 0x0A, 0x0D, *range(0x20, 0x100)])


class DocumentError(Exception):
    """A document the service would have refused.

    `turk_code` is the TurkErrorCode, "" where the answer is a plain ParameterValidationError; `detail` is the
    whole message.
    """

    def __init__(self, detail: str, turk_code: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.turk_code = turk_code


def check_question(question: str) -> None:
    """Check the Question of a HIT: an HTMLQuestion, ExternalQuestion or QuestionForm.

    Raises:
        DocumentError: it is none of these, breaks its rules, or is longer than 65,535 bytes.
    """
    page = _plain_page(question)
    if page is not None and html_rules.is_clean(page):
        return
    root = _read(question, "Question", ("HTMLQuestion", "ExternalQuestion", "QuestionForm"))
    match xml_schemas.name_of(root):
        case "HTMLQuestion":
            _check_page(text_at(root, "HTMLContent"))
        case "ExternalQuestion":
            _check_external(text_at(root, "ExternalURL").strip())
        case _:
            _check_form(root)


def check_test(xml: str) -> None:
    """Check the Test of a qualification type, which can only be a QuestionForm.

    Raises:
        DocumentError: it is not, breaks the form's rules, or is longer than 65,535 bytes.
    """
    _check_form(_read(xml, "Test", ("QuestionForm",)))


def check_answer_key(xml: str, test_xml: str) -> None:
    """Check the AnswerKey of a qualification type against its Test, itself checked before.

    A key can score multiple-choice questions only, and none that also takes free text.
    UNCERTAIN key-free-text: other questions of the test may be of any kind. AWS's "QuestionForm" page says that a
    test with a key "cannot have any free-text questions"; but comment boxes are common, and what is not in the key has
    no score.

    Raises:
        DocumentError: the key breaks its schema, names what the test does not have, or maps scores in a way
            that means nothing.
    """
    key = _read(xml, "AnswerKey", ("AnswerKey",))
    form = {text_at(q, "QuestionIdentifier"): q for q in find_all(_parse(test_xml), "Question")}
    seen: set[str] = set()
    for question in find_all(key, "Question"):
        name = text_at(question, "QuestionIdentifier")
        if name in seen:
            _refuse(f"The answer key has more than one entry for the question '{name}'.")
        seen.add(name)
        if name not in form:
            _refuse(f"The answer key names the question '{name}', which the test does not have.")
        answer = "AnswerSpecification/SelectionAnswer/Selections"
        choices = {text_at(s, "SelectionIdentifier") for s in find_all(form[name], f"{answer}/Selection")}
        if not choices or find_all(form[name], f"{answer}/OtherSelection"):
            _refuse(f"The answer key cannot score the question '{name}': it takes free text.")
        for selection in find_all(question, "AnswerOption/SelectionIdentifier"):
            if selection.text not in choices:
                _refuse(f"The answer key names '{selection.text or ''}', no selection of the question '{name}'.")
    _check_ranges(key)


def _plain_page(question: str) -> str | None:
    """Return the page of a well-formed HTMLQuestion of the usual shape without parsing its XML, or None.

    Thousands of questions a second come through here, and lxml takes several times as long. None says nothing
    about the document: the parser decides. A test holds the two ways to the same answers.
    """
    before = _BEFORE_PAGE.match(question)
    if before is None or (question[0] != "<" and "<?xml" in before[0]):
        return None
    end = question.find("]]>", before.end())
    if end < 0 or _AFTER_PAGE.fullmatch(question, end) is None:
        return None
    try:
        data = question.encode()
    except UnicodeEncodeError:
        return None
    if len(data) > MAX_BYTES or data.translate(None, _XML_BYTES):
        return None
    if b"\xef\xbf\xbe" in data or b"\xef\xbf\xbf" in data:  # U+FFFE and U+FFFF are no characters of XML
        return None
    return question[before.end() : end]


def _check_page(page: str) -> None:
    found = html_rules.problems(page)
    if found:
        raise DocumentError(
            "There was an error parsing the HTML5 data in your request.  Please make sure the data is"
            f" well-formed and validates as HTML5. Details: Errors: {' '.join(map(str, found[:_TOLD]))}"
            f" Invalid content: {page[:_ECHO]}",
            _XHTML_ERROR,
        )


def _check_external(url: str) -> None:
    """Check an ExternalURL: https, as AWS's "ExternalQuestion" page says. UNCERTAIN https: the error's code."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        host = ""
    if not host or parts.scheme not in ("http", "https"):
        _refuse(f"The value '{url}' of ExternalURL is not a valid https URL.")
    # Our choice: http stays possible for pages on the requester's own machine, which has no certificate.
    if parts.scheme == "http" and not _is_loopback(host):
        _refuse(f"The value '{url}' of ExternalURL must use the HTTPS protocol.")


def _check_form(root: Element) -> None:
    names = [text_at(question, "QuestionIdentifier") for question in find_all(root, "Question")]
    _check_unique(names, "QuestionIdentifier")
    for selections in find_all(root, ".//Selections"):
        _check_unique(
            [text_at(selection, "SelectionIdentifier") for selection in find_all(selections, "Selection")],
            "SelectionIdentifier",
        )
    for content in find_all(root, ".//FormattedContent"):
        if problem := formatted_content.problem(content.text or ""):
            raise DocumentError(
                "There was an error parsing the XHTML data in your request.  Please make sure the data is"
                f" well-formed and validates against the appropriate schema. Details: {problem}",
                _XHTML_ERROR,
            )


def _check_unique(names: list[str], what: str) -> None:
    """Refuse identifiers used twice, as answers could not be told apart. UNCERTAIN identifiers: did MTurk?"""
    for name in names:
        if names.count(name) > 1:
            _refuse(f"The {what} '{name}' is used more than once.")


def _check_ranges(key: Element) -> None:
    """Check a RangeMapping: "Ranges cannot overlap" (AWS, "AnswerKey"), and each must hold a score.

    UNCERTAIN ranges: the page goes on that "if ranges overlap, the behavior is undefined"; we refuse, so that no
    worker's value depends on chance.
    """
    bounds = sorted(
        (int(text_at(span, "InclusiveLowerBound")), int(text_at(span, "InclusiveUpperBound")))
        for span in find_all(key, ".//SummedScoreRange")
    )
    for low, high in bounds:
        if low > high:
            _refuse(f"The answer key's score range from {low} to {high} is empty.")
    for (_, high), (low, _) in itertools.pairwise(bounds):
        if low <= high:
            _refuse(f"The answer key's score ranges overlap at {low}.")


def _read(xml: str, parameter: str, roots: tuple[str, ...]) -> Element:
    """Parse a document that must be of one of these kinds, and check it against its schema."""
    size = len(xml.encode(errors="surrogatepass"))
    if size > MAX_BYTES:
        _refuse(
            f"The {parameter} has {size} bytes; it must not be larger than {MAX_BYTES} bytes, including whitespace."
        )
    root = _parse(xml)
    try:
        xml_schemas.validate(root)
    except xml_schemas.InvalidXMLError as error:
        raise _of_xml(error) from None
    if xml_schemas.name_of(root) not in roots:
        raise _of_xml(f"cvc-elt.1: Cannot find the declaration of element '{xml_schemas.name_of(root)}'.")
    return root


def _parse(xml: str) -> Element:
    try:
        return xml_schemas.parse(xml)
    except xml_schemas.InvalidXMLError as error:
        raise _of_xml(error) from None


def _of_xml(reason: object) -> DocumentError:
    return DocumentError(
        "There was an error parsing the XML question or answer data in your request.  Please make sure the"
        f" data is well-formed and validates against the appropriate schema. Details: {reason}",
        _XML_ERROR,
    )


def _refuse(detail: str) -> NoReturn:
    raise DocumentError(detail)


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
