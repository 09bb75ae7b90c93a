"""The generated parts of the documentation: what every key means, which rule has which case, what goes wrong.

In: the models, the errors, and the case files under tests/. Out: the tables between `<!-- generated: NAME -->` and
`<!-- end -->` in the pages beside this file. `python docs/generate.py` writes them anew; a test compares.
"""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from ruamel.yaml import YAML

from turkform.campaign import Campaign
from turkform.errors import TurkformError
from turkform.kinds import KINDS
from turkform.kinds.hit_type import HITType
from turkform.kinds.qualification import GRANT, REVOKE
from turkform.kinds.requirement import COMPARATORS, SUBJECTS, Requirement
from turkform.kinds.resource import Ref, Resource, Roster, Section, Wire
from turkform.kinds.worker_block import BLOCK, UNBLOCK
from turkform.money import Money
from turkform.policies import Limit, Policies
from turkform.times import format_duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo

DOCS = Path(__file__).parent
CASES = DOCS.parent / "tests" / "cases"
_PART = re.compile(r"(<!-- generated: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)

CHANGES = {
    # What the planner makes of a change, where the field itself does not say by which operation.
    "campaign": "permanent: another name is another campaign",
    "environments.*.endpoint": "another account: its own plan, its own journal",
    "environments.*.journal": "refused until it names the journal that the account's record names",
    "environments.*.fees": "prices change, nothing is sent",
    "qualification_types.*.name": "fixed at creation; with `renamed_from`, a new type, then the old one is deleted",
    "qualification_types.*.keywords": "fixed at creation: a note",
    "qualification_types.*.renamed_from": "the old type's grants are copied, then it is deleted",
    "qualification_types.*.workers": f"added or other value: {GRANT}; removed: {REVOKE}, silently",
    "qualification_types.*.test": "the whole test is sent again: UpdateQualificationType; it cannot be removed",
    "qualification_types.*.prevent_destroy": "deleting the type is refused, also after this line is gone",
    "blocks": f"added: {BLOCK}; removed: {UNBLOCK}; another reason: a note",
    "batches.*.id": "another id is another batch",
    "batches.*.question": "HITs nobody touched are replaced; HITs with work stay",
    "batches.*.items": "new rows are published, changed rows replaced where nobody touched them, missing rows expired",
    "batches.*.key": "HITs are matched again; nothing is sent where rows are the same",
    "batches.*.limit": "raised: more rows are published; lowered: nothing",
    "batches.*.assignments": "raised: CreateAdditionalAssignmentsForHIT; lowered, or from 9 to 10: refused",
    "batches.*.ends": "in place: UpdateExpirationForHIT",
    "batches.*.status": "closed: UpdateExpirationForHIT, now; open again: priced like a purchase",
    "batches.*.round": "every row is published again, earlier rounds run out",
    "batches.*.on_change": "holds from the next plan on",
    "hit_types.*.notify": "UpdateNotificationSettings, for each HIT type with HITs of ours; removed: turned off",
    "batches.*.decisions": "holds from the next review on",
    "batches.*.review_policies": "fixed at creation: HITs nobody touched are replaced",
}
_TERMS = "new terms: CreateHITType, then UpdateHITTypeOfHIT for HITs nobody touched"
_QUESTION = CHANGES["batches.*.question"]
_NOTHING = "nothing is sent"


# --- keys --------------------------------------------------------------------------------------------------


def sections() -> Iterator[tuple[str, type[Section]]]:
    """Every map of a campaign file with keys of its own: its path, `*` for a name, and its model."""
    waiting: list[tuple[str, type[Section]]] = [("", Campaign)]
    while waiting:
        path, model = waiting.pop(0)
        yield path, model
        for name, info in model.model_fields.items():
            for inner, within in _models(info.annotation):
                if not issubclass(inner, Roster | Limit):
                    inside = f"{path}.{_key(name, info)}{within}"
                    waiting.append((inside.removeprefix("."), inner))


def _models(annotation: Any, within: str = "") -> Iterator[tuple[type[Section], str]]:
    """The models in an annotation, each with `.*` where it stands in a map, `[]` where in a list."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation, within
    inside = {dict: ".*", tuple: "[]"}.get(get_origin(annotation), "")
    for part in get_args(annotation):
        yield from _models(part, within + inside)


def _key(name: str, info: FieldInfo) -> str:
    return info.alias or name


_HEAD = "| Key | What it is | Type and unit | Limits | API field | A change |\n|" + " --- |" * 6


def keys() -> str:
    """A table for each section."""
    schemas = Campaign.model_json_schema(by_alias=True)["$defs"]
    parts = []
    for path, model in sections():
        about = " ".join((model.__doc__ or "").split())
        properties = schemas[model.__name__]["properties"] if path else Campaign.model_json_schema()["properties"]
        rows = [
            f"| `{_key(name, info)}`{'' if not info.is_required() else ' *'} | {_cell(info.description or '')} "
            f"| {_type(info.annotation)} | {_cell(_limits(properties[_key(name, info)], info))} "
            f"| {_api(model, path, name)} | {_cell(_change(model, path, name, info))} |"
            for name, info in model.model_fields.items()
        ]
        heading = f"`{path.replace('.*', '.NAME')}`" if path else "The file"
        parts.append(f"### {heading}\n\n{about}\n\n{_HEAD}\n" + "\n".join(rows))
    return "\n\n".join(parts)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def _type(annotation: Any) -> str:
    """A field's type as people say it, with its unit."""
    text, parts = str(annotation), [part for part in get_args(annotation) if part is not type(None)]
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{value}`" for value in parts)
    match annotation:
        case type() if issubclass(annotation, Money):
            return "US dollars, whole cents"
        case type() if issubclass(annotation, timedelta):
            return "duration: `45s` `10m` `1h30m` `3d` `2w`"
        case type() if issubclass(annotation, datetime):
            return "time with its zone: `2026-12-24T12:00:00Z`"
        case type() if issubclass(annotation, bool):
            return "`true` or `false`"
        case type() if issubclass(annotation, int):
            return "whole number"
        case type() if issubclass(annotation, Roster):
            return f"`{{file: …}}`, or worker id → {annotation.column}"
        case type() if issubclass(annotation, Limit):
            return f"{_type(annotation.model_fields['limit'].annotation)}; or `{{limit, effect}}`"
        case type() if issubclass(annotation, Section):
            return "map of the keys below"
    origin = get_origin(annotation)
    if origin is dict:
        return f"map: NAME → {_type(parts[1])}"
    if origin is tuple:
        return f"list of: {_type(parts[0])}"
    if hasattr(annotation, "__metadata__"):
        return _type(parts[0])
    if len(parts) > 1:
        return " or ".join(dict.fromkeys(_type(part) for part in parts))
    return _type(parts[0]) if parts else "text" if "str" in text else "one value"


_BOUNDS = {
    "minimum": "at least {:,}", "maximum": "at most {:,}", "minLength": "at least {:,} characters",
    "maxLength": "at most {:,} characters", "minItems": "at least {:,} of them", "maxItems": "at most {:,} of them",
}  # fmt: skip


def _limits(schema: Any, info: FieldInfo) -> str:
    """Bounds and default, from the schema and from the constraints that it cannot say."""
    options = [schema, *(part for part in schema.get("anyOf", ()) if part.get("type") != "null")]
    found = [words.format(part[bound]) for bound, words in _BOUNDS.items() for part in options if bound in part]
    found = [text for text in dict.fromkeys(found) if text not in ("at least 1 characters", "at least 0")]
    found += [f"{low} to {high}" for constraint in info.metadata for low, high in _durations(constraint)]
    default = None if info.is_required() else info.get_default()
    told = isinstance(default, str | int | timedelta | Money | Limit) and default != ""
    if told:
        shown = format_duration(default) if isinstance(default, timedelta) else str(default)
        found.append(f"default `{shown.lower() if isinstance(default, bool) else shown}`")
    return "; ".join(found)


def _durations(constraint: Any) -> Iterator[tuple[str, str]]:
    bounds: tuple[Any, ...] = getattr(getattr(constraint, "func", None), "args", ())
    if len(bounds) == 2 and all(isinstance(bound, timedelta) for bound in bounds):
        yield format_duration(bounds[0]), format_duration(bounds[1])


def _api(model: type[Section], path: str, name: str) -> str:
    """How the API spells a key."""
    if model is Requirement:
        comparator = COMPARATORS.get(name.rstrip("_"), "Exists, DoesNotExist" if name == "exists" else "")
        return f"Comparator: {comparator}" if comparator else _OF_REQUIREMENTS.get(name, "")
    wire = model.wires().get(name) if issubclass(model, Resource) else None
    if wire is not None:
        return f"{wire.name}" + (" (its id)" if isinstance(wire, Ref) else "")
    if name == "workers":
        return "WorkerId, IntegerValue"
    if path == "" and name == "blocks":
        return "WorkerId, Reason"
    return ""


_OF_REQUIREMENTS = {"guards": "ActionsGuarded"} | dict.fromkeys(SUBJECTS, "QualificationTypeId")


def _change(model: type[Section], path: str, name: str, info: FieldInfo) -> str:
    """What an edit of this key does in the account."""
    whole = f"{path}.{_key(name, info)}".removeprefix(".")
    if whole in CHANGES:
        return CHANGES[whole]
    if model is HITType or model is Requirement:
        return _TERMS
    if path.startswith("batches.*.question"):
        return _QUESTION
    parent = next((p for p in CHANGES if path.startswith(p) and p != path and "*" in p), None)
    if parent is not None or path in CHANGES:
        return CHANGES[path if path in CHANGES else str(parent)]
    wire: Wire | None = model.wires().get(name) if issubclass(model, Resource) else None
    if wire is not None and wire.update:
        return f"in place: {wire.update}" + ("" if wire.removable else "; it cannot be removed")
    if any(inner for inner, _ in _models(info.annotation) if not issubclass(inner, Limit)):
        return ""
    return "fixed at creation" if wire is not None else _NOTHING


# --- cases -------------------------------------------------------------------------------------------------


def cases() -> str:
    """Kinds by fields by verbs: how many case files there are, and what each is about."""
    yaml = YAML(typ="safe", pure=True)
    parts = []
    for folder in sorted(path for path in CASES.iterdir() if path.is_dir()):
        found = {path.stem: yaml.load(path) for path in sorted(folder.glob("*.yaml"))}
        fields = _fields(folder.name)
        table: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for name, case in found.items():
            for verb in _verbs(case):
                table[_field(name, fields)][verb] += 1
        verbs = sorted({verb for row in table.values() for verb in row})
        head = f"| Field | {' | '.join(verbs)} |\n| --- |{' --- |' * len(verbs)}"
        rows = [
            f"| {field} | {' | '.join(str(row.get(verb, '')) for verb in verbs)} |"
            for field, row in sorted(table.items())
        ]
        about = [f"- `{name}`: {_cell(case['about'])}" for name, case in found.items()]
        parts.append("\n".join([f"### {folder.name}", "", head, *rows, "", *about]))
    return "\n\n".join(parts)


def _fields(kind: str) -> list[str]:
    models: tuple[type[Section], ...] = (*KINDS, Policies)
    model = next((m for m in models if getattr(m, "kind", "policies") == kind), None)
    names = list(model.model_fields) if model else []
    return sorted(names, key=len, reverse=True)


def _field(name: str, fields: list[str]) -> str:
    """The field that a case is about: the one in its name, or the whole resource."""
    singular = {field.removesuffix("s"): field for field in fields}
    return next((f"`{singular[f]}`" for f in singular if re.search(rf"(^|_){f}", name)), "(the whole)")


def _verbs(case: Any) -> list[str]:
    verbs = {call["do"] for call in case.get("calls") or ()}
    verbs |= {"refused"} if case.get("refusals") else set()
    return sorted(verbs) or ["nothing"]


# --- errors ------------------------------------------------------------------------------------------------


def errors() -> str:
    """A row for each class, by exit code."""
    found = sorted(_classes(TurkformError), key=lambda error: (error.exit_code, error.__name__))
    rows = [f"| {error.exit_code} | `{error.__name__}` | {_cell(str(error.__doc__))} |" for error in found]
    return "| Exit code | Error | Means |\n| --- | --- | --- |\n" + "\n".join(rows)


def _classes(error: type[TurkformError]) -> Iterator[type[TurkformError]]:
    yield error
    for part in error.__subclasses__():
        if part.__module__ == TurkformError.__module__:
            yield from _classes(part)


# --- pages -------------------------------------------------------------------------------------------------

PARTS = {"keys": keys, "cases": cases, "errors": errors}


def pages() -> Iterator[tuple[Path, str]]:
    """Each page with generated parts, and its text as it should be."""
    for path in sorted(DOCS.glob("*.md")):
        text = path.read_text(encoding="utf-8")
        made = _PART.sub(lambda part: f"{part[1]}\n{PARTS[part[2]]()}\n\n{part[3]}", text)
        if _PART.search(text):
            yield path, made


if __name__ == "__main__":
    for page, content in pages():
        page.write_text(content, encoding="utf-8")
