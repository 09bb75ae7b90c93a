"""Campaign files in one form: the same values and the same comments, laid out alike.

In: the text of a YAML file that `yaml_tree` reads. Out: its text as `fmt` writes it, which `fmt` leaves as it is:

- keys of one map in the order of the reference (the names of a campaign's own keep theirs, and so does
  everything where the file has an alias, which must follow its anchor, or a text that ends in empty lines);
- two spaces to a level, lists included; double quotes where there are single ones;
- a map in braces or a list in brackets in one line where it fits there and has no comment, else a key a line;
- at most one empty line in a row, and no space at the end of any.

The text is cut into tokens, and what lies between them are its comments. Each belongs to the entry that it
stands above or beside, and moves with it.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from turkform.errors import CampaignError, Diagnostic, Location, TurkformError
from turkform.files import Files, UnreadableFileError
from turkform.loader import yaml_files
from turkform.messages import keys_at
from turkform.yaml_tree import Node, Token, read_tree, tokens, walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from turkform.errors import FieldPath

    Order = Callable[[FieldPath], Sequence[str]]
    """Field path of a map → its keys in order; nothing where the order is the author's."""

WIDTH = 120
"""A map in braces or a list in brackets ends before this column, or is written out."""
_STEP = 2
_COMMENT = re.compile("#[^\n]*")
_FOR_EDITORS = "# yaml-language-server:"
"""What editors look for at the top of a file."""


def formatted(path: Path, data: bytes, order: Order) -> str:
    """The text of a YAML file in the one form.

    Raises:
        CampaignError: it is not YAML, or holds what no campaign file may.
        TurkformError: the form would not mean the same; the file is beyond this formatter.
    """
    before = read_tree(path, data)
    text = data.decode("utf-8-sig").replace("\r\n", "\n")
    scanned = tokens(text)
    layout = _Layout(text, scanned, order).text() if before is not None else _comments_only(text)
    after = read_tree(path, layout.encode())
    if not _same(before, after) or _comments(text, scanned) != _comments(layout, tokens(layout)):
        raise TurkformError(f"{path} cannot be formatted without changing what it says", "It was left as it is.")
    return layout


def format_campaign(folder: Path, allow_outside: Sequence[Path] = ()) -> Iterator[tuple[Path, str, str]]:
    """Each YAML file of a campaign, as it is and as it should be.

    Raises:
        CampaignError: there is no campaign, or one of its files is not YAML.
        TurkformError: a file is beyond this formatter.
    """
    files = Files(folder, allow_outside)
    for path in yaml_files(folder):
        try:
            data = files.read(path.relative_to(folder))
        except UnreadableFileError as error:
            raise CampaignError([Diagnostic(error.summary, error.detail, location=Location(path))]) from None
        after = formatted(path, data, keys_at)
        yield path, data.decode(), after


def _comments_only(text: str) -> str:
    lines = [line.strip() for line in text.strip().split("\n")]
    return "\n".join(lines).strip("\n") + "\n" if any(lines) else ""


def _same(one: Node | None, other: Node | None) -> bool:
    """Whether two trees say the same, wherever their values stand and in whatever order their keys."""
    if one is None or other is None:
        return one is other
    pairs = zip(sorted(walk(one), key=_steps), sorted(walk(other), key=_steps), strict=False)
    return one.size == other.size and all(
        (path, node.value, node.text is None or node.plain, node.entries is None, node.parts is None)
        == (path_, node_.value, node_.text is None or node_.plain, node_.entries is None, node_.parts is None)
        and type(node.value) is type(node_.value)
        for (path, node), (path_, node_) in pairs
    )


def _steps(found: tuple[FieldPath, Node]) -> list[tuple[bool, str]]:
    return [(isinstance(step, int), str(step)) for step in found[0]]


def _comments(text: str, scanned: Sequence[Token]) -> Counter[str]:
    """Every comment, and how often it stands there."""
    found, position = Counter[str](), 0
    for token in scanned:
        found.update(comment.rstrip() for comment in _COMMENT.findall(text, position, token.start))
        position = max(position, token.end)
        if token.style in ("|", ">"):
            found.update(comment.rstrip() for comment in _COMMENT.findall(_header(text, token)))
    return found


def _header(text: str, token: Token) -> str:
    """The line with which a block of text begins: `|-  # comment`."""
    return text[token.start : token.end].split("\n", 1)[0]


@dataclass(slots=True, eq=False)
class _Comment:
    text: str
    column: int
    blank: bool
    """An empty line stands above it."""


@dataclass(slots=True, eq=False)
class _Value:
    """A value as it was written; `entries` of a map or a list, or the lines of a scalar."""

    anchor: str = ""
    lines: list[str] = field(default_factory=list)
    style: str = ""
    entries: list[_Entry] | None = None
    is_map: bool = False
    flow: bool = False
    column: int = 0
    """Where its entries began; of a scalar, where those began that it is one of."""
    ends_file: bool = False
    last: list[_Comment] = field(default_factory=list)
    """Comments below the last entry that belong to this value."""


@dataclass(slots=True, eq=False)
class _Entry:
    """A key and its value, or a part of a list, with the comments above it and beside it."""

    key: _Value | None = None
    value: _Value = field(default_factory=_Value)
    above: list[_Comment] = field(default_factory=list)
    beside: list[_Comment] = field(default_factory=list)
    blank: bool = False
    """An empty line stands above it."""


class _Layout:
    """Reads the tokens of one text, and writes them again."""

    def __init__(self, text: str, scanned: Sequence[Token], order: Order) -> None:
        self.source, self.order = text, order
        self.tokens = [t for t in scanned if t.kind not in _FRAME]
        self.end = Token("StreamEnd", len(text), len(text))
        self.keeps_order = any(t.kind == "Alias" or self._keeps_what_follows(t) for t in scanned)
        self.next = 0
        self.position = 0
        """Up to here comments were read."""
        self.kept = 0
        """Up to here empty lines are part of a text."""
        self.pending: list[_Comment] = []
        self.current: _Entry | None = None
        """What a comment at the end of this line belongs to."""

    def _keeps_what_follows(self, token: Token) -> bool:
        """Whether the empty lines below a block of text are part of it."""
        return token.style in ("|", ">") and "+" in _header(self.source, token).partition("#")[0]

    def text(self) -> str:
        """The whole text, laid out."""
        root = self._value()
        self._gap(self.end)
        root.last += self.pending
        head = self._of_the_file(root) if root.entries else []
        if root.entries is None:
            body = [*self._scalar(root, 0), *self._written(root.last, 0)]
        elif root.flow and not root.last and (line := self._inline(root)) and len(line) <= WIDTH:
            body = [line]
        else:
            body = self._block(root, 0, ())
        lines = head + body
        while lines and not lines[0]:
            del lines[0]
        return "\n".join(lines) + "\n"

    def _of_the_file(self, root: _Value) -> list[str]:
        """The comments that stay at the top, whatever key comes first: those above an empty line, and the editors'."""
        assert root.entries
        first = root.entries[0]
        ends = [n for n, comment in enumerate(first.above) if n and comment.blank]
        ends += [len(first.above)] if first.above and first.blank else []
        many = ends[-1] if ends else sum(comment.text.startswith(_FOR_EDITORS) for comment in first.above[:1])
        head, first.above = first.above[:many], first.above[many:]
        for comment in first.above[:1]:
            comment.blank = False
        first.blank = first.blank and bool(first.above)
        return [*self._written(head, 0), *([""] if ends else [])]

    # --- reading ----------------------------------------------------------------------------------

    def _peek(self) -> Token:
        return self.tokens[self.next] if self.next < len(self.tokens) else self.end

    def _take(self) -> Token:
        token = self._peek()
        self._gap(token)
        self.next += 1
        return token

    def _gap(self, token: Token) -> None:
        """Read the comments before a token; those beside something are its own, the others wait."""
        for match in _COMMENT.finditer(self.source, self.position, token.start):
            begin = self.source.rfind("\n", 0, match.start()) + 1
            alone = not self.source[begin : match.start()].strip()
            comment = _Comment(match[0].rstrip(), match.start() - begin, self._blank_above(begin))
            if not alone and self.current is not None:
                self.current.beside.append(comment)
            else:
                self.pending.append(comment)
        self.position = max(self.position, token.end)

    def _blank_above(self, begin: int) -> bool:
        """Whether the line before the one that begins here is empty."""
        above = self.source.rfind("\n", 0, max(0, begin - 1)) + 1
        return begin > 0 and above >= self.kept and not self.source[above : begin - 1].strip()

    def _entry(self) -> _Entry:
        """A new entry, which begins with the token just taken."""
        token = self.tokens[self.next - 1]
        begin = self.source.rfind("\n", 0, token.start) + 1
        alone = not self.source[begin : token.start].strip()
        entry = _Entry(above=self.pending, blank=alone and self._blank_above(begin))
        self.pending, self.current = [], entry
        return entry

    def _value(self, column: int = 0) -> _Value:
        """The value that begins here, in a map or list of this column; nothing where the next token ends one."""
        anchor = ""
        if self._peek().kind == "Anchor":
            token = self._take()
            anchor = self.source[token.start : token.end]
        match self._peek().kind:
            case "Scalar" | "Alias":
                found = self._leaf(self._take(), column)
            case "BlockMappingStart":
                found = self._opened(is_map=True)
                while self._peek().kind in ("Key", "Value"):
                    self._pair(found)
                self._closed(found)
            case "BlockSequenceStart":
                found = self._opened(is_map=False)
                self._parts(found)
                self._closed(found)
            case "BlockEntry":  # a list no deeper than its key has neither start nor end
                found = _Value(entries=[], column=column)
                self._parts(found)
            case "FlowMappingStart" | "FlowSequenceStart":
                found = self._flow()
            case _:
                found = _Value()
        found.anchor = anchor
        return found

    def _leaf(self, token: Token, column: int) -> _Value:
        lines = self.source[token.start : token.end].split("\n")
        if self._keeps_what_follows(token):
            self.kept = token.end
        ends = token.end == len(self.source)
        return _Value(
            lines=lines, ends_file=ends, style=token.style or ("*" if token.kind == "Alias" else ""), column=column
        )

    def _opened(self, *, is_map: bool) -> _Value:
        token = self._take()
        column = token.start - self.source.rfind("\n", 0, token.start) - 1
        return _Value(entries=[], is_map=is_map, column=column)

    def _closed(self, value: _Value) -> None:
        """The end of a block: comments that are indented like it or deeper are its last ones."""
        self._take()
        inside = next((n for n, c in enumerate(self.pending) if c.column < value.column), len(self.pending))
        value.last, self.pending = self.pending[:inside], self.pending[inside:]

    def _parts(self, value: _Value) -> None:
        while self._peek().kind == "BlockEntry":
            self._take()
            entry = self._entry()
            assert value.entries is not None
            value.entries.append(entry)
            entry.value = self._value(value.column)

    def _pair(self, value: _Value) -> None:
        """A key and its value, either of which may be left out."""
        if self._peek().kind == "Key":
            self._take()
        else:
            self._gap(self._peek())
        entry = self._entry()
        assert value.entries is not None
        value.entries.append(entry)
        entry.key = self._value()
        if self._peek().kind == "Value":
            self._take()
            entry.value = self._value(value.column)

    def _flow(self) -> _Value:
        """A map in braces or a list in brackets."""
        owner = self.current
        found = self._opened(is_map=self._peek().kind == "FlowMappingStart")
        found.flow, entries = True, found.entries
        assert entries is not None
        while self._peek().kind not in ("FlowMappingEnd", "FlowSequenceEnd", "StreamEnd"):
            if self._peek().kind == "FlowEntry":
                self._take()
            elif found.is_map:
                self._pair(found)
            else:
                self._gap(self._peek())
                entry = self._entry()
                entries.append(entry)
                if self._peek().kind == "Key":  # [a: b] is a list of one map
                    entry.value = _Value(entries=[], is_map=True, flow=True)
                    self._pair(entry.value)
                else:
                    entry.value = self._value()
        self._take()
        found.last, self.pending, self.current = self.pending, [], owner
        return found

    # --- writing ----------------------------------------------------------------------------------

    def _block(self, value: _Value, indent: int, path: FieldPath) -> list[str]:
        """The entries of a map or a list, each on lines of its own."""
        lines: list[str] = []
        ordered = self._ordered(value, path)
        moved = not path and any(one is not other for one, other in zip(ordered, value.entries or (), strict=True))
        many = False
        for number, entry in enumerate(ordered):
            step = number if entry.key is None else "".join(entry.key.lines).strip("\"'")
            body = self._entry_lines(entry, indent, (*path, step))
            above = self._written(entry.above, indent)
            if entry.blank:
                above.append("")
            if moved and (many or len(body) > 1) and above[:1] != [""]:
                above.insert(0, "")
            many = len(body) > 1
            if not lines:
                above = above[next((n for n, line in enumerate(above) if line), len(above)) :]
            elif lines[-1] == "" and above[:1] == [""]:
                del above[0]
            lines += above + body
        return lines + self._written(value.last, indent)

    def _ordered(self, value: _Value, path: FieldPath) -> list[_Entry]:
        entries = value.entries or []
        known = {} if self.keeps_order or not value.is_map else {k: n for n, k in enumerate(self.order(path))}
        return sorted(entries, key=lambda e: known.get("".join(e.key.lines).strip("\"'") if e.key else "", len(known)))

    @staticmethod
    def _written(comments: Sequence[_Comment], indent: int) -> list[str]:
        lines = []
        for comment in comments:
            lines += ["", " " * indent + comment.text] if comment.blank else [" " * indent + comment.text]
        return lines

    def _entry_lines(self, entry: _Entry, indent: int, path: FieldPath) -> list[str]:
        """One entry, without the comments above it."""
        value, pad = entry.value, " " * indent
        head = pad + (self._key(entry.key) + ":" if entry.key is not None else "-")
        inline = self._inline(value, path)
        if value.entries is None:
            first, *rest = self._scalar(value, indent)
            lines = [f"{head} {first}".rstrip(), *rest]
            block = value.style in ("|", ">")
            return self._commented(lines, entry.beside, 0 if block or not rest else len(lines) - 1, pad)
        if inline is not None and (len(head) + 1 + len(inline) <= WIDTH or not value.entries):
            return self._commented([f"{head} {inline}"], entry.beside, 0, pad)
        if value.anchor:
            head += f" {value.anchor}"
        inside = self._block(value, indent + _STEP, path)
        if entry.key is not None or value.anchor:
            return self._commented([head, *inside], entry.beside, 0, pad)
        # A map in a list begins beside the dash; comments that stood there go above it.
        above = next((n for n, line in enumerate(inside) if line and not line.lstrip().startswith("#")), 0)
        hoisted = [c for c in inside[:above] if c] + [pad + "  " + c.text for c in entry.beside]
        inside = inside[above:]
        return [pad + line.lstrip() for line in hoisted] + [head + inside[0][len(head) :], *inside[1:]]

    @staticmethod
    def _commented(lines: list[str], beside: Sequence[_Comment], at: int, pad: str) -> list[str]:
        """The lines of an entry with the comment beside it, in its old column where there is room."""
        if not beside:
            return lines
        *others, last = beside
        line = lines[at]
        lines[at] = line + " " * max(2, last.column - len(line)) + last.text
        return [*(pad + comment.text for comment in others), *lines]

    def _key(self, key: _Value) -> str:
        text = self._inline(key)
        return (text or "") + (" " if key.style == "*" else "")

    def _inline(self, value: _Value, path: FieldPath = ()) -> str | None:
        """A value in one line, or None where it needs several."""
        anchor = f"{value.anchor} " if value.anchor else ""
        if value.entries is None:
            text = self._one_line(value)
            return None if text is None else (anchor + text).rstrip()
        if value.entries and not value.flow:
            return None
        if value.last or any(entry.above or entry.beside for entry in value.entries):
            return None
        parts = []
        for number, entry in enumerate(self._ordered(value, path)):
            step = number if entry.key is None else "".join(entry.key.lines).strip("\"'")
            text = self._inline(entry.value, (*path, step))
            if text is None:
                return None
            parts.append(text if entry.key is None else f"{self._key(entry.key)}: {text}")
        inside = ", ".join(parts)
        return anchor + ("{" + inside + "}" if value.is_map else "[" + inside + "]")

    @staticmethod
    def _one_line(value: _Value) -> str | None:
        if len(value.lines) > 1:
            words = [line.strip() for line in value.lines]
            return " ".join(words) if not value.style and all(words) else None
        return _double_quoted(value.lines[0]) if value.style == "'" else "".join(value.lines)

    def _scalar(self, value: _Value, indent: int) -> list[str]:
        """A scalar after the key or dash at this indent; further lines with their own indent."""
        anchor = f"{value.anchor} " if value.anchor else ""
        if value.style in ("|", ">"):
            return self._text_block(value, indent, anchor)
        if len(value.lines) < 2:
            return [anchor + (self._one_line(value) or "")]
        pad = " " * (indent + _STEP)
        first, *rest = value.lines
        if not value.style:
            first, rest = first.rstrip(), [line.strip() for line in rest]
        return [anchor + first, *(pad + line.lstrip() if line.strip() else "" for line in rest)]

    @staticmethod
    def _text_block(value: _Value, indent: int, anchor: str) -> list[str]:
        """A block of text, whose first line says how deep it is unless its header does."""
        head, *body = value.lines
        words, _, comment = head.partition("#")
        if body and body[-1].strip(" ") and value.ends_file:
            words = words.rstrip(" +-") + "-"  # the text has no line end after it, and would get one
        head = words.strip() + (f"  #{comment}".rstrip() if comment else "")
        if body and not body[-1].strip(" "):
            del body[-1]
        while body and not body[-1].strip(" ") and "+" not in words:
            del body[-1]
        if given := re.search("[1-9]", words):
            head, deep = head.replace(given[0], str(_STEP), 1), value.column + int(given[0])
        else:
            first = next((line for line in body if line.strip(" ")), "")
            deep = len(first) - len(first.lstrip(" "))
        return [anchor + head, *(" " * (indent + _STEP) + line[deep:] if line.strip(" ") else "" for line in body)]


_FRAME = {"StreamStart", "StreamEnd", "DocumentStart", "DocumentEnd", "Directive"}


def _double_quoted(text: str) -> str:
    """A text in single quotes in double ones, where that needs no escapes."""
    inside = text[1:-1].replace("''", "'")
    return text if '"' in inside or "\\" in inside else f'"{inside}"'
