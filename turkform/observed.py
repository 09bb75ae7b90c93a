"""The observed side of every diff: what an account holds of this campaign, read in one pass.

In: an `Account`, the campaign's name, and a `Scope`. Out: `Observed`. One pass over ListHITs, the own
qualification types, and grants and blocks only where they are managed.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from turkform.account import CallRefusedError
from turkform.errors import EndpointError
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
LISTING_LAG = timedelta(seconds=60)
"""New HITs show in ListHITs, and new qualification types in their search, after up to so long."""


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
    """Ids of HITs that a listing may lack: made just now, or about to be changed by a call whose outcome is open."""
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


def read_question(account: Account, hit_id: str) -> str | None:
    """A HIT's question document; None when it is gone or disposed, or was made from a layout."""
    return (_get_hit(account, hit_id) or {}).get("Question") or None


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
