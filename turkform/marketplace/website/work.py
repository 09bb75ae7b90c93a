"""Work: look at a task, accept it, do it, give it back, and see what became of it.

    /projects/GROUPID/tasks     the next task of a group that this worker has not had; the address that MTurk's site had
    /hits/HITID                 this very task; the address for who published it
    /assignments/ASSIGNMENTID   the worker's own piece of work, before and after it is handed in

The task itself is in a frame from the task host; when that says that something happened, the page looks again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from starlette.routing import Route

from turkform.marketplace import answers, assignments
from turkform.marketplace.hits import state
from turkform.marketplace.requirements import Candidate
from turkform.marketplace.website import market, questions
from turkform.marketplace.website.conditions import conditions
from turkform.marketplace.website.history import bonuses_of
from turkform.marketplace.website.market import Offer
from turkform.marketplace.website.pages import go
from turkform.marketplace.website.tasks import SANDBOX

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Row
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from turkform.marketplace.context import Context
    from turkform.marketplace.website.pages import Pages
    from turkform.marketplace.website.visitors import Visitor

_GONE: Final = "This task is not there any more"


class Work:
    """The routes of a task, from its preview to its review."""

    def __init__(self, pages: Pages) -> None:
        self._pages, self._service = pages, pages.service
        self._origins = pages.service.settings.origins

    def routes(self) -> list[BaseRoute]:
        """Every route."""
        shown = self._pages.shown
        return [
            Route("/projects/{group}/tasks", shown(self.group)),
            Route("/projects/{group}/accept", shown(self.accept_next), methods=["POST"]),
            Route("/hits/{hit}", shown(self.preview)),
            Route("/hits/{hit}/accept", shown(self.accept), methods=["POST"]),
            Route("/assignments/{assignment}", shown(self.work)),
            Route("/assignments/{assignment}/return", shown(self.give_back), methods=["POST"]),
        ]

    # --- before it is accepted ---

    async def group(self, request: Request, visitor: Visitor) -> Response:
        """The next task of a group."""
        wanted = request.path_params["group"]

        def look(context: Context) -> tuple[Row[Any] | None, Row[Any] | None]:
            group = market.group(context, wanted)
            return group, None if group is None else market.next_hit(context, group.id, visitor.worker)

        group, hit = await self._service.act(look)
        if group is None:
            return self._pages.trouble(request, visitor, 404, "There is no such group of tasks")
        if hit is None:
            return await self._preview(request, visitor, group, None, f"/projects/{wanted}/accept")
        return await self._preview(request, visitor, hit, hit, f"/projects/{wanted}/accept")

    async def preview(self, request: Request, visitor: Visitor) -> Response:
        """A certain task."""
        wanted = request.path_params["hit"]
        hit = await self._service.act(lambda context: market.hit_with_terms(context, wanted), hit=wanted, reads=True)
        if hit is None or hit.disposed:
            return self._pages.trouble(request, visitor, 404, _GONE)
        return await self._preview(request, visitor, hit, hit, f"/hits/{hit.id}/accept")

    async def _preview(
        self, request: Request, visitor: Visitor, terms: Row[Any], hit: Row[Any] | None, accept: str
    ) -> Response:
        """The page of a task that nobody works on yet, without the task where there is none or it may not be seen."""

        def judge(context: Context) -> tuple[Offer, bool, int]:
            type_id = terms.id if hit is None else hit.type_id
            candidate = Candidate(context, visitor.worker)
            hidden = candidate.unmet(terms.requirements, "PreviewAndAccept") is not None
            blocked = terms.requester in market.blocking(context, visitor.worker)
            asked = conditions(context, candidate, terms.requirements)
            return Offer(terms, asked, blocked), hidden, market.tasks_left(context, type_id)

        offer, hidden, left = await self._service.act(judge)
        free = hit is not None and state(hit, self._service.now()) == "Assignable"
        values: dict[str, Any] = {
            "terms": terms,
            "offer": offer,
            "hidden": hidden,
            "left": left,
            "most": market.MOST_COUNTED,
            "accept": accept,
            "free": free,
        }
        if hit is None or hidden:
            return self._pages.page(request, visitor, "preview.html", task=None, **values)
        viewer = questions.Viewer(hit.id, self._origins.of_group(hit.group_id))
        return self._around(request, visitor, "preview.html", hit, f"/preview/{hit.id}", viewer, **values)

    async def accept_next(self, request: Request, visitor: Visitor) -> Response:
        """Accept the next task of a group."""
        wanted = request.path_params["group"]
        group = await self._service.act(lambda context: market.group(context, wanted))
        if group is None:
            return self._pages.trouble(request, visitor, 404, "There is no such group of tasks")

        def take(context: Context) -> str:
            hit = market.next_hit(context, group.id, visitor.worker)
            if hit is None:
                raise assignments.WorkerError("There is nothing left for you in this group.")
            return assignments.accept(context, hit.id, visitor.worker)

        return await self._accepted(request, visitor, take, requester=group.requester)

    async def accept(self, request: Request, visitor: Visitor) -> Response:
        """Accept a certain task."""
        wanted = request.path_params["hit"]
        return await self._accepted(
            request, visitor, lambda context: assignments.accept(context, wanted, visitor.worker), hit=wanted
        )

    async def _accepted(
        self, request: Request, visitor: Visitor, take: Callable[[Context], str], *, requester: str = "", hit: str = ""
    ) -> Response:
        try:
            found = await self._service.act(take, requester=requester, hit=hit)
        except assignments.WorkerError as error:
            return self._pages.trouble(request, visitor, 409, "You cannot accept this task", error.said)
        return go(f"/assignments/{found}")

    # --- afterwards ---

    async def work(self, request: Request, visitor: Visitor) -> Response:
        """An assignment: the task while it is accepted, what became of it afterwards."""
        wanted = request.path_params["assignment"]
        found = await self._service.act(
            lambda context: market.assignment(context, wanted), assignment=wanted, reads=True
        )
        if found is None or found[0].worker != visitor.worker:
            return self._pages.trouble(request, visitor, 404, "You have no such task")
        row, hit = found
        if row.status == "Accepted":
            viewer = questions.Viewer(hit.id, self._origins.of_group(hit.group_id), row.id, row.worker)
            return self._around(request, visitor, "work.html", hit, f"/work/{row.id}", viewer, assignment=row)
        following, extra = await self._service.act(
            lambda context: (market.next_hit(context, hit.type_id, visitor.worker), bonuses_of(context, [row.id]))
        )
        given = answers.read_answers(row.answer) if row.answer else {}
        return self._pages.page(
            request, visitor, "outcome.html", assignment=row, hit=hit, given=given, more=following is not None,
            bonuses=extra.get(row.id, []),
        )  # fmt: skip

    async def give_back(self, request: Request, visitor: Visitor) -> Response:
        """Return an accepted task."""
        wanted = request.path_params["assignment"]

        def back(context: Context) -> None:
            found = market.assignment(context, wanted)
            if found is not None and found[0].worker == visitor.worker and found[0].status == "Accepted":
                assignments.give_back(context, found[1].id, visitor.worker)

        await self._service.act(back, assignment=wanted)
        return go(f"/assignments/{wanted}")

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
