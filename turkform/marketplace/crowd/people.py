"""People: one simulated worker at the site, who finds, looks at, accepts, does and hands in tasks.

In: a browser, a temperament. Out: what came of each thing that the person did. Nothing here waits: when something is
done is for those who let time pass.
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urljoin, urlsplit

from turkform.marketplace.crowd.answering import Answerer, Known
from turkform.marketplace.crowd.browser import BrowserError
from turkform.marketplace.crowd.forms import Form, read_form

if TYPE_CHECKING:
    from collections.abc import Mapping

    from turkform.marketplace.crowd.browser import Browser, Page

_MOST_PAGES: Final = 25
_OK: Final = 200
_TIMELY: Final = 0.8
"""So much of a task's time people take at most."""


@dataclass(frozen=True, slots=True)
class Manners:
    """How people of a crowd are: shares are from 0 to 1, `pace` is seconds for a task, as most take them."""

    seed: int
    skill: tuple[float, float]
    pace: float
    returns: float
    abandons: float


@dataclass(frozen=True, slots=True)
class Task:
    """A task in somebody's hands: its page at the site, what its frame shows, and how many seconds there are for it."""

    group: str
    place: str
    hit: str
    assignment: str
    submit_to: str
    frame: Page | None
    seconds: float
    item: str
    """What it shows, in short: the same for the same item of another account."""
    again: int
    """How often its worker had it before."""


class Insight:
    """What whoever runs a simulation knows beside what its people see; here, nothing."""

    def answers(self, hit: str, skill: float) -> Known | None:
        """The right answers to a HIT, and how often somebody of this skill gives them."""
        del hit, skill
        return None

    def test(self, kind: str) -> Mapping[str, tuple[str, ...]] | None:
        """The right answers to a qualification type's test."""
        del kind
        return None

    def seconds(self, hit: str) -> float | None:
        """How long a HIT may take."""
        del hit
        return None


class Person:
    """One simulated worker."""

    def __init__(
        self,
        worker: str,
        browser: Browser,
        manners: Manners,
        insight: Insight,
    ) -> None:
        self.worker, self._browser, self._manners, self._insight = worker, browser, manners, insight
        self.skill = self.chance("skill").uniform(*manners.skill)
        self._asked_for, self._shunned, self._had = set[str](), set[str](), Counter[str]()
        self.qualifications = 0
        """How many this person asked for."""

    def chance(self, *about: object) -> random.Random:
        """Chance for a decision of this person: the same every time."""
        return random.Random(repr((self._manners.seed, self.worker, *about)))  # noqa: S311 - to be repeated

    # --- in a rehearsal anyone can be any worker ---

    def enter(self) -> None:
        """Be this worker from now on.

        Raises:
            BrowserError: this is no rehearsal.
        """
        page = self._browser.post("/account/worker", [("worker", self.worker)])
        if page.status != _OK:
            raise BrowserError(f"{page.url} answers {page.status}: simulated workers need a rehearsal")

    # --- finding ---

    def accept(self) -> Task | None:
        """Find a task, look at it and accept it; None where there is none for this person now."""
        for group in self._groups():
            page = self._browser.get(group)
            action = _action(page, "/accept")
            if action is None:
                continue
            self._framed(page)
            accepted = self._browser.post(action)
            if accepted.status == _OK:
                return self._taken(accepted, group)
        return None

    def _groups(self) -> list[str]:
        """Groups that this person may work in, shuffled; what they ask for is asked for on the way."""
        found: list[str] = []
        where = "/"
        for _ in range(_MOST_PAGES):
            page = self._browser.get(where)
            document = page.document()
            for offer in document.find_class("offer"):
                group = offer.find(".//h2/a").get("href")
                if "closed" not in offer.get("class").split() or self._qualify(_unmet(offer)):
                    found.append(group)
            following = document.xpath("//a[@rel='next']/@href")
            if not following:
                break
            where = urljoin(page.url, following[0])
        self.chance("groups", self._had.total()).shuffle(found)
        return [group for group in found if group not in self._shunned]

    def _qualify(self, types: list[str]) -> bool:
        """Ask for the qualifications that were not asked for yet; whether there were any."""
        new = [kind for kind in types if kind not in self._asked_for]
        for kind in new:
            self._asked_for.add(kind)
            page = self._browser.get(f"/qualifications/{kind}")
            for way in ("/test", "/request"):
                action = _action(page, way)
                if action is not None:
                    self.qualifications += 1
                    begun = self._browser.post(action)
                    if way == "/test":
                        self._take_test(kind, begun)
        return bool(new)

    def _take_test(self, kind: str, begun: Page) -> None:
        frame = self._framed(begun)
        form = None if frame is None else read_form(frame)
        if frame is None or form is None:
            return
        request = next((field.value for field in form.fields if field.name == "requestId"), "")
        key = self._insight.test(kind)
        answerer = Answerer(self._manners.seed, self.worker, _shown(frame, request), self.skill)
        self._browser.post(form.action, answerer.fill(form, None if key is None else Known(key, self.skill)))

    # --- working ---

    def _taken(self, page: Page, group: str) -> Task:
        frame = self._framed(page)
        asked = {name: values[0] for name, values in parse_qs(urlsplit(_source(page)).query).items()}
        item = "" if frame is None else _shown(frame, *asked.values())
        hit = asked.get("hitId", "")
        again, self._had[item] = self._had[item], self._had[item] + 1
        return Task(
            group=group, place=urlsplit(page.url).path, hit=hit,
            assignment=asked.get("assignmentId", ""), submit_to=asked.get("turkSubmitTo", ""), frame=frame,
            seconds=self._insight.seconds(hit) or _seconds(page), item=item, again=again,
        )  # fmt: skip

    def _framed(self, page: Page) -> Page | None:
        """What a page's frame shows; None where it has none, or nobody answers there."""
        source = _source(page)
        if not source:
            return None
        try:
            found = self._browser.get(source)
        except BrowserError:
            return None
        return found if found.status == _OK else None

    def mind(self, task: Task) -> str:
        """What the person means to do with a task: `submit`, `return` or `abandon` it."""
        drawn = self.chance("mind", task.item, task.again).random()
        if drawn < self._manners.returns:
            return "return"
        return "abandon" if drawn < self._manners.returns + self._manners.abandons else "submit"

    def seconds_for(self, task: Task) -> float:
        """How long the person takes; never all the time that there is."""
        taken = self._manners.pace * self.chance("pace", task.item, task.again).lognormvariate(0.0, 0.4)
        return min(taken, _TIMELY * task.seconds)

    def submit(self, task: Task) -> str:
        """Hand in a task: `submitted`; `unanswered` where its page has nothing to fill in; else `refused`."""
        known = self._insight.answers(task.hit, self.skill)
        form = read_form(task.frame) if task.frame is not None else None
        answerer = Answerer(self._manners.seed, self.worker, task.item, self.skill)
        answers = answerer.fill(form or Form("", ()), known)
        if not answers:
            return "unanswered"
        target = urljoin(task.submit_to, "/mturk/externalSubmit")
        if form is not None and task.frame is not None and _same_origin(form.action, task.frame.url):
            target = form.action
        sent = self._browser.post(target, [("assignmentId", task.assignment), *answers])
        self._browser.get(task.place)
        return "submitted" if sent.status == _OK else "refused"

    def give_back(self, task: Task) -> None:
        """Return a task."""
        self._browser.post(f"{task.place}/return")

    def shun(self, task: Task) -> None:
        """Look for no more tasks like this one."""
        self._shunned.add(task.group)


def _action(page: Page, ending: str) -> str | None:
    """The form of a page that is sent to an address with this ending."""
    found = (form.get("action", "") for form in page.document().iter("form"))
    return next((action for action in found if action.endswith(ending)), None)


def _source(page: Page) -> str:
    frame = page.document().get_element_by_id("task", None)
    return "" if frame is None else str(frame.get("src"))


def _seconds(page: Page) -> float:
    """What a page's countdown begins with."""
    clock = page.document().get_element_by_id("clock", None)
    return 0.0 if clock is None else float(clock.get("data-seconds", "0"))


def _unmet(offer: Any) -> list[str]:
    """The qualification types that an offer asks for and its reader does not have."""
    links = offer.xpath(".//li[contains(@class, 'unmet')]/a/@href")
    return [str(link).rpartition("/")[2] for link in links]


def _shown(frame: Page, *changing: str) -> str:
    """What a frame shows, in short, without what is different each time somebody looks."""
    source = frame.source
    for text in changing:
        source = source.replace(text, "") if text else source
    return hashlib.sha256(source.encode()).hexdigest()


def _same_origin(one: str, other: str) -> bool:
    return urlsplit(one)[:2] == urlsplit(other)[:2] and not one.endswith("/mturk/externalSubmit")
