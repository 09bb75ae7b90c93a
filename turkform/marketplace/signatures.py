"""Signatures: who asks, by AWS Signature Version 4, and whether it is so.

In: a request's headers and body as they arrived, and the secret of the access key it names. Out: nothing, or a
refusal with AWS's codes. Any region is taken, since clients hard-code one; the service is `mturk-requester`. There is
no nonce in SigV4: a request repeated within its fifteen minutes is accepted, as at AWS.

Source: "Create a signed AWS API request" in the IAM user guide (read 24 Nov 2026).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from turkform.marketplace.protocol import ApiError

if TYPE_CHECKING:
    from collections.abc import Mapping

SERVICE = "mturk-requester"
AGE = 900
"""Seconds that a signature is good for, either way."""
_ALGORITHM = "AWS4-HMAC-SHA256"
_CREDENTIAL = re.compile(
    r"AWS4-HMAC-SHA256 +Credential=(?P<key>[A-Za-z0-9]{1,128})/(?P<date>\d{8})/(?P<region>[a-z0-9-]+)/"
    r"(?P<service>[a-z-]+)/aws4_request, *SignedHeaders=(?P<headers>[a-z0-9;-]+), *"
    r"Signature=(?P<signature>[0-9a-f]{64})"
)
_STAMP = re.compile(r"\d{8}T\d{6}Z")
_SIGNED = frozenset(("host", "x-amz-date", "x-amz-target"))
"""What must be signed: without its operation, a signature would stand for any."""


@dataclass(frozen=True, slots=True)
class Credential:
    """What an Authorization header claims."""

    key: str
    date: str
    region: str
    headers: tuple[str, ...]
    signature: str


def credential_of(headers: Mapping[str, str]) -> Credential:
    """Read the Authorization header.

    Raises:
        ApiError: none, not SigV4, or signed for another service.
    """
    match = _CREDENTIAL.fullmatch(headers.get("authorization", ""))
    if not match:
        raise ApiError("MissingAuthenticationTokenException", "Request is missing Authentication Token", status=403)
    if match["service"] != SERVICE:
        raise _invalid(f"Credential should be scoped to correct service: '{SERVICE}'.")
    return Credential(
        match["key"], match["date"], match["region"], tuple(match["headers"].split(";")), match["signature"]
    )


def unknown_key() -> ApiError:
    """An access key that nobody has, or nobody may use any more."""
    return ApiError("UnrecognizedClientException", "The security token included in the request is invalid.", status=403)


def verify(credential: Credential, secret: str, *, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Check the signature of a `POST /` without a query; `now` is the real clock.

    Raises:
        ApiError: altered, forged, older than fifteen minutes, or of a temporary session, which this server has not.
    """
    if "x-amz-security-token" in headers:
        raise unknown_key()
    stamp = headers.get("x-amz-date", "")
    try:
        signed = datetime.fromisoformat(stamp) if _STAMP.fullmatch(stamp) else None
    except ValueError:
        signed = None
    if signed is None:
        raise _invalid("X-Amz-Date is missing or malformed.")
    if not stamp.startswith(credential.date):
        raise _invalid(f"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date: {stamp}")
    if abs((now - signed).total_seconds()) > AGE:
        raise _invalid(f"Signature expired: {stamp} is not within 15 minutes of {now.strftime('%Y%m%dT%H%M%SZ')}")
    missing = _SIGNED - set(credential.headers)
    if missing:
        raise _invalid(f"'{min(missing)}' must be a 'SignedHeader' in the AWS Authorization.")
    lines = "".join(f"{name}:{' '.join(headers.get(name, '').split())}\n" for name in credential.headers)
    canonical = f"POST\n/\n\n{lines}\n{';'.join(credential.headers)}\n{hashlib.sha256(body).hexdigest()}"
    scope = f"{credential.date}/{credential.region}/{SERVICE}/aws4_request"
    text = f"{_ALGORITHM}\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = _signing_key(secret, credential.date, credential.region)
    if not hmac.compare_digest(hmac.digest(key, text.encode(), "sha256").hex(), credential.signature):
        raise _invalid("The request signature we calculated does not match the signature you provided.")


@lru_cache(1000)
def _signing_key(secret: str, date: str, region: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (date, region, SERVICE, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def _invalid(message: str) -> ApiError:
    return ApiError("InvalidSignatureException", message, status=403)
