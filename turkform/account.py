"""The account: one endpoint through boto3, as one requester.

In: a `Target`. Out: `Account`, which makes calls and says of each whether it was done, refused or left
unanswered.

This is the only module that knows boto3. botocore's own retries are off: a create is repeated only by
`apply`, which has its token in the journal; reads are repeated here.
"""

from __future__ import annotations

import random
import re
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from turkform.errors import EndpointError, TurkformError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from turkform.campaign import Target

_PAGE = 100
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
        return self.code in {"ThrottlingException", "Throttling", "TooManyRequestsException"}

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

    body: dict[str, Any]
    at: datetime
    request_id: str


class Account:
    """Calls to one endpoint, as one requester. Safe to share between threads."""

    def __init__(self, client: Any, *, endpoint: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self.endpoint = endpoint
        self._sleep = sleep
        self.now: datetime | None = None
        """The endpoint's clock at this command's first answer."""

    def call(self, operation: str, parameters: Mapping[str, Any]) -> Answer:
        """Send one request, once.

        Raises:
            CallRefusedError: the endpoint said no; nothing was done.
            CallUnansweredError: no answer, a broken one, or the endpoint's own fault (5xx).
            CallUnsentError: there was no connection to send it on.
        """
        from botocore import exceptions as boto
        from botocore.parsers import ResponseParserError

        method = getattr(self._client, _snake(operation))
        try:
            body = method(**parameters)
        except boto.ClientError as error:
            raise self._refusal(operation, error.response) from None
        except (boto.EndpointConnectionError, boto.ConnectTimeoutError, boto.ProxyConnectionError) as error:
            raise CallUnsentError(self._unreachable(str(error)), _WAY_OUT) from None
        except (boto.NoCredentialsError, boto.PartialCredentialsError) as error:
            raise CallUnsentError(
                f"no credentials for {self.endpoint}: {error}",
                "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or `profile:` in the environment.",
            ) from None
        except (boto.HTTPClientError, ResponseParserError) as error:
            raise CallUnansweredError(f"{operation}: no answer from {self.endpoint}: {error}") from None
        meta = body.pop("ResponseMetadata", {})
        at = self._clock(meta.get("HTTPHeaders", {}))
        return Answer(body, at, meta.get("RequestId", ""))

    def read(self, operation: str, parameters: Mapping[str, Any]) -> Answer:
        """Send a request that changes nothing, again and again where the endpoint is busy or broken.

        Raises:
            CallRefusedError: the endpoint said no.
            EndpointError: it could not be reached, or kept failing.
        """
        for attempt in range(1, _READ_TRIES + 1):
            try:
                return self.call(operation, parameters)
            except CallRefusedError as error:
                if not error.throttled or attempt == _READ_TRIES:
                    raise
            except CallUnansweredError as error:
                if attempt == _READ_TRIES:
                    raise EndpointError(str(error), "Try again later; nothing was changed.") from None
            self._sleep(min(8.0, 0.1 * 2**attempt) * (0.5 + random.random()))  # noqa: S311 - jitter
        raise AssertionError  # the last attempt returned or raised

    def pages(self, operation: str, member: str, **parameters: Any) -> Iterator[list[dict[str, Any]]]:
        """Every page of a list: until the token is missing or the page is empty."""
        token: str | None = None
        while True:
            more = {"NextToken": token} if token else {}
            body = self.read(operation, {**parameters, "MaxResults": _PAGE, **more}).body
            rows = body.get(member, [])
            if rows:
                yield rows
            token = body.get("NextToken")
            if not token or not rows:
                return

    def _clock(self, headers: Mapping[str, str]) -> datetime:
        try:
            at = parsedate_to_datetime(headers["date"]).astimezone(UTC)
        except (KeyError, ValueError):
            at = datetime.now(UTC)
        if self.now is None:
            self.now = at
        return at

    def _refusal(self, operation: str, response: Mapping[str, Any]) -> TurkformError:
        meta = response.get("ResponseMetadata", {})
        self._clock(meta.get("HTTPHeaders", {}))
        code = str(response.get("Error", {}).get("Code", ""))
        message = str(response.get("Message") or response.get("Error", {}).get("Message", ""))
        turk_code = str(response.get("TurkErrorCode", ""))
        status = meta.get("HTTPStatusCode", 0)
        if status >= 500:
            return CallUnansweredError(f"{operation}: {self.endpoint} answered {status}: {message}")
        if code in _ACCESS:
            hint = f"{_CLOSED} {_WAY_OUT}" if ".amazonaws.com" in self.endpoint else "Check this environment's profile."
            return EndpointError(f"{self.endpoint} refused the credentials: {message} [{code}]", hint)
        return CallRefusedError(operation, code, turk_code, _untimed(message))

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


def _snake(operation: str) -> str:
    """boto3's method name: `CreateHITType` is `create_hit_type`."""
    from botocore import xform_name

    return str(xform_name(operation))


def connect(target: Target, url: str | None = None) -> Account:
    """An account at the target's endpoint; `url` where the target says `local`.

    Endpoint and region are passed explicitly: neither the profile's region nor `AWS_ENDPOINT_URL*`
    decides where money is spent.

    Raises:
        EndpointError: the profile does not exist.
    """
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    options: dict[str, Any] = {
        "retries": {"total_max_attempts": 1},
        "max_pool_connections": max(10, target.concurrency),
        "parameter_validation": False,
        "user_agent": "turkform",
        "ignore_configured_endpoint_urls": True,
        "connect_timeout": 10,
        "read_timeout": 60,
    }
    endpoint = url or target.endpoint
    keys: dict[str, str] = {}
    try:
        session: Any = boto3.Session(profile_name=target.profile) if target.profile else boto3.Session()
        if target.endpoint == "local" or (_is_loopback(endpoint) and session.get_credentials() is None):
            # A rehearsal takes any key; a fixed one makes the requester the same every time.
            keys = {"aws_access_key_id": "LOCAL", "aws_secret_access_key": "local", "aws_session_token": ""}
        client = session.client(
            "mturk", region_name="us-east-1", endpoint_url=endpoint, config=Config(**options), **keys
        )
    except BotoCoreError as error:
        raise EndpointError(str(error), "Set `profile:` in the environment to one that exists.") from None
    return Account(client, endpoint=endpoint)


def _is_loopback(url: str) -> bool:
    return bool(re.match(r"https?://(127\.\d+\.\d+\.\d+|localhost|\[::1\])(:\d+)?(/|$)", url))
