"""YAML 1.2 into a tree of nodes that know their places; the only module that imports ruamel.yaml.

In: the bytes of a file. Out: `Node`s, and `Diagnostic`s for what a campaign file must not hold: merge keys,
tags, duplicate and non-string keys, anchors inside themselves, aliases that unfold without end, and lists so
long that they belong into a file of rows.

Values are made from the source text by our own rules: `0.10` becomes a Decimal, never a float, and an unquoted
date stays text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from turkform.errors import CampaignError, Diagnostic, FieldPath, Location

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MOST_NODES = 20_000
"""ruamel reads about 2,500 lines a second; what is longer is data."""
_MOST_UNFOLDED = 100_000
_DEEPEST = 50

_WHOLE = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_DECIMAL = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,4})?")
_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")


@dataclass(slots=True, eq=False)
class Node:
    """A value where it stands: `text` of a scalar, `parts` of a list, or `entries` of a map."""

    location: Location
    text: str | None = None
    plain: bool = False
    """Written without quotes, so that it may be a number, true, false or nothing."""
    parts: list[Node] | None = None
    entries: dict[str, tuple[Node, Node]] | None = None
    """Key → the key's node and the value's."""
    size: int = 1
    """Nodes in all, aliases unfolded."""
    depth: int = 1

    @property
    def value(self) -> Any:
        """A scalar as YAML 1.2 means it; None for lists and maps."""
        text = self.text
        if text is None or not self.plain:
            return text
        if text in _WORDS:
            return _WORDS[text]
        if len(text) < 100 and _WHOLE.fullmatch(text):
            return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
        return Decimal(text) if len(text) < 100 and _DECIMAL.fullmatch(text) else text

    def get(self, *path: str | int) -> Node | None:
        """The value at a field path below this one."""
        found = self._entry(path)
        return found[1] if found else None

    def key(self, *path: str | int) -> Node | None:
        """The key at a field path below this one; a list's part stands for itself."""
        found = self._entry(path)
        return found[0] if found else None

    def _entry(self, path: FieldPath) -> tuple[Node, Node] | None:
        key, value = self, self
        for step in path:
            if value.entries is not None and step in value.entries:
                key, value = value.entries[str(step)]
            elif value.parts is not None and isinstance(step, int) and step < len(value.parts):
                key = value = value.parts[step]
            else:
                return None
        return key, value

    def along(self, path: FieldPath) -> FieldPath:
        """The steps of a path that this tree has: pydantic puts the names of its own branches between."""
        node: Node | None = self
        steps: list[str | int] = []
        for step in path:
            found = node.get(step) if node else None
            if found is not None:
                steps.append(step)
                node = found
        return tuple(steps)


@lru_cache(maxsize=16)
def read_tree(path: Path, data: bytes) -> Node | None:
    """Read one YAML file; None when it holds nothing.

    Raises:
        CampaignError: not UTF-8, not YAML, or with what a campaign file must not hold; all that was found.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode(errors="replace")
        hint = "Save the file as UTF-8."
        raise CampaignError(
            [Diagnostic(f"byte 0x{data[error.start]:02x} is not UTF-8", hint, location=_place(path, before))]
        ) from None
    if odd := _FORBIDDEN.search(text):
        summary = f"the file holds U+{ord(odd[0]):04X}, which YAML does not allow"
        raise CampaignError([Diagnostic(summary, "Remove the character.", location=_place(path, text[: odd.start()]))])
    return _Reader(path, text).read()


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a YAML text, as its scanner cuts it; `kind` is YAML's own word, such as `Key` or `BlockEnd`."""

    kind: str
    start: int
    end: int
    style: str = ""
    """Of a scalar: how it is quoted, or `|` or `>`."""


def tokens(text: str) -> list[Token]:
    """Every token of a text that `read_tree` has read; what lies between two is white space and comments."""
    found = YAML(typ="safe", pure=True).scan(text)
    return [
        Token(
            type(token).__name__.removesuffix("Token"),
            token.start_mark.index,
            token.end_mark.index,
            getattr(token, "style", None) or "",
        )
        for token in found
    ]


def _place(path: Path, before: str) -> Location:
    return Location(path, before.count("\n") + 1, len(before) - before.rfind("\n"))


@dataclass(slots=True)
class _Open:
    """A list or map whose end was not read yet."""

    node: Node
    anchor: str | None
    key: Node | None = None
    skip: bool = False
    """The value that comes next belongs to a key that was refused."""


@dataclass
class _Reader:
    """Builds the tree from the parser's events, without recursion."""

    path: Path
    text: str
    problems: list[Diagnostic] = field(default_factory=list)
    anchors: dict[str, Node | None] = field(default_factory=dict)
    """None while the anchored value is still being read."""
    open: list[_Open] = field(default_factory=list)
    root: Node | None = None
    count: int = 0

    def read(self) -> Node | None:
        try:
            self._events()
        except MarkedYAMLError as error:
            self._not_yaml(error)
        except (YAMLError, ValueError, OverflowError, AssertionError, AttributeError, LookupError, TypeError) as error:
            # The parser meets some malformed directives and escapes with Python's own errors.
            self._problem(Location(self.path, 1, 1), f"the file is not YAML: {str(error).splitlines()[:1]}")
        if self.problems:
            raise CampaignError(self.problems)
        return self.root

    def _events(self) -> None:
        documents = 0
        for event in YAML(typ="safe", pure=True).parse(self.text):
            name = type(event).__name__
            place = Location(self.path, event.start_mark.line + 1, event.start_mark.column + 1)
            match name:
                case "DocumentStartEvent":
                    documents += 1
                    if documents == 2:
                        self._problem(place, "a second document begins here", "Put it into a file of its own.")
                        return
                case "AliasEvent":
                    self._alias(event.anchor, place)
                case "ScalarEvent":
                    plain = event.implicit[0] and not event.style
                    place = self._of_nothing(place) if plain and not event.value else place
                    self._begin(event, Node(place, text=event.value, plain=plain))
                case "SequenceStartEvent":
                    self._begin(event, Node(place, parts=[]))
                case "MappingStartEvent":
                    self._begin(event, Node(place, entries={}))
                case "SequenceEndEvent" | "MappingEndEvent":
                    self._end()
            if self.count > _MOST_NODES:
                self._problem(
                    place,
                    f"the file holds more than {_MOST_NODES:,} values by this line",
                    "Workers, items and blocks in such numbers belong into a file of rows: {file: workers.csv}.",
                )
                return
            if len(self.open) > _DEEPEST:
                self._problem(place, f"values are nested more than {_DEEPEST} deep here")
                return

    def _of_nothing(self, place: Location) -> Location:
        """A value left out stands where its key does, not where the parser noticed."""
        key = self.open[-1].key if self.open else None
        return key.location if key else place

    def _begin(self, event: Any, node: Node) -> None:
        self.count += 1
        if event.tag is not None:
            self._problem(node.location, f'the tag "{event.tag}" is not known here', "Remove it, and quote text.")
        if node.text is not None:
            if odd := _FORBIDDEN.search(node.text):  # by an escape: "\0" stands for what nothing can hold
                summary = f"the text holds U+{ord(odd[0]):04X}, which nothing in a campaign can"
                self._problem(node.location, summary, "Remove the character.")
            if event.anchor:
                self.anchors[event.anchor] = node
            self._add(node)
            return
        if event.anchor:
            self.anchors[event.anchor] = None
        self.open.append(_Open(node, event.anchor))

    def _end(self) -> None:
        closed = self.open.pop()
        if closed.anchor:
            self.anchors[closed.anchor] = closed.node
        self._add(closed.node)

    def _alias(self, name: str, place: Location) -> None:
        node = self.anchors.get(name)
        if node is None:
            why = "stands inside the very value that it names" if name in self.anchors else "has no anchor before it"
            self._problem(place, f'the alias "*{name}" {why}', "Write the value out.")
            node = Node(place, text="", plain=True)
        self._add(node)

    def _add(self, node: Node) -> None:
        if not self.open:
            self.root = node
            return
        holder = self.open[-1]
        if holder.node.parts is not None:
            holder.node.parts.append(node)
        elif holder.key is None and not holder.skip:
            self._key(holder, node)
            return
        else:
            if holder.key is not None and holder.node.entries is not None:
                holder.node.entries[holder.key.text or ""] = (holder.key, node)
            holder.key, holder.skip = None, False
        holder.node.size += node.size
        holder.node.depth = max(holder.node.depth, node.depth + 1)
        if holder.node.size > _MOST_UNFOLDED or holder.node.depth > _DEEPEST:
            self._problem(node.location, "the aliases unfold to far too many values here", "Write the values out.")
            holder.node.size, holder.node.depth = 1, 1
            if holder.node.parts is not None:
                holder.node.parts.clear()
            if holder.node.entries is not None:
                holder.node.entries.clear()

    def _key(self, holder: _Open, node: Node) -> None:
        before = (holder.node.entries or {}).get(node.text or "")
        holder.skip = True
        if node.text is None:
            self._problem(node.location, "a list or a map stands where a key is expected", "Keys are text.")
        elif node.plain and node.text == "<<":
            self._problem(node.location, 'the merge key "<<" is not known here', "Write the keys out.")
        elif not isinstance(node.value, str):
            shown = node.text or "nothing"
            self._problem(node.location, f"the key {shown} is not text", f'Write "{node.text}", in quotes.')
        elif before:
            summary = f'the key "{node.text}" stands here twice, first in line {before[0].location.line}'
            self._problem(node.location, summary, f"Remove one of them; the first is at {before[0].location}.")
        else:
            holder.key, holder.skip = node, False

    def _problem(self, place: Location, summary: str, detail: str = "") -> None:
        self.problems.append(Diagnostic(summary, detail, location=place))

    def _not_yaml(self, error: MarkedYAMLError) -> None:
        """The parser's complaint, with what to do where that can be told."""
        mark = error.problem_mark or error.context_mark
        line = mark.line if mark else 0
        place = Location(self.path, line + 1, (mark.column if mark else 0) + 1)
        said = " ".join(filter(None, (error.problem, error.context))).replace("\n", " ")
        lines = self.text.split("\n")
        source = lines[min(line, len(lines) - 1)]
        self._problem(place, *_explain(said, source))


_ENTRY = re.compile(r"\s*(?:- )?(?P<key>[\w-]+): +(?P<value>[^\"'\[{|>#].*?)\s*")


def _explain(said: str, source: str) -> tuple[str, str]:
    """What the parser said, in the words of somebody who wrote the file."""
    entry = _ENTRY.fullmatch(source)
    if "mapping values are not allowed" in said and entry and ": " in entry["value"]:
        quoted = entry["value"].replace("\\", "\\\\").replace('"', '\\"')
        return 'a text with ": " in it needs quotes', f'Write  {entry["key"]}: "{quoted}"'
    if "\\t" in said or "tab" in said:
        return "a tab stands where YAML wants spaces", "Indent with spaces."
    if re.search(r"[\[{,].*\$\{", source):
        return "inside [ ] and { }, a text with ${…} needs quotes", 'Write it like {reward: "${var.reward}"}.'
    if "flow mapping" in said and ("':'" in said or "but got" in said) and source.count(": ") > 1:
        return f"the map in braces does not end here ({said})", 'In braces, a text with ": " in it needs quotes.'
    if "cannot start any token" in said and entry:
        return f"a text that begins with {entry['value'][0]} needs quotes", f'Write  {entry["key"]}: "{entry["value"]}"'
    if "expected <block end>" in said or "did not find expected" in said:
        return f"the indentation does not fit here ({said})", "Keys of one map begin in one column."
    return f"the file is not YAML here: {said}", ""


def walk(node: Node, path: FieldPath = ()) -> Iterator[tuple[FieldPath, Node]]:
    """Every node with its field path, in file order."""
    yield path, node
    for name, (_, value) in (node.entries or {}).items():
        yield from walk(value, (*path, name))
    for number, part in enumerate(node.parts or ()):
        yield from walk(part, (*path, number))
