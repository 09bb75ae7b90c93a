"""Notification settings of HIT types, and test events.

One specification hangs on a HIT type and replaces the one before; no operation reads it. What happens later is told
by `events` and carried out by the courier.

Sources: UpdateNotificationSettings, SendTestEventNotification and "Notification" in the API reference (read 24 Nov
2026).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from turkform.marketplace.destinations import UndeliveredError, deliver, destination_of
from turkform.marketplace.events import VERSION, document
from turkform.marketplace.hit_types import own_type
from turkform.marketplace.protocol import parameter_error, request_error
from turkform.marketplace.store import new_id
from turkform.marketplace.tables import hit_types, notification_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from turkform.marketplace.context import Context
    from turkform.marketplace.settings import Settings

_VERSIONS = (VERSION, "2006-05-05")


def update_notification_settings(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """UpdateNotificationSettings.

    UNCERTAIN active: a specification without Active leaves it as it was, and begins active.
    """
    kind = own_type(context, parameters["HITTypeId"])
    if "Notification" not in parameters and "Active" not in parameters:
        raise parameter_error("At least one of Notification and Active must be given.")
    values: dict[str, Any] = {}
    if "Notification" in parameters:
        values = _checked(context.settings, parameters["Notification"])
    n = notification_settings.c
    known = context.connection.execute(select(n.active).where(n.type_id == kind.id)).scalar()
    if known is None and not values:
        raise parameter_error(f"HITType {kind.id} has no notification specification: give a Notification.")
    active = int(parameters.get("Active", True if known is None else bool(known)))
    if known is None:
        given = insert(notification_settings).values(type_id=kind.id, active=active, **values)
        context.connection.execute(given)
    else:
        context.connection.execute(
            update(notification_settings).where(n.type_id == kind.id).values(active=active, **values)
        )
    context.connection.execute(update(hit_types).where(hit_types.c.id == kind.id).values(notified=active))
    return {}


def _checked(settings: Settings, given: Mapping[str, Any]) -> dict[str, Any]:
    """A specification as it is kept.

    UNCERTAIN k22: both versions that AWS's pages name are taken.

    Raises:
        ApiError: another version, no events, or a destination that nothing can be sent to.
    """
    if given["Version"] not in _VERSIONS:
        raise parameter_error(f'The value "{given["Version"]}" is not valid for the parameter Version.')
    if not given["EventTypes"]:
        raise parameter_error("A notification specification needs at least one of EventTypes.")
    destination_of(settings, given["Transport"], given["Destination"])
    return {
        "destination": given["Destination"],
        "transport": given["Transport"],
        "version": given["Version"],
        "events": json.dumps(given["EventTypes"]),
    }


def send_test_event_notification(context: Context, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """SendTestEventNotification: the message; EventTypes do not filter it. `send_now` sends it."""
    given, event = parameters["Notification"], parameters["TestEventType"]
    _checked(context.settings, given)
    subject = {} if event == "Ping" else {"HITTypeId": new_id(), "HITId": new_id()}
    if event.startswith("Assignment"):
        subject["AssignmentId"] = new_id()
    return {
        "transport": given["Transport"],
        "destination": given["Destination"],
        "body": document(context, event, given["Version"], subject),
    }


def send_now(settings: Settings, message: Mapping[str, Any]) -> dict[str, Any]:
    """Deliver a test event at once; this waits for the other side.

    Raises:
        ApiError: InvalidTransportEndpoint: it was not taken.
    """
    try:
        deliver(settings, message["transport"], message["destination"], message["body"])
    except UndeliveredError:
        raise request_error(
            "InvalidTransportEndpoint", f"The notification endpoint {message['destination'][:200]} cannot be reached."
        ) from None
    return {}
