"""Questions whose page is not in the files: an external page by its URL, and a layout of the requester site.

In: what a batch says of them, and a row. Out: an ExternalQuestion, or the parameters of a layout; and what is
wrong with them, at their places in the campaign's YAML.

Sources: "ExternalQuestion" and "HITLayoutParameter" in the API reference (read 25 Nov 2026).
"""

from __future__ import annotations

import ipaddress
import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from turkform.errors import Diagnostic
from turkform.placeholders import PLACEHOLDER, Fill, as_it_is, percent_encoded, unknown, xml_escaped
from turkform.questions import Template, filled

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from turkform.errors import Location
    from turkform.placeholders import Escape


NAMESPACE = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2006-07-14/ExternalQuestion.xsd"


class External(Template):
    """`external:`: a URL whose placeholders are percent-encoded; one that begins the URL is a URL itself."""

    kind = "external"

    def __init__(self, url: str, frame_height: int, at: Location) -> None:
        super().__init__(at.path)
        self.at = at
        self.url = url
        self.frame_height = frame_height
        begins = PLACEHOLDER.match(url)
        self._of_row = begins is not None

        def escape(offset: int) -> Escape:
            return as_it_is if begins and offset == 0 else percent_encoded

        self.fill = Fill(url, escape)
        self.columns = frozenset(self.fill.places)

    @property
    def name(self) -> str:
        """What messages call it."""
        return "the external URL"

    def render(self, row: Mapping[str, str]) -> str:
        """An ExternalQuestion document."""
        url = xml_escaped(filled(self.fill, row, self.name))
        return (
            f'<ExternalQuestion xmlns="{NAMESPACE}"><ExternalURL>{url}</ExternalURL>'
            f"<FrameHeight>{self.frame_height}</FrameHeight></ExternalQuestion>"
        )

    def inputs(self, row: Mapping[str, str]) -> dict[str, Any]:
        """The URL as it is written, and the height of its frame."""
        return {**super().inputs(row), "template": self.url, "frame_height": self.frame_height}

    def check(self, row: Mapping[str, str], *, first: bool) -> list[Diagnostic]:
        """The URL once, or for each row that has one of its own."""
        if not first and not self._of_row:
            return []
        said = address_problem(filled(self.fill, row, self.name))
        if not said and re.match(r"[a-z]+://[^/?#]*\$\{", self.url, re.IGNORECASE):
            said = "a placeholder stands in the host of the URL", "Let rows differ in the path or the query."
        return [Diagnostic(*said, location=None if self._of_row else self.at)] if said else []

    def unknown(self, columns: Collection[str], data: Path | None) -> list[Diagnostic]:
        """Every placeholder that is no column."""
        return unknown(self.fill, columns, data, lambda _: self.at)


class LayoutPage(Template):
    """`layout:`: parameters whose values may hold placeholders; what the layout itself holds only MTurk knows."""

    kind = "layout"
    complete = False

    def __init__(
        self, layout: str, parameters: Mapping[str, str], places: Mapping[str, Location], at: Location
    ) -> None:
        super().__init__(at.path)
        self.layout = layout
        self.fills = {name: Fill(text) for name, text in sorted(parameters.items())}
        self._places, self._at = places, at
        self.columns = frozenset(name for fill in self.fills.values() for name in fill.places)

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"layout {self.layout}"

    def render(self, row: Mapping[str, str]) -> str:
        """The parameters as JSON, for reviewers: the page itself is with MTurk."""
        return json.dumps({"layout": self.layout, **self._filled(row)}, ensure_ascii=False, indent=1)

    def parameters(self, row: Mapping[str, str]) -> dict[str, Any]:
        """The layout's id and its parameters."""
        values = [{"Name": name, "Value": value} for name, value in self._filled(row).items()]
        return {"HITLayoutId": self.layout, **({"HITLayoutParameters": values} if values else {})}

    def inputs(self, row: Mapping[str, str]) -> dict[str, Any]:
        """The layout's id, and its parameters as they are written."""
        written = {name: fill.text for name, fill in self.fills.items()}
        return {**super().inputs(row), "layout": self.layout, "parameters": written}

    def unknown(self, columns: Collection[str], data: Path | None) -> list[Diagnostic]:
        """Every placeholder that is no column, at its parameter."""
        told = []
        for name, fill in self.fills.items():
            place = self._places.get(name, self._at)
            told += unknown(fill, columns, data, lambda _, place=place: place)  # type: ignore[misc] # bound on purpose
        return told

    def _filled(self, row: Mapping[str, str]) -> dict[str, str]:
        return {name: filled(fill, row, self.name) for name, fill in self.fills.items()}


def address_problem(url: str) -> tuple[str, str] | None:
    """Why workers' browsers could not open this page; None where they can.

    MTurk takes https only; http is let through for this machine, which has no certificate.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return f'"{url}" is no URL', "Write it like https://tasks.example.org/label"
    if re.search(r"[\s<>\"{}|\\^`]", url):
        return f'"{url}" holds characters that no URL can', "Percent-encode them: a blank is %20."
    if parts.scheme == "http" and _is_loopback(host):
        return None
    if parts.scheme == "http" and host:
        return f'"{url}" is not https, and workers\' browsers would block it', f"Write https{url[4:]}"
    if parts.scheme != "https" or not host:
        near = f"Write https://{url}" if "." in url.partition("/")[0] and not parts.scheme else ""
        if url.endswith(".xml") and not parts.scheme:
            near = "A question document in XML stands under form: instead."
        return f'"{url}" is no https URL', near or "Write it like https://tasks.example.org/label"
    return None


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
