"""Workers from files: grants (`worker_id,value`) and blocks (`worker_id,reason`), each row checked.

In: a file that a campaign names. Out: worker → value, or reason; what is wrong goes to the given list.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol, TypeVar

from turkform.errors import Diagnostic, Location
from turkform.items import Problems, read_roster
from turkform.kinds.resource import WORKER_PATTERN
from turkform.kinds.worker_block import MOST_BLOCKS

if TYPE_CHECKING:
    from pathlib import Path

V_co = TypeVar("V_co", covariant=True)
V = TypeVar("V")

_WORKER = re.compile(WORKER_PATTERN)
_SMALLEST, _LARGEST = -(2**31), 2**31 - 1


class Check(Protocol[V_co]):
    """Reads the text of a row's value; a ValueError says what is wrong with it, and what to write."""

    def __call__(self, text: str) -> V_co:
        """Read the text."""


def check_grant(text: str) -> int:
    """A qualification value: a whole number of 32 bits.

    Raises:
        ValueError: not one.
    """
    if not re.fullmatch(r"[-+]?[0-9]{1,10}", text) or not _SMALLEST <= int(text) <= _LARGEST:
        raise ValueError(f'value "{text}" is not a whole number. Write a number like 80')
    return int(text)


def check_block(text: str) -> str:
    """A reason: CreateWorkerBlock takes 1 to 1,024 characters.

    Raises:
        ValueError: empty or too long.
    """
    if not text:
        raise ValueError("the reason is empty. Write why, for yourself and others")
    if len(text) > 1024:
        raise ValueError(f"the reason has {len(text):,} characters. Shorten it to 1,024")
    return text


def read_workers(path: Path, column: str, check: Check[V], problems: list[Diagnostic]) -> dict[str, V]:
    """Read a whole roster; rows with a problem are reported and left out."""
    found: dict[str, V] = {}
    told = Problems(path)
    for line, worker, text in read_roster(path, column, told):
        place = Location(path, line, 1)
        if not _WORKER.fullmatch(worker):
            near = worker.upper()
            remedy = f"Write {near}" if _WORKER.fullmatch(near) else "It is A first, then A-Z and 0-9."
            told(Diagnostic(f'"{worker}" is not a worker\'s id', remedy, location=place))
            continue
        try:
            found[worker] = check(text)
        except ValueError as error:
            said, _, remedy = str(error).rpartition(". ")
            told(Diagnostic(f"worker {worker}: {said}", remedy, location=place))
    if column == "reason" and len(found) > MOST_BLOCKS:
        summary = f"{len(found):,} workers are listed; an account can block {MOST_BLOCKS:,}"
        told(Diagnostic(summary, "Give trusted workers a qualification instead.", location=Location(path, 1, 1)))
    problems += told.told()
    return found
