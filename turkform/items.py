"""Batch data: rows in, items out, one at a time; and the marker by which an item's HIT is recognised.

In: an item file and its key columns. Out: `Item`s as a stream; what is wrong with them, for `loader`; the
`Marker` that every HIT of ours bears in its RequesterAnnotation, and the fingerprint in it. A million rows
are never held: the check for duplicate keys keeps eight bytes a row.
"""

from __future__ import annotations

import hashlib
import json
import re
from array import array
from base64 import b32encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from turkform.errors import Diagnostic, Location
from turkform.tables import Table, likely, stop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from turkform.tables import Report

NO_ROW = "-"
"""The key of a batch's one item when it has no item file."""
_PARTS = 8
_TOLD = 20
"""So many problems of one file are told; the rest are counted."""


class Item(NamedTuple):
    """One row of a batch's data: one HIT. `line` is where the row begins, 0 without a file."""

    key: str
    row: Mapping[str, str]
    line: int


def read_items(path: Path | None, key: tuple[str, ...]) -> Iterator[Item]:
    """Stream the items of a file that was checked; without a file, the one item there is.

    Raises:
        CampaignError: the file is not (or no longer) what was checked.
    """
    if path is None:
        yield Item(NO_ROW, {}, 0)
        return
    for line, row in Table(path):
        found = _key(row, key)
        if not found:
            stop(Diagnostic("the row has no key", location=Location(path, line, 1)))
        yield Item(found, row, line)


def _key(row: Mapping[str, str], columns: tuple[str, ...]) -> str:
    """The row's key, or "" where it has none; several columns are joined with `|`."""
    if len(columns) == 1:
        return row.get(columns[0], "")
    parts = [row.get(column, "") for column in columns]
    if not any(parts):
        return ""
    return "|".join(part.replace("\\", "\\\\").replace("|", "\\|") for part in parts)


# --- markers ----------------------------------------------------------------------------------------------

FINGERPRINT_VERSION = 1
"""The version that new markers carry; HITs are compared in the version of their own marker."""

_PLAIN_KEY = re.compile(r"[A-Za-z0-9._@-]{1,100}")
_MARKER = re.compile(
    r"turkform:([a-z][a-z0-9-]{0,39})/([a-z][a-z0-9_-]{0,39})(?:@([2-9]|[1-9][0-9]{1,8}))?"
    r"/([A-Za-z0-9._@-]{1,100}|~[a-z2-7]{26})#([1-9][0-9]{0,8})\.([1-9][0-9]{0,8})([a-z2-7]{16})"
)


def stored_key(key: str) -> str:
    """A key as it stands in the marker: itself where it is short and plain, else `~` and a digest of it."""
    if _PLAIN_KEY.fullmatch(key):
        return key
    return "~" + b32encode(hashlib.sha256(key.encode()).digest()).decode().lower()[:26]


class Marker(NamedTuple):
    """Whose HIT this is and what it was made from; `key` as stored, `version` of the fingerprint."""

    campaign: str
    batch: str
    round: int
    key: str
    generation: int
    version: int
    fingerprint: str

    def __str__(self) -> str:
        batch = self.batch if self.round == 1 else f"{self.batch}@{self.round}"
        return f"turkform:{self.campaign}/{batch}/{self.key}#{self.generation}.{self.version}{self.fingerprint}"

    @classmethod
    def parse(cls, text: str) -> Marker | None:
        """Read a RequesterAnnotation; None when it is no marker of turkform's."""
        match = _MARKER.fullmatch(text)
        if match is None:
            return None
        campaign, batch, number, key, generation, version, fingerprint = match.groups()
        return cls(campaign, batch, int(number or 1), key, int(generation), int(version), fingerprint)


def fingerprint(inputs: Mapping[str, Any]) -> str:
    """What is fixed when a HIT is created, as 16 characters.

    They are the last ones of the sha256 in lower-case base32 (RFC 4648, no padding) over canonical JSON:
    UTF-8, keys sorted, no spaces.
    """
    last = (
        int.from_bytes(hashlib.sha256(_canonical(inputs)).digest()[-10:]) << 4
    )  # 256 bits fill 51 characters and a bit
    return "".join([_PAIRS[last >> shift & 0x3FF] for shift in range(70, -1, -10)])


_canonical = msgspec.json.Encoder(order="sorted").encode
_PAIRS = [one + other for one in "abcdefghijklmnopqrstuvwxyz234567" for other in "abcdefghijklmnopqrstuvwxyz234567"]
"""Two characters of base32, ten bits, at a time."""


# --- checking ---------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Checked:
    """What one pass over an item file found.

    Problems without a location concern the batch's own fields, by field path (`("key",)`).
    """

    columns: tuple[str, ...] = ()
    rows: int = 0
    problems: list[Diagnostic] = field(default_factory=list)


def check_items(path: Path, key: tuple[str, ...], each: Callable[[Item], None] | None = None) -> Checked:
    """Find everything that is wrong with an item file, in one pass; `each` sees every sound item.

    Keys are compared by an eight-byte hash, and only what collides is read again for its lines.
    """
    problems = Problems(path)
    table = Table(path, problems)
    found = Checked()
    hashes = array("q")
    unique = _Unique()
    for line, row in table:
        found.rows += 1
        text = _key(row, key)
        if not key:
            unique.see(row)
            text = NO_ROW
        elif not text and all(column in table.columns for column in key):
            summary = f"the row has no {' and no '.join(key)}, which is its key"
            problems(Diagnostic(summary, "Give the row a key of its own.", location=Location(path, line, 1)))
            continue
        else:
            hashes.append(hash(text))
        if each is not None:
            each(Item(text, row, line))
    found.columns = tuple(table.columns)
    found.problems = problems.told()
    missing = [column for column in key if column not in table.columns]
    if not key:
        found.problems.append(_no_key(path, unique.columns if found.rows else [], found.columns))
    elif missing and found.columns:
        found.problems.extend(_no_column(path, column, found.columns) for column in missing)
    elif doubles := _doubles(hashes):
        found.problems.extend(_duplicates(path, key, doubles))
    return found


class Problems:
    """Collects the problems of one file: the first twenty, and how many more there are."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.first: list[Diagnostic] = []
        self.more = 0

    def __call__(self, problem: Diagnostic) -> None:
        """Collect one problem."""
        if len(self.first) < _TOLD:
            self.first.append(problem)
        else:
            self.more += 1

    def told(self) -> list[Diagnostic]:
        """What was collected, closed by the count of what was not told."""
        if not self.more:
            return self.first
        place = self.first[-1].location
        last = Diagnostic(f"{self.more} more rows of {self.path.name} have problems like these", location=place)
        return [*self.first, last]


def _doubles(hashes: array[int]) -> set[int]:
    """The hashes that occur more than once; sorted a part at a time, for as objects they take five times the room."""
    doubles = set()
    for part in range(_PARTS):
        before = None
        for value in sorted([value for value in hashes if value % _PARTS == part]):
            if value == before:
                doubles.add(value)
            before = value
    return doubles


def _duplicates(path: Path, key: tuple[str, ...], doubles: set[int]) -> list[Diagnostic]:
    """Each row whose key an earlier one has, naming both lines; reads the file a second time."""
    problems, first = Problems(path), dict[str, int]()
    for line, row in Table(path, lambda _: None):
        text = _key(row, key)
        if hash(text) not in doubles or not text:
            continue
        if text in first:
            problems(
                Diagnostic(
                    f'two rows have the key "{text}": line {first[text]} and line {line}',
                    f"{' and '.join(key)} must name one row for good. Remove one row, or add a column to key:.",
                    location=Location(path, line, 1),
                )
            )
        else:
            first[text] = line
    return problems.told()


class _Unique:
    """Which columns name every row so far, in little memory: sets at first, then a few candidates."""

    def __init__(self) -> None:
        self.seen: dict[str, set[int]] | None = None
        self.rows = 0

    def see(self, row: Mapping[str, str]) -> None:
        if self.seen is None:
            self.seen = {name: set() for name in row}
        self.rows += 1
        for name in list(self.seen):
            value = row.get(name, "")
            values = self.seen[name]
            values.add(hash(value))
            if not value or len(values) < self.rows:
                del self.seen[name]
        if self.rows == 10_000:
            self.seen = dict(list(self.seen.items())[:1])

    @property
    def columns(self) -> list[str]:
        return list(self.seen or ())


def _no_key(path: Path, unique: list[str], columns: tuple[str, ...]) -> Diagnostic:
    if unique:
        names = ", ".join(unique)
        detail = f"Unique in {path.name}: {names}. Add  key: {_as_yaml(unique[0])}"
    elif columns:
        detail = f"No column of {path.name} is unique by itself. Add  key: [{', '.join(map(_as_yaml, columns[:2]))}]"
        detail += "  with columns that are, together." if len(columns) > 1 else "  and make its values unique."
    else:
        detail = "Add  key:  with the column that names a row for good."
    return Diagnostic(
        f"the batch has items and no key: turkform could not tell the rows of {path.name} apart",
        detail,
        path=("key",),
        points_at="parent",
    )


def _no_column(path: Path, column: str, columns: tuple[str, ...]) -> Diagnostic:
    near = likely(column, list(columns))
    detail = f'Did you mean "{near}"? ' if near else ""
    return Diagnostic(
        f'key: "{column}" is no column of {path.name}', f"{detail}It has: {', '.join(columns[:20])}.", path=("key",)
    )


def _as_yaml(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*", name) else json.dumps(name, ensure_ascii=False)


# --- workers ----------------------------------------------------------------------------------------------


def read_roster(path: Path, column: str, report: Report = stop) -> Iterator[tuple[int, str, str]]:
    """Stream `(line, worker, value)` from a file with the columns worker_id and `column`, each worker once."""
    lines: dict[str, int] = {}
    table = Table(path, report)
    for line, row in table:
        place = Location(path, line, 1)
        missing = [name for name in ("worker_id", column) if name not in row]
        if missing:
            near = likely(missing[0], row)
            detail = f'Rename the column "{near}" to {missing[0]}.' if near else f"The header is: worker_id,{column}"
            report(
                Diagnostic(f"{path.name} has no column {missing[0]}", detail, location=Location(path, 1, 1)),
            )
            return
        worker = row["worker_id"].strip()
        if worker in lines:
            summary = f"worker {worker} is listed twice: line {lines[worker]} and line {line}"
            report(Diagnostic(summary, "Remove one of the lines.", location=place))
            continue
        lines[worker] = line
        yield line, worker, row[column].strip()
