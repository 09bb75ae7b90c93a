"""The reading half of every command: recall, observe, diff, plan.

In: a campaign in its environment, a connected account, a journal if there is one. Out: a `Survey`, both
sides and the plan between them. Nothing is written, no lock is taken.
"""

from __future__ import annotations

import secrets
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from turkform.answers import due, kept
from turkform.diff import diff, scope
from turkform.kinds.notification import UPDATE as NOTIFY
from turkform.kinds.qualification import GRANT
from turkform.kinds.resource import Address
from turkform.kinds.worker_block import BLOCK
from turkform.memory import KnownNotification, Knowns, KnownType, Memory, OpenCall, PaidBonus, Rejection
from turkform.observed import LISTING_LAG, Observed, observe, read_question
from turkform.plan import Plan, illustrate, make

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from turkform.account import Account
    from turkform.approval import Approval
    from turkform.campaign import Desired
    from turkform.changes import Diff
    from turkform.choices import Choices
    from turkform.entries import Call
    from turkform.journal import Journal
    from turkform.observed import BatchKey


@dataclass(frozen=True, slots=True)
class Survey:
    """Both sides at one moment, and what follows from them."""

    desired: Desired
    account: Account
    memory: Memory
    observed: Observed
    found: Diff
    choices: Choices
    plan: Plan
    local: float
    """This machine's clock when the account was read, in epoch seconds."""


def survey(
    desired: Desired,
    account: Account,
    journal: Journal | None,
    choices: Choices,
    *,
    approval: Approval | None = None,
    clock: Callable[[], float] = time.time,
) -> Survey:
    """Read everything once and plan; with the `approval` of a saved plan, that plan or a narrower one.

    Raises:
        EndpointError: the account cannot be read.
    """
    local = clock()
    now = min(local, account.clock().timestamp())  # whichever is behind: HITs bear the endpoint's times
    memory = recall(journal, now=now)
    observed = observe(account, desired.campaign.campaign, scope(desired, memory))
    found = diff(desired, observed, memory, choices, local=local, approval=approval)
    plan = make(desired, observed, memory, found, choices, plan_id=secrets.token_hex(8))
    if approval is None:  # what is carried out was looked at already
        illustrate(plan, _pages(account, plan))
    return Survey(desired, account, memory, observed, found, choices, plan, local)


def _pages(account: Account, plan: Plan) -> dict[str, str]:
    """The pages that the plan's samples have so far: a call for each, a few for a batch."""
    hits = [sample["hit"] for sample in plan.document["samples"] if sample["hit"]]
    return {hit: page for hit in hits if (page := read_question(account, hit)) is not None}


def recall(journal: Journal | None, *, now: float) -> Memory:
    """What the journal remembers, as planning sees it; without one, nothing.

    A HIT whose deletion was sent while it was untouched counts as deleted even where the answer was lost:
    if it is still there the listing says so, and if it is not, the deletion is why. `now` is in epoch
    seconds: it decides which HITs are so new that a listing may lack them.
    """
    if journal is None:
        return Memory()
    mark = journal.mark()
    open_calls = tuple(_open(call) for call in journal.open_intents())
    deleting = {call.detail.get("object") for call in open_calls if call.operation == "DeleteHIT"}
    hits: dict[BatchKey, Knowns] = defaultdict(Knowns)
    recent, since = [], now - LISTING_LAG.total_seconds()
    for batch, known in journal.hits():
        if known.id in deleting:
            known = known._replace(deleted=True)  # noqa: PLW2901 - as it is remembered
        hits[batch].add(known)
        if known.created > since and not known.deleted:
            recent.append(known.id)
    grants: dict[str, set[str]] = defaultdict(set)
    copies: dict[str, set[str]] = defaultdict(set)
    for grant in journal.grants():
        (copies if grant.copied else grants)[grant.type_id].add(grant.worker)
    for call in open_calls:
        if call.operation == GRANT and call.detail.get("type"):
            (copies if call.detail.get("copied") else grants)[str(call.detail["type"])].add(call.key)
    types: dict[str, KnownType] = {}
    older = []
    freed: dict[str, float] = {}
    for made in journal.types():
        name = Address.parse(made.address).name
        if name in types and not types[name].deleted:
            older.append((name, types[name]))
        types[name] = KnownType(made.type_id, made.name, _seconds(made.deleted_at), made.replaces)
        if made.deleted_at:
            freed[made.name] = max(freed.get(made.name, 0.0), made.deleted_at.timestamp())
    return Memory(
        journal=journal.id,
        record=journal.record_id,
        environment=journal.environment,
        mark=mark,
        hits=dict(hits),
        recent=tuple(recent),
        rekeys=dict(journal.rekeys()),
        imported=journal.imported(),
        answers=kept(journal),
        due=due(journal),
        open=open_calls,
        grants={type_id: frozenset(workers) for type_id, workers in grants.items()},
        blocks=frozenset(block.worker for block in journal.blocks()) | _called(open_calls, BLOCK),
        notifications={
            **{
                type_id: KnownNotification(Address.parse(address).name, digest)
                for type_id, address, digest in journal.notifications()
            },
            # Nothing reads settings back: one that may have been made is not what is declared, and can be taken off.
            **{
                str(call.detail["type"]): KnownNotification(Address.parse(call.address).name, "")
                for call in open_calls
                if call.operation == NOTIFY
            },
        },
        copies={type_id: frozenset(workers) for type_id, workers in copies.items()},
        types=types,
        older=tuple(older),
        freed=freed,
        protected=journal.protected(),
        bonuses={b.token: PaidBonus(b.assignment, b.amount.cents, b.price.cents) for b in journal.bonuses()},
        rejections={i: Rejection(price.cents, overturned) for i, (price, overturned) in journal.rejections().items()},
    )


def _called(calls: tuple[OpenCall, ...], operation: str) -> set[str]:
    """The keys of open calls of one operation: what they did may be there."""
    return {call.key for call in calls if call.operation == operation}


def _seconds(time: datetime | None) -> float:
    return time.timestamp() if time else 0.0


def _open(call: Call) -> OpenCall:
    return OpenCall(
        call.id, call.operation, call.address, call.key, call.token,
        call.local_time.timestamp(), call.endpoint_time.timestamp(), call.detail, call.price.cents,
    )  # fmt: skip
