"""HTML in, the parse errors that MTurk refused out: the content rules of an HTMLQuestion.

MTurk parsed a page as a browser does and refused some of the errors a browser repairs. Two are known from
what requesters met (github.com/tylin/coco-ui, pull request 4, shows both, with their lines and columns): a
`<body>` start tag where a body is open already, be it only because something that cannot stand in a head came
before it; and two attributes without a space between them. Unbalanced end tags (`</p>`, `</input>`), unclosed
elements and the like are known to have passed. UNCERTAIN html-errors: we refuse those two and nothing else.

UNCERTAIN html-form: the page need not hold a form. AWS's "HTMLQuestion" page asks for one that posts to externalSubmit,
or for a `<crowd-form>`; but pages built their form by script, and no requester is known to have been refused
for it.

Two readers: `is_clean` is one regular expression that describes a page without either error and answers for
nearly every page; `problems` reads tag by tag, and its word is final where the first one is not sure.
"""

import re
from dataclasses import dataclass
from typing import Final

# The HTML standard, section "Tokenization". White space is these five characters, not Unicode's.
_SPACE: Final = r"[ \t\n\f\r]"
_NAME: Final = r"[^ \t\n\f\r/>][^ \t\n\f\r/>=]*+"

# Elements whose content is text up to their own end tag; and those that leave the head open.
_RAW: Final = frozenset({"script", "style", "title", "textarea", "xmp", "iframe", "noembed", "noframes"})
_HEAD: Final = frozenset(
    {
        "html", "head", "base", "basefont", "bgsound", "link", "meta", "noframes", "noscript", "script",
        "style", "template", "title",
    }
)  # fmt: skip

# End tags that open the body where none is open; all others outside of one are ignored.
_BODY_ENDS: Final = frozenset({"body", "html", "br"})


@dataclass(frozen=True, slots=True)
class Problem:
    """A parse error at a place: line and column count from 1, as MTurk's did."""

    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"<! [{self.line},{self.column}] {self.message} !>"


def _clean_page() -> re.Pattern[str]:
    """Return a pattern that fully matches only pages without problems, though not all of those."""
    after_quote = r"(?=[ \t\n\f\r/>]|\Z)"
    value = rf"""(?>"[^"]*+"{after_quote}|'[^']*+'{after_quote}|[^ \t\n\f\r>"'][^ \t\n\f\r>]*+|(?=>))"""
    attributes = rf"(?>[ \t\n\f\r/]++|{_NAME}(?>{_SPACE}*+={_SPACE}*+{value}|(?!{_SPACE}*+=)))*+>"
    ends = r"(?=[ \t\n\f\r/>])"
    comment = r"<!--(?!-?>)(?s:.*?)--!?>"
    markup = r"<(?:!(?!--)|\?)[^>]*+>"

    def raw_element(name: str) -> str:
        end = rf"/(?i:{name}){ends}"
        # A comment inside a script moves the script's end: left to the other reader.
        unless = "|!--" if name == "script" else ""
        text = rf"[^<]*+(?><(?!{end}{unless})[^<]*+)*+"
        return rf"<(?i:{name}){ends}{attributes}{text}<{end}{attributes}"

    # No groups are captured: in Python 3.11 possessive repeats and captured groups get in each other's way.
    head_tag = rf"<(?i:/head|html|head|base|link|meta|/?noscript){ends}{attributes}"
    head_raw = "|".join(map(raw_element, ("script", "style", "title")))
    body_raw = "|".join(map(raw_element, sorted(_RAW)))
    body_tag = rf"</?+(?!(?i:body|plaintext|{'|'.join(_RAW)}){ends})[a-zA-Z][^ \t\n\f\r/>]*+{attributes}"
    body_end = rf"</(?i:body){ends}{attributes}"
    less_than = r"<(?![a-zA-Z/!?])"
    return re.compile(
        rf"(?>{_SPACE}++|{head_tag}|{comment}|{head_raw}|{markup})*+"
        rf"(?><(?i:body){ends}{attributes})?+"
        rf"(?>[^<]++|{body_tag}|{body_end}|{comment}|{body_raw}|{markup}|{less_than})*+"
    )


_CLEAN: Final = _clean_page()
_TOKEN: Final = re.compile(
    r"<!--(?:-?>|.*?(?:--!?>|\Z))|<(?P<end>/?)(?P<name>[a-zA-Z][^ \t\n\f\r/>]*)|<(?:!|\?|/[^a-zA-Z])[^>]*>?",
    re.DOTALL,
)
_ATTRIBUTE: Final = re.compile(
    rf"""[ \t\n\f\r/]*+{_NAME}(?:{_SPACE}*={_SPACE}*(?:(?P<quoted>"[^"]*"?|'[^']*'?)|[^ \t\n\f\r>]*))?"""
)
_SCRIPT_STEP: Final = re.compile(r"<!--(?:-?>)?|-->|(</?)script(?=[ \t\n\f\r/>])", re.IGNORECASE)


def is_clean(html: str) -> bool:
    """Say whether a page is surely without problems; False means that `problems` has to be asked."""
    return _CLEAN.fullmatch(html) is not None


def problems(html: str) -> list[Problem]:
    """Return the parse errors of a page that MTurk refused, in their order."""
    return _Reader(html.replace("\r\n", "\n").replace("\r", "\n")).read()


class _Reader:
    """Reads one page tag by tag, keeping just enough of the parser's state to find the two errors."""

    def __init__(self, html: str) -> None:
        self.html = html
        self.body = False
        self.templates = 0
        self.found: list[Problem] = []

    def read(self) -> list[Problem]:
        position = 0
        while token := _TOKEN.search(self.html, position):
            self.see_text(position, token.start())
            position = token.end()
            if token["name"]:
                position = self.read_tag(token["name"].lower(), position, end=bool(token["end"]))
        return self.found

    def see_text(self, start: int, stop: int) -> None:
        if not self.body and not self.templates and self.html[start:stop].strip(" \t\n\f\r"):
            self.body = True

    def read_tag(self, name: str, position: int, *, end: bool) -> int:
        """Read a tag from behind its name; return where the next token may begin."""
        while attribute := _ATTRIBUTE.match(self.html, position):
            position = attribute.end()
            if attribute["quoted"] and self.html[position : position + 1] not in ("", *" \t\n\f/>"):
                self.report(position, "No space between attributes.")
        position = self.html.find(">", position)
        if position < 0:
            return len(self.html)  # a tag cut off by the end of the page is dropped
        if end:
            self.see_end(name)
        else:
            self.see_start(name, position)
            if name == "plaintext":
                return len(self.html)
            if name in _RAW:
                return self.skip_text(name, position + 1)
        return position + 1

    def see_start(self, name: str, position: int) -> None:
        if name == "template":
            self.templates += 1
        elif self.templates:
            return
        elif name == "body" and self.body:
            self.report(position, "An “body” start tag seen but an element of the same type was already open.")
        elif name not in _HEAD:
            self.body = True

    def see_end(self, name: str) -> None:
        if name == "template" and self.templates:
            self.templates -= 1
        elif name in _BODY_ENDS and not self.templates:
            self.body = True

    def skip_text(self, name: str, position: int) -> int:
        """Return where the end tag of an element that holds only text begins."""
        if name == "script":
            return self.skip_script(position)
        end = re.compile(rf"</{name}(?=[ \t\n\f/>])", re.IGNORECASE).search(self.html, position)
        return end.start() if end else len(self.html)

    def skip_script(self, position: int) -> int:
        """Return where a script ends; in `<!-- … -->`, the end tag of an inner `<script>` does not end it."""
        commented = inner = False
        for step in _SCRIPT_STEP.finditer(self.html, position):
            mark = step[0].lower()
            if mark == "<!--":
                commented = True
            elif mark == "-->":
                commented = inner = False
            elif mark == "<script":
                inner = commented
            elif mark == "</script":
                if not inner:
                    return step.start()
                inner = False
        return len(self.html)

    def report(self, position: int, message: str) -> None:
        line = self.html.count("\n", 0, position) + 1
        column = position - self.html.rfind("\n", 0, position)
        self.found.append(Problem(line, column, message))
