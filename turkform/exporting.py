"""Answers as files: CSV in the requester website's own column names, JSON lines, Parquet.

In: an answers store. Out: one row an assignment. Columns are found in a first pass over what is stored, rows are
written in a second, so that millions are never held.

Answers come from strangers. A cell of CSV that a spreadsheet would take for a formula begins with an apostrophe
(numbers are no formulas), and a control character is spelled out. JSON lines and Parquet hold every text as it came.

Source of the names: the batch results CSV of the requester website (read 23 Nov 2026).
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from turkform.errors import UsageError
from turkform.printable import json_line
from turkform.replies import columns
from turkform.times import format_time, parse_time

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from turkform.answers import Answer, Answers, StoredHIT

HIT_COLUMNS = (
    "HITTypeId", "Title", "Description", "Keywords", "Reward", "CreationTime", "MaxAssignments",
    "RequesterAnnotation", "AssignmentDurationInSeconds", "AutoApprovalDelayInSeconds", "Expiration",
    "NumberOfSimilarHITs", "LifetimeInSeconds",
)  # fmt: skip
ASSIGNMENT_COLUMNS = (
    "AssignmentId", "WorkerId", "AssignmentStatus", "AcceptTime", "SubmitTime", "AutoApprovalTime", "ApprovalTime",
    "RejectionTime", "RequesterFeedback", "WorkTimeInSeconds",
)  # fmt: skip
_HIT_TIMES = ("CreationTime", "Expiration")
RATES = ("LifetimeApprovalRate", "Last30DaysApprovalRate", "Last7DaysApprovalRate")
"""Of the worker: no operation tells them, so these columns of the website stay empty."""
INPUT, ANSWER = "Input.", "Answer."
DECISIONS = ("Approve", "Reject")
"""Empty columns at the end, for a person to fill in: what `review` reads."""
MOST = 1_000
REST = "Answer.*"
"""Fields that are columns, at most, and the column of those that are none."""
KEY = "ItemKey"
"""Our own column: the item's key, by which rows are joined to the campaign's data."""
BONUS = "BonusAmount"
"""Our own, too: what was paid besides. Ours come last, so that the website's stand where scripts count on them."""
_FORMULA = re.compile(r"[=+\-@\t\r\n＝＋－＠]")  # noqa: RUF001 - some spreadsheets take the wide ones as well
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
"""What no text is written with, and what steers a terminal that shows the file."""
_NUMBER = re.compile(r"[+-]?[0-9][0-9.,]*(e[+-]?[0-9]+)?", re.IGNORECASE)
_SITE_TIME = "%a %b %d %H:%M:%S UTC %Y"
_PARQUET_ROWS = 10_000


class Out(Protocol):
    """Where text goes."""

    def write(self, text: str, /) -> object:
        """Write it."""


def fields(answers: Answers, batches: Iterable[str] | None = None) -> list[str]:
    """Every column of these batches' answers, in the website's order.

    A worker decides which fields are handed in, so they are not without end: beyond `MOST`, those that most answers
    have are columns, and one more, `REST`, holds the others.
    """
    inputs: dict[str, None] = {}
    given: Counter[str] = Counter()
    for hit, answer in answers.rows(batches):
        inputs.update(dict.fromkeys(hit.row))
        given.update(columns(answer.answer).keys())
    kept = sorted(sorted(given), key=lambda name: -given[name])[:MOST]
    return [
        "HITId", *HIT_COLUMNS, *ASSIGNMENT_COLUMNS, *RATES,
        *(INPUT + name for name in inputs), *(ANSWER + name for name in sorted(kept)),
        *([REST] if len(given) > MOST else []), *DECISIONS, KEY, BONUS,
    ]  # fmt: skip


def _fitting(record: dict[str, Any], names: Collection[str]) -> dict[str, Any]:
    """The record, answers that have no column together in one, as JSON."""
    if REST not in names:
        return record
    rest = {name.removeprefix(ANSWER): v for name, v in record.items() if name.startswith(ANSWER) and name not in names}
    return record | ({REST: json_line(rest)} if rest else {})


def records(answers: Answers, batches: Iterable[str] | None = None) -> Iterator[dict[str, Any]]:
    """One map an assignment: texts, whole numbers, times as `datetime`; what there is not is left out."""
    for hit, answer in answers.rows(batches):
        yield _record(hit, answer)


def _record(hit: StoredHIT, answer: Answer) -> dict[str, Any]:
    found: dict[str, Any] = {
        "HITId": hit.hit_id,
        **{name: hit.about[name] for name in HIT_COLUMNS if name in hit.about},
        **{name: parse_time(hit.about[name]) for name in _HIT_TIMES if name in hit.about},
        "AssignmentId": answer.assignment_id,
        "WorkerId": answer.worker,
        "AssignmentStatus": answer.status,
        "AcceptTime": answer.accepted,
        "SubmitTime": answer.submitted,
        "AutoApprovalTime": answer.due,
        "ApprovalTime": answer.approved,
        "RejectionTime": answer.rejected,
        "RequesterFeedback": answer.feedback,
        "WorkTimeInSeconds": answer.seconds,
        BONUS: str(answer.bonus) if answer.bonus else None,
        KEY: hit.key,
        **{INPUT + name: value for name, value in hit.row.items()},
        **{ANSWER + name: value for name, value in columns(answer.answer).items()},
    }
    return {name: value for name, value in found.items() if value is not None}


def write_csv(answers: Answers, out: Out, batches: Sequence[str] | None = None) -> int:
    """Write CSV; returns how many rows."""
    names = fields(answers, batches)
    table = csv.writer(out, lineterminator="\n")
    table.writerow(map(_cell, names))
    count, known = 0, frozenset(names)
    for record in (_fitting(found, known) for found in records(answers, batches)):
        if "Reward" in record:
            record["Reward"] = f"${record['Reward']}"  # as the website wrote it
        table.writerow([_cell(record.get(name, "")) for name in names])
        count += 1
    return count


def _cell(value: Any) -> str:
    text = value.strftime(_SITE_TIME) if isinstance(value, datetime) else str(value)
    text = _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def write_jsonl(answers: Answers, out: Out, batches: Sequence[str] | None = None) -> int:
    """Write JSON lines: inputs and answers as maps of their own; returns how many."""
    count = 0
    for record in records(answers, batches):
        plain = {name: _json(value) for name, value in record.items() if not name.startswith((INPUT, ANSWER))}
        plain["Input"] = {name.removeprefix(INPUT): v for name, v in record.items() if name.startswith(INPUT)}
        plain["Answer"] = {name.removeprefix(ANSWER): v for name, v in record.items() if name.startswith(ANSWER)}
        out.write(json_line(plain) + "\n")
        count += 1
    return count


def _json(value: Any) -> Any:
    return format_time(value) if isinstance(value, datetime) else value


def write_parquet(answers: Answers, path: Path, batches: Sequence[str] | None = None) -> int:
    """Write Parquet; returns how many rows.

    Raises:
        UsageError: pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ModuleNotFoundError:
        raise UsageError("Parquet needs pyarrow", "Run: pip install 'turkform[parquet]'") from None
    names = [name for name in fields(answers, batches) if name not in {*DECISIONS, *RATES}]
    times = {*_HIT_TIMES, "AcceptTime", "SubmitTime", "AutoApprovalTime", "ApprovalTime", "RejectionTime"}
    lengths = {name for name in (*HIT_COLUMNS, *ASSIGNMENT_COLUMNS) if name.endswith("InSeconds")}
    kinds: dict[str, Callable[[], Any]] = {
        **dict.fromkeys(times, lambda: pa.timestamp("ms", tz="UTC")),
        **dict.fromkeys({"MaxAssignments", *lengths}, pa.int64),
    }
    schema = pa.schema([(name, kinds.get(name, pa.string)()) for name in names])
    count = 0
    known = frozenset(names)
    with parquet.ParquetWriter(path, schema) as writer:
        for chunk in _chunks(_fitting(found, known) for found in records(answers, batches)):
            writer.write_table(pa.Table.from_pylist(chunk, schema=schema))
            count += len(chunk)
    return count


def _chunks(found: Iterator[dict[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    chunk: list[Mapping[str, Any]] = []
    for record in found:
        chunk.append(record)
        if len(chunk) == _PARQUET_ROWS:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
