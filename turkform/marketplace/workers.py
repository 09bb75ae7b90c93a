"""Workers as a requester meets them: blocks, and messages to those who worked for them.

Messages go to the worker's inbox on the website.

Sources: CreateWorkerBlock, DeleteWorkerBlock, ListWorkerBlocks and NotifyWorkers in the API reference (read 23 Nov
2026).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, insert, select, update

from turkform.marketplace.protocol import parameter_error, refuse_longer
from turkform.marketplace.store import page
from turkform.marketplace.tables import accounts, assignments, blocks, messages

if TYPE_CHECKING:
    from collections.abc import Mapping

    from turkform.marketplace.context import Context

MOST = 100_000
"""CreateWorkerBlock in the service model of 2017-01-17."""


def create_worker_block(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """CreateWorkerBlock: the worker is told of the block, not of the reason.

    UNCERTAIN k18: for a blocked worker, success, with the new reason. UNCERTAIN k21: a reason has any length.
    """
    b, worker, reason = blocks.c, parameters["WorkerId"], parameters["Reason"]
    refuse_unknown(context, worker)
    key = (b.requester == context.requester) & (b.worker == worker)
    if context.connection.execute(update(blocks).where(key).values(reason=reason)).rowcount:
        return {}
    count = select(func.count()).select_from(blocks).where(b.requester == context.requester)
    if (context.connection.execute(count).scalar() or 0) >= MOST:
        raise parameter_error(f"A requester can block at most {MOST} workers.")
    context.connection.execute(insert(blocks).values(requester=context.requester, worker=worker, reason=reason))
    write_to(context, worker, "A requester has blocked you", "You cannot work on this requester's HITs any more.")
    return {}


def delete_worker_block(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """DeleteWorkerBlock: fine where there is none."""
    refuse_unknown(context, parameters["WorkerId"])
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


def refuse_unknown(context: Context, worker: str) -> None:
    """Refuse a WorkerId that is nobody's; in a rehearsal anyone can be any worker.

    Raises:
        ApiError: the marketplace's keeper has let in nobody with this id.
    """
    known = select(accounts.c.worker).where(accounts.c.worker == worker)
    if not context.settings.rehearsal and context.connection.execute(known).first() is None:
        raise parameter_error(f'The value "{worker}" is not valid for the parameter WorkerId.')


# --- messages --------------------------------------------------------------------------------------


def notify_workers(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """NotifyWorkers: a message to each who had work approved or rejected; the others are named, softly."""
    subject, text, names = parameters["Subject"], parameters["MessageText"], parameters["WorkerIds"]
    refuse_longer("Subject", subject, 200)
    refuse_longer("MessageText", text, 4096)
    if not 1 <= len(names) <= 100:
        raise parameter_error(f"WorkerIds takes 1 to 100 workers, not {len(names)}.")
    a = assignments.c
    met = select(a.worker).where(
        a.worker.in_(names), a.requester == context.requester, a.status.in_(("Approved", "Rejected"))
    )
    known = set(context.connection.execute(met.distinct()).scalars())
    failures = []
    for name in dict.fromkeys(names):
        if name in known:
            write_to(context, name, subject, text)
        else:
            reason = f"Worker {name} has not had work approved or rejected by you."
            failures.append(
                {"NotifyWorkersFailureCode": "SoftFailure", "NotifyWorkersFailureMessage": reason, "WorkerId": name}
            )
    return {"NotifyWorkersFailureStatuses": failures}


def write_to(context: Context, worker: str, subject: str, body: str) -> None:
    """Put a message of the context's requester into a worker's inbox."""
    context.connection.execute(
        insert(messages).values(
            worker=worker, requester=context.requester, subject=subject, body=body, sent=float(int(context.now))
        )
    )
