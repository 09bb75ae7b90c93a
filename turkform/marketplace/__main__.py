"""`python -m turkform.marketplace`: run the server, move its clock, play its workers.

The commands beside `serve` speak to a running server with the token in its control file.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from turkform.marketplace.calling import CONTROL, MASTER, STORE, Duration, call
from turkform.marketplace.crowd.command import crowd
from turkform.marketplace.doctor_command import doctor
from turkform.marketplace.requester_commands import requester
from turkform.marketplace.worker_commands import worker

_USAGE = 64


@click.group()
def main() -> None:
    """The marketplace: a server that speaks the Mechanical Turk Requester API."""


@main.command()
@click.option("--rehearsal", is_flag=True, help="Loopback only, any access key, a clock that can be moved.")
@click.option("--public-url", metavar="URL", help="Where people and programs reach it: https://...")
@click.option("--tasks-url", metavar="URL", help="The host below which each HIT group has its own: https://...")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8750, show_default=True, help="0 takes a free one.")
@STORE
@MASTER
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Processes, on PostgreSQL.")
@click.option("--fees", default="mturk", show_default=True, help="mturk, none, or a percentage like 10%.")
@click.option("--fault", multiple=True, help="Trouble on request, such as throttle=20/s or lost-answer=0.01.")
@click.option(
    "--notify-allow", multiple=True, metavar="HOST[:PORT]", help="Where notifications may go, beside this machine."
)
@click.option(
    "--notify-keys", type=click.Path(path_type=Path), help="JSON: host to access_key and secret_key, or to secret."
)
@click.option("--log", type=click.Choice(["calls", "errors"]), help="What to log.  [default: calls; rehearsal: errors]")
@click.option("--control-file", type=click.Path(path_type=Path), help="Write address and token here, mode 0600.")
@click.option("--linger", type=float, help="End so many seconds after the last control connection closed.")
def serve(**words: Any) -> None:
    """Run the marketplace until SIGTERM or SIGINT."""
    from turkform.marketplace.start import StartError, WordError, start

    try:
        code = start(**words, announce=lambda url: click.echo(f"serving {url}"))
    except WordError as error:
        raise click.UsageError(str(error)) from None
    except StartError as error:
        raise click.ClickException(str(error)) from None
    sys.exit(code)


@main.command()
@CONTROL
@click.option("--advance", type=Duration(), default=0, help="How far to move it on: 3d, 2h, 90s.")
def clock(control_file: Path, advance: int) -> None:
    """Tell a rehearsal's clock, or move it on."""
    click.echo(call(control_file, "clock", {"advance_seconds": advance})["now"])


@main.command("copy-store")
@click.argument("source")
@click.argument("target")
def copy_store(source: str, target: str) -> None:
    """Copy a store into another, empty one; prints how many rows."""
    from turkform.marketplace import copying
    from turkform.marketplace.store import StoreError

    try:
        click.echo(copying.copy_store(source, target))
    except StoreError as error:
        raise click.ClickException(str(error)) from None


@main.command()
@CONTROL
@click.argument("words", nargs=-1)
@click.option("--none", "nothing", is_flag=True, help="No faults any more.")
def faults(control_file: Path, words: tuple[str, ...], *, nothing: bool) -> None:
    """Tell a rehearsal's faults and how often each struck, or ask for WORDS and no others."""
    body = {"faults": [*words]} if words or nothing else {}
    click.echo(json.dumps(call(control_file, "faults", body)))


main.add_command(crowd)
main.add_command(doctor)
main.add_command(requester)
main.add_command(worker)


if __name__ == "__main__":
    try:
        main(standalone_mode=False)
    except click.ClickException as problem:
        # Without click's usage: whoever typed `turkform serve` has not called this module.
        click.echo(f"error: {problem.format_message()}", err=True)
        sys.exit(_USAGE if isinstance(problem, click.UsageError) else 1)
    except click.Abort:
        sys.exit(130)
