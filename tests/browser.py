"""A real Chromium for the tests: Debian's, without a window. Where there is none, a test fails and says what to do.

The tests start it themselves and Playwright only drives it: with Playwright's own switches, pages in frames would have
no storage, which in a browser of a person they have.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

FLAGS = (
    "--headless",
    "--no-sandbox",  # the tests may run as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
)
_SAYS = "DevTools listening on "


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser with a profile of its own; `*.localhost` is this machine to it."""
    found = shutil.which("chromium")
    if found is None:
        raise RuntimeError("there is no chromium: run `make browser`, or install it as your system does")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [found, *FLAGS, f"--user-data-dir={profile}", "about:blank"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
            try:
                with sync_playwright() as playwright:
                    browser = playwright.chromium.connect_over_cdp(_address(process))
                    yield browser
                    browser.close()
            finally:
                process.terminate()
                process.communicate(timeout=20)


def _address(process: subprocess.Popen[str]) -> str:
    """Where the browser listens, as soon as it says so."""
    assert process.stderr is not None
    said: list[str] = []
    for line in process.stderr:
        said.append(line)
        if line.startswith(_SAYS):
            return line.removeprefix(_SAYS).strip()
    raise RuntimeError(f"chromium did not start: {''.join(said)}")
