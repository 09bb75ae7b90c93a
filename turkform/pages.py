"""HTML pages of tasks: is there a form that can be submitted; a fragment's wrapper; the HTMLQuestion around it.

In: HTML as a requester wrote it. Out: what is wrong with its form; the page; the finished document. The HTML
is read as a browser would split it into tags, no further: sloppy pages are common, and they work.

Sources: "HTMLQuestion" in the API reference (the form, the `assignmentId` field, `turkSubmitTo`; read 23 Nov
2026); the wrapper does what the requester website put around the HTML of a project.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_BYTES = 65_535
"""CreateHIT in the service model of 2017-01-17: a question's bytes, white space included."""

NAMESPACE = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2011-11-11/HTMLQuestion.xsd"

_TAG = re.compile(
    r"<!--.*?(?:-->|\Z)"
    r"|<(?P<raw>script|style|textarea|title|xmp)(?=[\s/>])(?P<rest>[^>]*)>(?P<text>.*?)(?:</(?P=raw)(?=[\s/>])|\Z)"
    r"|<(?P<name>[a-z][a-z0-9-]*)(?P<attributes>(?:[^>\"']|\"[^\"]*\"|'[^']*')*+)>",
    re.DOTALL | re.IGNORECASE,
)
_ATTRIBUTE = re.compile(r"([a-z][a-z0-9:-]*)(?:\s*=\s*(\"[^\"]*\"|'[^']*'|[^\s\"'>]+))?", re.IGNORECASE)
_INTERESTING = {"html", "body", "form", "crowd-form", "button", "crowd-button", "input"}

SUBMIT_TO = "https://www.mturk.com/mturk/externalSubmit"
_HEAD = f"""<!DOCTYPE html>
<html>
<head>
<meta charset="utf-8">
<title>Task</title>
</head>
<body>
<form name="mturk_form" id="mturk_form" method="post" action="{SUBMIT_TO}">
<input type="hidden" name="assignmentId" id="assignmentId" value="">
"""
_BUTTON = '<p><input type="submit" id="submitButton" value="Submit"></p>\n'
_FOOT = """</form>
<script>
(function () {
  var query = new URLSearchParams(window.location.search);
  var assignment = query.get("assignmentId") || "ASSIGNMENT_ID_NOT_AVAILABLE";
  var to = query.get("turkSubmitTo") || "";
  var form = document.getElementById("mturk_form");
  document.getElementById("assignmentId").value = assignment;
  if (/^https?:\\/\\//.test(to)) form.setAttribute("action", to.replace(/\\/+$/, "") + "/mturk/externalSubmit");
  if (assignment === "ASSIGNMENT_ID_NOT_AVAILABLE") {
    form.querySelectorAll("input[type=submit], button").forEach(function (button) {
      if (button.type === "submit") button.disabled = true;
    });
  }
})();
</script>
</body>
</html>
"""


_CONTENT = re.compile(r"<HTMLContent>\s*<!\[CDATA\[(.*)\]\]>\s*</HTMLContent>", re.DOTALL)
_ADDRESS = re.compile(r"""(?:\bhttps?:|(?<=["'(=]))//([^/?#"'\s<>()\\]+\.[^/?#"'\s<>()\\]+)""", re.IGNORECASE)
_NEVER_LOADED = {"mechanicalturk.amazonaws.com", "www.mturk.com", "workersandbox.mturk.com"}
"""Hosts that name schemas and the place answers go to."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a page's form; `offset` is where in the page."""

    summary: str
    detail: str
    offset: int = 0
    severity: Literal["error", "warning"] = "error"


@dataclass(slots=True)
class _Markup:
    """What a page has of what a task needs."""

    form: str | None = None
    form_at: int = 0
    crowd: bool = False
    whole: bool = False
    submits: bool = False
    assignment: bool = False
    scripts: str = ""
    elsewhere: bool = False
    """A script comes from a file of its own and may do anything."""


def _tags(page: str) -> Iterator[re.Match[str]]:
    return (match for match in _TAG.finditer(page) if match["raw"] or match["name"])


def _attributes(text: str) -> dict[str, str]:
    return {m[1].lower(): (m[2] or "").strip("\"'") for m in _ATTRIBUTE.finditer(text)}


def _read(page: str) -> _Markup:
    found = _Markup(whole="<!doctype" in page[:500].lower())
    for tag in _tags(page):
        if tag["raw"]:
            if tag["raw"].lower() == "script":
                found.scripts += tag["text"] + "\n"
                found.elsewhere |= "src" in _attributes(tag["rest"])
            continue
        name = tag["name"].lower()
        if name not in _INTERESTING:
            continue
        attributes = _attributes(tag["attributes"])
        kind = attributes.get("type", "").lower()
        match name:
            case "html" | "body":
                found.whole = True
            case "form":
                if found.form is None:
                    found.form, found.form_at = tag["attributes"], tag.start()
            case "crowd-form":
                found.crowd = True
            case "input":
                found.submits |= kind in ("submit", "image")
                found.assignment |= attributes.get("name") == "assignmentId"
            case _:
                found.submits |= kind in ("", "submit") or attributes.get("form-action") == "submit"
    return found


def wrapper(page: str) -> tuple[str, str] | None:
    """What goes before and after a fragment without a form; None for a page that stands by itself."""
    found = _read(page)
    if found.form is not None or found.crowd or found.whole or "externalSubmit" in found.scripts:
        return None
    return _HEAD, ("\n" if found.submits else "\n" + _BUTTON) + _FOOT


def form_problem(page: str) -> Problem | None:
    """Why nobody could submit this page; None for a fragment, because it gets a form."""
    found = _read(page)
    if found.crowd or (found.form is None and not found.whole):
        return None
    severity: Literal["error", "warning"] = "warning" if found.elsewhere else "error"
    if found.form is None:
        if "externalSubmit" in found.scripts:
            return None
        return Problem(
            "the page has no form, so workers could not submit it",
            f'Put the task into <form method="post" action="{SUBMIT_TO}">, or leave out <html> and <body>: '
            "turkform puts a page and a form around a fragment.",
            severity=severity,
        )
    if "externalSubmit" not in found.form + found.scripts:
        return Problem(
            "the page's form does not post to externalSubmit, so answers would not arrive",
            f'Write <form method="post" action="{SUBMIT_TO}">.',
            found.form_at,
            severity,
        )
    if not found.assignment and "assignmentId" not in found.scripts:
        return Problem(
            "the page's form has no assignmentId field, so answers would belong to nobody",
            'Add <input type="hidden" name="assignmentId" id="assignmentId"> and fill it from the page\'s address.',
            found.form_at,
            severity,
        )
    if not found.submits and not found.scripts.strip() and not found.elsewhere:
        return Problem(
            "nothing in the page's form submits it", 'Add <input type="submit" value="Submit">.', found.form_at
        )
    return None


def document(page: str, frame_height: int) -> str:
    """The HTMLQuestion of a page; `]]>` would end its CDATA section, so it is split over two."""
    safe = page.replace("]]>", "]]]]><![CDATA[>")
    return (
        f'<HTMLQuestion xmlns="{NAMESPACE}"><HTMLContent><![CDATA[{safe}]]></HTMLContent>'
        f"<FrameHeight>{frame_height}</FrameHeight></HTMLQuestion>"
    )


_FORBIDDEN = bytes(byte not in {0x09, 0x0A, 0x0D} and byte < 0x20 for byte in range(0x100))
"""1 in the place of every byte that XML cannot hold: to translate and search is ten times as fast as to delete."""


def forbidden(text: str) -> str:
    """The first character that XML cannot hold, as `U+0007`, or ""."""
    try:
        data = text.encode()
    except UnicodeEncodeError:
        return "half of a surrogate pair"
    at = data.translate(_FORBIDDEN).find(1)
    if at >= 0:
        return f"U+{data[at]:04X}"
    return "U+FFFE or U+FFFF" if "\ufffe" in text or "\uffff" in text else ""


def content(question: str) -> str | None:
    """The page inside an HTMLQuestion, as a browser gets it; None for any other question."""
    found = _CONTENT.search(question)
    return found[1].replace("]]]]><![CDATA[>", "]]>") if found else None


def hosts(question: str) -> list[str]:
    """Every host that a question names in an address, in order: what it may load from, and be led to."""
    found = (match[1].lower().rpartition("@")[2] for match in _ADDRESS.finditer(question))
    return sorted(set(found) - _NEVER_LOADED)
