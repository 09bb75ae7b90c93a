"""What becomes of each item of a batch: publish, change, keep, retire, or leave alone.

In: a batch's rows as a stream, the HITs that carry its marker, what the journal remembers. Out: a
stream of `ItemChange`, in file order, and a `Tally` of everything that is only a note. Pure: no clock,
no I/O but the rows. The stream can be run again; a million items are never held at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from turkform.choices import ALL, NONE, Keys
from turkform.item_change import ItemChange, Op
from turkform.items import FINGERPRINT_VERSION, Item, stored_key
from turkform.kinds.batch import CROWD
from turkform.matching import Matching
from turkform.memory import TOKEN_LIFE, Knowns
from turkform.money import NOTHING, Cost
from turkform.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from turkform.approval import ApprovedRows
    from turkform.campaign import Source
    from turkform.hits import HIT, HITs
    from turkform.memory import Known, Memory, OpenCall
    from turkform.observed import BatchKey
    from turkform.pricing import Terms

TOLERANCE = 5.0
"""Seconds by which an Expiration may differ from the wanted one: the clock moves while calls are made."""
SHORTEST = timedelta(seconds=30)
"""LifetimeInSeconds is at least 30: a batch that ends sooner is closed."""
FORGETTING = timedelta(days=90).total_seconds()
"""A HIT that has been over for so long is to be warned of: the API disposes of it, answers and all, after 120 days."""
SETTLING = 60.0
"""Seconds after which a listing shows what a call did."""


@dataclass
class Publication:
    """One batch, both sides at hand; `changes()` says what becomes of each item.

    `source` None stands for a batch that is not declared any more, or that `destroy` takes down: all of
    its HITs are retired.
    """

    batch: BatchKey
    source: Source | None
    hits: HITs
    memory: Memory
    terms: Mapping[str, Terms]
    """Of each observed HIT type."""
    desired_terms: Terms | None
    now: datetime
    local: float
    """This machine's clock, in epoch seconds: ages are the greater of the two differences."""
    reopen: Keys = NONE
    """Stored keys of the items to open again."""
    discard: Keys = NONE
    """Stored keys of the items whose answers may be lost."""
    chosen: Keys = ALL
    """Stored keys of the items that the plan is about."""
    waits: str = ""
    """Why nothing can be published or moved yet; empty where it can."""
    approved: ApprovedRows | None = None
    """Of the saved plan that is carried out; None where a plan is made afresh."""

    @cached_property
    def known(self) -> Knowns:
        """HITs of this batch and round that the journal knows."""
        return self.memory.hits.get(self.batch, Knowns())

    @cached_property
    def matching(self) -> Matching:
        """Which of the HITs belongs to which row."""
        return Matching(self.source, self.hits, self.known, self._as_declared)

    @cached_property
    def open(self) -> Mapping[str, OpenCall]:
        """Creations for this batch and round whose outcome is unknown, by stored key."""
        return {key: call for (batch, key), call in self.memory.open_creates().items() if batch == self.batch}

    @cached_property
    def _ending(self) -> Mapping[str, tuple[float, str]]:
        """HIT id → the end that an open call of ours was to give it, and why: it may have been done."""
        return {
            str(call.detail.get("object")): (float(call.detail["expires"]), str(call.detail.get("ending", "")))
            for call in self.memory.open
            if call.operation == "UpdateExpirationForHIT"
        }

    @cached_property
    def _now(self) -> float:
        return self.now.timestamp()

    @cached_property
    def closed(self) -> bool:
        """Nothing is created, replaced, extended, moved or reopened."""
        if self.source is None:
            return True
        batch = self.source.batch
        return batch.status == "closed" or (batch.ends is not None and batch.ends - self.now < SHORTEST)

    @property
    def extended(self) -> bool:
        """Whether a review policy may add places to HITs of this batch, and move their end."""
        return bool(getattr(self.source and self.source.batch, "review_policies", None))

    # --- deciding ---------------------------------------------------------------------------------

    def changes(self, tally: Tally) -> Iterator[ItemChange]:
        """Every item that is not as declared, rows in file order first, then HITs without a row."""
        published = self.matching.count
        limit = None if self.source is None else self.source.batch.limit
        room = None if limit is None else max(0, limit - published)
        settled = self.matching.settled
        for number, item in enumerate(self._rows(tally), 1):
            tally.total = number
            chosen = stored_key(item.key) in self.chosen
            if number <= len(settled) and settled[number - 1]:
                tally.note("converged", items=chosen)
                continue
            change = self._row(number, item, tally if chosen else Tally(), room)
            if change is None:
                continue
            if room is not None and change.ops == (Op.CREATE,) and change.generation == 1:
                room -= 1
            if chosen:
                yield change
            else:
                tally.note("left out")
        tally.published = published
        for key in self.matching.vanished:
            if key not in self.chosen:
                tally.note("left out", 0)
                continue
            for hit in self.hits.get(key, ()):
                yield self._without_row(hit, tally)

    def _rows(self, tally: Tally) -> Iterable[Item]:
        """The rows to go through; none, and all of them counted, where every one is settled already."""
        settled = self.matching.settled
        if self.source is None or (settled and all(settled) and self.chosen == ALL):
            tally.total = len(settled)
            tally.note("converged", items=len(settled))
            return ()
        return self.source.items()

    def _row(self, number: int, item: Item, tally: Tally, room: int | None) -> ItemChange | None:
        assert self.source is not None
        stored = stored_key(item.key)
        under = self.matching.rekeyed.get(stored, stored)
        hits, known = self.hits.find(under), self.known.get(under)
        if hits and self.matching.gone(under, hits[0]):
            hits = []  # what is left of older generations is retired
        fingerprint = self.source.template.fingerprint(item.row)
        change = ItemChange(
            item.key, stored, (), hit=hits[0] if hits else None, fingerprint=fingerprint, item=item, row=number,
            left=self.approved is not None and number in self.approved.left,
            taken=self.approved is not None and number in self.approved.taken,
        )  # fmt: skip
        change = self._absent(change, known, tally, room) if not hits else self._there(change, known, tally)
        change = change.reverted()
        if under != stored:
            change = change._replace(
                ops=(Op.REKEY, *change.ops), cents=(0, *change.cents), was=under, fields=("key", *change.fields)
            )
        return change if change.ops else None

    def _as_declared(self, hit: HIT, item: Item) -> bool:
        """Whether there is nothing to decide: said before anything else, for there may be a million of these."""
        assert self.source is not None
        return (
            hit.maximum == self.source.batch.assignments
            and hit.expires > self._now
            and abs(hit.expires - self._end(hit)) <= TOLERANCE
            and hit.version <= FINGERPRINT_VERSION
            and not self.terms[hit.type_id].differences
            and not self.closed
            and self.approved is None
            and hit.fingerprint == self.source.template.fingerprint(item.row)
        )

    def _absent(self, change: ItemChange, known: Known | None, tally: Tally, room: int | None) -> ItemChange:
        """No HIT in the account: publish, unless it was published already."""
        call = self.open.get(change.stored)
        generation = 1
        if known is not None:
            if not known.deleted:
                tally.note("gone")
                return change
            generation = known.generation + 1
        if call is not None:
            same = call.detail.get("fingerprint") == change.fingerprint
            if self._settling(call, again=same):
                return change._replace(ops=(Op.WAIT,), cents=(0,), reason="a call of an earlier apply is settling")
            if same:
                generation = int(call.detail.get("generation", generation))
        elif room == 0 and generation == 1:
            tally.note("over limit")
            return change
        if self.closed:
            tally.note("not published")
            return change
        if self.waits or change.left:
            reason = self.waits or "a call of an earlier apply was settling"
            return change._replace(ops=(Op.WAIT,), cents=(0,), reason=reason)
        return change._replace(ops=(Op.CREATE,), cents=(self.whole(),), generation=generation)

    def unknown(self, sent: Collection[str]) -> int:
        """Cents of creations whose outcome is unknown and which are not `sent` again, with the same token."""
        return sum(call.cents for key, call in self.open.items() if key not in sent and key not in self.hits)

    def _settling(self, call: OpenCall, *, again: bool) -> bool:
        """Whether neither token nor account says yet what became of a call; `again` where it is still wanted."""
        now = self.now.timestamp()
        trusted = again and call.age(now, self.local) < TOKEN_LIFE
        return not trusted and call.shown_for(now, self.local) < SETTLING

    def _there(self, change: ItemChange, known: Known | None, tally: Tally) -> ItemChange:
        """A HIT is in the account: compare, and change what can be changed."""
        hit = change.hit
        assert hit is not None
        if hit.version > FINGERPRINT_VERSION:
            tally.refuse("were published by a newer turkform: upgrade it to plan this batch", change.key)
            return change
        change = change._replace(generation=hit.generation)
        if self.approved and change.row in self.approved.publish and hit.fingerprint == change.fingerprint:
            return change._replace(ops=(Op.ADOPT,), cents=(0,))
        if hit.expires <= self.now.timestamp():
            self._forgetting(hit, tally)
            return self._expired(change, hit, known, tally)
        if self.closed:
            return change._replace(ops=(Op.CLOSE,), cents=(0,))
        return self._live(change, hit, known, tally)

    def _forgetting(self, hit: HIT, tally: Tally) -> None:
        if hit.expires < self.now.timestamp() - FORGETTING and not hit.untouched:
            tally.note("forgotten soon", hit.submitted + hit.completed)

    def _live(self, change: ItemChange, hit: HIT, known: Known | None, tally: Tally) -> ItemChange:
        if hit.fingerprint != change.fingerprint:
            if self._keeps("question"):
                tally.note("chosen question", hit.available)
            elif not change.touched or self._held_up(hit):
                return self._replacing(change, hit)
            else:
                tally.note("kept question", hit.available)
                return change.then(Op.KEEP, 0, "question")
        change = self._on_terms(change, hit, tally)
        change = self._more_places(change, hit, tally)
        return self._until(change, hit, known, tally)

    def _held_up(self, hit: HIT) -> bool:
        """Whether nothing but what has to be there first keeps an untouched HIT from new terms and a new question."""
        return bool(self.waits) and hit.untouched

    def _keeps(self, what: Literal["question", "terms"]) -> bool:
        """Whether `on_change` says that an edit of it leaves even untouched HITs alone."""
        return self.source is not None and getattr(self.source.batch.on_change, what) == "keep"

    def _on_terms(self, change: ItemChange, hit: HIT, tally: Tally) -> ItemChange:
        """New terms: an untouched HIT moves, one with work keeps the old ones."""
        own = self.terms[hit.type_id]
        if not own.differences:
            return change
        if self._keeps("terms"):
            tally.note("chosen terms", hit.available)
            return change
        if self._held_up(hit):
            return change.then(Op.WAIT, 0, "hit_type")._replace(reason=self.waits)
        if change.touched:
            tally.note("kept terms", hit.available)
            return change.then(Op.KEEP, 0, "hit_type")
        assert self.desired_terms is not None
        rise = self._held(hit) * (self.desired_terms.unit(hit.maximum) - own.unit(hit.maximum))
        return change.then(Op.MOVE, max(0, rise), "hit_type")

    def _more_places(self, change: ItemChange, hit: HIT, tally: Tally) -> ItemChange:
        """More assignments are added; fewer, or from below ten to ten, is what the API cannot do."""
        assert self.source is not None
        wanted = self.source.batch.assignments
        if wanted == hit.maximum:
            return change
        if wanted < hit.maximum <= self.source.batch.most_assignments:
            tally.note("extended by policy", hit.maximum - wanted)
            return change
        if wanted < hit.maximum:
            tally.refuse(
                f"have {hit.maximum} assignments and {wanted} are declared: MTurk never takes places away. "
                f"Set assignments back to {hit.maximum}, or `turkform close` the items that have enough",
                change.key,
            )
            return change
        if hit.maximum < CROWD <= wanted:
            tally.refuse(
                f"were published with {hit.maximum} assignments, and MTurk cannot raise a HIT from below {CROWD} to "
                f"{CROWD} or more. Set assignments to {CROWD - 1} or less, and ask for the rest in another batch",
                change.key,
            )
            return change
        unit = self._unit_after(change, hit)
        more = wanted - hit.maximum
        return change.then(Op.EXTEND, more * unit, "assignments")._replace(more=more)

    def _unit_after(self, change: ItemChange, hit: HIT) -> int:
        moved = Op.MOVE in change.ops and self.desired_terms is not None
        terms = self.desired_terms if moved and self.desired_terms else self.terms[hit.type_id]
        return terms.unit(hit.maximum)

    def _until(self, change: ItemChange, hit: HIT, known: Known | None, tally: Tally) -> ItemChange:
        """The wanted end, unless somebody else has moved it: that is theirs to undo."""
        wanted = self._end(hit)
        if abs(hit.expires - wanted) <= TOLERANCE:
            if not change.ops:
                tally.note("converged")
            return change
        moved = known is not None and known.expires and abs(hit.expires - known.expires) > TOLERANCE
        if moved and (hit.expires > wanted or change.stored not in self.reopen):
            tally.note("ends later" if hit.expires > wanted else "interference", hit.available)
            return change
        return change.then(Op.PROLONG, 0, "lifetime")._replace(expires=wanted)

    def _expired(self, change: ItemChange, hit: HIT, known: Known | None, tally: Tally) -> ItemChange:
        """Its time is over: by itself, by our hand, or by somebody else's."""
        now, wanted = self.now.timestamp(), self._end(hit)
        asked, ending = self._ending.get(hit.id, (now + 1, ""))
        if asked > now:
            ending = known.ending if known else ""
        same = hit.fingerprint == change.fingerprint or self._keeps("question")
        if self.closed:
            tally.note("closed")
            return change
        reopen = change.stored in self.reopen
        if ending in {"close", "destroy"} and not reopen:
            tally.note("closed by us", hit.available)
            tally.closed = max(tally.closed, known.ended if known else 0.0)
            return change
        if wanted <= now + TOLERANCE:
            if ending in {"end", "retire"} or reopen:
                tally.refuse("are to be reopened, but their time is over: raise `lifetime` or `ends`", change.key)
            tally.note("decayed", hit.available)
            if self.source and self.source.batch.assignments > hit.maximum:
                tally.note("decayed short")
            return change
        expected = known.expires if known and known.expires else hit.expires
        if not ending and not reopen and hit.expires < expected - TOLERANCE:
            tally.note("interference", hit.available)
            return change
        if not same and (not change.touched or self._held_up(hit)):
            return self._replacing(change, hit)
        if not same:
            tally.note("kept question")
            change = change.then(Op.KEEP, 0, "question")
            if ending != "replace":
                return change
            # A replacement was begun, and a worker had taken it: it gets its end back.
            cents = self._reopened(hit) * self._unit_after(change, hit)
            return change.then(Op.PROLONG, cents, "lifetime")._replace(expires=wanted)
        change = self._on_terms(change, hit, tally)
        change = self._more_places(change, hit, tally)
        if hit.available + change.more == 0 or change.taken:
            tally.note("converged")
            return change.then(Op.KEEP, 0, "lifetime")
        cents = self._reopened(hit) * self._unit_after(change, hit)
        return change.then(Op.PROLONG, cents, "lifetime")._replace(expires=wanted)

    def _held(self, hit: HIT) -> int:
        """For how many places of an untouched HIT money is held back: none once nobody can find it."""
        return 0 if hit.expires <= self.now.timestamp() else hit.maximum + self._extension(hit)

    def _reopened(self, hit: HIT) -> int:
        """How many places of an expired HIT money is held back for once it is open again."""
        return hit.available + self._extension(hit)

    def _extension(self, hit: HIT) -> int:
        """How many places review policies may still add to a HIT."""
        return 0 if self.source is None else max(0, self.source.batch.most_assignments - hit.maximum)

    def _replacing(self, change: ItemChange, hit: HIT) -> ItemChange:
        if self.waits:
            return change.then(Op.WAIT, 0, "question")._replace(reason=self.waits)
        before = self._held(hit) * self.terms[hit.type_id].unit(hit.maximum)
        return change.then(Op.REPLACE, max(0, self.whole() - before), "question")

    def _without_row(self, hit: HIT, tally: Tally) -> ItemChange:
        """A HIT that nothing declares: expire it, and delete it where nothing was ever bought."""
        change = ItemChange(hit.key, hit.key, (Op.RETIRE,), (0,), hit, hit.generation, hit.fingerprint)
        if hit.expires > self.now.timestamp() or hit.untouched:
            return change
        self._forgetting(hit, tally)
        if hit.pending:
            reason = f"{hit.pending} assignment{'s' if hit.pending > 1 else ''} in work; delete when done"
            return change._replace(ops=(Op.WAIT,), reason=reason)
        if not hit.submitted and self.memory.answers.get(hit.id) == (hit.completed, hit.completed):
            return change._replace(ops=(Op.ARCHIVE,))
        if hit.key in self.discard and not hit.submitted:
            return change._replace(ops=(Op.DISCARD,))
        tally.note("kept unreviewed" if hit.key in self.discard else "kept answers", hit.submitted + hit.completed)
        return change._replace(ops=(Op.KEEP,))

    def _end(self, hit: HIT) -> float:
        assert self.source is not None
        batch = self.source.batch
        if batch.lifetime is not None:
            return hit.created + batch.lifetime.total_seconds()
        return batch.ends.timestamp() if batch.ends else hit.expires

    def rise(self, change: ItemChange, op: Op) -> Cost:
        """What one op of a change adds to what is committed, by what it is paid for."""
        hit = change.hit
        if op is Op.CREATE or hit is None:
            return self._parts(op)
        own = self.terms[hit.type_id].parts(hit.maximum)
        places = self._held(hit)
        if op is Op.REPLACE:
            return self._parts(Op.CREATE).plus(own, -places)
        if op is Op.MOVE and self.desired_terms:
            return NOTHING.plus(self.desired_terms.parts(hit.maximum), places).plus(own, -places)
        after = self.desired_terms.parts(hit.maximum) if Op.MOVE in change.ops and self.desired_terms else own
        return NOTHING.plus(after, change.more if op is Op.EXTEND else self._reopened(hit))

    def _parts(self, op: Op) -> Cost:
        if op is not Op.CREATE or self.source is None or self.desired_terms is None:
            return NOTHING
        wanted = self.source.batch.most_assignments
        return NOTHING.plus(self.desired_terms.parts(wanted), wanted)

    def whole(self) -> int:
        """Cents for a new HIT."""
        assert self.source is not None
        assert self.desired_terms is not None
        wanted = self.source.batch.most_assignments
        return wanted * self.desired_terms.unit(wanted)

    def reserve(self, hit: HIT) -> int:
        """Cents by which review policies may still extend a HIT that can be found."""
        if self.source is None or hit.expires <= self.now.timestamp():
            return 0
        return self._extension(hit) * self.terms[hit.type_id].unit(hit.maximum)
