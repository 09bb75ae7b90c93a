"""`python -m turkform.marketplace worker …`: the keeper's words about workers, and playing one in a rehearsal.

The keeper's words go to a running rehearsal (`--control-file`) or straight to a store (`--store`). Only in a rehearsal
can one play a worker.
"""

from __future__ import annotations

import asyncio
import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from turkform.marketplace.calling import CONTROL, call

if TYPE_CHECKING:
    from collections.abc import Callable


@click.group()
def worker() -> None:
    """Workers: let in, invite, list, keep out, pay; and, in a rehearsal, play one."""


def _who(command: Any) -> Any:
    command = click.option("--worker", "worker_id", required=True, help="The worker's id, like A1EXAMPLE.")(command)
    command = click.option("--hit", required=True, help="The HIT's id.")(command)
    return CONTROL(command)


@worker.command()
@_who
def accept(control_file: Path, hit: str, worker_id: str) -> None:
    """Accept a HIT; prints the AssignmentId."""
    click.echo(call(control_file, "worker/accept", {"hit": hit, "worker": worker_id})["assignment_id"])


@worker.command(name="return")
@_who
def give_back(control_file: Path, hit: str, worker_id: str) -> None:
    """Return an accepted HIT."""
    click.echo(call(control_file, "worker/return", {"hit": hit, "worker": worker_id})["assignment_id"])


@worker.command()
@_who
@click.option("--answers", required=True, help="A JSON object: field to text, or to a list of texts.")
def submit(control_file: Path, hit: str, worker_id: str, answers: str) -> None:
    """Submit answers, accepting first where needed; prints the AssignmentId."""
    body = {"hit": hit, "worker": worker_id, "answers": _json(answers)}
    click.echo(call(control_file, "worker/submit", body)["assignment_id"])


@worker.command()
@CONTROL
@click.option("--type", "type_id", required=True, help="The qualification type's id.")
@click.option("--worker", "worker_id", required=True, help="The worker's id, like A1EXAMPLE.")
@click.option("--answers", help="Answers to its test, a JSON object: question to text, or to a list of texts.")
def request(control_file: Path, type_id: str, worker_id: str, answers: str | None) -> None:
    """Ask for a qualification, with answers where it has a test; prints the request's id."""
    body = {"type": type_id, "worker": worker_id} | ({} if answers is None else {"answers": _json(answers)})
    click.echo(call(control_file, "worker/request", body)["request_id"])


def _json(answers: str) -> Any:
    try:
        return json.loads(answers)
    except ValueError as error:
        raise click.UsageError(f"--answers is not JSON: {error}") from None


# --- the keeper's words ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Market:
    """Which marketplace is meant: a running rehearsal, or a store."""

    control_file: Path | None
    store: str | None
    public_url: str

    def say(self, word: str, given: dict[str, Any]) -> dict[str, Any]:
        """Say one of the keeper's words there."""
        if self.store is None:
            if self.control_file is None:
                raise click.UsageError("say which marketplace: --store, or --control-file of a rehearsal")
            return call(self.control_file, f"keeper/{word}", given)
        from turkform.marketplace import keeper
        from turkform.marketplace.origins import Origins
        from turkform.marketplace.payments import Fees
        from turkform.marketplace.service import Service
        from turkform.marketplace.settings import Settings
        from turkform.marketplace.store import Store, StoreError

        settings = Settings(rehearsal=False, origins=Origins((self.public_url.rstrip("/"),), ""), fees=Fees(0))
        try:
            database = Store(self.store)
            try:
                database.claim(rehearsal=False)
                return asyncio.run(keeper.say(Service(database, settings), word, given))
            finally:
                database.close()
        except (keeper.KeeperError, StoreError) as error:
            raise click.ClickException(str(error)) from None


def _market(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the marketplace that is meant."""

    @functools.wraps(command)
    def run(*, control_file: Path | None, store: str | None, public_url: str, **given: Any) -> None:
        command(_Market(control_file, store, public_url), **given)

    for option in (
        click.option("--control-file", type=click.Path(path_type=Path), help="Where a rehearsal keeps its address."),
        click.option("--store", help="The store of a marketplace: sqlite:///FILE or postgresql://…"),
        click.option("--public-url", default="", help="With --store: where workers reach the site, for links."),
    ):
        run = option(run)
    return run


_ID = click.option("--id", "worker_id", required=True, help="The worker's id, like A1EXAMPLE.")


@worker.command()
@_ID
@click.option("--note", help="Who it is, for the keeper's eyes.")
@click.option("--locale", help="Where: a country like GB, or a state like US-CA.")
@click.option("--masters/--no-masters", default=None, help="Whether the worker is a Master.")
@click.option("--adult/--no-adult", default=None, help="Whether the worker agreed to adult content.")
@click.option("--approved", type=int, help="How many of the worker's tasks were approved; in a rehearsal.")
@click.option("--percent", type=int, help="How many percent of them; in a rehearsal.")
@_market
def add(market: _Market, worker_id: str, **said: Any) -> None:
    """Let somebody in as a worker, and say what counts for system qualifications; prints the id."""
    given = {"worker": worker_id} | {name: value for name, value in said.items() if value is not None}
    click.echo(market.say("add", given)["worker"])


@worker.command()
@click.option("--id", "worker_id", help="The worker's id.  [default: a new one]")
@click.option("--note", help="Who it is, for the keeper's eyes.")
@_market
def invite(market: _Market, worker_id: str | None, note: str | None) -> None:
    """Make a link that signs a worker in once, within 72 hours; prints id and link."""
    if market.store is not None and not market.public_url.startswith(("https://", "http://")):
        raise click.UsageError("--public-url says where workers reach the site: a link needs it")
    given = {name: value for name, value in (("worker", worker_id), ("note", note)) if value is not None}
    found = market.say("invite", given)
    click.echo(f"{found['worker']}\t{found['link']}")


@worker.command()
@_ID
@_market
def revoke(market: _Market, worker_id: str) -> None:
    """Make a worker's unused links worthless; prints how many."""
    click.echo(market.say("revoke", {"worker": worker_id})["revoked"])


@worker.command()
@_ID
@_market
def disable(market: _Market, worker_id: str) -> None:
    """Keep a worker out: sessions end, links stop working; what was done stays."""
    click.echo(market.say("disable", {"worker": worker_id})["worker"])


@worker.command()
@_ID
@_market
def enable(market: _Market, worker_id: str) -> None:
    """Let a worker in again who was kept out."""
    click.echo(market.say("enable", {"worker": worker_id})["worker"])


@worker.command("list")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@_market
def listed(market: _Market, *, as_json: bool) -> None:
    """List who was let in: id, state, what counts for system qualifications, note."""
    found = market.say("list", {})
    if as_json:
        click.echo(json.dumps(found, indent=1))
        return
    for row in found["workers"]:
        click.echo("\t".join((row["worker"], _state(row), _said(row["system"]), row["note"])).rstrip())


def _state(row: dict[str, Any]) -> str:
    if row["disabled"]:
        return "disabled"
    counted = ((row["sessions"], "session"), (row["invitations"], "open invitation"))
    words = [f"{n} {what}" if n == 1 else f"{n} {what}s" for n, what in counted if n]
    return ", ".join((["password"] if row["password"] else []) + words) or "not signed in"


def _said(system: dict[str, Any]) -> str:
    """What counts for system qualifications, as `add` was told it."""
    words = [f"--{name} {system[name]}" for name in ("locale", "approved", "percent") if name in system]
    return " ".join(
        words + [f"--{'' if system[name] else 'no-'}{name}" for name in ("masters", "adult") if name in system]
    )


@worker.command()
@click.option("--settle", is_flag=True, help="Make it a payout: what it holds is in no other, ever.")
@click.option("--show", metavar="PAYOUT", help="Print a payout that was made.")
@_market
def payouts(market: _Market, show: str | None, *, settle: bool) -> None:
    """Print as CSV what workers have earned and no payout holds yet."""
    given = {"settle": settle} | ({} if show is None else {"show": show})
    click.echo(market.say("payouts", given)["csv"], nl=False)
