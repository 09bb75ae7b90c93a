"""Bonuses: paid at the call, never taken back, any number per assignment.

Sources: SendBonus and ListBonusPayments in the API reference, "Awarding a bonus" in the requester guide (read 24
Nov 2026).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select

from turkform.marketplace import payments
from turkform.marketplace.assignments import missing_assignment, own_assignment
from turkform.marketplace.hits import missing_hit, own_hit
from turkform.marketplace.protocol import parameter_error, refuse_longer, request_error
from turkform.marketplace.store import keep_token, page, refuse_repeat
from turkform.marketplace.tables import bonuses
from turkform.marketplace.workers import write_to

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Row

    from turkform.marketplace.context import Context

SIX_MONTHS = 183 * 86_400.0
"""UNCERTAIN k23: counted from the submission of the assignment named."""


def send_bonus(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """SendBonus: bonus and fee are paid now, for approved, rejected and submitted work alike.

    UNCERTAIN k21: a reason has at most 4,096 characters.
    """
    token = parameters.get("UniqueRequestToken")
    refuse_repeat(context.connection, context.requester, "SendBonus", token, context.now)
    worker, amount = parameters["WorkerId"], payments.cents(parameters["BonusAmount"])
    if amount < 1:
        raise parameter_error(f'The value "{parameters["BonusAmount"]}" is not valid for the parameter BonusAmount.')
    refuse_longer("Reason", parameters["Reason"], 4096)
    row = own_assignment(context, parameters["AssignmentId"])
    if row.worker != worker:
        raise parameter_error(f'The value "{worker}" is not valid for the parameter WorkerId.')
    if row.submitted is None or context.now - row.submitted > SIX_MONTHS:
        raise request_error(
            "InvalidAssignmentState", "This operation can be called with a status of: Submitted,Approved,Rejected"
        )
    payments.spend(context.connection, context.requester, context.fees.bonus(amount))
    context.connection.execute(
        insert(bonuses).values(
            requester=context.requester, hit=row.hit, assignment=row.id, worker=worker, amount=amount,
            reason=parameters["Reason"], granted=float(int(context.now)),
        )
    )  # fmt: skip
    write_to(context, worker, f"You were given a bonus of ${payments.dollars(amount)}", parameters["Reason"])
    keep_token(context.connection, context.requester, "SendBonus", token, now=context.now, object_id=row.id)
    return {}


def list_bonus_payments(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """ListBonusPayments: those of a HIT or of an assignment.

    UNCERTAIN k19: those of a disposed HIT cannot be reached.
    """
    if ("HITId" in parameters) == ("AssignmentId" in parameters):
        raise parameter_error("Exactly one of HITId and AssignmentId must be given.")
    b = bonuses.c
    if "HITId" in parameters:
        if own_hit(context, parameters["HITId"]).disposed:
            raise missing_hit(parameters["HITId"])
        mine = b.hit == parameters["HITId"]
    else:
        row = own_assignment(context, parameters["AssignmentId"])
        if own_hit(context, row.hit).disposed:
            raise missing_assignment(row.id)
        mine = b.assignment == row.id
    return page(context.connection, select(bonuses).where(mine), b.seq, parameters, member="BonusPayments", draw=_draw)


def _draw(row: Row[Any]) -> dict[str, Any]:
    return {
        "WorkerId": row.worker,
        "BonusAmount": payments.dollars(row.amount),
        "AssignmentId": row.assignment,
        "Reason": row.reason,
        "GrantTime": row.granted,
    }
