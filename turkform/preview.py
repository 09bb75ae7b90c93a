"""One item of a batch as a worker would see it, in a marketplace that is thrown away afterwards.

In: a batch with its data, and an account that nobody keeps. Out: a HIT's place on the workers' site, and the
answers that are handed in there. The HIT has the batch's terms without its requirements: whoever looks may do it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from turkform.errors import UsageError
from turkform.tables import likely

if TYPE_CHECKING:
    from collections.abc import Iterator

    from turkform.account import Account
    from turkform.campaign import Desired, Source
    from turkform.items import Item

_NEAR = 10_000
"""So many keys are searched for the one that was meant."""


def source_of(desired: Desired, batch: str) -> Source:
    """The batch of that name.

    Raises:
        UsageError: there is none, or its page is not in the files.
    """
    name = batch.removeprefix("batch.")
    found = desired.sources.get(name)
    if found is None:
        near = likely(name, list(desired.sources))
        known = ", ".join(desired.sources) or "none"
        raise UsageError(f'there is no batch "{name}"', f"Did you mean {near}?" if near else f"Batches: {known}.")
    if not found.template.complete:
        raise UsageError(
            f"the page of batch.{name} is {found.template.name}, which is with the requester site",
            "A preview needs a page in the files: html:, form: or external:.",
        )
    return found


def item_of(source: Source, key: str | None) -> Item:
    """The item of that key, or the first one.

    Raises:
        UsageError: there is no such item, or none at all.
    """
    keys: list[str] = []
    for item in source.items():
        if key is None or item.key == key:
            return item
        if len(keys) < _NEAR:
            keys.append(item.key)
    if key is None:
        raise UsageError(f"{source.address} has no items", "Add a row to its data.")
    near = likely(key, keys)
    hint = f"Did you mean {near}?" if near else f"Its keys begin with {', '.join(keys[:5])}."
    raise UsageError(f'{source.address} has no item "{key}"', hint)


class Preview:
    """Publishes one item again and again, a HIT a try, and reads what is handed in."""

    def __init__(self, account: Account, desired: Desired, source: Source, item: Item) -> None:
        self._account, self._source, self._item = account, source, item
        terms = desired.campaign.hit_types[source.batch.hit_type].to_wire()
        terms["QualificationRequirements"] = []
        self._type = account.call("CreateHITType", terms).body["HITTypeId"]
        self._hit = ""

    def publish(self) -> str:
        """The item as a HIT for one worker; its place on the workers' site."""
        wanted = {"HITTypeId": self._type, "MaxAssignments": 1, "LifetimeInSeconds": 86_400}
        question = self._source.template.parameters(self._item.row)
        self._hit = self._account.call("CreateHITWithHITType", wanted | question).body["HIT"]["HITId"]
        return f"/hits/{self._hit}"

    def answers(self) -> dict[str, str] | None:
        """What was handed in on the latest HIT: field → text, several values joined by `|`; None so far."""
        found = self._account.read("ListAssignmentsForHIT", {"HITId": self._hit}).body["Assignments"]
        return dict(_fields(found[0]["Answer"])) if found else None


def _fields(document: str) -> Iterator[tuple[str, str]]:
    """The fields of a QuestionFormAnswers document that a marketplace of ours has made."""
    for answer in ET.fromstring(document):  # noqa: S314 - made a moment ago by our own server, which escapes
        parts = [(part.tag.rpartition("}")[2], part.text or "") for part in answer]
        name = next((text for tag, text in parts if tag == "QuestionIdentifier"), "")
        yield name, "|".join(text for tag, text in parts if tag != "QuestionIdentifier")
