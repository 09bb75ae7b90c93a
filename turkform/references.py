"""What the parts of a campaign say about each other: references, ids and names that must not meet.

In: a campaign, as far as it is valid, and its tree. Out: diagnostics; nothing here reads a file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from turkform.errors import Diagnostic, FieldPath
from turkform.tables import likely

if TYPE_CHECKING:
    from collections.abc import Iterator

    from turkform.campaign import Campaign
    from turkform.yaml_tree import Node

RESERVED = "turkform:"
"""Begins the names of campaign records; a type of that name would be taken for one."""


def check_references(campaign: Campaign, root: Node) -> list[Diagnostic]:
    """Everything that is wrong between resources."""
    return [*_hit_types(campaign, root), *_requirements(campaign, root), *_ids(campaign, root), *_names(campaign, root)]


def _declared(root: Node, section: str) -> list[str]:
    """Names, those of resources with mistakes included: their mistakes are told elsewhere."""
    node = root.get(section)
    return list((node and node.entries) or ())


def _place(summary: str, detail: str, path: FieldPath, root: Node) -> Diagnostic:
    node = root.get(*path) or root.key(*path[:-1]) or root
    return Diagnostic(summary, detail, path, node.location)


def _missing(kind: str, name: str, names: list[str]) -> tuple[str, str]:
    near = likely(name, names)
    if near:
        return f'there is no {kind} "{name}"', f"Did you mean {near}?"
    return f'there is no {kind} "{name}"', f"Declared: {', '.join(names)}." if names else f"Declare it under {kind}s:"


def _hit_types(campaign: Campaign, root: Node) -> Iterator[Diagnostic]:
    names = _declared(root, "hit_types")
    for name, batch in campaign.batches.items():
        if batch.hit_type not in names:
            summary, detail = _missing("hit_type", batch.hit_type, names)
            yield _place(f"batches.{name}.hit_type: {summary}", detail, ("batches", name, "hit_type"), root)


def _requirements(campaign: Campaign, root: Node) -> Iterator[Diagnostic]:
    names = _declared(root, "qualification_types")
    for name, hit_type in campaign.hit_types.items():
        for number, requirement in enumerate(hit_type.requirements):
            wanted = requirement.qualification
            if wanted is not None and wanted not in names:
                summary, detail = _missing("qualification_type", wanted, names)
                path: FieldPath = ("hit_types", name, "requirements", number, "qualification")
                yield _place(f"hit_types.{name}.requirements[{number}]: {summary}", detail, path, root)


def _ids(campaign: Campaign, root: Node) -> Iterator[Diagnostic]:
    """A batch's id is its permanent name: two of one id would fight over the same HITs."""
    first: dict[str, str] = {}
    for name, batch in campaign.batches.items():
        own = batch.id or name
        if own in first:
            other = first[own]
            path: FieldPath = ("batches", name, "id") if batch.id else ("batches", other, "id")
            place = root.key("batches", other)
            at = f" (at {place.location})" if place else ""
            summary = f'batches {other}{at} and {name} have one id, "{own}"'
            yield _place(summary, f"Write another, like id: {own}-2", path, root)
        first.setdefault(own, name)


def _names(campaign: Campaign, root: Node) -> Iterator[Diagnostic]:
    """A qualification type is found by its name, by a search that knows neither case nor blanks."""
    first: dict[str, str] = {}
    for name, declared in campaign.qualification_types.items():
        path: FieldPath = ("qualification_types", name, "name")
        folded = " ".join(declared.name.split()).casefold()
        if declared.name.lstrip().casefold().startswith(RESERVED):
            rest = declared.name.lstrip()[len(RESERVED) :].strip() or name
            summary = f'qualification_types.{name}.name: "{declared.name}" begins with {RESERVED}, which is reserved'
            yield _place(summary, f'Write "{rest}"', path, root)
        elif declared.name != declared.name.strip():
            summary = f'qualification_types.{name}.name: "{declared.name}" begins or ends with a blank'
            yield _place(summary, f'Write "{declared.name.strip()}"', path, root)
        if folded in first:
            summary = f'qualification_types {first[folded]} and {name} have one name, "{declared.name}"'
            yield _place(summary, f'Write another, like "{declared.name} 2"', path, root)
        first.setdefault(folded, name)
