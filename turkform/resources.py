"""The steps of a plan that are one thing each: record, qualification types, terms, settings, whose things are.

In: a `Step`. Out: calls, and the ids that they bring, for the steps that come after. A name is a token here: that
it is taken means that an earlier request took it, or that it is not free again yet.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from turkform.account import CallRefusedError
from turkform.changes import Action, TypeChange
from turkform.entries import Outcome
from turkform.errors import RefusedError, TurkformError
from turkform.kinds.notification import UPDATE
from turkform.kinds.qualification_type import QualificationType, remembered
from turkform.kinds.resource import Pending
from turkform.notifications import Setting
from turkform.observed import Record, find_own_type, get_type
from turkform.ownership import Claim
from turkform.past import DISOWN, OWN, PROTECT
from turkform.sender import Request, Sender, Verdict
from turkform.steps import RECORD

if TYPE_CHECKING:
    from collections.abc import Callable

    from turkform.journal import Journal
    from turkform.kinds.resource import Address
    from turkform.steps import Step
    from turkform.survey import Survey

_SEARCH_LAG = 60.0
"""A new qualification type shows in the search after up to so many seconds."""
_YOUNG = 5.0
"""Seconds by which two readings of the endpoint's clock may differ: it is told in whole ones."""


class NotYetError(TurkformError):
    """It cannot be done yet: what depends on it waits with it."""


class Resources:
    """Carries out those steps for one apply. Shared by its threads."""

    def __init__(self, survey: Survey, journal: Journal, sender: Sender) -> None:
        self.survey, self.journal, self.sender = survey, journal, sender
        self.ids: dict[Address, str] = dict(survey.found.ids)
        """Of what exists, and of what the steps so far have made."""

    def carry_out(self, step: Step) -> str:
        """Carry it out; what is returned says why the rest of it has to wait."""
        if isinstance(step.subject, Claim):
            self._claim(step.subject)
            return ""
        if step.action is Action.DELETE and isinstance(step.subject, TypeChange):
            return self._drop_type(step, step.subject)
        if step.address == RECORD:
            self._record()
        elif step.address.kind == "hit_type":
            sent = self.sender.send(Request("CreateHITType", self._filled(step.parameters), step.address))
            self.ids[step.address] = sent.object_id
        elif isinstance(step.subject, Setting):
            self._notify(step, step.subject)
        elif isinstance(step.subject, TypeChange):
            self._type(step, step.subject)
        return ""

    def _claim(self, claim: Claim) -> None:
        """Remember whose things are."""
        operation = {"import": OWN, "move": OWN, "forget": DISOWN}.get(claim.word, PROTECT)
        for object_id, worker in claim.objects:
            detail: dict[str, Any] = {"name": claim.name} if claim.name else {}
            if operation == PROTECT:
                detail["protected"] = claim.word == "protect"
            elif worker:
                detail["type"] = object_id
            self.sender.note(Request(operation, {}, claim.address, worker, detail=detail, object_id=object_id))

    def _notify(self, step: Step, setting: Setting) -> None:
        """Nothing reads settings back, so what was sent is remembered; sending them again is harmless."""
        parameters = self._filled(step.parameters)
        type_id = str(parameters["HITTypeId"])
        digest = setting.desired.digest if setting.desired else ""
        detail = {"type": type_id, "value": digest}
        request = Request(UPDATE, parameters, step.address, detail=detail, object_id=type_id)
        try:
            self.sender.send(request)
        except CallRefusedError as error:
            if setting.desired is not None or not error.turk_code.endswith("DoesNotExist"):
                raise
            self.sender.note(request)  # the HIT type went with a qualification type, and its settings with it

    def _filled(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Parameters with every `Pending` replaced by the id that an earlier step brought."""
        return {name: self._fill(value) for name, value in parameters.items()}

    def _fill(self, value: Any) -> Any:
        match value:
            case Pending():
                return self.ids[value.address]
            case Mapping():
                return self._filled(value)
            case list():
                return [self._fill(part) for part in value]
            case _:
                return value

    def _type(self, step: Step, change: TypeChange) -> None:
        if change.observed is None:
            self.ids[step.address] = self._create_type(step, change)
        else:
            self._still_as_observed(step, change)
            self.sender.send(
                Request(
                    step.operations[0],
                    step.parameters,
                    step.address,
                    detail={"name": str(change.observed.values["name"]), "values": _given(change)},
                    object_id=change.observed.id,
                )
            )

    def _create_type(self, step: Step, change: TypeChange) -> str:
        """The name is the token: taken means an earlier request made it, or it is not free again yet.

        Raises:
            NotYetError: somebody has deleted the type of this name, and nobody can say when it is free.
        """
        name, taken = str(step.parameters["Name"]), list[str]()
        lag = 0.0 if name in self.survey.memory.freed else _SEARCH_LAG
        detail: dict[str, Any] = {"name": name, "values": _given(change)}
        if change.replaces:
            detail["replaces"] = change.replaces
        if change.desired is not None and change.desired.prevent_destroy:
            detail["protected"] = True
        request = Request(step.operations[0], step.parameters, step.address, detail=detail)
        try:
            return self.sender.send(request, self._named(name, taken, lag)).object_id
        except CallRefusedError as error:
            if taken:
                return taken[0]
            if error.turk_code != "QualificationTypeAlreadyExists":
                raise
            raise NotYetError(
                f'the name "{name}" is not free yet: that of a deleted type stays taken for up to 48 h'
            ) from None

    def _named(self, name: str, taken: list[str], lag: float) -> Callable[[CallRefusedError], Verdict]:
        """Judge whether a name is taken by an earlier request of the same call: then the type is as young as the call.

        Whosever it is, its id is put into `taken`.
        """
        began = self.sender.now()

        def judge(error: CallRefusedError) -> Verdict:
            found = self._search(name, lag) if error.turk_code == "QualificationTypeAlreadyExists" else None
            wire = get_type(self.sender.account, found) if found else None
            if found is None or wire is None:
                return None
            taken.append(found)
            young = wire["CreationTime"].timestamp() >= began - _YOUNG
            return (Outcome.DONE if young else Outcome.FAILED), found

        return judge

    def _search(self, name: str, seconds: float) -> str | None:
        """The id of an own type by its name, waiting out the search's lag."""
        deadline = time.monotonic() + seconds
        while True:
            found = find_own_type(self.sender.account, name)
            if found is not None:
                return found.id
            if time.monotonic() >= deadline or self.sender.stop.requested:
                return None
            self.sender.stop.pause(2.0)

    def _still_as_observed(self, step: Step, change: TypeChange) -> None:
        """Somebody else's edit since the plan must not be overwritten unseen."""
        assert change.observed is not None
        wire = get_type(self.sender.account, change.observed.id)
        if wire is None or QualificationType.from_wire(wire) != change.observed.values:
            raise TurkformError(f"{step.address}: somebody changed it since the plan was made", "Plan again.")

    def _drop_type(self, step: Step, change: TypeChange) -> str:
        """Delete where no HIT requires it; deleting it then would take their HIT types with it."""
        assert change.observed is not None
        type_id = change.observed.id
        body = self.sender.account.read(
            "ListHITsForQualificationType", {"QualificationTypeId": type_id, "MaxResults": 1}
        ).body
        detail: dict[str, Any] = {"name": str(change.observed.values["name"])}
        if not body.get("HITs"):
            self.sender.send(
                Request("DeleteQualificationType", step.parameters, step.address, detail=detail, object_id=type_id),
                lambda _: (Outcome.FAILED if get_type(self.sender.account, type_id) else Outcome.DONE, type_id),
            )
            return ""
        if change.observed.values.get("status") == "active":
            inactive = {**step.parameters, "QualificationTypeStatus": "Inactive"}
            detail["values"] = {"status": "inactive"}
            self.sender.send(
                Request("UpdateQualificationType", inactive, step.address, detail=detail, object_id=type_id)
            )
        return "deletion waits: HITs still require it"

    def _record(self) -> None:
        """Make the campaign record, or find that this journal's was made: a compare-and-swap by name."""
        desired, now = self.survey.desired, self.survey.observed.now
        campaign = desired.campaign.campaign
        parameters = Record.parameters(campaign, self.journal.id, desired.target.name, now)
        name, taken = Record.name(campaign), list[str]()
        request = Request("CreateQualificationType", parameters, RECORD, detail={"name": name})
        try:
            record_id = self.sender.send(request, self._named(name, taken, _SEARCH_LAG)).object_id
        except CallRefusedError as error:
            if error.turk_code != "QualificationTypeAlreadyExists":
                raise
            record_id = ""
        self.bind(self._own_record(campaign) if taken or not record_id else record_id)

    def bind(self, record_id: str) -> None:
        """Tie the journal to its record."""
        desired = self.survey.desired
        self.journal.bind(
            record_id=record_id, campaign=desired.campaign.campaign, environment=desired.target.name,
            endpoint=desired.target.endpoint,
        )  # fmt: skip

    def _own_record(self, campaign: str) -> str:
        state = find_own_type(self.sender.account, Record.name(campaign))
        if state is None or Record.read(state).journal != self.journal.id:
            raise RefusedError(
                [f'another journal has just taken the campaign name "{campaign}" in this account'],
                "Point `journal:` at the right journal, or take another `campaign:` name.",
            )
        return state.id


def _given(change: TypeChange) -> dict[str, str]:
    """What a type holds after our call about it, for the journal."""
    if change.observed is None:
        assert change.desired is not None
        return remembered(change.desired.values({}))
    changed = {field.field: field.desired for field in change.fields}
    left = {"status": "inactive"} if change.action is Action.DELETE else {}
    return remembered({**change.observed.values, **changed, **left})
