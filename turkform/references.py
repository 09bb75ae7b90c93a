"""What the parts of a campaign say about each other: references, ids and names that must not meet.

In: a campaign's values and its tree. Out: diagnostics; nothing here reads a file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from turkform.errors import Diagnostic, FieldPath
from turkform.kinds.resource import Address
from turkform.tables import likely
from turkform.variables import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from turkform.yaml_tree import Node

RESERVED = "turkform:"
"""Begins the names of campaign records; a type of that name would be taken for one."""


def check_references(values: Mapping[str, Any], root: Node) -> list[Diagnostic]:
    """Everything that is wrong between resources, also between those that have mistakes of their own."""
    checks = (_hit_types, _requirements, _ids, _names, _expected_times, _renamed, _refactorings)
    return [problem for check in checks for problem in check(values, root)]


def resources(values: Mapping[str, Any], section: str) -> dict[str, dict[str, Any]]:
    """The maps of a section, by name."""
    found = values.get(section)
    return {name: v for name, v in found.items() if isinstance(v, dict)} if isinstance(found, dict) else {}


def _text(value: Mapping[str, Any], name: str) -> str | None:
    found = value.get(name)
    return found if isinstance(found, str) and UNKNOWN not in found else None


def _place(summary: str, detail: str, path: FieldPath, root: Node) -> Diagnostic:
    node = root.get(*path) or root.key(*path[:-1]) or root
    return Diagnostic(summary, detail, path, node.location)


def _missing(kind: str, name: str, names: list[str]) -> tuple[str, str]:
    near = likely(name, names)
    if near:
        return f'there is no {kind} "{name}"', f"Did you mean {near}?"
    return f'there is no {kind} "{name}"', f"Declared: {', '.join(names)}." if names else f"Declare it under {kind}s:"


def _hit_types(values: Mapping[str, Any], root: Node) -> Iterator[Diagnostic]:
    names = list(values.get("hit_types") or ())
    for name, batch in resources(values, "batches").items():
        wanted = _text(batch, "hit_type")
        if wanted is not None and wanted not in names:
            summary, detail = _missing("hit_type", wanted, names)
            yield _place(f"batches.{name}.hit_type: {summary}", detail, ("batches", name, "hit_type"), root)


def _requirements(values: Mapping[str, Any], root: Node) -> Iterator[Diagnostic]:
    names = list(values.get("qualification_types") or ())
    for name, hit_type in resources(values, "hit_types").items():
        requirements = hit_type.get("requirements")
        for number, requirement in enumerate(requirements if isinstance(requirements, list) else ()):
            wanted = _text(requirement, "qualification") if isinstance(requirement, dict) else None
            if wanted is not None and wanted not in names:
                summary, detail = _missing("qualification_type", wanted, names)
                path: FieldPath = ("hit_types", name, "requirements", number, "qualification")
                yield _place(f"hit_types.{name}.requirements[{number}]: {summary}", detail, path, root)


def _ids(values: Mapping[str, Any], root: Node) -> Iterator[Diagnostic]:
    """A batch's id is its permanent name: two of one id would fight over the same HITs."""
    first: dict[str, str] = {}
    for name, batch in resources(values, "batches").items():
        own = _text(batch, "id") or name
        if own in first:
            other = first[own]
            path: FieldPath = ("batches", name, "id") if "id" in batch else ("batches", other, "id")
            place = root.key("batches", other)
            at = f" (at {place.location})" if place else ""
            summary = f'batches {other}{at} and {name} have one id, "{own}"'
            yield _place(summary, f"Write another, like {own[:38]}-2", path, root)
        first.setdefault(own, name)


def _names(values: Mapping[str, Any], root: Node) -> Iterator[Diagnostic]:
    """A qualification type is found by its name, by a search that knows neither case nor blanks."""
    first: dict[str, str] = {}
    for name, declared in resources(values, "qualification_types").items():
        written = _text(declared, "name")
        if written is None:
            continue
        path: FieldPath = ("qualification_types", name, "name")
        folded = " ".join(written.split()).casefold()
        if folded.startswith(RESERVED):
            rest = written.strip()[len(RESERVED) :].strip() or name
            summary = f'qualification_types.{name}.name: "{written}" begins with {RESERVED}, which is reserved'
            yield _place(summary, f'Write "{rest}"', path, root)
        elif written != written.strip():
            summary = f'qualification_types.{name}.name: "{written}" begins or ends with a blank'
            yield _place(summary, f'Write "{written.strip()}"', path, root)
        if folded in first:
            summary = f'qualification_types {first[folded]} and {name} have one name, "{written}"'
            yield _place(summary, f'Write another, like "{written} 2"', path, root)
        first.setdefault(folded, name)


def _expected_times(values: Mapping[str, Any], root: Node) -> Iterator[Diagnostic]:
    """A policy's expected times are of HIT types that there are."""
    names = list(values.get("hit_types") or ())
    times = resources(values, "policies").get("min_hourly_pay", {}).get("expected_time")
    for name in times if isinstance(times, dict) else ():
        if name not in names:
            summary, detail = _missing("hit_type", name, names)
            path: FieldPath = ("policies", "min_hourly_pay", "expected_time", name)
            place = root.key(*path) or root
            yield Diagnostic(f"policies.min_hourly_pay.expected_time: {summary}", detail, path, place.location)


def _renamed(values: Mapping[str, Any], root: Node) -> Iterator[Diagnostic]:
    """The type that is replaced must be nobody's in the files any more."""
    types = resources(values, "qualification_types")
    names = {_text(declared, "name"): name for name, declared in types.items()}
    first: dict[str, str] = {}
    for name, declared in types.items():
        old = _text(declared, "renamed_from")
        path: FieldPath = ("qualification_types", name, "renamed_from")
        if old is not None and names.get(old, name) != name:
            summary = f'qualification_types.{name}.renamed_from: "{old}" is the name of {names[old]}'
            yield _place(summary, "One of the two cannot be: remove this line, or that type.", path, root)
        elif old is not None and old in first:
            summary = f'qualification_types {first[old]} and {name} both replace "{old}"'
            yield _place(summary, "Keep one of the lines.", path, root)
        first.setdefault(old or "", name)


_SECTIONS = {"qualification_type": "qualification_types", "hit_type": "hit_types", "batch": "batches"}


def _refactorings(values: Mapping[str, Any], root: Node) -> Iterator[Diagnostic]:
    """`moved` and `import` end at what is declared; `moved` and `removed` begin at what is not any more."""
    for section, field, there in (
        ("moved", "from", False), ("moved", "to", True), ("removed", "from", False), ("import", "to", True),
    ):  # fmt: skip
        entries = values.get(section)
        seen: set[str] = set()
        for number, entry in enumerate(entries if isinstance(entries, list) else ()):
            text = _text(entry, field) if isinstance(entry, dict) else None
            if text is None:
                continue
            path: FieldPath = (section, number, field)
            if text in seen:
                yield _place(f"{section}[{number}]: {text} stands twice", "Remove one of the entries.", path, root)
            seen.add(text)
            told = _declared(text, values, there=there)
            if told:
                yield _place(f"{section}[{number}].{field}: {told[0]}", told[1], path, root)


def _declared(text: str, values: Mapping[str, Any], *, there: bool) -> tuple[str, str] | None:
    """What is wrong with an address that has to be declared, or has to be so no more; None where nothing is."""
    try:
        address = Address.parse(text)
    except ValueError:
        return None  # the schema says so
    if address.kind in _SECTIONS:
        names = list(values.get(_SECTIONS[address.kind]) or ())
        if there and address.name not in names:
            return _missing(address.kind, address.name, names)
        ids = {_text(b, "id") for b in resources(values, "batches").values()} if address.kind == "batch" else set()
        found = address.name in names or address.name in ids
    elif address.kind == "grant":
        workers = resources(values, "qualification_types").get(address.name, {}).get("workers")
        found = isinstance(workers, dict) and address.key in workers
    else:
        blocks = values.get("blocks")
        found = isinstance(blocks, dict) and address.key in blocks
    return (f"{address} is still declared", "Remove this entry, or what it is about.") if found and not there else None
