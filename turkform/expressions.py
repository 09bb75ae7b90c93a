"""Expressions over the columns of an answer: small, and safe to take from a stranger.

In: a text such as `Answer.animal == Input.known and WorkTimeInSeconds >= 20`. Out: an `Expression`, a function of a
row. It has the spelling of Python's expressions, of which these are known and nothing else:

    columns         Answer.animal, Input.id, Answer["odd name"], WorkTimeInSeconds, WorkerId, ItemKey
    values          numbers, texts in quotes, true, false, lists of them for `in`
    conditions      == != < <= > >=, in, not in, and, or, not; `0 < x < 5`
    numbers         + - * /
    functions       min(a, b), max(a, b), length(text), lower(text), contains(text, part)

Nothing is ever run: Python's parser only says how the text is built, and every part that is not of this list is an
error. An expression has no loops, no powers and at most `LONGEST` characters, so it ends.

All columns are texts. Where a number is needed, a text that is none (an answer left empty, a worker's joke) makes the
result unknown; what is unknown stays so through `not`, `and` and `or`, and an unknown condition does not hold. Texts
are equal without the blanks at their ends, as MTurk compares known answers.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, DivisionByZero, InvalidOperation
from operator import eq, ge, gt, le, lt, ne
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

if TYPE_CHECKING:
    from collections.abc import Sequence

Row: TypeAlias = Mapping[str, str]
Value: TypeAlias = str | Decimal | bool | None
"""None: unknown."""
Kind = Literal["condition", "text", "number", "column"]
_Run: TypeAlias = Callable[[Row], Value]

LONGEST = 1_000
"""Characters of an expression."""
_DEEPEST = 40
ANSWER, INPUT = "Answer.", "Input."
"""Before the names of columns that workers, and that the data gave."""
_GROUPS = (ANSWER[:-1], INPUT[:-1])
_PLAIN = ("WorkTimeInSeconds", "WorkerId", "ItemKey")
_NUMBER = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{1,15})?")
_ORDER: Mapping[str, Callable[[Decimal, Decimal], bool]] = {"==": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge}
_COMPARISONS = {ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
_ARITHMETIC = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
_FUNCTIONS: Mapping[str, tuple[tuple[Kind, ...], Kind]] = {
    "min": (("number", "number"), "number"),
    "max": (("number", "number"), "number"),
    "length": (("text",), "number"),
    "lower": (("text",), "text"),
    "contains": (("text", "text"), "condition"),
}


class ExpressionError(ValueError):
    """A text that is no expression; `remedy` says what to write."""

    def __init__(self, reason: str, remedy: str = "") -> None:
        super().__init__(reason)
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Expression:
    """A function of a row."""

    text: str
    kind: Kind
    columns: frozenset[str]
    """The columns it reads."""
    _run: _Run = field(repr=False, compare=False)

    def holds(self, row: Row) -> bool:
        """Whether a condition holds; what is unknown does not."""
        return self._run(row) is True

    def number(self, row: Row) -> Decimal | None:
        """The number it comes to; None where that is unknown."""
        return _number(self._run(row))

    def value(self, row: Row) -> str:
        """The text it comes to; empty where that is unknown."""
        found = self._run(row)
        return "" if found is None else str(found).strip()


def condition(text: str) -> Expression:
    """Read a condition.

    Raises:
        ExpressionError: it is none.
    """
    found = _parse(text)
    if found.kind != "condition":
        raise ExpressionError(f'"{text}" holds or not for no answer', f'Write a condition, like  {text} == "yes"')
    return found


def amount(text: str) -> Expression:
    """Read an expression that comes to a number.

    Raises:
        ExpressionError: it does not.
    """
    found = _parse(text)
    if found.kind not in {"number", "column"}:
        raise ExpressionError(f'"{text}" is no number', "Write one like  0.02 * Answer.count")
    return found


def value(text: str) -> Expression:
    """Read an expression that comes to a text or a number, such as a column.

    Raises:
        ExpressionError: it is a condition.
    """
    found = _parse(text)
    if found.kind == "condition":
        raise ExpressionError(f'"{text}" is a condition', "Write a column, like  Answer.rating")
    return found


def _parse(text: str) -> Expression:
    if len(text) > LONGEST:
        raise ExpressionError(f"the expression has {len(text):,} characters, and {LONGEST:,} are read", "Shorten it.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes in texts, which are texts all the same
            tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        said = f": {error.msg}" if isinstance(error, SyntaxError) and error.msg else ""
        raise ExpressionError(f'"{_short(text)}" is no expression{said}', _remedy(text)) from None
    compiling = _Compiling(text.strip())
    kind, run = compiling.node(tree, 0)
    return Expression(text, kind, frozenset(compiling.columns), run)


def _remedy(text: str) -> str:
    if re.search(r"(?<![=!<>])=(?!=)", text):
        return "Two values are compared by ==."
    if "&&" in text or "||" in text or "!" in text.replace("!=", ""):
        return "Write and, or, not."
    return "Write one like  Answer.animal == Input.known and WorkTimeInSeconds >= 20"


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:79] + "…"


class _Compiling:
    """Turns a parsed text into a function of a row, or says which part of it is unknown."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.columns: set[str] = set()

    def node(self, node: ast.expr, depth: int) -> tuple[Kind, _Run]:
        """One part, and what it comes to."""
        if depth > _DEEPEST:
            raise ExpressionError("the expression is nested too deeply", "Take it apart, or add a column to the data.")
        match node:
            case ast.Constant():
                return self._constant(node)
            case ast.Name(id="true" | "false"):
                truth = node.id == "true"
                return "condition", lambda _: truth
            case ast.Name() | ast.Attribute() | ast.Subscript():
                return self._column(node)
            case ast.BoolOp():
                return self._joined(node, depth)
            case ast.UnaryOp(op=ast.Not()):
                run = self._of(node.operand, "condition", depth)
                return "condition", lambda row: None if (found := run(row)) is None else not found
            case ast.UnaryOp(op=ast.USub()):
                run = self._of(node.operand, "number", depth)
                return "number", lambda row: None if (found := _number(run(row))) is None else -found
            case ast.BinOp() if type(node.op) in _ARITHMETIC:
                left, right = self._of(node.left, "number", depth), self._of(node.right, "number", depth)
                sign = _ARITHMETIC[type(node.op)]
                return "number", lambda row: _reckoned(sign, _number(left(row)), _number(right(row)))
            case ast.Compare():
                return self._compared(node, depth)
            case ast.Call(func=ast.Name(), keywords=[]):
                return self._called(node, depth)
        raise self._unknown(node)

    def _of(self, node: ast.expr, wanted: Kind, depth: int) -> _Run:
        """A part that has to be of a kind: a column is a text, and a number where one is needed."""
        kind, run = self.node(node, depth + 1)
        if kind == wanted or (kind == "column" and wanted != "condition") or (kind, wanted) == ("number", "text"):
            return run
        said = {"condition": "a condition", "number": "a number", "text": "a text"}[wanted]
        raise ExpressionError(f"{self._written(node)} stands where {said} is needed", _KINDS[wanted])

    def _constant(self, node: ast.Constant) -> tuple[Kind, _Run]:
        found = node.value
        if isinstance(found, str):
            return "text", lambda _: found
        if isinstance(found, int | float) and not isinstance(found, bool):
            written = self._written(node)
            if not _NUMBER.fullmatch(written):
                raise ExpressionError(f"{written} is no number that is read here", "Write it like 1200 or 0.25.")
            number = Decimal(written)
            return "number", lambda _: number
        raise self._unknown(node)

    def _column(self, node: ast.expr) -> tuple[Kind, _Run]:
        """`Answer.a.b`, `Input["a b"]`, or a column of an assignment's own."""
        parts: list[str] = []
        inner = node
        while not isinstance(inner, ast.Name):
            if isinstance(inner, ast.Attribute):
                parts.insert(0, inner.attr)
            elif isinstance(inner, ast.Subscript) and isinstance(inner.slice, ast.Constant):
                parts.insert(0, str(inner.slice.value))
            else:
                raise self._unknown(node)
            inner = inner.value
        name = ".".join([inner.id, *parts])
        if (inner.id in _GROUPS) != bool(parts) or (not parts and inner.id not in _PLAIN):
            there = f"Columns are Answer.NAME, Input.NAME, {', '.join(_PLAIN)}; texts stand in quotes."
            raise ExpressionError(f"{name} is no column", there)
        self.columns.add(name)
        return "column", lambda row: row.get(name, "")

    def _joined(self, node: ast.BoolOp, depth: int) -> tuple[Kind, _Run]:
        """`and` and `or`, in which one part may settle what another leaves unknown."""
        runs = [self._of(part, "condition", depth) for part in node.values]
        settles = isinstance(node.op, ast.Or)

        def run(row: Row) -> Value:
            found = [part(row) for part in runs]
            return settles if settles in found else None if None in found else not settles

        return "condition", run

    def _compared(self, node: ast.Compare, depth: int) -> tuple[Kind, _Run]:
        """One comparison or a chain of them, all of which have to hold."""
        parts = [node.left, *node.comparators]
        links = [
            self._link(left, op, right, depth) for left, op, right in zip(parts, node.ops, parts[1:], strict=False)
        ]

        def run(row: Row) -> Value:
            found = [link(row) for link in links]
            return False if False in found else None if None in found else True

        return "condition", run

    def _link(self, left: ast.expr, op: ast.cmpop, right: ast.expr, depth: int) -> _Run:
        run = self._side(left, depth)
        if isinstance(op, ast.In | ast.NotIn):
            if not isinstance(right, ast.List | ast.Tuple):
                raise ExpressionError(f"in {self._written(right)} is no list", _LIST)
            others = [self._side(part, depth) for part in right.elts]
            wanted = isinstance(op, ast.In)
            return lambda row: _among(run(row), [other(row) for other in others], wanted=wanted)
        sign = _COMPARISONS.get(type(op))
        if sign is None:
            raise ExpressionError("two values are compared by == and !=", "Write == or !=.")
        other = self._side(right, depth)
        return lambda row: _compare(sign, run(row), other(row))

    def _side(self, node: ast.expr, depth: int) -> _Run:
        kind, run = self.node(node, depth + 1)
        if kind == "condition":
            raise ExpressionError(f"{self._written(node)} is a condition, and is compared", _JOIN)
        return run

    def _called(self, node: ast.Call, depth: int) -> tuple[Kind, _Run]:
        name = cast("ast.Name", node.func).id
        if name not in _FUNCTIONS:
            raise ExpressionError(f"there is no function {name}", f"There are {', '.join(_FUNCTIONS)}.")
        wanted, kind = _FUNCTIONS[name]
        if len(node.args) != len(wanted):
            count = "one value" if len(wanted) == 1 else f"{len(wanted)} values"
            raise ExpressionError(f"{name} takes {count}, and {len(node.args)} are given", f"Write {_CALLS[name]}")
        runs = [self._of(part, own, depth) for part, own in zip(node.args, wanted, strict=True)]
        return kind, lambda row: _call(name, [run(row) for run in runs])

    def _unknown(self, node: ast.expr) -> ExpressionError:
        return ExpressionError(f"{_short(self._written(node))} is nothing that an expression may hold", _remedy(""))

    def _written(self, node: ast.expr) -> str:
        return ast.get_source_segment(self.text, node) or "this"


_JOIN = "Join conditions by and, or, not."
_LIST = 'Write  in ["a", "b"], or contains(a, b)'
_KINDS: Mapping[str, str] = {
    "condition": 'Compare it, like  Answer.sure == "yes"',
    "number": "Write a number or a column.",
    "text": "Write a text in quotes or a column.",
}
_CALLS = {
    "min": "min(a, b)", "max": "max(a, b)", "length": "length(text)", "lower": "lower(text)",
    "contains": "contains(text, part)",
}  # fmt: skip


# --- reckoning --------------------------------------------------------------------------------------------


def _number(found: Value) -> Decimal | None:
    """A number, or a text that is one."""
    if isinstance(found, Decimal):
        return found
    if isinstance(found, str) and _NUMBER.fullmatch(found.strip()):
        return Decimal(found.strip())
    return None


def _reckoned(sign: str, left: Decimal | None, right: Decimal | None) -> Decimal | None:
    if left is None or right is None:
        return None
    try:
        match sign:
            case "+":
                return left + right
            case "-":
                return left - right
            case "*":
                return left * right
            case _:
                return left / right
    except (DivisionByZero, InvalidOperation):
        return None


def _compare(sign: str, left: Value, right: Value) -> bool | None:
    """Two numbers, or texts that are; two texts are equal or not whatever they are."""
    if left is None or right is None:
        return None
    if isinstance(left, str) and isinstance(right, str) and sign in {"==", "!="}:
        return (left.strip() == right.strip()) == (sign == "==")
    mine, other = _number(left), _number(right)
    if mine is None or other is None:
        return None
    return _ORDER[sign](mine, other)


def _among(found: Value, others: Sequence[Value], *, wanted: bool) -> bool | None:
    told = [_compare("==", found, other) for other in others]
    return wanted if True in told else None if None in told else not wanted


def _call(name: str, given: Sequence[Value]) -> Value:
    if name in {"min", "max"}:
        numbers = [_number(part) for part in given]
        known = [number for number in numbers if number is not None]
        return None if len(known) < len(numbers) else min(known) if name == "min" else max(known)
    texts = ["" if part is None else str(part) for part in given]
    if None in given:
        return None
    match name:
        case "length":
            return Decimal(len(texts[0]))
        case "lower":
            return texts[0].lower()
        case _:
            return texts[1] in texts[0]
