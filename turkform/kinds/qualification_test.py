"""Tests of qualification types: a question form, the key that scores it, and the time for it.

In: what a campaign declares, with the documents that `loader` read. Out: the three parameters that the API
takes together, and a `Content` that compares with what an account holds: XML by its canonical form, because a
server may lay it out anew.

Sources: CreateQualificationType and UpdateQualificationType in the API reference (read 25 Nov 2026): a Test
that is sent again without its AnswerKey loses it, and a Test can never be removed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, PrivateAttr

from turkform.kinds.resource import Section
from turkform.times import Duration, between, format_duration

if TYPE_CHECKING:
    from collections.abc import Mapping

PARAMETERS = ("Test", "AnswerKey", "TestDurationInSeconds")


@dataclass(frozen=True, slots=True)
class Content:
    """A test as it can be compared: documents in canonical form, "" where there is none."""

    form: str
    answer_key: str
    duration: timedelta

    def __str__(self) -> str:
        digest = hashlib.sha256(f"{self.form}\0{self.answer_key}".encode()).hexdigest()[:8]
        key = "an answer key" if self.answer_key else "no answer key"
        return f"{key}, {format_duration(self.duration)}, documents {digest}"

    @classmethod
    def from_wire(cls, answer: Mapping[str, Any]) -> Content | None:
        """The test of a qualification type; None where it has none."""
        if not answer.get("Test"):
            return None
        duration = timedelta(seconds=int(answer.get("TestDurationInSeconds") or 0))
        return cls(_canonical(answer["Test"]), _canonical(answer.get("AnswerKey") or ""), duration)


def _canonical(xml: str) -> str:
    """A document without its layout; what is not XML stands for itself."""
    from xml.etree.ElementTree import ParseError, canonicalize

    try:
        return canonicalize(xml, strip_text=True) if xml else ""
    except (ParseError, ValueError):
        return xml


class Test(Section):
    """What workers must answer to get the qualification."""

    form: Annotated[
        str,
        Field(
            min_length=1,
            description="The questions: a QuestionForm, relative to this file.",
            examples=["quals/test.xml"],
        ),
    ]
    answer_key: Annotated[
        str | None,
        Field(
            min_length=1,
            description="The scores: an AnswerKey, relative to this file. Left out: you grade the requests yourself.",
            examples=["quals/key.xml"],
        ),
    ] = None
    duration: Annotated[
        Duration,
        between("1s", "365d"),
        Field(description="How long a worker has for the test, e.g. 20m.", examples=["20m"]),
    ]
    _documents: tuple[str, str] = PrivateAttr(("", ""))

    def with_documents(self, form: str, answer_key: str) -> Test:
        """The same, with what stands in its files."""
        loaded = self.model_copy()
        loaded._documents = (form, answer_key)  # noqa: SLF001 - of the copy, which is not told to anybody yet
        return loaded

    def to_wire(self) -> dict[str, Any]:
        """All three parameters: what is left out would be lost."""
        form, key = self._documents
        values = (form, key or None, int(self.duration.total_seconds()))
        return {name: value for name, value in zip(PARAMETERS, values, strict=True) if value is not None}

    @property
    def content(self) -> Content | None:
        """What it comes to in an account."""
        return Content.from_wire(self.to_wire())
