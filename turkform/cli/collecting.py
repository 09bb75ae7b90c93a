"""Collecting: `results`."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from turkform.cli.commands import Command
from turkform.errors import TurkformError, UsageError
from turkform.printable import clean, many

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from turkform.answers import Answers
    from turkform.cli.session import Session
    from turkform.survey import Survey

FORMATS = ("csv", "jsonl", "parquet")


@click.command(cls=Command)
@click.argument("batches", nargs=-1, metavar="[BATCH...]")
@click.option("-o", "--out", "file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Where to.")
@click.option("--format", "form", type=click.Choice(FORMATS), help="By default what FILE ends in, else csv.")
@click.option("--bonuses", is_flag=True, help="Ask for every HIT with work what bonuses were paid: a call each.")
@click.option("--rate", type=click.FloatRange(0.1, 100_000), metavar="FLOAT", help="Most API calls a second.")
@click.pass_obj
def results(
    session: Session,
    *,
    batches: tuple[str, ...],
    file: Path | None,
    form: str | None,
    bonuses: bool,
    rate: float | None,
) -> None:
    """Fetch what workers handed in, and write it joined to the items: a row an assignment.

    Only what is new is fetched, and all of it is kept in the answers store, which is what lets finished HITs be
    deleted. CSV has the column names of the requester website (HITId, Input.*, Answer.*, Approve, Reject), with
    the item's key as ItemKey; a text that a spreadsheet would take for a formula begins with an apostrophe there.
    JSON lines and Parquet hold every text as it came.

    Examples:
      turkform results -o answers.csv
      turkform results pilot --format jsonl | jq .Answer
      turkform results -o answers.parquet --bonuses
    """
    kind = form or (file.suffix.removeprefix(".").lower() if file else "csv")
    if kind not in FORMATS:
        raise UsageError(f"{file} ends in none of .csv, .jsonl and .parquet", "Say --format.")
    if kind == "parquet" and file is None:
        raise UsageError("Parquet is no text", "Say -o FILE.")
    with session.survey() as (found, _):
        wanted = _wanted(found, batches)
        with session.answers(found) as answers:
            _collect(session, found, answers, wanted, bonuses=bonuses, rate=rate)
            count = _write(answers, file, kind, wanted)
    if file is not None:
        session.terminal.out(f"{file}: {many(count, 'answer')}")


def _wanted(found: Survey, names: Sequence[str]) -> list[str] | None:
    """The permanent ids of the batches that are meant, by name or address; None for all."""
    if not names:
        return None
    known = {address.name: publication.batch[0] for address, publication in found.found.publications.items()}
    wanted = [name.removeprefix("batch.") for name in names]
    if unknown := [name for name in wanted if name not in known]:
        raise UsageError(f"there is no batch {unknown[0]}", f"There are: {', '.join(known) or 'none'}.")
    return [known[name] for name in wanted]


def _collect(
    session: Session, found: Survey, answers: Answers, wanted: list[str] | None, *, bonuses: bool, rate: float | None
) -> None:
    from turkform.collecting import collect

    def tell(done: int, total: int) -> None:
        if sys.stderr.isatty() and done % 50 == 0:
            session.terminal.say(f"{done:,} of {many(total, 'HIT')} read")

    fetched = collect(found, answers, batches=wanted, bonuses=bonuses, rate=rate, tell=tell)
    new = f"{many(fetched.new, 'new answer')} of {many(fetched.hits, 'HIT')}, {many(fetched.calls, 'call')}"
    session.terminal.say(f"fetched {new}", new=fetched.new, hits=fetched.hits, calls=fetched.calls)


class _Shown:
    """A terminal that is written to, line by line: no text from a stranger steers it."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def write(self, text: str, /) -> int:
        """Write it, every character that could steer spelled out."""
        return self._out.write("\n".join(map(clean, text.split("\n"))))


def _write(answers: Answers, file: Path | None, kind: str, wanted: list[str] | None) -> int:
    from turkform import exporting

    write = exporting.write_csv if kind == "csv" else exporting.write_jsonl
    if file is None:
        return write(answers, _Shown(sys.stdout) if sys.stdout.isatty() else sys.stdout, wanted)
    try:
        with _whole(file) as path:
            if kind == "parquet":
                return exporting.write_parquet(answers, path, wanted)
            with path.open("w", encoding="utf-8", newline="") as out:
                return write(answers, out, wanted)
    except OSError as error:
        raise TurkformError(f"{file} cannot be written: {error.strerror or error}") from None


@contextmanager
def _whole(file: Path) -> Iterator[Path]:
    """Where to write what takes the file's place once it is whole; a device or a pipe is written to itself."""
    if file.exists() and not file.is_file():
        yield file
        return
    part = file.with_name(f".{file.name}.part")
    try:
        yield part
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)


COMMANDS = (results,)
