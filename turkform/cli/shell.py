"""The shell: `completion`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from turkform.cli.commands import Command

if TYPE_CHECKING:
    from turkform.cli.session import Session


@click.command(cls=Command)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print a script that completes commands and options in your shell.

    Examples:
      turkform completion bash > ~/.local/share/bash-completion/completions/turkform
      turkform completion zsh > "${fpath[1]}/_turkform"
      turkform completion fish > ~/.config/fish/completions/turkform.fish
    """
    from click.shell_completion import get_completion_class

    session: Session = ctx.obj
    made = get_completion_class(shell)
    assert made is not None
    session.terminal.out(made(ctx.find_root().command, {}, "turkform", "_TURKFORM_COMPLETE").source())


COMMANDS = (completion,)
