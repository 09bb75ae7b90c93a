"""The site in a browser: one worker's way from an invitation to what was earned, and every page for its readers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import chromium
from marketplace_server import Server, running
from real_marketplace import RealMarketplace, real_marketplace
from tasks_for_people import PAGE, choice, external_question, form, html_question, publish
from web_server import elsewhere

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

KEY = """<AnswerKey xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2005-10-01/AnswerKey.xsd">
<Question><QuestionIdentifier>legs</QuestionIdentifier><AnswerOption><SelectionIdentifier>four</SelectionIdentifier>
<AnswerScore>1</AnswerScore></AnswerOption></Question>
<QualificationValueMapping><PercentageMapping><MaximumSummedScore>1</MaximumSummedScore></PercentageMapping>
</QualificationValueMapping></AnswerKey>"""
ELSEWHERE = b"""<!DOCTYPE html><title>t</title><form method="post"><input type="hidden" name="assignmentId">
<label>Sound <input name="sound"></label><button>Send</button></form><script>
const to = new URLSearchParams(location.search), form = document.forms[0];
form.assignmentId.value = to.get("assignmentId");
form.action = to.get("turkSubmitTo") + "/mturk/externalSubmit";</script>"""
PASSWORD = "correct horse battery staple"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealMarketplace]:
    with real_marketplace(tmp_path_factory.mktemp("site")) as found:
        yield found


@pytest.fixture(scope="module")
def rehearsal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A rehearsal with something on every page, for A1READER."""
    with running(tmp_path_factory.mktemp("rehearsal")) as server:
        lab = server.client("LAB")
        trained = qualification(lab)
        publish(lab, html_question(PAGE), Title="Name the animal", Keywords="animals, pictures")
        wants = [{"QualificationTypeId": trained, "Comparator": "GreaterThan", "IntegerValues": [50]}]
        publish(lab, form(choice("size", "How big?", "small", "large")), Title="Size", QualificationRequirements=wants)
        for verdict in ("approve", "reject"):
            hit = publish(lab, html_question(PAGE), Title=f"To {verdict}")["HITId"]
            work = {"hit": hit, "worker": "A1READER", "answers": {"animal": "cat"}}
            done = server.control("worker/submit", **work)["assignment_id"]
            getattr(lab, f"{verdict}_assignment")(AssignmentId=done, RequesterFeedback="So it is.")
        work["hit"] = publish(lab, html_question(PAGE), Title="To wait for")["HITId"]
        server.control("worker/submit", **work)
        yield server


def qualification(client: Any) -> str:
    made: str = client.create_qualification_type(
        Name="Knows animals", Description="One question about animals.", QualificationTypeStatus="Active",
        Test=form(choice("legs", "How many legs has a cat?", "four", "six")), AnswerKey=KEY, TestDurationInSeconds=600,
    )["QualificationType"]["QualificationTypeId"]  # fmt: skip
    return made


def find(page: Page, title: str) -> None:
    """Search for a group of tasks as a worker does, and open it."""
    page.get_by_role("link", name="Tasks", exact=True).click()
    page.get_by_role("searchbox", name="Search").fill(title)
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name=title).click()


def test_a_worker_is_invited_qualifies_works_and_is_paid(market: RealMarketplace, browser: Browser) -> None:
    lab = market.server.client(market.server.keys("Animal lab"))
    wants = [{"QualificationTypeId": qualification(lab), "Comparator": "GreaterThanOrEqualTo", "IntegerValues": [80]}]
    with browser.new_context(viewport={"width": 390, "height": 844}) as context, elsewhere(ELSEWHERE) as address:
        context.set_default_timeout(15_000)
        page = context.new_page()
        hits = [
            publish(lab, question, Title=title, QualificationRequirements=wants)["HITId"]
            for title, question in (
                ("Name it", html_question(PAGE)),
                ("Hear it", external_question(address)),
                ("Measure it", form(choice("size", "How big?", "small", "large"))),
            )
        ]
        page.goto(market.url + market.invitation("A1INVITED"))
        page.get_by_role("button", name="Go on").click()
        page.get_by_label("New password").fill(PASSWORD)
        page.get_by_role("button", name="Save").click()
        page.get_by_text("Your password is set").wait_for()
        page.get_by_role("button", name="Sign out").click()
        page.get_by_label("Worker ID").fill("A1INVITED")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()

        find(page, "Name it")
        page.get_by_text("You do not qualify yet").click()
        page.get_by_role("link", name="Knows animals").click()
        page.get_by_role("button", name="Begin the test").click()
        page.frame_locator("#task").get_by_label("four").check()
        page.frame_locator("#task").get_by_role("button", name="Submit").click()
        page.get_by_text("Your score is 100").wait_for()

        find(page, "Name it")
        page.get_by_role("button", name="Accept").click()
        page.frame_locator("#task").get_by_label("Animal").fill("cat")
        page.frame_locator("#task").locator("#submitButton").click()
        page.get_by_text("Handed in. Thank you!").wait_for()
        find(page, "Hear it")
        page.get_by_role("button", name="Accept").click()
        page.frame_locator("#task").get_by_label("Sound").fill("meow")
        page.frame_locator("#task").get_by_role("button", name="Send").click()
        page.get_by_text("Handed in. Thank you!").wait_for()
        find(page, "Measure it")
        page.get_by_role("button", name="Accept").click()
        page.frame_locator("#task").get_by_label("small").check()
        page.frame_locator("#task").get_by_role("button", name="Submit").click()
        page.get_by_text("Handed in. Thank you!").wait_for()

        work = [lab.list_assignments_for_hit(HITId=hit)["Assignments"][0] for hit in hits]
        said = ["<FreeText>cat<", "<FreeText>meow<", "<SelectionIdentifier>small<"]
        assert [text in done["Answer"] for text, done in zip(said, work, strict=True)] == [True] * 3
        for done in work[:2]:
            lab.approve_assignment(AssignmentId=done["AssignmentId"], RequesterFeedback="Just right.")
        lab.reject_assignment(AssignmentId=work[2]["AssignmentId"], RequesterFeedback="It is a tiger.")
        page.get_by_role("link", name="My work", exact=True).first.click()
        assert page.get_by_text("$0.20", exact=True).is_visible()
        assert page.get_by_text("Just right.").count() == 2
        assert page.get_by_text("It is a tiger.").is_visible()
        assert page.get_by_text("Animal lab").first.is_visible()


PAGES = ("/", "/?q=nothing", "/work", "/inbox", "/qualifications", "/account", "/nothing")
FOUND = ("Name the animal", "Size")


def places(page: Page, server: Server) -> Iterator[str]:
    """Every kind of page of the site, one after the other, as A1READER sees it."""
    page.goto(f"{server.url}/account")
    page.get_by_label("Worker ID").fill("A1READER")
    page.get_by_role("button", name="Be this worker").click()
    for path in PAGES:
        page.goto(server.url + path)
        yield path
    for title in FOUND:
        page.goto(server.url)
        page.get_by_role("link", name=title).click()
        yield title
    page.goto(f"{server.url}/qualifications")
    page.get_by_role("link", name="Knows animals").click()
    yield "a qualification"
    page.goto(f"{server.url}/work")
    page.get_by_role("link", name="To reject").click()
    yield "an outcome"
    page.goto(server.url)
    page.get_by_role("link", name="Name the animal").click()
    page.get_by_role("button", name="Accept").click()
    page.wait_for_url("**/assignments/*")
    yield "a task in hand"
    page.get_by_text("Return", exact=True).click()
    yield "a task about to be returned"
    page.get_by_role("button", name="Yes, return it").click()
    page.get_by_text("You returned this task").wait_for()
    yield "a returned task"


def serious(page: Page, *rules: str) -> list[tuple[str, list[str]]]:
    """What axe finds serious or critical, by these rules or by all: the rule, and where."""
    found = Axe().run(page, options={"resultTypes": ["violations"], **({"runOnly": [*rules]} if rules else {})})
    bad = [rule for rule in found.response["violations"] if rule["impact"] in {"serious", "critical"}]
    return [(rule["id"], [node["html"][:120] for node in rule["nodes"]]) for rule in bad]


@pytest.mark.parametrize(("scheme", "rules"), [("light", ()), ("dark", ("color-contrast",))])
def test_axe_finds_nothing_serious_on_any_page(
    rehearsal: Server, browser: Browser, scheme: Any, rules: tuple[str, ...]
) -> None:
    with browser.new_context(color_scheme=scheme, viewport={"width": 390, "height": 844}) as context:
        page = context.new_page()
        problems = {name: serious(page, *rules) for name in places(page, rehearsal)}
    assert {name: found for name, found in problems.items() if found} == {}


def entrance(page: Page, market: RealMarketplace, worker: str) -> Iterator[str]:
    """Every page between an invitation and a password, opened one after the other."""
    page.goto(f"{market.url}/inbox")
    yield "the door"
    page.get_by_label("Worker ID").fill("A1STRANGER")
    page.get_by_label("Password").fill("not this one")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_text("do not fit together").wait_for()
    yield "a wrong password"
    link = market.invitation(worker)
    page.goto(market.url + link)
    yield "an invitation"
    page.get_by_role("button", name="Go on").click()
    page.get_by_text("Set a password").wait_for()
    yield "an account without a password"
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Your password is set").wait_for()
    yield "a password that was set"
    page.goto(market.url + link)
    yield "an invitation that was used"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_the_way_in(market: RealMarketplace, browser: Browser, scheme: Any) -> None:
    with browser.new_context(color_scheme=scheme, viewport={"width": 390, "height": 844}) as context:
        page = context.new_page()
        problems = {name: serious(page) for name in entrance(page, market, f"A1{scheme.upper()}")}
    assert {name: found for name, found in problems.items() if found} == {}


def test_axe_finds_nothing_serious_in_a_form(rehearsal: Server, browser: Browser) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{rehearsal.url}/?q=size")
        page.get_by_role("link", name="Size").click()
        page.goto(page.locator("#task").get_attribute("src") or "")
        assert serious(page) == []


def test_every_page_fits_a_small_phone_and_asks_nothing_of_another_server(rehearsal: Server, browser: Browser) -> None:
    asked: set[str] = set()
    with browser.new_context(viewport={"width": 320, "height": 640}) as context:
        page = context.new_page()
        page.on("request", lambda request: asked.add(request.url))
        widths = {name: page.evaluate("document.documentElement.scrollWidth") for name in places(page, rehearsal)}
    assert {name: width for name, width in widths.items() if width > 320} == {}
    strangers = {url for url in asked if not url.startswith(rehearsal.url) and ".tasks.localhost" not in url}
    assert strangers <= {"https://s3.amazonaws.com/mturk-public/externalHIT_v1.js"}, "only the task asks for this one"


def test_a_task_can_be_found_and_accepted_with_the_keyboard_alone(rehearsal: Server, browser: Browser) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(rehearsal.url)
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
        page.keyboard.press("Enter")
        for _ in range(40):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.textContent") == "Name the animal":
                break
        page.keyboard.press("Enter")
        page.wait_for_url("**/projects/**")
        for _ in range(40):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.textContent") == "Accept":
                break
        page.keyboard.press("Enter")
        page.wait_for_url("**/assignments/*")
        assert page.locator("#clock").is_visible()


def test_the_page_goes_on_by_itself_when_the_time_is_over(rehearsal: Server, browser: Browser) -> None:
    hit = publish(rehearsal.client("LAB"), html_question(PAGE), AssignmentDurationInSeconds=30)["HITId"]
    with browser.new_context() as context:
        page = context.new_page()
        page.clock.install()
        page.goto(f"{rehearsal.url}/hits/{hit}")
        page.get_by_role("button", name="Accept").click()
        page.wait_for_url("**/assignments/*")
        assert page.locator("#clock time").text_content() in {"0:30", "0:29"}
        rehearsal.control("clock", advance_seconds=31)
        page.clock.run_for(33_000)
        page.get_by_text("Time ran out").wait_for()
