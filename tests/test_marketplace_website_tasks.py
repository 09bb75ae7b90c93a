"""Task pages: what a group's own origin answers, seen in a real browser and over bare HTTP."""

from __future__ import annotations

import http.client
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from browser import chromium
from tasks_for_people import PAGE, SCHEMAS, external_question, html_question, publish
from web_server import elsewhere

if TYPE_CHECKING:
    from collections.abc import Iterator

    from marketplace_server import Server
    from playwright.sync_api import Browser, FrameLocator, Page

FORM = f"""<QuestionForm xmlns="{SCHEMAS}/2017-11-06/QuestionForm.xsd">
<Overview><Title>About photos</Title><List><ListItem>one</ListItem></List>
<FormattedContent><![CDATA[<p>A <b>bold</b> <a href="https://example.org/">link</a></p>]]></FormattedContent></Overview>
<Question><QuestionIdentifier>name</QuestionIdentifier><IsRequired>true</IsRequired>
<QuestionContent><Text>Your word?</Text></QuestionContent><AnswerSpecification><FreeTextAnswer>
<Constraints><AnswerFormatRegex regex="^[a-z]+$" errorText="Small letters only."/></Constraints>
</FreeTextAnswer></AnswerSpecification>
</Question>
<Question><QuestionIdentifier>one</QuestionIdentifier><IsRequired>true</IsRequired>
<QuestionContent><Text>Which?</Text></QuestionContent>
<AnswerSpecification><SelectionAnswer><StyleSuggestion>radiobutton</StyleSuggestion><Selections>
<Selection><SelectionIdentifier>cat</SelectionIdentifier><Text>Cat</Text></Selection>
<Selection><SelectionIdentifier>dog</SelectionIdentifier><Text>Dog</Text></Selection>
<OtherSelection/></Selections></SelectionAnswer></AnswerSpecification></Question>
<Question><QuestionIdentifier>some</QuestionIdentifier>
<QuestionContent><Text>Which ones?</Text></QuestionContent><AnswerSpecification><SelectionAnswer>
<MinSelectionCount>2</MinSelectionCount><MaxSelectionCount>2</MaxSelectionCount><Selections>
<Selection><SelectionIdentifier>a</SelectionIdentifier><Text>A</Text></Selection>
<Selection><SelectionIdentifier>b</SelectionIdentifier><Text>B</Text></Selection>
<Selection><SelectionIdentifier>c</SelectionIdentifier><Text>C</Text></Selection>
</Selections></SelectionAnswer></AnswerSpecification></Question>
<Question><QuestionIdentifier>menu</QuestionIdentifier>
<QuestionContent><Text>From the menu?</Text></QuestionContent><AnswerSpecification><SelectionAnswer>
<StyleSuggestion>dropdown</StyleSuggestion><Selections>
<Selection><SelectionIdentifier>x</SelectionIdentifier><Text>X</Text></Selection>
<Selection><SelectionIdentifier>y</SelectionIdentifier><Text>Y</Text></Selection>
</Selections></SelectionAnswer></AnswerSpecification></Question>
<Question><QuestionIdentifier>why</QuestionIdentifier><QuestionContent><Text>Why?</Text></QuestionContent>
<AnswerSpecification><FreeTextAnswer><NumberOfLinesSuggestion>4</NumberOfLinesSuggestion></FreeTextAnswer>
</AnswerSpecification></Question></QuestionForm>"""

CROWD = """customElements.define("crowd-form", class extends HTMLElement {
  connectedCallback() {
    const to = new URLSearchParams(location.search), form = document.createElement("form");
    form.method = "post";
    form.action = to.get("turkSubmitTo") + "/mturk/externalSubmit";
    setTimeout(() => {
      form.append(...this.childNodes);
      form.insertAdjacentHTML("beforeend", `<input type=hidden name=assignmentId value=${to.get("assignmentId")}>` +
        "<button>Submit</button>");
      this.append(form);
    });
  }
});"""
"""Stands in for the real script, which comes from Amazon's servers and posts in the same way."""
EXTERNAL = b"""<!DOCTYPE html><meta charset="utf-8"><p id="address"></p>
<form method="post"><input type="hidden" name="assignmentId"><input name="answer" id="answer">
<button id="send">Send</button></form><script>
const to = new URLSearchParams(location.search), form = document.forms[0];
document.getElementById("address").textContent = location.href;
form.assignmentId.value = to.get("assignmentId");
form.action = to.get("turkSubmitTo") + "/mturk/externalSubmit";
</script>"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with browser.new_context() as context:
        context.set_default_timeout(10_000)
        yield context.new_page()


def answers(server: Server, hit: str) -> str:
    found: str = server.client().list_assignments_for_hit(HITId=hit)["Assignments"][0]["Answer"]
    return found


def open_task(server: Server, page: Page, hit: str) -> FrameLocator:
    page.goto(f"{server.url}/hits/{hit}")
    page.get_by_role("button", name="Accept").click()
    return page.frame_locator("#task")


def asked(server: Server, host: str, method: str, path: str, fields: dict[str, str] | None = None) -> tuple[int, str]:
    """A bare request to this server under another name."""
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=10)
    body = urlencode(fields) if fields is not None else None
    headers = {"Host": host, "Content-Type": "application/x-www-form-urlencoded"}
    connection.request(method, path, body, headers)
    with connection.getresponse() as answer:
        found = answer.status, answer.read().decode()
    connection.close()
    return found


def host_of(server: Server, hit: dict[str, Any]) -> str:
    return f"{hit['HITGroupId'].lower()}.tasks.localhost:{urlsplit(server.url).port}"


def test_a_page_written_for_mechanical_turk_submits_here_unchanged(server: Server, page: Page) -> None:
    hit = publish(server.client(), html_question(PAGE))["HITId"]
    task = open_task(server, page, hit)
    task.locator("#animal").fill('a "cat" & <dog> ü')
    task.get_by_label("day", exact=True).check()
    task.get_by_label("night").check()
    task.locator("#submitButton").click()
    page.get_by_text("What you handed in").wait_for()
    assert page.get_by_role("definition").first.inner_text() == 'a "cat" & <dog> ü'
    found = answers(server, hit)
    assert '<QuestionIdentifier>animal</QuestionIdentifier><FreeText>a "cat" &amp; &lt;dog&gt; &#252;<' in found
    assert "<QuestionIdentifier>seen</QuestionIdentifier><FreeText>day|night</FreeText>" in found
    assert "assignmentId" not in found


def test_a_preview_has_no_assignment_and_hands_nothing_in(server: Server, page: Page) -> None:
    hit = publish(server.client(), html_question(PAGE))["HITId"]
    page.goto(f"{server.url}/hits/{hit}")
    task = page.frame_locator("#task")
    assert task.locator("#submitButton").is_disabled()
    assert task.locator("#assignmentId").input_value() == "ASSIGNMENT_ID_NOT_AVAILABLE"
    task.locator("#mturk_form").evaluate("form => form.submit()")
    task.get_by_text("You have not accepted this task").wait_for()
    assert server.client().list_assignments_for_hit(HITId=hit)["NumResults"] == 0


def test_a_form_asks_as_its_document_says_and_answers_come_back_in_its_terms(server: Server, page: Page) -> None:
    hit = publish(server.client(), FORM)["HITId"]
    task = open_task(server, page, hit)
    task.get_by_role("textbox", name="Your word?").fill("UPPER")
    task.get_by_role("button", name="Submit").click()
    said = task.get_by_role("textbox", name="Your word?").evaluate("field => field.validationMessage")
    assert said == "Small letters only."
    task.get_by_role("textbox", name="Your word?").fill("lower")
    task.get_by_role("radio", name="Something else").check()
    task.locator("#q2-other").fill("a horse")
    task.get_by_role("checkbox", name="A").check()
    task.get_by_role("button", name="Submit").click()
    said = task.get_by_role("checkbox", name="A").evaluate("field => field.validationMessage")
    assert said == "Choose at least 2 answers."
    task.get_by_role("checkbox", name="C").check()
    task.get_by_role("combobox", name="From the menu?").select_option("Y")
    task.get_by_role("button", name="Submit").click()
    page.get_by_text("What you handed in").wait_for()
    found = re.findall(r"<Answer>(.*?)</Answer>", answers(server, hit))
    some = "<QuestionIdentifier>some</QuestionIdentifier>{0}a</{1}{0}c</{1}"
    assert found == [
        "<QuestionIdentifier>name</QuestionIdentifier><FreeText>lower</FreeText>",
        "<QuestionIdentifier>one</QuestionIdentifier><OtherSelectionText>a horse</OtherSelectionText>",
        some.format("<SelectionIdentifier>", "SelectionIdentifier>"),
        "<QuestionIdentifier>menu</QuestionIdentifier><SelectionIdentifier>y</SelectionIdentifier>",
        "<QuestionIdentifier>why</QuestionIdentifier><FreeText></FreeText>",
    ]


def test_an_external_page_is_told_who_works_and_submits_to_the_groups_host(server: Server, page: Page) -> None:
    with elsewhere(EXTERNAL) as address:
        hit = publish(server.client(), external_question(f"{address}/task?mode=a&amp;b=1", 400))
        page.goto(f"{server.url}/hits/{hit['HITId']}")
        task = page.frame_locator("#task")
        seen = dict(parse_qsl(urlsplit(task.locator("#address").text_content() or "").query))
        assert seen == {
            "mode": "a", "b": "1", "assignmentId": "ASSIGNMENT_ID_NOT_AVAILABLE", "hitId": hit["HITId"],
            "turkSubmitTo": f"http://{host_of(server, hit)}",
        }  # fmt: skip
        page.get_by_role("button", name="Accept").click()
        page.wait_for_url("**/assignments/*")
        seen = dict(parse_qsl(urlsplit(task.locator("#address").text_content() or "").query))
        assert seen["assignmentId"] == page.url.rpartition("/")[2]
        assert seen["workerId"] == "A1VISITOR"
        task.locator("#answer").fill("from elsewhere")
        task.locator("#send").click()
        page.get_by_text("What you handed in").wait_for()
    assert "<FreeText>from elsewhere</FreeText>" in answers(server, hit["HITId"])


def test_a_page_of_crowd_elements_says_so_where_their_script_does_not_come(server: Server, page: Page) -> None:
    script = '<script src="https://assets.crowd.aws/crowd-html-elements.js"></script>'
    hit = publish(server.client(), html_question(f"{script}<crowd-form><p>Look</p></crowd-form>"))["HITId"]
    page.route("https://assets.crowd.aws/**", lambda route: route.abort())
    task = open_task(server, page, hit)
    task.get_by_role("alert").wait_for()
    assert "could not be loaded from https://assets.crowd.aws/" in (task.get_by_role("alert").text_content() or "")


def test_a_page_of_crowd_elements_works_where_their_script_comes(server: Server, page: Page) -> None:
    script = '<script src="https://assets.crowd.aws/crowd-html-elements.js"></script>'
    hit = publish(server.client(), html_question(f"{script}<crowd-form><input name='word'></crowd-form>"))["HITId"]
    page.route("https://assets.crowd.aws/**", lambda route: route.fulfill(body=CROWD, content_type="text/javascript"))
    task = open_task(server, page, hit)
    task.locator("[name=word]").fill("crowd")
    task.get_by_role("button", name="Submit").click()
    page.get_by_text("What you handed in").wait_for()
    assert "<FreeText>crowd</FreeText>" in answers(server, hit)


def test_a_group_takes_no_answers_for_another_groups_assignment(server: Server) -> None:
    mine, other = publish(server.client(), FORM), publish(server.client(), FORM, Title="Another group")
    held = server.control("worker/accept", hit=mine["HITId"], worker="A1ONE")["assignment_id"]
    fields = {"assignmentId": held, "name": "x"}
    assert asked(server, host_of(server, other), "POST", "/mturk/externalSubmit", fields)[0] == 404
    assert asked(server, host_of(server, other), "GET", f"/work/{held}")[0] == 404
    assert asked(server, host_of(server, mine), "GET", f"/work/{held}")[0] == 200
    assert asked(server, host_of(server, mine), "POST", "/mturk/externalSubmit", fields)[0] == 200
    assert "arrived before" in asked(server, host_of(server, mine), "POST", "/mturk/externalSubmit", fields)[1]


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/"), ("GET", "/"), ("GET", "/health"), ("POST", "/control/clock"), ("GET", "/static/site.css")],
)
def test_api_site_and_control_are_not_at_a_groups_host(server: Server, method: str, path: str) -> None:
    assert asked(server, f"3abc.tasks.localhost:{urlsplit(server.url).port}", method, path)[0] == 421


@pytest.mark.parametrize("path", ["/preview/3X", "/work/3X"])
def test_task_pages_are_not_at_the_sites_own_host(server: Server, path: str) -> None:
    assert asked(server, urlsplit(server.url).netloc, "GET", path)[0] == 404


@pytest.mark.parametrize("origin", [None, "null", "http://evil.example", "http://3abc.tasks.localhost"])
def test_a_form_that_another_page_sends_is_refused(server: Server, origin: str | None) -> None:
    hit = publish(server.client(), FORM)["HITId"]
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=10)
    connection.request("POST", f"/hits/{hit}/accept", headers={"Origin": origin} if origin else {})
    with connection.getresponse() as answer:
        assert answer.status == 403
    connection.close()
    assert server.client().get_hit(HITId=hit)["HIT"]["NumberOfAssignmentsPending"] == 0


def test_work_that_ran_out_of_time_is_not_taken(server: Server) -> None:
    hit = publish(server.client(), FORM)
    held = server.control("worker/accept", hit=hit["HITId"], worker="A1LATE")["assignment_id"]
    server.control("clock", advance_seconds=601)
    status, text = asked(server, host_of(server, hit), "POST", "/mturk/externalSubmit", {"assignmentId": held})
    assert status == 409
    assert "The time for this task is over" in text


def test_no_more_is_read_of_a_form_than_a_tasks_answers_can_be(server: Server) -> None:
    hit = publish(server.client(), FORM)
    held = server.control("worker/accept", hit=hit["HITId"], worker="A1LONG")["assignment_id"]
    fields = {"assignmentId": held, "why": "x" * 4_100_000}
    assert asked(server, host_of(server, hit), "POST", "/mturk/externalSubmit", fields)[0] == 413
    assert server.client().list_assignments_for_hit(HITId=hit["HITId"])["NumResults"] == 0
