"""The app: every command under its heading, and what a newcomer reads first."""

from __future__ import annotations

from typing import ClassVar

import click

from turkform import __version__
from turkform.cli import (
    applying,
    collecting,
    files,
    importing,
    market,
    planning,
    previewing,
    recovering,
    requesters,
    reviewing,
    shell,
    standing,
    starting,
    status,
    workers,
)
from turkform.cli.commands import Group


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


for _module in (
    starting,
    files,
    previewing,
    planning,
    applying,
    status,
    standing,
    collecting,
    reviewing,
    importing,
    recovering,
    market,
    requesters,
    workers,
    shell,
):
    for _command in _module.COMMANDS:
        app.add_command(_command)
