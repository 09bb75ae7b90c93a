"""Durations as people write them and times as aware UTC.

In: `10m`, `1h30m`, `3d`, `2026-12-24T12:00:00Z`. Out: `timedelta` and aware `datetime`, and their
text again. Seconds exist only where `kinds.resource` meets the wire.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

_UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
DURATION_PATTERN = r"^(?=.)([0-9]{1,10}w)?([0-9]{1,10}d)?([0-9]{1,10}h)?([0-9]{1,10}m)?([0-9]{1,10}s)?$"
_DURATION = re.compile(DURATION_PATTERN)
INSTANT_PATTERN = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})$"
)
_INSTANT = re.compile(INSTANT_PATTERN)
_LONGEST = 100 * 365 * 86_400


_SPELT = re.compile(
    r"([0-9]+(?:\.[0-9]+)?)\s*(?:(w)(?:eeks?)?|(d)(?:ays?)?|(h)(?:ours?|rs?)?|(m)(?:in(?:ute)?s?)?|(s)(?:ec(?:ond)?s?)?)"
    r"(?![a-z])\s*"
)


def _near(text: str) -> str:
    """What another spelling most likely means: `10 minutes`, `1.5h`, `PT10M`, `00:10:00`."""
    clock = re.fullmatch(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?", text.strip())
    if clock:
        hours, minutes, seconds = (int(part or 0) for part in clock.groups())
        return format_duration(timedelta(hours=hours, minutes=minutes, seconds=seconds))
    plain = text.strip().lower()
    if re.fullmatch(r"p[0-9.wdthms]+", plain):  # ISO 8601
        plain = plain[1:].replace("t", "")
    parts = list(_SPELT.finditer(plain))
    total = sum(float(part[1]) * _UNITS[next(filter(None, part.groups()[1:]))] for part in parts)
    if "".join(part[0] for part in parts) != plain or not 1 <= total <= _LONGEST:
        return "it like 45s, 10m, 1h30m or 3d"
    return format_duration(timedelta(seconds=int(total)))


def parse_duration(text: str) -> timedelta:
    """Read `45s`, `10m`, `1h30m`, `3d`, `2w`: units from long to short, each at most once.

    Raises:
        ValueError: no units, unknown units, or longer than a century.
    """
    if text.isascii() and text.isdigit():
        raise ValueError(f"{text} has no unit. Write {_offer(int(text[:12]))}")
    match = _DURATION.fullmatch(text)
    if not match:
        raise ValueError(f'"{text}" is not a duration. Write {_near(text)}')
    seconds = sum(int(part[:-1]) * _UNITS[part[-1]] for part in match.groups() if part)
    if seconds > _LONGEST:
        raise ValueError(f"{text} is longer than a century. Write at most 36500d")
    return timedelta(seconds=seconds)


def _offer(seconds: int) -> str:
    """What a bare number most likely meant, said as one would write it."""
    exact = format_duration(timedelta(seconds=min(seconds, _LONGEST)))
    return f"{exact} if these are seconds" if exact != f"{seconds}s" else f"{exact}, or use m, h, d"


def format_duration(value: timedelta) -> str:
    """The shortest text that `parse_duration` reads back: `90 min` is `1h30m`."""
    rest, parts = int(value.total_seconds()), []
    if rest < 0:
        return "-" + format_duration(-value)
    for unit in "dhms":
        count, rest = divmod(rest, _UNITS[unit])
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def parse_time(text: str) -> datetime:
    """Read an instant with its zone (RFC 3339).

    Raises:
        ValueError: not a time, or one without a zone, which would mean another instant on every machine.
    """
    try:
        time = datetime.fromisoformat(text)
        utc = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f'"{text}" is not a time. Write it like 2026-12-24T12:00:00Z') from None
    if time.tzinfo is None:
        zoned = format_time(utc)
        raise ValueError(f'"{text}" has no time zone. Write {zoned} for UTC, or {zoned[:-1]}+01:00')
    if not _INSTANT.fullmatch(text):
        raise ValueError(f'"{text}" is not how turkform writes times. Write {format_time(utc)}')
    return utc


def format_time(value: datetime) -> str:
    """RFC 3339 in UTC, whole seconds, with Z."""
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def between(least: str, most: str) -> AfterValidator:
    """Bounds of a duration, as a constraint that says what to write instead."""
    return AfterValidator(partial(_within, parse_duration(least), parse_duration(most)))


def _within(least: timedelta, most: timedelta, value: timedelta) -> timedelta:
    if least <= value <= most:
        return value
    bound, word = (least, "shorter") if value < least else (most, "longer")
    reason = f"{format_duration(value)} is {word} than {format_duration(bound)}. Write {format_duration(bound)}"
    raise PydanticCustomError("duration", "{reason}", {"reason": reason})


def from_epoch(seconds: float) -> datetime:
    """An aware time from the wire's epoch seconds."""
    return datetime.fromtimestamp(seconds, UTC)


def _duration(value: Any) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise PydanticCustomError("duration", "{reason}", {"reason": "this is not a duration. Write it like 10m"})
    try:
        return parse_duration(str(value))
    except ValueError as error:
        raise PydanticCustomError("duration", "{reason}", {"reason": str(error)}) from None


def _time(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        raise PydanticCustomError(
            "time", "{reason}", {"reason": "this is not a time. Write it like 2026-12-24T12:00:00Z"}
        )
    try:
        return parse_time(value)
    except ValueError as error:
        raise PydanticCustomError("time", "{reason}", {"reason": str(error)}) from None


Duration = Annotated[
    timedelta, BeforeValidator(_duration), WithJsonSchema({"type": "string", "pattern": DURATION_PATTERN})
]
Instant = Annotated[datetime, BeforeValidator(_time), WithJsonSchema({"type": "string", "pattern": INSTANT_PATTERN})]
