"""A campaign made of what an account holds: what `import --all` writes, and what the journal has to know of it.

In: an account's own qualification types with their grants, its open HITs that no campaign made, its worker blocks. Out:
a `Found`: the campaign's files, and which HIT is which row. Those HITs bear no marker of ours, and nothing can give
them one, so the journal remembers them by id.

HITs that differ in nothing that a batch says once (terms, places, lifetime, kind of question) are one batch. A page
is a row's value, since an account does not say which template it came from.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from turkform import documents
from turkform.carried import Carried, take_requirements, written
from turkform.errors import CampaignError, Location, RefusedError
from turkform.hits import HIT
from turkform.inventory import unit_cents
from turkform.items import FINGERPRINT_VERSION, Marker, fingerprint, stored_key
from turkform.kinds.hit_type import HITType
from turkform.observed import (
    RECORD_PREFIX,
    blocked_workers,
    granted_workers,
    marker_of,
    own_types,
    read_wire,
)
from turkform.offsite import address_problem
from turkform.pages import content
from turkform.printable import many
from turkform.questions import check_page

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from turkform.account import Account
    from turkform.items import Item
    from turkform.kinds.resource import Address
    from turkform.observed import QualificationTypeState
    from turkform.publication import Publication
    from turkform.run import Run
    from turkform.survey import Survey

KEY, PAGE = "hit", "page"
"""Columns of a batch's items: the HIT's id, which names the row, and its page."""
_FEW = 20
"""So many workers stand in the YAML; more go into a file."""
_NAME = 40
_NOWHERE = Path("the account")


class Group(NamedTuple):
    """What the HITs of one batch have in common."""

    type_id: str
    assignments: int
    lifetime: int
    """Seconds."""
    question: tuple[tuple[str, Any], ...]
    """As the campaign file says it; a page is the row's, and not in here."""


@dataclass
class Found:
    """What an account holds, as a campaign."""

    document: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    hits: dict[str, dict[str, Mapping[str, Any]]] = field(default_factory=dict)
    """Batch → HIT id, which is the row's key → the HIT as the API shows it."""

    def write(self) -> dict[str, bytes]:
        """Every file of the campaign, `campaign.yaml` first."""
        comment = "Made by `turkform import --all`, of what the account held."
        contents = {"campaign.yaml": written(self.document, comment, self.notes), **self.files}
        return {name: text.encode() for name, text in contents.items()}


def find(account: Account, campaign: str, environment: str, target: Mapping[str, Any]) -> Found:
    """Read everything that no campaign of turkform made.

    `target` is the environment as the campaign file says it.

    Raises:
        EndpointError: the account cannot be read.
    """
    found = Found({"turkform": 1, "campaign": campaign, "environments": {environment: dict(target)}})
    names = _Names()
    types = {s.id: s for s in own_types(account).values() if not s.values["name"].startswith(RECORD_PREFIX)}
    named = {state.id: names.of(state.values["name"]) for state in types.values()}
    _types(found, account, types, named)
    _hits(found, account, named)
    if blocks := blocked_workers(account):
        reasons = {worker: reason or "imported" for worker, reason in blocks.items()}
        found.document["blocks"] = _workers(found, "blocks.csv", ("worker_id", "reason"), reasons)
    return found


class _Names:
    """Names of resources, each once: `a-z`, digits and `_`."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def of(self, text: str) -> str:
        """A name that is not taken yet, made of what people call the thing."""
        stem = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[: _NAME - 4].rstrip("_")
        stem = stem if stem[:1].isalpha() else f"n_{stem}".rstrip("_")
        name = next(n for n in (stem, *(f"{stem}_{i}" for i in range(2, 1_000_000))) if n not in self._taken)
        self._taken.add(name)
        return name


def _workers(found: Found, path: str, header: Sequence[str], values: Mapping[str, Any]) -> dict[str, Any]:
    """A few workers as a map, more of them as a file."""
    if len(values) <= _FEW:
        return dict(sorted(values.items()))
    rows = io.StringIO()
    csv.writer(rows, lineterminator="\n").writerows([header, *sorted(values.items())])
    found.files[path] = rows.getvalue()
    return {"file": path}


# --- qualification types --------------------------------------------------------------------------


def _types(
    found: Found, account: Account, types: Mapping[str, QualificationTypeState], named: Mapping[str, str]
) -> None:
    for type_id, state in types.items():
        name = named[type_id]
        said = {key: value for key, value in state.values.items() if value not in (None, ()) and key != "test"}
        if state.values.get("test"):
            said["test"] = _test(found, account, type_id, name)
        if holders := granted_workers(account, type_id):
            said["workers"] = _workers(found, f"quals/{name}.csv", ("worker_id", "value"), holders)
        found.document.setdefault("qualification_types", {})[name] = {key: _plain(v) for key, v in said.items()}


def _test(found: Found, account: Account, type_id: str, name: str) -> dict[str, Any]:
    """A test's documents as files; they are the caller's own, so the API shows them."""
    wire = account.read("GetQualificationType", {"QualificationTypeId": type_id}).body["QualificationType"]
    test: dict[str, Any] = {"form": f"quals/{name}.xml", "duration": timedelta(seconds=wire["TestDurationInSeconds"])}
    found.files[test["form"]] = wire["Test"]
    if wire.get("AnswerKey"):
        test["answer_key"] = f"quals/{name}.key.xml"
        found.files[test["answer_key"]] = wire["AnswerKey"]
    return test


def _plain(value: Any) -> Any:
    """Lists for tuples, text for money; numbers, durations and maps as they are."""
    if isinstance(value, tuple):
        return list(value)
    return value if isinstance(value, str | int | dict | timedelta) else str(value)


# --- HITs -----------------------------------------------------------------------------------------


def _hits(found: Found, account: Account, types: Mapping[str, str]) -> None:
    groups: dict[Group, list[Mapping[str, Any]]] = defaultdict(list)
    left: dict[str, int] = defaultdict(int)
    for page in account.pages("ListHITs", "HITs"):
        for hit in page:
            reason = _left_out(hit, account)
            question = None if reason else _question(found, hit.get("Question") or "")
            if question is None:
                left[reason or "have a question that turkform would not publish"] += 1
                continue
            lifetime = round((hit["Expiration"] - hit["CreationTime"]).total_seconds())
            groups[Group(hit["HITTypeId"], hit["MaxAssignments"], lifetime, tuple(question.items()))].append(hit)
    found.notes += [f"{many(count, 'HIT')} left out: they {reason}." for reason, count in sorted(left.items())]
    _batches(found, groups, types)


def _left_out(hit: Mapping[str, Any], account: Account) -> str:
    if Marker.parse(hit.get("RequesterAnnotation") or ""):
        return "belong to another campaign"
    assert account.now is not None
    return "" if hit["Expiration"] > account.now else "have expired"


def _question(found: Found, xml: str) -> dict[str, Any] | None:
    """A HIT's question as the campaign file says it; None where it cannot."""
    if (page := content(xml)) is not None:
        refused = any(problem.severity == "error" for problem in check_page(page, lambda _: Location(_NOWHERE)))
        return None if refused else {"html": "tasks/page.html", "frame_height": _height(xml)}
    try:
        document = documents.read(xml, lambda _: Location(_NOWHERE))
    except CampaignError:
        return None
    kind = documents.name_of(document.root)
    if kind == "ExternalQuestion":
        url = documents.text_of(document.root, "ExternalURL").strip()
        return None if address_problem(url) else {"external": url, "frame_height": _height(xml)}
    if kind == "QuestionForm" and not documents.check(document, (kind,)):
        text = xml.replace("${", "$${")
        path = next((p for p, known in found.files.items() if known == text), None)
        path = path or f"tasks/form_{sum(p.startswith('tasks/form_') for p in found.files) + 1}.xml"
        found.files[path] = text
        return {"form": path}
    return None


def _height(xml: str) -> int:
    said = re.search(r"<FrameHeight>\s*([0-9]+)\s*</FrameHeight>", xml)
    return int(said[1]) if said else 0


def _batches(found: Found, groups: Mapping[Group, list[Mapping[str, Any]]], types: Mapping[str, str]) -> None:
    hit_types, names, batch_names = dict[str, str](), _Names(), _Names()
    for group, hits in groups.items():
        if group.type_id not in hit_types:
            hit_types[group.type_id] = names.of(hits[0]["Title"])
            terms = _terms(found, hits[0], types)
            found.document.setdefault("hit_types", {})[hit_types[group.type_id]] = terms
        name = batch_names.of(hit_types[group.type_id])
        items = f"data/{name}.jsonl"
        pages = "html" in dict(group.question)
        rows = [{KEY: hit["HITId"]} | ({PAGE: content(hit["Question"])} if pages else {}) for hit in hits]
        found.files[items] = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        if pages:
            found.files["tasks/page.html"] = "${page}\n"
        found.document.setdefault("batches", {})[name] = {
            "hit_type": hit_types[group.type_id],
            "question": dict(group.question),
            "items": items,
            "key": KEY,
            "assignments": group.assignments,
            "lifetime": timedelta(seconds=group.lifetime),
        }
        found.hits[name] = {hit["HITId"]: hit for hit in hits}


def _terms(found: Found, hit: Mapping[str, Any], types: Mapping[str, str]) -> dict[str, Any]:
    values = HITType.from_wire(hit)
    said = {key: _plain(v) for key, v in values.items() if v not in (None, ()) and key != "requirements"}
    carried = Carried("", "")
    take_requirements(carried, hit.get("QualificationRequirements") or ())
    requirements = [_own(one, types) for one in carried.hit_type.get("requirements", ())]
    found.notes += [note for note in carried.notes if not any(type_id in note for type_id in types)]
    return said | ({"requirements": requirements} if requirements else {})


def _own(requirement: dict[str, Any], types: Mapping[str, str]) -> dict[str, Any]:
    """A requirement on an own type by its name."""
    name = types.get(requirement.get("id", ""))
    return (
        requirement if name is None else {"qualification": name} | {k: v for k, v in requirement.items() if k != "id"}
    )


# --- what the journal has to know -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Adopted:
    """One HIT that is one item's from now on."""

    address: Address
    """Of the item."""
    batch: str
    round: int
    hit: HIT
    cents: int
    same: bool
    """Its question is what the item's would be."""

    def note(self, run: Run) -> None:
        """Write it down."""
        run.note_adopted(
            address=str(self.address.parent), batch=self.batch, round=self.round, key=self.hit.key, hit_id=self.hit.id,
            generation=self.hit.generation, fingerprint=self.hit.fingerprint, cents=self.cents,
            created=self.hit.created, expires=self.hit.expires,
        )  # fmt: skip


def adopt_all(survey: Survey, found: Found) -> Iterator[Adopted]:
    """Every HIT of a campaign that `find` made, as the row it became."""
    for address, publication in survey.found.publications.items():
        assert publication.source is not None
        for item in publication.source.items():
            wire = found.hits[address.name][item.row[KEY]]
            yield _adopted(survey, address, publication, item, wire, same=True)


def adopt_one(survey: Survey, wanted: Address, hit_id: str) -> Adopted:
    """One HIT as an item that has none.

    Raises:
        RefusedError: no such row, or it has a HIT; no such HIT, or it is somebody's already.
    """
    publication = survey.found.publications.get(wanted.parent)
    if publication is None or publication.source is None:
        raise RefusedError([f"{wanted.parent} is not declared"])
    item = next((item for item in publication.source.items() if item.key == wanted.key), None)
    if item is None:
        raise RefusedError([f'{wanted}: no row has the key "{wanted.key}"'])
    stored = stored_key(item.key)
    if stored in publication.hits or stored in publication.known:
        raise RefusedError([f"{wanted} has or had a HIT already; taking over another would buy the row twice"])
    wire = read_wire(survey.account, hit_id)
    if wire is None:
        raise RefusedError([f"there is no HIT {hit_id} in this account"])
    if marker := marker_of(wire, survey.account.imported):
        raise RefusedError([f"{hit_id} is campaign {marker.campaign}'s already: {marker}"])
    same = wire.get("Question") == publication.source.template.render(item.row)
    return _adopted(survey, wanted.parent, publication, item, wire, same=same)


def _adopted(
    survey: Survey, address: Address, publication: Publication, item: Item, wire: Mapping[str, Any], *, same: bool
) -> Adopted:
    """A question that is not the item's gets a fingerprint of its own, so that the next plan sees the difference."""
    assert publication.source is not None
    batch, number = publication.batch
    own = publication.source.template.fingerprint(item.row)
    print_ = own if same else fingerprint({"imported": wire["HITId"], "question": wire.get("Question")})
    campaign = survey.desired.campaign.campaign
    marker = Marker(campaign, batch, number, stored_key(item.key), 1, FINGERPRINT_VERSION, print_)
    hit = _hit(wire, marker)
    cents = hit.maximum * unit_cents(wire, survey.desired.target.fees)
    return Adopted(address.item(item.key), batch, number, hit, cents, same)


def _hit(wire: Mapping[str, Any], marker: Marker) -> HIT:
    """A HIT as one of ours, under the marker it goes by."""
    return HIT(
        id=wire["HITId"],
        key=marker.key,
        generation=marker.generation,
        version=marker.version,
        fingerprint=marker.fingerprint,
        type_id=wire["HITTypeId"],
        created=wire["CreationTime"].timestamp(),
        expires=wire["Expiration"].timestamp(),
        maximum=wire["MaxAssignments"],
        available=wire["NumberOfAssignmentsAvailable"],
        pending=wire["NumberOfAssignmentsPending"],
        completed=wire["NumberOfAssignmentsCompleted"],
        status=wire["HITStatus"],
    )
