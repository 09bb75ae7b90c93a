"""Workers: `turkform worker …`, passed on to the marketplace that the campaign's folder or `--store` names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from turkform.cli.commands import Group
from turkform.cli.market import pass_on, pass_on_to_store

if TYPE_CHECKING:
    from turkform.cli.session import Session


@click.group(cls=Group)
def worker() -> None:
    """Let workers in, invite, list and pay them; and play one in a rehearsal.

    `accept`, `return`, `submit` and `request` play a worker in the campaign's rehearsal: every worker id works, such as
    A1EXAMPLE. HIT ids are shown by `turkform apply` and `turkform log`. The others also take `--store`, for a
    marketplace that people really work on.
    """


def _hit_and_worker(command: click.decorators.FC) -> click.decorators.FC:
    command = click.option("--worker", "worker_id", required=True, metavar="ID", help="Whom to play.")(command)
    return click.option("--hit", "hit_id", required=True, metavar="ID", help="Which HIT.")(command)


@worker.command()
@_hit_and_worker
@click.pass_obj
def accept(session: Session, hit_id: str, worker_id: str) -> None:
    """Accept a HIT; prints the assignment's id."""
    pass_on(session, "worker", "accept", "--hit", hit_id, "--worker", worker_id)


@worker.command("return")
@_hit_and_worker
@click.pass_obj
def give_back(session: Session, hit_id: str, worker_id: str) -> None:
    """Return an accepted HIT undone."""
    pass_on(session, "worker", "return", "--hit", hit_id, "--worker", worker_id)


@worker.command()
@_hit_and_worker
@click.option("--answers", metavar="JSON", default="{}", help='Field to text or list of texts: \'{"animal": "cat"}\'.')
@click.pass_obj
def submit(session: Session, hit_id: str, worker_id: str, answers: str) -> None:
    """Hand in work on a HIT, accepting it first where needed; prints the assignment's id.

    Examples:
      turkform worker submit --hit 3ABC... --worker A1EXAMPLE --answers '{"animal": "cat"}'
    """
    pass_on(session, "worker", "submit", "--hit", hit_id, "--worker", worker_id, "--answers", answers)


@worker.command()
@click.option("--type", "type_id", required=True, metavar="ID", help="Which qualification type.")
@click.option("--worker", "worker_id", required=True, metavar="ID", help="Whom to play.")
@click.option("--answers", metavar="JSON", help='Answers to its test: \'{"question": "choice"}\'.')
@click.pass_obj
def request(session: Session, type_id: str, worker_id: str, answers: str | None) -> None:
    """Ask for a qualification, taking its test where it has one; prints the request's id.

    It is granted at once where the type grants itself or has an answer key; else the requester decides.

    Examples:
      turkform worker request --type 3ABC... --worker A1EXAMPLE --answers '{"animal": "cat"}'
    """
    given = ["--answers", answers] if answers is not None else []
    pass_on(session, "worker", "request", "--type", type_id, "--worker", worker_id, *given)


# --- the keeper's words ----------------------------------------------------------------------------


def _where(command: click.decorators.FC) -> click.decorators.FC:
    return click.option("--store", metavar="URL", help="A marketplace's store.  [default: the campaign's rehearsal]")(
        command
    )


def _keep(session: Session, store: str | None, word: str, *words: str) -> None:
    if store is None:
        pass_on(session, "worker", word, *words)
    else:
        pass_on_to_store("worker", word, *words, "--store", store)


def _given(**options: Any) -> list[str]:
    """Options as words again; what was not given is left out, a flag says yes or no."""
    words: list[str] = []
    for name, value in options.items():
        if isinstance(value, bool):
            words.append(f"--{name}" if value else f"--no-{name}")
        elif value is not None:
            words += [f"--{name}", str(value)]
    return words


_ID = click.option("--id", "worker_id", required=True, metavar="ID", help="The worker's id, like A1EXAMPLE.")


@worker.command()
@_ID
@click.option("--note", metavar="TEXT", help="Who it is, for your eyes.")
@click.option("--locale", metavar="PLACE", help="A country like GB, or a state like US-CA.")
@click.option("--masters/--no-masters", default=None, help="Whether the worker is a Master.")
@click.option("--adult/--no-adult", default=None, help="Whether the worker agreed to adult content.")
@click.option("--approved", type=click.IntRange(0), metavar="N", help="How many of the worker's tasks were approved.")
@click.option("--percent", type=click.IntRange(0, 100), metavar="N", help="How many percent of them.")
@_where
@click.pass_obj
def add(session: Session, /, worker_id: str, store: str | None, **said: Any) -> None:
    """Let somebody in as a worker, and say what system qualifications see; prints the id.

    What is not said counts as met. Say it again to change it.

    Examples:
      turkform worker add --id A1EXAMPLE --locale US-CA --masters --approved 1200 --percent 99
    """
    _keep(session, store, "add", "--id", worker_id, *_given(**said))


@worker.command()
@click.option("--id", "worker_id", metavar="ID", help="The worker's id.  [default: a new one]")
@click.option("--note", metavar="TEXT", help="Who it is, for your eyes.")
@click.option("--public-url", metavar="URL", help="With --store: where workers reach the site.")
@_where
@click.pass_obj
def invite(
    session: Session, worker_id: str | None, store: str | None, note: str | None, public_url: str | None
) -> None:
    """Make a link that signs a worker in; prints the id and the link.

    It works once, within 72 hours, and for this worker only. Looking at it does not use it up. One who has lost
    their password gets in by a fresh one.

    Examples:
      turkform worker invite --store postgresql://market@db/market --public-url https://work.example.org --note Ada
    """
    given = _given(id=worker_id, note=note) + ([] if public_url is None else ["--public-url", public_url])
    _keep(session, store, "invite", *given)


@worker.command()
@_ID
@_where
@click.pass_obj
def revoke(session: Session, worker_id: str, store: str | None) -> None:
    """Make a worker's unused links worthless; prints how many."""
    _keep(session, store, "revoke", "--id", worker_id)


@worker.command()
@_ID
@_where
@click.pass_obj
def disable(session: Session, worker_id: str, store: str | None) -> None:
    """Keep a worker out: sessions end, links stop working. What was done stays."""
    _keep(session, store, "disable", "--id", worker_id)


@worker.command()
@_ID
@_where
@click.pass_obj
def enable(session: Session, worker_id: str, store: str | None) -> None:
    """Let a worker in again who was kept out."""
    _keep(session, store, "enable", "--id", worker_id)


@worker.command("list")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@_where
@click.pass_obj
def listed(session: Session, store: str | None, *, as_json: bool) -> None:
    """List who was let in: id, state, what system qualifications see, note."""
    _keep(session, store, "list", *(["--json"] if as_json else []))


@worker.command()
@click.option("--settle", is_flag=True, help="Make it a payout: what it holds is in no other, ever.")
@click.option("--show", metavar="PAYOUT", help="Print a payout that was made.")
@_where
@click.pass_obj
def payouts(session: Session, store: str | None, show: str | None, *, settle: bool) -> None:
    """Print as CSV what workers have earned and no payout holds yet.

    Amounts are dollars, times are seconds since 1970. A payout that was made never changes and can be shown again.

    Examples:
      turkform worker payouts --store sqlite:///market.sqlite
      turkform worker payouts --store sqlite:///market.sqlite --settle > october.csv
    """
    _keep(session, store, "payouts", *(["--settle"] if settle else []), *_given(show=show))


COMMANDS = (worker,)
