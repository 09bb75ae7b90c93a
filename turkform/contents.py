"""What a campaign's files name: pages, forms, tests, data and workers, opened and checked.

In: the campaign's values, the tree that knows their places, the files that may be read. Out: templates, paths
and rosters; everything that is wrong with what stands in them goes to the given list of problems.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeGuard

from turkform import messages
from turkform.errors import CampaignError, Diagnostic, FieldPath, Location
from turkform.expressions import INPUT, condition
from turkform.expressions import value as value_of
from turkform.files import UnreadableFileError
from turkform.inspection import Inspection
from turkform.items import check_items, read_items
from turkform.kinds.qualification import Grants
from turkform.kinds.question import WAYS
from turkform.offsite import External, LayoutPage
from turkform.pages import MOST_BYTES
from turkform.placeholders import Fill
from turkform.questions import open_template, place
from turkform.references import resources
from turkform.reviewed import Reviewed
from turkform.rosters import check_block, check_grant, read_workers
from turkform.tables import likely
from turkform.variables import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from pathlib import Path

    from turkform.campaign import Campaign
    from turkform.documents import Document
    from turkform.expressions import Expression
    from turkform.files import Files
    from turkform.items import Checked
    from turkform.kinds.batch import Batch
    from turkform.kinds.decisions import Decisions
    from turkform.kinds.resource import Roster
    from turkform.kinds.review_policy import ReviewPolicies
    from turkform.questions import Template
    from turkform.rosters import Check
    from turkform.yaml_tree import Node


@dataclass
class Contents:
    """Opens the files of one campaign."""

    files: Files
    root: Node
    problems: list[Diagnostic]
    best: dict[str, int] = field(default_factory=dict)
    """Qualification type → the highest value that its test can give, where it has a key."""

    # --- qualification types ------------------------------------------------------------------------------

    def tests(self, campaign: Campaign, values: Mapping[str, Any]) -> Campaign:
        """The campaign with the documents of its tests, all of them checked."""
        types = dict(campaign.qualification_types)
        for name, declared in resources(values, "qualification_types").items():
            if not isinstance(test := declared.get("test"), dict):
                continue
            from turkform import forms  # lxml, where it is needed

            path: FieldPath = ("qualification_types", name, "test")
            form = self._document(test.get("form"), (*path, "form"), forms.check_form)
            key = self._document(
                test.get("answer_key"),
                (*path, "answer_key"),
                partial(forms.check_key, form=form),
            )
            sound = types.get(name)
            if sound and sound.test and form is not None:
                if key and not forms.check_key(key, form):
                    self.best[name] = forms.best_value(key)
                loaded = sound.test.with_documents(form.text, key.text if key else "")
                types[name] = sound.model_copy(update={"test": loaded})
        return campaign.model_copy(update={"qualification_types": types})

    def _document(self, name: Any, path: FieldPath, check: Callable[[Document], list[Diagnostic]]) -> Document | None:
        """A document that a field names, checked; None where it is not there or cannot be read."""
        from turkform import documents
        from turkform.form_pages import read_xml

        found = self.find(name, path) if _is_name(name) else None
        if found is None:
            return None
        try:
            text = read_xml(found, self._read)
            document = documents.read(text, lambda offset: place(found, text, offset))
        except CampaignError as error:
            self.problems += error.diagnostics
            return None
        self.problems += check(document)
        if (size := len(text.encode())) > MOST_BYTES:
            said = f"{found.name} has {size:,} bytes, and MTurk takes {MOST_BYTES:,}"
            self.problems.append(Diagnostic(said, "Shorten it.", location=Location(found, 1, 1)))
        return document

    # --- batches --------------------------------------------------------------------------------------------

    def batch(self, name: str, batch: Mapping[str, Any], sound: Batch | None) -> tuple[Template, Path | None] | None:
        """A batch's page and data, both checked; None when the page cannot be read.

        `sound` is the batch itself, where nothing is wrong with it.
        """
        path: FieldPath = ("batches", name)
        policies = sound.review_policies if sound else None
        items, key, question = batch.get("items"), batch.get("key", ()), batch.get("question")
        data = self.find(items, (*path, "items")) if _is_name(items) else None
        inspection = None
        try:
            template = self._template(question, (*path, "question")) if isinstance(question, dict) else None
        except CampaignError as error:
            self.problems += error.diagnostics
        else:
            if template and policies:
                written = self.root.key(*path, "review_policies") or self.root
                template = Reviewed(template, policies, self._answers(policies, path), written.location)
            inspection = Inspection(template, data) if template else None
        columns = (key,) if isinstance(key, str) else tuple(key) if isinstance(key, list | tuple) else (None,)
        if data is not None and all(map(_is_name, columns)):
            checked = check_items(data, columns, inspection)
            self.problems += [self._placed(problem, path) for problem in checked.problems]
            if inspection is not None:
                self._columns(checked, inspection, columns, data)
            if checked.columns and sound and sound.decisions:
                self._rules(sound.decisions, checked.columns, data, (*path, "decisions"))
        elif inspection is not None and "items" not in batch:
            self.problems += inspection.template.unknown((), None) or _single(inspection)
        return (inspection.template, data) if inspection is not None else None

    def _rules(self, rules: Decisions, columns: Collection[str], data: Path, path: FieldPath) -> None:
        """Columns of the data that the rules of a review read, and that are not there."""
        for own, column in _inputs(rules):
            if column not in columns:
                near = likely(column, list(columns))
                detail = f'Did you mean "{near}"?' if near else f"It has: {', '.join(list(columns)[:20])}."
                alone = own[:1] + own[2:]  # a rule may stand where a list of them may
                node = self.root.get(*path, *own) or self.root.get(*path, *alone) or self.root
                summary = f'{messages.dotted((*path, *own))}: {data.name} has no column "{column}"'
                self.problems.append(Diagnostic(summary, detail, (*path, *own), node.location))

    def _answers(self, policies: ReviewPolicies, path: FieldPath) -> dict[str, Location]:
        """Where each known answer is written."""
        at = (*path, "review_policies", "known_answers", "answers")
        names = policies.known_answers.answers if policies.known_answers else ()
        return {name: (self.root.get(*at, name) or self.root).location for name in names}

    def _template(self, question: Mapping[str, Any], path: FieldPath) -> Template | None:
        """What a question says workers see; None where that was already told to be wrong.

        Raises:
            CampaignError: what is wrong with it, whatever the rows.
        """
        written = [way for way in WAYS if way in question]
        if len(written) != 1:
            return None
        [way] = written
        value, at = question[way], (self.root.get(*path, way) or self.root).location
        height = question.get("frame_height", 0)
        height = height if isinstance(height, int) else 0
        if way == "layout":
            return _layout(value, self.root, (*path, way))
        if not _is_name(value):
            return None
        if way == "external":
            return External(value, height, at)
        found = self.find(value, (*path, way))
        if found is None:
            return None
        if way == "form":
            from turkform.form_pages import open_form

            return open_form(found, self._read)
        return open_template(found, frame_height=height, read=self._read)

    def _columns(self, checked: Checked, inspection: Inspection, key: tuple[str, ...], data: Path) -> None:
        """What the page and the data's columns have to say about each other."""
        if not checked.columns:
            return
        template = inspection.template
        unknown = template.unknown(checked.columns, data)
        self.problems += unknown
        if not any(problem.severity == "error" for problem in unknown):
            self.problems += inspection.problems()
        if not checked.rows and not checked.problems:
            self._note(f"{data.name} has no rows, so nothing would be published", data, "warning")
        unused = [name for name in template.unused(checked.columns) if name not in key]
        if unused and not unknown:
            names = ", ".join(unused[:10]) + (", …" if len(unused) > 10 else "")
            self._note(f"{template.name} does not use {len(unused)} of {data.name}'s columns: {names}", data)

    def _note(self, summary: str, path: Path, severity: Any = "note") -> None:
        self.problems.append(Diagnostic(summary, location=Location(path, 1, 1), severity=severity))

    def _placed(self, problem: Diagnostic, path: FieldPath) -> Diagnostic:
        """A problem about a batch's own field, at its place in the YAML."""
        if problem.location is not None:
            return problem
        if problem.points_at == "parent":
            node = self.root.key(*path)
        else:
            key = self.root.get(*path, *problem.path)
            named = next((p for p in (key and key.parts) or () if f'"{p.text}"' in problem.summary), key)
            node = named
        summary = f"{messages.dotted(path)}: {problem.summary}"
        return replace(problem, summary=summary, path=(*path, *problem.path), location=(node or self.root).location)

    def workers(self, kind: type[Roster], roster: Any, name: str = "") -> Mapping[str, Any] | None:
        """Workers and their values, written out or in a file; None where there is no roster."""
        if not isinstance(roster, dict) or not _is_name(roster.get("file")):
            return roster if isinstance(roster, dict) else None
        path: FieldPath = ("qualification_types", name, "workers", "file") if name else ("blocks", "file")
        found = self.find(roster["file"], path)
        check: Check[int | str] = check_grant if kind is Grants else check_block
        return read_workers(found, kind.column, check, self.problems) if found else {}

    def find(self, name: str, path: FieldPath) -> Path | None:
        """The file that a field names; None, and a diagnostic, when it must not or cannot be read."""
        try:
            return self.files.find(name)
        except UnreadableFileError as error:
            node = self.root.get(*path) or self.root
            summary = f"{messages.dotted(path)}: {error.summary}"
            self.problems.append(Diagnostic(summary, error.detail, path, node.location))
            return None

    def _read(self, path: Path) -> bytes:
        return self.files.read(os.path.relpath(path, self.files.folder))


def _inputs(rules: Decisions) -> Iterator[tuple[FieldPath, str]]:
    """The columns of the data that rules read, each with the field that reads it."""
    read: list[tuple[FieldPath, Expression | None]] = []
    for number, rule in enumerate(rules.approve):
        for name, texts in rule.known_answers.items():
            known = ("approve", number, "known_answers", name)
            yield from ((known, column) for text in texts for column in Fill(text).places)
        read.append((("approve", number, "when"), condition(rule.when) if rule.when else None))
    for number, bonus in enumerate(rules.bonus):
        read.append((("bonus", number, "when"), condition(bonus.when) if bonus.when else None))
        read.append((("bonus", number, "by"), value_of(bonus.by) if bonus.by else None))
        read.append((("bonus", number, "amount"), bonus.expression))
    for at, expression in read:
        named = sorted(expression.columns) if expression else ()
        yield from ((at, name.removeprefix(INPUT)) for name in named if name.startswith(INPUT))


def _is_name(value: Any) -> TypeGuard[str]:
    """A text that can name a file or a column, and about which nothing was said yet."""
    return isinstance(value, str) and value != "" and UNKNOWN not in value


def _layout(layout: Any, root: Node, path: FieldPath) -> LayoutPage | None:
    """A layout and its parameters, as far as they are sound."""
    if not isinstance(layout, dict) or not _is_name(layout.get("id")):
        return None
    written = layout.get("parameters")
    parameters = {n: v for n, v in (written if isinstance(written, dict) else {}).items() if isinstance(v, str)}
    places = {n: node.location for n in parameters if (node := root.get(*path, "parameters", n))}
    return LayoutPage(layout["id"], parameters, places, (root.get(*path) or root).location)


def _single(inspection: Inspection) -> list[Diagnostic]:
    """What is wrong with the one question of a batch without items."""
    for item in read_items(None, ()):
        inspection(item)
    return inspection.problems()
