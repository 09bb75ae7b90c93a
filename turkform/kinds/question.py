"""Questions: what workers see, in one of the four ways the API knows.

A page of HTML, a page of one's own elsewhere, a question form, or a layout made on the requester site. What is
in the files and in the rows is `questions`' to read; here stands what a batch says of it.

Sources: CreateHITWithHITType, "HTMLQuestion", "ExternalQuestion", "QuestionForm" and "HITLayoutParameter" in
the API reference (read 25 Nov 2026).
"""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field, model_validator

from turkform.kinds.resource import ID_PATTERN, Section, Whole, refuse

WAYS = ("html", "external", "form", "layout")
FRAMED = ("html", "external")
"""Ways whose page stands in a frame of a height."""


class Layout(Section):
    """A HIT layout, and what its placeholders are filled with."""

    id: Annotated[
        str,
        Field(
            pattern=ID_PATTERN,
            description="The layout's id, as the requester site tells it.",
            examples=["3EXAMPLELAYOUTID"],
        ),
    ]
    parameters: Annotated[
        dict[Annotated[str, Field(min_length=1)], str],
        Field(
            description="Placeholder of the layout → its value; ${column} stands for the row's.",
            examples=[{"image": "${url}"}],
        ),
    ] = Field(default_factory=dict)


class Question(Section):
    """What a worker sees; exactly one of html, external, form and layout."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": [way]} for way in WAYS]})

    html: Annotated[
        str | None,
        Field(
            min_length=1,
            description="A page: *.html with ${column} placeholders, or *.html.j2 in Jinja2, relative to this file.",
            examples=["tasks/page.html"],
        ),
    ] = None
    external: Annotated[
        str | None,
        Field(
            min_length=1,
            description="A page of your own, by its https URL; ${column} stands for the row's value, percent-encoded.",
            examples=["https://tasks.example.org/label?image=${image}"],
        ),
    ] = None
    form: Annotated[
        str | None,
        Field(
            min_length=1,
            description="A question form (QuestionForm XML), relative to this file; ${column} is XML-escaped.",
            examples=["tasks/form.xml"],
        ),
    ] = None
    layout: Annotated[Layout | None, Field(description="A HIT layout of the requester site, by its id.")] = None
    frame_height: Annotated[
        Whole,
        Field(ge=0, le=100_000, description="Height of the frame in pixels; 0 fits the window.", examples=[0, 600]),
    ] = 0

    @model_validator(mode="after")
    def _one_way(self) -> Question:
        ways = [way for way in WAYS if getattr(self, way) is not None]
        if not ways:
            raise refuse("the question does not say what workers see", "Add  html: tasks/page.html")
        if len(ways) > 1:
            raise refuse(f"the question is two things: {' and '.join(ways)}", "Keep one.", ways[1])
        if "frame_height" in self.model_fields_set and ways[0] not in FRAMED:
            said = f"frame_height belongs to html and external questions, not to a {ways[0]}"
            raise refuse(said, "Remove it.", "frame_height")
        return self
