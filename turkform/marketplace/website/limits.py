"""Limits: how much of a request is read before it is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.exceptions import HTTPException

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST: Final = 4_000_000
"""Bytes of a form: a task's answers are text."""
_TOO_LARGE: Final = 413


class Limited:
    """An application that reads no more of a request than it should."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        size = 0

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > LARGEST:
                raise HTTPException(_TOO_LARGE, f"A form has at most {LARGEST} bytes.")
            return message

        await self._app(scope, counted, send)
