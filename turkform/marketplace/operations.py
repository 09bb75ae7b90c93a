"""The table of operations: name to handler.

A handler gets one request's `Context` and its checked parameters, and returns the answer or raises `ApiError`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from turkform.marketplace import (
    assignments,
    bonuses,
    hit_changes,
    hit_types,
    hits,
    notifications,
    payments,
    qualification_requests,
    qualifications,
    review_policies,
    workers,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from turkform.marketplace.context import Context
    from turkform.marketplace.settings import Settings

    Handler = Callable[[Context, Mapping[str, Any]], dict[str, Any]]

HANDLERS: dict[str, Handler] = {
    "AcceptQualificationRequest": qualification_requests.accept_qualification_request,
    "ApproveAssignment": assignments.approve_assignment,
    "AssociateQualificationWithWorker": qualifications.associate,
    "CreateAdditionalAssignmentsForHIT": hit_changes.create_additional_assignments_for_hit,
    "CreateHIT": hit_changes.create_hit,
    "CreateHITType": hit_types.create_hit_type,
    "CreateHITWithHITType": hit_changes.create_hit_with_hit_type,
    "CreateQualificationType": qualifications.create_qualification_type,
    "CreateWorkerBlock": workers.create_worker_block,
    "DeleteHIT": hit_changes.delete_hit,
    "DeleteQualificationType": qualifications.delete_qualification_type,
    "DeleteWorkerBlock": workers.delete_worker_block,
    "DisassociateQualificationFromWorker": qualifications.disassociate,
    "GetAccountBalance": lambda context, _: payments.balance(context.connection, context.requester),
    "GetAssignment": assignments.get_assignment,
    "GetFileUploadURL": assignments.get_file_upload_url,
    "GetHIT": hits.get_hit,
    "GetQualificationScore": qualifications.get_qualification_score,
    "GetQualificationType": qualifications.get_qualification_type,
    "ListAssignmentsForHIT": assignments.list_assignments_for_hit,
    "ListBonusPayments": bonuses.list_bonus_payments,
    "ListHITs": hits.list_hits,
    "ListHITsForQualificationType": hits.list_hits_for_qualification_type,
    "ListQualificationRequests": qualification_requests.list_qualification_requests,
    "ListQualificationTypes": qualifications.list_qualification_types,
    "ListReviewPolicyResultsForHIT": review_policies.list_review_policy_results_for_hit,
    "ListReviewableHITs": hits.list_reviewable_hits,
    "ListWorkerBlocks": workers.list_worker_blocks,
    "ListWorkersWithQualificationType": qualifications.list_workers,
    "NotifyWorkers": workers.notify_workers,
    "RejectAssignment": assignments.reject_assignment,
    "RejectQualificationRequest": qualification_requests.reject_qualification_request,
    "SendBonus": bonuses.send_bonus,
    "SendTestEventNotification": notifications.send_test_event_notification,
    "UpdateExpirationForHIT": hit_changes.update_expiration_for_hit,
    "UpdateHITReviewStatus": hit_changes.update_hit_review_status,
    "UpdateHITTypeOfHIT": hit_changes.update_hit_type_of_hit,
    "UpdateNotificationSettings": notifications.update_notification_settings,
    "UpdateQualificationType": qualifications.update_qualification_type,
}

AFTERWARDS: dict[str, Callable[[Settings, Mapping[str, Any]], dict[str, Any]]] = {
    "SendTestEventNotification": notifications.send_now,
}
"""What takes a handler's answer once it is committed, may take its time in a thread, and gives the answer."""
