"""The requester API at `POST /`: one call in, its answer or MTurk's error envelope out."""

from __future__ import annotations

import logging
import re
import secrets
import time
from datetime import UTC, datetime
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import msgspec

from turkform.marketplace import protocol, signatures
from turkform.marketplace.guard import RefusedError
from turkform.marketplace.logs import CALLS
from turkform.marketplace.protocol import ApiError
from turkform.marketplace.sealing import SealError
from turkform.marketplace.store import StoreError

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from turkform.marketplace.guard import Guard
    from turkform.marketplace.service import Service
    from turkform.marketplace.signatures import Credential

_LOG = logging.getLogger("turkform.marketplace")
_FAULT = "The service had a fault. Please try again."
_TARGET, _KEY = re.compile(r"\.([A-Za-z]{1,64})$"), re.compile(r"Credential=([A-Za-z0-9]{1,128})/")
LARGEST = 4_000_000
"""Bytes of a request; a question has at most 65,535."""


class Api:
    """An ASGI application of its own: no router or middleware stands between a call and its handler."""

    def __init__(self, service: Service, guard: Guard) -> None:
        self._service, self._guard = service, guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call, and log it."""
        begun, error = time.perf_counter(), None
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        try:
            body = await self._answer(scope, headers, receive)
        except ApiError as refusal:
            error = refusal
        except Exception as problem:  # noqa: BLE001 - whatever it is, the caller gets an answer in the envelope
            known = isinstance(problem, StoreError | SealError)
            what = f"a call failed: {problem}" if known else "a call failed"
            _LOG.error(what, exc_info=not known, extra={"fields": _named(headers)})
            error = ApiError("ServiceFault", _FAULT, status=500)
        request_id = secrets.token_hex(16)
        if CALLS.isEnabledFor(logging.INFO):
            CALLS.info("call", extra={"fields": _line(headers, request_id, error, time.perf_counter() - begun)})
        if error is None:
            await self._send(send, 200, body, request_id)
        else:
            await self.refuse(send, error, request_id)

    async def refuse(self, send: Send, error: ApiError, request_id: str = "") -> None:
        """Answer with MTurk's error envelope."""
        await self._send(send, error.status, error.body(self._service.now()), request_id or secrets.token_hex(16))

    async def _send(self, send: Send, status: int, body: bytes, request_id: str) -> None:
        headers = [
            (b"content-type", b"application/x-amz-json-1.1"),
            (b"content-length", str(len(body)).encode()),
            (b"x-amzn-requestid", request_id.encode()),
            (b"date", formatdate(self._service.now(), usegmt=True).encode()),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Scope, headers: dict[str, str], receive: Receive) -> bytes:
        try:
            self._guard.check_api(headers)
        except RefusedError as error:
            raise ApiError("AccessDeniedException", error.message, status=error.status) from None
        body = await _body(receive)
        credential = signatures.credential_of(headers)
        if not self._service.settings.rehearsal:
            await self._verify(credential, scope, headers, body)
        operation = protocol.operation_of(headers)
        answer = await self._service.call(operation, protocol.parameters_of(body), credential.key)
        return msgspec.json.encode(answer)

    async def _verify(self, credential: Credential, scope: Scope, headers: dict[str, str], body: bytes) -> None:
        if scope["query_string"]:
            raise ApiError("InvalidSignatureException", "A call of this API has no query string.", status=403)
        secret = await self._service.secret(credential.key)
        signatures.verify(credential, secret, headers=headers, body=body, now=datetime.now(UTC))


def _named(headers: dict[str, str]) -> dict[str, Any]:
    """Which operation a request names and whose key, as far as both are names."""
    target, key = _TARGET.search(headers.get("x-amz-target", "")), _KEY.search(headers.get("authorization", ""))
    return {"operation": target[1] if target else None, "access_key": key[1] if key else None}


def _line(headers: dict[str, str], request_id: str, error: ApiError | None, seconds: float) -> dict[str, Any]:
    code = error and (error.turk_code or error.code)
    return {
        "request": request_id, **_named(headers), "status": error.status if error else 200, "code": code,
        "seconds": round(seconds, 6),
    }  # fmt: skip


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
