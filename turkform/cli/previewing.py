"""`preview`: a task in a browser, before anybody can see it."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import TYPE_CHECKING

import click

from turkform.cli.commands import Command

if TYPE_CHECKING:
    from turkform.cli.session import Session
    from turkform.preview import Preview

_LOOK = 0.5
"""Seconds between two looks at what was handed in."""


@click.command(cls=Command)
@click.argument("batch", metavar="BATCH")
@click.option("--item", metavar="KEY", help="The item to show.  [default: the first]")
@click.option("--no-browser", is_flag=True, help="Only print the address.")
@click.option("--once", is_flag=True, help="End when answers were handed in.")
@click.option("--json", "as_json", is_flag=True, help="Print the address and answers as JSON, an object a line.")
@click.pass_obj
def preview(session: Session, batch: str, *, item: str | None, no_browser: bool, once: bool, as_json: bool) -> None:
    """Show a task in a browser, as a worker would see it.

    The task is published to a marketplace that lives as long as this command: no account, journal or
    environment is touched. Accept it there, do it, and submit: the answers are shown here. Ends with Ctrl-C.

    Examples:
      turkform preview pilot
      turkform preview pilot --item img-7
      turkform preview pilot --no-browser --once --json
    """
    from turkform.account import connect
    from turkform.campaign import Target
    from turkform.cli.local import throwaway
    from turkform.preview import Preview, item_of, source_of

    desired = session.load()
    source = source_of(desired, batch)
    found = item_of(source, item)
    with throwaway() as url:
        task = Preview(connect(Target("preview", "local"), url), desired, source, found)
        address = url + task.publish()
        session.terminal.say(f"item {found.key} of {source.address}: accept it, do it, submit; Ctrl-C ends the preview")
        session.terminal.out(json.dumps({"address": address}) if as_json else address)
        sys.stdout.flush()
        if not no_browser:
            _open(session, address)
        try:
            _watch(session, task, url, once=once, as_json=as_json)
        except KeyboardInterrupt:  # the usual end
            session.terminal.say("")


def _watch(session: Session, task: Preview, url: str, *, once: bool, as_json: bool) -> None:
    """Show what is handed in, and offer the task once more."""
    while True:
        answers = task.answers()
        if answers is None:
            time.sleep(_LOOK)
            continue
        _tell(session, answers, as_json=as_json)
        if once:
            return
        session.terminal.say(f"once more: {url}{task.publish()}")


def _tell(session: Session, answers: dict[str, str], *, as_json: bool) -> None:
    from turkform.printable import clean

    if as_json:
        session.terminal.out(json.dumps({"answers": answers}))
    else:
        width = max(map(len, answers), default=0)
        for name, text in answers.items():
            session.terminal.out(f"  {clean(name):<{width}}  {clean(text)}")
        if not answers:
            session.terminal.out("  submitted without any answer")
    sys.stdout.flush()


def _open(session: Session, url: str) -> None:
    """Open the browser where there is a screen for it; a browser in this terminal would take it away."""
    import webbrowser

    screen = sys.platform != "linux" or any(name in os.environ for name in ("DISPLAY", "WAYLAND_DISPLAY"))
    if not screen or not webbrowser.open(url):
        session.terminal.say("open the address above in a browser")


COMMANDS = (preview,)
