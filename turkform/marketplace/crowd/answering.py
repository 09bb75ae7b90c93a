"""Answering: a form in, the fields that a person of some skill sends out.

In: a form, whose seed it is, and known answers where somebody has them. Out: names and values, as a browser sends
them. An item has one answer that skilled people agree on, drawn from the seed and the item; who is not skilled, at
this question, draws an answer of their own. So the answers of a seed are the same every time, item by item and worker
by worker, and majorities are worth something.
"""

from __future__ import annotations

import json
import random
import re
import string
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from turkform.marketplace.crowd.elements import ELEMENTS, value_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from turkform.marketplace.crowd.forms import Field, Form

_WORDS: Final = (  # noqa: SIM905 - a list of words is read as words
    "the a one small large red green calm bright old new house tree river street window table person dog bird "
    "stands runs looks shows holds seems near under behind with without and very almost clearly"
).split()
_KNOWN_SHAPES: Final = (
    "yes", "5", "42", "12345", "555-0100", "+1 555 555 0100", "a1b2c3", "AB12", "2026-01-15", "01/15/2026", "12:30",
    "worker@example.org", "https://example.org/", "example.org", "12345-6789", "3.14", "A", "abc", "Some words.",
)  # fmt: skip
_ANSWERED: Final = 0.8
"""So much of what need not be answered people answer."""
_OWN: Final = 0.05
_FIRST_DAY: Final = date(2026, 1, 1)


@dataclass(frozen=True, slots=True)
class Known:
    """Answers that are known to be right, by field; and how often people give them, from 0 to 1."""

    answers: Mapping[str, tuple[str, ...]]
    right: float


@dataclass(frozen=True, slots=True)
class Answerer:
    """One person before one item: the `seed` of the crowd, who it is, what it is, and how skilled the person is."""

    seed: int
    worker: str
    item: str
    skill: float

    def fill(self, form: Form, known: Known | None = None) -> list[tuple[str, str]]:
        """Answer a form. What is known of fields that the page does not show is sent too, as a script of it would."""
        sent: list[tuple[str, str]] = []
        task: dict[str, Any] = {}
        for field in form.fields:
            if field.kind == "hidden":
                sent += [] if form.crowd or field.name == "assignmentId" else [(field.name, field.value)]
                continue
            values = self._values(field, None if known is None else known.answers.get(field.name), known)
            if form.crowd:
                task[field.name] = value_of(field.kind, values, field.options, self._chance("shape", field.name))
            elif field.kind in ELEMENTS:
                continue
            else:
                sent += [(field.name, value) for value in values]
        names = {field.name for field in form.fields}
        for name, values in ({} if known is None else known.answers).items():
            if name not in names:
                if form.crowd:
                    task[name] = "|".join(values)
                else:
                    sent += [(name, value) for value in values]
        return [("taskAnswers", json.dumps([task]))] if form.crowd else sent

    def _values(self, field: Field, right: tuple[str, ...] | None, known: Known | None) -> tuple[str, ...]:
        mine = self._chance("mine", field.name)
        if right is not None and known is not None:
            if mine.random() < known.right:
                return right
            return _another(field, right, mine)
        agreed = self._chance("agreed", field.name, worker=False)
        return draw(field, agreed if mine.random() < self.skill else mine)

    def _chance(self, what: str, name: str, *, worker: bool = True) -> random.Random:
        parts = (self.seed, what, self.worker if worker else "", self.item, name)
        return random.Random(json.dumps(parts))  # noqa: S311 - to be repeated, not to be secret


def draw(field: Field, chance: random.Random) -> tuple[str, ...]:
    """Draw an answer that a page would take: none, one, or several values."""
    if field.kind not in {"choice", "radio"} and not field.required and not field.fewest and field.kind != "choices":
        if field.value:
            return (field.value,)
        if chance.random() > _ANSWERED:
            return () if field.options else ("",)
    if field.options or field.own:
        return _chosen(field, chance)
    return (_written(field, chance),)


def _chosen(field: Field, chance: random.Random) -> tuple[str, ...]:
    if field.own and (not field.options or chance.random() < _OWN):
        return (_words(chance, 2),)
    if field.kind not in {"choices", "crowd-checkbox"} and not field.kind.endswith("multi-select"):
        return (chance.choice(field.options),)
    fewest = min(max(field.fewest, int(field.required)), len(field.options))
    most = max(min(field.most or len(field.options), len(field.options)), fewest)
    chosen = [option for option in field.options if chance.random() < 0.5]
    count = min(max(len(chosen), fewest), most)
    rest = [option for option in field.options if option not in chosen]
    chance.shuffle(rest)
    kept = {*chance.sample(chosen, min(count, len(chosen))), *rest[: max(0, count - len(chosen))]}
    return tuple(option for option in field.options if option in kept)


def _written(field: Field, chance: random.Random) -> str:
    match field.kind:
        case "number" | "range" | "crowd-slider":
            return _number(field, chance)
        case "date":
            return (_day(field.lowest) + timedelta(days=chance.randrange(300))).isoformat()
        case "datetime-local":
            return f"{_FIRST_DAY + timedelta(days=chance.randrange(300))}T{chance.randrange(24):02}:30"
        case "month":
            return f"2026-{chance.randrange(1, 13):02}"
        case "week":
            return f"2026-W{chance.randrange(1, 53):02}"
        case "time":
            return f"{chance.randrange(24):02}:{chance.randrange(60):02}"
        case "color":
            return f"#{chance.randrange(1 << 24):06x}"
        case "email":
            return f"worker{chance.randrange(1000)}@example.org"
        case "url":
            return f"https://example.org/{chance.choice(_WORDS)}"
        case "tel":
            return f"555-01{chance.randrange(100):02}"
        case "file":
            return f"{chance.choice(_WORDS)}.png"
        case _:
            return _text(field, chance)


def _number(field: Field, chance: random.Random) -> str:
    lowest, highest = _float(field.lowest, 0.0), _float(field.highest, 100.0)
    if not field.highest and lowest >= highest:
        highest = lowest + 100
    if field.step == "any" or not field.step:
        whole = range(-int(-lowest // 1), int(highest // 1) + 1)
        return str(chance.choice(whole)) if whole else f"{chance.uniform(lowest, highest):.6g}"
    step = _float(field.step, 1.0) or 1.0
    return f"{lowest + step * chance.randrange(int((highest - lowest) / step + 1e-9) + 1):.10g}"


def _text(field: Field, chance: random.Random) -> str:
    fitting = [shape for shape in _KNOWN_SHAPES if all(_matches(rule, shape) for rule in field.patterns)]
    if field.patterns and fitting:
        return chance.choice(fitting)
    text = _words(chance, chance.randrange(8, 24) if field.lines else chance.randrange(1, 5))
    while len(text) < field.shortest:
        text += " " + _words(chance, 8)
    return text[: max(field.longest, field.shortest)] if field.longest else text


def _another(field: Field, right: tuple[str, ...], chance: random.Random) -> tuple[str, ...]:
    """An answer that is not the right one, where there is another."""
    others = tuple(option for option in field.options if option not in right)
    if others and field.kind not in {"choices", "crowd-checkbox"}:
        return (chance.choice(others),)
    for _ in range(20):
        drawn = draw(field, chance)
        if {*drawn} != {*right}:
            return drawn
    return right


def _matches(rule: str, text: str) -> bool:
    try:
        return re.search(rule, text) is not None
    except re.error:  # a rule in JavaScript's words
        return True


def _words(chance: random.Random, count: int) -> str:
    return string.capwords(chance.choice(_WORDS)) + "".join(f" {chance.choice(_WORDS)}" for _ in range(count - 1))


def _float(text: str, otherwise: float) -> float:
    try:
        return float(text)
    except ValueError:
        return otherwise


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return _FIRST_DAY
