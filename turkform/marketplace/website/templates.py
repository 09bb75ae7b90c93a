"""Templates in, HTML out: the one door to Jinja2, which escapes everything that is not markup of our own."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from turkform.marketplace.payments import dollars

if TYPE_CHECKING:
    from collections.abc import Mapping

_BROWSERS = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrom", "Chrome"), ("Safari", "Safari"))
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)
_SPANS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


def draw(name: str, **values: Any) -> str:
    """Fill a template of `templates/`."""
    return _environment().get_template(name).render(**values)


@cache
def source(name: str) -> str:
    """A file of `static/`, as text."""
    return resources.files(__package__).joinpath("static", name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    found = Environment(
        loader=PackageLoader("turkform.marketplace.website", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters.update(dollars=dollars, span=span, moment=moment)
    found.globals.update(inline=_inline, words=words, query=query, browser=browser)
    return found


def _inline(name: str) -> Markup:
    return Markup(source(name))  # noqa: S704 - a file of ours


def span(seconds: float) -> str:
    """Seconds as people say them, in the two greatest units: 1 hour 5 minutes."""
    left, words = int(seconds), []
    for size, unit in _SPANS:
        count, left = divmod(left, size)
        if count:
            words.append(f"{count} {unit}" if count == 1 else f"{count} {unit}s")
    return " ".join(words[:2]) or "no time"


def moment(at: float) -> str:
    """A time of the marketplace's clock, for people."""
    return datetime.fromtimestamp(at, UTC).strftime("%-d %b %Y, %H:%M UTC")


def words(keywords: str) -> list[str]:
    """A HIT type's keywords, as many as a list shows."""
    return [word for word in (part.strip() for part in keywords.split(",")) if word][:6]


def query(asked: Mapping[str, str], start: int) -> str:
    """The query of a list's page that begins at an entry, for what else was asked."""
    return urlencode({name: value for name, value in asked.items() if name != "from"} | {"from": max(0, start)})


def browser(agent: str) -> str:
    """A browser's name and system as its user knows them, from what it says of itself."""
    name = next((name for mark, name in _BROWSERS if mark in agent), "A browser")
    system = next((system for mark, system in _SYSTEMS if mark in agent), "")
    return f"{name} on {system}" if system else name
