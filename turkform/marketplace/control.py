"""Control: what the holder of a rehearsal's token can do beside the API.

In: `POST /control/...` with the token. Out: JSON. `hold` is a connection that keeps a server alive: it lingers
after the last one closes, then ends.
"""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from turkform.marketplace import assignments, keeper, qualification_requests
from turkform.marketplace.faults import FaultError, Trouble
from turkform.marketplace.guard import RefusedError
from turkform.marketplace.protocol import ApiError
from turkform.marketplace.requester_actions import perform
from turkform.marketplace.requesters import RequesterError
from turkform.marketplace.tables import hit_types, hits, qualification_types

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from turkform.marketplace.context import Context
    from turkform.marketplace.guard import Guard
    from turkform.marketplace.service import Service

    Endpoint = Callable[[Request], Awaitable[Response]]


class Control:
    """The control routes, and who holds a control connection."""

    def __init__(self, service: Service, guard: Guard, *, linger: float | None, stop: Callable[[], None]) -> None:
        self._service, self._guard, self._linger, self._stop = service, guard, linger, stop
        self._holders, self._ending = 0, False
        self._farewell: asyncio.TimerHandle | None = None

    def routes(self) -> list[BaseRoute]:
        """Every route, behind the token."""
        return [
            Route("/control/hold", self._guarded(self.hold)),
            Route("/control/clock", self._guarded(self.clock), methods=["POST"]),
            Route("/control/faults", self._guarded(self.faults), methods=["POST"]),
            Route("/control/look", self._guarded(self.look), methods=["POST"]),
            Route("/control/keeper/{word}", self._guarded(self.keep), methods=["POST"]),
            Route("/control/requester/{action}", self._guarded(self.requester), methods=["POST"]),
            Route("/control/worker/request", self._guarded(self.ask), methods=["POST"]),
            Route("/control/worker/{action}", self._guarded(self.worker), methods=["POST"]),
        ]

    def _guarded(self, endpoint: Endpoint) -> Endpoint:
        async def guarded(request: Request) -> Response:
            try:
                self._guard.check_control(request.headers)
            except RefusedError as error:
                return JSONResponse({"error": error.message}, error.status)
            return await endpoint(request)

        return guarded

    async def hold(self, request: Request) -> Response:
        """A control connection; a server that is about to end takes none."""
        if self._ending:
            return JSONResponse({"error": "ending"}, 503)

        async def held() -> AsyncIterator[bytes]:
            self._held(1)
            try:
                yield b"held\n"
                while not (self._ending or await request.is_disconnected()):  # noqa: ASYNC110 - it tells only when asked
                    await asyncio.sleep(0.2)
            finally:
                self._held(-1)

        return StreamingResponse(held(), media_type="text/plain")

    def let_go(self) -> None:
        """End every control connection: the server is about to."""
        self._ending = True

    def _held(self, change: int) -> None:
        self._holders += change
        if self._farewell is not None:
            self._farewell.cancel()
            self._farewell = None
        if not self._holders and self._linger is not None:
            self._farewell = asyncio.get_running_loop().call_later(self._linger, self._stop)

    async def clock(self, request: Request) -> Response:
        """Move the clock on, or only tell it."""
        seconds = (await _object(request)).get("advance_seconds", 0)
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < 1e10:
            return JSONResponse({"error": "the clock only moves on"}, 400)
        now = await (self._service.advance(seconds) if seconds else self._service.act(lambda context: context.now))
        return JSONResponse({"now": datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")})

    async def faults(self, request: Request) -> Response:
        """Ask for these faults and no others; or only tell which there are, and how often each struck."""
        faults, words = self._service.faults, (await _object(request)).get("faults")
        if words and self._service.settings.processes > 1:
            return JSONResponse({"error": "faults are of a server that is one process"}, 409)
        try:
            if words is not None:
                faults.set(Trouble.named([str(word) for word in words] if isinstance(words, list) else [str(words)]))
        except FaultError as error:
            return JSONResponse({"error": str(error)}, 400)
        return JSONResponse({"faults": faults.trouble.words(), "counts": faults.counts})

    async def keep(self, request: Request) -> Response:
        """Say one of the keeper's words about workers."""
        try:
            return JSONResponse(await keeper.say(self._service, request.path_params["word"], await _object(request)))
        except keeper.KeeperError as error:
            return JSONResponse({"error": str(error)}, 409)

    async def requester(self, request: Request) -> Response:
        """Keep requesters: add, list, disable, enable, credit, layout."""
        action, given = request.path_params["action"], await _object(request)
        try:
            found = await self._service.act(lambda context: perform(action, context, None, given))
        except RequesterError as error:
            return JSONResponse({"error": str(error)}, 409)
        return JSONResponse(found)

    async def look(self, request: Request) -> Response:
        """Tell what workers do not see: a HIT's annotation and exact time, a qualification type's answer key."""
        given = await _object(request)
        hit, type_id = str(given.get("hit", "")), str(given.get("type", ""))
        h, t, q = hits.c, hit_types.c, qualification_types.c

        def found(context: Context) -> dict[str, Any]:
            terms = select(h.annotation, t.duration).join(hit_types, t.id == h.type_id).where(h.id == hit)
            row = context.connection.execute(terms).first()
            key = context.connection.execute(select(q.answer_key).where(q.id == type_id)).scalar()
            of_hit = {"annotation": row.annotation or "", "seconds": row.duration} if row else {}
            return {**of_hit, "answer_key": key or ""}

        return JSONResponse(await self._service.act(found))

    async def ask(self, request: Request) -> Response:
        """Play a worker: request a qualification."""
        given = await _object(request)
        type_id, worker = given.get("type"), given.get("worker")
        if not isinstance(type_id, str) or not isinstance(worker, str):
            return JSONResponse({"error": "give type and worker"}, 400)
        try:
            answers = _fields(given["answers"]) if "answers" in given else None
            found = await self._service.act(
                lambda context: qualification_requests.ask(context, type_id, worker, answers),
                qualification_type=type_id,
            )
        except (assignments.WorkerError, ApiError) as error:
            return JSONResponse({"error": str(error)}, 409)
        return JSONResponse({"request_id": found.request_id, "status": found.status})

    async def worker(self, request: Request) -> Response:
        """Play a worker: accept, return, submit."""
        given = await _object(request)
        action = _ACTIONS.get(request.path_params["action"])
        hit, worker = given.get("hit"), given.get("worker")
        if action is None or not isinstance(hit, str) or not isinstance(worker, str):
            return JSONResponse({"error": "give hit and worker"}, 400)
        try:
            found = await self._service.act(lambda context: action(context, hit, worker, given), hit=hit)
        except (assignments.WorkerError, ApiError) as error:
            return JSONResponse({"error": str(error)}, 409)
        return JSONResponse({"assignment_id": found})


async def _object(request: Request) -> dict[str, Any]:
    try:
        found = json.loads(await request.body() or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _submit(context: Context, hit: str, worker: str, given: dict[str, Any]) -> str:
    fields = _fields(given.get("answers"))
    return assignments.submit(context, hit, worker, [(name, text) for name, texts in fields.items() for text in texts])


def _fields(answers: Any) -> dict[str, list[str]]:
    """Answers as a form sends them.

    Raises:
        WorkerError: not an object.
    """
    if not isinstance(answers, dict):
        raise assignments.WorkerError("answers must be an object: field to text, or to a list of texts")
    return {
        str(field): [str(text) for text in (value if isinstance(value, list) else [value])]
        for field, value in answers.items()
    }


_ACTIONS: dict[str, Callable[[Context, str, str, dict[str, Any]], str]] = {
    "accept": lambda context, hit, worker, _: assignments.accept(context, hit, worker),
    "return": lambda context, hit, worker, _: assignments.give_back(context, hit, worker),
    "submit": _submit,
}
