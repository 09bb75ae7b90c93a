"""Taking over what is there already: `import`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from turkform.cli.applying import who
from turkform.cli.commands import Command
from turkform.cli.planning import read_addresses
from turkform.cli.reports import invocation
from turkform.errors import RefusedError, UsageError
from turkform.printable import many

if TYPE_CHECKING:
    from turkform.cli.session import Session
    from turkform.importing import Found
    from turkform.journal import Journal
    from turkform.kinds.resource import Address
    from turkform.run import Run
    from turkform.survey import Survey

_ENVIRONMENT = "account"


@click.command(name="import", cls=Command)
@click.argument("address", required=False)
@click.argument("object_id", metavar="[ID]", required=False)
@click.option("--all", "everything", is_flag=True, help="Write a campaign for everything in an account.")
@click.option("-o", "--out", "folder", type=click.Path(path_type=Path), metavar="DIR", help="With --all: where to.")
@click.option("--endpoint", metavar="URL", help="With --all: the account's endpoint.")
@click.option("--profile", metavar="NAME", help="With --all: the AWS credentials profile.")
@click.pass_obj
def import_(
    session: Session,
    *,
    address: str | None,
    object_id: str | None,
    everything: bool,
    folder: Path | None,
    endpoint: str | None,
    profile: str | None,
) -> None:
    """Take over what somebody made before.

    ADDRESS is an item's, such as batch.pilot["img-7"]: the HIT becomes that item's, though it bears no marker of
    ours, and the journal remembers it. Where its question is not the item's, the next plan says so. Qualification
    types are taken over in the files: `import: [{to: ADDRESS, id: ID}]`.

    With --all, everything in an account becomes a campaign in DIR: qualification types with their grants, HIT
    types and open HITs, blocks. Nothing is sent, and the plan right after is empty.

    Examples:
      turkform import 'batch.pilot["img-7"]' 3X7837UUADRXYCA1K7JAJLKC66DJ60
      turkform import --all -o rescued --endpoint https://tasks.example.org --profile lab
    """
    if everything:
        if address or folder is None or endpoint is None:
            raise UsageError("--all takes no address, and needs -o DIR and --endpoint URL")
        _everything(session, folder, endpoint, profile)
        return
    if address is None or object_id is None or folder or endpoint or profile:
        raise UsageError("say what to import: ADDRESS and ID, or --all -o DIR --endpoint URL")
    (wanted,) = read_addresses([address])
    if wanted.kind != "batch" or wanted.key is None:
        if wanted.kind == "qualification_type":
            raise UsageError(
                f"{wanted} is taken over in the files", f"Write  import: [{{to: {wanted}, id: {object_id}}}]"
            )
        raise UsageError(f"{wanted} is no item of a batch", 'Say batch.NAME["KEY"].')
    _one(session, wanted, object_id)


# --- one HIT --------------------------------------------------------------------------------------


def _one(session: Session, wanted: Address, hit_id: str) -> None:
    from turkform.importing import adopt_one

    with session.survey() as (found, _):
        item = adopt_one(found, wanted, hit_id)
        with session.make_journal(found.desired) as journal, _run(session, journal, found) as run:
            item.note(run)
            run.end(0)
    same = "its question is the item's" if item.same else "its question is another; the next plan says what is done"
    session.terminal.out(f"{wanted} is {hit_id} now; {same}.")
    session.terminal.out(f"Next: {invocation(session, 'plan')}")


def _run(session: Session, journal: Journal, found: Survey) -> Run:
    info = who(session, "import")
    return journal.begin(
        command="import",
        environment=found.desired.target.name,
        commit=info.commit,
        user=info.user,
        host=info.host,
        now=found.observed.now,
        after=found.memory.mark if found.memory.journal else None,
    )


# --- an account -----------------------------------------------------------------------------------


def _everything(session: Session, folder: Path, endpoint: str, profile: str | None) -> None:
    from dataclasses import replace

    from turkform.account import connect
    from turkform.environments import target_of
    from turkform.importing import find

    if folder.exists() and any(folder.iterdir()):
        raise RefusedError([f"{folder} is not empty"], "Name a folder that is new.")
    name = re.sub(r"[^a-z0-9-]+", "-", folder.resolve().name.lower()).strip("-")[:40] or "imported"
    said = {"endpoint": endpoint} | ({"profile": profile} if profile else {})
    account = connect(target_of(_ENVIRONMENT, said))
    found = find(account, name, _ENVIRONMENT, said)
    for path, content in found.write().items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    inside = replace(session, folder=folder, environment=_ENVIRONMENT)
    _adopt(inside, found)
    for note in found.notes:
        session.terminal.say(f"note: {note}")
    types, terms = (len(found.document.get(part, ())) for part in ("qualification_types", "hit_types"))
    hits = f"{many(sum(map(len, found.hits.values())), 'HIT')} as items of {many(len(found.hits), 'batch', 'batches')}"
    session.terminal.out(f"{folder}: {many(types, 'qualification type')}, {many(terms, 'HIT type')}, {hits}")
    session.terminal.out(f"Next: {invocation(inside, 'plan')}")


def _adopt(session: Session, found: Found) -> None:
    """Let the new campaign's journal know which HIT is which row."""
    from turkform.importing import adopt_all

    with session.survey() as (survey, _):
        adopted = adopt_all(survey, found)
        with session.make_journal(survey.desired) as journal, _run(session, journal, survey) as run:
            for item in adopted:
                item.note(run)
            run.end(0)


COMMANDS = (import_,)
