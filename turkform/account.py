"""The account: one endpoint that speaks the Requester API, as one requester.

In: a `Target`. Out: `Account`, which makes calls and says of each whether it was done, refused or left
unanswered. A create is repeated only by `apply`, which has its token in the journal; reads are repeated here.

This is the only module that knows boto3: its session finds the keys, and renews those that expire. The calls
themselves do not go through its client, which takes fifteen times the time that signing and sending need;
and what it repeats by itself, no journal would know of.
"""

from __future__ import annotations

import os
import random
import re
import ssl
import time
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from turkform.connections import Connections, NoReplyError, NotSentError
from turkform.errors import EndpointError, TurkformError
from turkform.signature import Keys, Signer
from turkform.times import from_epoch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from turkform.campaign import Target
    from turkform.connections import Reply
    from turkform.items import Marker

_TARGET = "MTurkRequesterServiceV20170117."
PAGE = 100
"""Rows that a list is asked for at a time: the most that the API gives."""
_READ_TRIES = 6
_CLOSED = (
    "Amazon Mechanical Turk closed on 30 September 2026 (banner on https://docs.aws.amazon.com/AWSMechTurk/), "
    "so AWS's hosts cannot be expected to answer."
)
_WAY_OUT = (
    "Run a marketplace of your own with `turkform serve`, and name its URL as this environment's endpoint; "
    "or rehearse with `endpoint: local`."
)


class CallRefusedError(TurkformError):
    """The endpoint answered no: what was asked is known not to have happened.

    `code` is the wire's error type, `turk_code` MTurk's own without its `AWS.MechanicalTurk.` prefix.
    """

    def __init__(self, operation: str, code: str, turk_code: str, message: str) -> None:
        super().__init__(f"{operation}: {message}" + (f" [{turk_code or code}]"))
        self.operation = operation
        self.code = code
        self.turk_code = turk_code.removeprefix("AWS.MechanicalTurk.")
        self.message = message

    @property
    def throttled(self) -> bool:
        """Too fast; the same call may be sent again."""
        return self.code in {"ThrottlingException", "Throttling", "TooManyRequestsException", "429"}

    @property
    def repeated_token(self) -> bool:
        """The endpoint has already processed a request with this token."""
        return self.turk_code == "HitAlreadyExists" or "has already been processed" in self.message


class CallUnansweredError(TurkformError):
    """The request may have reached the endpoint; whether it was done is not known."""


class CallUnsentError(EndpointError):
    """The request certainly did not reach the endpoint."""


class Answer(NamedTuple):
    """What came back: the body, the endpoint's clock, and the id it gave the request."""

    body: Any
    at: datetime
    request_id: str


class Account:
    """Calls to one endpoint, as one requester. Safe to share between threads."""

    def __init__(
        self,
        endpoint: str,
        keys: Callable[[], Keys],
        connections: Connections,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`keys` is asked before every call, for keys may be renewed; `clock` is the real one, for signatures."""
        self.endpoint = endpoint
        self._keys, self._connections = keys, connections
        self._signer = Signer(connections.host, connections.path)
        self._clock, self._sleep = clock, sleep
        self._dated = ("", datetime.min.replace(tzinfo=UTC))
        self.imported: Mapping[str, Marker] = {}
        """HIT id → the marker that a HIT without one goes by: what the journal took over."""
        self.now: datetime | None = None
        """The endpoint's clock at this command's first answer."""

    def call(self, operation: str, parameters: Mapping[str, Any], *, shape: Any = None) -> Answer:
        """Send one request, once. The body comes as a dict with times, or as the msgspec type `shape`.

        Raises:
            CallRefusedError: the endpoint said no; nothing was done.
            CallUnansweredError: no answer, a broken one, or the endpoint's own fault (5xx).
            CallUnsentError: there was no connection to send it on, or there are no keys to sign it with.
        """
        body = msgspec.json.encode({name: _plain(value) for name, value in parameters.items()})
        headers = self._signer.headers(_TARGET + operation, body, self._keys(), self._clock())
        headers["user-agent"] = "turkform"
        try:
            reply = self._connections.post(headers, body)
        except NotSentError as error:
            raise CallUnsentError(self._unreachable(str(error)), _WAY_OUT) from None
        except NoReplyError as error:
            raise CallUnansweredError(f"{operation}: no answer from {self.endpoint}: {error}") from None
        at = self._time(reply.headers.get("date", ""))
        if not 200 <= reply.status < 300:
            raise self._refusal(operation, reply)
        try:
            found = _timed(msgspec.json.decode(reply.body or b"{}")) if shape is None else _decoder(shape)(reply.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise CallUnansweredError(f"{operation}: no answer from {self.endpoint} but {error}") from None
        return Answer(found, at, reply.headers.get("x-amzn-requestid", ""))

    def read(self, operation: str, parameters: Mapping[str, Any], *, shape: Any = None) -> Answer:
        """Send a request that changes nothing, again and again where the endpoint is busy or broken.

        Raises:
            CallRefusedError: the endpoint said no.
            EndpointError: it could not be reached, or kept failing.
        """
        for attempt in range(1, _READ_TRIES + 1):
            try:
                return self.call(operation, parameters, shape=shape)
            except CallRefusedError as error:
                if not error.throttled or attempt == _READ_TRIES:
                    raise
            except CallUnansweredError as error:
                if attempt == _READ_TRIES:
                    raise EndpointError(str(error), "Try again later; nothing was changed.") from None
            self._sleep(min(8.0, 0.1 * 2**attempt) * (0.5 + random.random()))  # noqa: S311 - jitter
        raise AssertionError  # the last attempt returned or raised

    def clock(self) -> datetime:
        """The endpoint's clock at this command's first answer, asked for where there was none yet.

        Raises:
            EndpointError: it could not be reached.
        """
        return self.now or self.read("GetAccountBalance", {}).at

    def pages(
        self,
        operation: str,
        member: str,
        row: Any = dict[str, Any],
        *,
        before: Callable[[], object] = lambda: None,
        **parameters: Any,
    ) -> Iterator[list[Any]]:
        """Every page of a list: until the token is missing or the page is empty.

        Each `row` is a dict with times, or of a msgspec type. The next page is asked for while this one is used;
        `before` each of them, whoever paces or counts the calls is told, in another thread.
        """
        shape = _page(member, row)

        def fetch(token: str | None) -> Any:
            more = {"NextToken": token} if token else {}
            before()
            return self.read(operation, {**parameters, "MaxResults": PAGE, **more}, shape=shape).body

        with ThreadPoolExecutor(1, thread_name_prefix="page") as ahead:
            coming: Future[Any] | None = ahead.submit(fetch, None)
            while coming is not None:
                page = coming.result()
                coming = ahead.submit(fetch, page.token) if page.token and page.rows else None
                if page.rows:
                    yield _timed(page.rows) if row == dict[str, Any] else page.rows

    def _time(self, date: str) -> datetime:
        """The endpoint's clock; reading it costs more than signing does, and it shows the same second for long."""
        said, at = self._dated
        if said != date or not date:
            try:
                at = parsedate_to_datetime(date).astimezone(UTC)
            except ValueError:
                at = datetime.now(UTC)
            self._dated = (date, at)
        if self.now is None:
            self.now = at
        return at

    def _refusal(self, operation: str, reply: Reply) -> TurkformError:
        try:
            told = msgspec.json.decode(reply.body, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError):  # not the endpoint, but something before it
            told = {"__type": str(reply.status), "Message": f"HTTP status {reply.status}"}
        code = str(told.get("__type", "")).rpartition("#")[2]
        message = str(told.get("Message") or told.get("message") or "")
        if reply.status >= 500:
            return CallUnansweredError(f"{operation}: {self.endpoint} answered {reply.status}: {message}")
        if code in _ACCESS:
            hint = f"{_CLOSED} {_WAY_OUT}" if ".amazonaws.com" in self.endpoint else "Check this environment's profile."
            return EndpointError(f"{self.endpoint} refused the credentials: {message} [{code}]", hint)
        return CallRefusedError(operation, code, str(told.get("TurkErrorCode", "")), _untimed(message))

    def _unreachable(self, reason: str) -> str:
        if ".amazonaws.com" in self.endpoint:
            return f"{self.endpoint} does not answer. {_CLOSED}"
        return f"{self.endpoint} does not answer: {reason}"


_ACCESS = {
    "UnrecognizedClientException",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "InvalidClientTokenId",
    "AccessDeniedException",
    "MissingAuthenticationTokenException",
    "ExpiredTokenException",
    "OptInRequired",
}


def _untimed(message: str) -> str:
    """The message without the server's clock that MTurk puts behind it."""
    return re.sub(r" \(\d{10,}( s)?\)$", "", message)


def _plain(value: Any) -> Any:
    """A parameter as JSON 1.1 spells it: times are whole epoch seconds."""
    return int(value.timestamp()) if isinstance(value, datetime) else value


_TIMES = {
    *("AcceptTime", "ApprovalTime", "AutoApprovalTime", "CompleteTime", "CreationTime"),
    *("Deadline", "Expiration", "GrantTime", "RejectionTime", "SubmitTime"),
}
"""The members of the API's answers that are times (botocore's model of mturk 2017-01-17)."""


def _timed(value: Any) -> Any:
    """An answer with its times read, in place."""
    if isinstance(value, dict):
        for name, part in value.items():
            if name in _TIMES:
                value[name] = from_epoch(part)
            elif isinstance(part, dict | list):
                _timed(part)
    elif isinstance(value, list):
        for part in value:
            _timed(part)
    return value


@cache
def _page(member: str, row: Any) -> type[msgspec.Struct]:
    """What one page of a list is read into."""
    rows: Any = msgspec.field(name=member, default_factory=list)
    token: Any = msgspec.field(name="NextToken", default=None)
    return msgspec.defstruct("Page", [("rows", list[row], rows), ("token", str | None, token)])


@cache
def _decoder(shape: Any) -> Callable[[bytes], Any]:
    return msgspec.json.Decoder(shape).decode


def connect(target: Target, url: str | None = None) -> Account:
    """An account at the target's endpoint; `url` where the target says `local`.

    Endpoint and region are the file's: neither the profile's region nor `AWS_ENDPOINT_URL*` decides where
    money is spent.

    Raises:
        EndpointError: the profile does not exist.
    """
    endpoint = url or target.endpoint
    if target.endpoint == "local":
        return Account(endpoint, lambda: _ANYBODY, Connections(endpoint))
    if target.profile is None and endpoint.startswith("http:") and (given := _given(os.environ)):
        return Account(endpoint, lambda: given, Connections(endpoint))
    import boto3
    from botocore.exceptions import BotoCoreError
    from botocore.session import Session

    try:
        settings = Session(profile=target.profile)
        found: Any = boto3.Session(botocore_session=settings).get_credentials()
        trust = settings.get_config_variable("ca_bundle")
    except BotoCoreError as error:
        raise EndpointError(str(error), "Set `profile:` in the environment to one that exists.") from None
    if found is None and _is_loopback(endpoint):
        keys: Callable[[], Keys] = lambda: _ANYBODY  # noqa: E731
    else:
        keys = _keys(found, endpoint)
    return Account(endpoint, keys, Connections(endpoint, lambda: _trust(trust)))


def _given(environ: Mapping[str, str]) -> Keys | None:
    """Keys that stand in the environment and do not change, found without loading boto3, which takes a while.

    Where anything else there could have a say, it is boto3 that knows how.
    """
    if {"AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SECURITY_TOKEN", "AWS_CREDENTIAL_EXPIRATION"} & environ.keys():
        return None
    access, secret = environ.get("AWS_ACCESS_KEY_ID"), environ.get("AWS_SECRET_ACCESS_KEY")
    return Keys(access, secret, environ.get("AWS_SESSION_TOKEN", "")) if access and secret else None


_ANYBODY = Keys("LOCAL", "local")
"""A rehearsal takes any key; a fixed one makes the requester the same every time."""


def _keys(credentials: Any, endpoint: str) -> Callable[[], Keys]:
    """Keys as boto3 finds them: static, or renewed by it before they expire (SSO, assumed roles …)."""
    from botocore.exceptions import BotoCoreError

    def current() -> Keys:
        try:
            frozen = credentials and credentials.get_frozen_credentials()
        except BotoCoreError as error:
            raise CallUnsentError(f"no credentials for {endpoint}: {error}", _KEYS) from None
        if not frozen or not frozen.access_key or not frozen.secret_key:
            raise CallUnsentError(f"no credentials for {endpoint}: none were found", _KEYS)
        return Keys(frozen.access_key, frozen.secret_key, frozen.token or "")

    return current


_KEYS = "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or `profile:` in the environment."


def _trust(bundle: str | None) -> ssl.SSLContext:
    """The certificates boto3 trusts: its own, or those of `AWS_CA_BUNDLE` or the profile."""
    from botocore.httpsession import get_cert_path

    return ssl.create_default_context(cafile=bundle or get_cert_path(True))  # noqa: FBT003


def _is_loopback(url: str) -> bool:
    return bool(re.match(r"https?://(127\.\d+\.\d+\.\d+|localhost|\[::1\])(:\d+)?(/|$)", url))
