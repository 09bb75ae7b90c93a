"""The question of a HIT in, what its frame shows out: an HTML page, an address elsewhere, or a form.

In: the document that came with the HIT, checked when it was made, and who looks at it. Out: a `Frame`.

Sources: AWS's API reference pages "HTMLQuestion" and "ExternalQuestion" (read November 2026) for the parameters of a
page's address: assignmentId, hitId, workerId and turkSubmitTo, and what a preview has of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import urlencode, urlsplit, urlunsplit

from turkform.marketplace import xml_schemas
from turkform.marketplace.website.templates import source
from turkform.marketplace.xml_schemas import text_at

PREVIEW: Final = "ASSIGNMENT_ID_NOT_AVAILABLE"
"""The assignmentId of a page that is only looked at."""

_DOCTYPE: Final = re.compile(r"\s*(?:<!--.*?-->\s*)*<!doctype[^>]*>", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks at a task: a worker at work, or, without an assignment, somebody who has not accepted it."""

    hit: str
    submit_to: str
    assignment: str = ""
    worker: str = ""

    @property
    def parameters(self) -> dict[str, str]:
        """What a page's address carries."""
        if not self.assignment:
            return {"assignmentId": PREVIEW, "hitId": self.hit, "turkSubmitTo": self.submit_to}
        return {
            "assignmentId": self.assignment,
            "hitId": self.hit,
            "workerId": self.worker,
            "turkSubmitTo": self.submit_to,
        }


@dataclass(frozen=True, slots=True)
class Task:
    """A question as a frame shows it: `content` is a page, an address, or the QuestionForm itself."""

    kind: Literal["html", "external", "form"]
    content: str
    height: int
    """Pixels; 0 lets the task fill the window."""

    @property
    def elsewhere(self) -> bool:
        """Whether the page comes from a server of the requester's."""
        return self.kind == "external"


def read(question: str) -> Task:
    """Read the Question of a HIT."""
    root = xml_schemas.parse(question)
    height = int(text_at(root, "FrameHeight", "0"))
    match xml_schemas.name_of(root):
        case "HTMLQuestion":
            return Task("html", text_at(root, "HTMLContent"), height)
        case "ExternalQuestion":
            return Task("external", text_at(root, "ExternalURL").strip(), height)
        case _:
            return Task("form", question, 0)


def address(url: str, viewer: Viewer) -> str:
    """Return the address of an external page for this viewer: its own parameters first, then MTurk's."""
    parts = urlsplit(url)
    query = "&".join(filter(None, (parts.query, urlencode(viewer.parameters))))
    return urlunsplit(parts._replace(query=query))


def with_helper(page: str) -> str:
    """Return an HTML page with our script in it, the first thing a browser runs.

    It stands behind the document type, before anything else: there every browser opens the head by itself, and what
    the page says of its own head still counts.
    """
    script = f"<script>{source('task.js')}</script>"
    doctype = _DOCTYPE.match(page)
    at = doctype.end() if doctype else 0
    return page[:at] + script + page[at:]
