"""The command line: the only place that prints, prompts, exits or starts processes.

In: arguments. Out: results on stdout, everything else on stderr, and an exit code from `errors`. The
modules here import no more than click; what a command needs of the pipeline it imports when it runs, so
that `turkform --help` is quick.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

import click

from turkform.cli.terminal import Terminal
from turkform.errors import TurkformError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

INTERRUPTED = 130
_ALLOCATIONS = 50_000
"""So many between two searches for garbage: next to nothing here is any, and at 700 they take 8 % of a plan."""


def main() -> NoReturn:
    """Run `turkform` with the arguments of this process."""
    gc.set_threshold(_ALLOCATIONS)
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # it would look through all that is installed
    code = run(sys.argv[1:])
    if code == INTERRUPTED:
        # Who was told twice to stop waits for no answers, and Python would: it joins the threads that do.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run one command; every way it can end becomes an exit code here, and every error is told once."""
    from turkform.cli.app import app

    signal.signal(signal.SIGTERM, _interrupt)
    terminal = Terminal.from_arguments(arguments)
    try:
        code = app.main(list(arguments), prog_name="turkform", standalone_mode=False)
        sys.stdout.flush()
    except click.UsageError as error:
        terminal.usage_error(error)
        return UsageError.exit_code
    except click.ClickException as error:
        terminal.error(TurkformError(error.format_message()))
        return TurkformError.exit_code
    except (click.Abort, KeyboardInterrupt):
        terminal.say("interrupted")
        return INTERRUPTED
    except TurkformError as error:
        terminal.error(error)
        return error.exit_code
    except BrokenPipeError:
        # Whoever read our results has stopped; nothing more can be said on that pipe, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return TurkformError.exit_code
    except Exception as error:  # noqa: BLE001 - the one place where a bug is told as what it is
        terminal.bug(error)
        return TurkformError.exit_code
    return code if isinstance(code, int) else 0


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    """SIGTERM ends a command as Ctrl-C does; `apply` puts its own handler in this one's place."""
    raise KeyboardInterrupt
