"""Plots as numbers: where bars, lines and ticks of an SVG stand, and the table that says the same in words.

In: measured values. Out: `Plot`s, which the template of the report draws; pure. A plot is 420 by 240 units, so that it
can be read on a phone, and two of them stand side by side on a screen.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from turkform.money import Money
from turkform.printable import many
from turkform.times import format_duration, format_time, from_epoch

if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable, Iterator, Sequence

WIDTH, HEIGHT = 420, 240
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 22, 30
"""Room around what is plotted: for the numbers at the left, for the words below."""
ROW = 38
"""Height of one bar with its name."""
_BINS = 24
_POINTS = 120
_SHARE = 0.98
"""Bins reach so far; what lies beyond is one last bin."""
_SECONDS = (
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400, 172_800, 259_200, 604_800,
    2_592_000, 31_536_000,
)  # fmt: skip
"""Steps that people count time in."""
_ROUND = tuple(digit * 10**power for power in range(9) for digit in (1, 2, 5))
_LABEL = 52
"""Units that a label below needs."""


class Tick(NamedTuple):
    """A mark at an axis."""

    at: float
    label: str


class Shape(NamedTuple):
    """A rectangle, in units of the drawing."""

    kind: str
    x: float
    y: float
    width: float
    height: float
    label: str
    """What it stands for; a browser shows it when it is pointed at."""


class Line(NamedTuple):
    """A line through points, as SVG writes them."""

    kind: str
    points: str
    label: str


class Label(NamedTuple):
    """Words within the drawing."""

    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Plot:
    """One drawing, and what it says in words."""

    title: str
    text: str
    """What a person sees who looks at it."""
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    """The same as a table."""
    below: tuple[Tick, ...] = ()
    beside: tuple[Tick, ...] = ()
    shapes: tuple[Shape, ...] = ()
    lines: tuple[Line, ...] = ()
    labels: tuple[Label, ...] = ()
    legend: tuple[tuple[str, str], ...] = ()
    """Kind and name of what is told apart by colour."""
    height: int = HEIGHT


# --- scales ---------------------------------------------------------------------------------------


def _steps(most: float, steps: Sequence[int], ticks: int) -> int:
    """The smallest of these distances at which so many ticks reach from 0 to `most`."""
    return next((size for size in steps if size * ticks >= most), steps[-1])


def _across(share: float) -> float:
    return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)


def _up(share: float) -> float:
    return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)


def _beside(most: int) -> tuple[tuple[Tick, ...], int]:
    """Ticks for counts from 0, and the count at the top."""
    size = _steps(most, _ROUND, 5)
    top = max(size, -(-most // size) * size)
    thousands = size % 1000 == 0
    ticks = [Tick(_up(n / top), f"{n // 1000:,}k" if thousands and n else f"{n:,}") for n in range(0, top + 1, size)]
    return tuple(ticks), top


# --- histograms -----------------------------------------------------------------------------------


def times(seconds: array[int], median: int | None) -> Plot:
    """How long the answers took."""

    def told(value: int) -> str:
        return format_duration(timedelta(seconds=value))

    return _histogram("Work time", "took", seconds, median, told, _SECONDS)


def rates(cents: array[int], median: int | None, least: int | None) -> Plot:
    """What the answers paid by the hour; `least` is what the campaign's policy wants."""

    def told(value: int) -> str:
        return f"${Money(value)}" if value % 100 else f"${value // 100:,}"

    return _histogram("Pay by the hour", "paid", cents, median, told, _ROUND, least)


def _histogram(
    title: str,
    verb: str,
    values: array[int],
    median: int | None,
    told: Callable[[int], str],
    steps: Sequence[int],
    least: int | None = None,
) -> Plot:
    ordered = sorted(values)
    reach = ordered[min(len(ordered) - 1, int(len(ordered) * _SHARE))] if ordered else 1
    size = _steps(max(reach, least or 0) + 1, steps, _BINS)
    bins = max(2, -(-(max(reach, least or 0) + 1) // size))
    counts = Counter(min(value // size, bins) for value in ordered)
    shown = bins + (counts[bins] > 0)
    beside, top = _beside(max(counts.values(), default=1))

    def name(number: int) -> str:
        if number == bins:
            return f"{told(bins * size)} or more"
        return f"{told(number * size)} to {told((number + 1) * size)}"

    shapes = tuple(
        Shape(
            "bar", round(_across(n / shown) + 0.75, 1), _up(counts[n] / top),
            round(_across((n + 1) / shown) - _across(n / shown) - 1.5, 1), round(_up(0) - _up(counts[n] / top), 1),
            f"{name(n)}: {many(counts[n], 'answer')}",
        )
        for n in range(shown)
        if counts[n]
    )  # fmt: skip
    room = shown * _LABEL / (WIDTH - LEFT - RIGHT)  # bins that a label is as wide as
    every = next((n // size for n in steps if n % size == 0 and n >= room * size), bins)
    below = tuple(
        Tick(_across(n / shown), told(n * size) + ("+" if n == bins else "")) for n in range(0, bins + 1, every)
    )
    marks = [("median", f"half {verb} {told(median)} or less", median)] if median is not None else []
    marks += [("least", f"the policy's least: {told(least)}", least)] if least is not None else []
    lines = tuple(
        Line(kind, f"{x},{_up(0)} {x},{TOP}", text)
        for kind, text, value in marks
        for x in [_across(min(value / size, shown) / shown)]
    )
    said = f"Of {many(len(ordered), 'answer')}, {marks[0][1]}." if median is not None else "No answer is stored yet."
    return Plot(
        title=title,
        text=said,
        head=(title, "Answers"),
        rows=tuple((name(n), f"{counts[n]:,}") for n in range(shown) if counts[n]),
        below=below,
        beside=beside,
        shapes=shapes,
        lines=lines,
        legend=tuple((kind, text) for kind, text, _ in marks),
    )


# --- progress over time ---------------------------------------------------------------------------


def progress(submitted: array[int], decided: array[int], *, places: int, now: int, done_at: int | None) -> Plot:
    """Answers handed in and reviewed, over time, in ms since 1970; `done_at` is the estimated end."""
    came, went = sorted(submitted), sorted(decided)
    begun = min([*came[:1], *went[:1], now - 60_000])
    end = done_at if done_at is not None and done_at - begun < 3 * (now - begun) else now
    span = max(1, end - begun)
    beside, top = _beside(max(places, len(came)))

    def through(moments: list[int]) -> Iterator[tuple[int, int]]:
        for n in range(_POINTS + 1):
            at = begun + (now - begun) * n // _POINTS
            yield at, bisect_right(moments, at)

    def points(found: Iterator[tuple[int, int]]) -> str:
        return " ".join(f"{_across((at - begun) / span)},{_up(count / top)}" for at, count in found)

    goal = f"{places:,} places in all"
    lines = [
        Line("goal", f"{LEFT},{_up(places / top)} {WIDTH - RIGHT},{_up(places / top)}", goal),
        Line("in", points(through(came)), "handed in"),
        Line("reviewed", points(through(went)), "reviewed"),
    ]
    if done_at is not None and end == done_at:
        lines.append(Line("ahead", points(iter([(now, len(came)), (end, places)])), "at this pace"))
    return Plot(
        title="Progress",
        text=f"{len(came):,} of {places:,} handed in, {len(went):,} reviewed, by {_moment(now)}.",
        head=("Time, UTC", "Handed in", "Reviewed"),
        rows=tuple(
            (_moment(at), f"{bisect_right(came, at):,}", f"{bisect_right(went, at):,}")
            for at in (begun + (now - begun) * n // 10 for n in range(11))
        ),
        below=tuple(_days(begun, end)),
        beside=beside,
        lines=tuple(lines),
        legend=tuple((line.kind, line.label) for line in lines),
    )


def _days(begun: int, end: int) -> Iterator[Tick]:
    """Round moments between two, with as much of each as tells them apart."""
    size = _steps((end - begun) / 1000, _SECONDS, 5) * 1000
    daily, dated = size >= 86_400_000, end // 86_400_000 != begun // 86_400_000
    first = -(-begun // size) * size
    for at in range(first, end + 1, size):
        text = from_epoch(at / 1000).strftime("%d %b" if daily else "%d %b %H:%M" if dated else "%H:%M")
        if size < 60_000:
            text = from_epoch(at / 1000).strftime("%H:%M:%S")
        yield Tick(_across((at - begun) / max(1, end - begun)), text)


def _moment(at: int) -> str:
    return format_time(from_epoch(at / 1000)).replace("T", " ").removesuffix("Z")


# --- sums by name ---------------------------------------------------------------------------------


def spend(rows: Sequence[tuple[str, Sequence[tuple[str, int]]]], kinds: Sequence[tuple[str, str]]) -> Plot:
    """Money by batch: a name, and its parts by kind, in cents; `kinds` says in words what each kind is."""
    words = dict(kinds)
    most = max([sum(cents for _, cents in parts) for _, parts in rows] or [0])
    size = _steps(most, _ROUND, 4)
    top = max(size, -(-most // size) * size)
    height = TOP + ROW * max(1, len(rows)) + BOTTOM
    shapes: list[Shape] = []
    labels: list[Label] = []
    for number, (name, parts) in enumerate(rows):
        y, so_far = TOP + number * ROW, 0
        total = Money(sum(cents for _, cents in parts))
        labels.append(Label(RIGHT, y + 10, f"{_short(name)}  ${total}"))
        for kind, cents in parts:
            if cents:
                width = cents / top * (WIDTH - 2 * RIGHT)
                x = RIGHT + so_far / top * (WIDTH - 2 * RIGHT)
                label = f"{name}: ${Money(cents)} {words[kind]}"
                shapes.append(Shape(kind, round(x, 1), y + 16, round(max(0.8, width - 1), 1), 14, label))
            so_far += cents
    below = [
        Tick(round(RIGHT + n / top * (WIDTH - 2 * RIGHT), 1), f"${n // 100:,}" if size >= 100 else f"${Money(n)}")
        for n in range(0, top + 1, size)
    ]
    return Plot(
        title="Spend by batch",
        text="; ".join(f"{name}: ${Money(sum(c for _, c in parts))}" for name, parts in rows[:3]) or "Nothing yet.",
        head=("Batch", *(word.capitalize() for word in words.values())),
        rows=tuple((name, *(f"${Money(dict(parts).get(kind, 0))}" for kind in words)) for name, parts in rows),
        below=tuple(below),
        shapes=tuple(shapes),
        labels=tuple(labels),
        legend=tuple(kinds),
        height=height,
    )


def _short(name: str, longest: int = 40) -> str:
    return name if len(name) <= longest else name[: longest - 1] + "…"
