"""`python -m turkform.marketplace`: run the server, move its clock, play its workers.

The commands beside `serve` speak to a running server with the token in its control file.
"""

from __future__ import annotations

import json
import re
import secrets
import sys
from pathlib import Path

import click

from turkform.marketplace.calling import CONTROL, call
from turkform.marketplace.worker_commands import worker

_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_USAGE = 64


@click.group()
def main() -> None:
    """The marketplace: a server that speaks the Mechanical Turk Requester API."""


@main.command()
@click.option("--rehearsal", is_flag=True, help="Loopback only, any access key, a clock that can be moved.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8750, show_default=True, help="0 takes a free one.")
@click.option(
    "--store",
    default="sqlite:///marketplace.sqlite",
    show_default=True,
    envvar="TURKFORM_STORE",
    help="Where everything is kept: sqlite:///FILE or postgresql://USER@HOST/DATABASE.",
)
@click.option("--fees", default="mturk", show_default=True, help="mturk, none, or a percentage like 10%.")
@click.option(
    "--fault", multiple=True, help="Make trouble: throttle=20/s, delay=50ms, lost-answer=0.01, ... (rehearsal)"
)
@click.option(
    "--notify-allow", multiple=True, metavar="HOST[:PORT]", help="Where notifications may go, beside this machine."
)
@click.option(
    "--notify-keys", type=click.Path(path_type=Path), help="JSON: host to access_key and secret_key, or to secret."
)
@click.option("--control-file", type=click.Path(path_type=Path), help="Write address and token here, mode 0600.")
@click.option("--linger", type=float, help="End so many seconds after the last control connection closed.")
def serve(
    rehearsal: bool,  # noqa: FBT001 - click passes options by name
    host: str,
    port: int,
    store: str,
    fees: str,
    fault: tuple[str, ...],
    notify_allow: tuple[str, ...],
    notify_keys: Path | None,
    control_file: Path | None,
    linger: float | None,
) -> None:
    """Run the marketplace until SIGTERM or SIGINT."""
    if not rehearsal:
        raise click.ClickException("only --rehearsal works in this version")
    if host not in {"127.0.0.1", "localhost", "::1"}:
        raise click.UsageError("a rehearsal listens on loopback only: 127.0.0.1, localhost or ::1")
    from turkform.marketplace.faults import FaultError, Faults, Trouble
    from turkform.marketplace.origins import Origins
    from turkform.marketplace.payments import fees_named
    from turkform.marketplace.process import ProcessError, listen, serve_at
    from turkform.marketplace.settings import Settings
    from turkform.marketplace.store import StoreError

    try:
        trouble = Trouble.named(fault)
        listener = listen(host, port)
        origins = Origins.rehearsal(listener.getsockname()[1])
        settings = Settings(
            rehearsal=True, origins=origins, fees=fees_named(fees), notify_allow=frozenset(notify_allow),
            notify_keys=_keys(notify_keys), token=secrets.token_urlsafe(32),
        )  # fmt: skip
        serve_at(
            listener, store, settings, faults=Faults(trouble), control_file=control_file, linger=linger,
            announce=lambda url: click.echo(f"serving {url}"),
        )  # fmt: skip
    except FaultError as error:
        raise click.UsageError(str(error)) from None
    except (ProcessError, StoreError) as error:
        raise click.ClickException(str(error)) from None


def _keys(path: Path | None) -> dict[str, dict[str, str]]:
    """The operator's credentials for notifications, by host."""
    if path is None:
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise click.ClickException(f"{path} cannot be read as JSON: {error}") from None
    texts = isinstance(found, dict) and all(
        isinstance(keys, dict) and all(isinstance(key, str) for key in keys.values()) for keys in found.values()
    )
    if not texts:
        raise click.ClickException(f"{path} is not an object: host to access_key and secret_key, or to secret")
    return dict(found)


@main.command()
@CONTROL
@click.option("--advance", help="How far to move it on: 3d, 2h, 90s.")
def clock(control_file: Path, advance: str | None) -> None:
    """Tell a rehearsal's clock, or move it on."""
    seconds = 0
    if advance is not None:
        parts = re.fullmatch(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", advance)
        if not advance or parts is None:
            raise click.UsageError(f'"{advance}" is not a duration. Write it like 3d, 2h or 90s')
        seconds = sum(int(n) * _UNITS[unit] for n, unit in zip(parts.groups(), "dhms", strict=True) if n)
    click.echo(call(control_file, "clock", {"advance_seconds": seconds})["now"])


@main.command()
@CONTROL
@click.argument("words", nargs=-1)
@click.option("--none", "nothing", is_flag=True, help="No faults any more.")
def faults(control_file: Path, words: tuple[str, ...], *, nothing: bool) -> None:
    """Tell a rehearsal's faults and how often each struck, or ask for WORDS and no others."""
    body = {"faults": [*words]} if words or nothing else {}
    click.echo(json.dumps(call(control_file, "faults", body)))


main.add_command(worker)


if __name__ == "__main__":
    try:
        main(standalone_mode=False)
    except click.UsageError as problem:
        problem.show()
        sys.exit(_USAGE)
    except click.ClickException as problem:
        problem.show()
        sys.exit(1)
    except click.Abort:
        sys.exit(130)
