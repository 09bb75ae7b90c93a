"""The application: the API at `POST /`, health, and control for whoever holds the token.

In: a `Service`. Out: a Starlette application. In rehearsal it answers loopback only, under its own names, and
nothing that a web page could send: a page that rebinds a name to this machine brings the wrong Host, and a
browser's own requests bring Origin or Sec-Fetch-Site.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import secrets
from datetime import UTC, datetime
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from turkform.marketplace import assignments, protocol
from turkform.marketplace.protocol import ApiError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.requests import Request

    from turkform.marketplace.context import Context
    from turkform.marketplace.service import Service

LARGEST = 4_000_000
"""Bytes of a request; a question has at most 65,535."""
_JSON = "application/x-amz-json-1.1"


class Marketplace:
    """What the routes share: the service, the control token, and who holds a control connection."""

    def __init__(self, service: Service, *, token: str, linger: float | None, stop: Callable[[], None]) -> None:
        self.service, self.token, self._linger, self._stop = service, token, linger, stop
        self.hosts: frozenset[str] = frozenset()
        self._holders = 0
        self._farewell: asyncio.TimerHandle | None = None

    def application(self) -> Starlette:
        """The routes."""
        return Starlette(
            routes=[
                Route("/", self.api, methods=["POST"]),
                Route("/health", self.health),
                Route("/control/hold", self.hold),
                Route("/control/clock", self.clock, methods=["POST"]),
                Route("/control/worker/{action}", self.worker, methods=["POST"]),
            ]
        )

    # --- the API ----------------------------------------------------------------------------------

    async def api(self, request: Request) -> Response:
        """One call of the requester API."""
        if int(request.headers.get("content-length", LARGEST + 1)) > LARGEST:
            return Response(status_code=413)
        body = await request.body()
        try:
            self._refuse_pages(request)
            headers = request.headers
            credential = protocol.credential_of(headers)
            operation = protocol.operation_of(headers)
            answer = self.service.call(operation, protocol.parameters_of(body), credential.key)
        except ApiError as error:
            return self._answer(error.body(self.service.now()), error.status)
        return self._answer(msgspec.json.encode(answer), 200)

    def _answer(self, body: bytes, status: int) -> Response:
        headers = {"x-amzn-RequestId": secrets.token_hex(16), "date": formatdate(self.service.now(), usegmt=True)}
        return Response(body, status, headers, media_type=_JSON)

    def _refuse_pages(self, request: Request) -> None:
        headers = request.headers
        if headers.get("host", "") not in self.hosts:
            raise ApiError("AccessDeniedException", "this is not a name of this server", status=421)
        if "origin" in headers or "sec-fetch-site" in headers:
            raise ApiError("AccessDeniedException", "web pages cannot call this API", status=403)

    async def health(self, _: Request) -> Response:
        """Whether the store answers."""
        self.service.store.offset()
        return JSONResponse({"status": "ok"})

    # --- control ----------------------------------------------------------------------------------

    def _allowed(self, request: Request) -> Response | None:
        try:
            self._refuse_pages(request)
        except ApiError as error:
            return JSONResponse({"error": error.message}, error.status)
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), self.token.encode()):
            return JSONResponse({"error": "the control token is wrong"}, 403)
        return None

    async def hold(self, request: Request) -> Response:
        """A control connection: the server lingers after the last one closes, then ends."""
        refused = self._allowed(request)
        if refused is not None:
            return refused

        async def held() -> AsyncIterator[bytes]:
            self._held(1)
            try:
                yield b"held\n"
                while not await request.is_disconnected():  # noqa: ASYNC110 - Starlette tells only when asked
                    await asyncio.sleep(0.2)
            finally:
                self._held(-1)

        return StreamingResponse(held(), media_type="text/plain")

    def _held(self, change: int) -> None:
        self._holders += change
        if self._farewell is not None:
            self._farewell.cancel()
            self._farewell = None
        if not self._holders and self._linger is not None:
            self._farewell = asyncio.get_running_loop().call_later(self._linger, self._stop)

    async def clock(self, request: Request) -> Response:
        """Move the clock on, or only tell it."""
        refused = self._allowed(request)
        if refused is not None:
            return refused
        seconds = (await _object(request)).get("advance_seconds", 0)
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < 1e10:
            return JSONResponse({"error": "the clock only moves on"}, 400)
        now = self.service.advance(seconds) if seconds else self.service.now()
        return JSONResponse({"now": datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")})

    async def worker(self, request: Request) -> Response:
        """Play a worker: accept, return, submit."""
        refused = self._allowed(request)
        if refused is not None:
            return refused
        given = await _object(request)
        action = _ACTIONS.get(request.path_params["action"])
        hit, worker = given.get("hit"), given.get("worker")
        if action is None or not isinstance(hit, str) or not isinstance(worker, str):
            return JSONResponse({"error": "give hit and worker"}, 400)
        try:
            found = self.service.play(lambda context: action(context, hit, worker, given))
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
    answers = given.get("answers")
    if not isinstance(answers, dict):
        raise assignments.WorkerError("answers must be an object: field to text, or to a list of texts")
    pairs = [
        (str(field), str(text))
        for field, value in answers.items()
        for text in (value if isinstance(value, list) else [value])
    ]
    return assignments.submit(context, hit, worker, pairs)


_ACTIONS: dict[str, Callable[[Context, str, str, dict[str, Any]], str]] = {
    "accept": lambda context, hit, worker, _: assignments.accept(context, hit, worker),
    "return": lambda context, hit, worker, _: assignments.give_back(context, hit, worker),
    "submit": _submit,
}
