"""What pydantic found, in the words of somebody who has to correct the file.

In: the errors of a validation and the tree they are about. Out: `Diagnostic`s with the value, the place and the
remedy; a replacement that a remedy offers validates when it is pasted.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, get_args, get_origin

from turkform.campaign import CAMPAIGN_PATTERN, Campaign
from turkform.errors import Diagnostic, FieldPath
from turkform.kinds.notification import QUEUE_PATTERN, TOPIC_PATTERN
from turkform.kinds.requirement import SYSTEM_TYPES
from turkform.kinds.resource import ID_PATTERN, NAME_PATTERN, WORKER_PATTERN, Section, Wire
from turkform.policies import SHARE_PATTERN
from turkform.tables import likely
from turkform.variables import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from turkform.yaml_tree import Node

_LONGEST_SHOWN = 60


def without_value(root: Node, path: FieldPath = ()) -> Iterator[tuple[FieldPath, Diagnostic]]:
    """Each key or list position with nothing in it: leaving it out is clearer than saying nothing."""
    if root.text is not None and root.plain and root.value is None and path:
        summary = f"{dotted(path)} has no value"
        yield path, Diagnostic(summary, "Write one, or remove the line.", path, root.location)
    for name, (_, value) in (root.entries or {}).items():
        yield from without_value(value, (*path, name))
    for number, part in enumerate(root.parts or ()):
        yield from without_value(part, (*path, number))


def explain(errors: Iterable[Any], root: Node, ignore: Iterable[FieldPath] = ()) -> Iterator[Diagnostic]:
    """One diagnostic an error, placed: unknown key → the key, missing key → the parent, else → the value.

    `ignore` are paths about which something was said already, in their place or in their parent's.
    """
    said = set(ignore)
    parents = {path[:-1] for path in said}
    errors = list(errors)
    # A key that was misspelt is not missing as well.
    said |= {
        (*root.along(e["loc"])[:-1], _meant(root, root.along(e["loc"])))
        for e in errors
        if e["type"] == "extra_forbidden"
    }
    inside = {tuple(e["loc"][:n]) for e in errors for n in range(1, len(e["loc"]))}
    for error in errors:
        if error["type"] == "too_short" and tuple(error["loc"]) in inside:
            continue  # what it lacks is there, and wrong
        if error["input"] == UNKNOWN or (isinstance(error["input"], str) and UNKNOWN in error["input"]):
            continue
        problem = _explain(error, root)
        about = problem.path
        missing = problem.points_at == "parent"
        if any(about[: len(path)] == path for path in said) or (missing and about[:-1] in parents):
            continue
        yield problem


def _explain(error: Any, root: Node) -> Diagnostic:
    kind, loc = error["type"], tuple(error["loc"])
    context = error.get("ctx") or {}
    if kind == "missing":
        parent = root.along(loc[:-1])
        return _missing(root, parent, str(loc[-1]))
    if kind == "extra_forbidden":
        return _unknown(root, root.along(loc))
    path = root.along(loc)
    if loc[-1] == "[key]":
        return _name(root, path, context.get("pattern", ""))
    node = root.get(*path) or root
    if kind == "rule":
        key = context["key"]
        if key and root.get(*path, key) is not None:
            path = (*path, key)
            place = (root.key(*path) or node).location
            return Diagnostic(f"{dotted(path[:-1])}: {context['reason']}", context["remedy"], path, place)
        place = node.location if node.text is not None else (root.key(*path) or node).location
        return Diagnostic(f"{dotted(path)}: {context['reason']}", context["remedy"], path, place)
    said, remedy = _said(kind, context, error["input"], node, path)
    return Diagnostic(f"{dotted(path)}: {said}", remedy, path, node.location)


def _said(kind: str, context: Any, value: Any, node: Node, path: FieldPath) -> tuple[str, str]:
    """What is wrong with a value, and what to write."""
    shown = show(value)
    match kind:
        case "money" | "duration" | "time":
            said, _, remedy = context["reason"].rpartition(". ")
            return said.replace("this is", f"{shown} is"), remedy
        case "string_type":
            if node.text is not None:
                return f"{node.text} is not a text", f'Write "{node.text}", in quotes.'
            return f"{shown} stands where a text is expected", "Write one text."
        case "string_too_short":
            return "the text is empty", "Write one."
        case "string_too_long":
            most = context["max_length"]
            return (
                f"{shown} has {len(value):,} characters; MTurk takes {most:,}",
                f"Shorten it by {len(value) - most:,}.",
            )
        case "string_pattern_mismatch":
            return _pattern(context["pattern"], value)
        case "int_type" | "int_from_float" | "int_parsing" | "int_parsing_size":
            return f"{shown} is not a whole number", _whole(value)
        case "greater_than_equal":
            return f"{shown} is too small", f"Write {context['ge']} or more."
        case "less_than_equal":
            return f"{shown} is too large", f"Write {context['le']:,} or less.".replace(",", "")
        case "bool_type" | "bool_parsing":
            near = "true" if str(value).strip().lower() in ("yes", "y", "on", "1", "true") else "false"
            return f"{shown} is neither true nor false", f"Write {near}, without quotes."
        case "literal_error":
            return _literal(context["expected"], value)
        case "tuple_type":
            if isinstance(value, dict):
                return "a map stands where a list is expected", "Begin each part with  - ."
            parts = [part.strip() for part in str(node.text or value).split(",")]
            return f"{shown} is not a list", f"Write [{', '.join(parts)}]"
        case "too_long":
            most = context["max_length"]
            return f"the list has {context['actual_length']} parts; MTurk takes {most}", f"Keep {most}."
        case "too_short":
            return "the list is empty", "Write a value, or remove the line."
        case "model_type" | "dict_type" | "model_attributes_type":
            return f"{shown} stands where a map of keys is expected", _map(path, value)
        case _:
            return f"{shown} is not valid here ({kind})", ""


def _map(path: FieldPath, value: Any) -> str:
    """The map that belongs here, with the value in it where it fits, else like the example of the reference."""
    model = model_at(path[:-1])
    info = model.model_fields.get(str(path[-1])) if model else None
    example = (info.examples or [None])[0] if info else None
    if not isinstance(example, dict):
        return f"Write {path[-1]}: and, indented below it, its keys." if path else "A campaign file is a map."
    key, usual = next(iter(example.items()))
    if len(example) == 1 and isinstance(value, str) and isinstance(usual, str) and _suffix(value) == _suffix(usual):
        return f"Write {_flow({key: value})}"
    return f"Write it like {_flow(example)}"


def _suffix(text: str) -> str:
    return text.rpartition(".")[2].lower()


def _missing(root: Node, parent: FieldPath, name: str) -> Diagnostic:
    model = model_at(parent)
    info = model.model_fields.get(name) if model else None
    example = (info.examples or [None])[0] if info else None
    detail = f"Add  {name}: {_flow(example)}" if example is not None else f"Add  {name}: …"
    if info and info.description:
        detail += f"   ({info.description})"
    place = root.key(*parent) or root
    what = f"{dotted(parent)} has no {name}:" if parent else f"the campaign has no {name}:"
    return Diagnostic(what, detail, (*parent, name), place.location, points_at="parent")


def _unknown(root: Node, path: FieldPath) -> Diagnostic:
    name, parent = str(path[-1]), path[:-1]
    model = model_at(parent)
    fields = [info.alias or n for n, info in model.model_fields.items()] if model else []
    near = _meant(root, path)
    if near:
        detail = f"Did you mean {near}?"
    else:
        homes = [home for home, inside in _SECTIONS.items() if name in inside.model_fields and inside is not model]
        detail = f"{name}: is a key of {' and '.join(homes)}. " if homes else ""
        detail += f"Write {{system: {name}, …}}. " if name in SYSTEM_TYPES and "system" in fields else ""
        detail += f"Known here: {', '.join(fields)}."
    where = f" in {dotted(parent)}" if parent else ""
    key = root.key(*path) or root
    return Diagnostic(f'unknown key "{name}"{where}', detail, path, key.location, points_at="key")


def _meant(root: Node, path: FieldPath) -> str:
    """The key that an unknown one stands for: the API's name of it, or one spelt much like it."""
    name, parent = str(path[-1]), path[:-1]
    fields = model.model_fields if (model := model_at(parent)) else {}
    wires = {wire.name: n for n, info in fields.items() for wire in info.metadata if isinstance(wire, Wire)}
    taken = (root.get(*parent) or root).entries or {}
    return wires.get(name) or likely(name, [n for n in (i.alias or n for n, i in fields.items()) if n not in taken])


def _name(root: Node, path: FieldPath, pattern: str) -> Diagnostic:
    """A name of the user's own that its pattern refuses."""
    name = str(path[-1])
    said, remedy = _pattern(pattern, name)
    key = root.key(*path) or root
    return Diagnostic(f"{dotted(path[:-1])}: {said}", remedy, path, key.location, points_at="key")


_RULES = {
    NAME_PATTERN: "is not a name: a letter first, then a-z, 0-9, _ and -, at most 40",
    CAMPAIGN_PATTERN: "is not a campaign's name: a letter first, then a-z, 0-9 and -, at most 40",
    WORKER_PATTERN: "is not a worker's id: A first, then A-Z and 0-9",
    SHARE_PATTERN: "is not a share from 0% to 100%",
    QUEUE_PATTERN: "is not the https URL of a queue",
    TOPIC_PATTERN: "is not the ARN of an SNS topic",
    ID_PATTERN: "is not an id: A-Z and 0-9, at most 64",
}


_LIKE = {
    SHARE_PATTERN: "Write one like 30%",
    QUEUE_PATTERN: "Write it like https://sqs.us-east-1.amazonaws.com/123456789012/events",
    TOPIC_PATTERN: "Write it like arn:aws:sns:us-east-1:123456789012:events",
}


def _pattern(pattern: str, value: str) -> tuple[str, str]:
    rule = _RULES.get(pattern, f"does not match {pattern.strip('^$')}")
    slug = re.sub(r"[^a-z0-9]+", "-", value.lower().strip()).lstrip("-0123456789")[:40].strip("-")
    guesses = (value.strip().upper(), slug, slug.replace("-", "_"), value.strip().rstrip("%").split(".")[0] + "%")
    near = next((guess for guess in guesses if re.fullmatch(pattern, guess)), "")
    otherwise = _LIKE.get(pattern, "")
    return f"{show(value)} {rule}", f"Write {near}" if near else otherwise


def _literal(expected: str, value: Any) -> tuple[str, str]:
    choices = re.findall(r"'([^']*)'", expected) or [expected]
    if choices == ["1"]:
        return f"{show(value)} is not the format of this turkform", "Write 1"
    near = likely(str(value), choices) or choices[0]
    if len(choices) == 1:
        return f"{show(value)} is not what can stand here", f"Write {near}"
    others = ", ".join(choice for choice in choices if choice != near)
    return f"{show(value)} is not one of {', '.join(choices)}", f"Write {near} (or {others})"


def _whole(value: Any) -> str:
    text = str(value).strip().rstrip("%").replace(",", "").replace("_", "")
    try:
        near = Decimal(text[:18])
    except ArithmeticError:
        return "Write a number like 20"
    if not near.is_finite():
        return "Write a number like 20"
    return f"Write {int(near)}" + (", without quotes." if isinstance(value, str) and near == int(near) else "")


def show(value: Any) -> str:
    """A value as it stands in the file, shortened."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            short = value if len(value) <= _LONGEST_SHOWN else value[: _LONGEST_SHOWN - 1] + "…"
            return '"' + short.replace("\n", "\\n") + '"'
        case dict():
            return "a map"
        case list() | tuple():
            return "a list"
        case None:
            return "nothing"
        case _:
            return str(value)


def _flow(value: Any) -> str:
    """An example as YAML in one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(part)}" for key, part in value.items()) + "}"
    text = str(value)
    return f'"{text}"' if ": " in text else text


def dotted(path: FieldPath) -> str:
    """A field path as people say it: `hit_types.label.requirements[0].in`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".") or "the campaign"


# --- models by field path ---------------------------------------------------------------------------------


def model_at(path: FieldPath) -> type[Section] | None:
    """The model of the map at a field path; None where there is none."""
    model: type[Section] | None = Campaign
    within = False
    for step in path:
        if within:
            within = False
            continue
        fields = model.model_fields if model else {}
        info = fields.get(str(step)) or next((i for i in fields.values() if i.alias == step), None)
        if info is None:
            return None
        types = list(_types(info.annotation))
        model = next((t for t in types if isinstance(t, type) and issubclass(t, Section)), None)
        within = any(get_origin(t) in (dict, tuple) for t in types)
    return None if within else model


def keys_at(path: FieldPath) -> tuple[str, ...]:
    """The keys that a map at a field path may have, in the order of their declaration; none for names of one's own."""
    model = model_at(path)
    return tuple(info.alias or name for name, info in model.model_fields.items()) if model else ()


def _types(annotation: Any) -> Iterator[Any]:
    """An annotation and everything inside it."""
    yield annotation
    for part in get_args(annotation):
        yield from _types(part)


_SECTIONS: dict[str, type[Section]] = {
    "a campaign": Campaign,
    **{
        name: found
        for name, path in (
            ("an environment", ("environments", "*")),
            ("a qualification type", ("qualification_types", "*")),
            ("a hit type", ("hit_types", "*")),
            ("a requirement", ("hit_types", "*", "requirements", 0)),
            ("a batch", ("batches", "*")),
            ("a question", ("batches", "*", "question")),
        )
        if (found := model_at(path)) is not None
    },
}


def in_file_order(problems: Iterable[Diagnostic], files: Iterable[Path]) -> tuple[Diagnostic, ...]:
    """Every problem once: what has no place first, then file by file, the campaign's own first."""
    order = {path: number for number, path in enumerate(files)}

    def rank(problem: Diagnostic) -> tuple[int, str, int, int]:
        place = problem.location
        if place is None:
            return (-1, "", 0, 0)
        return (order.get(place.path, len(order)), str(place.path), place.line, place.column)

    return tuple(sorted(dict.fromkeys(problems), key=rank))
