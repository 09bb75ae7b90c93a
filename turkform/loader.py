"""YAML to the desired side of a diff, or every diagnostic at once, each with file:line:column.

In: a campaign folder, the environment, variables. Out: `Desired`; or a `CampaignError` with everything that is
wrong in the campaign's files, its pages and its data, in file order. Nothing is written and nothing is sent.

What is broken in one place hides little elsewhere: a resource with an error is left out, and the rest is
checked without it.
"""

from __future__ import annotations

import copy
import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from turkform import eligibility, environments, messages
from turkform.campaign import Campaign, Desired, Source
from turkform.contents import Contents
from turkform.errors import CampaignError, Diagnostic, FieldPath, Location
from turkform.files import Files, UnreadableFileError
from turkform.kinds.qualification import Grants
from turkform.kinds.worker_block import Blocks
from turkform.policies import judge
from turkform.references import check_references, resources
from turkform.variables import Substitution, Variables, as_text, needs_substitution
from turkform.yaml_tree import Node, read_tree

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


MAIN = "campaign.yaml"
_RESOURCES = ("variables", "environments", "qualification_types", "hit_types", "batches")
"""Maps of names: what is wrong with one of them leaves the others."""
_SECTIONS = (*_RESOURCES, "blocks", "policies")
"""What further files may add to; everything else stands in one file only."""


def load(
    folder: Path,
    *,
    environment: str | None = None,
    variables: Mapping[str, str] = {},
    environ: Mapping[str, str] = os.environ,
    allow_outside: Sequence[Path] = (),
) -> Desired:
    """Read a campaign in one environment, its pages and its data, and check all of it.

    Raises:
        CampaignError: every problem that was found.
    """
    loading = _Loading(Files(folder, allow_outside), environ)
    desired = loading.run(environment, variables)
    told = messages.in_file_order(loading.problems, loading.yaml)
    if desired is None or any(problem.severity == "error" for problem in told):
        raise CampaignError(told)
    return replace(desired, diagnostics=told)


def declared_environments(folder: Path) -> tuple[str, ...]:
    """The environments a campaign declares, so that each can be checked; `local` when it declares none.

    Raises:
        CampaignError: the campaign's YAML cannot be read.
    """
    loading = _Loading(Files(folder), {})
    root = loading.read()
    if root is None:
        raise CampaignError(messages.in_file_order(loading.problems, loading.yaml))
    return environments.declared(root)


def yaml_files(folder: Path) -> list[Path]:
    """The files that declare a campaign, `campaign.yaml` first.

    Raises:
        CampaignError: there is none.
    """
    loading = _Loading(Files(folder), {})
    loading.yaml_files()
    if loading.problems:
        raise CampaignError(loading.problems)
    return loading.yaml


@dataclass
class _Loading:
    """One run of `load`: the stages in order, and the problems they add to."""

    files: Files
    environ: Mapping[str, str]
    problems: list[Diagnostic] = field(default_factory=list)
    yaml: list[Path] = field(default_factory=list)

    def run(self, asked: str | None, given: Mapping[str, str]) -> Desired | None:
        root = self.read()
        if root is None:
            return None
        name, problem = environments.choose(root, asked, self.environ)
        if problem:
            self.problems.append(problem)
            return None
        values, variables = self._values(root, name, given)
        self.problems += check_references(values, root)
        contents = Contents(self.files, root, self.problems)
        campaign = contents.tests(self._validate(root, copy.deepcopy(values)), values)
        self._eligibility(root, campaign, contents.best)
        self._notified(root, campaign)
        target = environments.target(campaign, values, name, root, self.files, self.environ, self.problems)
        pages = {
            name: contents.batch(name, batch, campaign.batches.get(name))
            for name, batch in resources(values, "batches").items()
        }
        types = resources(values, "qualification_types")
        grants = {name: contents.workers(Grants, types[name].get("workers"), name) for name in types}
        return Desired(
            campaign=campaign,
            target=target,
            folder=self.files.folder,
            sources={
                name: Source(name, batch, *found)
                for name, batch in campaign.batches.items()
                if (found := pages[name]) is not None
            },
            grants={name: workers for name, workers in grants.items() if workers is not None},
            blocks=contents.workers(Blocks, values.get("blocks")) or {},
            inputs=dict(sorted(self.files.digests.items())),
            variables=variables,
            places=self._places(root, campaign),
        )

    # --- reading --------------------------------------------------------------------------------------------

    def read(self) -> Node | None:
        """The tree of all the campaign's files; None when one of them cannot be read."""
        folder = self.files.folder
        trees = []
        for path in self.yaml_files():
            try:
                tree = read_tree(path, self.files.read(path.relative_to(folder)))
            except UnreadableFileError as error:
                self.problems.append(Diagnostic(error.summary, error.detail, location=Location(path)))
                continue
            except CampaignError as error:
                self.problems += error.diagnostics
                continue
            if tree is None or (tree.plain and tree.value is None):
                if path.name == MAIN:
                    detail = "A campaign begins with  turkform: 1  and  campaign: NAME"
                    self.problems.append(Diagnostic(f"{MAIN} is empty", detail, location=Location(path, 1, 1)))
            elif tree.entries is None:
                what = messages.show(tree.value) if tree.text is not None else "a list"
                detail = "A campaign file is a map; it begins with  turkform: 1"
                self.problems.append(Diagnostic(f"the file holds {what}", detail, location=tree.location))
            else:
                trees.append(tree)
        if self.problems or not trees:
            return None
        return self._merged(trees)

    def yaml_files(self) -> list[Path]:
        """The campaign's YAML files; none, and a problem, where it has no first one."""
        folder = self.files.folder
        main = folder / MAIN
        try:
            others = sorted(p for p in folder.glob("*.yaml") if p.name != MAIN and not p.name.startswith("."))
            found = main.exists()
        except (OSError, ValueError):
            others, found = [], False
        if not found:
            if not folder.is_dir():
                problem = Diagnostic(f"there is no folder {folder}", "Name the campaign's folder with -C DIR.")
            else:
                near = next((p.name for p in (folder / "campaign.yml", *others) if p.exists()), "")
                hint = f"Rename {near} to {MAIN}." if near else f"Begin one with  turkform init {folder}"
                problem = Diagnostic(f"there is no {MAIN} in {folder}", hint)
            self.problems.append(problem)
            return []
        self.yaml = [main, *others]
        return self.yaml

    def _merged(self, trees: list[Node]) -> Node:
        """One tree of all files; what stands in two of them is an error that names both places."""
        entries: dict[str, tuple[Node, Node]] = {}
        for tree in trees:
            for name, (key, value) in (tree.entries or {}).items():
                if name not in entries:
                    entries[name] = (key, value)
                    continue
                first = entries[name][1]
                if name in _SECTIONS and first.entries is not None and value.entries is not None:
                    for inner, (inner_key, _) in value.entries.items():
                        if inner in first.entries:
                            self._double((name, inner), first.entries[inner][0], inner_key)
                    entries[name] = (entries[name][0], Node(first.location, entries=value.entries | first.entries))
                elif name != "turkform" or first.text != value.text:
                    self._double((name,), entries[name][0], key)
        return Node(trees[0].location, entries=entries)

    def _double(self, path: FieldPath, first: Node, second: Node) -> None:
        summary = f"{messages.dotted(path)} is declared twice: at {first.location} and at {second.location}"
        self.problems.append(Diagnostic(summary, "Keep one of them.", path, second.location, points_at="key"))

    # --- values ---------------------------------------------------------------------------------------------

    def _values(self, root: Node, environment: str, given: Mapping[str, str]) -> tuple[Any, dict[str, str]]:
        """The campaign as plain values, `${…}` replaced, and the variables' values as text."""
        variables = Variables(root, environment, given, self.environ)
        found = variables.resolve()
        self.problems += variables.problems
        substitution = Substitution(environment, self.environ, found, tuple(variables.declared()))
        values = {}
        for name, (_, node) in (root.entries or {}).items():
            if name == "environments" and node.entries is not None:
                # Another environment's ${env:…} need not be set here: it is checked when it is chosen.
                kept = {n: e for n, e in node.entries.items() if n == environment or not needs_substitution(e[1])}
                values[name] = substitution.plain(Node(node.location, entries=kept), (name,))
            else:
                values[name] = substitution.plain(node, (name,))
        self.problems += substitution.problems
        return values, {name: as_text(value) for name, value in found.items()}

    def _validate(self, root: Node, values: Any) -> Campaign:
        """The campaign, or what remains of it without the resources that are wrong."""
        said = list(messages.without_value(root))
        self.problems += [problem for _, problem in said]
        ignore = [path for path, _ in said]
        for path in ignore:
            _drop(values, path)
        for first in (True, False, False):
            try:
                return Campaign.model_validate(values)
            except ValidationError as error:
                errors = error.errors(include_url=False)
                if first:
                    self.problems += messages.explain(errors, root, ignore)
                for path in {tuple(e["loc"][:2]) for e in errors}:
                    _drop(values, path if path[0] in _RESOURCES else path[:1])
                values.update({name: values.get(name, known) for name, known in _STAND_INS.items()})
        return Campaign.model_validate(_STAND_INS)

    def _eligibility(self, root: Node, campaign: Campaign, best: Mapping[str, int]) -> None:
        """Whether anybody can meet the requirements of each HIT type; `best` is what a test can give."""
        given = {name for name, declared in campaign.qualification_types.items() if declared.workers}
        attainable = {name: value for name, value in best.items() if name not in given}
        for name, hit_type in campaign.hit_types.items():
            for found in eligibility.judge(hit_type.requirements, attainable):
                path: FieldPath = ("hit_types", name, "requirements", found.number)
                place = (root.get(*path) or root).location
                summary = f"{messages.dotted(path)}: {found.summary}"
                self.problems.append(Diagnostic(summary, found.detail, path, place, found.severity))

    def _notified(self, root: Node, campaign: Campaign) -> None:
        """HIT types of equal terms are one HIT type in the account, which has one specification."""
        first: dict[str, str] = {}
        for name, hit_type in campaign.hit_types.items():
            terms = repr(hit_type.model_copy(update={"notify": None}))
            other = first.setdefault(terms, name)
            if campaign.hit_types[other].notify != hit_type.notify:
                path: FieldPath = ("hit_types", name)
                summary = f"hit_types {other} and {name} have equal terms, and would notify otherwise"
                detail = "To the account they are one HIT type: give both one notify:, or let their terms differ."
                self.problems.append(Diagnostic(summary, detail, path, (root.key(*path) or root).location))

    def _places(self, root: Node, campaign: Campaign) -> dict[FieldPath, Location]:
        """Where the rules stand that a plan may break; what the terms break already is said now."""
        section = root.get("policies")
        places: dict[FieldPath, Location] = {
            ("policies", name): key.location for name, (key, _) in ((section and section.entries) or {}).items()
        }
        for name in campaign.qualification_types:
            key = root.key("qualification_types", name, "prevent_destroy")
            if key is not None:
                places["qualification_types", name, "prevent_destroy"] = key.location
        for found in judge(campaign.policies, campaign.hit_types):
            node = root.get("hit_types", found.hit_type, found.ABOUT) or root
            rule = places.get(("policies", found.policy))
            summary = f"{found.summary} ({rule.path.name}:{rule.line})" if rule else found.summary
            self.problems.append(
                Diagnostic(summary, found.remedy, ("hit_types", found.hit_type, found.ABOUT), node.location, "warning")
            )
        return places


_STAND_INS = {"turkform": 1, "campaign": "x"}


def _drop(values: Any, path: FieldPath) -> None:
    """Take a value out of plain values; a list keeps its length, for the places of the others."""
    for step in path[:-1]:
        try:
            values = values[step]
        except (KeyError, IndexError, TypeError):
            return
    if isinstance(values, dict):
        values.pop(path[-1], None)
    elif isinstance(values, list) and isinstance(path[-1], int) and path[-1] < len(values):
        values[path[-1]] = ""
