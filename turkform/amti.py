"""amti's definition folders, read for `migration`.

In: a folder with `hittypeproperties.json`, `hitproperties.json` and `question.xml.j2`, alone, as `definition/` of
a batch, or beside a `data.jsonl`; or one with `qualificationtypeproperties.json`. Out: a `Carried`.

Source: the readme and the examples of github.com/allenai/amti (read 25 Nov 2026).
"""

from __future__ import annotations

import html
import json
import re
from datetime import timedelta
from textwrap import dedent
from typing import TYPE_CHECKING, Any

from turkform.carried import (
    Carried,
    Filled,
    choose_key,
    complete,
    decoded,
    read_bytes,
    row_column,
    said_key,
    take_requirements,
    take_terms,
)
from turkform.errors import TurkformError
from turkform.kinds.qualification_type import QualificationType

if TYPE_CHECKING:
    from pathlib import Path

_HIT_TYPE, _HIT, _TYPE = "hittypeproperties.json", "hitproperties.json", "qualificationtypeproperties.json"
_QUESTION = "question.xml.j2"
_DATA = "data.jsonl"
_KNOWN = {
    _HIT_TYPE: {"Title", "Description", "Keywords", "Reward", "AssignmentDurationInSeconds"}
    | {"AutoApprovalDelayInSeconds", "QualificationRequirements"},
    _HIT: {"MaxAssignments", "LifetimeInSeconds"},
}
_NUMBERS = {"RetryDelayInSeconds", "TestDurationInSeconds", "AutoGrantedValue"}
_LARGEST = 2**31
_CDATA = re.compile(r"<!\[CDATA\[(.*?)\]\]>", re.DOTALL)
_VARIABLE = re.compile(r"\{\{-?\s*([A-Za-z_][A-Za-z0-9_]*)\s*-?\}\}")


def definition(folder: Path) -> Path | None:
    """The folder in which the definition lies, or None where there is none."""
    for found in (folder, folder / "definition"):
        if (found / _HIT_TYPE).is_file() or (found / _TYPE).is_file():
            return found
    return None


def read(folder: Path, data: Path | None, name: str) -> Carried:
    """A campaign of one definition, with the data beside it or named with it.

    Raises:
        TurkformError: a file is missing, or is not what amti reads.
    """
    home = definition(folder)
    assert home is not None
    carried = Carried("an amti definition", name)
    if (home / _TYPE).is_file():
        _qualification_type(carried, home)
    if not (home / _HIT_TYPE).is_file():
        return carried
    if not (home / _QUESTION).is_file():
        raise TurkformError(f"there is no {_QUESTION} in {home}", "amti keeps the question of a definition there.")
    terms = _json(home / _HIT_TYPE)
    hits = _json(home / _HIT) if (home / _HIT).is_file() else {}
    for file, values in ((_HIT_TYPE, terms), (_HIT, hits)):
        for unknown in sorted(values.keys() - _KNOWN[file]):
            carried.notes.append(f"{unknown} of {file} was left out.")
    take_terms(carried, terms | hits)
    take_requirements(carried, terms.get("QualificationRequirements"))
    complete(carried)
    data = data or next((d for d in (home.parent / _DATA, home / _DATA) if d.is_file()), None)
    uses = _question(carried, decoded(home / _QUESTION, carried))
    if data is not None:
        _items(carried, data)
    elif uses:
        carried.batch["items"], carried.batch["key"] = f"data/{_DATA}", row_column(uses)
        example = {carried.batch["key"]: "1"} | dict.fromkeys(sorted(uses), "")
        carried.files[f"data/{_DATA}"] = json.dumps(example, ensure_ascii=False) + "\n"
        carried.notes.append("The definition came without data; data/data.jsonl holds one empty line to go by.")
    if (home / "NOTES").is_file() and (notes := read_bytes(home / "NOTES")).strip():
        carried.files["NOTES"] = notes
    return carried


def _json(path: Path) -> dict[str, Any]:
    found = _value(read_bytes(path), f"{path} is not JSON")
    if not isinstance(found, dict):
        raise TurkformError(f"{path} holds no object")
    return found


def _value(text: str | bytes, wrong: str) -> Any:
    """What the JSON says; half of a surrogate pair, which JSON can spell, is no text that a file could hold."""
    try:
        found = json.loads(text)
        json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise TurkformError(f"{wrong}: it holds half of a surrogate pair (\\ud…)", "Write the character.") from None
    except ValueError as error:
        raise TurkformError(f"{wrong}: {error}") from None
    return found


def _qualification_type(carried: Carried, home: Path) -> None:
    wire = _json(home / _TYPE)
    for name in _NUMBERS & wire.keys():
        if isinstance(wire[name], bool) or not isinstance(wire[name], int) or abs(wire[name]) > _LARGEST:
            raise TurkformError(f"{home / _TYPE}: {name} is no whole number")
    values = {k: v for k, v in QualificationType.from_wire(wire).items() if v not in (None, ())}
    values["keywords"] = list(values.get("keywords", ()))
    kept = {key: value for key, value in values.items() if value not in ([], "active")}
    for document in ("test.xml", "answerkey.xml"):
        if (home / document).is_file():
            carried.files[f"quals/{document}"] = read_bytes(home / document)
    if "quals/test.xml" in carried.files:
        test: dict[str, Any] = {"form": "quals/test.xml"}
        if "quals/answerkey.xml" in carried.files:
            test["answer_key"] = "quals/answerkey.xml"
        kept["test"] = test | {"duration": timedelta(seconds=wire.get("TestDurationInSeconds", 3600))}
    carried.qualification_types["qualification"] = kept


def _question(carried: Carried, text: str) -> set[str]:
    """The question's template as turkform has it, and the variables it uses."""
    height = re.search(r"<FrameHeight>\s*([0-9]{1,5})\s*</FrameHeight>", text)
    frame = {"frame_height": int(height[1])} if height and height[1] != "0" else {}
    content = re.search(r"<HTMLContent>(.*)</HTMLContent>", text, re.DOTALL)
    if content is not None:
        parts = _CDATA.findall(content[1])
        page = "".join(parts) if parts else html.unescape(content[1])
        carried.files["tasks/question.html.j2"] = _dedented(page)
        carried.question = {"html": "tasks/question.html.j2", **frame}
        carried.notes.append(
            "Values are now escaped where the page shows them; write {{ name | safe }} where a value holds HTML."
        )
        return set(_VARIABLE.findall(page))
    uses = set(_VARIABLE.findall(text))
    filled = _VARIABLE.sub(r"${\1}", text)
    if re.search(r"\{[{%#]", filled):
        carried.notes.append("The question holds more of Jinja2 than {{ name }}; that part stands there as it was.")
    url = re.search(r"<ExternalURL>(.*?)</ExternalURL>", filled, re.DOTALL)
    if url is not None:
        carried.question = {"external": Filled(html.unescape(url[1].strip())), **frame}
        return uses
    carried.files["tasks/question.xml"] = filled
    carried.question = {"form": "tasks/question.xml"}
    return uses


def _dedented(page: str) -> str:
    return dedent(page.strip("\n")).strip() + "\n"


def _items(carried: Carried, data: Path) -> None:
    lines = [line for line in decoded(data, carried).split("\n") if line.strip()]
    rows = []
    for number, line in enumerate(lines, 1):
        row = _value(line, f"{data}:{number}: this line is not JSON")
        if not isinstance(row, dict):
            raise TurkformError(f"{data}:{number}: this line is no object", "amti's data are an object a line.")
        rows.append(row)
    nested = sorted({key for row in rows for key, value in row.items() if isinstance(value, list | dict)})
    if nested:
        carried.notes.append(f"{', '.join(nested)}: lists and objects reach a page as JSON text, not as values.")
    key = choose_key(rows)
    if key is None:
        key = row_column({name for row in rows for name in row})
        lines = [json.dumps({key: str(n)} | row, ensure_ascii=False) for n, row in enumerate(rows, 1)]
        said_key(carried, key, added=True, rows=len(rows))
    else:
        said_key(carried, key, added=False, rows=len(rows))
    carried.files[f"data/{_DATA}"] = "\n".join(lines) + "\n"
    carried.batch["items"], carried.batch["key"] = f"data/{_DATA}", key
