"""The service: operation to handler, one transaction a request, at the marketplace's own time.

In: an operation's name, its checked parameters, who asks. Out: its answer, or an `ApiError`.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select

from turkform.marketplace import assignments, hits, payments, protocol, qualifications, workers
from turkform.marketplace.context import Context
from turkform.marketplace.protocol import ApiError
from turkform.marketplace.store import requester_id
from turkform.marketplace.tables import requesters

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Connection

    from turkform.marketplace.payments import Fees
    from turkform.marketplace.store import Store

    Handler = Callable[[Context, Mapping[str, Any]], dict[str, Any]]


HANDLERS: dict[str, Handler] = {
    "ApproveAssignment": assignments.approve_assignment,
    "AssociateQualificationWithWorker": qualifications.associate,
    "CreateAdditionalAssignmentsForHIT": hits.create_additional_assignments_for_hit,
    "CreateHIT": hits.create_hit,
    "CreateHITType": hits.create_hit_type,
    "CreateHITWithHITType": hits.create_hit_with_hit_type,
    "CreateQualificationType": qualifications.create_qualification_type,
    "CreateWorkerBlock": workers.create_worker_block,
    "DeleteHIT": hits.delete_hit,
    "DeleteQualificationType": qualifications.delete_qualification_type,
    "DeleteWorkerBlock": workers.delete_worker_block,
    "DisassociateQualificationFromWorker": qualifications.disassociate,
    "GetAccountBalance": lambda context, _: payments.balance(context.connection, context.requester),
    "GetAssignment": assignments.get_assignment,
    "GetHIT": hits.get_hit,
    "GetQualificationScore": qualifications.get_qualification_score,
    "GetQualificationType": qualifications.get_qualification_type,
    "ListAssignmentsForHIT": assignments.list_assignments_for_hit,
    "ListHITs": hits.list_hits,
    "ListHITsForQualificationType": hits.list_hits_for_qualification_type,
    "ListQualificationTypes": qualifications.list_qualification_types,
    "ListWorkerBlocks": workers.list_worker_blocks,
    "ListWorkersWithQualificationType": qualifications.list_workers,
    "RejectAssignment": assignments.reject_assignment,
    "UpdateExpirationForHIT": hits.update_expiration_for_hit,
    "UpdateHITReviewStatus": hits.update_hit_review_status,
    "UpdateHITTypeOfHIT": hits.update_hit_type_of_hit,
    "UpdateQualificationType": qualifications.update_qualification_type,
}


class Service:
    """A marketplace at work on one store."""

    def __init__(self, store: Store, fees: Fees, *, clock: Callable[[], float] = time.time) -> None:
        self.store, self.fees, self._clock = store, fees, clock
        self._offset = store.offset()

    def now(self) -> float:
        """The marketplace's time, in epoch seconds."""
        return self._clock() + self._offset

    def advance(self, seconds: float) -> float:
        """Move the clock on."""
        self._offset = self.store.advance(seconds)
        return self.now()

    def call(self, operation: str, parameters: Mapping[str, Any], access_key: str) -> dict[str, Any]:
        """Carry out one operation.

        Raises:
            ApiError: refused; nothing was changed.
        """
        handler = HANDLERS.get(operation)
        if handler is None:
            raise ApiError("RequestError", f"{operation} is not implemented by this marketplace yet.")
        protocol.check(operation, parameters)
        given = {name: value for name, value in parameters.items() if value is not None}
        with self.store.transaction() as connection:
            return handler(self._context(connection, access_key), given)

    def play(self, action: Callable[[Context], str]) -> str:
        """Let a worker act."""
        with self.store.transaction() as connection:
            now = self.now()
            _elapse(connection, now)
            return action(Context(connection, "", now, self.fees))

    def _context(self, connection: Connection, access_key: str) -> Context:
        now = self.now()
        _elapse(connection, now)
        known = select(requesters.c.id).where(requesters.c.access_key == access_key)
        requester = connection.execute(known).scalar()
        if requester is None:
            requester = requester_id(access_key)
            connection.execute(
                insert(requesters).values(id=requester, access_key=access_key, balance=payments.PURSE, held=0)
            )
        return Context(connection, requester, now, self.fees)


def _elapse(connection: Connection, now: float) -> None:
    """Let everything that was due by now have happened."""
    assignments.settle_due(connection, now)
    hits.release_expired(connection, now)
