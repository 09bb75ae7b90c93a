"""The plan document 1.0, described once: what stands in a saved plan and in `plan --json`.

In: nothing. Out: pydantic models whose descriptions are the documentation, and the JSON Schema made of
them. The document itself is drawn up by `plan`; a test holds real plans against this description. Readers
ignore keys they do not know within a major version, so nothing here forbids more keys.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Dollars = Annotated[str, Field(pattern=r"^-?[0-9]+\.[0-9]{2}$", description="US dollars, two decimals.")]
Instant = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$", description="RFC 3339, UTC.")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="sha256, hexadecimal.")]
Address = Annotated[str, Field(description='Such as hit_type.NAME, batch.NAME or batch.NAME["KEY"].')]
ROWS = r"^[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*$"
Count = Annotated[int, Field(ge=0)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True)


class Price(_Part):
    """What the plan costs, and what it is bounded by."""

    total: Annotated[Dollars, Field(description="By how much committed money rises at most.")]
    committed_before: Annotated[Dollars, Field(description="What the campaign has cost and may still cost.")]
    committed_after: Annotated[Dollars, Field(description="The same after this plan, at most.")]
    budget: Annotated[Dollars | None, Field(description="The tighter of campaign's and environment's; null: none.")]
    balance: Annotated[Dollars, Field(description="What the account holds.")]
    by_batch: Annotated[dict[str, Dollars], Field(description="The total by batch; what costs nothing is not there.")]
    by_fee: Annotated[
        dict[str, Dollars],
        Field(
            description="The total by what is paid for: rewards, fees, ten_or_more (the fee's rise at ten places), "
            "masters, premiums, bonuses."
        ),
    ]


class Change(_Part):
    """One field that changes, both sides as they would stand in the campaign file."""

    field: Annotated[str, Field(description="The key in the campaign file.")]
    desired: str
    observed: str | None = None


class Listed(_Part):
    """One item of a step: a row's key, or a worker."""

    key: Annotated[str, Field(description="The row's key, the worker's id, or the assignment's.")]
    fingerprint: Annotated[str | None, Field(description="Of everything fixed when the HIT is created.")] = None
    observed: Annotated[str | None, Field(description="The key or value it had so far.")] = None
    value: Annotated[str | None, Field(description="A grant's value, a block's reason, or a bonus in US dollars.")] = (
        None
    )
    item: Annotated[str | None, Field(description="Of an assignment: the key of its row.")] = None
    worker: Annotated[str | None, Field(description="Of an assignment: whose it is.")] = None
    reason: Annotated[str | None, Field(description="Of an assignment: what its worker reads.")] = None
    hit: Annotated[str | None, Field(description="The id of the HIT that is there.")] = None
    hit_type: Annotated[str | None, Field(description="The id of the terms it has.")] = None
    assignments: Annotated[str | None, Field(description="How many places it has.")] = None
    ends: Annotated[Instant | None, Field(description="When it ends.")] = None


class Items(_Part):
    """The items a step concerns."""

    count: Count
    listed: Annotated[tuple[Listed, ...], Field(description="All of them up to 1,000; of more, the first 20.")]
    sha256: Annotated[Sha256, Field(description="Over a line for each item, in file order.")]
    rows: Annotated[
        str | None,
        Field(pattern=ROWS, description="Their numbers in the data file, or in the sorted roster: 1-500,502."),
    ] = None
    names: Annotated[
        str | None, Field(description="Of more than 1,000 assignments: the ids of all, with blanks between.")
    ] = None


class Step(_Part):
    """One thing to do, in the order of the plan."""

    address: Address
    action: Literal["create", "update", "replace", "delete", "adopt", "wait"]
    op: Annotated[
        Literal[
            "create",
            "replace",
            "revert",
            "move",
            "extend",
            "prolong",
            "close",
            "retire",
            "discard",
            "archive",
            "rekey",
            "approve",
            "reject",
            "overturn",
            "bonus",
            "wait",
        ]
        | None,
        Field(description="For a batch or its review: what happens to each of its items or answers."),
    ] = None
    operations: Annotated[tuple[str, ...], Field(description="API operations in order; empty: nothing is sent.")]
    leaves: Annotated[
        Literal["free", "trace", "money", "person", "final"],
        Field(
            description="What it leaves behind: nothing, something without cost, places that can be paid, a worker's "
            "standing, or what nothing brings back."
        ),
    ]
    price: Dollars
    after: Annotated[
        tuple[str, ...] | None,
        Field(description="What has to be finished first, by address; -ADDRESS where something is taken away."),
    ] = None
    parameters: Annotated[
        dict[str, Any] | None,
        Field(description='API parameters; {"ref": ADDRESS} is an id that an earlier step brings.'),
    ] = None
    fields: tuple[Change, ...] | None = None
    fact: Annotated[str | None, Field(description="What the decision rests on; checked before the call.")] = None
    narrower: Annotated[str | None, Field(description="What happens instead where the fact no longer holds.")] = None
    items: Items | None = None
    reason: Annotated[str | None, Field(description="Why it has to wait, or what to know.")] = None


class Batch(_Part):
    """How one batch stands."""

    rows: Annotated[Count, Field(description="In the data.")]
    hits: Annotated[Count, Field(description="In the account, of every generation.")]
    round: Annotated[int, Field(ge=1)]
    notes: Annotated[dict[str, Count], Field(description="What is counted and not changed, such as kept terms.")]
    price: Annotated[Dollars, Field(description="What this plan adds to it.")]
    committed: Annotated[Dollars, Field(description="What its HITs have cost and may still cost.")]
    assignments: Annotated[Count | None, Field(description="Places of a new HIT.")] = None
    each: Annotated[Dollars | None, Field(description="What one place of a new HIT costs, fees included.")] = None
    left: Annotated[
        str | None, Field(pattern=ROWS, description="Rows whose HITs keep their question or terms, or wait.")
    ] = None
    taken: Annotated[
        str | None, Field(pattern=ROWS, description="Rows whose HITs are over with every place taken.")
    ] = None


class Review(_Part):
    """Whose word a review goes by."""

    batches: Annotated[tuple[str, ...], Field(description="By name; empty: all.")]
    decisions: Annotated[str | None, Field(description="The file of decisions, one of the inputs.")]
    overturn: Annotated[tuple[str, ...], Field(description="Assignments whose rejection is to be undone.")]


class Sample(_Part):
    """One item's page before and after, for review."""

    address: Address
    hit: Annotated[str | None, Field(description="The HIT that has the page before; null for a new item.")]
    before: Annotated[str | None, Field(description="As the account has it; null for a new item, or where it is gone.")]
    after: str


class Said(_Part):
    """What a person said beside the files."""

    target: Annotated[tuple[Address, ...], Field(description="Only these and what they need; empty: everything.")]
    exclude: Annotated[tuple[Address, ...], Field(description="Left out.")]
    reopen: tuple[Address, ...]
    allow_destroy: tuple[Address, ...]
    allow_rekey: tuple[Address, ...]
    touch: tuple[Address, ...]
    discard_answers: tuple[Address, ...]


class Weight(_Part):
    """What a plan does of one class of reversibility."""

    count: Annotated[int, Field(ge=1, description="Items, workers and resources.")]
    price: Dollars
    addresses: tuple[Address, ...]


class RestsOn(_Part):
    """What was decided about one address, and what it was decided on; no worker can alter either."""

    wish: Annotated[Sha256, Field(description="Over what is to be created, changed and retired.")]
    facts: Annotated[str, Field(pattern="^([0-9a-f]{64})?$", description="Over what was read of it; may be empty.")]


class Document(_Part):
    """A plan of turkform: steps in order, their price, and everything the decision was bound to."""

    format_version: Annotated[str, Field(pattern=r"^1\.[0-9]+$", description="Major and minor version.")]
    id: Annotated[str, Field(description="Random; two plans of the same inputs differ in it and in times only.")]
    made_at: Annotated[Instant, Field(description="The endpoint's clock.")]
    valid_until: Annotated[Instant, Field(description="A saved plan runs until then.")]
    command: Literal["apply", "destroy", "review"]
    campaign: str
    title: str | None
    environment: str
    endpoint: Annotated[str, Field(description="local, or a URL.")]
    record: Annotated[str | None, Field(description="The campaign record's id; null before the first apply.")]
    journal: Annotated[str | None, Field(description="The journal's id; null where none is at hand.")]
    inputs: Annotated[dict[str, Sha256], Field(description="Every file read, and the sha256 of its content.")]
    variables: dict[str, str]
    choices: Said
    policies: dict[str, str]
    fees: Annotated[str, Field(description="The fee table the price was made with.")]
    price: Price
    leaves: Annotated[
        dict[str, Weight], Field(description="By class of reversibility; a class without steps is not there.")
    ]
    rests_on: Annotated[dict[str, RestsOn], Field(description="By address.")]
    steps: tuple[Step, ...]
    batches: Annotated[dict[str, Batch], Field(description="By address.")]
    review: Annotated[Review | None, Field(description="Of a review; else null.")]
    samples: tuple[Sample, ...]
    notes: Annotated[tuple[str, ...], Field(description="What to know; nothing is done about it.")]
    refusals: Annotated[tuple[str, ...], Field(description="Why it must not run, each with the way out; else empty.")]
    intent: Annotated[Sha256, Field(description="Over what a person approves and no worker can alter.")]
    digest: Annotated[Sha256, Field(description="Over the whole document without this.")]


def json_schema() -> dict[str, Any]:
    """The JSON Schema of the plan document."""
    schema = Document.model_json_schema(mode="serialization")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://turkform.dev/schemas/plan.schema.json",
        **{key: _untitled(value) for key, value in schema.items()},
        "title": "turkform plan document",
    }


def _untitled(node: Any) -> Any:
    """Without pydantic's generated titles and defaults; a key that is missing is simply missing."""
    match node:
        case dict():
            kept = {k: v for k, v in node.items() if not (k == "title" and isinstance(v, str)) and k != "default"}
            return {key: _untitled(value) for key, value in kept.items()}
        case list():
            return [_untitled(part) for part in node]
        case _:
            return node
