"""The doctor: looks at an installation from outside and from its store, and says of each thing whether it is well.

In: a store, a master key, the two addresses. Out: one `Finding` a check, in the order in which things depend on each
other. Nothing is changed: not even a store of an earlier version is brought up to date.
"""

from __future__ import annotations

import http.client
import secrets
import socket
import ssl
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlsplit

from turkform.marketplace.migrations import VERSION
from turkform.marketplace.origins import Origins
from turkform.marketplace.sealing import Master, SealError
from turkform.marketplace.store import StoreError, standing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from turkform.marketplace.store import Standing

_SECONDS: Final = 10
_SKEW: Final = 60.0
"""Signatures live 15 minutes either way; a clock this far off is one that nobody sets."""
_EXPIRES: Final = 14 * 86_400
_MISDIRECTED: Final = 421
_HEADERS: Final = ("content-security-policy", "x-content-type-options", "strict-transport-security")


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: `well`, or what is wrong and what to do about it; a note, where `well` and `todo` are both there."""

    check: str
    well: bool
    said: str
    todo: str = ""


@dataclass(frozen=True, slots=True)
class Installation:
    """What is looked at. `connect` (host, port) is where to reach both names while DNS does not know them yet."""

    store: str
    master_key: Path | None
    public_url: str
    tasks_url: str
    authorities: Path | None = None
    connect: tuple[str, int] | None = None


def examine(installation: Installation) -> Iterator[Finding]:
    """Check everything, and go on where something is wrong."""
    found = None
    try:
        found = standing(installation.store)
    except StoreError as error:
        yield Finding("store", well=False, said=str(error), todo="Check --store, and that its server runs.")
    else:
        yield from _store(found)
    yield _master(installation, found)
    try:
        origins = Origins.real(installation.public_url, installation.tasks_url)
    except ValueError as error:
        yield Finding("addresses", well=False, said=str(error), todo="Give both as `serve` gets them.")
        return
    label = f"doctor{secrets.token_hex(4)}"
    for name, origin in (("site", origins.site), ("task host", origins.of_group(label))):
        yield from _reach(name, origin, installation)


# --- the store -------------------------------------------------------------------------------------


def _store(found: Standing) -> Iterator[Finding]:
    if found.version is None:
        said, todo = f"{found.shown} answers, and is empty", "`turkform requester add` begins it."
        yield Finding("store", well=True, said=said, todo=todo)
        return
    if found.version > VERSION:
        yield Finding(
            "store", well=False, said=f"{found.shown} has schema {found.version}, this turkform knows {VERSION}",
            todo="Upgrade turkform here: a later one has written this store.",
        )  # fmt: skip
    elif found.version < VERSION:
        yield Finding(
            "store", well=True, said=f"{found.shown} has schema {found.version}; the next `serve` makes it {VERSION}",
            todo="Back it up before you start this version.",
        )  # fmt: skip
    else:
        yield Finding("store", well=True, said=f"{found.shown} answers, schema {found.version}")
    if found.mode == "rehearsal":
        yield Finding("mode", well=False, said="the store is a rehearsal's", todo="Take another one for real work.")
    if found.kind == "sqlite":
        said, todo = "SQLite: one process, on one machine", "PostgreSQL is for --workers and for more machines."
        yield Finding("kind", well=True, said=said, todo=todo)
    yield _skew("clock of the store", found.clock_ahead)


def _master(installation: Installation, found: Standing | None) -> Finding:
    try:
        master = Master.found(installation.master_key)
    except SealError as error:
        return Finding("master key", well=False, said=str(error), todo="Without it nobody's calls can be checked.")
    if found is None or found.master is None:
        return Finding("master key", well=True, said="there is one", todo="No store has used it yet.")
    if found.master != master.fingerprint:
        said, todo = "this is not the master key of this store", "Find the one that sealed it; a backup has it apart."
        return Finding("master key", well=False, said=said, todo=todo)
    alone = ", and nobody else reads its file" if installation.master_key is not None else ""
    return Finding("master key", well=True, said=f"it opens this store{alone}")


def _skew(check: str, ahead: float) -> Finding:
    if abs(ahead) > _SKEW:
        side = "ahead of" if ahead > 0 else "behind"
        said = f"it is {abs(ahead):.0f} seconds {side} this machine's"
        return Finding(check, well=False, said=said, todo="Let NTP set both: signatures are good for 15 minutes.")
    return Finding(check, well=True, said="it agrees with this machine's")


# --- the addresses ---------------------------------------------------------------------------------


def _reach(name: str, origin: str, installation: Installation) -> Iterator[Finding]:
    host = urlsplit(origin).hostname or ""
    if installation.connect is None:
        try:
            socket.getaddrinfo(host, None)
        except OSError as error:
            todo = "Add it to DNS" + ("" if name == "site" else ": a wildcard, as every HIT group has a name")
            yield Finding(f"{name}: name", well=False, said=f"{host} does not resolve: {error.strerror}", todo=todo)
            return
        yield Finding(f"{name}: name", well=True, said=f"{host} resolves")
    try:
        with _Line(origin, installation) as line:
            yield from _tls(name, line)
            yield from (_site(line) if name == "site" else _tasks(line))
    except ssl.SSLCertVerificationError as error:
        todo = f"The certificate has to name {host}" if name == "site" else "It takes a wildcard certificate"
        said = f"the certificate of {host} is refused: {error.verify_message}"
        yield Finding(f"{name}: TLS", well=False, said=said, todo=f"{todo}, from an authority that browsers know.")
    except (OSError, http.client.HTTPException) as error:
        said = f"{host} does not answer: {error}"
        yield Finding(f"{name}: answer", well=False, said=said, todo="See that the proxy runs and forwards this name.")


class _Line:
    """A connection to one of the names."""

    def __init__(self, origin: str, installation: Installation) -> None:
        parts = urlsplit(origin)
        self.secure, self.host, self.name = parts.scheme == "https", parts.hostname or "", parts.netloc
        default = 443 if self.secure else 80
        self._where = installation.connect or (self.host, parts.port or default)
        self._trust = ssl.create_default_context(cafile=installation.authorities)
        self._connection = http.client.HTTPConnection(*self._where)

    def __enter__(self) -> Self:
        self._open()
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def _open(self) -> None:
        plain: Any = socket.create_connection(self._where, timeout=_SECONDS)
        self._connection.sock = self._trust.wrap_socket(plain, server_hostname=self.host) if self.secure else plain

    def certificate_seconds(self) -> float:
        """How long the certificate is still good for."""
        shown: Any = self._connection.sock
        return float(ssl.cert_time_to_seconds(shown.getpeercert()["notAfter"])) - time.time()

    def ask(self, method: str, path: str) -> tuple[int, dict[str, str], str]:
        """One request: status, headers, text."""
        if self._connection.sock is None:
            self._open()
        self._connection.request(method, path, None, {"Host": self.name, "Accept": "*/*"})
        with self._connection.getresponse() as answer:
            headers = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, headers, answer.read().decode("utf-8", "replace")


def _tls(name: str, line: _Line) -> Iterator[Finding]:
    if not line.secure:
        said, todo = f"{line.name} has none", "On this machine it can do without; for anybody else it takes https."
        yield Finding(f"{name}: TLS", well=True, said=said, todo=todo)
        return
    left = line.certificate_seconds()
    todo = "Renew it now." if left < _EXPIRES else ""
    said = f"the certificate names {line.host}, for {left / 86_400:.0f} more days"
    yield Finding(f"{name}: TLS", well=True, said=said, todo=todo)


def _site(line: _Line) -> Iterator[Finding]:
    status, headers, text = line.ask("GET", "/health")
    if status != http.client.OK or '"ok"' not in text:
        todo = "The proxy has to forward to `serve`, which has to reach its store; see its log."
        yield Finding("site: health", well=False, said=f"/health answers {status}: {text[:80].strip()}", todo=todo)
        return
    yield Finding("site: health", well=True, said="it answers, and so does its store")
    if "date" in headers:
        ahead = parsedate_to_datetime(headers["date"]).timestamp() - time.time()
        yield _skew("clock of the site", ahead)
    status, headers, text = line.ask("GET", "/sign-in")
    if status != http.client.OK:
        todo = "The proxy has to pass the Host header on as it came; `serve` needs this very --public-url."
        yield Finding("site: pages", well=False, said=f"/sign-in answers {status}", todo=todo)
        return
    missing = [header for header in _HEADERS if header not in headers and (line.secure or "strict" not in header)]
    if missing:
        todo = "Let the proxy leave the headers of the site alone."
        yield Finding("site: pages", well=False, said=f"they come without {', '.join(missing)}", todo=todo)
    else:
        yield Finding("site: pages", well=True, said="they come with their security headers")
    status, _, text = line.ask("POST", "/")
    api = "__type" in text
    todo = "" if api else "The proxy has to pass POST / on, with every header as it came."
    yield Finding(
        "site: API", well=api, said=f"an unsigned call is {'refused' if api else f'answered {status}'}", todo=todo
    )


def _tasks(line: _Line) -> Iterator[Finding]:
    for path, what in (("/", "task pages"), ("/sign-in", "apart from the site")):
        status, _, _ = line.ask("GET", path)
        well = status == _MISDIRECTED
        said = "it answers for every HIT group" if path == "/" else "the site is not there"
        if not well:
            said = f"{path} answers {status}, not {_MISDIRECTED}"
        todo = "" if well else "The proxy has to pass the Host header on as it came; `serve` needs this --tasks-url."
        yield Finding(f"task host: {what}", well=well, said=said, todo=todo)
