"""The keeper's words about workers: let in, invite, list, keep out, pay.

In: a word and what was given with it, from the control route of a rehearsal or from the command line beside a store.
Out: what there is to say, as JSON.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, insert, select

from turkform.marketplace import accounts, payouts
from turkform.marketplace.accounts import AccountError
from turkform.marketplace.hit_types import ADULT, APPROVED, APPROVED_PERCENT, LOCALE
from turkform.marketplace.tables import assignments, system_values

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from turkform.marketplace.context import Context
    from turkform.marketplace.service import Service

    Given = Mapping[str, Any]

_MASTERS: Final = ("2F1QJWKUDD8XADTFD2Q0G6UTO95ALH", "2ARFPLSP75KLA8M8DH1HTEQVJT3SY6")
_NAMES: Final = {
    LOCALE: "locale", _MASTERS[0]: "masters", APPROVED: "approved", APPROVED_PERCENT: "percent", ADULT: "adult",
}  # fmt: skip
_PLAYED: Final = ("approved", "percent")
"""What a rehearsal's workers are said to have done; elsewhere it is counted (`track_record`)."""


class KeeperError(Exception):
    """This cannot be done; the message says why."""


async def say(service: Service, word: str, given: Given) -> dict[str, Any]:
    """Do what a word says.

    Raises:
        KeeperError: it cannot be done, and nothing was.
    """
    action = _WORDS.get(word)
    if action is None:
        raise KeeperError(f"there is no word {word}")
    try:
        return await action(service, given)
    except (AccountError, payouts.PayoutError) as error:
        raise KeeperError(str(error)) from None


def _worker(given: Given) -> str:
    worker = given.get("worker")
    if not isinstance(worker, str):
        raise KeeperError("say which worker")
    return worker


async def _add(service: Service, given: Given) -> dict[str, Any]:
    worker, values = _worker(given), _system_values(given)
    counted = [name for name in _PLAYED if given.get(name) is not None]
    if counted and not service.settings.rehearsal:
        raise KeeperError(f"{' and '.join(counted)} cannot be said of a worker here: work is counted as it is reviewed")

    def add(context: Context) -> None:
        accounts.add(context.connection, worker, context.now, given.get("note"))
        v = system_values.c
        for type_id, (value, locale) in values.items():
            context.connection.execute(delete(system_values).where(v.worker == worker, v.type_id == type_id))
            row = {"worker": worker, "type_id": type_id, "value": value, "locale": locale}
            context.connection.execute(insert(system_values).values(**row))

    await service.act(add)
    return {"worker": worker}


def _system_values(given: Given) -> dict[str, tuple[int | None, str | None]]:
    """What is said of a worker, by system qualification type; without a value, that the worker does not have it."""
    found: dict[str, tuple[int | None, str | None]] = {}
    if (locale := given.get("locale")) is not None:
        if not isinstance(locale, str) or not re.fullmatch(r"[A-Z]{2}|US-[A-Z]{2}", locale):
            raise KeeperError(f'"{locale}" is no locale: write a country like GB, or a state like US-CA')
        found[LOCALE] = None, locale
    if (masters := given.get("masters")) is not None:
        found |= dict.fromkeys(_MASTERS, (1 if masters else None, None))
    if (adult := given.get("adult")) is not None:
        found[ADULT] = 1 if adult else 0, None
    for name, type_id, most in (("approved", APPROVED, 10**12), ("percent", APPROVED_PERCENT, 100)):
        if (number := given.get(name)) is not None:
            if not isinstance(number, int) or not 0 <= number <= most:
                raise KeeperError(f"{name} is a whole number from 0 to {most}, not {number}")
            found[type_id] = number, None
    return found


async def _invite(service: Service, given: Given) -> dict[str, Any]:
    worker = _worker(given) if given.get("worker") else accounts.new_worker_id()

    def invite(context: Context) -> str:
        if given.get("note") is not None:
            accounts.add(context.connection, worker, context.now, given["note"])
        return accounts.invite(context.connection, worker, context.now)

    token = await service.act(invite)
    return {"worker": worker, "link": f"{service.settings.origins.site}/invitations/{token}"}


async def _revoke(service: Service, given: Given) -> dict[str, Any]:
    worker = _worker(given)
    return {"revoked": await service.act(lambda c: accounts.revoke(c.connection, worker, c.now))}


async def _disable(service: Service, given: Given) -> dict[str, Any]:
    worker = _worker(given)
    await service.act(lambda c: accounts.disable(c.connection, worker, c.now))
    return {"worker": worker}


async def _enable(service: Service, given: Given) -> dict[str, Any]:
    worker = _worker(given)
    await service.act(lambda c: accounts.enable(c.connection, worker))
    return {"worker": worker}


async def _list(service: Service, _: Given) -> dict[str, Any]:
    def look(context: Context) -> list[dict[str, Any]]:
        said: dict[str, dict[str, Any]] = {}
        for row in context.connection.execute(select(system_values)).all():
            if row.type_id in _NAMES:
                said.setdefault(row.worker, {})[_NAMES[row.type_id]] = row.value if row.locale is None else row.locale
        return [
            {
                "worker": row.worker,
                "note": row.note,
                "disabled": row.disabled is not None,
                "password": row.password is not None,
                "sessions": row.sessions,
                "invitations": row.invitations,
                "system": said.get(row.worker, {}),
            }
            for row in accounts.listed(context.connection, context.now)
        ]

    return {"workers": await service.act(look)}


async def _payouts(service: Service, given: Given) -> dict[str, Any]:
    """A payout as CSV: `show` one that was made, `settle` a new one, or only look what it would hold."""
    shown = given.get("show")
    if shown is not None:
        return {"csv": payouts.as_csv(shown, await service.act(lambda c: payouts.lines_of(c.connection, shown)))}
    await settle_due(service)
    if not given.get("settle"):
        return {"csv": payouts.as_csv("", await service.act(lambda c: payouts.open_lines(c.connection)))}
    made = await service.act(lambda c: payouts.settle(c.connection, c.now))
    lines = [] if made is None else await service.act(lambda c: payouts.lines_of(c.connection, made))
    return {"csv": payouts.as_csv(made or "", lines)}


async def settle_due(service: Service, worker: str = "") -> None:
    """Let what was due for a worker's work, or everybody's, have happened, whoever's HITs it was on."""
    a = assignments.c

    def owners(context: Context) -> list[str]:
        late = (a.status == "Accepted") & (a.deadline <= context.now)
        due = (a.status == "Submitted") & (a.due <= context.now)
        query = select(a.requester).where(late | due).distinct()
        return list(context.connection.execute(query.where(a.worker == worker) if worker else query).scalars())

    for owner in await service.act(owners):
        await service.act(lambda _: None, requester=owner)


_WORDS: Final[Mapping[str, Callable[[Service, Given], Awaitable[dict[str, Any]]]]] = {
    "add": _add,
    "invite": _invite,
    "revoke": _revoke,
    "list": _list,
    "disable": _disable,
    "enable": _enable,
    "payouts": _payouts,
}
