"""Which environment a command works in, and the `Target` it means.

In: the environments a campaign declares, and what the command line and `TURKFORM_ENV` say. Out: one name, never
chosen silently when it could be production; then endpoint, journal, fees and rates, completely said.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from turkform.campaign import AWS_ENDPOINTS, Environment, Target
from turkform.errors import Diagnostic, FieldPath, UsageError
from turkform.files import UnreadableFileError
from turkform.money import MTURK, fees_named
from turkform.references import resources
from turkform.tables import likely
from turkform.variables import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from turkform.campaign import Campaign
    from turkform.files import Files
    from turkform.yaml_tree import Node

LOCAL = "local"
PINS = {"endpoint": "TURKFORM_ENDPOINT", "profile": "TURKFORM_PROFILE"}
"""Settings of an environment that the machine's own environment variables decide where they are set."""
AWS_RATE = 2
"""Calls a second at AWS hosts, when nothing is said: what an account could count on."""
_URL = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_POSTGRESQL = re.compile(r"postgres(ql)?://")
_OUTSIDE = re.compile(r"\$\{env:[A-Za-z_][A-Za-z0-9_]*\}")
_SET_OUTSIDE = 'Write "${env:TURKFORM_JOURNAL}", and set that to postgresql://USER@HOST/DATABASE.'
_PASSWORD = re.compile(r"://[^/@:]*:[^@]*@|[?&]password=", re.IGNORECASE)


def declared(root: Node) -> tuple[str, ...]:
    """The environments of a campaign by name; `local` when it declares none."""
    section = root.get("environments")
    return tuple((section and section.entries) or ()) or (LOCAL,)


def choose(root: Node, asked: str | None, environ: Mapping[str, str]) -> tuple[str, Diagnostic | None]:
    """The environment to work in; with a diagnostic where none can be told."""
    names = declared(root)
    source = "--env" if asked else "TURKFORM_ENV"
    asked = asked or environ.get("TURKFORM_ENV") or None
    if asked is None:
        if LOCAL in names:
            return LOCAL, None
        detail = f"Say --env {names[0]}, or set TURKFORM_ENV. Declared: {', '.join(names)}."
        return names[0], Diagnostic("which environment? turkform never chooses one by itself", detail)
    if asked in names:
        return asked, None
    near = likely(asked, list(names))
    detail = f"Did you mean {near}? " if near else ""
    problem = Diagnostic(f'{source}: there is no environment "{asked}"', f"{detail}Declared: {', '.join(names)}.")
    return names[0], problem


def target(
    campaign: Campaign,
    values: Mapping[str, Any],
    name: str,
    root: Node,
    files: Files,
    environ: Mapping[str, str],
    problems: list[Diagnostic],
) -> Target:
    """The chosen environment with every default filled in; what is wrong goes to `problems`."""
    environment = _pinned(campaign.environments.get(name), environ, problems)
    declared = resources(values, "environments").get(name, {})
    journal = _journal(declared.get("journal"), name, root, files, problems)
    if environment is None:
        return Target(name, LOCAL, journal=journal)
    return _filled(name, environment, journal)


def target_of(name: str, said: Mapping[str, Any]) -> Target:
    """An environment without a campaign, as its file would say it; without a journal.

    Raises:
        UsageError: it says no endpoint.
    """
    try:
        return _filled(name, Environment.model_validate(said), "")
    except ValidationError as error:
        raise UsageError(str(error.errors()[0]["msg"])) from None


def _filled(name: str, environment: Environment, journal: str) -> Target:
    endpoint = AWS_ENDPOINTS.get(environment.endpoint, environment.endpoint.rstrip("/"))
    aws = Target(name, endpoint).is_aws
    return Target(
        name=name,
        endpoint=endpoint,
        profile=environment.profile,
        journal=journal,
        fees=fees_named(environment.fees) if environment.fees else MTURK,
        balance=environment.balance or ("warn" if aws else "enforce"),
        rate=environment.rate or (AWS_RATE if aws else None),
        concurrency=environment.concurrency or 8,
        budget=environment.budget,
        confirm=environment.confirm,
    )


def _pinned(
    environment: Environment | None, environ: Mapping[str, str], problems: list[Diagnostic]
) -> Environment | None:
    """The environment with what this machine says over what the file says.

    A build machine that plans a stranger's pull request sets both: the file then cannot choose where its credentials,
    or a signature made with them, are sent.
    """
    pins = {name: environ[key] for name, key in PINS.items() if environ.get(key)}
    if not pins:
        return environment
    declared = environment or Environment(endpoint=LOCAL)
    try:
        return Environment.model_validate({**declared.model_dump(exclude_unset=True), **pins})
    except ValidationError as error:
        problems += [Diagnostic(f"{PINS[str(found['loc'][0])]}: {found['msg']}") for found in error.errors()]
        return environment


def _journal(text: Any, name: str, root: Node, files: Files, problems: list[Diagnostic]) -> str:
    """Where the journal lies. What the environment says itself may lie anywhere; the file's word may not."""
    default = str(files.folder / ".turkform" / name / "journal.sqlite")
    if not isinstance(text, str) or not text or UNKNOWN in text:
        return default
    path: FieldPath = ("environments", name, "journal")
    node = root.get(*path) or root
    written = node.text or ""

    def problem(summary: str, detail: str) -> str:
        problems.append(Diagnostic(f"environments.{name}.journal: {summary}", detail, path, node.location))
        return default

    if _URL.match(text):
        if _PASSWORD.search(written):
            return problem("a password stands in the file", 'Write "${env:TURKFORM_JOURNAL}" and set it outside.')
        if not _OUTSIDE.fullmatch(written):
            # A stranger's pull request must not choose which server this machine's database passwords go to.
            return problem("a database's address stands in the file", _SET_OUTSIDE)
        if not _POSTGRESQL.match(text):
            return problem(f'"{text.partition(":")[0]}" is not PostgreSQL', _SET_OUTSIDE)
        return text
    if "${env:" in written:
        return str(files.folder / text)
    try:
        found = files.confine(text, private=True)
    except UnreadableFileError as error:
        return problem(error.summary, "Name a place beside the campaign, or say it with ${env:TURKFORM_JOURNAL}.")
    if found.is_dir():
        return problem(f'"{text}" is a folder', f"Write {text.rstrip('/')}/journal.sqlite")
    return str(found)
