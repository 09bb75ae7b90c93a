"""The account: one endpoint through boto3, and everything a diff needs to know about it.

In: a `Target`, and what the journal remembers. Out: `Account`, which makes calls and says of each
whether it was done, refused or left unanswered; and `observe()`, the observed side of every diff: one
pass over ListHITs, the own qualification types, and grants and blocks only where they are managed.

This is the only module that knows boto3. botocore's own retries are off: a create is repeated only by
`apply`, which has its token in the journal; reads are repeated here.
"""

from __future__ import annotations

import json
import random
import re
import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from turkform.errors import EndpointError, TurkformError
from turkform.items import Marker
from turkform.kinds.hit_type import HITType
from turkform.kinds.qualification_type import QualificationType
from turkform.money import Money
from turkform.times import format_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from turkform.campaign import Target

RECORD_PREFIX = "turkform:"
LISTING_LAG = timedelta(seconds=60)
"""New HITs show in ListHITs, and new qualification types in their search, after up to so long."""
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


# --- what was observed ---------------------------------------------------------------------------


class HIT(NamedTuple):
    """One HIT of this campaign, as the last listing or GetHIT showed it; times in epoch seconds."""

    id: str
    key: str
    generation: int
    version: int
    fingerprint: str
    type_id: str
    created: float
    expires: float
    maximum: int
    available: int
    pending: int
    completed: int
    status: str

    @property
    def submitted(self) -> int:
        """Submitted and not yet reviewed: in none of the API's three counters."""
        return max(0, self.maximum - self.available - self.pending - self.completed)

    @property
    def untouched(self) -> bool:
        """Nothing pending, submitted or completed, as far as the counters tell."""
        return self.available >= self.maximum and not self.pending and not self.completed


@dataclass(frozen=True, slots=True)
class QualificationTypeState:
    """One of the caller's own qualification types."""

    id: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Record:
    """The campaign record: the Inactive qualification type that ties account and journal together."""

    id: str
    journal: str
    environment: str
    created: str

    @staticmethod
    def name(campaign: str) -> str:
        """What the record of a campaign is called."""
        return RECORD_PREFIX + campaign

    @staticmethod
    def parameters(campaign: str, journal: str, environment: str, now: datetime) -> dict[str, Any]:
        """The call that makes the record; no worker can ask for it."""
        line = {"created": format_time(now), "environment": environment, "journal": journal, "record": 1}
        return {
            "Name": Record.name(campaign),
            "Description": json.dumps(line, sort_keys=True),
            "QualificationTypeStatus": "Inactive",
        }

    @classmethod
    def read(cls, state: QualificationTypeState) -> Record:
        """The record behind its qualification type.

        Raises:
            EndpointError: the description is not a record of a version known here.
        """
        try:
            line = json.loads(str(state.values.get("description")))
            version, journal = int(line["record"]), str(line["journal"])
            environment, created = str(line["environment"]), str(line.get("created", ""))
        except (ValueError, KeyError, TypeError):
            version, journal, environment, created = 0, "", "", ""
        if version != 1:
            raise EndpointError(
                f"the campaign record {state.id} is not one this version of turkform can read",
                "Upgrade turkform; or somebody edited the qualification type's description: put it back.",
            )
        return cls(state.id, journal, environment, created)


BatchKey = tuple[str, int]
"""A batch's permanent id and its round."""


@dataclass(slots=True)
class Observed:
    """The observed side of a diff."""

    now: datetime
    balance: Money
    on_hold: Money | None
    record: Record | None
    types: Mapping[str, QualificationTypeState]
    """The caller's own qualification types, by name."""
    hits: Mapping[BatchKey, Mapping[str, list[HIT]]]
    """HITs that carry this campaign's marker: batch → stored key → HITs, highest generation first."""
    terms: Mapping[str, Mapping[str, Any]]
    """HIT type id → its values, read off a HIT that has it."""
    grants: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Qualification type id → worker → value, only for managed types."""
    blocks: Mapping[str, str] = field(default_factory=dict)
    foreign: int = 0
    """HITs in the account that are not this campaign's."""
    others: Mapping[str, int] = field(default_factory=dict)
    """Other campaigns of turkform in the account, and how many HITs each has."""
    guarded: Mapping[str, int] = field(default_factory=dict)
    """Qualification type id → HITs that require it, for types that may be deleted."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What to read besides HITs and qualification types; kept small, because a list costs calls."""

    grants: frozenset[str] = frozenset()
    """Names of qualification types whose grants are managed."""
    blocks: bool = False
    deletable: frozenset[str] = frozenset()
    """Names of qualification types a plan may delete."""
    recent: tuple[str, ...] = ()
    """Ids of HITs made so recently that a listing may lack them."""
    type_ids: tuple[str, ...] = ()
    """Ids of qualification types that the search may lack."""
    rekeys: Mapping[str, str] = field(default_factory=dict)
    """HIT id → stored key, where the journal re-keyed it."""


def observe(account: Account, campaign: str, scope: Scope) -> Observed:
    """Read the account once.

    Raises:
        EndpointError: it cannot be reached, or refuses the credentials.
    """
    money = account.read("GetAccountBalance", {}).body
    assert account.now is not None
    types = _own_types(account, scope.type_ids)
    sorter = _Sorter(campaign, scope.rekeys)
    for page in account.pages("ListHITs", "HITs"):
        for wire in page:
            sorter.add(wire)
    for hit_id in scope.recent:
        if hit_id not in sorter.seen:
            sorter.add(_get_hit(account, hit_id))
    record = types.pop(Record.name(campaign), None)
    return Observed(
        now=account.now,
        balance=Money.parse(str(money["AvailableBalance"])),
        on_hold=Money.parse(str(money["OnHoldBalance"])) if "OnHoldBalance" in money else None,
        record=Record.read(record) if record else None,
        types=types,
        hits=sorter.sorted(),
        terms=sorter.terms,
        grants={types[name].id: granted_workers(account, types[name].id) for name in scope.grants if name in types},
        blocks=_blocked_workers(account) if scope.blocks else {},
        foreign=sorter.foreign,
        others=dict(sorter.others),
        guarded={types[n].id: _count(account, types[n].id) for n in scope.deletable if n in types},
    )


class _Sorter:
    """Sorts HITs by whose they are: this campaign's by batch and key, everybody else's counted."""

    def __init__(self, campaign: str, rekeys: Mapping[str, str]) -> None:
        self.campaign = campaign
        self.rekeys = rekeys
        self.hits: dict[BatchKey, dict[str, list[HIT]]] = defaultdict(dict)
        self.terms: dict[str, Mapping[str, Any]] = {}
        self.seen: set[str] = set()
        self.foreign = 0
        self.others: dict[str, int] = defaultdict(int)

    def add(self, wire: Mapping[str, Any] | None) -> None:
        if wire is None or wire["HITId"] in self.seen:
            return
        marker = Marker.parse(wire.get("RequesterAnnotation") or "")
        if marker is None or marker.campaign != self.campaign:
            self.foreign += 1
            if marker is not None:
                self.others[marker.campaign] += 1
            return
        self.seen.add(wire["HITId"])
        hit = hit_from_wire(wire, marker, self.rekeys)
        if hit.type_id not in self.terms:
            self.terms[hit.type_id] = HITType.from_wire(wire)
        self.hits[marker.batch, marker.round].setdefault(hit.key, []).append(hit)

    def sorted(self) -> dict[BatchKey, dict[str, list[HIT]]]:
        for batch in self.hits.values():
            for hits in batch.values():
                hits.sort(key=precedence)
        return dict(self.hits)


def precedence(hit: HIT) -> tuple[int, int, float, str]:
    """Which of several HITs of a key is the current one: highest generation, most work, oldest."""
    return (-hit.generation, -(hit.maximum - hit.available), hit.created, hit.id)


def hit_from_wire(wire: Mapping[str, Any], marker: Marker, rekeys: Mapping[str, str] = {}) -> HIT:
    """One HIT as the API describes it."""
    return HIT(
        id=wire["HITId"],
        key=rekeys.get(wire["HITId"], marker.key),
        generation=marker.generation,
        version=marker.version,
        fingerprint=marker.fingerprint,
        type_id=wire["HITTypeId"],
        created=wire["CreationTime"].timestamp(),
        expires=wire["Expiration"].timestamp(),
        maximum=wire["MaxAssignments"],
        available=wire["NumberOfAssignmentsAvailable"],
        pending=wire["NumberOfAssignmentsPending"],
        completed=wire["NumberOfAssignmentsCompleted"],
        status=wire["HITStatus"],
    )


def read_hit(account: Account, hit_id: str) -> tuple[HIT, Marker] | None:
    """One HIT of turkform's, read by its id; None when it is gone or disposed, or bears no marker."""
    wire = _get_hit(account, hit_id)
    marker = Marker.parse((wire or {}).get("RequesterAnnotation") or "")
    return (hit_from_wire(wire, marker), marker) if wire and marker else None


def _get_hit(account: Account, hit_id: str) -> dict[str, Any] | None:
    try:
        wire: dict[str, Any] = account.read("GetHIT", {"HITId": hit_id}).body["HIT"]
    except CallRefusedError as error:
        if error.turk_code == "HITDoesNotExist":
            return None
        raise
    return None if wire["HITStatus"] == "Disposed" else wire


def _own_types(account: Account, known: tuple[str, ...] = ()) -> dict[str, QualificationTypeState]:
    """The caller's own types by name; what the journal knows is read by id, for the search may lag."""
    types = {}
    for page in account.pages(
        "ListQualificationTypes", "QualificationTypes", MustBeRequestable=False, MustBeOwnedByCaller=True
    ):
        for wire in page:
            types[wire["Name"]] = _type_from_wire(wire)
    seen = {state.id for state in types.values()}
    for type_id in known:
        found = None if type_id in seen else get_type(account, type_id)
        if found is not None:
            types.setdefault(found["Name"], _type_from_wire(found))
    return types


def _type_from_wire(wire: Mapping[str, Any]) -> QualificationTypeState:
    return QualificationTypeState(wire["QualificationTypeId"], QualificationType.from_wire(wire))


def get_type(account: Account, type_id: str) -> dict[str, Any] | None:
    """A qualification type by its id, or None."""
    try:
        wire: dict[str, Any] = account.read("GetQualificationType", {"QualificationTypeId": type_id}).body
    except CallRefusedError as error:
        if error.turk_code in {"QualificationTypeDoesNotExist", "InvalidQualificationTypeState"}:
            return None
        raise
    found: dict[str, Any] = wire["QualificationType"]
    return found


def find_own_type(account: Account, name: str) -> QualificationTypeState | None:
    """One of the caller's own types by its exact name, as the search shows it now."""
    return _own_types(account).get(name)


def granted_workers(account: Account, type_id: str) -> dict[str, int]:
    """Who holds a qualification now; revoked grants are left out."""
    return {
        wire["WorkerId"]: wire.get("IntegerValue", 1)
        for page in account.pages(
            "ListWorkersWithQualificationType",
            "Qualifications",
            QualificationTypeId=type_id,
            Status="Granted",
        )
        for wire in page
    }


def _blocked_workers(account: Account) -> dict[str, str]:
    return {
        wire["WorkerId"]: wire.get("Reason", "")
        for page in account.pages("ListWorkerBlocks", "WorkerBlocks")
        for wire in page
    }


def _count(account: Account, type_id: str) -> int:
    return sum(len(page) for page in account.pages("ListHITsForQualificationType", "HITs", QualificationTypeId=type_id))
