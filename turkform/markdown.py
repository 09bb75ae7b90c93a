"""The plan document as Markdown, for a comment on a pull request.

In: the plan document. Out: at most `LARGEST` characters of Markdown, whatever the plan: what is shown of items, fields
and steps shrinks level by level until it fits; the price, and what cannot be undone with its count, price and
address, stand in every level.

The text of a plan comes from whoever wrote the campaign, so the template escapes everything it is given: prose
by backslashes, names and values as code, in which Markdown knows no markup, no mentions and no links.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from turkform.money import Money
from turkform.printable import clean, many
from turkform.wording import (
    GRAVE,
    SYMBOLS,
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
    from collections.abc import Mapping, Sequence

    from jinja2 import Environment

    Document = Mapping[str, Any]

LARGEST = 60_000
"""Characters; GitHub takes 65,536 in a comment."""


@dataclass(frozen=True, slots=True)
class Level:
    """How much of a plan is shown: numbers of things, and characters of one value."""

    steps: int
    items: int
    """Of one step."""
    longest: int
    notes: int
    graves: int
    """Steps that cannot be undone or concern people, each with its address and price."""
    named: int
    """Items of one such step."""
    lines: int
    """Of one sample's difference."""


LEVELS = (
    Level(steps=500, items=20, longest=500, notes=100, graves=500, named=20, lines=120),
    Level(steps=200, items=5, longest=200, notes=50, graves=300, named=20, lines=40),
    Level(steps=100, items=0, longest=80, notes=30, graves=150, named=5, lines=0),
    Level(steps=0, items=0, longest=80, notes=10, graves=100, named=0, lines=0),
)
_LONGEST_PROSE = 400


class Markdown(str):
    """Text that is Markdown already; everything else is escaped where the template puts it."""

    __slots__ = ()


def markdown(document: Document) -> str:
    """Draw the plan; the last level fits whatever the plan holds."""
    for level in LEVELS:
        text = _draw(document, level)
        if len(text) < LARGEST:
            return text
    raise AssertionError  # every part of the last level is bounded


def _draw(document: Document, level: Level) -> str:
    grouped = [
        (words[0].upper() + words[1:], [s for s in gravest(document) if s["leaves"] == leaves])
        for leaves, words in GRAVE.items()
    ]
    return (
        _template()
        .get_template("plan.md.j2")
        .render(
            doc=document,
            level=level,
            heading=heading(document),
            place=place(document),
            closing=closing(document),
            prices=price_rows(document),
            graves=[(title, group) for title, group in grouped if group],
            samples=document["samples"] if level.lines else (),
            code=partial(code, longest=level.longest),
            count=_count,
            total=_total,
            symbol=lambda step: SYMBOLS[step["action"]],
            said=lambda step: sentence(step, document),
            priced=_priced,
            names=_names,
            rows=lambda step: list(changed(step)),
            more=_more,
            fenced=lambda sample: _fenced(difference(sample), level.lines),
        )
    )


@cache
def _template() -> Environment:
    from jinja2 import Environment, PackageLoader

    # Not autoescape, which would write HTML: `finalize` sees every value on its way into the page.
    return Environment(  # noqa: S701
        loader=PackageLoader("turkform"),
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _finalize(value: Any) -> str:
    return value if isinstance(value, Markdown) else prose(str(value))


def prose(text: str) -> Markdown:
    """Words as they are: nothing in them is markup, a mention, a reference or a link."""
    shown = clean(text)
    if len(shown) > _LONGEST_PROSE:
        shown = shown[: _LONGEST_PROSE - 1] + "…"
    shown = re.sub(r"([\\`*_{}\[\]()<>#+\-.!|~:&@$])", r"\\\1", shown)
    return Markdown(re.sub(r"\\([@#])(?=\w)", "\\\\\\1\u200b", shown))


def code(text: str, *, longest: int = 200, html: bool = False) -> Markdown:
    """A name or a value, as code; `html` where HTML stands around it, in which backticks are only backticks."""
    shown = clean(str(text))
    if len(shown) > longest:
        shown = shown[: longest - 1] + "…"
    if html:
        return Markdown("<code>" + re.sub(r"[^\w\s]", lambda found: f"&#{ord(found[0])};", shown) + "</code>")
    fence = "`" * (max((len(run) for run in re.findall("`+", shown)), default=0) + 1)
    room = " " if shown[:1] in "` " or shown[-1:] in "` " else ""
    return Markdown(f"{fence}{room}{shown}{room}{fence}".replace("|", "\\|"))


def _count(steps: Sequence[Mapping[str, Any]]) -> Markdown:
    items = sum(step["items"]["count"] for step in steps if step.get("items"))
    return Markdown(many(len(steps), "step") + (f", {many(items, 'item')}" if items else ""))


def _total(steps: Sequence[Mapping[str, Any]]) -> Markdown:
    return Markdown(f"${Money(sum(Money.parse(step['price']).cents for step in steps))}")


def _priced(step: Mapping[str, Any]) -> Markdown:
    return Markdown("" if step["price"] == "0.00" else f" **${step['price']}**")


def _names(step: Mapping[str, Any], most: int) -> Markdown:
    """The first items of a step by name."""
    items = step.get("items")
    if not items or not most:
        return Markdown("")
    shown = [code(item_text(entry, step), longest=120) for entry in items["listed"][:most]]
    left = items["count"] - len(shown)
    return Markdown(": " + ", ".join(shown) + (f" and {left:,} more" if left else ""))


def _more(count: int, noun: str, *, quoted: bool = False) -> Markdown:
    """How many of a list are left out."""
    return Markdown(f"{'> ' * quoted}- … and {many(count, f'more {noun}')}\n" if count > 0 else "")


def _fenced(lines: Sequence[str], most: int) -> Markdown:
    """A difference, fenced by more backticks than stand in it."""
    shown = [clean(line)[:400] for line in lines[:most]]
    if len(lines) > most:
        shown.append(f"… {len(lines) - most:,} more lines")
    fence = "`" * max(3, max((len(run) for line in shown for run in re.findall("`+", line)), default=0) + 1)
    return Markdown("\n".join([f"{fence}diff", *shown, fence]))
