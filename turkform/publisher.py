"""What an item's change means in calls: create, revert, move, extend, prolong, expire, replace, retire.

In: an `ItemChange` and the batch it belongs to. Out: what became of it, as a `Result`. Workers move on
between plan and apply, so every kind of change has its narrower: what it turns into when its fact no
longer holds. A narrower does less and costs less, never more.

    create  ── somebody's marker is there already ──> adopt it
    move    ── accepted meanwhile ──> keep           replace ── accepted meanwhile ──> restore and keep
    retire  ── work on it ──> expired and kept
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from turkform.account import CallRefusedError
from turkform.doers import Result
from turkform.entries import Outcome
from turkform.errors import TurkformError
from turkform.item_change import ItemChange, Op
from turkform.items import FINGERPRINT_VERSION, Marker
from turkform.observed import read_hit
from turkform.publication import TOLERANCE, Publication
from turkform.sender import Announced, Request, Sender, Verdict, past, token

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from turkform.hits import HIT
    from turkform.kinds.resource import Address
    from turkform.memory import Ending

_RESTING = {Op.MOVE, Op.EXTEND, Op.PROLONG, Op.REPLACE, Op.RETIRE}
"""What rests on how the HIT was read; to close it can only save money, and to discard it looks for itself."""
_FRESH = 60.0
"""Seconds after its creation in which a HIT may refuse changes (CreateHIT in the API reference)."""
_ID = re.compile(r"\b[A-Z0-9]{20,64}\b")


@dataclass(frozen=True, slots=True)
class Publisher:
    """Carries out the changes of one batch."""

    sender: Sender
    campaign: str
    address: Address
    publication: Publication
    type_id: Callable[[], str]
    """The id of the declared HIT type, known once its step is done."""
    ending: Ending = "retire"

    def announce(self, changes: Sequence[ItemChange]) -> list[Announced]:
        """Journal what publishes new items, together; each is then carried out by itself."""
        return self.sender.announce([self._creation(change, change.cents[0]) for change in changes])

    def carry_out(self, change: ItemChange, announced: Announced | None = None) -> Result:
        """Do everything the change says, in its order; stop at the first narrower."""
        cents, narrowed = 0, ""
        if change.hit is not None and _RESTING & set(change.ops) and self._gone(change, change.hit):
            return Result(0, "kept: it is gone")
        for op, price in zip(change.ops, change.cents, strict=True):
            match op:
                case Op.CREATE:
                    result = self._create(change, price, announced)
                case Op.REPLACE:
                    result = self._replace(change, price)
                case Op.REVERT:
                    result = self._revert(change)
                case Op.MOVE:
                    result = self._move(change, price)
                case Op.EXTEND:
                    result = self._extend(change, price)
                case Op.PROLONG:
                    result = self._prolong(change, price)
                case Op.CLOSE:
                    result = self._expire(change, "end" if self.publication.source else self.ending)
                case Op.RETIRE:
                    result = self._retire(change)
                case Op.DISCARD:
                    result = self._discard(change)
                case Op.ARCHIVE:
                    result = self._archive(change)
                case Op.REKEY:
                    result = self._rekey(change)
                case _:
                    result = Result()
            cents += result.cents
            narrowed = narrowed or result.narrowed
            if result.narrowed and op in {Op.MOVE, Op.REPLACE}:
                break
        return Result(cents, narrowed)

    def _gone(self, change: ItemChange, hit: HIT) -> bool:
        """Read the HIT just before it is changed: whether it is gone.

        What workers did to it meanwhile is each op's own to see, and what an earlier apply asked for may have come
        late.

        Raises:
            TurkformError: somebody else has changed what the plan rests on.
        """
        if any(call.detail.get("object") == hit.id for call in self.publication.memory.open):
            return False
        found = read_hit(self.sender.account, hit.id)
        if found is None:
            return True
        extended = self.publication.extended
        if change._replace(hit=found[0]).facts(extended=extended) != change.facts(extended=extended):
            raise TurkformError(
                f"{self.address.item(change.key)}: somebody changed {hit.id} since the plan was made", "Plan again."
            )
        return False

    # --- creating ---------------------------------------------------------------------------------

    def _create(self, change: ItemChange, cents: int, announced: Announced | None = None) -> Result:
        announced = announced or self.sender.announce([self._creation(change, cents)])[0]
        adopted: list[HIT] = []
        try:
            self.sender.dispatch(announced, lambda error: self._made_before(change, error, announced.request, adopted))
        except CallRefusedError as error:
            if not error.repeated_token:
                raise
            # It made a HIT that is gone again: that one is history, and the item still wants one.
            return self._create(change._replace(generation=change.generation + 1), cents)
        for hit in adopted:
            self._note_adopted(change, hit, cents)
        return Result(cents, "adopted: an earlier request had made it" if adopted else "")

    def _creation(self, change: ItemChange, cents: int) -> Request:
        """The call that publishes an item."""
        source = self.publication.source
        assert source is not None
        assert change.item is not None
        batch, number = self.publication.batch
        marker = Marker(
            self.campaign,
            batch,
            number,
            change.stored,
            change.generation,
            FINGERPRINT_VERSION,
            change.fingerprint,
        )
        now = self.sender.now()
        lifetime = source.batch.lifetime_at(datetime.fromtimestamp(now, UTC))
        return Request(
            "CreateHITWithHITType",
            {
                "HITTypeId": self.type_id(),
                "MaxAssignments": source.batch.assignments,
                "LifetimeInSeconds": lifetime,
                **source.template.parameters(change.item.row),
                "RequesterAnnotation": str(marker),
                "UniqueRequestToken": token("CreateHITWithHITType", marker),
            },
            self.address,
            change.stored,
            token("CreateHITWithHITType", marker),
            cents,
            {
                "batch": batch,
                "round": number,
                "generation": change.generation,
                "fingerprint": change.fingerprint,
                "expires": now + lifetime,
            },
        )

    def _made_before(
        self, change: ItemChange, error: CallRefusedError, request: Request, adopted: list[HIT]
    ) -> Verdict:
        """The token was used before: find the HIT it made, named in the refusal, and compare it.

        Raises:
            TurkformError: it bears another marker.
        """
        if not error.repeated_token:
            return None
        candidates = _ID.findall(error.message.replace(request.token, ""))
        for candidate in candidates:
            found = read_hit(self.sender.account, candidate)
            if found is None:
                continue
            hit, seen = found
            if str(seen) != request.parameters["RequesterAnnotation"]:
                raise TurkformError(
                    f"{self.address.item(change.key)}: {hit.id} answers to this item's token and bears another marker",
                    "Somebody publishes this campaign from elsewhere; look at it with `turkform log`.",
                )
            adopted.append(hit)
            return Outcome.DONE, hit.id
        # A refusal that names nothing proves no disposal: buying again on its word would buy twice.
        return (Outcome.FAILED if candidates else Outcome.UNKNOWN), ""

    def _note_adopted(self, change: ItemChange, hit: HIT, cents: int) -> None:
        batch, number = self.publication.batch
        self.sender.run.note_adopted(
            address=str(self.address), batch=batch, round=number, key=change.stored, hit_id=hit.id,
            generation=hit.generation, fingerprint=hit.fingerprint, cents=cents, created=hit.created,
            expires=hit.expires,
        )  # fmt: skip

    # --- changing ---------------------------------------------------------------------------------

    def _revert(self, change: ItemChange) -> Result:
        """Back to Reviewable; somebody may have done that, or opened it, already."""
        hit = _hit(change)
        request = self._about(hit, "UpdateHITReviewStatus", {"Revert": True}, change, 0)
        try:
            self.sender.send(request, lambda _: self._judged(hit, lambda now: now.status != "Reviewing"))
        except CallRefusedError:
            if read_hit(self.sender.account, hit.id) is not None:
                raise
            return Result(0, "kept: it is gone")
        return Result()

    def _move(self, change: ItemChange, cents: int) -> Result:
        hit = _hit(change)
        type_id = self.type_id()
        request = self._about(hit, "UpdateHITTypeOfHIT", {"HITTypeId": type_id}, change, cents, type=type_id)
        try:
            self._while_fresh(hit, request, lambda now: now.type_id == type_id)
        except CallRefusedError as error:
            if error.turk_code != "InvalidHITState":
                raise
            # Accepted, then returned: it looks untouched and still cannot move. Or a worker was faster.
            now = read_hit(self.sender.account, hit.id)
            if now is not None and now[0].type_id == type_id:
                return Result(cents)  # an earlier apply's request was late, and did it
            if now is None or not now[0].untouched:
                return Result(0, "kept: a worker has accepted it")
            return self._replace(change._replace(hit=now[0]), cents)
        return Result(cents)

    def _extend(self, change: ItemChange, cents: int) -> Result:
        hit = _hit(change)
        found = read_hit(self.sender.account, hit.id)
        if found is None:
            return Result(0, "kept: it is gone")
        wanted = hit.maximum + change.more
        more = wanted - found[0].maximum
        if more <= 0:
            return Result(0, "kept: it has the places already")
        name = "CreateAdditionalAssignmentsForHIT"
        key = token(name, hit.id, found[0].maximum, wanted)
        request = self._about(
            hit,
            name,
            {"NumberOfAdditionalAssignments": more, "UniqueRequestToken": key},
            change,
            cents,
            maximum=wanted,
        )
        self._while_fresh(hit, request, lambda now: now.maximum >= wanted)
        return Result(cents)

    def _prolong(self, change: ItemChange, cents: int) -> Result:
        hit = _hit(change)
        return self._set_end(hit, change.expires, change, cents, "")

    def _set_end(self, hit: HIT, end: float, change: ItemChange, cents: int, ending: Ending) -> Result:
        """Move Expiration; the very same instant twice is refused, so a second try is a second later."""
        for second in range(int(TOLERANCE)):
            at = datetime.fromtimestamp(round(end) + second, UTC)
            request = self._about(
                hit,
                "UpdateExpirationForHIT",
                {"ExpireAt": at},
                change,
                cents,
                ending=ending,
                expires=at.timestamp(),
            )
            try:
                self._while_fresh(hit, request, lambda now: _reached(now, end, self.sender.now()))
            except CallRefusedError as error:
                if read_hit(self.sender.account, hit.id) is None:
                    return Result(0, "kept: it is gone")
                if not error.repeated_token:
                    raise
            else:
                return Result(cents)
        return Result(0, "kept: its end could not be moved")

    def _rekey(self, change: ItemChange) -> Result:
        pairs = [(hit.id, change.stored) for hit in self.publication.hits.get(change.was, [])]
        known = self.publication.known.get(change.was)
        if not pairs and known is not None:
            pairs = [(known.id, change.stored)]
        self.sender.run.note_rekey(address=str(self.address), round=self.publication.batch[1], pairs=pairs)
        return Result()

    # --- ending -----------------------------------------------------------------------------------

    def expire(self, change: ItemChange) -> Result:
        """Expire an item's HIT now, for this publisher's reason."""
        return self._expire(change, self.ending)

    def _expire(self, change: ItemChange, ending: Ending) -> Result:
        return self._set_end(_hit(change), past(self.sender.now()).timestamp(), change, 0, ending)

    def _retire(self, change: ItemChange) -> Result:
        """Expire, look, and delete only where nobody ever took it."""
        hit = _hit(change)
        if hit.expires > self.sender.now():
            expired = self._expire(change, self.ending)
            if expired.narrowed:
                return expired
        return self._delete(hit, change)

    def _discard(self, change: ItemChange) -> Result:
        """Delete it with its answers, as a person asked for, unless some of them are not reviewed."""
        hit = _hit(change)
        found = read_hit(self.sender.account, hit.id)
        if found is not None and (found[0].pending or found[0].submitted):
            return Result(0, "kept: work on it is not reviewed")
        if any(call.detail.get("hit") == hit.id for call in self.publication.memory.open):
            return Result(0, "kept: whether a payment on it was made is not known yet")
        if found is not None:
            try:
                request = self._about(hit, "DeleteHIT", {}, change, 0, untouched=False)
                self.sender.send(request, lambda _: self._judged(hit, lambda _: False, gone=True))
            except CallRefusedError as error:
                if error.turk_code != "InvalidHITState":
                    raise
                return Result(0, "kept: work on it is not reviewed")
        return Result()

    def _archive(self, change: ItemChange) -> Result:
        """Delete it, now that every answer is stored; not where one came in since."""
        planned = _hit(change)
        found = read_hit(self.sender.account, planned.id)
        if found is not None and found[0].completed != planned.completed:
            return Result(0, "kept: more was handed in than is stored")
        return self._discard(change)

    def _replace(self, change: ItemChange, cents: int) -> Result:
        """Expire the old one, look, delete it, *then* publish the next generation."""
        hit = _hit(change)
        if hit.expires > self.sender.now():
            expired = self._expire(change, "replace")
            if expired.narrowed:
                return expired
        deleted = self._delete(hit, change)
        if deleted.narrowed:
            if hit.expires > self.sender.now():
                self._set_end(hit, hit.expires, change, 0, "")
            return deleted
        created = self._create(change._replace(generation=hit.generation + 1), self.publication.whole())
        return Result(cents, created.narrowed)

    def _delete(self, hit: HIT, change: ItemChange) -> Result:
        """Delete a HIT that is untouched; one that somebody else deleted is not known to be unbought."""
        found = read_hit(self.sender.account, hit.id)
        if found is None:
            return Result(0, "kept: it is gone")
        if not found[0].untouched:
            return Result(0, "kept: a worker has taken it meanwhile")
        try:
            self.sender.send(
                self._about(hit, "DeleteHIT", {}, change, 0, untouched=True),
                lambda _: self._judged(hit, lambda _: False, gone=True),
            )
        except CallRefusedError as error:
            if error.turk_code == "InvalidHITState" and read_hit(self.sender.account, hit.id) is not None:
                return Result(0, "kept: a worker has taken it meanwhile")
            if error.turk_code in {"InvalidHITState", "HITDoesNotExist"}:
                return Result(0, "kept: it is gone")
            raise
        return Result()

    # --- sending ----------------------------------------------------------------------------------

    def _about(
        self,
        hit: HIT,
        operation: str,
        parameters: dict[str, Any],
        change: ItemChange,
        cents: int,
        **detail: Any,
    ) -> Request:
        """A call about an existing HIT, with what the journal has to keep of it."""
        batch, number = self.publication.batch
        return Request(
            operation,
            {"HITId": hit.id, **parameters},
            self.address,
            change.stored,
            str(parameters.get("UniqueRequestToken", "")),
            cents,
            {"batch": batch, "round": number, "generation": hit.generation, **detail},
            hit.id,
        )

    def _while_fresh(self, hit: HIT, request: Request, reached: Callable[[HIT], bool]) -> None:
        """A HIT may refuse changes in its first minute: try again, for that HIT only.

        `reached` says whether the HIT is as wanted, where an earlier request may have changed it.
        """
        pause = 0.5
        while True:
            try:
                self.sender.send(request, lambda _: self._judged(hit, reached))
            except CallRefusedError as error:
                fresh = self.sender.now() - hit.created < _FRESH
                if error.repeated_token or error.turk_code or not fresh or self.sender.stop.requested:
                    raise
                self.sender.stop.pause(pause)
                pause = min(8.0, pause * 2)
            else:
                return

    def _judged(self, hit: HIT, reached: Callable[[HIT], bool], *, gone: bool = False) -> Verdict:
        """Read a HIT to see whether an earlier request did it; `gone` where it was to be deleted."""
        now = read_hit(self.sender.account, hit.id)
        done = gone if now is None else reached(now[0])
        return (Outcome.DONE if done else Outcome.FAILED), hit.id


def _hit(change: ItemChange) -> HIT:
    assert change.hit is not None
    return change.hit


def _reached(hit: HIT, end: float, now: float) -> bool:
    """Whether the HIT ends as wanted: expired where the past was asked for, else within the tolerance."""
    return hit.expires <= now if end <= now else abs(hit.expires - end) <= TOLERANCE
