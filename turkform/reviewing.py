"""Reviewing: the answers of a campaign, what is wanted of them, and the plan that follows.

In: a `Survey`, an open `Answers`, and what was `Asked`. Out: the same survey with the plan of the review in place of
that of publishing: priced, ordered, and carried out by the same apply. What workers handed in is fetched first, and
what was paid is read where a bonus is wanted that the journal does not know as paid.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from turkform.collecting import collect
from turkform.decisions import Decision, read_decisions
from turkform.errors import CampaignError, Diagnostic, TurkformError, UsageError
from turkform.items import Problems
from turkform.judging import Account, By, Case, Judged, bonus_token, judge
from turkform.kinds.resource import Address
from turkform.pace import Pace
from turkform.plan import order
from turkform.pricing import Pricing
from turkform.printable import many
from turkform.review_draft import Standing, draft_review
from turkform.reviewer import payments
from turkform.rules import Rules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from turkform.answers import Answer, Answers
    from turkform.approval import Approval
    from turkform.decisions import Bonus
    from turkform.survey import Survey


_NAMED = 20


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asked to be reviewed, and by whose word."""

    batches: tuple[str, ...] = ()
    """By name; empty: all of them."""
    file: Path | None = None
    """Of decisions."""
    overturn: tuple[str, ...] = ()
    """Assignments whose rejection is to be undone."""

    def document(self, folder: Path) -> dict[str, Any]:
        """As it stands in a plan; the file as the campaign's own files are named."""
        name = None if self.file is None else _named(self.file, folder)
        return {"batches": sorted(self.batches), "decisions": name, "overturn": sorted(self.overturn)}

    @classmethod
    def of(cls, document: Mapping[str, Any], folder: Path) -> Asked:
        """Read it off a plan document."""
        said = document["review"]
        file = folder / said["decisions"] if said["decisions"] else None
        return cls(tuple(said["batches"]), file, tuple(said["overturn"]))


def _named(file: Path, folder: Path) -> str:
    whole, top = file.resolve(), folder.resolve()
    return os.path.relpath(whole, top) if whole.is_relative_to(top) else str(whole)


def review(
    survey: Survey,
    answers: Answers,
    asked: Asked,
    *,
    approval: Approval | None = None,
    rate: float | None = None,
    tell: Callable[[int, int], None] = lambda _done, _total: None,
) -> Survey:
    """Fetch what is new, and plan what is wanted of it; with the `approval` of a saved plan, that plan or less.

    Raises:
        CampaignError: what is wrong with the decisions file.
        UsageError: nobody says what to decide, or a batch that is asked for is not there.
        EndpointError: the account cannot be read.
    """
    names = _batches(survey, asked.batches)
    if asked.file is not None:  # before it is read: an edit while it is read is then seen when it is applied
        inputs = {**survey.desired.inputs, _named(asked.file, survey.desired.folder): _digest(asked.file)}
        survey = replace(survey, desired=replace(survey.desired, inputs=dict(sorted(inputs.items()))))
    collect(survey, answers, batches=None if not asked.batches else names, rate=rate, tell=tell)
    reading = _Review(survey, answers, asked, names, Pace(rate or survey.desired.target.rate))
    found = reading.judged(approval)
    draft = draft_review(survey, asked.document(survey.desired.folder), found, reading.standing)
    draft.notes += reading.notes()
    return replace(survey, plan=order(draft, plan_id=secrets.token_hex(8)))


def _digest(file: Path) -> str:
    try:
        with file.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as error:
        raise TurkformError(f"{file} cannot be read: {error.strerror}", "The plan goes by it: put it back.") from None


def _batches(survey: Survey, wanted: Iterable[str]) -> dict[str, Address]:
    """Permanent id → `review.NAME`, of the batches that are meant."""
    known = {p.batch[0]: Address("review", address.name) for address, p in survey.found.publications.items()}
    names = {name.removeprefix("batch.").removeprefix("review.") for name in wanted}
    if unknown := sorted(names - {address.name for address in known.values()}):
        there = ", ".join(sorted(address.name for address in known.values()))
        raise UsageError(f"there is no batch {unknown[0]}", f"There are: {there or 'none'}.")
    return {batch: address for batch, address in known.items() if not names or address.name in names}


class _Review:
    """One review: what is wanted, of which answers, and how all of them stand."""

    def __init__(
        self, survey: Survey, answers: Answers, asked: Asked, names: Mapping[str, Address], pace: Pace
    ) -> None:
        self.survey, self.answers, self.asked, self.names, self.pace = survey, answers, asked, names, pace
        self.standing = Standing()
        self.by: By = "overturn" if asked.overturn else "file" if asked.file else "rules"
        self.wanted: dict[str, Decision] = {}
        self.rules: dict[str, Rules] = {}
        self.elsewhere = 0
        """Decisions on answers of batches that were not named."""
        if asked.overturn:
            self.wanted = {key: Decision(key, "overturn") for key in asked.overturn}
        elif asked.file is not None:
            self.wanted = read_decisions(asked.file)
        else:
            self.rules = self._declared()

    def _declared(self) -> dict[str, Rules]:
        """Permanent id → the rules of a batch.

        Raises:
            UsageError: there are none.
        """
        sources = self.survey.desired.sources
        found = {batch: sources[at.name].batch.decisions for batch, at in self.names.items() if at.name in sources}
        rules = {batch: Rules(decisions) for batch, decisions in found.items() if decisions is not None}
        if not rules:
            hint = "Say --decisions FILE or --overturn ASSIGNMENT, or declare `decisions:` in the batch."
            raise UsageError("nothing says what to decide", hint)
        return rules

    def judged(self, approval: Approval | None) -> list[Judged]:
        """What becomes of the answers of every batch."""
        approved = {batch: approval.review(address) if approval else None for batch, address in self.names.items()}
        cases = self._cases(frozenset(key for ops in approved.values() if ops for keys in ops.values() for key in keys))
        units = self._units({case.answer.hit_id for found in cases.values() for case in found})
        paid = self._paid([case for found in cases.values() for case in found], units)
        memory, now = self.survey.memory, self.survey.observed.now
        account = Account(units, paid, memory, self.survey.desired.target.fees, now)
        return [
            judge(address, self.by, cases.get(batch, []), account, approved[batch])
            for batch, address in sorted(self.names.items(), key=lambda named: named[1])
            if batch in cases or batch in self.rules or approved[batch]
        ]

    def _cases(self, named: frozenset[str]) -> dict[str, list[Case]]:
        """The answers of which something is wanted, by batch; all of them are counted.

        `named` are those that a saved plan decides on.
        """
        found: dict[str, list[Case]] = defaultdict(list)
        left, numbers = dict(self.wanted), {key: number for number, key in enumerate(self.wanted)}
        for hit, answer in self.answers.rows(None):
            address = self.names.get(hit.batch)
            self.standing.count("" if address is None else str(address), answer)
            if hit.batch in self.rules:
                decision = self.rules[hit.batch].decide(hit, answer)
                if decision is not None and answer.assignment_id not in named and not self._due(answer, decision):
                    continue
            else:
                decision = left.pop(answer.assignment_id, None)
            if address is not None and decision is not None:
                found[hit.batch].append(Case(hit.key, answer._replace(answer=""), decision))
            elif decision is not None:
                self.elsewhere += 1
        if left:
            self._strangers(left)
        if self.elsewhere and self.asked.overturn:
            raise UsageError(f"{many(self.elsewhere, 'answer')} of --overturn is of another batch", "Name no batch.")
        for cases in found.values():  # the store's order is that in which answers happened to be fetched
            cases.sort(key=lambda case: (numbers.get(case.answer.assignment_id, 0), case.item, case.answer.submitted))
        return found

    def _due(self, answer: Answer, decision: Decision) -> bool:
        """Whether there is anything to do by a rule: of many answers most are done."""
        known = self.survey.memory.bonuses
        paid = all(bonus_token(answer.assignment_id, bonus) in known for bonus in decision.bonuses)
        return answer.status == "Submitted" or not paid

    def notes(self) -> Iterator[str]:
        """What was left out, and what the rules read and nobody wrote."""
        if self.elsewhere:
            yield f"{many(self.elsewhere, 'decision')} left out: on answers of other batches than were named"
        for batch, rules in self.rules.items():
            if names := rules.strangers():
                there = ", ".join(rules.met[:_NAMED]) or "none"
                lacking = " or ".join(names)
                yield f"{self.names[batch]}: the rules read {lacking}, which no answer so far has. There are: {there}"

    def _strangers(self, left: Mapping[str, Decision]) -> None:
        """Assignments that nobody handed in.

        Raises:
            CampaignError: there are some in a file.
            UsageError: there are some on the command line.
        """
        whose = f"{', '.join(self.asked.batches)} has" if self.asked.batches else "this campaign has"
        if self.asked.file is None:
            raise UsageError(f"{whose} no answer {min(left)}", "`turkform results` writes all of them.")
        problems = Problems(self.asked.file)
        for key, decision in left.items():
            said = f"{whose} no answer {key}"
            problems(Diagnostic(said, "`turkform results` writes all of them.", location=decision.place))
        raise CampaignError(problems.told(), f"in {self.asked.file.name}")

    def _units(self, hits: set[str]) -> dict[str, int]:
        """HIT that is there → cents of one of its assignments."""
        terms = Pricing(self.survey.desired, self.survey.observed, self.survey.found.ids).observed(None)
        return {
            hit.id: terms[hit.type_id].unit(hit.maximum)
            for listed in self.survey.observed.hits.values()
            for found in listed.values()
            for hit in found
            if hit.id in hits
        }

    def _paid(self, cases: Iterable[Case], units: Mapping[str, int]) -> dict[str, list[Bonus]]:
        """What was paid on every HIT with a bonus that is wanted and not known as paid: a call for each."""
        known = self.survey.memory.bonuses
        hits = dict.fromkeys(
            case.answer.hit_id
            for case in cases
            if any(bonus_token(case.answer.assignment_id, bonus) not in known for bonus in case.decision.bonuses)
            if case.answer.hit_id in units
        )

        def read(hit: str) -> list[tuple[str, Bonus]]:
            return list(payments(self.survey.account, before=self.pace.wait, HITId=hit))

        paid: dict[str, list[Bonus]] = defaultdict(list)
        with ThreadPoolExecutor(self.survey.desired.target.concurrency) as pool:
            for listed in pool.map(read, hits):
                for assignment, bonus in listed:
                    paid[assignment].append(bonus)
        return paid
