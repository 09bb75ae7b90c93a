"""Worker blocks: who may not take a requester's HITs.

Sources: CreateWorkerBlock, DeleteWorkerBlock and ListWorkerBlocks in the API reference (read 23 Nov 2026).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, insert, select, update

from turkform.marketplace.protocol import parameter_error
from turkform.marketplace.store import page
from turkform.marketplace.tables import blocks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from turkform.marketplace.context import Context

MOST = 100_000
"""CreateWorkerBlock in the service model of 2017-01-17."""


def create_worker_block(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """CreateWorkerBlock; UNCERTAIN for a blocked worker: success, with the new reason."""
    b, worker, reason = blocks.c, parameters["WorkerId"], parameters["Reason"]
    key = (b.requester == context.requester) & (b.worker == worker)
    if context.connection.execute(update(blocks).where(key).values(reason=reason)).rowcount:
        return {}
    count = select(func.count()).select_from(blocks).where(b.requester == context.requester)
    if (context.connection.execute(count).scalar() or 0) >= MOST:
        raise parameter_error(f"A requester can block at most {MOST} workers.")
    context.connection.execute(insert(blocks).values(requester=context.requester, worker=worker, reason=reason))
    return {}


def delete_worker_block(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """DeleteWorkerBlock: fine where there is none."""
    b = blocks.c
    key = (b.requester == context.requester) & (b.worker == parameters["WorkerId"])
    context.connection.execute(delete(blocks).where(key))
    return {}


def list_worker_blocks(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """ListWorkerBlocks."""
    query = select(blocks).where(blocks.c.requester == context.requester)
    return page(
        context.connection, query, blocks.c.seq, parameters,
        member="WorkerBlocks", draw=lambda row: {"WorkerId": row.worker, "Reason": row.reason},
    )  # fmt: skip
