"""The task host: all that a HIT group's own origin answers.

    GET  /preview/HITID           the task as one sees it who has not accepted it
    GET  /work/ASSIGNMENTID       the task as the worker sees it who holds the assignment
    POST /mturk/externalSubmit    answers, from the page of the group or from a server of the requester's
    GET  /test/REQUESTID          a qualification test that was begun; its type has an origin like a group's
    POST /test/REQUESTID          its answers

Everything else is 421: the site, the API and control live under other names. No cookie is read or set here. The ids
in the paths come from `secrets`, and an AssignmentId is the right to submit it, as on Mechanical Turk: the page that it
belongs to has it anyway. Pages are hostile to everybody but their own requester, so only the site may frame them, and
they are in a sandbox even where somebody opens one by itself.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse
from starlette.routing import Route

from turkform.marketplace import assignments, qualification_requests
from turkform.marketplace.guard import MISDIRECTED
from turkform.marketplace.protocol import ApiError
from turkform.marketplace.website import market, question_forms, questions
from turkform.marketplace.website.limits import LARGEST
from turkform.marketplace.website.templates import draw, source

if TYPE_CHECKING:
    from sqlalchemy import Row
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from turkform.marketplace.service import Service

SANDBOX: Final = "allow-scripts allow-forms allow-same-origin allow-popups allow-modals"
"""What a task may do. It has an origin of its own, so that storage works; it never navigates the site away."""

MOST_FIELDS: Final = 10_000


class Tasks:
    """The routes of every group's host."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._origins = service.settings.origins

    def routes(self) -> list[BaseRoute]:
        """Every route; the last one takes what is left."""
        return [
            Route("/preview/{hit}", self.preview),
            Route("/work/{assignment}", self.work),
            Route("/mturk/externalSubmit", self.submit, methods=["POST"]),
            Route("/test/{request}", self.test),
            Route("/test/{request}", self.submit_test, methods=["POST"]),
            Route("/{rest:path}", _misdirected, methods=["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]),
        ]

    async def preview(self, request: Request) -> Response:
        """A task that is only looked at."""
        wanted = request.path_params["hit"]
        hit = await self._service.act(lambda context: market.hit_with_terms(context, wanted), hit=wanted, reads=True)
        if hit is None or not self._lives_at(request, hit) or hit.disposed:
            return self._said("This task is not there any more", status=404)
        return self._frame(hit, questions.Viewer(hit.id, self._origins.of_group(hit.group_id)))

    async def work(self, request: Request) -> Response:
        """A task that is worked on."""
        wanted = request.path_params["assignment"]
        found = await self._service.act(
            lambda context: market.assignment(context, wanted), assignment=wanted, reads=True
        )
        if found is None or not self._lives_at(request, found[1]):
            return self._said("There is no such assignment", status=404)
        row, hit = found
        if row.status != "Accepted":
            return self._over(row)
        origin = self._origins.of_group(hit.group_id)
        return self._frame(hit, questions.Viewer(hit.id, origin, assignment=row.id, worker=row.worker))

    def _frame(self, hit: Row[Any], viewer: questions.Viewer) -> Response:
        task = questions.read(hit.question)
        match task.kind:
            case "external":
                return RedirectResponse(questions.address(task.content, viewer), 303, {"Referrer-Policy": "origin"})
            case "html":
                return HTMLResponse(questions.with_helper(task.content), headers=self._headers(framed=True))
            case "form":
                return self._form(task.content, hit.title, "/mturk/externalSubmit", "assignmentId", viewer.assignment)

    def _form(self, document: str, title: str, action: str, key: str, value: str) -> Response:
        """A QuestionForm's page; `key` is the field that says what it belongs to, `value` "" in a preview."""
        form = question_forms.read(document)
        page = draw("question_form.html", form=form, title=title, action=action, key=key, value=value)
        return HTMLResponse(page, headers=self._headers("question_form", framed=True))

    async def submit(self, request: Request) -> Response:
        """Take a task's answers: every field but the AssignmentId, in the order in which the page sent them."""
        pairs = await _pairs(request)
        given = next((value for name, value in pairs if name == "assignmentId"), "")
        if given == questions.PREVIEW:
            return self._said(
                "You have not accepted this task", "Nothing was handed in. Accept it, and your work will count.", 409
            )
        found = await self._service.act(lambda context: market.assignment(context, given), assignment=given)
        if found is None or not self._lives_at(request, found[1]):
            return self._said("There is no such assignment", "Nothing was handed in: the AssignmentId is wrong.", 404)
        row, hit = found
        if row.status != "Accepted":
            return self._over(row)
        pairs.remove(("assignmentId", given))
        try:
            await self._service.act(lambda context: assignments.submit(context, hit.id, row.worker, pairs), hit=hit.id)
        except (ApiError, assignments.WorkerError) as error:
            why = error.message if isinstance(error, ApiError) else error.said
            return self._said("Your answers could not be taken", f"{why} Go back, and try again.", 400)
        return self._said("Thank you", "Your answers have arrived.", done=True)

    # --- qualification tests ---

    async def test(self, request: Request) -> Response:
        """A test that a worker has begun."""
        row = await self._begun(request)
        if row is None:
            return self._said("This test is over", "Its time is up, or it was handed in.", 409, done=True)
        return self._form(row.test, "Qualification test", f"/test/{row.id}", "requestId", row.id)

    async def submit_test(self, request: Request) -> Response:
        """Take a test's answers."""
        row = await self._begun(request)
        if row is None:
            return self._said("This test is over", "Your answers came too late.", 409, done=True)
        given: dict[str, list[str]] = {}
        for name, value in await _pairs(request):
            if (name, value) != ("requestId", row.id):
                given.setdefault(name, []).append(value)
        try:
            await self._service.act(
                lambda context: qualification_requests.ask(context, row.type_id, row.worker, given),
                qualification_type=row.type_id,
            )
        except assignments.WorkerError as error:
            return self._said("Your answers could not be taken", f"{error.said} Go back, and try again.", 400)
        return self._said("Thank you", "Your answers have arrived.", done=True)

    async def _begun(self, request: Request) -> Row[Any] | None:
        """The test of this address, while its time runs, at its own type's host."""
        wanted = request.path_params["request"]
        row = await self._service.act(lambda context: market.begun_test(context, wanted))
        here = self._origins.group_at(request.headers.get("host", ""))
        return row if row is not None and row.type_id == here else None

    # --- what a page says ---

    def _over(self, row: Row[Any]) -> Response:
        match row.status:
            case "Returned":
                return self._said("You returned this task", "It cannot be handed in any more.", 409, done=True)
            case "Abandoned":
                return self._said("The time for this task is over", "It cannot be handed in any more.", 409, done=True)
            case _:
                return self._said("This task is handed in", "Your answers arrived before.", done=True)

    def _lives_at(self, request: Request, hit: Row[Any]) -> bool:
        """Whether this HIT is of the group whose host was asked: no page reaches another group's work."""
        return bool(self._origins.group_at(request.headers.get("host", "")) == hit.group_id)

    def _said(self, title: str, text: str = "", status: int = 200, *, done: bool = False) -> Response:
        """A page with one sentence; `done` tells the site around the frame to look what has become of the task."""
        page = draw("task_said.html", title=title, text=text, done=done)
        return HTMLResponse(page, status, headers=self._headers("task_said", framed=False))

    def _headers(self, script: str = "", *, framed: bool) -> dict[str, str]:
        """Policies of a page; those of ours allow the one script that they hold, and nothing else that runs."""
        policy = [f"sandbox {SANDBOX}"]
        if framed:
            policy.append(f"frame-ancestors {' '.join(s for s in self._origins.sites if '[' not in s)}")
        if script:
            digest = b64encode(hashlib.sha256(source(f"{script}.js").encode()).digest()).decode()
            policy.append(
                f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; "
                "img-src * data:; media-src *; form-action 'self'; base-uri 'none'"
            )
        return {
            "Content-Security-Policy": "; ".join(policy),
            "Cache-Control": "no-store",
            "Origin-Agent-Cluster": "?1",
            "Referrer-Policy": "origin",
            "X-Content-Type-Options": "nosniff",
        }


async def _pairs(request: Request) -> list[tuple[str, str]]:
    """Every field of a form, in order; of a file its name."""
    async with request.form(max_fields=MOST_FIELDS, max_files=MOST_FIELDS, max_part_size=LARGEST) as form:
        texts = [(name, v if isinstance(v, str) else v.filename or "") for name, v in form.multi_items()]
    return [(name.replace("\0", ""), text.replace("\0", "")) for name, text in texts]


async def _misdirected(_: Request) -> Response:
    return PlainTextResponse("Only task pages are here.\n", MISDIRECTED)
