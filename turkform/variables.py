"""Variables and `${…}`: from what the files, the command line and the environment say, the values meant.

In: the tree of the campaign's files. Out: plain values, every `${var.x}`, `${env}` and `${env:NAME}` replaced;
a text that is exactly one `${var.x}` takes the variable's own type. A value on the command line goes before
`TURKFORM_VAR_x`, that before the environment's, that before the default.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from turkform.errors import Diagnostic, FieldPath, Location
from turkform.money import Money
from turkform.tables import likely
from turkform.times import parse_duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from turkform.yaml_tree import Node

TYPES = ("string", "integer", "money", "duration", "boolean")
_REFERENCE = re.compile(r"\$\$\{|\$\{([^{}\n]*)\}|\$\{")
_ENVIRONMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SECRET = re.compile(r"SECRET|TOKEN|PASSWORD|PASSWD|CREDENTIAL|PRIVATE|API_?KEY|ACCESS_KEY", re.IGNORECASE)
_PLAIN = ("turkform", "campaign")
"""Permanent: the same in every environment, so nothing is replaced in them."""


@dataclass
class Substitution:
    """Replaces `${…}` in the values of one campaign, and collects what cannot be replaced."""

    environment: str
    environ: Mapping[str, str]
    values: Mapping[str, str | int | bool] = field(default_factory=dict)
    known: Iterable[str] = ()
    """Every declared variable, also those without a value, which were reported at their declaration."""
    problems: list[Diagnostic] = field(default_factory=list)

    def plain(self, node: Node, path: FieldPath = ()) -> Any:
        """The value of a node and everything below it, as plain Python."""
        if node.entries is not None:
            return {name: self.plain(value, (*path, name)) for name, (_, value) in node.entries.items()}
        if node.parts is not None:
            return [self.plain(part, (*path, number)) for number, part in enumerate(node.parts)]
        if "${" not in (node.text or "") or path[:1] == ("variables",) or (len(path) == 1 and path[0] in _PLAIN):
            return node.value
        return self.replace(node, path)

    def replace(self, node: Node, path: FieldPath) -> str | int | bool:
        """A scalar with every `${…}` replaced."""
        text = node.text or ""
        whole = _REFERENCE.fullmatch(text)
        if whole and (whole[1] or "").startswith("var."):
            return self._variable(whole[1], node, path)
        return _REFERENCE.sub(lambda match: str(self._text(match, node, path)), text)

    def _text(self, match: re.Match[str], node: Node, path: FieldPath) -> str:
        inside = match[1]
        if is_of_rows(path) and (inside is None or (inside != "env" and not inside.startswith(("var.", "env:")))):
            return match[0]
        if match[0] == "$${":
            return "${"
        if inside is None:
            self._problem(node, path, "${ is opened and not closed", "Write }, or $${ for the text ${ itself.")
        elif inside.startswith("var."):
            value = self._variable(inside, node, path)
            return as_text(value)
        elif inside == "env":
            return self.environment
        elif inside.startswith("env:"):
            return self._environ(inside, node, path)
        else:
            near = likely(inside, list(self.known))
            meant = f"${{var.{near or 'NAME'}}}, ${{env}} or ${{env:NAME}}"
            self._problem(
                node, path, f"${{{inside}}} is nothing turkform knows", f"Write {meant}; $${{ is a literal ${{."
            )
        return UNKNOWN

    def _variable(self, inside: str, node: Node, path: FieldPath) -> str | int | bool:
        name = inside.removeprefix("var.")
        if name in self.values:
            return self.values[name]
        if name not in self.known:
            near = likely(name, list(self.known))
            detail = f"Did you mean ${{var.{near}}}?" if near else f"Declare it:  variables: {{{name}: {{default: …}}}}"
            self._problem(node, path, f"${{{inside}}}: there is no variable {name}", detail)
        return UNKNOWN

    def _environ(self, inside: str, node: Node, path: FieldPath) -> str:
        name = inside.removeprefix("env:")
        if not _ENVIRONMENT.fullmatch(name):
            self._problem(node, path, f"${{{inside}}} names no environment variable", "Write it like ${env:NAME}.")
        elif _SECRET.search(name) and path[:1] != ("environments",):
            # Everything but an environment's own settings is shown in plans, and seen by workers.
            detail = "Secrets are read under environments: only; take a name without SECRET, TOKEN, PASSWORD or KEY."
            self._problem(node, path, f"${{{inside}}} looks like a secret, and would be shown here", detail)
        elif name not in self.environ:
            self._problem(node, path, f"${{{inside}}}: {name} is not set in the environment", f"export {name}=…")
        else:
            return self.environ[name]
        return UNKNOWN

    def _problem(self, node: Node, path: FieldPath, summary: str, detail: str) -> None:
        self.problems.append(Diagnostic(summary, detail, path, node.location))


_OF_ROWS = (
    ("batches", "*", "question", "external"),
    ("batches", "*", "question", "layout", "parameters", "*"),
    ("batches", "*", "review_policies", "known_answers", "answers", "*"),
    ("batches", "*", "review_policies", "known_answers", "answers", "*", "*"),
    ("batches", "*", "decisions", "approve", "known_answers", "*"),
    ("batches", "*", "decisions", "approve", "known_answers", "*", "*"),
    ("batches", "*", "decisions", "approve", "*", "known_answers", "*"),
    ("batches", "*", "decisions", "approve", "*", "known_answers", "*", "*"),
)


def is_of_rows(path: FieldPath) -> bool:
    """Whether a text is filled in from the rows too: what is no variable in it is left for them."""
    return any(
        len(path) == len(pattern) and all(want in ("*", step) for want, step in zip(pattern, path, strict=True))
        for pattern in _OF_ROWS
    )


UNKNOWN = "\0"
"""Stands for a value that was already reported as missing, so that nothing else is said about it."""


def as_text(value: str | int | bool) -> str:  # noqa: FBT001 - a value, not a switch
    """A variable's value inside a longer text."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def needs_substitution(node: Node) -> bool:
    """Whether any text at or below a node holds `${`."""
    parts = [*(node.parts or ()), *(value for _, value in (node.entries or {}).values())]
    return "${" in (node.text or "") or any(map(needs_substitution, parts))


@dataclass
class Variables:
    """Finds the value of each declared variable; what is wrong is collected."""

    root: Node
    environment: str
    given: Mapping[str, str]
    environ: Mapping[str, str]
    problems: list[Diagnostic] = field(default_factory=list)

    def declared(self) -> dict[str, Node]:
        """The declarations, by name."""
        section = self.root.get("variables")
        return {name: value for name, (_, value) in ((section and section.entries) or {}).items()}

    def resolve(self) -> dict[str, str | int | bool]:
        """Each variable's value, of its own type."""
        declared, found = self.declared(), dict[str, str | int | bool]()
        for name in self.given:
            if name not in declared:
                near = likely(name, list(declared))
                detail = f"Did you mean --var {near}=…?" if near else "The campaign declares no such variable."
                self.problems.append(Diagnostic(f"--var {name}: there is no variable {name}", detail))
        here = self.root.get("environments", self.environment, "variables")
        for name, (key, _) in ((here and here.entries) or {}).items():
            if name not in declared:
                near = likely(name, list(declared))
                detail = f"Did you mean {near}?" if near else f"Declare it:  variables: {{{name}: {{}}}}"
                self._problem(key, ("environments", self.environment, "variables", name), f"no variable {name}", detail)
        for name, node in declared.items():
            value = self._value(name, node, here)
            if value is not None:
                found[name] = value
        return found

    def _value(self, name: str, node: Node, here: Node | None) -> str | int | bool | None:
        kind = node.get("type")
        of_type = (kind.text if kind else None) or "string"
        if of_type not in TYPES:
            return None  # the schema says so
        path: FieldPath = ("variables", name)
        if name in self.given:
            return self._typed(self.given[name], of_type, f"--var {name}", None, path)
        if f"TURKFORM_VAR_{name}" in self.environ:
            text = self.environ[f"TURKFORM_VAR_{name}"]
            return self._typed(text, of_type, f"TURKFORM_VAR_{name}", None, path)
        own = here.get(name) if here else None
        if own is not None:
            path = ("environments", self.environment, "variables", name)
            return self._of_node(own, of_type, name, path)
        default = node.get("default")
        if default is not None:
            return self._of_node(default, of_type, f"{name}'s default", (*path, "default"))
        key = self.root.key(*path) or node
        self._problem(
            key,
            path,
            f"the variable {name} has no value",
            f"Give it a default, a value in environments.{self.environment}.variables, or --var {name}=…",
        )
        return None

    def _of_node(self, node: Node, of_type: str, name: str, path: FieldPath) -> str | int | bool | None:
        if node.text is None:
            self._problem(node, path, f"{name} is a list or a map", f"Write one {of_type}.")
            return None
        text = node.text
        if "${" in text:
            text = str(Substitution(self.environment, self.environ, problems=self.problems).replace(node, path))
            if UNKNOWN in text:
                return None
        return self._typed(text, of_type, name, node.location, path)

    def _typed(
        self, text: str, of_type: str, name: str, place: Location | None, path: FieldPath
    ) -> str | int | bool | None:
        """A text as the declared type reads it; numbers and money are kept as they are written."""
        try:
            match of_type:
                case "integer":
                    return _integer(text)
                case "money":
                    return str(Money.parse(text))
                case "duration":
                    parse_duration(text)
                    return text
                case "boolean":
                    return _boolean(text)
                case _:
                    return text
        except ValueError as error:
            said, _, remedy = str(error).rpartition(". ")
            self.problems.append(Diagnostic(f"{name}: {said}", remedy, path, place))
            return None

    def _problem(self, node: Node, path: FieldPath, summary: str, detail: str) -> None:
        self.problems.append(Diagnostic(summary, detail, path, node.location))


def _integer(text: str) -> int:
    if not re.fullmatch(r"[-+]?[0-9]{1,18}", text.strip()):
        try:
            near = int(Decimal(text.strip().replace(",", "").replace("_", "")[:20]))
        except (ArithmeticError, ValueError):
            near = 20
        raise ValueError(f'"{text}" is not a whole number. Write it like {near}')
    return int(text)


def _boolean(text: str) -> bool:
    if text.strip().lower() not in ("true", "false"):
        near = "true" if text.strip().lower() in ("yes", "y", "on", "1") else "false"
        raise ValueError(f'"{text}" is neither true nor false. Write {near}')
    return text.strip().lower() == "true"
