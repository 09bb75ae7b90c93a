"""The app: every command under its heading, and what a newcomer reads first."""

from __future__ import annotations

from importlib import import_module
from typing import ClassVar

import click

from turkform import __version__
from turkform.cli.commands import Group

MODULES = {
    "starting": ("init",),
    "files": ("validate", "fmt", "schema"),
    "previewing": ("preview",),
    "planning": ("plan", "show", "check", "graph"),
    "applying": ("apply", "destroy", "close"),
    "standing": ("drift", "log"),
    "status": ("status", "report"),
    "collecting": ("results",),
    "reviewing": ("review",),
    "importing": ("import",),
    "recovering": ("recover",),
    "market": ("serve", "clock", "crowd", "doctor", "copy-store"),
    "requesters": ("requester",),
    "workers": ("worker",),
    "shell": ("completion",),
}
"""Module of this package → its commands. One is imported when it is asked for, so that none waits for the others."""


class App(Group):
    """`turkform` itself."""

    sections: ClassVar = {
        "Write a campaign": ("init", "validate", "fmt", "preview", "schema"),
        "Plan": ("plan", "show", "check", "graph"),
        "Apply": ("apply", "destroy", "close"),
        "Review": ("results", "review"),
        "Look": ("status", "report", "drift", "log"),
        "Take over": ("import", "recover"),
        "Marketplace": ("serve", "clock", "crowd", "requester", "worker", "doctor", "copy-store"),
        "Shell": ("completion",),
    }

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - as click has it
        """Every command's name, whether it was imported yet or not."""
        return sorted(name for names in MODULES.values() for name in names)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command by its name; its module is imported with the first one that is asked for."""
        for module, names in MODULES.items():
            if cmd_name in names and cmd_name not in self.commands:
                for command in import_module(f"turkform.cli.{module}").COMMANDS:
                    self.add_command(command)
        return super().get_command(ctx, cmd_name)


EPILOG = """\b
Start here:
  turkform init my-campaign        a small campaign, ready to apply
  turkform -C my-campaign plan     what would change, and what it costs
  turkform -C my-campaign apply    do it, in a marketplace on this machine

Exit codes: 0 done or nothing to do; 1 error, nothing was sent; 2 changes
(plan --detailed-exitcode); 3 refused; 4 the saved plan is no longer true;
5 another apply is at work; 6 partly applied; 7 an outcome is unknown, run
recover; 64 wrong usage; 130 interrupted."""


@click.group(name="turkform", cls=App, invoke_without_command=True, epilog=EPILOG)
@click.version_option(__version__, prog_name="turkform")
@click.pass_context
def app(ctx: click.Context) -> None:
    """Infrastructure as code for human tasks.

    A campaign is a folder of YAML that declares qualification types, HIT types, batches of HITs and worker
    blocks. turkform compares it with the live account of a Mechanical Turk endpoint, shows what would change
    and what it costs, and then does exactly that, once.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
