"""What the marketplace's keeper does to requesters, as named actions: the same in rehearsal and on a real store.

In: an action and its words. Out: an answer to print. `control` lets a running rehearsal do it; `__main__` does it
itself on the store of a real marketplace, with its master key.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from turkform.marketplace import requesters
from turkform.marketplace.context import Context
from turkform.marketplace.documents import DocumentError
from turkform.marketplace.layouts import add_layout
from turkform.marketplace.origins import Origins
from turkform.marketplace.payments import Fees
from turkform.marketplace.requesters import RequesterError
from turkform.marketplace.sealing import Master, SealError
from turkform.marketplace.settings import Settings
from turkform.marketplace.store import Store, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from sqlalchemy import Connection

    Action = Callable[[Context, Master | None, Mapping[str, str]], Any]


class ActionError(Exception):
    """It cannot be done on this store; the message says why."""


def perform(action: str, context: Context, master: Master | None, given: Mapping[str, Any]) -> Any:
    """Carry out an action.

    Raises:
        RequesterError: no such action, a word missing, or refused.
    """
    if action not in ACTIONS:
        raise RequesterError(f'there is nothing called "{action}". There is {", ".join(ACTIONS)}')
    words = {name: value for name, value in given.items() if isinstance(value, str)}
    try:
        return ACTIONS[action](context, master, words)
    except KeyError as error:
        raise RequesterError(f"{action} needs {error.args[0]}") from None


def _layout(context: Context, _: Master | None, given: Mapping[str, str]) -> dict[str, str]:
    try:
        requester = requesters.find(context.connection, given["requester"]).id
    except RequesterError as error:
        if context.settings.rehearsal:
            raise RequesterError(
                f"{error}; a rehearsal knows an access key from its first call, such as a plan"
            ) from None
        raise
    try:
        return {"layout": add_layout(context.acting_for(requester), given["page"])}
    except DocumentError as error:
        raise RequesterError(f"no HIT could have this page: {error}") from None


ACTIONS: dict[str, Action] = {
    "add": lambda context, master, given: requesters.add(
        context.connection, master, name=given["name"], balance=given["balance"]
    ),
    "list": lambda context, _, __: {"requesters": requesters.listed(context.connection)},
    "disable": lambda context, _, given: requesters.disable(context.connection, given["requester"]),
    "enable": lambda context, _, given: requesters.disable(context.connection, given["requester"], disabled=False),
    "credit": lambda context, _, given: requesters.credit(context.connection, given["requester"], given["amount"]),
    "layout": _layout,
}


# --- on the store of a real marketplace --------------------------------------------------------------


def perform_on(
    store: str, master_key: Path | None, action: str, given: Mapping[str, Any], *, make_master: bool = False
) -> dict[str, Any]:
    """Carry out an action on a store; with `make_master`, a key's file that is not there is made for a new store.

    Raises:
        ActionError: refused, or store or key cannot be used.
    """
    with _opened(store) as connection:
        new = make_master and master_key is not None and not master_key.exists()
        if new and requesters.has_master(connection):
            raise ActionError(f"the master key of this store is not in {master_key}: there is no such file")
        master = Master.made(master_key) if new and master_key is not None else Master.found(master_key)
        requesters.check_master(connection, master)
        settings = Settings(rehearsal=False, origins=Origins((), ""), fees=Fees(0))
        found: dict[str, Any] = perform(action, Context(connection, "", time.time(), settings), master, given)
    return found


def rotate_master(store: str, master_key: Path | None, new: Path) -> int:
    """Seal every secret of a store under another key, made where its file is not there; how many there were.

    Raises:
        ActionError: store or keys cannot be used; nothing was changed.
    """
    with _opened(store) as connection:
        old = Master.found(master_key)
        requesters.check_master(connection, old)
        return requesters.rotate(connection, old, Master.found(new) if new.exists() else Master.made(new))


@contextmanager
def _opened(url: str) -> Iterator[Connection]:
    try:
        store = Store(url)
        try:
            store.claim(rehearsal=False)
            with store.transaction() as connection:
                yield connection
        finally:
            store.close()
    except (StoreError, SealError, RequesterError) as error:
        raise ActionError(str(error)) from None
