"""The reading half of every command: recall, observe, diff, plan.

In: a campaign in its environment, a connected account, a journal if there is one. Out: a `Survey`, both
sides and the plan between them. Nothing is written, no lock is taken.
"""

from __future__ import annotations

import secrets
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from turkform.account import Account, BatchKey, Observed, observe
from turkform.diff import Choices, Diff, diff, scope
from turkform.kinds.qualification import GRANT
from turkform.kinds.resource import Address
from turkform.memory import Known, KnownType, Memory, OpenCall
from turkform.plan import Plan, make

if TYPE_CHECKING:
    from turkform.campaign import Desired
    from turkform.journal import Journal


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


def survey(
    desired: Desired,
    account: Account,
    journal: Journal | None,
    choices: Choices,
    *,
    clock: Callable[[], float] = time.time,
) -> Survey:
    """Read everything once and plan.

    Raises:
        EndpointError: the account cannot be read.
    """
    memory = recall(journal)
    local = clock()
    observed = observe(account, desired.campaign.campaign, scope(desired, memory, now=local))
    found = diff(desired, observed, memory, choices, local=local)
    plan = make(desired, observed, memory, found, choices, plan_id=secrets.token_hex(8))
    return Survey(desired, account, memory, observed, found, choices, plan)
