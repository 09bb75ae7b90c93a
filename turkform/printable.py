"""Text that is safe to show: what stands in a campaign or an answer may come from a stranger.

In: any text, any JSON document. Out: the same with every character that could steer a terminal spelled
out. Whatever reaches a person, in a plan or an error, has gone through here.
"""

from __future__ import annotations

import json
import unicodedata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_STEERING = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Unicode categories: controls, format characters such as those that reverse the direction, line ends."""
_JOINERS = {"\u200c", "\u200d"}
"""Format characters that several scripts and many emoji cannot be written without."""
_LONGEST_KEY = 60
"""Characters of an item's key that are shown; a key may be a whole paragraph."""


def clean(text: str) -> str:
    r"""The text on one line, a character that could steer a terminal as its escape, like `\x1b`."""
    if text.isprintable():  # no character of those categories is
        return text
    return "".join(char.encode("unicode_escape").decode("ascii") if _steers(char) else char for char in text)


def brief(key: str) -> str:
    """An item's key, its end left out where it is longer than a line has room for."""
    text = clean(key)
    return text if len(text) <= _LONGEST_KEY else text[: _LONGEST_KEY - 1] + "…"


def many(count: int, noun: str, nouns: str = "") -> str:
    """`1 row`, `2,000 rows`; `nouns` where more than an s is added."""
    return f"{count:,} {noun if count == 1 else nouns or f'{noun}s'}"


def as_json(document: Mapping[str, Any]) -> str:
    """A document as JSON, keys sorted and steering characters escaped: it reads back equal."""
    return _escaped(json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False))


def json_line(document: Mapping[str, Any]) -> str:
    """A document as JSON on one line, keys as they come: it reads back equal, too."""
    return _escaped(json.dumps(document, ensure_ascii=False))


def _escaped(text: str) -> str:
    """JSON with steering characters as its escapes; those that are no letters of any text it has escaped itself."""
    if text.isprintable():
        return text
    return "".join(json.dumps(char)[1:-1] if char != "\n" and _steers(char) else char for char in text)


def _steers(char: str) -> bool:
    return unicodedata.category(char) in _STEERING and char not in _JOINERS
