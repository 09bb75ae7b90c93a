"""Random worlds for a planner: what is declared, what lives in the account, what people do meanwhile, and the laws.

A scenario is a list of plain words, `("edit", "reward", "0.20")`, so that one which breaks a law can be pasted into
a test as it is printed. `play` acts it out against a marketplace over HTTP and holds every law after every plan.
"""

from __future__ import annotations

import json
import urllib.error
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from hypothesis import currently_in_test_context, event
from life import PAGE, Life

from turkform.approval import Rows
from turkform.closing import close
from turkform.errors import RefusedError, StalePlanError
from turkform.journal import Journal
from turkform.money import Money
from turkform.outcomes import RunInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from turkform.plan import Plan

Deed = tuple[Any, ...]
"""One thing that somebody does: who, what, and to what."""
PAGES = (PAGE, PAGE.replace("<p>", "<h1>Read</h1><p>"), PAGE.replace("<p>", "<h2>Look</h2><p>"))
WORKERS = ("A1ONE", "A2TWO", "A3THREE")


@dataclass
class World:
    """One campaign in an account that others use too, with everything that can be done to it."""

    life: Life
    declared: bool = True
    grants: dict[str, int] = field(default_factory=dict)
    description: str | None = None
    renamed: bool = False
    budget: str | None = None
    blocks: dict[str, str] = field(default_factory=dict)
    required: bool = False
    foreign: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.life.campaign = {}
        self.life.hit_type = {"assignment_duration": "30m"}
        self._settle_in()

    def _settle_in(self) -> None:
        """What is others' in the account, and has to stay as it is."""
        client = self.life.server.client()
        made = client.create_hit_type(Title="F", Description="F", Reward="0.01", AssignmentDurationInSeconds=60)
        question = self._question("foreign")
        self.foreign = {
            marker: client.create_hit_with_hit_type(
                HITTypeId=made["HITTypeId"], MaxAssignments=2, LifetimeInSeconds=31_536_000, Question=question,
                RequesterAnnotation=marker,
            )["HIT"]["HITId"]
            for marker in ("", f"turkform:not-{self.life.name}/pilot/a#1.1aaaaaaaaaaaaaaaa")
        }  # fmt: skip
        kind = client.create_qualification_type(
            Name=f"Foreign {self.life.name}", Description="F", QualificationTypeStatus="Active"
        )
        self.foreign_type = kind["QualificationType"]["QualificationTypeId"]
        client.associate_qualification_with_worker(
            QualificationTypeId=self.foreign_type, WorkerId="A9FOREIGN", IntegerValue=3, SendNotification=False
        )
        client.create_worker_block(WorkerId=f"A8{abs(hash(self.life.name)) % 10**8}", Reason="Theirs")
        self.theirs = self._foreign_state()

    @staticmethod
    def _question(text: str) -> str:
        return (
            '<HTMLQuestion xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2011-11-11/'
            'HTMLQuestion.xsd"><HTMLContent><![CDATA[<!DOCTYPE html><html><body><form name="mturk_form" '
            f'action="/mturk/externalSubmit"><p>{text}</p><input name="a"><input type="submit"></form></body></html>]]>'
            "</HTMLContent><FrameHeight>0</FrameHeight></HTMLQuestion>"
        )

    def _foreign_state(self) -> Any:
        client = self.life.server.client()
        hits = [client.get_hit(HITId=found)["HIT"] for found in self.foreign.values()]
        kind = client.get_qualification_type(QualificationTypeId=self.foreign_type)["QualificationType"]
        held = client.list_workers_with_qualification_type(QualificationTypeId=self.foreign_type)["Qualifications"]
        blocks = client.list_worker_blocks(MaxResults=100)["WorkerBlocks"]
        return hits, kind, held, [b for b in blocks if b.get("Reason") == "Theirs"]

    # --- the files --------------------------------------------------------------------------------

    def edit(self, what: str, *to: Any) -> None:
        """Change the campaign's files."""
        life = self.life
        match what, to:
            case "row", (key, None):
                life.rows.pop(key, None)
            case "row", (key, text):
                life.rows[key] = text
            case "rekey", (old, new):
                life.rows = {new if key == old and new not in life.rows else key: t for key, t in life.rows.items()}
            case "page", (number,):
                life.page = PAGES[number]
            case "description", (text,):
                self.description = text
            case "grant", (worker, None):
                self.grants.pop(worker, None)
            case "grant", (worker, value):
                self.grants[worker] = value
            case "block", (worker, None):
                self.blocks.pop(worker, None)
            case "block", (worker, reason):
                self.blocks[worker] = reason
            case "required", (wanted,):
                self.required = wanted
            case "renamed", (wanted,):
                self.renamed = wanted
            case "budget", (amount,):
                self.budget = amount
            case "more", (None,):
                life.batches.pop("more", None)
            case "more", (assignments,):
                life.batches["more"] = {"assignments": assignments}
            case (("reward" | "title" | "auto_approval_delay"), (value,)):
                life.hit_type[what] = value
            case _, (None,):
                life.batch.pop(what, None)
            case _, (value,):
                life.batch[what] = value
        self._declare()

    def _declare(self) -> None:
        life = self.life
        life.campaign = {"blocks": dict(self.blocks)} if self.blocks else {}
        life.campaign |= {"budget": self.budget} if self.budget is not None else {}
        life.hit_type.pop("requirements", None)
        if self.description is not None:
            first, second = self._names
            kind = {"name": first, "description": self.description, "workers": dict(self.grants)}
            kind |= {"name": second, "renamed_from": first} if self.renamed else {}
            life.campaign["qualification_types"] = {"ours": kind}
            if self.required:
                life.hit_type["requirements"] = [{"qualification": "ours", "exists": False}]

    @property
    def _names(self) -> tuple[str, str]:
        """What our qualification type is called at first, and what after it was renamed."""
        return f"Ours {self.life.name}", f"Also ours {self.life.name}"

    # --- workers, and the owner's other hands ---------------------------------------------------------

    def worker(self, action: str, number: int, worker: str) -> None:
        """A worker does something with one of the HITs, if they can."""
        hits = sorted(self.life.hits(), key=lambda h: str(h["RequesterAnnotation"]))
        if not hits:
            return
        hit = hits[number % len(hits)]["HITId"]
        answers = {"answers": {"answer": "x"}} if action == "submit" else {}
        try:
            if action == "submit":
                self._try("accept", hit, worker)
            self.life.server.control(f"worker/{action}", hit=hit, worker=worker, **answers)
        except urllib.error.HTTPError as error:
            if error.code != 409:
                raise

    def _try(self, action: str, hit: str, worker: str) -> None:
        try:
            self.life.server.control(f"worker/{action}", hit=hit, worker=worker)
        except urllib.error.HTTPError as error:
            if error.code != 409:
                raise

    def owner(self, action: str, number: int = 0) -> None:
        """The account's owner does something by hand, without turkform; what the API refuses is not done."""
        client = self.life.server.client()
        hits = sorted(self.life.hits(), key=lambda h: str(h["RequesterAnnotation"]))
        hit = hits[number % len(hits)] if hits else None
        try:
            match action:
                case "expire" if hit:
                    expire(client, hit["HITId"], number)
                case "extend" if hit:
                    client.create_additional_assignments_for_hit(HITId=hit["HITId"], NumberOfAdditionalAssignments=1)
                case "delete" if hit:
                    expire(client, hit["HITId"], number)
                    client.delete_hit(HITId=hit["HITId"])
                case "approve" if hit:
                    for found in client.list_assignments_for_hit(HITId=hit["HITId"])["Assignments"]:
                        if found["AssignmentStatus"] == "Submitted":
                            client.approve_assignment(AssignmentId=found["AssignmentId"])
                case "review" if hit:
                    client.update_hit_review_status(HITId=hit["HITId"])
                case "grant":
                    for kind in self._types():
                        client.associate_qualification_with_worker(
                            QualificationTypeId=kind, WorkerId=WORKERS[number % 3], IntegerValue=number,
                            SendNotification=False,
                        )  # fmt: skip
                case "edit type":
                    for kind in self._types():
                        client.update_qualification_type(QualificationTypeId=kind, Description=f"By hand {number}")
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != 400:
                raise

    def _types(self) -> list[str]:
        pages = self.life.server.client().get_paginator("list_qualification_types")
        found = pages.paginate(Query=self.life.name, MustBeRequestable=False, MustBeOwnedByCaller=True)
        kinds = (kind for page in found for kind in page["QualificationTypes"])
        return [str(kind["QualificationTypeId"]) for kind in kinds if kind["Name"] in self._names]

    def time(self, seconds: int) -> None:
        """Time goes by."""
        self.life.server.control("clock", advance_seconds=seconds)

    def close(self, number: int) -> None:
        """`turkform close`, of everything or of one batch."""
        found = self.life.look()
        addresses = sorted(found.found.publications)
        wanted = None if not number or not addresses else [addresses[number % len(addresses)]]
        with Journal.open(self.life.folder / "journal.sqlite", create=True) as journal:
            close(found, journal, wanted, run=RunInfo("close"))

    # --- planning ------------------------------------------------------------------------------------

    def do(self, deed: Deed) -> None:
        """One deed."""
        who, *what = deed
        getattr(self, who)(*what)

    def carry_out(self, meanwhile: Iterable[Deed], interference: int | None, *, destroy: bool = False) -> None:
        """Plan, let workers work, perhaps let somebody interfere, apply the plan, and hold it to its laws."""
        choices = {"destroy": destroy}
        saved = self.life.saved(**choices)
        for step in saved.document["steps"]:
            tell(f"plans {step.get('op') or step['action']}")
        self._is_deterministic(saved, choices)
        for deed in meanwhile:
            self.do(deed)
        if saved.refusals:
            tell("is refused")
            self._is_refused(choices)
            return
        if interference is not None and self._interfere(saved, interference, choices):
            tell("is interfered with")
            self._is_stale(saved, choices)
            saved = self.life.saved(**choices)
            if saved.refusals:
                return
        before = {h["HITId"]: h for h in self.life.hits()}
        stale = self.life.moved(saved, **choices)
        assert stale == [], f"workers made the plan stale: {stale}"
        report = self.life.apply_saved(saved, **choices)
        for word in report.narrowed:
            tell(f"narrowed: {word}")
        assert report.exit_code == 0, (report.failures, report.unknown, report.skipped)
        self._did_no_more(saved, before)
        after = self.life.look(**choices)
        bound = Money.parse(saved.document["price"]["committed_after"])
        committed = Money.parse(after.plan.document["price"]["committed_before"])
        assert committed <= bound, f"${committed} is committed, and the plan's bound was ${bound}"
        left = [step for step in after.plan.document["steps"] if step["action"] != "wait"]
        if left and self._was_left_alone(saved, left):
            tell("work was returned since the plan")
            self.carry_out((), None, destroy=destroy)
        else:
            assert left == []
        assert not after.plan.refusals, after.plan.refusals
        assert self._foreign_state() == self.theirs, "something foreign was touched"

    @staticmethod
    def _was_left_alone(saved: Plan, left: list[dict[str, Any]]) -> bool:
        """Whether what is to be done now was left alone by the plan, because of work that has been returned since."""
        batches = saved.document["batches"]
        for step in left:
            items, batch = step.get("items"), batches.get(step["address"], {})
            alone = [Rows.parse(batch.get(word, "")) for word in ("left", "taken")]
            rows = Rows.parse(items.get("rows", "")) if items else Rows()
            if items and (not rows.count or any(not any(n in r for r in alone) for n in range(1, 100) if n in rows)):
                return False
            if not items and not step["address"].startswith("hit_type."):
                return False
        return True

    def _is_deterministic(self, saved: Plan, choices: dict[str, Any]) -> None:
        volatile = ("id", "made_at", "valid_until", "digest")
        once, again = saved.document, self.life.look(**choices).plan.document
        assert {k: v for k, v in once.items() if k not in volatile} == json.loads(
            json.dumps({k: v for k, v in again.items() if k not in volatile})
        )

    def _is_refused(self, choices: dict[str, Any]) -> None:
        hits = self.life.hits()
        if not self.life.look(**choices).plan.refusals:
            return  # work has made it possible since
        try:
            self.life.apply(**choices)
        except RefusedError:
            pass
        else:
            raise AssertionError("a refused plan was applied")
        assert self.life.hits() == hits

    @staticmethod
    def _steps(plan: Plan) -> set[str]:
        """What there is to do. A plan that leaves a type as it is rests on there being nothing to do about it."""
        return {step["address"] for step in plan.document["steps"]}

    def _interfere(self, saved: Plan, number: int, choices: dict[str, bool]) -> bool:
        """Somebody changes what the plan rests on; whether it was changed."""
        how = ("expire", "extend", "delete", "edit a file", "edit the type")[number % 5]
        tell(f"interference: {how}")
        if how == "edit a file":
            self.edit("row", "a", f"edited {number}")
            return True
        if how == "edit the type":
            ours = "qualification_type.ours"
            types = self._types() if saved.document["rests_on"].get(ours, {}).get("facts") else []
            self.owner("edit type", number + 100)
            return bool(types) or ours in self._steps(self.life.look(**choices).plan) - self._steps(saved)
        entries = [
            entry for step in saved.document["steps"] for entry in (step.get("items") or {}).get("listed", ())
            if "hit" in entry
        ]  # fmt: skip
        if not entries:
            return False
        entry, client = entries[number % len(entries)], self.life.server.client()
        before = client.get_hit(HITId=entry["hit"])["HIT"]
        try:
            if how in {"expire", "delete"}:
                expire(client, entry["hit"], number)
            if how == "extend":
                client.create_additional_assignments_for_hit(HITId=entry["hit"], NumberOfAdditionalAssignments=1)
            if how == "delete":
                client.delete_hit(HITId=entry["hit"])
        except ClientError:
            pass
        after = client.get_hit(HITId=entry["hit"])["HIT"]
        return any(before[name] != after[name] for name in ("Expiration", "MaxAssignments")) or (
            after["HITStatus"] == "Disposed"
        )

    def _is_stale(self, saved: Plan, choices: dict[str, Any]) -> None:
        hits, runs = self.life.hits(), self._runs()
        assert self.life.moved(saved, **choices), "somebody changed a fact, and the plan stayed true"
        try:
            self.life.apply_saved(saved, **choices)
        except StalePlanError:
            pass
        else:
            raise AssertionError("a stale plan was applied")
        assert (self.life.hits(), self._runs()) == (hits, runs), "something was sent"

    def _runs(self) -> int:
        with Journal.open(self.life.folder / "journal.sqlite", create=True) as journal:
            return len(journal.runs())

    def _did_no_more(self, saved: Plan, before: dict[str, Any]) -> None:
        """Every HIT that is there, gone or changed since is one that the plan names, under a step that does that."""
        named: dict[str, set[str]] = {}
        for step in saved.document["steps"]:
            for entry in (step.get("items") or {}).get("listed", ()):
                named.setdefault(entry.get("hit", ""), set()).add(step.get("op", ""))
                named.setdefault(f"{step['address']} {entry['key']}", set()).add(step.get("op", ""))
        after = {h["HITId"]: h for h in self.life.hits()}
        for hit in after.keys() - before.keys():
            batch, _, marked = str(after[hit]["RequesterAnnotation"]).partition("/")[2].rpartition("/")
            key = f"batch.{batch.partition('@')[0]} {marked.partition('#')[0]}"
            assert {"create", "replace", "move"} & named.get(key, set()), f"{key} was published unplanned"
        for hit in before.keys() - after.keys():
            assert {"replace", "retire", "move", "discard"} & named.get(hit, set()), f"{hit} was deleted unplanned"
        for hit in before.keys() & after.keys():
            for name, ops in _CHANGES.items():
                assert before[hit][name] == after[hit][name] or ops & named.get(hit, set()), f"{hit}: {name} unplanned"


_CHANGES = {
    "HITTypeId": {"move"},
    "MaxAssignments": {"extend"},
    "Expiration": {"prolong", "close", "retire", "replace"},
}


def tell(text: str) -> None:
    """Count it among what the worlds came to, where that is asked for."""
    if currently_in_test_context():
        event(text)


def expire(client: Any, hit: str, number: int) -> None:
    """Expire a HIT by hand, another second each time."""
    client.update_expiration_for_hit(HITId=hit, ExpireAt=datetime(2015, 6, 1, tzinfo=UTC) + timedelta(seconds=number))


def play(life: Life, scenario: Iterable[Deed]) -> None:
    """Act out a scenario, every law held."""
    world = World(life)
    acts: dict[str, Callable[..., None]] = {"plan": world.carry_out}
    for deed in scenario:
        who, *what = deed
        if who in acts:
            acts[who](*what[:2], destroy=bool(what[2:] and what[2]))
        else:
            world.do(deed)


def as_test(scenario: Iterable[Deed]) -> str:
    """The scenario as a test that can be pasted."""
    deeds = "".join(f"            {deed!r},\n" for deed in scenario)
    head = "def test_found_in_some_world(life: Life) -> None:\n    play(\n        life,\n        [\n"
    return f"{head}{deeds}        ],\n    )\n"
