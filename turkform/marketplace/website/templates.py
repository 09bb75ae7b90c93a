"""Templates in, HTML out: the one door to Jinja2, which escapes everything that is not markup of our own."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from turkform.marketplace.payments import dollars

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
    found.globals["inline"] = lambda name: Markup(source(name))  # noqa: S704 - a file of ours
    return found


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
