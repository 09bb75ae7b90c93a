"""Known answers: files of gold answers, and answer keys of tests, as what a simulated worker may get right.

In: a CSV file with a row an item, the requester's mark of a HIT, an AnswerKey. Out: field → values that are right.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import re
from typing import TYPE_CHECKING, Final

from turkform.marketplace import xml_schemas
from turkform.marketplace.xml_schemas import find_all, text_at

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_PLAIN: Final = re.compile(r"[A-Za-z0-9._@-]{1,100}")
_MARK: Final = re.compile(r"turkform:[^/]+/[^/]+/(.+)#[0-9]+\.[0-9a-z]+")


class KnownError(Exception):
    """A file of answers that cannot be used; the message says why."""


class Gold:
    """The right answers to items, by what names an item: a HIT's id, its annotation, or the key in a marker."""

    def __init__(self, rows: Mapping[str, Mapping[str, tuple[str, ...]]]) -> None:
        self._rows = rows

    @classmethod
    def read(cls, path: Path, key: str | None, columns: Mapping[str, str]) -> Gold:
        """Read a CSV file. `key` is the column that names an item, else the first one; `columns` is field → column.

        Without `columns` every other column is the field of its name. Several values of one field stand with `|`
        between them; an empty cell is not known.

        Raises:
            KnownError: it cannot be read, or has no such column.
        """
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                rows = csv.DictReader(file)
                names = list(rows.fieldnames or ())
                name = key or (names[0] if names else "")
                wanted = columns or {column: column for column in names if column != name}
                for column in (name, *wanted.values()):
                    if column not in names:
                        raise KnownError(f'{path} has no column "{column}". It has: {", ".join(names)}')
                found = {
                    row[name]: {field: tuple(row[column].split("|")) for field, column in wanted.items() if row[column]}
                    for row in rows
                }
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise KnownError(f"{path} cannot be read: {error}") from None
        return cls(found | {_as_marked(item): answers for item, answers in found.items()})

    def of(self, hit: str, annotation: str) -> Mapping[str, tuple[str, ...]] | None:
        """What is known of a HIT, or None."""
        marked = _MARK.fullmatch(annotation)
        for name in (hit, annotation, marked[1] if marked else ""):
            if name in self._rows:
                return self._rows[name]
        return None


def _as_marked(key: str) -> str:
    """A key as markers of turkform's HITs hold it."""
    if _PLAIN.fullmatch(key):
        return key
    digest = base64.b32encode(hashlib.sha256(key.encode()).digest()).decode().lower()
    return f"~{digest[:26]}"


def best_answers(answer_key: str) -> dict[str, tuple[str, ...]]:
    """Return the selections that earn most under an AnswerKey, by question."""
    found: dict[str, tuple[str, ...]] = {}
    for question in find_all(xml_schemas.parse(answer_key), "Question"):
        options = find_all(question, "AnswerOption")
        best = max(options, key=lambda option: int(text_at(option, "AnswerScore")))
        found[text_at(question, "QuestionIdentifier")] = tuple(
            chosen.text or "" for chosen in find_all(best, "SelectionIdentifier")
        )
    return found
