"""The table of operations: name to handler.

A handler gets one request's `Context` and its checked parameters, and returns the answer or raises `ApiError`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from turkform.marketplace import assignments, hits, payments, qualifications, workers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from turkform.marketplace.context import Context

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
