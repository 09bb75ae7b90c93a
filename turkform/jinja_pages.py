"""Pages in Jinja2: a function of the row and nothing else, in the sandbox, escaped.

In: a `*.html.j2`, what it includes, and a row. Out: the page; the columns it uses; what is wrong, at the
template's line. This is the only module that imports Jinja2, and it is imported only where a page needs it.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import BaseLoader, StrictUndefined, TemplateError, TemplateNotFound, TemplateSyntaxError, meta, nodes
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from turkform import pages
from turkform.errors import CampaignError, Diagnostic, Location
from turkform.questions import Page, RenderError, read_text
from turkform.tables import likely

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from types import TracebackType

    from turkform.questions import Read

_MOST_CHARACTERS = 200_000
"""A page is given up beyond this; a question takes 65,535 bytes."""
_LONGEST_PRODUCT = 1_000_000_000
"""Of numbers; a repeated text would be far beyond a question long before."""
_REFERENCES = (nodes.Extends, nodes.Include, nodes.Import, nodes.FromImport)
_FAILURES = (TemplateError, ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
"""What an expression of a template can raise; MemoryError and the like are not the template's to explain."""


class _Sandbox(ImmutableSandboxedEnvironment):
    """Names are relative to the file that names them; products cannot be made to fill the memory."""

    intercepted_binops = frozenset(("*", "**"))

    def join_path(self, template: str, parent: str) -> str:
        return posixpath.normpath(posixpath.join(posixpath.dirname(parent), template))

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if operator == "**" and (abs(left) > 1_000_000 or abs(right) > 64):
            raise SecurityError("the power is too large")
        if operator == "*" and _size(left) * _size(right) > _LONGEST_PRODUCT:
            raise SecurityError("the product is too large")
        return super().call_binop(context, operator, left, right)


def _size(value: Any) -> int:
    return len(value) if isinstance(value, str | list | tuple) else min(abs(int(value)), _LONGEST_PRODUCT + 1)


class _Sources(BaseLoader):
    """Reads each file once, so that what is rendered is what the fingerprint says."""

    def __init__(self, folder: Path, read: Read) -> None:
        self.folder = folder
        self.read = read
        self.texts: dict[str, str] = {}

    def path(self, name: str) -> Path:
        return self.folder / name

    def get_source(self, environment: Any, template: str) -> tuple[str, str, Callable[[], bool]]:  # noqa: ARG002
        if template not in self.texts:
            if not self.path(template).exists():
                raise TemplateNotFound(template)
            self.texts[template] = read_text(self.path(template), self.read)
        return self.texts[template], str(self.path(template)), lambda: True


class JinjaPage(Page):
    """`*.html.j2`: columns are variables, and `row["any name"]` reaches every column."""

    kind = "jinja"

    def __init__(self, path: Path, text: str, frame_height: int, read: Read) -> None:
        super().__init__(path, frame_height)
        self._sources = _Sources(path.parent, read)
        self._sources.texts[path.name] = text
        self._environment = _Sandbox(autoescape=True, undefined=StrictUndefined, loader=self._sources)
        del self._environment.globals["lipsum"]  # random text
        del self._environment.filters["random"]
        self.digest = hashlib.sha256(text.encode()).hexdigest()
        self._loads: dict[str, Location] = {}
        self._assigned: set[str] = set()
        self._survey(path.name)
        try:
            self._template = self._environment.get_template(path.name)
        except (SyntaxError, *_FAILURES) as error:
            raise self._cannot(error, path) from None

    def page(self, row: Mapping[str, str]) -> str:
        """The page of a row, values escaped."""
        parts, size = [], 0
        values = dict(sorted(row.items()))  # a page that lists the row must not depend on the file's order
        try:
            for part in self._template.generate({**values, "row": values}):
                parts.append(part)
                size += len(part)
                if size > _MOST_CHARACTERS:
                    break
        except _FAILURES as error:
            place = self._line_of(error.__traceback__) or Location(self.path)
            raise RenderError(_said(error), "", place) from None
        page = "".join(parts)
        before, after = pages.wrapper(page) or ("", "")
        return f"{before}{page}{after}"

    def unknown(self, columns: Collection[str], data: Path | None) -> list[Diagnostic]:
        """Every name that is neither a column nor the template's own, where it first stands."""
        told = []
        for name, location in self._loads.items():
            if name in columns or name in self._assigned or name in self._environment.globals:
                continue
            near = likely(name, list(columns))
            known = f"Columns: {', '.join(list(columns)[:20])}." if columns else "The batch has no items:."
            of = f" of {data.name}" if data else ""
            told.append(
                Diagnostic(
                    f'"{name}" is no column{of}',
                    f"Did you mean {near}? {known}" if near else known,
                    location=location,
                )
            )
        return told

    # --- what the template uses -----------------------------------------------------------------------------

    def _survey(self, first: str) -> None:
        """Find the columns used, and every file, from the syntax tree."""
        used: set[str] = set()
        todo, seen = [first], {first}
        while todo:
            name = todo.pop()
            path = self._sources.path(name)
            try:
                tree = self._environment.parse(self._sources.get_source(self._environment, name)[0], name, str(path))
                used |= meta.find_undeclared_variables(tree)
            except (SyntaxError, *_FAILURES) as error:
                raise self._cannot(error, path) from None
            for reference in self._references(tree, name, path):
                if reference not in seen:
                    seen.add(reference)
                    todo.append(reference)
                    self.includes[reference] = hashlib.sha256(self._sources.texts[reference].encode()).hexdigest()
            used |= self._names(tree, name)
        self.includes = dict(sorted(self.includes.items()))
        self.columns = frozenset(used - {"row"})

    def _names(self, tree: nodes.Template, source: str) -> set[str]:
        """Columns reached as `row[…]` or hidden by a global's name; notes every load and assignment."""
        used: set[str] = set()
        loads = {id(node): node for node in tree.find_all(nodes.Name) if node.ctx == "load"}
        guarded = {id(node.node) for node in tree.find_all(nodes.Test) if node.name in ("defined", "undefined")}
        guarded |= {id(node.node) for node in tree.find_all(nodes.Filter) if node.name in ("default", "d")}
        reached: list[Any] = [*tree.find_all(nodes.Getitem), *tree.find_all(nodes.Getattr)]
        for item in reached:
            if not isinstance(item.node, nodes.Name) or item.node.name != "row":
                continue
            name = item.attr if isinstance(item, nodes.Getattr) else getattr(item.arg, "value", None)
            if isinstance(name, str) and not (isinstance(item, nodes.Getattr) and hasattr(dict, name)):
                used.add(name)
                del loads[id(item.node)]
                if id(item) not in guarded:
                    self._loads.setdefault(name, self._place(source, item.lineno, name))
        for key, node in loads.items():
            if node.name == "row":
                self.uses_all = True
            elif key not in guarded:
                self._loads.setdefault(node.name, self._place(source, node.lineno, node.name))
                if node.name in self._environment.globals:
                    used.add(node.name)
        self._assigned.update(node.name for node in tree.find_all(nodes.Name) if node.ctx != "load")
        self._assigned.update(macro.name for macro in tree.find_all(nodes.Macro))
        self._assigned.update(imported.target for imported in tree.find_all(nodes.Import))
        for imported in tree.find_all(nodes.FromImport):
            self._assigned.update(name if isinstance(name, str) else name[1] for name in imported.names)
        self._assigned |= {"self", "super", "loop", "caller", "varargs", "kwargs"}
        return used

    def _place(self, source: str, line: int, name: str) -> Location:
        """The syntax tree has lines only; the column is where the name first stands there."""
        text = re.split(r"\r\n|\r|\n", self._sources.texts[source])[line - 1]  # as Jinja counts lines
        found = re.search(rf"(?<![\w]){re.escape(name)}(?![\w])", text)
        return Location(self._sources.path(source), line, found.start() + 1 if found else 1)

    def _references(self, tree: nodes.Template, name: str, path: Path) -> Iterator[str]:
        """The templates this one names; one whose name is computed is refused."""
        for node in tree.find_all(_REFERENCES):
            place = Location(path, node.lineno)
            written = node.template  # type: ignore[attr-defined] # all four have it
            choices = written.items if isinstance(written, nodes.List | nodes.Tuple) else [written]
            optional = getattr(node, "ignore_missing", False)
            found = False
            for choice in choices:
                if not isinstance(choice, nodes.Const) or not isinstance(choice.value, str):
                    detail = 'Write it out: {% include "part.html" %}, inside an {% if %} where there is a choice.'
                    raise CampaignError(
                        [Diagnostic("the name of an included template is computed", detail, location=place)]
                    )
                reference = self._environment.join_path(choice.value, name)
                try:
                    self._sources.get_source(self._environment, reference)
                except TemplateNotFound:
                    continue
                except CampaignError as error:
                    problems = error.diagnostics
                    raise CampaignError(
                        Diagnostic(
                            p.summary, p.detail, location=p.location if p.location and p.location.line else place
                        )
                        for p in problems
                    ) from None
                except (OSError, ValueError):
                    continue
                found = True
                yield reference
            if not found and not optional:
                names = " or ".join(f'"{c.value}"' for c in choices if isinstance(c, nodes.Const))
                detail = f"Names are relative to {path.name}."
                raise CampaignError([Diagnostic(f"there is no file {names} to include", detail, location=place)])

    # --- errors ---------------------------------------------------------------------------------------------

    def _cannot(self, error: BaseException, path: Path) -> CampaignError:
        """A template that cannot be used at all."""
        line = 1
        if isinstance(error, TemplateSyntaxError):
            line = error.lineno
            path = Path(error.filename) if error.filename else path
        return CampaignError([Diagnostic(f"the template is not Jinja2: {_said(error)}", location=Location(path, line))])

    def _line_of(self, traceback: TracebackType | None) -> Location | None:
        """Where in which template a rendering failed: Jinja2 puts template lines into the traceback."""
        files = {str(self._sources.path(name)): self._sources.path(name) for name in self._sources.texts}
        place = None
        while traceback is not None:
            path = files.get(traceback.tb_frame.f_code.co_filename)
            if path is not None:
                place = Location(path, traceback.tb_lineno)
            traceback = traceback.tb_next
        return place


def _said(error: BaseException) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, TemplateNotFound):
        return f'there is no file "{error.name}" to include'
    message = getattr(error, "message", None) or str(error) or type(error).__name__
    return message if isinstance(error, TemplateError) else f"{type(error).__name__}: {message}"
