"""The plan document as one self-contained web page, for the review of task changes.

In: the plan document. Out: HTML that asks no other host for anything: its own content security policy forbids that, to
the task pages it shows as well. They stand before and after, side by side, in frames with an empty `sandbox`: nothing
in them runs, submits, navigates or loads; beside them the difference of their text, and the hosts they would load from
in front of a worker.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from turkform.pages import content, hosts
from turkform.printable import clean, many
from turkform.wording import (
    GRAVE,
    SYMBOLS,
    at_most,
    changed,
    closing,
    difference,
    gravest,
    heading,
    item_text,
    place,
    price_rows,
    sentence,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jinja2 import Environment

    Document = Mapping[str, Any]

FOLD = 200
"""So many items of a step stand on the page by name."""


class Task(NamedTuple):
    """A sample of a changed task: what workers saw and what they will see."""

    address: str
    before: str | None
    after: str | None
    is_page: bool
    """Whether the sides are HTML, to be shown in frames; other questions are shown as text."""
    difference: tuple[tuple[str, str], ...]
    """Class (`added`, `removed`, `place`, `same`) and text of each line."""
    hosts: tuple[str, ...]


def webpage(document: Document) -> str:
    """Draw the plan."""
    return (
        environment()
        .get_template("plan.html.j2")
        .render(
            doc=document,
            heading=heading(document),
            place=place(document),
            closing=closing(document),
            price=at_most(document["price"]["total"]),
            prices=price_rows(document),
            grave=gravest(document),
            why=GRAVE,
            symbols=SYMBOLS,
            said=lambda step: sentence(step, document),
            rows=lambda step: list(changed(step)),
            entries=lambda step: [item_text(entry, step) for entry in step["items"]["listed"][:FOLD]],
            left=lambda step: step["items"]["count"] - len(step["items"]["listed"][:FOLD]),
            tasks=[_task(sample) for sample in document["samples"]],
            many=many,
        )
    )


@cache
def environment() -> Environment:
    """Templates of pages: everything that is put into one is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    found = Environment(
        loader=PackageLoader("turkform"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["clean"] = clean
    return found


def _task(sample: Mapping[str, Any]) -> Task:
    before, after = (content(sample.get(side) or "") for side in ("before", "after"))
    shown = after if after is not None else before
    return Task(
        sample["address"],
        before if before is not None else sample.get("before"),
        after if after is not None else sample.get("after"),
        is_page=shown is not None,
        difference=tuple(_marked(sample)),
        hosts=tuple(hosts(sample.get("after") or "")),
    )


def _marked(sample: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    words = {"+": "added", "-": "removed", "@": "place"}
    for line in difference(sample) if sample.get("before") else ():
        yield words.get(line[:1], "same"), clean(line.expandtabs())
