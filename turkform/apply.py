"""Carrying out a plan: node by node as the graph allows, item by item as the endpoint allows.

In: a `Survey` whose plan was shown, and the journal. Out: a `Report`. Independent branches go on when one
fails; what depended on it is skipped because of it. The first InsufficientFunds stops every further
purchase. Stopping drains: what was sent is learned and written down.
"""

from __future__ import annotations

import threading
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeVar

from turkform.account import CallRefusedError, CallUnansweredError, CallUnsentError
from turkform.changes import Action, RosterChange
from turkform.doers import Change
from turkform.entries import Outcome
from turkform.errors import InterruptedApplyError, RefusedError, StalePlanError, TurkformError
from turkform.item_change import SENDING, ItemChange, Op
from turkform.judging import Judged
from turkform.kinds.qualification import GRANT, grant_parameters, revoke_parameters
from turkform.kinds.resource import Address
from turkform.kinds.worker_block import BLOCK, UNBLOCK, block_parameters, unblock_parameters
from turkform.lease import LeaseLostError
from turkform.ledger import JournalError
from turkform.outcomes import Event, Failure, Meter, Report, RunInfo
from turkform.pace import Pace
from turkform.publication import Publication
from turkform.publisher import Publisher
from turkform.recovery import settle
from turkform.resources import NotYetError, Resources
from turkform.reviewer import Reviewer
from turkform.sender import Announced, Request, Sender, Stop, Verdict
from turkform.staleness import edited
from turkform.superseded import superseded
from turkform.tally import Tally
from turkform.times import parse_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from turkform.doers import Doer, Result
    from turkform.journal import Journal
    from turkform.memory import Ending
    from turkform.plan import Plan
    from turkform.steps import Step
    from turkform.survey import Survey

_REVOKED = {"QualificationDoesNotExist", "InvalidQualificationState"}


_NAMED_FAILURES = 100
_JOURNAL = Address("journal")
_GLANCE = 0.25
"""Seconds between two looks at whether to go on waiting."""
T = TypeVar("T")
C = TypeVar("C", bound=Change)


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
        StalePlanError: the plan, or a file it was made from, is not what it was.
        JournalError: the journal cannot be written; nothing was sent.
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
        after=survey.memory.mark,
    )
    report = Report()
    try:
        with session:
            told = stop or Stop()
            pace = Pace(rate or target.rate, sleep=told.queue)
            sender = Sender(survey.account, session, pace, told, earlier=survey.memory.open)
            _refuse_stale(survey, sender.now())
            if plan_digest:
                session.use_plan(plan_digest)
            _Work(survey, journal, sender, on_event, concurrency or target.concurrency, report).carry_out()
            session.end(report.exit_code)
    except JournalError as error:
        # Sent, and not written down: the next apply finds out. Before anything was sent it is the command's error.
        if not report.begun:
            raise
        report.unknown.append(Failure(_JOURNAL, str(error), error.hint))
    return report


def _refuse_stale(survey: Survey, now: float) -> None:
    """What a person has approved, perhaps hours ago, is still what would be done.

    Raises:
        StalePlanError: it is not.
    """
    until = str(survey.plan.document["valid_until"])
    late = [f"the plan was valid until {until}"] if now > parse_time(until).timestamp() else []
    if late or (late := edited(survey.desired)):
        raise StalePlanError(late)


class _Work:
    """One apply at work: nodes in coordinating threads, calls in a shared pool."""

    def __init__(
        self,
        survey: Survey,
        journal: Journal,
        sender: Sender,
        on_event: Callable[[Event], None],
        concurrency: int,
        report: Report,
    ) -> None:
        self.survey, self.journal, self.sender = survey, journal, sender
        self.plan: Plan = survey.plan
        self.tell = on_event
        self.resources = Resources(survey, journal, sender)
        self.report = report
        self.lock = threading.Lock()
        self.held: set[str] = set()
        """Nodes that cannot be done yet, and those that depend on them."""
        self.broke = threading.Event()
        """Money ran out: nothing more is bought."""
        self.unwritable = False
        """The journal cannot be written: nothing more is sent."""
        self.pool = ThreadPoolExecutor(concurrency, thread_name_prefix="call")
        self.room = threading.BoundedSemaphore(2 * concurrency)
        """Items begun and not done: some wait for a thread, so that no thread waits for an item."""
        self.group = max(1, concurrency // 2)
        """So many new items are journalled together."""

    def carry_out(self) -> None:
        """Run every node as soon as what it waits for is done."""
        self.report.begun = True
        try:
            self._settle_earlier()
            self._run_nodes()
        except InterruptedApplyError as error:
            self._stopped(error)
        finally:
            abandon = self.sender.stop.requested_now
            self.pool.shutdown(wait=not abandon, cancel_futures=abandon)
        if self.sender.stop.requested and not self.unwritable:
            self.report.interrupted = True

    def _run_nodes(self) -> None:
        nodes: dict[str, list[Step]] = {}
        for step in self.plan.steps:
            nodes.setdefault(step.node, []).append(step)
        ended: dict[str, bool] = {}
        running: dict[Future[bool], str] = {}
        coordinators = ThreadPoolExecutor(max(1, min(16, len(nodes))), thread_name_prefix="node")
        try:
            while len(ended) < len(nodes) and not self.sender.stop.requested_now:
                if self.sender.stop.requested and not running:
                    break
                for node, steps in nodes.items():
                    if node in ended or node in running.values() or self.sender.stop.requested:
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
                    finished, _ = wait(running, timeout=_GLANCE, return_when=FIRST_COMPLETED)
                    for future in finished:
                        ended[running.pop(future)] = future.result()
        finally:
            coordinators.shutdown(wait=not self.sender.stop.requested_now)

    def _finished(self, futures: Iterable[Future[T]]) -> list[T]:
        """What calls under way came to; those that are not waited for any more are left out."""
        pending, done = set(futures), list[T]()
        while pending and not self.sender.stop.requested_now:
            finished, pending = wait(pending, timeout=_GLANCE)
            done += [future.result() for future in finished]
        return done

    def _skip(self, steps: Iterable[Step], cause: str) -> None:
        """Leave out what depended on a step that failed; what depends on one that waits, waits too."""
        for step in steps:
            if cause in self.held:
                self.held.add(step.node)
                self._waits(step.address, f"{cause} is not there yet")
                continue
            self.report.skipped.append((step.address, f"{cause.removeprefix('-')} failed"))
            self.tell(Event("skipped", step.address, step.op, text=f"because {cause.removeprefix('-')} failed"))

    def _node(self, steps: list[Step]) -> bool:
        """All steps of one resource; True when its dependents may go on."""
        if isinstance(steps[0].subject, Publication):
            return self._batch(steps)
        if isinstance(steps[0].subject, Judged):
            return self._review(steps, steps[0].subject)
        results = [self._guarded(step) for step in steps]
        return all(results)

    def _guarded(self, step: Step) -> bool:
        """One resource's step, its failure written down."""
        if step.action is Action.WAIT:
            return self._waits(step.address, step.reason)
        try:
            if isinstance(step.subject, RosterChange):
                return self._roster(step, step.subject)
            waits = self.resources.carry_out(step)
        except NotYetError as error:
            self.held.add(step.node)
            self._waits(step.address, str(error))
            return False
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
            self._stopped(error)
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

    def _stopped(self, error: InterruptedApplyError) -> None:
        """Told to stop, or another process has the lease: nothing new is begun."""
        with self.lock:
            self.report.interrupted = True
            if isinstance(error, LeaseLostError):
                self.report.stopped_by = str(error)
        self.sender.stop.request()

    # --- grants and blocks ------------------------------------------------------------------------

    def _roster(self, step: Step, change: RosterChange) -> bool:
        calls = list(self._roster_calls(step, change))
        self.tell(Event("begin", step.address, step.operations[0], total=len(calls)))
        results = self._finished([self.pool.submit(self._worker, step, own) for own in calls])
        done = sum(results)
        with self.lock:
            self.report.done[step.action.name.lower()] += done
        self.tell(Event("done", step.address, step.operations[0], done, len(calls)))
        return done == len(calls)

    def _worker(self, step: Step, calls: Iterable[Request]) -> bool:
        """All calls about one worker, each after the one before."""
        return all(self._one_worker(step, request) for request in calls)

    def _roster_calls(self, step: Step, change: RosterChange) -> Iterator[list[Request]]:
        """The calls about each worker, in their order: two where one is taken off and added anew."""
        type_id = change.type_id or self.resources.ids.get(Address("qualification_type", change.address.name), "")
        pairs: Iterable[tuple[str, Any]]
        if step.action is Action.DELETE:
            pairs = ((worker, None) for worker in change.removed)
        elif step.action is Action.REPLACE:
            pairs = change.touched.items()
        else:
            pairs = [*change.added.items(), *((w, v) for w, (_, v) in change.changed.items())]
        for worker, value in sorted(pairs, key=itemgetter(0)):
            detail = {"value": value} | ({"type": type_id} if type_id else {})
            detail |= {"copied": True} if change.copied else {}
            yield [
                Request(name, _worker_parameters(name, type_id, worker, value), change.address, worker, detail=detail)
                for name in step.operations
            ]

    def _one_worker(self, step: Step, request: Request) -> bool:
        try:
            self.sender.send(request, _revoked)
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
        for step in steps:
            if step.op == Op.WAIT:
                self.report.waits.append((address, step.reason))
                self.tell(Event("waiting", address, text=step.reason))
        publisher = Publisher(
            self.sender,
            self.survey.desired.campaign.campaign,
            address,
            publication,
            lambda: (
                self.resources.ids[Address("hit_type", publication.source.batch.hit_type)] if publication.source else ""
            ),
            self._ending(),
        )
        return self._stream(steps, publisher, self._changes(publication))

    def _review(self, steps: list[Step], judged: Judged) -> bool:
        """Decide on the answers of one batch, each through the pool."""
        fees = self.survey.desired.target.fees
        return self._stream(steps, Reviewer(self.sender, judged.address, fees.bonus_fee), judged.changes)

    def _stream(self, steps: list[Step], doer: Doer[C], changes: Iterable[C]) -> bool:
        """Carry out a stream of changes, each through the pool, and no more of them than were planned."""
        address = steps[0].address
        planned = {Op(s.op): s for s in steps if s.op}
        total = sum(s.items.count for op, s in planned.items() if s.items and op is not Op.WAIT)
        meter = Meter(address, total, self.tell)
        meter.begin()
        problems = self._problems()
        pending: set[Future[None]] = set()
        try:
            for change, announced in self._announced(doer, self._planned(planned, changes)):
                if not self._room():
                    self._withdraw(announced)
                    continue
                future = self.pool.submit(self._item, doer, change, announced, meter)
                future.add_done_callback(lambda _: self.room.release())
                pending.add(future)
                pending = {f for f in pending if not f.done()} if len(pending) > 512 else pending
        except TurkformError as error:
            self._failed(address, error)
        self._finished(pending)
        meter.end()
        return self._problems() == problems and not self.sender.stop.requested

    def _announced(self, doer: Doer[C], changes: Iterable[C]) -> Iterator[tuple[C, Announced | None]]:
        """The changes, new items with their intents: those of a group are journalled together."""
        stream = iter(changes)
        while not self.sender.stop.requested and (group := list(islice(stream, self.group))):
            new = [] if self.broke.is_set() else [change for change in group if change.ops == (Op.CREATE,)]
            calls = dict(zip((change.stored for change in new), doer.announce(new), strict=True)) if new else {}
            for change in group:
                yield change, calls.get(change.stored)

    def _withdraw(self, announced: Announced | None) -> None:
        if announced is not None:
            self.sender.withdraw(announced)

    def _problems(self) -> int:
        return self.report.failed + len(self.report.unknown)

    def _room(self) -> bool:
        """Wait until another item may be begun; False when none may."""
        while not self.sender.stop.requested:
            if self.room.acquire(timeout=_GLANCE):
                return True
        return False

    @staticmethod
    def _planned(planned: Mapping[Op, Step], changes: Iterable[C]) -> Iterator[C]:
        """The changes, as many as were planned and priced and no more, though the rows are read once more.

        Raises:
            StalePlanError: there are others now.
        """
        left = {op: step.items.count for op, step in planned.items() if step.items}
        for change in changes:
            for op in change.ops:
                if op is not Op.KEEP:
                    left[op] = left.get(op, 0) - 1
            if min(left.values(), default=0) < 0:
                raise StalePlanError([f"{change.key}: the data was changed while it was being applied"])
            yield change

    def _ending(self) -> Ending:
        return "destroy" if self.survey.choices.destroy else "retire"

    @staticmethod
    def _changes(publication: Publication) -> Iterator[ItemChange]:
        yield from (c for c in publication.changes(Tally()) if set(c.ops) & (SENDING | {Op.REKEY}))
        yield from (c for c in superseded(publication) if set(c.ops) & SENDING)

    def _item(self, doer: Doer[C], change: C, announced: Announced | None, meter: Meter) -> None:
        buying = any(change.cents)
        if self.sender.stop.requested or (buying and self.broke.is_set()):
            self._withdraw(announced)
            if self.broke.is_set():
                with self.lock:
                    self.report.failed += 1
            return
        try:
            result = doer.carry_out(change, announced)
        except CallRefusedError as error:
            if error.turk_code == "InsufficientFunds":
                self.broke.set()
            self._failed(doer.address.item(change.key), error)
        except TurkformError as error:
            self._failed(doer.address.item(change.key), error)
        else:
            self._item_done(doer.address, change, result, meter)

    def _item_done(self, address: Address, change: Change, result: Result, meter: Meter) -> None:
        with self.lock:
            self.report.cents += result.cents
            if result.narrowed:
                self.report.narrowed[result.narrowed] += 1
            done = result.done if result.narrowed else change.ops
            self.report.done.update(str(op) for op in done if op in SENDING or op is Op.REKEY)
        if result.narrowed:
            self.tell(Event("narrowed", address.item(change.key), text=result.narrowed))
        meter.step(len([op for op in change.ops if op not in {Op.KEEP, Op.WAIT}]), result.cents)

    # --- what an earlier apply left open ----------------------------------------------------------

    def _settle_earlier(self) -> None:
        """Bind the record if that was all that was missing; settle what the listing already answers."""
        survey = self.survey
        record = survey.observed.record
        if record is not None and not survey.memory.record and record.journal == self.journal.id:
            self.resources.bind(record.id)
        settle(survey, self.sender.run)


def _revoked(error: CallRefusedError) -> Verdict:
    """A grant that an earlier request has taken back; the other calls about workers refuse no repetition."""
    return (Outcome.DONE, "") if error.turk_code in _REVOKED else None


def _worker_parameters(operation: str, type_id: str, worker: str, value: Any) -> dict[str, Any]:
    """Parameters of one call about one worker."""
    if operation == BLOCK:
        return block_parameters(worker, str(value))
    if operation == UNBLOCK:
        return unblock_parameters(worker)
    if operation == GRANT:
        return grant_parameters(type_id, worker, int(value))
    return revoke_parameters(type_id, worker)
