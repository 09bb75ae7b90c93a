"""The requester API at `POST /`: one call in, its answer or MTurk's error envelope out."""

from __future__ import annotations

import logging
import secrets
from email.utils import formatdate
from typing import TYPE_CHECKING

import msgspec

from turkform.marketplace import protocol
from turkform.marketplace.guard import RefusedError
from turkform.marketplace.protocol import ApiError
from turkform.marketplace.store import StoreError

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from turkform.marketplace.guard import Guard
    from turkform.marketplace.service import Service

_LOG = logging.getLogger("turkform.marketplace")
_FAULT = "The service had a fault. Please try again."
LARGEST = 4_000_000
"""Bytes of a request; a question has at most 65,535."""


class Api:
    """An ASGI application of its own: no router or middleware stands between a call and its handler."""

    def __init__(self, service: Service, guard: Guard) -> None:
        self._service, self._guard = service, guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        try:
            body = await self._answer(scope, receive)
        except ApiError as error:
            await self.refuse(send, error)
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller gets an answer in the envelope
            _LOG.error("a call failed: %s", error, exc_info=not isinstance(error, StoreError))
            await self.refuse(send, ApiError("ServiceFault", _FAULT, status=500))
        else:
            await self._send(send, 200, body)

    async def refuse(self, send: Send, error: ApiError) -> None:
        """Answer with MTurk's error envelope."""
        await self._send(send, error.status, error.body(self._service.now()))

    async def _send(self, send: Send, status: int, body: bytes) -> None:
        headers = [
            (b"content-type", b"application/x-amz-json-1.1"),
            (b"content-length", str(len(body)).encode()),
            (b"x-amzn-requestid", secrets.token_hex(16).encode()),
            (b"date", formatdate(self._service.now(), usegmt=True).encode()),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Scope, receive: Receive) -> bytes:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        try:
            self._guard.check_api(headers)
        except RefusedError as error:
            raise ApiError("AccessDeniedException", error.message, status=error.status) from None
        body = await _body(receive)
        credential = protocol.credential_of(headers)
        operation = protocol.operation_of(headers)
        answer = await self._service.call(operation, protocol.parameters_of(body), credential.key)
        return msgspec.json.encode(answer)


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        part = message.get("body", b"")
        size += len(part)
        if size > LARGEST:
            raise ApiError("RequestEntityTooLargeException", f"a request has at most {LARGEST} bytes", status=413)
        parts.append(part)
        more = message.get("more_body", False)
    return b"".join(parts)
