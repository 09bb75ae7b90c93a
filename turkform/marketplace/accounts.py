"""Worker accounts: who may sign in, by which means, and from which browsers.

    invite ──> the link, used once within 72 hours ──> a session ──> perhaps a password, for the next time

A worker belongs to the marketplace, not to a requester. What is random and long (links, sessions) is kept as its
SHA-256, what a person chose (passwords) as argon2's hash: who reads the store can sign in as nobody.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import TYPE_CHECKING, Any, Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, func, insert, select, update

from turkform.marketplace.store import insert_missing
from turkform.marketplace.tables import accounts, attempts, invitations, sessions

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

WORKER_ID: Final = re.compile(r"A[A-Z0-9]{1,63}")
"""CustomerId in the service model of 2017-01-17."""
INVITATION_LIFE: Final = 72 * 3600.0
SESSION_LIFE: Final = 30 * 86_400.0
"""Seconds without a visit after which a session is over."""
SHORTEST_PASSWORD: Final = 12
LONGEST_PASSWORD: Final = 200
WINDOW: Final = 900.0
"""Seconds over which attempts to sign in are counted."""
PER_WORKER: Final = 10
PER_ADDRESS: Final = 50

_HASHER: Final = PasswordHasher()
_NOBODY: Final = _HASHER.hash(secrets.token_hex())
_SEEN_AGAIN: Final = 600.0


class AccountError(Exception):
    """Something about an account cannot be done; the message says why."""


def new_worker_id() -> str:
    """The id of a worker who brings none."""
    return "A" + "".join(secrets.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") for _ in range(13))


# --- accounts --------------------------------------------------------------------------------------


def add(connection: Connection, worker: str, now: float, note: str | None = None) -> None:
    """Let somebody in as a worker; one who is known stays as they are, but for a new note.

    Raises:
        AccountError: not a worker's id.
    """
    if not WORKER_ID.fullmatch(worker):
        raise AccountError(f'"{worker}" is no worker id: it is A and up to 63 capitals and digits, like A1EXAMPLE')
    insert_missing(connection, accounts, {"worker": worker, "note": note or "", "created": now})
    if note is not None:
        connection.execute(update(accounts).where(accounts.c.worker == worker).values(note=note))


def disable(connection: Connection, worker: str, now: float) -> None:
    """Keep a worker out: sessions end, links stop working. What they did stays.

    Raises:
        AccountError: nobody of this id was let in.
    """
    _change(connection, worker, disabled=now)
    revoke(connection, worker, now)
    connection.execute(delete(sessions).where(sessions.c.worker == worker))


def enable(connection: Connection, worker: str) -> None:
    """Let a worker in again.

    Raises:
        AccountError: nobody of this id was let in.
    """
    _change(connection, worker, disabled=None)


def is_disabled(connection: Connection, worker: str) -> bool:
    """Whether a worker is kept out."""
    query = select(accounts.c.disabled).where(accounts.c.worker == worker)
    return connection.execute(query).scalar() is not None


def _change(connection: Connection, worker: str, **values: Any) -> None:
    if not connection.execute(update(accounts).where(accounts.c.worker == worker).values(**values)).rowcount:
        raise AccountError(f"there is no worker {worker}")


def listed(connection: Connection, now: float) -> list[Row[Any]]:
    """Every account with the number of its sessions and of its links that still work, by id."""
    s, i = sessions.c, invitations.c
    signed_in = select(func.count()).where(s.worker == accounts.c.worker, s.seen > now - SESSION_LIFE)
    works = (i.used.is_(None), i.revoked.is_(None), i.expires > now)
    invited = select(func.count()).where(i.worker == accounts.c.worker, *works)
    counted = (signed_in.scalar_subquery().label("sessions"), invited.scalar_subquery().label("invitations"))
    return list(connection.execute(select(accounts, *counted).order_by(accounts.c.worker)).all())


# --- invitations -----------------------------------------------------------------------------------


def invite(connection: Connection, worker: str, now: float) -> str:
    """Make a link's secret, which signs this worker in once; one who is not known is let in.

    Raises:
        AccountError: not a worker's id, or kept out.
    """
    add(connection, worker, now)
    if is_disabled(connection, worker):
        raise AccountError(f"{worker} is disabled: enable the account first")
    token = secrets.token_urlsafe(32)
    connection.execute(
        insert(invitations).values(digest=digest_of(token), worker=worker, expires=now + INVITATION_LIFE)
    )
    return token


def revoke(connection: Connection, worker: str, now: float) -> int:
    """Make a worker's unused links worthless; return how many those were."""
    i = invitations.c
    unused = update(invitations).where(i.worker == worker, i.used.is_(None), i.revoked.is_(None), i.expires > now)
    return connection.execute(unused.values(revoked=now)).rowcount


def invited(connection: Connection, token: str, now: float) -> str:
    """Whom a link is for. Looking uses nothing up: programs that scan mail open links too.

    Raises:
        AccountError: the link is wrong, used, revoked or too old.
    """
    row = connection.execute(select(invitations).where(invitations.c.digest == digest_of(token))).first()
    if row is None:
        raise AccountError("This link is not known here. Check that you have all of it.")
    if row.used is not None:
        raise AccountError("This link was used before. It works once; ask for a new one.")
    if row.revoked is not None or is_disabled(connection, row.worker):
        raise AccountError("This link does not work any more. Ask for a new one.")
    if row.expires <= now:
        raise AccountError("This link is older than 72 hours. Ask for a new one.")
    return str(row.worker)


def accept_invitation(connection: Connection, token: str, now: float) -> str:
    """Use a link up; return the worker whom it signs in.

    Raises:
        AccountError: as `invited`; of two who use a link at the same moment, one.
    """
    worker = invited(connection, token, now)
    i = invitations.c
    unused = update(invitations).where(i.digest == digest_of(token), i.used.is_(None), i.revoked.is_(None))
    if not connection.execute(unused.values(used=now)).rowcount:
        raise AccountError("This link was used before. It works once; ask for a new one.")
    return worker


def digest_of(token: str) -> str:
    """What is kept of a secret that is long and random."""
    return hashlib.sha256(token.encode()).hexdigest()


# --- sessions --------------------------------------------------------------------------------------


def begin_session(connection: Connection, worker: str, now: float, browser: str) -> str:
    """Sign a browser in; return what its cookie holds."""
    token = secrets.token_urlsafe(32)
    values = {"digest": digest_of(token), "worker": worker, "begun": now, "seen": now, "browser": browser[:200]}
    connection.execute(insert(sessions).values(**values))
    return token


def session(connection: Connection, token: str, now: float) -> Row[Any] | None:
    """The session that a cookie names, unless it is over or its worker is kept out."""
    s = sessions.c
    query = select(sessions).join(accounts, accounts.c.worker == s.worker)
    alive = (s.digest == digest_of(token), s.seen > now - SESSION_LIFE, accounts.c.disabled.is_(None))
    row = connection.execute(query.where(*alive)).first()
    if row is not None and row.seen < now - _SEEN_AGAIN:
        connection.execute(update(sessions).where(s.digest == row.digest).values(seen=now))
    return row


def sessions_of(connection: Connection, worker: str, now: float) -> list[Row[Any]]:
    """A worker's sessions, the last used first."""
    s = sessions.c
    alive = select(sessions).where(s.worker == worker, s.seen > now - SESSION_LIFE)
    return list(connection.execute(alive.order_by(s.seen.desc(), s.digest)).all())


def end_session(connection: Connection, worker: str, digest: str) -> None:
    """End one of a worker's sessions."""
    connection.execute(delete(sessions).where(sessions.c.worker == worker, sessions.c.digest == digest))


def end_other_sessions(connection: Connection, worker: str, digest: str) -> None:
    """End a worker's sessions but this one."""
    connection.execute(delete(sessions).where(sessions.c.worker == worker, sessions.c.digest != digest))


# --- passwords -------------------------------------------------------------------------------------


def hash_password(password: str) -> str:
    """What is kept of a password. It takes tens of milliseconds, on purpose.

    Raises:
        AccountError: too short, or so long that nobody types it.
    """
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise AccountError(f"A password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters.")
    return _HASHER.hash(password)


def set_password(connection: Connection, worker: str, hashed: str | None) -> None:
    """Keep a worker's password, or none."""
    _change(connection, worker, password=hashed)


def password_of(connection: Connection, worker: str) -> str | None:
    """The hash of a worker's password, or None for one who has none, is kept out or does not exist."""
    a = accounts.c
    return connection.execute(select(a.password).where(a.worker == worker, a.disabled.is_(None))).scalar()


def is_password(hashed: str | None, password: str) -> bool:
    """Whether a password is the one that was hashed; it takes as long where there is none."""
    try:
        return _HASHER.verify(hashed or _NOBODY, password[:LONGEST_PASSWORD]) and hashed is not None
    except (VerificationError, InvalidHashError):
        return False


# --- attempts --------------------------------------------------------------------------------------


def count_attempt(connection: Connection, subject: str, now: float) -> int:
    """Count one more attempt to sign in; return how many there were in this window."""
    t = attempts.c
    insert_missing(connection, attempts, {"subject": subject[:200], "since": now, "count": 0})
    mine = t.subject == subject[:200]
    connection.execute(update(attempts).where(mine, t.since <= now - WINDOW).values(since=now, count=0))
    connection.execute(update(attempts).where(mine).values(count=t.count + 1))
    return int(connection.execute(select(t.count).where(mine)).scalar_one())


def take_back_attempt(connection: Connection, subject: str) -> None:
    """Uncount an attempt that was none: whoever made it signed in."""
    t = attempts.c
    mine = update(attempts).where(t.subject == subject[:200], t.count > 0)
    connection.execute(mine.values(count=t.count - 1))


def forget_attempts(connection: Connection, subject: str) -> None:
    """Begin counting anew, after one who signed in."""
    connection.execute(delete(attempts).where(attempts.c.subject == subject[:200]))
