"""Origins: under which names the marketplace is reached, and which origin a HIT group's pages have.

In: a Host header or a group's id. Out: the group it stands for, or its origin. Task pages are hostile to the
site and to each other, so each group has a host of its own below the task host; browsers keep cookies, storage
and scripts of different hosts apart, where a different port would not be enough for cookies.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

_HERE = {"localhost", "127.0.0.1", "::1"}
_GROUP = re.compile(r"[a-z0-9]{1,63}")


@dataclass(frozen=True, slots=True)
class Origins:
    """The site's origins, the one to link to first; and the origin below which every group has its own."""

    sites: tuple[str, ...]
    tasks: str

    @classmethod
    def rehearsal(cls, port: int) -> Origins:
        """On this machine; browsers send every name below `localhost` here."""
        names = ("127.0.0.1", "localhost", "[::1]")
        return cls(tuple(f"http://{name}:{port}" for name in names), f"http://tasks.localhost:{port}")

    @classmethod
    def real(cls, public: str, tasks: str) -> Origins:
        """Where people reach it, and the host below which each group of tasks has its own.

        Raises:
            ValueError: not an origin, without TLS, or both the same host.
        """
        origins = _origin(public, "--public-url"), _origin(tasks, "--tasks-url")
        hosts = [urlsplit(origin).hostname or "" for origin in origins]
        if hosts[0] == hosts[1] or hosts[0].endswith("." + hosts[1]):
            raise ValueError(f"--tasks-url needs a host of its own: task pages must not share {hosts[0]} with the site")
        return cls((origins[0],), origins[1])

    @property
    def site(self) -> str:
        """Where the site is, for links to it."""
        return self.sites[0]

    @property
    def secure(self) -> bool:
        """Whether cookies are kept to TLS: everywhere but on this machine."""
        return self.site.startswith("https:")

    def of_group(self, group: str) -> str:
        """The origin of a HIT group's pages; host names know no capitals, and group ids no small letters."""
        parts = urlsplit(self.tasks)
        return f"{parts.scheme}://{group.lower()}.{parts.netloc}"

    def group_at(self, host: str) -> str | None:
        """The group whose host this is, or None for any other name."""
        label, dot, rest = host.lower().partition(".")
        if not dot or rest != urlsplit(self.tasks).netloc.lower() or not _GROUP.fullmatch(label):
            return None
        return label.upper()


def _origin(url: str, option: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path not in {"", "/"} or parts.query:
        raise ValueError(f'{option} wants an origin, like https://tasks.example.org, not "{url}"')
    name = parts.hostname
    if parts.scheme == "http" and not (name in _HERE or name.endswith(".localhost")):
        raise ValueError(f"{option} wants https: what leaves this machine needs TLS in front")
    return f"{parts.scheme}://{parts.netloc.lower()}"
