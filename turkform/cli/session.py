"""What every command shares: the campaign's folder, its environment, account and journal.

In: the global options. Out: a `Session`, which opens what a command asks for and closes it again. The
pipeline is imported here, late, one part at a time.
"""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from turkform.cli.state import STATE, own_state
from turkform.cli.terminal import Terminal
from turkform.errors import RefusedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from turkform.account import Account
    from turkform.answers import Answers
    from turkform.approval import Approval
    from turkform.campaign import Desired
    from turkform.choices import Choices
    from turkform.journal import Journal
    from turkform.reviewing import Asked
    from turkform.survey import Survey


@dataclass(frozen=True, slots=True)
class Session:
    """The global options, and what follows from them."""

    folder: Path = Path()
    environment: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    outside: tuple[Path, ...] = ()
    terminal: Terminal = field(default_factory=Terminal)

    def merged(
        self,
        *,
        campaign_folder: str | None,
        environment: str | None,
        variables: tuple[str, ...],
        outside: tuple[str, ...],
        no_color: bool,
        log_format: str | None,
    ) -> Session:
        """With what stands at one more place of the command line; the later place wins, lists add up.

        Raises:
            UsageError: a variable without `=`.
        """
        return Session(
            self.folder if campaign_folder is None else Path(campaign_folder),
            environment or self.environment,
            {**self.variables, **dict(map(_variable, variables))},
            (*self.outside, *map(Path, outside)),
            Terminal(self.terminal.color and not no_color, log_format or self.terminal.log_format),
        )

    # --- the campaign -----------------------------------------------------------------------------

    def existing_folder(self) -> Path:
        """The folder of `-C`.

        Raises:
            UsageError: there is none.
        """
        if not self.folder.is_dir():
            raise UsageError(f"{self.folder} is not a folder", "Name the campaign's folder with -C DIR.")
        return self.folder

    def load(self, *, quiet: bool = False) -> Desired:
        """Read the campaign; its warnings are told unless `quiet`, its errors raised all at once.

        Raises:
            CampaignError: the files do not say a valid campaign.
            UsageError: no such folder, or no environment was chosen.
        """
        from turkform.loader import load

        desired = load(
            self.existing_folder(), environment=self.environment, variables=self.variables, allow_outside=self.outside
        )
        if not quiet:
            self.terminal.diagnostics([d for d in desired.diagnostics if d.severity == "warning"])
        return desired

    # --- the account ------------------------------------------------------------------------------

    @contextmanager
    def account(self, desired: Desired) -> Iterator[Account]:
        """A connected account; for `endpoint: local` the embedded marketplace lives as long as this."""
        from turkform.account import connect

        with self._endpoint(desired) as url:
            yield connect(desired.target, url)

    def _endpoint(self, desired: Desired) -> AbstractContextManager[str | None]:
        if desired.target.endpoint != "local":
            return nullcontext()
        from turkform.cli.local import marketplace

        return marketplace(self.folder, fees=desired.target.fees.name)

    # --- the journal ------------------------------------------------------------------------------

    @contextmanager
    def journal(self, desired: Desired) -> Iterator[Journal | None]:
        """The journal, to be read; None where there is none yet."""
        from turkform.journal import Journal

        target = desired.target
        found = Journal.find(target.journal, campaign=desired.campaign.campaign, environment=target.name)
        try:
            yield found
        finally:
            if found is not None:
                found.close()

    def make_journal(self, desired: Desired, *, lasting: bool = True, anew: bool = False) -> Journal:
        """The journal, made where there is none yet; `lasting` where purchases depend on its being kept.

        `anew` makes another one in any case.

        Raises:
            RefusedError: nobody watches, and the journal would lie where a build machine forgets it.
        """
        from turkform.journal import Journal

        target = desired.target
        if lasting and self._forgets(desired):
            raise RefusedError(
                [f"the journal of {target.name} would lie in {STATE}/, which a build machine forgets"],
                "Say `journal:` in the environment: a path that is kept, or a PostgreSQL URL.",
            )
        own_state(self.folder)
        where = target.journal
        if "://" not in where:
            Path(where).parent.mkdir(parents=True, exist_ok=True)
        return Journal.open(where, create=True, anew=anew, campaign=desired.campaign.campaign, environment=target.name)

    def _forgets(self, desired: Desired) -> bool:
        target = desired.target
        default = self.folder.resolve() / STATE in Path(target.journal).resolve().parents
        return default and not _loopback(target.endpoint) and not sys.stdin.isatty()

    @contextmanager
    def answers(self, found: Survey) -> Iterator[Answers]:
        """The answers store of the journal this campaign was published with.

        Raises:
            RefusedError: nothing was ever published.
        """
        with self.any_answers(found) as store:
            if store is None:
                raise RefusedError(["nothing was published yet, so there are no answers"])
            own_state(self.folder)
            yield store

    @contextmanager
    def any_answers(self, found: Survey) -> Iterator[Answers | None]:
        """The same, to be read; None where nothing was ever published."""
        from turkform.answers import Answers

        record = found.observed.record
        journal = found.memory.journal or (record.journal if record else "")
        store = Answers.beside(found.desired.target.journal, journal) if journal else None
        try:
            yield store
        finally:
            if store is not None:
                store.close()

    # --- both sides -------------------------------------------------------------------------------

    @contextmanager
    def survey(
        self, choices: Choices | None = None, *, approval: Approval | None = None, quiet: bool = False
    ) -> Iterator[tuple[Survey, Journal | None]]:
        """Load, connect, read, diff and plan; within the approval of a saved plan where there is one."""
        desired = self.load(quiet=quiet)
        with self.account(desired) as account, self.journal(desired) as journal:
            from turkform.choices import Choices as NoChoices
            from turkform.survey import survey

            yield survey(desired, account, journal, choices or NoChoices(), approval=approval), journal

    @contextmanager
    def review(
        self, asked: Asked, *, approval: Approval | None = None, rate: float | None = None, quiet: bool = False
    ) -> Iterator[tuple[Survey, Journal | None]]:
        """The same for the answers of a campaign: fetch what is new, and plan what is wanted of it."""
        from turkform.reviewing import review

        with self.survey(quiet=quiet) as (found, journal), self.answers(found) as answers:
            yield review(found, answers, asked, approval=approval, rate=rate), journal


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UsageError(f'--var "{text}" is not NAME=VALUE', "Write it like --var reward=0.20")
    return name, value


def _loopback(endpoint: str) -> bool:
    from urllib.parse import urlsplit

    host = urlsplit(endpoint).hostname or ""
    return endpoint == "local" or host in {"localhost", "::1"} or host.startswith("127.")
