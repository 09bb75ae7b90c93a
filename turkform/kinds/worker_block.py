"""Worker blocks: who may not take any of the requester's HITs, and why.

Sources: CreateWorkerBlock, DeleteWorkerBlock and ListWorkerBlocks in the API reference (read 23 Nov
2026). A reason cannot be changed without unblocking, and the worker may be told again, so a changed
reason sends nothing.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field, StringConstraints

from turkform.kinds.resource import Roster, WorkerId

BLOCK = "CreateWorkerBlock"
UNBLOCK = "DeleteWorkerBlock"
MOST_BLOCKS = 100_000
"""CreateWorkerBlock in the service model of 2017-01-17: at most so many per account."""

Reason = Annotated[str, StringConstraints(min_length=1, max_length=1024)]


class Blocks(Roster):
    """Whom this campaign blocks, and why."""

    column: ClassVar[str] = "reason"
    values: dict[WorkerId, Reason] = Field(default_factory=dict)


def block_parameters(worker: str, reason: str) -> dict[str, Any]:
    """The call that blocks."""
    return {"WorkerId": worker, "Reason": reason}


def unblock_parameters(worker: str) -> dict[str, Any]:
    """The call that unblocks."""
    return {"WorkerId": worker}
