"""The report in a real browser: it shows what `status` says, asks nobody, runs nothing, and everyone can read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import chromium
from life import Life

from turkform.answers import Answers
from turkform.collecting import collect
from turkform.journal import Journal
from turkform.reportage import draw
from turkform.results import Stand, stand

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from marketplace_server import Server
    from playwright.sync_api import Browser, Page

HOSTILE = "</title><script>document.title='owned'</script><img src=x onerror=document.title='owned'>\x1b[2J"


@pytest.fixture(scope="module")
def standing(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Stand:
    """A campaign with a hostile title, some of its work reviewed."""
    life = Life(server, tmp_path_factory.mktemp("life"))
    life.campaign = {"title": HOSTILE, "policies": {"min_hourly_pay": {"rate": "9.00", "expected_time": "10s"}}}
    life.apply()
    client = server.client()
    for number, hit in enumerate(hit["HITId"] for hit in life.hits() for _ in range(2)):
        given = {"hit": hit, "worker": f"A1WORKER{number}"}
        server.control("worker/accept", **given)
        server.control("clock", advance_seconds=30 + 20 * number)
        done = server.control("worker/submit", **given, answers={"answer": "SECRET"})["assignment_id"]
        if number % 2:
            client.approve_assignment(AssignmentId=done)
        elif number == 2:
            client.reject_assignment(AssignmentId=done, RequesterFeedback="No.")
    with Journal.open(life.folder / "journal.sqlite", create=False) as journal:
        answers = Answers.beside(journal.place, journal.id)
    collect(life.look(), answers)
    found = stand(life.look(), answers)
    answers.close()
    return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(params=[(1280, "light"), (390, "dark")], ids=["desk", "phone"])
def page(
    request: pytest.FixtureRequest, browser: Browser, standing: Stand, tmp_path: Path
) -> Iterator[tuple[Page, list[str]]]:
    file = tmp_path / "report.html"
    file.write_text(draw(standing), encoding="utf-8")
    width, scheme = request.param
    with browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme) as context:
        found, asked = context.new_page(), []
        found.on("request", lambda made: asked.append(made.url))
        found.on("console", lambda said: asked.append(said.text))
        found.goto(file.as_uri())
        yield found, asked


def test_it_shows_what_status_says_and_asks_nobody(page: tuple[Page, list[str]], standing: Stand) -> None:
    found, asked = page
    total = standing.document["total"]
    tiles = found.locator(".tiles li strong").all_inner_texts()
    assert tiles[0] == "6 of 9"
    assert tiles[2] == f"${total['hourly']}"
    assert tiles[4] == f"${total['spent']}"
    assert len(asked) == 1, "the file itself, and nothing said on the console"


def test_what_strangers_wrote_is_text(page: tuple[Page, list[str]]) -> None:
    found, _ = page
    assert found.locator("script, img").count() == 0
    assert "owned" not in found.title()
    assert "<script>" in found.locator("h1").inner_text()


def test_it_fits_the_window_and_readers_of_every_kind(page: tuple[Page, list[str]]) -> None:
    found, _ = page
    assert found.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for closed in found.locator("details").all():
        closed.locator("summary").first.click()
    assert found.get_by_role("img", name="Progress").count() == 1
    told = Axe().run(found)
    assert told.violations_count == 0, told.generate_report()


def test_every_plot_has_a_table_that_says_the_same(page: tuple[Page, list[str]]) -> None:
    found, _ = page
    plots: Any = found.locator("figure")
    assert plots.count() == 4
    assert plots.locator("table").count() == 4


def test_it_names_no_worker_and_quotes_no_answer(standing: Stand) -> None:
    text = draw(standing)
    assert "A1WORKER" not in text
    assert "SECRET" not in text


def test_a_campaign_without_an_answer_has_a_report(server: Server, tmp_path: Path) -> None:
    assert "0 of 0" in draw(stand(Life(server, tmp_path).look()))


def test_work_that_pays_less_than_the_policy_wants_is_warned_of(standing: Stand) -> None:
    (warning,) = [w for w in standing.document["warnings"] if w["kind"] == "pay"]
    assert "min_hourly_pay is $9.00" in warning["text"]
