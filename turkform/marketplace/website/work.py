"""Work: look at a task, accept it, do it, give it back, and see what became of it.

The task itself is in a frame from the task host; when that says that something happened, the page looks again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from turkform.marketplace import answers, assignments
from turkform.marketplace.hits import available, state
from turkform.marketplace.website import market, questions
from turkform.marketplace.website.pages import go
from turkform.marketplace.website.tasks import SANDBOX

if TYPE_CHECKING:
    from sqlalchemy import Row
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from turkform.marketplace.website.pages import Pages
    from turkform.marketplace.website.visitors import Visitor

_GONE = "This task is not there any more"


class Work:
    """The routes of a task, from its preview to its review."""

    def __init__(self, pages: Pages) -> None:
        self._pages, self._service = pages, pages.service
        self._origins = pages.service.settings.origins

    def routes(self) -> list[BaseRoute]:
        """Every route."""
        shown = self._pages.shown
        return [
            Route("/hits/{hit}", shown(self.preview)),
            Route("/hits/{hit}/accept", shown(self.accept), methods=["POST"]),
            Route("/assignments/{assignment}", shown(self.work)),
            Route("/assignments/{assignment}/return", shown(self.give_back), methods=["POST"]),
        ]

    async def preview(self, request: Request, visitor: Visitor) -> Response:
        """A task before it is accepted."""
        wanted = request.path_params["hit"]
        hit = await self._service.act(lambda context: market.hit_with_terms(context, wanted), hit=wanted)
        if hit is None or hit.disposed:
            return self._pages.trouble(request, visitor, 404, _GONE)
        return self._around(request, visitor, "preview.html", hit, f"/preview/{hit.id}", questions.Viewer(
            hit.id, self._origins.of_group(hit.group_id)
        ), free=available(hit), state=state(hit, self._service.now()))  # fmt: skip

    async def accept(self, request: Request, visitor: Visitor) -> Response:
        """Accept this very task."""
        wanted = request.path_params["hit"]
        try:
            found = await self._service.act(
                lambda context: assignments.accept(context, wanted, visitor.worker), hit=wanted
            )
        except assignments.WorkerError as error:
            return self._pages.trouble(request, visitor, 409, "You cannot accept this task", str(error))
        return go(f"/assignments/{found}")

    async def work(self, request: Request, visitor: Visitor) -> Response:
        """An assignment: the task while it is accepted, what became of it afterwards."""
        wanted = request.path_params["assignment"]
        found = await self._service.act(lambda context: market.assignment(context, wanted), assignment=wanted)
        if found is None or found[0].worker != visitor.worker:
            return self._pages.trouble(request, visitor, 404, "You have no such task")
        row, hit = found
        if row.status == "Accepted":
            viewer = questions.Viewer(hit.id, self._origins.of_group(hit.group_id), row.id, row.worker)
            return self._around(request, visitor, "work.html", hit, f"/work/{row.id}", viewer, assignment=row)
        given = answers.read_answers(row.answer) if row.answer else {}
        return self._pages.page(request, visitor, "outcome.html", assignment=row, hit=hit, given=given)

    async def give_back(self, request: Request, visitor: Visitor) -> Response:
        """Return an accepted task."""
        wanted = request.path_params["assignment"]
        found = await self._service.act(lambda context: market.assignment(context, wanted), assignment=wanted)
        if found is None or found[0].worker != visitor.worker:
            return self._pages.trouble(request, visitor, 404, "You have no such task")
        row, hit = found
        try:
            await self._service.act(lambda context: assignments.give_back(context, hit.id, visitor.worker), hit=hit.id)
        except assignments.WorkerError:
            return go(f"/assignments/{row.id}")
        return go("/")

    def _around(
        self, request: Request, visitor: Visitor, name: str, hit: Row[Any], path: str, viewer: questions.Viewer,
        **values: Any,
    ) -> Response:  # fmt: skip
        """A page with the task in its frame."""
        task = questions.read(hit.question)
        # An external page may send its visitors on to another server, so no single one can be named.
        frames = "https: http:" if task.elsewhere else viewer.submit_to
        frame = questions.address(viewer.submit_to + path, viewer)
        return self._pages.page(
            request, visitor, name, frames=frames, hit=hit, task=task, frame=frame, sandbox=SANDBOX,
            origin=viewer.submit_to, **values,
        )  # fmt: skip
