"""A campaign made of another tool's files: what could be carried over, and in words what could not.

In: terms, requirements and rows as the API and other tools spell them. Out: a `Carried`, which writes the
campaign's files. What a tool says is taken as it is; what it does not say is filled in, and said.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from turkform.errors import TurkformError
from turkform.formatting import formatted
from turkform.kinds.requirement import COMPARATORS, GUARDS, MASTERS, MASTERS_SANDBOX, SYSTEM_TYPES
from turkform.messages import keys_at
from turkform.money import Money
from turkform.printable import many
from turkform.times import format_duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_PLAIN = re.compile(r"[A-Za-z]([A-Za-z0-9_ ./'()-]*[A-Za-z0-9_.)])?")
_WORDS = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}
_LIFETIME = (timedelta(seconds=30), timedelta(days=365))


class Filled(str):
    """A text in whose `${column}` the values of a row are filled in: it stands in YAML as it is."""

    __slots__ = ()


@dataclass
class Carried:
    """A campaign made of another tool's files."""

    source: str
    """What the files are, for people."""
    campaign: str
    """The name."""
    title: str = ""
    hit_type: dict[str, Any] = field(default_factory=dict)
    question: dict[str, Any] = field(default_factory=dict)
    batch: dict[str, Any] = field(default_factory=dict)
    qualification_types: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str | bytes] = field(default_factory=dict)
    """Path in the campaign's folder → content; the YAML is made of what stands above."""
    notes: list[str] = field(default_factory=list)
    """What could not be carried over, or was filled in, a sentence each."""

    def write(self) -> dict[str, bytes]:
        """Every file of the campaign, `campaign.yaml` first."""
        document: dict[str, Any] = {
            "turkform": 1,
            "campaign": self.campaign,
            **({"title": self.title} if self.title else {}),
            "environments": {"local": {"endpoint": "local"}},
        }
        if self.qualification_types:
            document["qualification_types"] = self.qualification_types
        if self.question:
            document["hit_types"] = {"task": self.hit_type}
            document["batches"] = {"items": {"hit_type": "task", "question": self.question, **self.batch}}
        made = f"Made by `turkform init --from`, of {self.source}."
        contents = {"campaign.yaml": written(document, made, self.notes), **self.files}
        return {name: text.encode() if isinstance(text, str) else text for name, text in contents.items()}

    def fill(self, values: dict[str, Any], name: str, value: Any, said: str) -> None:
        """Take a value where the other tool says none, and say so."""
        if values.get(name) in (None, ""):
            values[name] = value
            self.notes.append(f"{name} is {_shown(value)}, because {said}.")


def read_bytes(path: Path) -> bytes:
    """A file's content.

    Raises:
        TurkformError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise TurkformError(f"{path} cannot be read: {error.strerror}") from None


def decoded(path: Path, carried: Carried) -> str:
    """A text file's content, as UTF-8 where it is that, else as Windows writes it, which is said."""
    data = read_bytes(path)
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        carried.notes.append(f"{path.name} was not UTF-8; it was read as Windows-1252, so look at its accents.")
        return data.decode("cp1252", errors="replace").replace("\r\n", "\n")


# --- terms --------------------------------------------------------------------------------------------------

_TERMS = {"Title": "title", "Description": "description", "Keywords": "keywords", "Reward": "reward"}
_SECONDS = {
    "AssignmentDurationInSeconds": ("assignment_duration", timedelta(seconds=30), timedelta(days=365)),
    "AutoApprovalDelayInSeconds": ("auto_approval_delay", timedelta(0), timedelta(days=30)),
    "LifetimeInSeconds": ("lifetime", *_LIFETIME),
}


def take_terms(carried: Carried, wire: Mapping[str, Any]) -> None:
    """Title, pay and times as the API spells them, into the HIT type and the batch."""
    for api, key in _TERMS.items():
        if text := str(wire.get(api) or "").strip():
            carried.hit_type[key] = text
    terms = carried.hit_type
    if "keywords" in terms:
        terms["keywords"] = list(dict.fromkeys(w.strip() for w in terms["keywords"].split(",") if w.strip()))
    if "reward" in terms:
        terms["reward"] = _reward(carried, terms["reward"])
    for api, (key, least, most) in _SECONDS.items():
        value = wire.get(api)
        if value is None or not re.fullmatch(r"\s*[0-9]{1,10}(\.0*)?\s*(\(.*)?", str(value)):
            continue
        seconds = timedelta(seconds=int(re.match(r"\s*([0-9]+)", str(value))[1]))  # type: ignore[index] # it matched
        if not least <= seconds <= most:
            seconds = min(max(seconds, least), most)
            carried.notes.append(f"{key} was {value} seconds; it is {_shown(seconds)}, as near as MTurk takes.")
        (carried.batch if key == "lifetime" else terms)[key] = seconds
    if re.fullmatch(r"\s*[0-9]{1,9}\s*", places := str(wire.get("MaxAssignments"))):
        carried.batch["assignments"] = max(1, int(places))


def _reward(carried: Carried, text: str) -> str:
    number = text.lstrip("$").strip()
    try:
        return str(Money.parse(number))
    except ValueError as error:
        carried.notes.append(f"reward was {text}: {error}. It is 0.01 until you say better.")
        return "0.01"


def complete(carried: Carried) -> None:
    """What every campaign must say and the other tool did not."""
    terms, title = carried.hit_type, carried.title or carried.campaign.replace("-", " ").capitalize()
    carried.fill(terms, "title", title[:128], "the files name no other")
    carried.fill(terms, "description", terms["title"], "the files describe nothing; workers read it before they accept")
    carried.fill(terms, "reward", "0.01", "the files do not say what the work pays: set it before you publish")
    carried.fill(terms, "assignment_duration", timedelta(hours=1), "the files say no time limit")
    carried.fill(terms, "auto_approval_delay", timedelta(days=3), "the files do not say when work is approved")
    carried.fill(carried.batch, "lifetime", timedelta(days=7), "the files do not say how long HITs can be found")


# --- requirements -------------------------------------------------------------------------------------------

_SYSTEM = {id_: name for name, id_ in SYSTEM_TYPES.items()} | {MASTERS: "masters", MASTERS_SANDBOX: "masters"}
_COMPARATORS = {api: key for key, api in COMPARATORS.items()}
_GUARDS = {api: key for key, api in GUARDS.items()}


def take_requirements(carried: Carried, wire: Any) -> None:
    """Requirements as the API spells them, each once."""
    found: list[dict[str, Any]] = []
    for one in _listed(wire):
        requirement = _requirement(carried, one) if isinstance(one, dict) else None
        if requirement is not None and requirement in found:
            carried.notes.append(f"The requirement {_flow(requirement)} stood there twice; once is the same.")
        elif requirement is not None:
            found.append(requirement)
    if len(found) > 10:
        carried.notes.append(f"MTurk takes 10 requirements; {len(found) - 10} were left out.")
    if found:
        carried.hit_type["requirements"] = found[:10]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _requirement(carried: Carried, wire: Mapping[str, Any]) -> dict[str, Any] | None:
    type_id, comparator = str(wire.get("QualificationTypeId", "")), str(wire.get("Comparator", ""))
    requirement: dict[str, Any]
    if type_id in _SYSTEM:
        requirement = {"system": _SYSTEM[type_id]}
    elif re.fullmatch("[A-Z0-9]{1,64}", type_id):
        requirement = {"id": type_id}
        carried.notes.append(f"{type_id} stands as somebody else's qualification type, by its id in that account.")
    else:
        carried.notes.append(f'A requirement on "{type_id}" was left out: that is no id of a qualification type.')
        return None
    values = _listed(wire.get("IntegerValues")) or [
        "-".join(filter(None, (str(v.get("Country", "")), str(v.get("Subdivision") or ""))))
        for v in _listed(wire.get("LocaleValues"))
        if isinstance(v, dict)
    ]
    if comparator in ("Exists", "DoesNotExist"):
        requirement["exists"] = comparator == "Exists"
    elif comparator in _COMPARATORS and values:
        key = _COMPARATORS[comparator]
        requirement[key] = list(values) if key in ("in", "not_in") else values[0]
    else:
        carried.notes.append(f'A requirement on {type_id} was left out: "{comparator}" compares nothing.')
        return None
    guards = _GUARDS.get(str(wire.get("ActionsGuarded")), "preview" if wire.get("RequiredToPreview") else "accept")
    return requirement | ({"guards": guards} if guards != "accept" else {})


# --- items --------------------------------------------------------------------------------------------------

_ROW = "row"
_LONGEST_KEY = 100


def choose_key(rows: Sequence[Mapping[str, Any]]) -> str | None:
    """The column that names a row for good: unique, filled, short, and best with `id` in its name."""
    columns = list(rows[0]) if rows else []
    fit = [c for c in columns if _names_rows([str(row.get(c, "")) for row in rows])]
    named = [c for c in fit if re.search(r"(^|[_.-])(id|key|uuid|name)$|[a-z]Id$|ID$", c, re.IGNORECASE)]
    return next(iter(named or fit), None)


def _names_rows(values: Sequence[str]) -> bool:
    return len(set(values)) == len(values) and all(0 < len(v.strip()) <= _LONGEST_KEY for v in values)


def row_column(columns: Iterable[str]) -> str:
    """A name for a column of numbers that is not taken yet."""
    taken = set(columns)
    return next(n for n in (_ROW, *(f"{_ROW}_{i}" for i in range(2, 99))) if n not in taken)


def said_key(carried: Carried, key: str, *, added: bool, rows: int) -> None:
    """Say what names a row, because a HIT is recognised by it for good."""
    if added:
        carried.notes.append(
            f'No column names its rows, so "{key}" with numbers was added to the data of {many(rows, "row")}; '
            "never renumber them."
        )
    elif rows:
        carried.notes.append(
            f'"{key}" was taken as the key, because no two rows share it; say another if you know better.'
        )


# --- YAML ---------------------------------------------------------------------------------------------------


def written(document: Mapping[str, Any], comment: str, notes: Iterable[str]) -> str:
    """A campaign's YAML, after a comment of where it comes from and what is to be known of it."""
    comments = [f"# {comment}"]
    for note in notes:
        comments += wrap(note, 110, initial_indent="# - ", subsequent_indent="#   ", break_on_hyphens=False)
    sections = ["\n".join(_yaml({key: value})) for key, value in document.items()]
    head = "\n".join(s for s in sections if "\n" not in s)
    text = "\n\n".join(["\n".join(comments), head, *(s for s in sections if "\n" in s)])
    return formatted(Path("campaign.yaml"), text.encode(), keys_at)


def _yaml(values: Mapping[str, Any], indent: int = 0) -> list[str]:
    """A map as lines; `formatted` lays them out."""
    pad, lines = " " * indent, []
    for key, value in values.items():
        if isinstance(value, dict) and not all(isinstance(v, str | int) for v in value.values()):
            lines += [f"{pad}{key}:", *_yaml(value, indent + 2)]
        elif isinstance(value, list) and any(isinstance(part, dict) for part in value):
            lines += [f"{pad}{key}:", *(f"{pad}  - {_flow(part)}" for part in value)]
        else:
            lines.append(f"{pad}{key}: {_flow(value)}")
    return lines


def _flow(value: Any) -> str:
    match value:
        case dict():
            return "{" + ", ".join(f"{key}: {_flow(part)}" for key, part in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(_flow, value)) + "]"
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case timedelta():
            return format_duration(value)
        case _:
            return _text(value if isinstance(value, str) else str(value))


def _text(text: str) -> str:
    """A text as YAML: in quotes wherever it might be taken for something else; `${` is a literal one."""
    text = text if isinstance(text, Filled) else text.replace("${", "$${")
    plain = _PLAIN.fullmatch(text) and text.lower() not in _WORDS
    return text if plain else json.dumps(text, ensure_ascii=False)


def _shown(value: Any) -> str:
    return format_duration(value) if isinstance(value, timedelta) else f'"{value}"'
