"""Signature Version 4: proof that a request was made by whoever holds the secret.

In: one request and the keys that sign it. Out: the headers to send with it. boto3 signs the same way in
fifty times as many steps; what an endpoint checks is the result.

Source: "Signature Version 4 signing process" in the IAM user guide (read 25 Nov 2026).
"""

from __future__ import annotations

import hashlib
import hmac
import time
from typing import NamedTuple
from urllib.parse import quote

REGION = "us-east-1"
"""Mechanical Turk knew only this one; neither a profile nor the environment may choose another."""
SERVICE = "mturk-requester"
_ALGORITHM = "AWS4-HMAC-SHA256"
_TYPE = "application/x-amz-json-1.1"


class Keys(NamedTuple):
    """An access key, its secret, and the session token where the two are temporary."""

    access: str
    secret: str
    token: str = ""


class Signer:
    """Signs POST requests to one URL. Safe to share between threads."""

    def __init__(self, host: str, path: str) -> None:
        """`host` and `path` as the request says them; the path is encoded once more for signing."""
        self._host, self._path = host, quote(path, safe="/~")
        self._derived: tuple[str, str, bytes] = ("", "", b"")

    def headers(self, target: str, body: bytes, keys: Keys, at: float) -> dict[str, str]:
        """Every header of a request for the operation `target`; `at` is the real time in epoch seconds."""
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(at))
        date = stamp[:8]
        signed = {"content-type": _TYPE, "host": self._host, "x-amz-date": stamp}
        if keys.token:
            signed["x-amz-security-token"] = keys.token
        signed["x-amz-target"] = target
        names = ";".join(signed)  # in the order of the alphabet, as they were put in
        lines = "".join([f"{name}:{value}\n" for name, value in signed.items()])
        canonical = f"POST\n{self._path}\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
        scope = f"{date}/{REGION}/{SERVICE}/aws4_request"
        text = f"{_ALGORITHM}\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        proof = hmac.digest(self._key(keys.secret, date), text.encode(), "sha256").hex()
        signed["authorization"] = (
            f"{_ALGORITHM} Credential={keys.access}/{scope}, SignedHeaders={names}, Signature={proof}"
        )
        return signed

    def _key(self, secret: str, date: str) -> bytes:
        """The signing key of a day; the last one is kept, for it costs four digests."""
        kept = self._derived
        if kept[:2] != (secret, date):
            key = f"AWS4{secret}".encode()
            for part in (date, REGION, SERVICE, "aws4_request"):
                key = hmac.digest(key, part.encode(), "sha256")
            self._derived = kept = (secret, date, key)
        return kept[2]
