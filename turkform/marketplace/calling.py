"""How commands reach a marketplace: the options that name it, and one control call to a running one.

In: a control file. Out: the answer.
"""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import click

CONTROL = click.option(
    "--control-file", type=click.Path(path_type=Path), required=True, help="Where the server keeps its address."
)

STORE = click.option(
    "--store", default="sqlite:///marketplace.sqlite", show_default=True, envvar="TURKFORM_STORE",
    help="Where everything is kept: sqlite:///FILE or postgresql://USER@HOST/DATABASE.",
)  # fmt: skip
MASTER = click.option(
    "--master-key", type=click.Path(path_type=Path), metavar="FILE", envvar="TURKFORM_MASTER_KEY_FILE",
    help="The key that opens requesters' secrets; or its text in TURKFORM_MASTER_KEY.",
)  # fmt: skip

_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}


class Duration(click.ParamType[int]):
    """A duration as people write it, such as 3d, 1h30m or 90s; in seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read it."""
        if isinstance(value, int):
            return value
        parts = re.fullmatch(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", value)
        if not value or parts is None:
            self.fail(f'"{value}" is not a duration. Write it like 3d, 2h or 90s', param, ctx)
        return sum(int(n) * _UNITS[unit] for n, unit in zip(parts.groups(), "dhms", strict=True) if n)


def call(path: Path, what: str, body: dict[str, Any]) -> dict[str, Any]:
    """Say something to the marketplace that a control file names.

    Raises:
        ClickException: nothing is running there, it does not answer, or it said no.
    """
    try:
        server = json.loads(path.read_text())
    except (OSError, ValueError):
        raise click.ClickException(f"no marketplace is running here: there is no {path}") from None
    request = urllib.request.Request(  # noqa: S310 - the control file is ours, and says http
        f"{server['url']}/control/{what}",
        json.dumps(body).encode(),
        {"Authorization": f"Bearer {server['token']}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            found: dict[str, Any] = json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            raise click.ClickException(json.load(error).get("error", str(error))) from None
    except OSError:
        raise click.ClickException(f"the marketplace at {server['url']} does not answer") from None
    return found
