"""Where notifications may go, and one delivery there.

In: a transport and a Destination as the API takes them. Out: a `Destination`, or InvalidTransportEndpoint; and
from `deliver`, whether the other side took a message.

A server that calls addresses its users name can be turned against its own network. So a host must be one that the
operator allowed, its name is resolved once and the connection made to that very address, private addresses are
refused, redirects are not followed, and nothing of the answer but its status is looked at. In rehearsal this
machine's own addresses are allowed, and no other private ones.

    SQS    a queue's URL: a signed SendMessage, with the credentials that the operator set for its host
    SNS    a topic's ARN: a signed Publish, likewise
    SQS or SNS with any other https URL: a POST of the JSON, signed with the secret set for its host
    Email  refused
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import ipaddress
import json
import re
import socket
import ssl
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode, urlsplit

from turkform.marketplace.protocol import request_error

if TYPE_CHECKING:
    from collections.abc import Mapping

    from turkform.marketplace.protocol import ApiError
    from turkform.marketplace.settings import Settings

TIMEOUT = 10.0
"""Seconds for each wait of a delivery."""
SIGNATURE = "X-Turkform-Signature"
_ARN = re.compile(r"arn:aws:sns:([a-z0-9-]{1,40}):\d{12}:[A-Za-z0-9_.-]{1,256}")
_QUEUE_HOST = re.compile(r"(?:sqs\.([a-z0-9-]+)|([a-z0-9-]+)\.queue)\.amazonaws\.com")


class UndeliveredError(Exception):
    """A message was not taken; the message says why, for the operator's log alone."""


@dataclass(frozen=True, slots=True)
class Destination:
    """A place to send to: `service` is sqs, sns, or empty for a plain POST."""

    url: str
    service: str
    region: str
    target: str

    @property
    def host(self) -> str:
        """The host's name, without port."""
        return urlsplit(self.url).hostname or ""

    @property
    def place(self) -> str:
        """Host and port, as `--notify-allow` and the credentials name them."""
        return urlsplit(self.url).netloc


def destination_of(settings: Settings, transport: str, text: str) -> Destination:
    """Read a Destination.

    Raises:
        ApiError: InvalidTransportEndpoint: no address for this transport, or not one the operator allows.
    """
    found = _read(transport, text)
    if found is None:
        raise _invalid(text)
    local = settings.rehearsal and _is_local(found.host)
    allowed = local or bool({found.place, found.host} & settings.notify_allow)
    secure = local or found.url.startswith("https:")
    if not allowed or not secure or _keys(settings, found) is None:
        raise _invalid(text)
    return found


def _read(transport: str, text: str) -> Destination | None:
    topic = _ARN.fullmatch(text)
    if topic and transport == "SNS":
        return Destination(f"https://sns.{topic[1]}.amazonaws.com/", "sns", topic[1], text)
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    if (
        transport == "Email"
        or parts.scheme not in {"http", "https"}
        or not parts.hostname
        or parts.username
        or port == 0
    ):
        return None
    queue = _QUEUE_HOST.fullmatch(parts.hostname)
    if queue:
        return Destination(text, "sqs", queue[1] or queue[2], text) if transport == "SQS" else None
    return Destination(text, "", "", text)


def _invalid(text: str) -> ApiError:
    return request_error("InvalidTransportEndpoint", f"The notification endpoint {text[:200]} cannot be reached.")


def _is_local(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _keys(settings: Settings, to: Destination) -> Mapping[str, str] | None:
    """The credentials for a destination; the control token signs what a rehearsal sends to its own machine."""
    wanted = {"access_key", "secret_key"} if to.service else {"secret"}
    found = settings.notify_keys.get(to.place) or settings.notify_keys.get(to.host)
    if found is None and settings.rehearsal and _is_local(to.host):
        return {"secret": settings.token}
    return found if found is not None and wanted <= found.keys() else None


# --- delivery --------------------------------------------------------------------------------------


def deliver(settings: Settings, transport: str, text: str, body: str) -> None:
    """Send one message, once.

    Raises:
        UndeliveredError: refused, not reachable, or answered with anything but success.
    """
    from turkform.marketplace.protocol import ApiError

    try:
        to = destination_of(settings, transport, text)
    except ApiError as error:
        raise UndeliveredError(error.message) from None
    keys = _keys(settings, to)
    assert keys is not None
    payload, headers = request_to(to, keys, body.encode())
    parts = urlsplit(to.url)
    connection = _connect(to.host, parts.port or (443 if parts.scheme == "https" else 80), settings, parts.scheme)
    try:
        connection.request("POST", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), payload, headers)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        raise UndeliveredError(f"{to.place}: {type(error).__name__}") from None
    finally:
        connection.close()
    if not 200 <= status < 300:
        raise UndeliveredError(f"{to.place} answered {status}")


def _connect(host: str, port: int, settings: Settings, scheme: str) -> http.client.HTTPConnection:
    """A connection to the one address that the name has just been found to have."""
    try:
        address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][4][0]
    except OSError:
        raise UndeliveredError(f"{host} has no address") from None
    found = ipaddress.ip_address(str(address).partition("%")[0])
    found = getattr(found, "ipv4_mapped", None) or found
    if not (found.is_global or (settings.rehearsal and found.is_loopback and _is_local(host))):
        raise UndeliveredError(f"{host} is {found}, which is not a public address")
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT)
    try:
        plain = socket.create_connection((str(address), port), TIMEOUT)
        connection.sock = (
            ssl.create_default_context().wrap_socket(plain, server_hostname=host) if scheme == "https" else plain
        )
    except OSError as error:
        raise UndeliveredError(f"{host}: {type(error).__name__}") from None
    return connection


def request_to(to: Destination, keys: Mapping[str, str], body: bytes) -> tuple[bytes, dict[str, str]]:
    """What is sent to a destination, and its headers, signed with these keys."""
    if not to.service:
        stamp = str(int(time.time()))
        mark = hmac.digest(keys["secret"].encode(), f"{stamp}.".encode() + body, "sha256").hex()
        return body, {"Host": to.place, "Content-Type": "application/json", SIGNATURE: f"t={stamp},v1={mark}"}
    if to.service == "sqs":
        payload = json.dumps({"QueueUrl": to.target, "MessageBody": body.decode()}).encode()
        headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AmazonSQS.SendMessage"}
    else:
        form = {"Action": "Publish", "Version": "2010-03-31", "TopicArn": to.target, "Message": body.decode()}
        payload, headers = urlencode(form).encode(), {"Content-Type": "application/x-www-form-urlencoded"}
    return payload, _signed(to, keys, payload, {**headers, "Host": to.place})


def _signed(to: Destination, keys: Mapping[str, str], payload: bytes, headers: dict[str, str]) -> dict[str, str]:
    """The headers with AWS's Signature Version 4."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    headers = {**headers, "X-Amz-Date": stamp}
    lines = sorted((name.lower(), value) for name, value in headers.items())
    names = ";".join(name for name, _ in lines)
    path = quote(urlsplit(to.url).path or "/", safe="/~")
    canonical = "\n".join(
        ["POST", path, "", "".join(f"{name}:{value}\n" for name, value in lines), names,
         hashlib.sha256(payload).hexdigest()]
    )  # fmt: skip
    scope = f"{stamp[:8]}/{to.region}/{to.service}/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{keys['secret_key']}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    credential = f"Credential={keys['access_key']}/{scope}, SignedHeaders={names}, Signature={signature}"
    return {**headers, "Authorization": f"AWS4-HMAC-SHA256 {credential}"}
