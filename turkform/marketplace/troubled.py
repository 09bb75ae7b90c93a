"""The API as far as the faults asked for allow: it stands before `api` and carries the fate of each call out.

In: an ASGI request. Out: the API's answer, late, twice asked for, never sent, or a refusal of its own.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from turkform.marketplace.faults import SPARED
from turkform.marketplace.protocol import ApiError

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send

    from turkform.marketplace.api import Api
    from turkform.marketplace.faults import Fate, Faults

HANG_UP = "turkform.hang_up"
"""The ASGI extension that closes a connection; the process offers it."""


class Troubled:
    """The API, as far as the faults asked for allow."""

    def __init__(self, api: Api, faults: Faults) -> None:
        self._api, self._faults = api, faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call, or do not."""
        fate = self._faults.fate()
        if fate is SPARED:
            await self._api(scope, receive, send)
        elif fate.throttled:
            await self._api.refuse(send, ApiError("ThrottlingException", "Rate exceeded"))
        else:
            await self._suffer(fate, scope, receive, send)

    async def _suffer(self, fate: Fate, scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(fate.delay / 2)
        if fate.lost_request:
            await _hang_up(scope, receive)
            return
        if fate.error:
            error = ApiError("ServiceFault", "The service had a fault. Please try again.", status=500)
            await asyncio.sleep(fate.delay / 2)
            await self._api.refuse(send, error)
            return
        request = [await receive()]
        while request[-1].get("more_body"):
            request.append(await receive())
        answer: list[Message] = []
        for _ in range(2 if fate.duplicate else 1):
            answer.clear()
            await self._api(scope, _reader(request), _collector(answer))
        await asyncio.sleep(fate.delay / 2)
        if fate.lost_answer:
            await _hang_up(scope, receive)
            return
        for message in answer:
            await send(message)


def _reader(request: list[Message]) -> Receive:
    messages = iter(request)

    async def receive() -> Message:
        return next(messages, {"type": "http.disconnect"})

    return receive


def _collector(answer: list[Message]) -> Send:
    async def send(message: Message) -> None:
        answer.append(message)

    return send


async def _hang_up(scope: Scope, receive: Receive) -> None:
    """Close the connection, and wait until it is: an application that ends before is taken for a broken one."""
    scope["extensions"][HANG_UP]()
    while (await receive())["type"] != "http.disconnect":
        pass
