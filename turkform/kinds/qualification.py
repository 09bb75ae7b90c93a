"""Grants: which worker holds one of the requester's own qualifications, with which value.

Sources: AssociateQualificationWithWorker and DisassociateQualificationFromWorker in the API reference
(read 23 Nov 2026). Associating is an upsert; revoking without a reason tells the worker nothing; the
notification mail is sent unless `SendNotification` is false, which turkform always says.
"""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from turkform.kinds.resource import Integer, Roster, WorkerId

GRANT = "AssociateQualificationWithWorker"
REVOKE = "DisassociateQualificationFromWorker"


class Grants(Roster):
    """Who holds a qualification type, and their value."""

    column: ClassVar[str] = "value"
    values: dict[WorkerId, Integer] = Field(default_factory=dict)


def grant_parameters(type_id: Any, worker: str, value: int) -> dict[str, Any]:
    """The call that gives `worker` the value, without a mail."""
    return {
        "QualificationTypeId": type_id,
        "WorkerId": worker,
        "IntegerValue": value,
        "SendNotification": False,
    }


def revoke_parameters(type_id: Any, worker: str) -> dict[str, Any]:
    """The call that takes the qualification back, silently: no reason, no message."""
    return {"QualificationTypeId": type_id, "WorkerId": worker}
