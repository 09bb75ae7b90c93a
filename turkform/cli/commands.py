"""Commands and groups that take the global options before or after the command.

In: click's declarations. Out: commands that get a `Session`: what the global options say, merged.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, ClassVar

import click

from turkform.cli.session import Session

if TYPE_CHECKING:
    from collections.abc import Mapping


def _global_options() -> list[click.Option]:
    """Fresh options, because click binds an option to its command."""
    return [
        click.Option(["-C", "campaign_folder"], metavar="DIR", help="The campaign's folder.  [default: .]"),
        click.Option(["--env", "environment"], metavar="NAME", help="The environment to work in."),
        click.Option(["--var", "variables"], metavar="NAME=VALUE", multiple=True, help="Set a variable."),
        click.Option(
            ["--allow-outside", "outside"],
            metavar="DIR",
            multiple=True,
            help="Let the campaign read files in DIR, outside its own folder.",
        ),
        click.Option(["--no-color", "no_color"], is_flag=True, help="No colours; NO_COLOR does the same."),
        click.Option(
            ["--log-format", "log_format"],
            type=click.Choice(["text", "json"]),
            help="Progress and errors on stderr as text or as JSON lines.",
        ),
    ]


_GLOBAL = frozenset(option.name for option in _global_options())


def _kept(text: str | None) -> str | None:
    """Help in which paragraphs with indented lines, such as examples, are not filled."""
    if text is None:
        return None
    paragraphs = inspect.cleandoc(text).split("\n\n")
    return "\n\n".join(f"\b\n{part}" if "\n  " in part else part for part in paragraphs)


class _Everywhere(click.Command):
    """A command that takes the global options and shows them apart from its own."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(_global_options())
        self.help, self.epilog = _kept(self.help), _kept(self.epilog)

    def invoke(self, ctx: click.Context) -> Any:
        """Merge what stands here with what stood before the command."""
        given = {name: ctx.params.pop(name) for name in sorted(_GLOBAL & ctx.params.keys()) if name}
        ctx.obj = (ctx.obj if isinstance(ctx.obj, Session) else Session()).merged(**given)
        return super().invoke(ctx)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The command's own options, then the ones every command has."""
        options = [option for option in self.get_params(ctx) if isinstance(option, click.Option)]
        own = [record for o in options if o.name not in _GLOBAL and (record := o.get_help_record(ctx))]
        everywhere = [record for o in options if o.name in _GLOBAL and (record := o.get_help_record(ctx))]
        for title, records in (("Options", own), ("Global options, before or after any command", everywhere)):
            with formatter.section(title):
                formatter.write_dl(records)
        if isinstance(self, click.Group):
            self.format_commands(ctx, formatter)


class Command(_Everywhere):
    """One command."""


class Group(_Everywhere, click.Group):
    """A command with commands of its own."""

    command_class = Command
    sections: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """Heading → names of commands."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Commands under their headings, or all under one."""
        rows = {name: self._row(ctx, name) for name in self.list_commands(ctx)}
        for title, names in (self.sections or {"Commands": tuple(rows)}).items():
            with formatter.section(title):
                formatter.write_dl([rows[name] for name in names if name in rows])

    def _row(self, ctx: click.Context, name: str) -> tuple[str, str]:
        command = self.get_command(ctx, name)
        return name, command.get_short_help_str(100) if command else ""
