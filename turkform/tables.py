"""Files of rows: CSV, TSV and JSONL, streamed, each row with its line.

In: a file. Out: a `Table`, which yields `(line, row)` and reports what is wrong as `Diagnostic`s with their
places. Values are never typed: `NA`, `0123` and `1.50` stay the text they are.
"""

from __future__ import annotations

import csv
import difflib
import json
import os
import stat
from itertools import islice
from typing import TYPE_CHECKING, Any, NoReturn

from turkform.errors import CampaignError, Diagnostic, Location

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    Report = Callable[[Diagnostic], None]

_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_SUFFIXES = "*.csv, *.tsv or *.jsonl"
VALUE = "input"
"""The one column of a JSONL line that is not an object."""


def stop(problem: Diagnostic) -> NoReturn:
    """Report a problem by giving up: for rows that were checked before and have changed since.

    Raises:
        CampaignError: always.
    """
    raise CampaignError([problem])


class Table:
    """The rows of one file, read anew by every iteration.

    `columns` are known once the first row (JSONL: the last one) was read. Rows with a problem are reported
    and left out.
    """

    def __init__(self, path: Path, report: Report = stop) -> None:
        self.path = path
        self.report = report
        self.columns: dict[str, None] = {}

    def __iter__(self) -> Iterator[tuple[int, Mapping[str, str]]]:
        self.columns = {}
        suffix = self.path.suffix.lower()
        if suffix in _DELIMITERS:
            rows = self._delimited(_DELIMITERS[suffix])
        elif suffix == ".jsonl":
            rows = self._json_lines()
        else:
            hint = " Write one JSON value on each line." if suffix == ".json" else ""
            self._problem(0, f'"{self.path.name}" is no file of rows that turkform reads', f"Use {_SUFFIXES}.{hint}")
            return
        try:
            if not stat.S_ISREG(os.stat(self.path).st_mode):  # noqa: PTH116 - the mode is what matters
                self._problem(0, f'"{self.path}" is not a file', f"Name a file: {_SUFFIXES}.")
                return
            if self._is_workbook():
                self._problem(0, f"{self.path.name} is a workbook, not rows of text", f"Save it as {_SUFFIXES}.")
                return
            yield from rows
        except UnicodeDecodeError:
            self.report(encoding_problem(self.path))
        except (OSError, ValueError) as error:
            self._problem(0, f'"{self.path}" cannot be read: {getattr(error, "strerror", None) or error}')

    def _is_workbook(self) -> bool:
        """What a spreadsheet saves under the name of a CSV file when it is only renamed."""
        with self.path.open("rb") as file:
            return file.read(4) in (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")

    def _delimited(self, delimiter: str) -> Iterator[tuple[int, Mapping[str, str]]]:
        with self.path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            start = 1
            header: list[str] = []
            try:
                for cells in reader:
                    if not cells:  # a blank line is no row
                        pass
                    elif not header:
                        if not self._header(start, cells):
                            return
                        header = cells
                    elif len(cells) != len(header):
                        self._ragged(start, cells, header)
                    elif "\0" in "".join(cells):
                        self._problem(start, "the row holds a NUL character", "Remove it; no question can show it.")
                    else:
                        yield start, dict(zip(header, cells, strict=True))
                    start = reader.line_num + 1
            except csv.Error as error:
                self._broken_quotes(start, str(error))
                return
            if not header:
                self._problem(1, f"{self.path.name} is empty", "Its first row names the columns.")

    def _header(self, line: int, cells: list[str]) -> bool:
        """Take the first row as the names of the columns; False when it cannot be."""
        places: dict[str, int] = {}
        fine = True
        other = next((mark for mark in ";\t|" if len(cells) == 1 and cells[0].count(mark) > 0), "")
        if other:
            shown = "tabs" if other == "\t" else f'"{other}"'
            detail = "Name the file *.tsv." if other == "\t" else "Save it with commas between the values."
            self._problem(line, f"the columns of {self.path.name} are separated by {shown}, not by commas", detail)
            return False
        for number, name in enumerate(cells, 1):
            if not name.strip() or "\0" in name:
                self._problem(line, f"column {number} of {self.path.name} has no name", "Name it in the first row.")
                fine = False
            elif name in places:
                summary = f'two columns are called "{name}": number {places[name]} and number {number}'
                self._problem(line, summary, f"Rename one of them, for instance to {name}_2.")
                fine = False
            places.setdefault(name, number)
        self.columns = dict.fromkeys(places)
        return fine

    def _ragged(self, line: int, cells: list[str], header: list[str]) -> None:
        verb = "is one value" if len(cells) == 1 else f"are {len(cells)} values"
        detail = f"It begins {_shorten(cells[0])}."
        if len(cells) > len(header):
            what, example = ("a tab", "") if self.path.suffix.lower() == ".tsv" else ("a comma", ': "one, two"')
            detail += f" A value with {what} in it stands in quotation marks{example}."
        self._problem(line, f"here {verb}, and the header names {len(header)} columns", detail)

    def _broken_quotes(self, line: int, reason: str) -> None:
        if "field limit" in reason:
            summary = f"a value has more than {csv.field_size_limit():,} characters, or a quotation mark is not closed"
        elif "end of data" in reason:
            summary = "a quotation mark is opened in this row and not closed"
        elif "expected after" in reason:
            summary = "a quoted value in this row goes on after its closing quotation mark"
        else:
            summary = f"this row is not CSV: {reason}"
        self._problem(line, summary, 'Inside a quoted value, a quotation mark is written twice: "say ""yes""".')

    def _json_lines(self) -> Iterator[tuple[int, Mapping[str, str]]]:
        decoder = json.JSONDecoder(
            object_pairs_hook=_object, parse_float=_Number, parse_int=_Number, parse_constant=_no_constant
        )
        with self.path.open(encoding="utf-8-sig", newline="\n") as file:
            for line, text in enumerate(file, 1):
                if not text.strip():
                    continue
                try:
                    row = _columns(decoder.decode(text))
                    if "\\ud" in text or "\\uD" in text:
                        json.dumps(row, ensure_ascii=False).encode()
                except json.JSONDecodeError as error:
                    detail = "A JSONL file holds one whole JSON value on each line."
                    self._problem(line, f"this line is not JSON: {error.msg}", detail, column=error.colno)
                except UnicodeEncodeError:
                    self._problem(line, "this line holds half of a surrogate pair (\\ud…)", "Write the character.")
                except RecursionError:
                    self._problem(line, "the JSON of this line is nested too deeply", "Flatten it.")
                except _RefusedValueError as error:
                    self._problem(line, f"this line holds {error}")
                else:
                    self.columns.update(dict.fromkeys(row))
                    yield line, row

    def _problem(self, line: int, summary: str, detail: str = "", column: int = 0) -> None:
        self.report(Diagnostic(summary, detail, location=Location(self.path, line, column or (1 if line else 0))))


def cell_column(path: Path, line: int, number: int) -> int:
    """Where in its line the cell of this number begins, for a problem with it; the first cell is number 0.

    1 where the file has no cells, or its row goes over several lines before that one.
    """
    delimiter = _DELIMITERS.get(path.suffix.lower())
    if delimiter is None:
        return 1
    with path.open(encoding="utf-8-sig", newline="") as file:
        text = next(islice(file, line - 1, None), "")
    quoted = False
    for at, char in enumerate(text):
        if number == 0:
            return at + 1
        quoted ^= char == '"'
        number -= char == delimiter and not quoted
    return 1


def encoding_problem(path: Path) -> Diagnostic:
    """Say where a file stops being UTF-8: the line is read again, as bytes."""
    with path.open("rb") as file:
        first = file.read(2)
        if first in (b"\xff\xfe", b"\xfe\xff"):
            return Diagnostic(
                f"{path.name} is UTF-16", 'Save it as UTF-8 ("CSV UTF-8" in Excel).', location=Location(path, 1, 1)
            )
        file.seek(0)
        for number, line in enumerate(file, 1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                column = len(line[: error.start].decode()) + 1
                seen = line[error.start : error.start + 1]
                return Diagnostic(
                    f"byte 0x{seen.hex()} is not UTF-8{_guess(line)}",
                    "Save the file as UTF-8.",
                    location=Location(path, number, column),
                )
    return Diagnostic(f"{path.name} is not UTF-8", "Save the file as UTF-8.", location=Location(path))


def _guess(line: bytes) -> str:
    """The word as Windows would read it, when that is what it most likely is."""
    try:
        words = line.decode("cp1252").split()
    except UnicodeDecodeError:
        return ""
    word = next((w for w in words if not w.isascii()), "")
    return f" (in {_shorten(word)}, if this is Windows-1252)" if word else ""


def _shorten(text: str) -> str:
    return json.dumps(text if len(text) <= 40 else text[:39] + "…", ensure_ascii=False)


def likely(name: str, names: Mapping[str, Any] | list[str]) -> str:
    """The one of `names` that was most likely meant, or ""."""
    folded = {n.casefold().replace("-", "_").replace(" ", "_"): n for n in names}
    wanted = name.casefold().replace("-", "_").replace(" ", "_")
    found = difflib.get_close_matches(wanted, folded, n=1, cutoff=0.6)
    longer = [n for n in folded if len(wanted) > 3 and n.startswith(wanted)]
    return folded[found[0]] if found else folded[longer[0]] if longer else ""


# --- JSON values as text ----------------------------------------------------------------------------------


class _Number(str):
    """A JSON number as it was written: 1.50 must not become 1.5."""

    __slots__ = ()


class _RefusedValueError(ValueError):
    """A JSON value that cannot stand in a question; the message says what it is."""


def _refuse(what: str) -> NoReturn:
    raise _RefusedValueError(what)


def _no_constant(name: str) -> NoReturn:
    _refuse(f"{name}, which is not JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        double = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value] # a set's add
        _refuse(f'the name "{double}" twice in one object')
    return found


def _columns(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        return {VALUE: _text(value)}
    if "" in value:
        _refuse("a value without a name")
    return {name: _text(part) for name, part in value.items()}


def _text(value: Any) -> str:
    """A value as it is inserted: text as it stands, all else as compact JSON."""
    return str(value) if isinstance(value, str) else _compact(value)


def _compact(value: Any) -> str:
    match value:
        case _Number():
            return str(value)
        case dict():
            inside = (f"{json.dumps(k, ensure_ascii=False)}:{_compact(v)}" for k, v in value.items())
            return "{" + ",".join(inside) + "}"
        case list():
            return "[" + ",".join(map(_compact, value)) + "]"
        case _:
            return json.dumps(value, ensure_ascii=False)
