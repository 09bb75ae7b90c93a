"""The observed side of every diff: what an account holds of this campaign, read in one pass.

In: an `Account`, the campaign's name, and a `Scope`. Out: `Observed`. One pass over ListHITs, the own
qualification types, and grants and blocks only where they are managed.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from turkform.account import CallRefusedError
from turkform.errors import EndpointError
from turkform.hits import HIT, HITs
from turkform.items import Marker
from turkform.kinds.hit_type import HITType
from turkform.kinds.qualification_type import QualificationType
from turkform.money import Money
from turkform.times import format_time

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from turkform.account import Account

RECORD_PREFIX = "turkform:"
T = TypeVar("T")
LISTING_LAG = timedelta(seconds=60)
"""New HITs show in ListHITs, and new qualification types in their search, after up to so long."""


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
    hits: Mapping[BatchKey, HITs]
    """HITs that carry this campaign's marker: batch → stored key → HITs, highest generation first."""
    terms: Mapping[str, Mapping[str, Any]]
    """HIT type id → its values, read off a HIT that has it."""
    grants: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Qualification type id → worker → value, only for managed types."""
    asking: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Qualification type id → workers with an open request for it, only for managed types."""
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
    """Ids of HITs that a listing may lack: made just now, or about to be changed by a call whose outcome is open."""
    type_ids: tuple[str, ...] = ()
    """Ids of qualification types that the search may lack."""
    rekeys: Mapping[str, str] = field(default_factory=dict)
    """HIT id → stored key, where the journal re-keyed it."""
    imported: Mapping[str, Marker] = field(default_factory=dict)
    """HIT id → the marker that a HIT without one goes by, where the journal took it over."""


def observe(account: Account, campaign: str, scope: Scope) -> Observed:
    """Read the account once.

    Raises:
        EndpointError: it cannot be reached, or refuses the credentials.
    """
    money = account.read("GetAccountBalance", {}).body
    assert account.now is not None
    types = own_types(account, scope.type_ids)
    account.imported = scope.imported
    sorter = Sorter(campaign, scope)
    missing = dict.fromkeys(scope.recent)
    for page in account.pages("ListHITs", "HITs", Listed):
        for listed in page:
            sorter.add(listed)
            missing.pop(listed.id, None)
    for hit_id in missing:
        sorter.add(_get_hit(account, hit_id))
    record = types.pop(Record.name(campaign), None)
    return Observed(
        now=account.now,
        balance=Money.parse(str(money["AvailableBalance"])),
        on_hold=Money.parse(str(money["OnHoldBalance"])) if "OnHoldBalance" in money else None,
        record=Record.read(record) if record else None,
        types=types,
        hits=sorter.hits,
        terms=sorter.terms,
        grants={types[name].id: granted_workers(account, types[name].id) for name in scope.grants if name in types},
        asking={types[name].id: _asking_workers(account, types[name].id) for name in scope.grants if name in types},
        blocks=blocked_workers(account) if scope.blocks else {},
        foreign=sorter.foreign,
        others=dict(sorter.others),
        guarded={types[n].id: _count(account, types[n].id) for n in scope.deletable if n in types},
    )


class Listed(msgspec.Struct):
    """What is read of a HIT: planning needs no more of it, and a question takes a hundred times as long."""

    id: str = msgspec.field(name="HITId")
    type_id: str = msgspec.field(name="HITTypeId")
    created: float = msgspec.field(name="CreationTime")
    expires: float = msgspec.field(name="Expiration")
    status: str = msgspec.field(name="HITStatus")
    maximum: int = msgspec.field(name="MaxAssignments")
    available: int = msgspec.field(name="NumberOfAssignmentsAvailable", default=0)
    pending: int = msgspec.field(name="NumberOfAssignmentsPending", default=0)
    completed: int = msgspec.field(name="NumberOfAssignmentsCompleted", default=0)
    annotation: str | None = msgspec.field(name="RequesterAnnotation", default=None)
    title: str | None = msgspec.field(name="Title", default=None)
    description: str | None = msgspec.field(name="Description", default=None)
    keywords: str | None = msgspec.field(name="Keywords", default=None)
    reward: str | None = msgspec.field(name="Reward", default=None)
    duration: int | None = msgspec.field(name="AssignmentDurationInSeconds", default=None)
    approval: int | None = msgspec.field(name="AutoApprovalDelayInSeconds", default=None)
    requirements: list[dict[str, Any]] | None = msgspec.field(name="QualificationRequirements", default=None)

    @property
    def marker(self) -> Marker | None:
        """Whose it is and what it was made from; None where it is not turkform's."""
        return Marker.parse(self.annotation or "")

    @property
    def terms(self) -> dict[str, Any]:
        """The values of its HIT type."""
        wire: dict[str, Any] = msgspec.to_builtins(self)
        return HITType.from_wire({name: value for name, value in wire.items() if value is not None})

    def hit(self, marker: Marker, key: str) -> HIT:
        """The HIT, under the stored key it goes by."""
        return HIT(
            self.id, key, marker.generation, marker.version, marker.fingerprint, self.type_id, self.created,
            self.expires, self.maximum, self.available, self.pending, self.completed, self.status,
        )  # fmt: skip


class Sorter:
    """Sorts HITs by whose they are: this campaign's by batch and key, everybody else's counted."""

    def __init__(self, campaign: str, scope: Scope) -> None:
        self.campaign = campaign
        self.rekeys, self.imported = scope.rekeys, scope.imported
        self.hits: dict[BatchKey, HITs] = {}
        self.terms: dict[str, Mapping[str, Any]] = {}
        self.foreign = 0
        self.others: dict[str, int] = defaultdict(int)

    def add(self, listed: Listed | None) -> None:
        """One more HIT of the account."""
        if listed is None:
            return
        marker = listed.marker or self.imported.get(listed.id)
        if marker is None or marker.campaign != self.campaign:
            self.foreign += 1
            if marker is not None:
                self.others[marker.campaign] += 1
            return
        if listed.type_id not in self.terms:
            self.terms[listed.type_id] = listed.terms
        batch = marker.batch, marker.round
        if batch not in self.hits:
            self.hits[batch] = HITs()
        self.hits[batch].add(listed.hit(marker, self.rekeys.get(listed.id, marker.key)))


def read_hit(account: Account, hit_id: str) -> tuple[HIT, Marker] | None:
    """One HIT of turkform's, read by its id; None when it is gone or disposed, or bears no marker."""
    listed = _get_hit(account, hit_id)
    marker = listed and (listed.marker or account.imported.get(hit_id))
    return (listed.hit(marker, marker.key), marker) if listed and marker else None


def marker_of(wire: Mapping[str, Any], imported: Mapping[str, Marker]) -> Marker | None:
    """Whose HIT this is: as it says itself, or as the journal took it over; None where it is nobody's."""
    return Marker.parse(wire.get("RequesterAnnotation") or "") or imported.get(wire["HITId"])


def read_question(account: Account, hit_id: str) -> str | None:
    """A HIT's question document; None when it is gone or disposed, or was made from a layout."""
    found = _read_hit(account, hit_id, _Asked)
    return found.question if found and found.status != "Disposed" else None


class _Asked(msgspec.Struct):
    """What a HIT asks."""

    status: str = msgspec.field(name="HITStatus")
    question: str | None = msgspec.field(name="Question", default=None)


def read_wire(account: Account, hit_id: str) -> dict[str, Any] | None:
    """One HIT as the API describes it, with times; None when it is gone or disposed."""
    try:
        wire: dict[str, Any] = account.read("GetHIT", {"HITId": hit_id}).body["HIT"]
    except CallRefusedError as error:
        if error.turk_code == "HITDoesNotExist":
            return None
        raise
    return None if wire["HITStatus"] == "Disposed" else wire


def _get_hit(account: Account, hit_id: str) -> Listed | None:
    found = _read_hit(account, hit_id, Listed)
    return None if found is None or found.status == "Disposed" else found


def _read_hit(account: Account, hit_id: str, shape: type[T]) -> T | None:
    try:
        found: dict[str, T] = account.read("GetHIT", {"HITId": hit_id}, shape=dict[str, shape]).body  # type: ignore[valid-type] # a type for msgspec
    except CallRefusedError as error:
        if error.turk_code == "HITDoesNotExist":
            return None
        raise
    return found["HIT"]


def own_types(account: Account, known: tuple[str, ...] = ()) -> dict[str, QualificationTypeState]:
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
    return own_types(account).get(name)


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


def _asking_workers(account: Account, type_id: str) -> frozenset[str]:
    pages = account.pages("ListQualificationRequests", "QualificationRequests", QualificationTypeId=type_id)
    return frozenset(wire["WorkerId"] for page in pages for wire in page)


def blocked_workers(account: Account) -> dict[str, str]:
    """Every worker the requester blocks, with the reason."""
    return {
        wire["WorkerId"]: wire.get("Reason", "")
        for page in account.pages("ListWorkerBlocks", "WorkerBlocks")
        for wire in page
    }


def _count(account: Account, type_id: str) -> int:
    return sum(len(page) for page in account.pages("ListHITsForQualificationType", "HITs", QualificationTypeId=type_id))
