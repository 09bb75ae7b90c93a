"""Pages and CSV files of the requester website and of Turkle, read for `migration`.

In: a page with `${column}` placeholders and its CSV, or the CSV that the website makes of a finished batch. Out:
a `Carried`. A batch CSV has a row an assignment; a campaign needs a row an item, so it is told apart by HITId.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from typing import TYPE_CHECKING

from turkform.carried import Carried, choose_key, complete, decoded, row_column, said_key, take_terms
from turkform.errors import TurkformError
from turkform.printable import many

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_INPUT, _ANSWER, _HIT = "Input.", "Answer.", "HITId"
_TERMS = ("Title", "Description", "Keywords", "Reward", "AssignmentDurationInSeconds", "AutoApprovalDelayInSeconds")
_PLACEHOLDER = re.compile(r"(?<!\$)\$\{([A-Za-z_][A-Za-z0-9_.-]*)\}")
_PAGES = (".html", ".htm")
_TITLE = re.compile(r"<(title|h1)[^>]*>([^<]{1,128})</\1>", re.IGNORECASE)


def in_folder(folder: Path) -> list[Path]:
    """The one page and the one CSV of a folder.

    Raises:
        TurkformError: there are several, so that it must be said which.
    """
    try:
        found = sorted(p for p in folder.iterdir() if p.suffix.lower() in (*_PAGES, ".csv") and p.is_file())
    except OSError as error:
        raise TurkformError(f"{folder} cannot be read: {error.strerror}") from None
    for suffixes, what in ((_PAGES, "pages"), ((".csv",), "CSV files")):
        several = [p for p in found if p.suffix.lower() in suffixes]
        if len(several) > 1:
            names = ", ".join(p.name for p in several[:5])
            raise TurkformError(
                f"{folder} holds {len(several)} {what}: {names}", f"Say which: --from {several[0]} --from …"
            )
    return found or [folder]


def read(paths: Sequence[Path], name: str) -> Carried | None:
    """A campaign of a page, a CSV, or both; None when these are other files.

    Raises:
        TurkformError: the CSV is none, or one of several files is not needed.
    """
    pages = [p for p in paths if p.suffix.lower() in _PAGES]
    tables = [p for p in paths if p.suffix.lower() == ".csv"]
    if len(pages) + len(tables) != len(paths) or len(pages) > 1 or len(tables) > 1 or not paths:
        return None
    carried = Carried("a page and its data", name)
    page = decoded(pages[0], carried) if pages else None
    if not tables and pages:
        beside = sorted(pages[0].parent.glob("*.csv"))
        tables = beside if len(beside) == 1 else []
        if tables:
            carried.notes.append(f"{tables[0].name} was taken as the page's data, because it lies beside it.")
    header, rows = _table(decoded(tables[0], carried), tables[0]) if tables else ([], [])
    if _HIT in header and any(column.startswith((_INPUT, _ANSWER)) for column in header):
        carried.source = "a batch CSV of the requester website"
        answers = [column.removeprefix(_ANSWER) for column in header if column.startswith(_ANSWER)]
        header, rows = _batch(carried, header, rows)
        page = page if page is not None else _stand_in(carried, header, answers)
    elif page is None:
        raise TurkformError(
            f"{paths[0].name} has no HITId and Input. columns, so it is no batch CSV, and there is no page beside it",
            f"Name the page as well: --from {paths[0]} --from PAGE.html",
        )
    if (title := _TITLE.search(page)) is not None and "${" not in title[2]:
        carried.title = " ".join(title[2].split())
    complete(carried)
    if not tables and (names := list(dict.fromkeys(_PLACEHOLDER.findall(page)))):
        header, rows = names, [dict.fromkeys(names, "")]
        carried.notes.append("No data came with the page; data/items.csv holds one empty row to go by.")
    _page(carried, page, set(header))
    if header:
        _items(carried, header, rows)
    return carried


def _table(text: str, path: Path) -> tuple[list[str], list[dict[str, str]]]:
    csv.field_size_limit(10_000_000)
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        lines = [line for line in reader if line]
    except csv.Error as error:
        raise TurkformError(f"{path}:{reader.line_num}: this is not CSV: {error}") from None
    if not lines:
        raise TurkformError(f"{path} is empty", "Its first row names the columns.")
    header = lines[0]
    double = next((column for column, number in Counter(header).items() if number > 1 or not column.strip()), None)
    if double is not None:
        raise TurkformError(f'{path}: the column "{double}" stands there twice, or has no name', "Rename it.")
    ragged = next((n for n, line in enumerate(lines, 1) if len(line) != len(header)), None)
    if ragged is not None:
        raise TurkformError(
            f"{path}: row {ragged} has {len(lines[ragged - 1])} values, and the header names {len(header)} columns"
        )
    return header, [dict(zip(header, line, strict=True)) for line in lines[1:]]


def _batch(
    carried: Carried, header: Sequence[str], rows: Sequence[dict[str, str]]
) -> tuple[list[str], list[dict[str, str]]]:
    """The items of a finished batch, in the order of its HITs, and its terms."""
    hits = {row[_HIT]: row for row in reversed(rows)}
    hits = dict(reversed(hits.items()))
    inputs = [column for column in header if column.startswith(_INPUT)]
    columns = [column.removeprefix(_INPUT) for column in inputs]
    items = [dict(zip(columns, (row[c] for c in inputs), strict=True)) for row in hits.values()]
    terms = {}
    for column in (*_TERMS, "MaxAssignments", "LifetimeInSeconds"):
        values = Counter(row[column] for row in rows if row.get(column, "").strip())
        if values:
            terms[column] = values.most_common(1)[0][0]
        if len(values) > 1:
            carried.notes.append(f"{column} differs in the batch; the campaign has what most rows say.")
    take_terms(carried, terms)
    workers = {row["WorkerId"] for row in rows if row.get("WorkerId")}
    if workers:
        carried.notes.append(
            f"What {many(len(workers), 'worker')} answered in {many(len(rows), 'assignment')} stays in the CSV; "
            "the campaign holds the items, and applying it buys them anew."
        )
    carried.notes.append("The CSV does not say which qualifications workers needed; add requirements: if any.")
    if not columns:
        return [], []
    if choose_key(items) is None:
        column = row_column([*columns]) if "hit" in columns else "hit"
        items = [{column: hit} | item for hit, item in zip(hits, items, strict=True)]
        return [column, *columns], items
    return columns, items


def _stand_in(carried: Carried, columns: Sequence[str], answers: Sequence[str]) -> str:
    """A page that shows every column and asks for every answer, until the real one is put there."""
    carried.notes.append("A batch CSV holds no page: tasks/task.html only lists the columns; put yours in its place.")
    shown = "".join(f"  <dt>{_escaped(c)}</dt><dd>${{{c}}}</dd>\n" for c in columns if _is_name(c))
    asked = "".join(f'<p><label>{_escaped(a)} <input name="{_escaped(a)}"></label></p>\n' for a in answers)
    return f"<!-- Stands in for the page of the old batch. -->\n<dl>\n{shown}</dl>\n{asked}"


def _is_name(column: str) -> bool:
    return _PLACEHOLDER.fullmatch(f"${{{column}}}") is not None


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")


def _page(carried: Carried, page: str, columns: set[str]) -> None:
    """The page; what looks like a placeholder and is no column keeps its meaning as text."""
    strange = sorted({name for name in _PLACEHOLDER.findall(page) if name not in columns})
    if strange:
        page = _PLACEHOLDER.sub(lambda m: m[0] if m[1] in columns else "$" + m[0], page)
        names = ", ".join(strange[:5]) + (", …" if len(strange) > 5 else "")
        carried.notes.append(f"{names}: no column of the data; ${{…}} of these names stays text, written $${{…}}.")
    carried.files["tasks/task.html"] = page
    carried.question = {"html": "tasks/task.html"}


def _items(carried: Carried, header: Sequence[str], rows: Sequence[dict[str, str]]) -> None:
    key = choose_key(rows)
    added = key is None
    if key is None:
        key = row_column(header)
        header = [key, *header]
        rows = [{key: str(number)} | row for number, row in enumerate(rows, 1)]
    said_key(carried, key, added=added, rows=len(rows))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([row[column] for column in header] for row in rows)
    carried.files["data/items.csv"] = text.getvalue()
    carried.batch["items"], carried.batch["key"] = "data/items.csv", key
