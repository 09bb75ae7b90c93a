"""Requesters: who may use the API, with which key, and what they can spend.

In: a connection, and in real mode the master key. Out: what to tell the marketplace's keeper. A secret is told once,
when it is made; what the store keeps of it only the master key opens. A requester is named by id, access key or name.
"""

from __future__ import annotations

import re
import secrets
import string
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, or_, select, update

from turkform.marketplace import payments
from turkform.marketplace.migrations import keep, kept
from turkform.marketplace.sealing import Master, SealError
from turkform.marketplace.tables import requesters

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

_AMOUNT = re.compile(r"\d{1,8}(\.\d{1,2})?")
_LETTERS = string.ascii_uppercase + string.digits
_NAME = re.compile(r"[\w .@-]{1,64}")


class RequesterError(Exception):
    """This cannot be done; the message says why."""


def check_master(connection: Connection, master: Master) -> None:
    """The store's secrets open with one master key: the first it saw, or the last it was rotated to.

    Raises:
        SealError: this is another.
    """
    known = kept(connection, "master")
    if known is None:
        keep(connection, "master", master.fingerprint)
    elif known != master.fingerprint:
        raise SealError("this is not the master key of this store")


def has_master(connection: Connection) -> bool:
    """Whether the store has seen a master key."""
    return kept(connection, "master") is not None


def add(connection: Connection, master: Master | None, *, name: str, balance: str = "0.00") -> dict[str, Any]:
    """A new requester with a new key; the secret is in the answer, and nowhere else.

    Raises:
        RequesterError: the name is taken or none, or the balance no amount.
    """
    if not _NAME.fullmatch(name):
        raise RequesterError(f'"{name}" is not a name: 1 to 64 letters, digits, blanks or . _ @ -')
    r = requesters.c
    if connection.execute(select(r.id).where(or_(r.name == name, r.id == name, r.access_key == name))).first():
        raise RequesterError(f'there is a requester "{name}" already')
    access_key, secret = "TF" + _random(18), secrets.token_urlsafe(30)
    values = {
        "id": "A" + _random(13), "access_key": access_key, "name": name, "balance": _cents(balance), "held": 0,
        "secret": master.seal(secret, access_key) if master else None, "disabled": 0,
    }  # fmt: skip
    connection.execute(insert(requesters).values(**values))
    return {"requester": values["id"], "name": name, "access_key": access_key, "secret_key": secret}


def listed(connection: Connection) -> list[dict[str, Any]]:
    """Every requester, by name; no secrets."""
    rows = connection.execute(select(requesters).order_by(requesters.c.name, requesters.c.id)).all()
    return [_shown(row) for row in rows]


def disable(connection: Connection, who: str, *, disabled: bool = True) -> dict[str, Any]:
    """Refuse a requester's calls from now on, or let them in again; HITs and money stay as they are.

    Raises:
        RequesterError: there is none of this name.
    """
    row = find(connection, who)
    connection.execute(update(requesters).where(requesters.c.id == row.id).values(disabled=int(disabled)))
    return _shown(find(connection, row.id))


def credit(connection: Connection, who: str, amount: str) -> dict[str, Any]:
    """Add to what a requester can spend.

    Raises:
        RequesterError: there is none of this name, or this is no amount.
    """
    row, r = find(connection, who), requesters.c
    connection.execute(update(requesters).where(r.id == row.id).values(balance=r.balance + _cents(amount)))
    return _shown(find(connection, row.id))


def rotate(connection: Connection, old: Master, new: Master) -> int:
    """Seal every secret anew; how many there were.

    Raises:
        SealError: `old` is not the master key of this store.
    """
    check_master(connection, old)
    r = requesters.c
    rows = connection.execute(select(r.id, r.access_key, r.secret).where(r.secret.is_not(None)).with_for_update()).all()
    for row in rows:
        sealed = new.seal(old.open(row.secret, row.access_key), row.access_key)
        connection.execute(update(requesters).where(r.id == row.id).values(secret=sealed))
    keep(connection, "master", new.fingerprint)
    return len(rows)


def find(connection: Connection, who: str) -> Row[Any]:
    """A requester by id, access key or name.

    Raises:
        RequesterError: there is none.
    """
    r = requesters.c
    row = connection.execute(
        select(requesters).where(or_(r.id == who, r.access_key == who, r.name == who)).with_for_update()
    ).first()
    if row is None:
        raise RequesterError(f'there is no requester "{who}"')
    return row


def _shown(row: Row[Any]) -> dict[str, Any]:
    return {
        "requester": row.id,
        "name": row.name or "",
        "access_key": row.access_key,
        "available": payments.dollars(row.balance - row.held),
        "held": payments.dollars(row.held),
        "disabled": bool(row.disabled),
    }


def _random(length: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(length))


def _cents(amount: str) -> int:
    if not _AMOUNT.fullmatch(amount):
        raise RequesterError(f'"{amount}" is not an amount of dollars, like 25 or 25.50')
    return payments.cents(amount)
