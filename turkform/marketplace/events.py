"""Events: what happened to HITs and assignments, put into the outbox where their HIT type asks for it.

In: an event in the transaction that made it. Out: a row of the outbox, which the courier delivers once the
transaction has committed.

Source: "Notifications" in the requester guide and "Notification" in the API reference (read 24 Nov 2026).
"""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select

from turkform.marketplace.store import new_id
from turkform.marketplace.tables import notification_settings, outbox

if TYPE_CHECKING:
    from sqlalchemy import Row

    from turkform.marketplace.context import Context

VERSION = "2014-08-15"


def tell(context: Context, event: str, hit: Row[Any], assignment: str = "") -> None:
    """Put an event of a HIT, read with its terms, into the outbox if its type's specification asks for it."""
    if not hit.notified:
        return
    n = notification_settings.c
    asked = select(n.destination, n.transport, n.version, n.events).where(n.type_id == hit.type_id, n.active == 1)
    found = context.connection.execute(asked).first()
    if found is None or event not in json.loads(found.events):
        return
    subject = {"HITTypeId": hit.type_id, "HITId": hit.id} | ({"AssignmentId": assignment} if assignment else {})
    body = document(context, event, found.version, subject)
    context.connection.execute(
        insert(outbox).values(destination=found.destination, transport=found.transport, body=body, due=time.time())
    )


def document(context: Context, event: str, version: str, subject: dict[str, str]) -> str:
    """A message with one event, as its receiver gets it."""
    moment = datetime.fromtimestamp(int(context.now), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return json.dumps(
        {
            "EventDocVersion": version,
            "EventDocId": new_id().lower(),
            "CustomerId": context.requester,
            "Events": [{"EventType": event, "EventTimestamp": moment, **subject}],
        }
    )
