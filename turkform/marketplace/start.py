"""From the words of `serve` to a running server: what fits together, what is refused, what a mode needs.

In: the command's options. Out: an exit code, when the server has ended.
"""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any

from turkform.marketplace import logs, process
from turkform.marketplace.faults import FaultError, Faults, Trouble
from turkform.marketplace.origins import Origins
from turkform.marketplace.payments import fees_named
from turkform.marketplace.sealing import Master, SealError
from turkform.marketplace.settings import Settings
from turkform.marketplace.store import Store, StoreError
from turkform.marketplace.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class WordError(Exception):
    """An option that does not fit; the message says what would."""


class StartError(Exception):
    """The server cannot start; the message says why."""


def start(
    *, rehearsal: bool, host: str, port: int, store: str, workers: int, announce: Callable[[str], None], **words: Any
) -> int:
    """Run a server of these words until SIGTERM or SIGINT.

    Raises:
        WordError: an option that does not fit.
        StartError: an address, a store or a master key that cannot be used.
    """
    _check(words, rehearsal=rehearsal, host=host, store=store, workers=workers)
    logs.begin(calls=(words["log"] or ("errors" if rehearsal else "calls")) == "calls")
    try:
        listener = process.listen(host, port, shared=workers > 1)
        port = listener.getsockname()[1]
        settings = _settings(words, rehearsal=rehearsal, port=port, processes=workers)
        given: dict[str, Any] = {"control_file": words["control_file"], "linger": words["linger"]}
        if rehearsal:
            given["faults"] = _faults(words["fault"])
        else:
            given["master"] = Master.found(words["master_key"])
        if workers == 1:
            process.serve_at(listener, store, settings, announce=announce, **given)
            return 0

        def work(life: int, started: Callable[[], None]) -> None:
            own = process.listen(host, port, shared=True)
            process.serve_at(own, store, settings, announce=lambda _: started(), life=life, **given)

        Store(store).close()
        return Supervisor(workers, work).run(lambda: announce(process.url_of(listener)))
    except (process.ProcessError, SealError, StoreError) as error:
        raise StartError(str(error)) from None


def _check(words: dict[str, Any], *, rehearsal: bool, host: str, store: str, workers: int) -> None:
    if rehearsal:
        if host not in _LOOPBACK:
            raise WordError("a rehearsal listens on loopback only: 127.0.0.1, localhost or ::1")
        if workers > 1 and (words["fault"] or words["linger"] is not None):
            raise WordError(
                "faults, and a server that ends with its last user, are of one process: leave out --workers"
            )
        _check_store(store, workers)
        return
    if not words["public_url"] or not words["tasks_url"]:
        raise WordError("give --public-url and --tasks-url, or --rehearsal to try things on this machine")
    if words["fault"]:
        raise WordError("faults are for rehearsals")
    _check_store(store, workers)


def _check_store(store: str, workers: int) -> None:
    if workers > 1 and store.startswith("sqlite"):
        raise WordError("several workers need a store on PostgreSQL: SQLite is for one process")


def _settings(words: dict[str, Any], *, rehearsal: bool, port: int, processes: int) -> Settings:
    try:
        origins = Origins.rehearsal(port) if rehearsal else Origins.real(words["public_url"], words["tasks_url"])
        fees = fees_named(words["fees"])
    except ValueError as error:
        raise WordError(str(error)) from None
    return Settings(
        rehearsal=rehearsal, origins=origins, fees=fees, notify_allow=frozenset(words["notify_allow"]),
        notify_keys=_keys(words["notify_keys"]), token=secrets.token_urlsafe(32) if rehearsal else "",
        processes=processes,
    )  # fmt: skip


def _faults(words: tuple[str, ...]) -> Faults:
    try:
        return Faults(Trouble.named(words))
    except FaultError as error:
        raise WordError(str(error)) from None


def _keys(path: Path | None) -> dict[str, dict[str, str]]:
    """The operator's credentials for notifications, by host."""
    if path is None:
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StartError(f"{path} cannot be read as JSON: {error}") from None
    texts = isinstance(found, dict) and all(
        isinstance(keys, dict) and all(isinstance(key, str) for key in keys.values()) for keys in found.values()
    )
    if not texts:
        raise StartError(f"{path} is not an object: host to access_key and secret_key, or to secret")
    return dict(found)
