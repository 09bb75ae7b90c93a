"""`preview` shows a task as a worker would see it, and what the worker hands in, and leaves nothing behind."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from browser import chromium
from campaign_files import YAML, write

from turkform.cli.starting import templates

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, FrameLocator

TURKFORM = Path(sys.executable).with_name("turkform")


@contextmanager
def preview(folder: Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command, and the address that it prints."""
    command = [TURKFORM, "-C", folder, "preview", "--no-browser", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            line = process.stdout.readline().strip()
            yield process, json.loads(line)["address"] if "--json" in words else line
        finally:
            process.kill()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


def wait_until_gone(address: str) -> bool:
    """Whether the server behind an address ends within ten seconds or so."""
    for _ in range(100):
        try:
            urllib.request.urlopen(address, timeout=5).close()  # noqa: S310 - loopback
        except urllib.error.URLError:
            return True
        time.sleep(0.1)
    return False


def weather(task: FrameLocator) -> dict[str, str]:
    task.get_by_label("sunshine").check()
    task.locator("body").press("3")
    task.locator("body").press("9")
    task.get_by_label("Anything odd").fill("two <suns> & 3 clouds")
    task.get_by_role("button", name="Submit").click()
    return {"weather": "rain", "remark": "two <suns> & 3 clouds"}


def meaning(task: FrameLocator) -> dict[str, str]:
    task.get_by_label("nearly the same").check()
    task.get_by_label("Which words").fill("hot")
    task.get_by_role("button", name="Submit").click()
    return {"meaning": "close", "words": "hot"}


def tone(task: FrameLocator) -> dict[str, str]:
    task.get_by_label("friendly").check()
    task.get_by_role("button", name="Submit").click()
    return {"tone": "friendly"}


def travel(task: FrameLocator) -> dict[str, str]:
    task.get_by_label("by bicycle", exact=True).check()
    task.get_by_label("How many minutes").fill("25")
    task.get_by_role("group", name="On how many days").get_by_label("4").check()
    task.get_by_label("a bicycle of my own").check()
    task.get_by_label("bus, tram or train").check()
    for name in ("pleasant", "reliable", "safe", "choice"):
        task.locator(f"input[name={name}][value='4']").check()
    task.locator("input[name=attention][value='2']").check()
    task.get_by_label("Where do you live?").select_option("town")
    task.get_by_label("change one thing").fill("More shade.\nFewer hills.")
    task.get_by_role("button", name="Submit").click()
    return {
        "main-mode": "bicycle", "minutes": "25", "days": "4", "used": "own-bicycle|transit", "pleasant": "4",
        "reliable": "4", "safe": "4", "attention": "2", "choice": "4", "place": "town",
        "change": "More shade.\r\nFewer hills.", "comment": "",
    }  # fmt: skip


TASKS = {
    "image-labels": ("pilot", weather),
    "text-pairs": ("pairs", meaning),
    "quickstart": ("sentences", tone),
    "survey": ("wave-1", travel),
}


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", TASKS)
def test_a_task_is_done_in_a_browser_and_the_answers_come_back(
    name: str, width: int, browser: Browser, tmp_path: Path
) -> None:
    batch, fill = TASKS[name]
    with preview(templates()[name], batch, "--once", "--json") as (process, address):
        with browser.new_context(viewport={"width": width, "height": 800}) as context:
            context.set_default_timeout(60_000)
            page = context.new_page()
            page.goto(address)
            task = page.frame_locator("#task")
            assert task.get_by_role("button", name="Submit").is_disabled()
            page.screenshot(path=tmp_path / "preview.png", full_page=True)
            page.get_by_role("button", name="Accept").click()
            page.wait_for_url("**/assignments/*")
            task.get_by_role("button", name="Submit").and_(task.locator(":enabled")).wait_for()
            overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            assert page.evaluate(overflow) == 0
            assert task.locator("html").evaluate(f"() => {overflow}") == 0
            page.screenshot(path=tmp_path / "work.png", full_page=True)
            wanted = fill(task)
            page.get_by_text("What you handed in").wait_for()
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert json.loads(said) == {"answers": wanted}


def test_a_preview_touches_no_account_and_ends_with_ctrl_c(tmp_path: Path) -> None:
    write(tmp_path)
    with preview(tmp_path, "pilot", "--item", "b2") as (process, address):
        with urllib.request.urlopen(address) as page:  # noqa: S310 - loopback
            assert "Which bird is this?" in page.read().decode()
        process.send_signal(signal.SIGINT)
        said, told = process.communicate(timeout=60)
    assert (process.returncode, said) == (0, "")
    assert told.startswith("item b2 of batch.pilot")
    assert not (tmp_path / ".turkform").exists()
    assert wait_until_gone(address)


LAYOUT = YAML.replace("{html: tasks/bird.html, frame_height: 0}", "{layout: {id: 3ABC, parameters: {a: '${photo}'}}}")


@pytest.mark.parametrize(
    ("words", "changes", "says"),
    [
        (["pilott"], {}, "Did you mean pilot?"),
        (["x"], {}, "Batches: pilot."),
        (["pilot", "--item", "b22"], {}, "Did you mean b2?"),
        (["pilot", "--item", "x"], {}, "Its keys begin with b1, b2, b3."),
        (["pilot"], {"campaign.yaml": LAYOUT}, "with the requester site"),
        (["pilot"], {"data/birds.csv": "id,photo,place\n"}, "has no items"),
    ],
)
def test_what_cannot_be_shown_is_told(words: list[str], changes: dict[str, Any], says: str, tmp_path: Path) -> None:
    write(tmp_path, changes)
    command = [TURKFORM, "-C", tmp_path, "preview", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 64
    assert says in done.stderr
