"""`python -m turkform.marketplace doctor …`: a line a check, and exit code 1 where something is wrong."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from turkform.marketplace.calling import MASTER, STORE


@click.command()
@STORE
@MASTER
@click.option("--public-url", required=True, metavar="URL", envvar="TURKFORM_PUBLIC_URL", help="As `serve` has it.")
@click.option("--tasks-url", required=True, metavar="URL", envvar="TURKFORM_TASKS_URL", help="As `serve` has it.")
@click.option("--ca", type=click.Path(path_type=Path, exists=True), help="Trust these authorities too, in PEM.")
@click.option("--connect", metavar="HOST:PORT", help="Reach both names here, while DNS does not know them.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def doctor(*, connect: str | None, as_json: bool, ca: Path | None, **where: Any) -> None:
    """Check an installation; changes nothing."""
    from turkform.marketplace.doctor import Installation, examine

    found = []
    for finding in examine(Installation(**where, authorities=ca, connect=_address(connect))):
        found.append(finding)
        if not as_json:
            mark = "wrong" if not finding.well else "note " if finding.todo else "ok   "
            click.echo(f"{mark}  {finding.check}: {finding.said}")
            if finding.todo:
                click.echo(f"         {finding.todo}")
    well = all(finding.well for finding in found)
    if as_json:
        click.echo(json.dumps({"well": well, "checks": [asdict(finding) for finding in found]}, indent=1))
    sys.exit(0 if well else 1)


def _address(text: str | None) -> tuple[str, int] | None:
    if text is None:
        return None
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal():
        raise click.UsageError(f'--connect wants HOST:PORT, not "{text}"')
    return host, int(port)
