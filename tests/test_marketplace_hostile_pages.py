"""Hostile pages: what a requester's page tries against a worker, in a real browser, and what stops it.

Every attack is a task that a worker opens and accepts. Its script tries, and leaves what it found in `#found`; the test
looks at that, at the site's page around it, and at the marketplace. `docs/hostile-pages.md` lists the same attacks.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from browser import chromium
from tasks_for_people import external_question, html_question, publish
from web_server import elsewhere

if TYPE_CHECKING:
    from collections.abc import Iterator

    from marketplace_server import Server
    from playwright.sync_api import Browser, Page

DOCS = Path(__file__).parent.parent / "docs" / "hostile-pages.md"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture
def page(server: Server, browser: Browser) -> Iterator[Page]:
    """A browser of a worker who has a cookie to lose."""
    with browser.new_context() as context:
        context.set_default_timeout(10_000)
        found = context.new_page()
        found.goto(f"{server.url}/account")
        found.get_by_label("Worker ID").fill("A1VICTIM")
        found.get_by_role("button", name="Be this worker").click()
        found.get_by_text("You are A1VICTIM").wait_for()
        yield found


class Attack(NamedTuple):
    """What the page's script found, after the worker accepted the task; and where that happened."""

    url: str
    found: Any


def script(body: str, server: Server, **values: str) -> str:
    """A page whose script runs `body`, an async function's, and shows what it returns or how it failed."""
    known = {"SITE": server.url, **values}
    names = "".join(f"const {name} = {json.dumps(value)};" for name, value in known.items())
    return f"""<!DOCTYPE html><html><head><title>t</title></head><body><form><input name="assignmentId"></form>
<pre id="found"></pre><script>{names}
const tried = async (f) => {{ try {{ return await f(); }} catch (e) {{ return "stopped: " + e.name; }} }};
const wait = (ms) => new Promise((go) => setTimeout(go, ms));
(async () => {{ const found = await tried(async () => {{ {body} }});
document.getElementById("found").textContent = JSON.stringify(found === undefined ? null : found); }})();
</script></body></html>"""


def attack(server: Server, page: Page, body: str, **values: str) -> Attack:
    """Let the worker accept a task whose page runs this."""
    hit = publish(server.client("EVIL"), html_question(script(body, server, **values)), Title="Kind task")
    page.goto(f"{server.url}/hits/{hit['HITId']}")
    page.get_by_role("button", name="Accept").click()
    page.wait_for_url("**/assignments/*")
    return Attack(page.url, found_by(page))


def found_by(page: Page) -> Any:
    """What the page in the frame has found."""
    shown = page.frame_locator("#task").locator("#found")
    shown.filter(has_text=re.compile(".")).wait_for()
    return json.loads(shown.text_content() or "null")


def still_at_work(page: Page, done: Attack) -> bool:
    """Whether the worker still sees the site's own page around the task."""
    return page.url == done.url and page.locator("#clock").is_visible()


def test_a_task_cannot_read_the_workers_session(server: Server, page: Page) -> None:
    done = attack(server, page, """
        const answer = async (o) => (await fetch(SITE + "/account", o)).text();
        return [document.cookie, await tried(() => top.document.cookie), await tried(() => parent.localStorage.length),
                await tried(() => answer({credentials: "include"})), await tried(() => answer({mode: "same-origin"})),
                await tried(() => answer({mode: "no-cors", credentials: "include"}))];
    """)  # fmt: skip
    stopped = ["stopped: SecurityError", "stopped: SecurityError", "stopped: TypeError", "stopped: TypeError"]
    assert done.found == ["", *stopped, "stopped: TypeError"]


def test_a_task_cannot_act_as_the_worker_on_the_site(server: Server, page: Page) -> None:
    bait = publish(server.client("EVIL"), html_question(script("", server)), Title="Bait")
    done = attack(server, page, """
        for (const path of ["/account/worker", "/hits/" + BAIT + "/accept"]) {
          await tried(() => fetch(SITE + path, {method: "POST", mode: "no-cors", credentials: "include",
            headers: {"content-type": "application/x-www-form-urlencoded"}, body: "worker=A1THIEF"}));
          const form = document.createElement("form"), frame = document.createElement("iframe");
          frame.name = "away"; document.body.append(frame, form);
          Object.assign(form, {action: SITE + path, method: "post", target: "away"});
          form.innerHTML = "<input name=worker value=A1THIEF>";
          HTMLFormElement.prototype.submit.call(form);
          await wait(300); form.remove(); frame.remove();
        }
    """, BAIT=bait["HITId"])  # fmt: skip
    assert still_at_work(page, done)
    page.goto(f"{server.url}/account")
    assert page.get_by_role("heading", name="You are A1VICTIM").is_visible()
    assert server.client("EVIL").get_hit(HITId=bait["HITId"])["HIT"]["NumberOfAssignmentsPending"] == 0


def test_a_task_cannot_call_the_api_or_the_control(server: Server, page: Page) -> None:
    done = attack(server, page, """
        const target = "MTurkRequesterServiceV20170117.ListHITs", key = "AWS4-HMAC-SHA256 Credential=EVIL/20260101/";
        const said = [];
        for (const host of [SITE, location.origin])
          for (const path of ["/", "/control/clock", "/control/keeper/list"])
            said.push(await tried(async () => (await fetch(host + path, {method: "POST", body: "{}",
              headers: host === SITE ? {"X-Amz-Target": target, Authorization: key} : {}})).status));
        for (const path of ["/", "/control/clock"])
          await tried(() => fetch(SITE + path, {method: "POST", mode: "no-cors", body: '{"advance_seconds": 1e8}'}));
        return said;
    """)  # fmt: skip
    assert done.found == ["stopped: TypeError"] * 3 + [421] * 3
    assert "2026" in server.control("clock")["now"]
    assert still_at_work(page, done)


def test_a_task_cannot_submit_another_assignment(server: Server, page: Page) -> None:
    other = publish(server.client("OTHER"), html_question(script("", server)), Title="Another")
    held = server.control("worker/accept", hit=other["HITId"], worker="A1ELSE")["assignment_id"]
    done = attack(server, page, """
        const send = (id) => fetch("/mturk/externalSubmit", {method: "POST", body: new URLSearchParams(
          {assignmentId: id, answer: "forged"})}).then((answer) => answer.status);
        return [await send(HELD), await send("3" + "Z".repeat(29)), await send("")];
    """, HELD=held)  # fmt: skip
    assert done.found == [404, 404, 404]
    assert server.client("OTHER").list_assignments_for_hit(HITId=other["HITId"])["NumResults"] == 0
    assert server.client("OTHER").get_hit(HITId=other["HITId"])["HIT"]["NumberOfAssignmentsPending"] == 1


WAYS = {
    "by its location": "top.location = EVIL",
    "by replacing its location": "top.location.replace(EVIL)",
    "by opening in it": "window.open(EVIL, '_top')",
    "by a link": "Object.assign(document.createElement('a'), {href: EVIL, target: '_top'}).click()",
    "by a form": """const f = document.body.appendChild(document.createElement('form')); f.action = EVIL;
        f.target = '_top'; HTMLFormElement.prototype.submit.call(f)""",
    "by a script address": "top.location = \"javascript:document.title='run'\"",
}


@pytest.mark.parametrize("way", WAYS)
def test_a_task_cannot_navigate_the_site_away(server: Server, page: Page, way: str) -> None:
    done = attack(
        server, page, f"await tried(async () => {{ {WAYS[way]} }}); await wait(300);", EVIL="http://127.0.0.1:9/"
    )
    page.wait_for_timeout(200)
    assert still_at_work(page, done)


def test_a_task_cannot_read_another_requesters_task(server: Server, page: Page) -> None:
    secret = publish(server.client("OTHER"), html_question(script("", server)), Title="Their secret")
    port = urlsplit(server.url).port
    theirs = f"http://{secret['HITGroupId'].lower()}.tasks.localhost:{port}"
    done = attack(server, page, """
        const frame = document.createElement("iframe");
        frame.src = THEIRS + "/preview/" + HIT; document.body.append(frame); await wait(700);
        return [await tried(async () => (await fetch(THEIRS + "/preview/" + HIT)).text()),
                await tried(() => frame.contentDocument === null ? "none" : frame.contentDocument.body.innerHTML),
                await tried(() => { document.domain = "tasks.localhost"; return "relaxed"; }),
                await tried(async () => (await fetch(location.origin + "/preview/" + HIT)).status)];
    """, THEIRS=theirs, HIT=secret["HITId"])  # fmt: skip
    assert done.found == ["stopped: TypeError", "none", "stopped: SecurityError", 404]


def test_a_task_finds_nothing_that_another_group_has_stored(server: Server, page: Page) -> None:
    done = attack(server, page, "localStorage.setItem('seen', 'mine'); return localStorage.length")
    assert done.found == 1
    question = html_question(script("return [localStorage.length, document.cookie]", server))
    hit = publish(server.client("OTHER"), question, Title="New")
    page.goto(f"{server.url}/hits/{hit['HITId']}")
    assert found_by(page) == [0, ""]


def test_a_task_cannot_show_the_site_in_a_frame_to_have_it_clicked(server: Server, page: Page) -> None:
    done = attack(server, page, """
        const frame = document.createElement("iframe");
        frame.src = SITE + "/account"; document.body.append(frame); await wait(700);
        return await tried(() => frame.contentDocument === null ? "none" : frame.contentDocument.body.innerHTML);
    """)  # fmt: skip
    assert done.found == "none"
    shown = [f for f in page.frames if f.url.endswith("/account")]
    assert [f.locator("h1").count() for f in shown] == [0] * len(shown)


def test_a_popup_of_a_task_never_shows_the_site_to_it(server: Server, page: Page) -> None:
    done = attack(server, page, """
        const popup = window.open(SITE + "/account"); await wait(900);
        return [await tried(() => popup.document.body.innerText), popup === null || popup.closed];
    """)  # fmt: skip
    assert done.found[0].startswith("stopped: ")
    popups = [p for p in page.context.pages if p is not page]
    assert [p.get_by_role("heading", name="You are A1VICTIM").count() for p in popups] == [0] * len(popups)


def test_a_cookie_that_a_task_plants_does_nothing(server: Server, page: Page) -> None:
    name = next(c["name"] for c in page.context.cookies() if c["value"] == "A1VICTIM")  # type: ignore[typeddict-item]
    done = attack(server, page, """
        for (const domain of ["tasks.localhost", "localhost", "127.0.0.1", ""])
          document.cookie = NAME + "=A1THIEF; path=/" + (domain && "; domain=" + domain);
    """, NAME=name)  # fmt: skip
    assert still_at_work(page, done)
    page.goto(f"{server.url}/account")
    assert page.get_by_role("heading", name="You are A1VICTIM").is_visible()


def test_a_task_that_cries_wolf_does_not_make_the_site_load_over_and_over(server: Server, page: Page) -> None:
    loads: list[str] = []
    page.on("framenavigated", lambda frame: loads.append(frame.url) if frame.parent_frame is None else None)
    done = attack(server, page, "setInterval(() => top.postMessage('turkform:look', '*'), 20); await wait(500);")
    page.wait_for_timeout(700)
    assert loads.count(done.url) == 1
    assert still_at_work(page, done)


def test_a_task_cannot_install_a_worker_script_in_its_origin(server: Server, page: Page) -> None:
    done = attack(server, page, """
        const own = location.pathname + location.search;
        return await tried(() => navigator.serviceWorker.register(own).then(() => "in"));
    """)  # fmt: skip
    assert str(done.found).startswith("stopped: ")


def test_a_task_opened_by_itself_is_in_the_sandbox_too(server: Server, page: Page) -> None:
    done = attack(server, page, "return location.href")
    page.goto(done.found)
    relax = "() => { try { document.domain = 'tasks.localhost'; return 'in'; } catch (e) { return e.name; } }"
    assert page.evaluate(relax) == "SecurityError"


def test_an_external_page_is_held_like_one_of_ours(server: Server, page: Page) -> None:
    body = script("""
        await tried(() => { top.location = "http://127.0.0.1:9/"; });
        return [await tried(() => top.document.cookie),
                await tried(async () => (await fetch(SITE + "/account", {credentials: "include"})).text())];
    """, server)  # fmt: skip
    with elsewhere(body.encode()) as address:
        hit = publish(server.client("EVIL"), external_question(address), Title="From elsewhere")
        page.goto(f"{server.url}/hits/{hit['HITId']}")
        assert found_by(page) == ["stopped: SecurityError", "stopped: TypeError"]
        assert page.url == f"{server.url}/hits/{hit['HITId']}"


def test_a_question_that_names_the_site_as_its_page_shows_nothing_of_it(server: Server, page: Page) -> None:
    hit = publish(server.client("EVIL"), external_question(f"{server.url}/account"), Title="The site itself")
    page.goto(f"{server.url}/hits/{hit['HITId']}")
    page.wait_for_timeout(500)
    shown = [f for f in page.frames if f.parent_frame is not None]
    assert [f.get_by_role("heading", name="A1VICTIM").count() for f in shown] == [0] * len(shown)


def test_what_requesters_write_runs_nowhere(server: Server, page: Page) -> None:
    hostile = "<img src=x onerror=\"document.title='run'\"><script>document.title='run'</script>\"'>"
    evil = server.client("EVIL")
    texts = {"Title": f"T{hostile}", "Description": hostile, "Keywords": hostile}
    hit = publish(evil, html_question(script("", server)), **texts)
    work = {"hit": hit["HITId"], "worker": "A1VICTIM", "answers": {hostile: hostile}}
    done = server.control("worker/submit", **work)["assignment_id"]
    evil.reject_assignment(AssignmentId=done, RequesterFeedback=hostile)
    evil.send_bonus(WorkerId="A1VICTIM", AssignmentId=done, BonusAmount="0.01", Reason=hostile, UniqueRequestToken="h")
    evil.notify_workers(Subject=hostile, MessageText=hostile, WorkerIds=["A1VICTIM"])
    made = evil.create_qualification_type(Name=hostile, Description=hostile, QualificationTypeStatus="Active")
    type_id = made["QualificationType"]["QualificationTypeId"]
    paths = ["/", f"/projects/{hit['HITGroupId']}/tasks", f"/assignments/{done}", "/work", "/inbox", "/qualifications"]
    titles = []
    for path in [*paths, f"/qualifications/{type_id}", f"/?q={hostile}", f"/qualifications?q={hostile}"]:
        page.goto(f"{server.url}{path}")
        titles.append(page.title())
    assert [title for title in titles if title == "run"] == []
    assert page.locator("img[src=x]").count() == 0


def test_the_table_in_the_docs_lists_these_attacks_and_no_others() -> None:
    tests = set(re.findall(r"^def (test_\w+)\(", Path(__file__).read_text(encoding="utf-8"), re.MULTILINE))
    listed = re.findall(r"`(test_\w+)`", DOCS.read_text(encoding="utf-8"))
    assert sorted(listed) == sorted(tests - {"test_the_table_in_the_docs_lists_these_attacks_and_no_others"})
