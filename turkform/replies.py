"""What a worker answered, as columns: QuestionFormAnswers of every shape.

In: an answer document as the endpoint gives it. Out: column → text, in the order of the document. A field that came
several times, and a selection of several, are joined by `|`, as the requester website did; a question left
unanswered is an empty column. crowd-elements put one JSON into `taskAnswers`: it stays, and each of its fields
becomes a column of its own, `field.part`.

Source: QuestionFormAnswers in the API reference, and the batch results of the requester website (read 23 Nov 2026).
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from collections.abc import Iterator

TASK_ANSWERS = "taskAnswers"
_JOIN = "|"
_ROOT = re.compile(r"<[A-Za-z_]")
_DEEPEST = 20
"""Levels of JSON that become columns; what lies deeper stays JSON."""


def columns(answer: str) -> dict[str, str]:
    """The answer by column.

    A document that is none, or that declares entities, is one column `raw`: nothing that a worker handed in is lost.
    """
    if not answer:
        return {}
    root = _ROOT.search(answer)
    if root is None or "<!DOCTYPE" in answer[: root.start()]:
        return {"raw": answer}
    try:
        document = ET.fromstring(answer)  # noqa: S314 - no document type, so no entities to expand
    except (ET.ParseError, ValueError):
        return {"raw": answer}
    found: dict[str, list[str]] = {}
    for element in document:
        name = "".join(part.text or "" for part in element if _local(part) == "QuestionIdentifier").strip()
        found.setdefault(name, []).extend(_values(element))
    told = {name: _JOIN.join(values) for name, values in found.items()}
    for name, values in _inside(told.get(TASK_ANSWERS, "")):
        told.setdefault(name, values)
    return told


def _local(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _values(answer: ET.Element) -> Iterator[str]:
    """What was given: texts, selections, what stands under "other", a file by its key; nothing where unanswered."""
    for part in answer:
        if _local(part) in {"FreeText", "SelectionIdentifier", "OtherSelectionText", "UploadedFileKey"} and part.text:
            yield part.text


def _inside(text: str) -> list[tuple[str, str]]:
    """The fields of crowd-elements: a list of one object, or the object itself; none where it is too deep to read."""
    try:
        value = json.loads(text) if text else None
        objects = value if isinstance(value, list) else [value]
        found = [pair for one in objects if isinstance(one, dict) for pair in _flat(one, "", _DEEPEST)]
    except (ValueError, RecursionError):
        return []
    return [(_whole(name), _whole(value)) for name, value in found]


def _whole(text: str) -> str:
    """Text that every file can hold: JSON may spell halves of a character, and halves that are none."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _flat(value: Any, path: str, levels: int) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value and levels:
        for name, part in value.items():
            yield from _flat(part, f"{path}.{name}" if path else str(name), levels - 1)
    else:
        yield path, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
