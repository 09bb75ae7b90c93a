"""The marketplace's own words: `serve`, `clock`, `worker`. They are passed on to `turkform.marketplace`."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import click

from turkform.cli.commands import Command, Group
from turkform.errors import EndpointError, TurkformError, UsageError

if TYPE_CHECKING:
    from turkform.cli.session import Session


@click.command(cls=Command)
@click.option("--rehearsal", is_flag=True, help="Any access key, any worker, a clock that can be moved.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option("--port", default=8750, show_default=True, type=click.IntRange(0, 65_535), help="0 takes a free one.")
@click.option("--store", metavar="URL", help="sqlite:///FILE.  [default: the campaign's .turkform/local]")
@click.option("--fees", metavar="TABLE", help="mturk, none, or a percentage like 10%.  [default: mturk]")
@click.option("--fault", metavar="NAME=VALUE", multiple=True, help="Trouble on request; may be given more than once.")
@click.option("--notify-allow", metavar="HOST[:PORT]", multiple=True, help="Where notifications may go, beside here.")
@click.option("--notify-keys", metavar="FILE", help="JSON: host to access_key and secret_key (SQS, SNS), or to secret.")
@click.pass_obj
def serve(
    session: Session,
    *,
    rehearsal: bool,
    host: str,
    port: int,
    store: str | None,
    fees: str | None,
    fault: tuple[str, ...],
    notify_allow: tuple[str, ...],
    notify_keys: str | None,
) -> None:
    """Run a marketplace that speaks the Mechanical Turk API.

    Prints one line, `serving URL`, when it answers, and runs until Ctrl-C or SIGTERM. Any client of the API
    can be pointed at the URL. It needs no campaign; -C is where it keeps its data and writes who it is, so that
    a campaign there with `endpoint: local` finds it, as do `worker` and `clock`.

    Faults prove what is built on it: throttle=20/s, delay=50ms, error=0.01, lost-request=0.01, lost-answer=0.01,
    duplicate=0.01 (shares of calls), stale-list=30s, and seed=1 to repeat them.

    Examples:
      turkform serve --rehearsal
      turkform serve --rehearsal --fault lost-answer=0.05 --fault throttle=20/s
      turkform -C animals serve --rehearsal --port 0 --fees none
      aws mturk list-hits --endpoint-url http://127.0.0.1:8750 --region us-east-1
    """
    from turkform.cli.local import Places, attach, command

    if not rehearsal:
        raise TurkformError("a marketplace with real accounts is not there yet", "Run a rehearsal: serve --rehearsal")
    places = Places.of(session.existing_folder())
    running = attach(places.control)
    if running is not None:
        running.close()
        raise EndpointError(f"a marketplace serves this folder already, at {running.url}", "Use it, or end it first.")
    words = ["--rehearsal", "--host", host, "--port", str(port)]
    words += ["--store", store or f"sqlite:///{places.store}", "--control-file", str(places.control)]
    words += ["--fees", fees] if fees else []
    words += [word for given in fault for word in ("--fault", given)]
    words += [word for given in notify_allow for word in ("--notify-allow", given)]
    words += ["--notify-keys", notify_keys] if notify_keys else []
    # This process becomes the marketplace: signals reach it without being passed on, and none can outlive us.
    sys.stdout.flush()
    os.execv(sys.executable, command("serve", *words))  # noqa: S606 - an argument list of our own, no shell


@click.command(cls=Command)
@click.option("--advance", metavar="DURATION", help="Move it forward, e.g. 3d or 1h30m.")
@click.pass_obj
def clock(session: Session, advance: str | None) -> None:
    """Show the clock of the campaign's rehearsal, or move it forward.

    Lifetimes run out, submitted work is approved and paid, as if that much time had passed.

    Examples:
      turkform clock
      turkform clock --advance 3d
    """
    _pass_on(session, "clock", *(["--advance", advance] if advance else []))


@click.group(cls=Group)
def worker() -> None:
    """Play a worker in the campaign's rehearsal.

    Every worker id works, such as A1EXAMPLE. HIT ids are shown by `turkform apply` and `turkform log`.
    """


def _hit_and_worker(command: click.decorators.FC) -> click.decorators.FC:
    command = click.option("--worker", "worker_id", required=True, metavar="ID", help="Whom to play.")(command)
    return click.option("--hit", "hit_id", required=True, metavar="ID", help="Which HIT.")(command)


@worker.command()
@_hit_and_worker
@click.pass_obj
def accept(session: Session, hit_id: str, worker_id: str) -> None:
    """Accept a HIT; prints the assignment's id."""
    _pass_on(session, "worker", "accept", "--hit", hit_id, "--worker", worker_id)


@worker.command("return")
@_hit_and_worker
@click.pass_obj
def give_back(session: Session, hit_id: str, worker_id: str) -> None:
    """Return an accepted HIT undone."""
    _pass_on(session, "worker", "return", "--hit", hit_id, "--worker", worker_id)


@worker.command()
@_hit_and_worker
@click.option("--answers", metavar="JSON", default="{}", help='Field to text or list of texts: \'{"animal": "cat"}\'.')
@click.pass_obj
def submit(session: Session, hit_id: str, worker_id: str, answers: str) -> None:
    """Hand in work on a HIT, accepting it first where needed; prints the assignment's id.

    Examples:
      turkform worker submit --hit 3ABC... --worker A1EXAMPLE --answers '{"animal": "cat"}'
    """
    _pass_on(session, "worker", "submit", "--hit", hit_id, "--worker", worker_id, "--answers", answers)


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
    _pass_on(session, "worker", "request", "--type", type_id, "--worker", worker_id, *given)


def _pass_on(session: Session, *words: str) -> None:
    """Say it to the folder's marketplace, started where none runs; what it answers goes to stdout.

    Raises:
        UsageError: the marketplace did not understand.
        TurkformError: it said no.
    """
    from turkform.cli.local import Places, command, marketplace

    folder = session.existing_folder()
    with marketplace(folder):
        line = [*command(*words), "--control-file", str(Places.of(folder).control)]
        done = subprocess.run(line, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        _, _, message = done.stderr.strip().rpartition("Error: ")
        raise (UsageError if done.returncode == UsageError.exit_code else TurkformError)(message)


COMMANDS = (serve, clock, worker)
