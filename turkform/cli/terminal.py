"""How a command speaks: errors, diagnostics and messages on stderr, results on stdout.

In: errors and documents. Out: text in one style, with colour where a person reads it, or JSON lines where
a program does. Text that may come from a campaign or an endpoint is cleaned of control characters first.
"""

from __future__ import annotations

import difflib
import json
import os
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from turkform.errors import (
    CampaignError,
    Diagnostic,
    Location,
    RefusedError,
    StalePlanError,
    TurkformError,
    UsageError,
)
from turkform.printable import as_json, clean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

_LONGEST_LINE = 160
"""Of a source line under a diagnostic, in characters."""
_DIFF_COLORS = {"+": "green", "-": "red", "@": "cyan"}
_COLORS = {"error": "red", "warning": "yellow", "note": "cyan"}


@dataclass(frozen=True, slots=True)
class Terminal:
    """Where and how to speak."""

    color: bool = True
    """False where `--no-color` was given; `NO_COLOR` and pipes switch colour off by themselves."""
    log_format: str = "text"

    @classmethod
    def from_arguments(cls, arguments: Sequence[str]) -> Terminal:
        """As the arguments ask, read before click has understood them: its own errors are to look the same."""
        words = " ".join(arguments)
        as_json = "--log-format json" in words or "--log-format=json" in words
        return cls("--no-color" not in arguments, "json" if as_json else "text")

    # --- results ----------------------------------------------------------------------------------

    def out(self, text: str = "") -> None:
        """A line of results."""
        click.echo(text)

    def json(self, document: Mapping[str, Any]) -> None:
        """A document of results, keys sorted, safe to show."""
        click.echo(as_json(document))

    def difference(self, path: Path, before: str, after: str) -> None:
        """How a file would change, as `diff -u` shows it."""
        name = str(_near(path))
        lines = (before.splitlines(), after.splitlines())
        for line in difflib.unified_diff(*lines, name, f"{name} (formatted)", lineterm=""):
            click.echo(click.style(clean(line), fg=_DIFF_COLORS.get(line[0])), color=self._colored)

    def console(self, stream: IO[str]) -> Console:
        """A rich console on stdout or stderr."""
        from rich.console import Console

        plain = not self.color or "NO_COLOR" in os.environ
        return Console(file=stream, no_color=plain, highlight=False, soft_wrap=True)

    # --- the rest ---------------------------------------------------------------------------------

    def say(self, message: str, **details: Any) -> None:
        """A line for whoever watches; details stand only in JSON."""
        if self.log_format == "json":
            self._line({"level": "info", "message": message} | details)
        else:
            self._err(clean(message))

    def error(self, error: TurkformError) -> None:
        """An error, once, with what to do next."""
        if isinstance(error, CampaignError):
            self.diagnostics(error.diagnostics)
        if self.log_format == "json":
            self._line({"level": "error", "message": str(error), "hint": error.hint, "exit_code": error.exit_code})
            return
        head = click.style("error: ", fg="red", bold=True)
        match error:
            case RefusedError():
                lines = ["refused; nothing was sent", *(f"- {clean(reason)}" for reason in error.reasons)]
            case StalePlanError():
                lines = ["the plan is no longer true; nothing was sent", *(f"- {clean(m)}" for m in error.moved)]
            case _:
                lines = [clean(line) for line in str(error).splitlines()]
        self._err(head + "\n  ".join(lines or [type(error).__name__]))
        if error.hint:
            self._err(f"  {clean(error.hint)}")

    def failure(self, message: str, hint: str) -> None:
        """One of several things that went wrong; the error that sums them up follows."""
        if self.log_format == "json":
            self._line({"level": "error", "message": message, "hint": hint})
            return
        self._err(click.style("failed: ", fg="red") + clean(message))
        if hint:
            self._err(f"  {clean(hint)}")

    def diagnostics(self, found: Sequence[Diagnostic]) -> None:
        """Problems in files, each as `file:line:column: error: …`, with its line where a person reads it."""
        for diagnostic in found:
            if self.log_format == "json":
                self._line(described(diagnostic))
                continue
            place = f"{_place(diagnostic.location)}: " if diagnostic.location else ""
            word = click.style(f"{diagnostic.severity}: ", fg=_COLORS[diagnostic.severity], bold=True)
            self._err(click.style(clean(place), bold=True) + word + clean(diagnostic.summary))
            if diagnostic.location and sys.stderr.isatty():
                self._err(*_excerpt(diagnostic.location))
            if diagnostic.detail:
                self._err(*(f"  {clean(line)}" for line in diagnostic.detail.splitlines()))

    def usage_error(self, error: click.UsageError) -> None:
        """The command line does not fit; where to read how it would."""
        if isinstance(error, click.exceptions.NoArgsIsHelpError):
            self._err(error.format_message())
            return
        path = error.ctx.command_path if error.ctx else "turkform"
        self.error(UsageError(error.format_message(), f"See `{path} --help`."))

    def bug(self, error: Exception) -> None:
        """What should never happen: one line, and the traceback for whoever asks for it."""
        what = "".join(traceback.format_exception_only(error)).strip()
        hint = "This is a bug in turkform. Run again with TURKFORM_DEBUG=1 for the place, and report it."
        self.error(TurkformError(f"internal error: {what}", hint))
        if os.environ.get("TURKFORM_DEBUG") == "1":
            traceback.print_exception(error, file=sys.stderr)

    def _line(self, record: Mapping[str, Any]) -> None:
        click.echo(json.dumps(record, ensure_ascii=True, default=str), err=True)

    def _err(self, *lines: str) -> None:
        for line in lines:
            click.echo(line, err=True, color=self._colored)

    @property
    def _colored(self) -> bool | None:
        """False where colour is not wanted; None where click may decide by the stream."""
        return None if self.color and "NO_COLOR" not in os.environ else False


def described(diagnostic: Diagnostic) -> dict[str, Any]:
    """A diagnostic as JSON."""
    location = diagnostic.location
    return {
        "level": diagnostic.severity,
        "message": diagnostic.summary,
        "detail": diagnostic.detail,
        "path": ".".join(map(str, diagnostic.path)),
        "file": str(_near(location.path)) if location else "",
        "line": location.line if location else 0,
        "column": location.column if location else 0,
    }


def _place(location: Location) -> str:
    return str(Location(_near(location.path), location.line, location.column))


def _near(path: Path) -> Path:
    """The path as one would type it from here."""
    try:
        return path.resolve().relative_to(Path.cwd())
    except (ValueError, OSError):
        return path


def _excerpt(location: Location) -> list[str]:
    """The source line and a caret under the place; nothing where the file cannot be read any more."""
    if not location.line:
        return []
    try:
        with location.path.open(encoding="utf-8", errors="replace") as file:
            line = next((text for number, text in enumerate(file, 1) if number == location.line), "")
    except OSError:
        return []
    before, after = line[: max(0, location.column - 1)], line[max(0, location.column - 1) :].rstrip("\r\n")
    begin = max(0, len(before) - _LONGEST_LINE // 2)
    shown, number = clean(before[begin:].replace("\t", " ")), str(location.line)
    text = (shown + clean(after.replace("\t", " ")))[:_LONGEST_LINE]
    gutter = " " * len(number)
    lines = [f"  {number} | {text}"]
    return [*lines, f"  {gutter} | {' ' * len(shown)}^"] if location.column else lines
