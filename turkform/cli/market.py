"""The marketplace's own words, passed on to it: `serve`, `clock`, `crowd` and `doctor`; `workers` has others."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import click

from turkform.cli.commands import Command
from turkform.errors import EndpointError, TurkformError, UsageError

if TYPE_CHECKING:
    from turkform.cli.session import Session


@click.command(cls=Command)
@click.option("--rehearsal", is_flag=True, help="Any access key, any worker, a clock that can be moved.")
@click.option(
    "--public-url", metavar="URL", help="Where people and programs reach it, such as https://work.example.org."
)
@click.option("--tasks-url", metavar="URL", help="Below its host each HIT group has its own: a wildcard name.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option("--port", default="8750", show_default=True, help="0 takes a free one.")
@click.option("--store", metavar="URL", help="sqlite:///FILE or postgresql://...  [rehearsal: in .turkform/local]")
@click.option("--master-key", metavar="FILE", help="Opens requesters' secrets; or set TURKFORM_MASTER_KEY.")
@click.option("--workers", metavar="N", help="Processes, on PostgreSQL.  [default: 1]")
@click.option("--fees", metavar="TABLE", help="mturk, none, or a percentage like 10%.  [default: mturk]")
@click.option("--fault", metavar="NAME=VALUE", multiple=True, help="Trouble on request; may be given more than once.")
@click.option("--notify-allow", metavar="HOST[:PORT]", multiple=True, help="Where notifications may go, beside here.")
@click.option("--notify-keys", metavar="FILE", help="JSON: host to access_key and secret_key (SQS, SNS), or to secret.")
@click.option("--log", type=click.Choice(["calls", "errors"]), help="What to log.  [default: calls; rehearsal: errors]")
@click.pass_obj
def serve(session: Session, /, *, rehearsal: bool, store: str | None, **given: str | tuple[str, ...] | None) -> None:
    r"""Run a marketplace that speaks the Mechanical Turk API.

    Prints one line, `serving URL`, when it answers, and runs until Ctrl-C or SIGTERM. Any client of the API
    can be pointed at the URL. It needs no campaign.

    A rehearsal is for this machine: -C is where it keeps its data and writes who it is, so that a campaign there
    with `endpoint: local` finds it, as do `worker` and `clock`. Faults prove what is built on it: throttle=20/s,
    delay=50ms, error=0.01, lost-request=0.01, lost-answer=0.01, duplicate=0.01 (shares of calls), stale-list=30s,
    and seed=1 to repeat them.

    Without --rehearsal it is real: requesters are added with `turkform requester add`, every call is signed, and a
    proxy with TLS stands in front of both names.

    Examples:
      turkform serve --rehearsal
      turkform serve --rehearsal --fault lost-answer=0.05 --fault throttle=20/s
      turkform -C animals serve --rehearsal --port 0 --fees none
      aws mturk list-hits --endpoint-url http://127.0.0.1:8750 --region us-east-1
      turkform serve --public-url https://work.example.org --tasks-url https://tasks.example.net \
        --store postgresql://market@db/market --master-key master.key --workers 4
    """
    from turkform.cli.local import Places, attach, command

    words: list[str] = []
    if rehearsal:
        places = Places.of(session.existing_folder())
        running = attach(places.control)
        if running is not None:
            running.close()
            raise EndpointError(
                f"a marketplace serves this folder already, at {running.url}", "Use it, or end it first."
            )
        words += ["--rehearsal", "--control-file", str(places.control)]
        store = store or f"sqlite:///{places.store}"
    elif not store and "TURKFORM_STORE" not in os.environ:
        raise UsageError(
            "a real marketplace needs --store, --public-url and --tasks-url", "To try things here: serve --rehearsal."
        )
    words += ["--store", store] if store else []
    for name, value in given.items():
        for one in value if isinstance(value, tuple) else (value,):
            words += [f"--{name.replace('_', '-')}", one] if one else []
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
    pass_on(session, "clock", *(["--advance", advance] if advance else []))


@click.command(cls=Command)
@click.option("--workers", metavar="N", help="How many people.  [default: 10]")
@click.option("--seed", metavar="N", help="The same seed does the same again.  [default: 1]")
@click.option("--skill", metavar="SHARE", help="How often they answer right: 0.9, or 0.6-0.95.  [default: 0.9]")
@click.option("--speed", metavar="DURATION", help="How long most take for a task.  [default: 1m]")
@click.option("--returns", metavar="SHARE", help="Share of tasks that they return.  [default: 0]")
@click.option("--abandon", metavar="SHARE", help="Share that they walk away from.  [default: 0]")
@click.option("--tasks", metavar="N", help="At most so many in all.  [default: 10000]")
@click.option("--each", metavar="N", help="At most so many by one worker.  [default: 10000]")
@click.option("--for", "for_", metavar="DURATION", help="At most so long, by the rehearsal's clock.  [default: 30d]")
@click.option("--gold", metavar="FILE", help="A CSV file with right answers, a row an item.")
@click.option("--key", metavar="COLUMN", help="The column of --gold that names an item.  [default: the first]")
@click.option("--answer", metavar="FIELD=COLUMN", multiple=True, help="Which column answers which field.")
@click.option("--error", metavar="SHARE", help="How often they miss the gold answer.  [default: by skill]")
@click.option("--json", "json", is_flag=True, help="For programs.")
@click.pass_obj
def crowd(session: Session, /, *, json: bool, **given: str | tuple[str, ...] | None) -> None:
    r"""Let simulated workers do the tasks of the campaign's rehearsal.

    They browse, look at tasks, ask for qualifications and take their tests, accept, fill in what the page asks and
    hand it in, over HTTP as browsers do; the rehearsal's clock moves on with them. An item has an answer that skilled
    workers agree on; give --gold where the right ones are known. With the same seed on the same tasks every worker
    gives the same answers. They are called A1CROWD0001 and so on.

    Of --gold, every column but the key answers the field of its name, unless --answer says otherwise; `|` separates
    several values of one field.

    Examples:
      turkform crowd --workers 50 --seed 1
      turkform crowd --workers 20 --skill 0.6-0.95 --speed 45s --returns 0.05 --abandon 0.02
      turkform crowd --gold data/gold.csv --key image_id --answer animal=label --error 0.1
    """
    words = [f"--{name.rstrip('_')}={one}" for name, value in given.items() for one in _each(value)]
    pass_on(session, "crowd", *words, *(["--json"] if json else []))


@click.command(cls=Command)
@click.option("--store", metavar="URL", help="The store.  [or TURKFORM_STORE]")
@click.option("--master-key", metavar="FILE", help="The master key's file.  [or TURKFORM_MASTER_KEY_FILE]")
@click.option("--public-url", metavar="URL", help="As `serve` has it.  [or TURKFORM_PUBLIC_URL]")
@click.option("--tasks-url", metavar="URL", help="As `serve` has it.  [or TURKFORM_TASKS_URL]")
@click.option("--ca", metavar="FILE", help="Trust these authorities too, in PEM.")
@click.option("--connect", metavar="HOST:PORT", help="Reach both names here, while DNS does not know them.")
@click.option("--json", "json", is_flag=True, help="For programs.")
def doctor(*, json: bool, **given: str | None) -> int:
    r"""Check an installation of the marketplace: a line a check, with what to do where something is wrong.

    It looks at the store (without changing it), the master key, and at both names as people and programs reach them:
    DNS, certificates, the proxy, the site, the API, task hosts, clocks. The exit code is 1 where something is wrong.

    Examples:
      turkform doctor --store postgresql://market@db/market --master-key /etc/turkform/master.key \
        --public-url https://work.example.org --tasks-url https://tasks.example.net
    """
    from turkform.cli.local import command

    words = [f"--{name.replace('_', '-')}={value}" for name, value in given.items() if value]
    sys.stdout.flush()
    return subprocess.run(command("doctor", *words, *(["--json"] if json else [])), check=False).returncode


@click.command("copy-store", cls=Command)
@click.argument("source")
@click.argument("target")
def copy_store(source: str, target: str) -> None:
    """Copy a marketplace's store into another, empty one; prints how many rows it has.

    SOURCE and TARGET are URLs, of SQLite or PostgreSQL. End the servers first: what they write afterwards is not
    copied. The master key, and every requester's and worker's access, stay as they are.

    Examples:
      turkform copy-store sqlite:///marketplace.sqlite postgresql://market@db/market
    """
    pass_on_to_store("copy-store", source, target)


def _each(value: str | tuple[str, ...] | None) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else () if value is None else (value,)


def pass_on(session: Session, *words: str) -> None:
    """Say it to the folder's marketplace, started where none runs; what it answers goes to stdout.

    Raises:
        UsageError: the marketplace did not understand.
        TurkformError: it said no.
    """
    from turkform.cli.local import Places, command, marketplace

    folder = session.existing_folder()
    with marketplace(folder):
        _run([*command(*words), "--control-file", str(Places.of(folder).control)])


def pass_on_to_store(*words: str) -> None:
    """Say it beside a store, whether or not a marketplace runs on it.

    Raises:
        UsageError: it was not understood.
        TurkformError: it cannot be done.
    """
    from turkform.cli.local import command

    _run(command(*words))


def _run(line: list[str]) -> None:
    done = subprocess.run(line, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        message = re.split(r"^error: ", done.stderr.strip(), flags=re.MULTILINE)[-1]
        raise (UsageError if done.returncode == UsageError.exit_code else TurkformError)(message)


COMMANDS = (serve, clock, crowd, doctor, copy_store)
