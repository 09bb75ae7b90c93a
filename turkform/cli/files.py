"""Campaign files: `validate`, `fmt`, `schema`. None of these touches the network."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING, Any

import click

from turkform.cli.commands import Command
from turkform.cli.reports import FORMAT_VERSION
from turkform.cli.terminal import described
from turkform.errors import CampaignError, TurkformError

if TYPE_CHECKING:
    from pathlib import Path

    from turkform.cli.session import Session


@click.command(cls=Command)
@click.option("--json", "as_json", is_flag=True, help="Print the findings as one JSON document.")
@click.pass_obj
def validate(session: Session, *, as_json: bool) -> None:
    """Check the campaign's files: every problem at once, each with its place.

    Reads the YAML, the task pages and all data, and renders every item, without touching the network.

    Examples:
      turkform validate
      turkform -C campaigns/quickstart --env production validate --json
    """
    if as_json:
        _validate_for_programs(session)
        return
    desired = session.load()
    notes = [d for d in desired.diagnostics if d.severity == "note"]
    session.terminal.diagnostics(notes)
    campaign = desired.campaign
    batches = f"{len(campaign.batches)} batch{'es' if len(campaign.batches) != 1 else ''}"
    session.terminal.out(f"{campaign.campaign} is valid in environment {desired.target.name}: {batches}.")


def _validate_for_programs(session: Session) -> None:
    """Valid or not, a document on stdout; the exit code says the same."""
    try:
        found, error = session.load().diagnostics, None
    except CampaignError as problem:
        found, error = problem.diagnostics, problem
    told = [described(diagnostic) for diagnostic in found]
    session.terminal.json({"format_version": FORMAT_VERSION, "valid": error is None, "diagnostics": told})
    if error is not None:
        raise click.exceptions.Exit(error.exit_code)


@click.command(cls=Command)
@click.option("--check", is_flag=True, help="Write nothing; exit 1 where something would change.")
@click.option("--diff", is_flag=True, help="Write nothing; show what would change.")
@click.pass_obj
def fmt(session: Session, *, check: bool, diff: bool) -> None:
    """Lay out the campaign's YAML files alike.

    Keys go into the order of the reference, indentation to two spaces, single quotes to double ones. Comments
    are kept, each with what it stands above or beside, and no value changes. Names the files that it wrote.

    Examples:
      turkform fmt
      turkform fmt --check --diff
    """
    from turkform.formatting import format_campaign

    found = list(format_campaign(session.existing_folder(), session.outside))
    changed = [(path, before, after) for path, before, after in found if before != after]
    for path, before, after in changed:
        if diff:
            session.terminal.difference(path, before, after)
        if check or not diff:
            session.terminal.out(f"{'would change' if check else 'formatted'} {path}")
        if not check and not diff:
            _replace(path, after)
    if check and changed:
        raise click.exceptions.Exit(TurkformError.exit_code)


def _replace(path: Path, text: str) -> None:
    """Write a file whole or not at all; a link stays one."""
    real = path.resolve()
    draft = real.with_name(f".{real.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8")
        shutil.copymode(real, draft)
        draft.replace(real)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise TurkformError(f"{path} cannot be written: {error.strerror}") from None


@click.command(cls=Command)
@click.argument("what", type=click.Choice(["campaign", "plan"]), default="campaign")
@click.pass_obj
def schema(session: Session, what: str) -> None:
    """Print the JSON Schema of the campaign file, or of the plan document.

    Editors with a YAML language server check and complete campaign files by it.

    Examples:
      turkform schema > campaign.schema.json
      turkform schema plan
    """
    session.terminal.out(json.dumps(_schema(what), indent=2, sort_keys=True))


def _schema(what: str) -> dict[str, Any]:
    if what == "plan":
        from turkform.plan_schema import json_schema as plan_schema

        return plan_schema()
    from turkform.campaign import json_schema as campaign_schema

    return campaign_schema()


COMMANDS = (validate, fmt, schema)
