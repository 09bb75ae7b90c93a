"""`python -m turkform.marketplace crowd …`: let simulated workers loose on a running rehearsal.

In: the control file of a rehearsal, how its people are. Out: what they did, as lines or as JSON.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from turkform.marketplace.calling import CONTROL, Duration, call

if TYPE_CHECKING:
    from turkform.marketplace.crowd.known import Gold
    from turkform.marketplace.crowd.simulation import Summary

_SHARE = click.FloatRange(0, 1)


class _Skill(click.ParamType[tuple[float, float]]):
    """A share, or two of them between which people are: 0.9, or 0.6-0.95."""

    name = "share"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, float]:
        low, _, high = str(value).partition("-")
        try:
            found = float(low), float(high or low)
        except ValueError:
            found = (1.0, 0.0)
        if not 0 <= found[0] <= found[1] <= 1:
            self.fail(f'"{value}" is no share. Write it like 0.9, or 0.6-0.95 for people who differ', param, ctx)
        return found


@click.command()
@CONTROL
@click.option("--workers", default=10, show_default=True, type=click.IntRange(1, 10_000), help="How many people.")
@click.option("--seed", default=1, show_default=True, help="The same seed does the same again.")
@click.option("--skill", default="0.9", show_default=True, type=_Skill(), help="How often they answer right.")
@click.option("--speed", default="1m", show_default=True, type=Duration(), help="How long most take for a task.")
@click.option("--returns", default=0.0, show_default=True, type=_SHARE, help="Share of tasks that they return.")
@click.option("--abandon", default=0.0, show_default=True, type=_SHARE, help="Share that they walk away from.")
@click.option("--tasks", default=10_000, show_default=True, type=click.IntRange(1), help="At most so many in all.")
@click.option("--each", default=10_000, show_default=True, type=click.IntRange(1), help="At most so many a worker.")
@click.option("--for", "duration", default="30d", show_default=True, type=Duration(), help="At most so long.")
@click.option("--gold", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="CSV with right answers.")
@click.option("--key", help="The column of --gold that names an item.  [default: the first]")
@click.option("--answer", multiple=True, metavar="FIELD=COLUMN", help="Which column answers which field.")
@click.option("--error", type=_SHARE, help="How often they miss the gold answer.  [default: by skill]")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def crowd(control_file: Path, *, as_json: bool, **words: Any) -> None:
    """Let simulated workers find, accept and hand in tasks, as people's browsers do, and let time pass for them."""
    from turkform.marketplace.crowd.browser import BrowserError
    from turkform.marketplace.crowd.known import KnownError

    began = time.monotonic()
    try:
        found = _run(control_file, words)
    except KnownError as error:
        raise click.UsageError(str(error)) from None
    except BrowserError as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        click.echo(json.dumps(asdict(found) | {"rate": round(found.rate, 2)}, indent=1))
    else:
        click.echo(_told(found, time.monotonic() - began))


def _run(control_file: Path, words: dict[str, Any]) -> Summary:
    from turkform.marketplace.crowd.browser import Browser, Network
    from turkform.marketplace.crowd.keeper import Keeper
    from turkform.marketplace.crowd.people import Manners, Person
    from turkform.marketplace.crowd.simulation import Bounds, simulate

    clock, gold = _Clock(control_file), _gold(words)
    manners = Manners(words["seed"], words["skill"], words["speed"], words["returns"], words["abandon"])

    keeper = Keeper(control_file, gold, words["error"])
    network = Network()
    try:
        people = [
            Person(f"A1CROWD{number:04}", Browser(clock.site, network), manners, keeper)
            for number in range(1, words["workers"] + 1)
        ]
        for person in people:
            person.enter()
        return simulate(people, clock, Bounds(words["tasks"], words["each"], words["duration"]), words["speed"])
    finally:
        network.close()


def _gold(words: dict[str, Any]) -> Gold | None:
    from turkform.marketplace.crowd.known import Gold

    columns: dict[str, str] = {}
    for word in words["answer"]:
        field, equals, column = word.partition("=")
        if not equals:
            raise click.UsageError(f'--answer wants FIELD=COLUMN, not "{word}"')
        columns[field] = column
    if words["gold"] is None:
        for name in ("key", "answer", "error"):
            if words[name] not in {None, ()}:
                raise click.UsageError(f"--{name} is about the answers of --gold")
        return None
    return Gold.read(words["gold"], words["key"], columns)


class _Clock:
    """A rehearsal's clock, moved on as far as the time that passes by itself is behind; never back."""

    def __init__(self, control_file: Path) -> None:
        self._control_file = control_file
        call(control_file, "clock", {})
        self.site: str = json.loads(control_file.read_text())["url"]
        self._began, self._moved, self._ahead = time.monotonic(), 0.0, 0.0

    def reach(self, moment: float) -> None:
        """Let time pass until this moment."""
        missing = moment + self._ahead - (self._moved + time.monotonic() - self._began)
        step = max(missing, 0.001)  # also where time was faster: moving the clock lets happen what is due
        call(self._control_file, "clock", {"advance_seconds": step})
        self._moved += step
        self._ahead += step - missing


def _told(found: Summary, seconds: float) -> str:
    parts = [f"{found.accepted} accepted", f"{found.submitted} submitted", f"{found.returned} returned"]
    parts.append(f"{found.abandoned} abandoned")
    if found.unanswered:
        parts.append(f"{found.unanswered} returned because their page has nothing to fill in")
    if found.refused:
        parts.append(f"{found.refused} not taken")
    if found.qualifications:
        parts.append(f"{found.qualifications} qualifications asked for")
    hours = found.seconds / 3600
    return (
        f"{', '.join(parts)}\n"
        f"{len(found.by_worker)} of {found.workers} workers handed something in, within {hours:.1f} hours of the "
        f"rehearsal's clock: {found.rate:.1f} an hour; {seconds:.1f} seconds of ours"
    )
