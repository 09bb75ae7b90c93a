"""Carrying out a plan: node by node as the graph allows, item by item as the endpoint allows.

In: a `Survey` whose plan was shown, and the journal. Out: a `Report`. Independent branches go on when one
fails; what depended on it is skipped because of it. The first InsufficientFunds stops every further
purchase. Stopping drains: what was sent is learned and written down.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from turkform.account import CallRefusedError, CallUnansweredError, CallUnsentError
from turkform.diff import Action, RosterChange, TypeChange
from turkform.errors import InterruptedApplyError, RefusedError, TurkformError
from turkform.kinds.qualification import GRANT, grant_parameters, revoke_parameters
from turkform.kinds.qualification_type import QualificationType
from turkform.kinds.resource import Address, Pending
from turkform.kinds.worker_block import BLOCK, block_parameters, unblock_parameters
from turkform.ledger import JournalError
from turkform.observed import Record, find_own_type, get_type
from turkform.pace import Pace
from turkform.publication import SENDING, ItemChange, Op, Publication, Tally, superseded
from turkform.publisher import Publisher, Result
from turkform.recovery import settle
from turkform.sender import Request, Sender, Stop
from turkform.steps import RECORD

if TYPE_CHECKING:
    from turkform.journal import Journal
    from turkform.memory import Ending
    from turkform.plan import Plan
    from turkform.steps import Step
    from turkform.survey import Survey

_SEARCH_LAG = 60.0
"""A new qualification type shows in the search after up to so many seconds."""
_TELL = 0.1
"""Seconds between two progress events of one step."""


@dataclass(frozen=True, slots=True)
class RunInfo:
    """Who applies, for the audit trail."""

    command: str
    user: str = ""
    host: str = ""
    commit: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """Something a person may want to see: `begin`, `item`, `done`, `failed`, `skipped`, `narrowed`, `waiting`."""

    kind: str
    address: Address
    op: str = ""
    done: int = 0
    total: int = 0
    cents: int = 0
    text: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """A step or an item that failed, and what to do."""

    address: Address
    message: str
    hint: str = ""


@dataclass(slots=True)
class Report:
    """What an apply did."""

    done: Counter[str] = field(default_factory=Counter)
    """Op or action → how many."""
    failures: list[Failure] = field(default_factory=list)
    skipped: list[tuple[Address, str]] = field(default_factory=list)
    narrowed: Counter[str] = field(default_factory=Counter)
    unknown: list[Failure] = field(default_factory=list)
    waits: list[tuple[Address, str]] = field(default_factory=list)
    cents: int = 0
    interrupted: bool = False
    failed: int = 0
    """Failed items and steps in all; `failures` names the first hundred."""

    @property
    def exit_code(self) -> int:
        """As the command ends: see `errors`."""
        if self.interrupted:
            return InterruptedApplyError.exit_code
        if self.unknown:
            return 7
        return 6 if self.failed or self.skipped else 0


_NAMED_FAILURES = 100


def apply(
    survey: Survey,
    journal: Journal,
    *,
    run: RunInfo,
    on_event: Callable[[Event], None] = lambda _: None,
    stop: Stop | None = None,
    rate: float | None = None,
    concurrency: int | None = None,
    plan_digest: str | None = None,
) -> Report:
    """Do what the plan says, or less.

    `rate` is in calls a second; `plan_digest` is that of the saved plan this run uses up.

    Raises:
        RefusedError: the plan must not run.
        LeaseHeldError: another apply is at work.
    """
    if survey.plan.refusals:
        raise RefusedError(survey.plan.refusals)
    target = survey.desired.target
    document = survey.plan.document
    session = journal.begin(
        command=run.command,
        plan_digest=plan_digest or document["digest"],
        intent=document["intent"],
        environment=target.name,
        commit=run.commit,
        user=run.user,
        host=run.host,
        now=survey.observed.now,
    )
    with session:
        if plan_digest:
            session.use_plan(plan_digest)
        sender = Sender(survey.account, session, Pace(rate or target.rate), stop or Stop())
        work = _Work(survey, journal, sender, on_event, concurrency or target.concurrency)
        report = work.carry_out()
        session.end(report.exit_code)
    return report


class _Work:
    """One apply at work: nodes in coordinating threads, calls in a shared pool."""

    def __init__(
        self,
        survey: Survey,
        journal: Journal,
        sender: Sender,
        on_event: Callable[[Event], None],
        concurrency: int,
    ) -> None:
        self.survey, self.journal, self.sender = survey, journal, sender
        self.plan: Plan = survey.plan
        self.tell = on_event
        self.ids: dict[Address, str] = dict(survey.found.ids)
        self.report = Report()
        self.lock = threading.Lock()
        self.broke = threading.Event()
        """Money ran out: nothing more is bought."""
        self.unwritable = False
        """The journal cannot be written: nothing more is sent."""
        self.pool = ThreadPoolExecutor(concurrency, thread_name_prefix="call")
        self.room = threading.BoundedSemaphore(2 * concurrency)

    def carry_out(self) -> Report:
        """Run every node as soon as what it waits for is done."""
        try:
            self._settle_earlier()
            self._run_nodes()
        except InterruptedApplyError:
            self.report.interrupted = True
        finally:
            self.pool.shutdown()
        if self.sender.stop.requested and not self.unwritable:
            self.report.interrupted = True
        return self.report

    def _run_nodes(self) -> None:
        nodes: dict[str, list[Step]] = {}
        for step in self.plan.steps:
            nodes.setdefault(step.node, []).append(step)
        ended: dict[str, bool] = {}
        running: dict[Future[bool], str] = {}
        with ThreadPoolExecutor(max(1, min(16, len(nodes))), thread_name_prefix="node") as coordinators:
            while len(ended) < len(nodes):
                for node, steps in nodes.items():
                    if node in ended or node in running.values():
                        continue
                    before = self.plan.waits_for.get(node, frozenset())
                    if before <= ended.keys():
                        cause = next((b for b in sorted(before) if not ended[b]), None)
                        if cause is None:
                            running[coordinators.submit(self._node, steps)] = node
                        else:
                            self._skip(steps, cause)
                            ended[node] = False
                if running:
                    finished, _ = wait(running, return_when=FIRST_COMPLETED)
                    for future in finished:
                        ended[running.pop(future)] = future.result()

    def _skip(self, steps: Iterable[Step], cause: str) -> None:
        for step in steps:
            self.report.skipped.append((step.address, f"{cause.removeprefix('-')} failed"))
            self.tell(Event("skipped", step.address, step.op, text=f"because {cause.removeprefix('-')} failed"))

    def _node(self, steps: list[Step]) -> bool:
        """All steps of one resource; True when its dependents may go on."""
        if isinstance(steps[0].subject, Publication):
            return self._batch(steps)
        results = [self._guarded(step) for step in steps]
        return all(results)

    def _guarded(self, step: Step) -> bool:
        """One resource's step, its failure written down."""
        if step.action is Action.WAIT:
            return self._waits(step.address, step.reason)
        try:
            if isinstance(step.subject, RosterChange):
                return self._roster(step, step.subject)
            waits = self._resource(step)
        except (CallRefusedError, CallUnansweredError, CallUnsentError, TurkformError) as error:
            self._failed(step.address, error)
            return False
        if waits:
            return self._waits(step.address, waits)
        with self.lock:
            self.report.done[step.action.name.lower()] += 1
        self.tell(Event("done", step.address, step.action.name.lower()))
        return True

    def _waits(self, address: Address, reason: str) -> bool:
        """What cannot be done yet holds nothing else up."""
        self.report.waits.append((address, reason))
        self.tell(Event("waiting", address, text=reason))
        return True

    def _failed(self, address: Address, error: TurkformError) -> None:
        if isinstance(error, InterruptedApplyError):
            self.report.interrupted = True
            return
        failure = Failure(address, str(error), error.hint)
        with self.lock:
            if isinstance(error, JournalError):
                self.unwritable = True
                self.sender.stop.request()
            if isinstance(error, CallUnansweredError):
                self.report.unknown.append(failure)
            else:
                self.report.failed += 1
                if len(self.report.failures) < _NAMED_FAILURES:
                    self.report.failures.append(failure)
        self.tell(Event("failed", address, text=str(error)))

    # --- resources --------------------------------------------------------------------------------

    def _resource(self, step: Step) -> str:
        """Carry it out; what is returned says why the rest of it has to wait."""
        if step.action is Action.DELETE and isinstance(step.subject, TypeChange):
            return self._drop_type(step, step.subject)
        if step.address == RECORD:
            self._record()
        elif step.address.kind == "hit_type":
            sent = self.sender.send(Request("CreateHITType", self._filled(step.parameters), step.address))
            self.ids[step.address] = sent.answer.body["HITTypeId"]
        elif isinstance(step.subject, TypeChange):
            self._type(step, step.subject)
        return ""

    def _filled(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Parameters with every `Pending` replaced by the id that an earlier step brought."""
        return {name: self._fill(value) for name, value in parameters.items()}

    def _fill(self, value: Any) -> Any:
        match value:
            case Pending():
                return self.ids[value.address]
            case Mapping():
                return self._filled(value)
            case list():
                return [self._fill(part) for part in value]
            case _:
                return value

    def _type(self, step: Step, change: TypeChange) -> None:
        if change.observed is None:
            self.ids[step.address] = self._create_type(step, change)
        else:
            self._still_as_observed(step, change)
            self.sender.send(
                Request(
                    step.operations[0],
                    step.parameters,
                    step.address,
                    detail={"name": str(change.observed.values["name"])},
                    object_id=change.observed.id,
                )
            )

    def _create_type(self, step: Step, change: TypeChange) -> str:
        """The name is the token: taken means an earlier request made it, or it is not free again yet."""
        request = Request(step.operations[0], step.parameters, step.address, detail={"name": step.parameters["Name"]})
        try:
            sent = self.sender.send(request)
        except CallRefusedError as error:
            if error.turk_code != "QualificationTypeAlreadyExists":
                raise
            found = self._search(str(step.parameters["Name"]), 0 if change.reason else _SEARCH_LAG)
            if found is None:
                raise TurkformError(
                    f'{step.address}: the name "{step.parameters["Name"]}" is not free yet',
                    "A deleted type's name stays taken for up to 48 h: wait, or choose another name.",
                ) from None
            return found
        return str(sent.answer.body["QualificationType"]["QualificationTypeId"])

    def _search(self, name: str, seconds: float) -> str | None:
        """The id of an own type by its name, waiting out the search's lag."""
        deadline = time.monotonic() + seconds
        while True:
            found = find_own_type(self.sender.account, name)
            if found is not None:
                return found.id
            if time.monotonic() >= deadline or self.sender.stop.requested:
                return None
            self.sender.stop.pause(2.0)

    def _still_as_observed(self, step: Step, change: TypeChange) -> None:
        """Somebody else's edit since the plan must not be overwritten unseen."""
        assert change.observed is not None
        wire = get_type(self.sender.account, change.observed.id)
        if wire is None or QualificationType.from_wire(wire) != change.observed.values:
            raise TurkformError(f"{step.address}: somebody changed it since the plan was made", "Plan again.")

    def _drop_type(self, step: Step, change: TypeChange) -> str:
        """Delete where no HIT requires it; deleting it then would take their HIT types with it."""
        assert change.observed is not None
        type_id = change.observed.id
        body = self.sender.account.read(
            "ListHITsForQualificationType", {"QualificationTypeId": type_id, "MaxResults": 1}
        ).body
        detail = {"name": str(change.observed.values["name"])}
        if not body.get("HITs"):
            self.sender.send(
                Request("DeleteQualificationType", step.parameters, step.address, detail=detail, object_id=type_id)
            )
            return ""
        if change.observed.values.get("status") == "active":
            inactive = {**step.parameters, "QualificationTypeStatus": "Inactive"}
            self.sender.send(
                Request("UpdateQualificationType", inactive, step.address, detail=detail, object_id=type_id)
            )
        return "deletion waits: HITs still require it"

    def _record(self) -> None:
        """Make the campaign record, or find that this journal's was made: a compare-and-swap by name."""
        desired, now = self.survey.desired, self.survey.observed.now
        campaign = desired.campaign.campaign
        parameters = Record.parameters(campaign, self.journal.id, desired.target.name, now)
        try:
            sent = self.sender.send(Request("CreateQualificationType", parameters, RECORD))
        except CallRefusedError as error:
            if error.turk_code != "QualificationTypeAlreadyExists":
                raise
            record_id = self._own_record(campaign)
        else:
            record_id = str(sent.answer.body["QualificationType"]["QualificationTypeId"])
        self._bind(record_id)

    def _bind(self, record_id: str) -> None:
        desired = self.survey.desired
        self.journal.bind(
            record_id=record_id, campaign=desired.campaign.campaign, environment=desired.target.name,
            endpoint=desired.target.endpoint,
        )  # fmt: skip

    def _own_record(self, campaign: str) -> str:
        record_id = self._search(Record.name(campaign), _SEARCH_LAG)
        state = find_own_type(self.sender.account, Record.name(campaign)) if record_id else None
        if state is None or Record.read(state).journal != self.journal.id:
            raise RefusedError(
                [f'another journal has just taken the campaign name "{campaign}" in this account'],
                "Point `journal:` at the right journal, or take another `campaign:` name.",
            )
        return state.id

    # --- grants and blocks ------------------------------------------------------------------------

    def _roster(self, step: Step, change: RosterChange) -> bool:
        requests = list(self._roster_requests(step, change))
        self.tell(Event("begin", step.address, step.operations[0], total=len(requests)))
        results = list(self.pool.map(lambda request: self._one_worker(step, request), requests))
        done = sum(results)
        with self.lock:
            self.report.done[step.action.name.lower()] += done
        self.tell(Event("done", step.address, step.operations[0], done, len(requests)))
        return all(results)

    def _roster_requests(self, step: Step, change: RosterChange) -> Iterator[Request]:
        type_id = change.type_id or self.ids.get(Address("qualification_type", change.address.name), "")
        taking = step.action is Action.DELETE
        pairs = [(w, None) for w in change.removed] if taking else [
            *change.added.items(), *((w, v) for w, (_, v) in change.changed.items())
        ]  # fmt: skip
        for worker, value in sorted(pairs, key=lambda pair: pair[0]):
            if step.operations[0] == BLOCK:
                parameters = block_parameters(worker, str(value))
            elif step.operations[0] == GRANT:
                parameters = grant_parameters(type_id, worker, int(str(value)))
            elif change.address.kind == "block":
                parameters = unblock_parameters(worker)
            else:
                parameters = revoke_parameters(type_id, worker)
            detail = {"value": value} | ({"type": type_id} if type_id else {})
            yield Request(step.operations[0], parameters, change.address, worker, detail=detail)

    def _one_worker(self, step: Step, request: Request) -> bool:
        try:
            self.sender.send(request)
        except CallRefusedError as error:
            if error.turk_code in {"QualificationDoesNotExist", "InvalidQualificationState"}:
                return True  # revoked already, by whomever: as wanted
            self._failed(step.address.item(request.key), error)
        except TurkformError as error:
            self._failed(step.address.item(request.key), error)
        else:
            return True
        return False

    # --- batches ----------------------------------------------------------------------------------

    def _batch(self, steps: list[Step]) -> bool:
        """Run the batch's items again as a stream, each through the pool."""
        publication: Publication = steps[0].subject
        address = steps[0].address
        planned = {Op(s.op): s for s in steps if s.op}
        total = sum(s.items.count for op, s in planned.items() if s.items and op is not Op.WAIT)
        for step in steps:
            if step.op == Op.WAIT:
                self.report.waits.append((address, step.reason))
                self.tell(Event("waiting", address, text=step.reason))
        publisher = Publisher(
            self.sender,
            self.survey.desired.campaign.campaign,
            address,
            publication,
            lambda: self.ids[Address("hit_type", publication.source.batch.hit_type)] if publication.source else "",
            self._ending(),
        )
        meter = _Meter(address, total, self.tell)
        meter.begin()
        failed_before = self.report.failed
        pending: set[Future[None]] = set()
        for change in self._changes(publication):
            if self.sender.stop.requested:
                break
            self.room.acquire()
            future = self.pool.submit(self._item, publisher, change, meter)
            future.add_done_callback(lambda _: self.room.release())
            pending.add(future)
            pending = {f for f in pending if not f.done()} if len(pending) > 512 else pending
        wait(pending)
        meter.end()
        return self.report.failed == failed_before

    def _ending(self) -> Ending:
        return "destroy" if self.survey.choices.destroy else "retire"

    @staticmethod
    def _changes(publication: Publication) -> Iterator[ItemChange]:
        yield from (c for c in publication.changes(Tally()) if set(c.ops) & (SENDING | {Op.REKEY}))
        yield from superseded(publication)

    def _item(self, publisher: Publisher, change: ItemChange, meter: _Meter) -> None:
        buying = any(change.cents)
        if self.sender.stop.requested or (buying and self.broke.is_set()):
            if self.broke.is_set():
                with self.lock:
                    self.report.failed += 1
            return
        try:
            result = publisher.carry_out(change)
        except CallRefusedError as error:
            if error.turk_code == "InsufficientFunds":
                self.broke.set()
            self._failed(publisher.address.item(change.key), error)
        except TurkformError as error:
            self._failed(publisher.address.item(change.key), error)
        else:
            self._item_done(publisher.address, change, result, meter)

    def _item_done(self, address: Address, change: ItemChange, result: Result, meter: _Meter) -> None:
        with self.lock:
            self.report.cents += result.cents
            if result.narrowed:
                self.report.narrowed[result.narrowed] += 1
            else:
                self.report.done.update(str(op) for op in change.ops if op in SENDING or op is Op.REKEY)
        if result.narrowed:
            self.tell(Event("narrowed", address.item(change.key), text=result.narrowed))
        meter.step(len([op for op in change.ops if op not in {Op.KEEP, Op.WAIT}]), result.cents)

    # --- what an earlier apply left open ----------------------------------------------------------

    def _settle_earlier(self) -> None:
        """Bind the record if that was all that was missing; settle what the listing already answers."""
        survey = self.survey
        record = survey.observed.record
        if record is not None and not survey.memory.record and record.journal == self.journal.id:
            self._bind(record.id)
        settle(survey, self.sender.run, now=self.sender.now())


class _Meter:
    """Counts one step's items and tells at most ten times a second."""

    def __init__(self, address: Address, total: int, tell: Callable[[Event], None]) -> None:
        self.address, self.total, self.tell = address, total, tell
        self.done, self.cents = 0, 0
        self._lock = threading.Lock()
        self._told = 0.0

    def begin(self) -> None:
        self.tell(Event("begin", self.address, total=self.total))

    def step(self, count: int, cents: int) -> None:
        with self._lock:
            self.done += count
            self.cents += cents
            now = time.monotonic()
            due = now - self._told >= _TELL
            if due:
                self._told = now
            event = Event("item", self.address, "", self.done, self.total, self.cents)
        if due:
            self.tell(event)

    def end(self) -> None:
        self.tell(Event("done", self.address, "", self.done, self.total, self.cents))
