"""How commands reach a marketplace: the options that name it, and one control call to a running one.

In: a control file. Out: the answer.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import click

CONTROL = click.option(
    "--control-file", type=click.Path(path_type=Path), required=True, help="Where the server keeps its address."
)

STORE = click.option(
    "--store", default="sqlite:///marketplace.sqlite", show_default=True, envvar="TURKFORMSTORE",
    help="Where everything is kept: sqlite:///FILE or postgresql://USER@HOST/DATABASE.",
)  # fmt: skip
MASTER = click.option(
    "--master-key", type=click.Path(path_type=Path), metavar="FILE", envvar="TURKFORMMASTER_KEY_FILE",
    help="The key that opens requesters' secrets; or its text in TURKFORMMASTER_KEY.",
)  # fmt: skip


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
