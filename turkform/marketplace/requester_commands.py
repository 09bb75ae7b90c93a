"""`python -m turkform.marketplace requester ...`: keep requesters.

In a rehearsal the running server does it (`--control-file`); else it is done on the store, with its master key.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from turkform.marketplace.calling import MASTER, STORE, call


@click.group()
def requester() -> None:
    """Keep requesters: in a rehearsal through its control file, else on the store with its master key."""


def _where(command: Any) -> Any:
    command = click.option("--control-file", type=click.Path(path_type=Path), help="The rehearsal to speak to.")(
        command
    )
    return STORE(MASTER(command))


@requester.command()
@_where
@click.argument("name")
@click.option("--balance", default="0.00", show_default=True, metavar="DOLLARS", help="What it can spend.")
def add(name: str, balance: str, **where: Any) -> None:
    """Add a requester; prints its key as a profile for ~/.aws/credentials. The secret is shown this once."""
    found = _kept("add", {"name": name, "balance": balance}, make_master=True, **where)
    click.echo(f"# requester {found['requester']}; this secret is not shown again")
    click.echo(f"[{found['name']}]")
    click.echo(f"aws_access_key_id = {found['access_key']}\naws_secret_access_key = {found['secret_key']}")


@requester.command(name="list")
@_where
def list_(**where: Any) -> None:
    """List requesters: id, access key, what is available, what is held, state, name."""
    for one in _kept("list", {}, **where)["requesters"]:
        _show(one)


@requester.command()
@_where
@click.argument("who")
@click.option("--undo", is_flag=True, help="Let its calls in again.")
def disable(who: str, *, undo: bool, **where: Any) -> None:
    """Refuse a requester's calls from now on. WHO is an id, an access key or a name."""
    _show(_kept("enable" if undo else "disable", {"requester": who}, **where))


@requester.command()
@_where
@click.argument("who")
@click.argument("amount")
def credit(who: str, amount: str, **where: Any) -> None:
    """Add dollars to what a requester can spend."""
    _show(_kept("credit", {"requester": who, "amount": amount}, **where))


@requester.command()
@_where
@click.argument("page", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--requester", "who", required=True, help="Whose layout it is: an id, an access key or a name.")
def layout(page: Path, who: str, **where: Any) -> None:
    """Keep a page with ${placeholders} as a HIT layout; prints its HITLayoutId."""
    try:
        text = page.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise click.ClickException(f"{page} cannot be read: {error}") from None
    click.echo(_kept("layout", {"requester": who, "page": text}, **where)["layout"])


@requester.command(name="rotate-master")
@STORE
@MASTER
@click.option(
    "--new", type=click.Path(path_type=Path), required=True, help="The new key's file; made if it is not there."
)
def rotate_master(store: str, master_key: Path | None, new: Path) -> None:
    """Seal every secret under a new master key. Servers need it at their next start."""
    from turkform.marketplace.requester_actions import ActionError, rotate_master

    try:
        count = rotate_master(store, master_key, new)
    except ActionError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"1 secret is sealed under {new}" if count == 1 else f"{count} secrets are sealed under {new}")


def _kept(
    action: str, given: dict[str, str], *, control_file: Path | None, store: str, master_key: Path | None,
    make_master: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """Let the rehearsal do it, or do it on the store."""
    if control_file is not None:
        return call(control_file, f"requester/{action}", given)
    from turkform.marketplace.requester_actions import ActionError, perform_on

    try:
        return perform_on(store, master_key, action, given, make_master=make_master)
    except ActionError as error:
        raise click.ClickException(str(error)) from None


def _show(one: dict[str, Any]) -> None:
    state = "disabled" if one["disabled"] else "enabled"
    click.echo("\t".join((one["requester"], one["access_key"], one["available"], one["held"], state, one["name"])))
