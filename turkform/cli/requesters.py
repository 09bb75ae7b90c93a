"""`requester`: keep the requesters of a marketplace. Passed on to `turkform.marketplace`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from turkform.cli.commands import Group
from turkform.cli.market import pass_on, pass_on_to_store
from turkform.errors import UsageError

if TYPE_CHECKING:
    from turkform.cli.session import Session


@click.group(cls=Group)
def requester() -> None:
    """Keep the requesters of a marketplace: who may call it, and what they can spend.

    With --store and --master-key it is a real marketplace, running or not; without, the campaign's rehearsal. A
    requester is named by id, access key or name.
    """


def _real(command: click.decorators.FC) -> click.decorators.FC:
    command = click.option("--master-key", metavar="FILE", help="Its master key.  [or TURKFORM_MASTER_KEY]")(command)
    return click.option("--store", metavar="URL", help="The store of a real marketplace.  [or TURKFORM_STORE]")(command)


@requester.command()
@click.argument("name")
@click.option("--balance", metavar="DOLLARS", default="0.00", show_default=True, help="What it can spend.")
@_real
@click.pass_obj
def add(session: Session, /, name: str, balance: str, **real: str | None) -> None:
    """Add a requester and print its key, once, as a profile for ~/.aws/credentials.

    The first one of a store makes the master key's file where it is missing. Keep it safe, and apart from the store:
    without it no secret opens.

    Examples:
      turkform requester add lab --balance 500.00 --store postgresql://market@db/market --master-key master.key
    """
    _keep(session, "add", name, "--balance", balance, **real)


@requester.command("list")
@_real
@click.pass_obj
def list_(session: Session, /, **real: str | None) -> None:
    """List requesters: id, access key, dollars available and held, state, name."""
    _keep(session, "list", **real)


@requester.command()
@click.argument("who")
@click.option("--undo", is_flag=True, help="Let its calls in again.")
@_real
@click.pass_obj
def disable(session: Session, /, who: str, *, undo: bool, **real: str | None) -> None:
    """Refuse a requester's calls from now on; its HITs and its money stay as they are."""
    _keep(session, "disable", who, *(["--undo"] if undo else []), **real)


@requester.command()
@click.argument("who")
@click.argument("dollars")
@_real
@click.pass_obj
def credit(session: Session, /, who: str, dollars: str, **real: str | None) -> None:
    """Add to what a requester can spend."""
    _keep(session, "credit", who, dollars, **real)


@requester.command()
@click.argument("page", metavar="FILE")
@click.option("--requester", "who", metavar="WHO", required=True, help="Whose layout it is.")
@_real
@click.pass_obj
def layout(session: Session, /, page: str, who: str, **real: str | None) -> None:
    """Keep a page with ${placeholders} as a HIT layout; prints its HITLayoutId.

    Examples:
      turkform requester layout label.html --requester lab
    """
    _keep(session, "layout", page, "--requester", who, **real)


@requester.command("rotate-master")
@click.option("--new", metavar="FILE", required=True, help="The new key's file; made where it is missing.")
@_real
@click.pass_obj
def rotate_master(session: Session, /, new: str, **real: str | None) -> None:
    """Seal every secret under a new master key. Give it to the servers at their next start."""
    _keep(session, "rotate-master", "--new", new, **real)


def _keep(session: Session, *words: str, store: str | None, master_key: str | None) -> None:
    """Say it to a real marketplace's store, where one is named, else to the folder's rehearsal."""
    if store or "TURKFORM_STORE" in os.environ:
        real = [*(["--store", store] if store else []), *(["--master-key", master_key] if master_key else [])]
        pass_on_to_store("requester", *words, *real)
    elif master_key or words[0] == "rotate-master":
        raise UsageError("a master key belongs to the store of a real marketplace", "Name it with --store.")
    else:
        pass_on(session, "requester", *words)


COMMANDS = (requester,)
