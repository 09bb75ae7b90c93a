"""Answers as files: CSV in the requester website's own column names, JSON lines, Parquet.

In: an answers store. Out: one row an assignment. Columns are found in a first pass over what is stored, rows are
written in a second, so that millions are never held.

A cell of CSV that a spreadsheet would take for a formula begins with an apostrophe: answers come from strangers.
Numbers are no formulas. JSON lines and Parquet hold every text as it came.

Source of the names: the batch results CSV of the requester website (read 23 Nov 2026).
"""

from __future__ import annotations

import csv
import json
import re
from typing import TYPE_CHECKING, Any, TextIO

from turkform.errors import UsageError
from turkform.replies import columns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from turkform.answers import Answer, Answers, StoredHIT

HIT_COLUMNS = (
    "HITTypeId", "Title", "Description", "Keywords", "Reward", "CreationTime", "MaxAssignments",
    "RequesterAnnotation", "AssignmentDurationInSeconds", "AutoApprovalDelayInSeconds", "Expiration",
)  # fmt: skip
ASSIGNMENT_COLUMNS = (
    "AssignmentId", "WorkerId", "AssignmentStatus", "AcceptTime", "SubmitTime", "AutoApprovalTime", "ApprovalTime",
    "RejectionTime", "RequesterFeedback", "WorkTimeInSeconds", "BonusAmount",
)  # fmt: skip
INPUT, ANSWER = "Input.", "Answer."
DECISIONS = ("Approve", "Reject")
"""Empty columns at the end, for a person to fill in: what `review` reads."""
KEY = "ItemKey"
"""Our own column: the item's key, by which rows are joined to the campaign's data."""
_FORMULA = re.compile(r"[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?[0-9][0-9.,]*(e[+-]?[0-9]+)?", re.IGNORECASE)
_SITE_TIME = "%a %b %d %H:%M:%S UTC %Y"
_PARQUET_ROWS = 10_000


def fields(answers: Answers, batches: Iterable[str] | None = None) -> list[str]:
    """Every column of these batches' answers, in the website's order."""
    inputs: dict[str, None] = {}
    given: dict[str, None] = {}
    for hit, answer in answers.rows(batches):
        inputs.update(dict.fromkeys(hit.row))
        given.update(dict.fromkeys(columns(answer.answer)))
    return [
        "HITId", *HIT_COLUMNS, *ASSIGNMENT_COLUMNS, KEY,
        *(INPUT + name for name in inputs), *(ANSWER + name for name in sorted(given)), *DECISIONS,
    ]  # fmt: skip


def records(answers: Answers, batches: Iterable[str] | None = None) -> Iterator[dict[str, Any]]:
    """One map an assignment: texts, whole numbers, times as `datetime`; what there is not is left out."""
    for hit, answer in answers.rows(batches):
        yield _record(hit, answer)


def _record(hit: StoredHIT, answer: Answer) -> dict[str, Any]:
    found: dict[str, Any] = {
        "HITId": hit.hit_id,
        **{name: hit.about[name] for name in HIT_COLUMNS if name in hit.about},
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
        "BonusAmount": str(answer.bonus) if answer.bonus else None,
        KEY: hit.key,
        **{INPUT + name: value for name, value in hit.row.items()},
        **{ANSWER + name: value for name, value in columns(answer.answer).items()},
    }
    return {name: value for name, value in found.items() if value is not None}


def write_csv(answers: Answers, out: TextIO, batches: Sequence[str] | None = None) -> int:
    """Write CSV; returns how many rows."""
    names = fields(answers, batches)
    table = csv.writer(out, lineterminator="\n")
    table.writerow(names)
    count = 0
    for record in records(answers, batches):
        table.writerow([_cell(record.get(name, "")) for name in names])
        count += 1
    return count


def _cell(value: Any) -> str:
    text = value.strftime(_SITE_TIME) if hasattr(value, "strftime") else str(value).replace("\0", "")
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def write_jsonl(answers: Answers, out: TextIO, batches: Sequence[str] | None = None) -> int:
    """Write JSON lines: inputs and answers as maps of their own; returns how many."""
    count = 0
    for record in records(answers, batches):
        plain = {name: _json(value) for name, value in record.items() if not name.startswith((INPUT, ANSWER))}
        plain["Input"] = {name.removeprefix(INPUT): v for name, v in record.items() if name.startswith(INPUT)}
        plain["Answer"] = {name.removeprefix(ANSWER): v for name, v in record.items() if name.startswith(ANSWER)}
        out.write(json.dumps(plain, ensure_ascii=False) + "\n")
        count += 1
    return count


def _json(value: Any) -> Any:
    return value.strftime("%Y-%m-%dT%H:%M:%SZ") if hasattr(value, "strftime") else value


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
    names = [name for name in fields(answers, batches) if name not in DECISIONS]
    times = {"AcceptTime", "SubmitTime", "AutoApprovalTime", "ApprovalTime", "RejectionTime"}
    whole = {"MaxAssignments", "AssignmentDurationInSeconds", "AutoApprovalDelayInSeconds", "WorkTimeInSeconds"}
    kinds: dict[str, Callable[[], Any]] = {
        **dict.fromkeys(times, lambda: pa.timestamp("ms", tz="UTC")),
        **dict.fromkeys(whole, pa.int64),
    }
    schema = pa.schema([(name, kinds.get(name, pa.string)()) for name in names])
    count = 0
    with parquet.ParquetWriter(path, schema) as writer:
        for chunk in _chunks(records(answers, batches)):
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
