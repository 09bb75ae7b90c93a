"""The campaign: one section per kind, and the desired side of every diff.

In: what `loader` read and placed. Out: `Campaign`, what the files say; its JSON Schema, for editors;
and `Desired`, the campaign in one environment, with its data at hand as streams.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from turkform.kinds import Batch, HITType, QualificationType
from turkform.kinds.resource import NAME_PATTERN, Address, Section, Whole
from turkform.kinds.worker_block import Blocks
from turkform.money import MTURK, Fees, Money, fees_named

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from turkform.errors import Diagnostic
    from turkform.items import Item
    from turkform.questions import Template

FORMAT = 1
"""What `turkform:` says at the top of a campaign file of this format."""

Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]

AWS_ENDPOINTS = {
    # https://docs.aws.amazon.com/general/latest/gr/amt.html (read 23 Nov 2026)
    "production": "https://mturk-requester.us-east-1.amazonaws.com",
    "sandbox": "https://mturk-requester-sandbox.us-east-1.amazonaws.com",
}

NOT_YET = (
    # Keys of the format that this version refuses rather than ignores; `*` stands for any one key.
    ("qualification_types", "*", "test"),
    ("qualification_types", "*", "renamed_from"),
    ("qualification_types", "*", "prevent_destroy"),
    ("hit_types", "*", "notify"),
    ("batches", "*", "review_policies"),
    ("batches", "*", "decisions"),
    ("batches", "*", "on_change"),
    ("batches", "*", "question", "external"),
    ("batches", "*", "question", "form"),
    ("batches", "*", "question", "layout"),
    ("environments", "*", "confirm"),
    ("policies", "max_reward"),
    ("policies", "min_hourly_pay"),
    ("moved",),
    ("removed",),
    ("import",),
)


class Variable(Section):
    """A value that differs from run to run or between environments, used as `${var.NAME}`."""

    type: Annotated[
        Literal["string", "integer", "money", "duration", "boolean"], Field(description="What it may hold.")
    ] = "string"
    default: Annotated[
        str | int | bool | Decimal | None,
        Field(description="Used when nothing else says; left out: required."),
    ] = None
    description: Annotated[str | None, Field(description="For people.")] = None


class Environment(Section):
    """An account to publish to: an endpoint, credentials, and how much may be spent there."""

    endpoint: Annotated[
        str,
        Field(description="local, production, sandbox, or the https URL of a marketplace (http on loopback)."),
    ]
    profile: Annotated[str | None, Field(description="The AWS credentials profile to sign with.")] = None
    budget: Annotated[Money | None, Field(description="US dollars this campaign may commit here.")] = None
    variables: Annotated[dict[Name, str | int | bool | Decimal], Field(description="Values of variables here.")] = (
        Field(default_factory=dict)
    )
    journal: Annotated[
        str | None, Field(description="Where the journal lies; default .turkform/ENVIRONMENT/journal.sqlite.")
    ] = None
    rate: Annotated[Whole | None, Field(ge=1, le=100_000, description="Most API calls a second.")] = None
    concurrency: Annotated[Whole | None, Field(ge=1, le=256, description="Most API calls at once.")] = None
    fees: Annotated[str | None, Field(description="mturk (default), none, or a percentage like 10%.")] = None
    balance: Annotated[
        Literal["enforce", "warn", "ignore"] | None,
        Field(description="What a balance below the price does; warn at AWS hosts, else enforce."),
    ] = None

    @model_validator(mode="after")
    def _fees_exist(self) -> Environment:
        if self.fees is not None:
            try:
                fees_named(self.fees)
            except ValueError as error:
                raise PydanticCustomError("fees", "{reason}", {"reason": str(error)}) from None
        return self


Share = Annotated[str, Field(pattern=r"^(100|[0-9]{1,2})%$")]


class Policies(Section):
    """How much one plan may take away or buy again, in the manner of a circuit breaker."""

    max_deletes: Annotated[Share, Field(description="Most HITs one plan retires, of a batch's, from 10 on.")] = "30%"
    max_rekey: Annotated[
        Share, Field(description="Most keys that may vanish while new ones appear, of a batch's, from 10 on.")
    ] = "20%"


class Campaign(Section):
    """Everything the campaign's files declare."""

    turkform: Annotated[Literal[1], Field(description="The format of this file: 1.")]
    campaign: Annotated[
        str,
        Field(
            pattern=r"^[a-z][a-z0-9-]{0,39}$",
            description="Permanent name, unique in the account: a-z, 0-9 and -, at most 40.",
        ),
    ]
    title: Annotated[str | None, Field(description="For people.")] = None
    variables: Annotated[dict[Name, Variable], Field(description="Values used as ${var.NAME}.")] = Field(
        default_factory=dict
    )
    environments: Annotated[dict[Name, Environment], Field(description="Where this campaign can run.")] = Field(
        default_factory=dict
    )
    qualification_types: Annotated[dict[Name, QualificationType], Field(description="Qualifications of your own.")] = (
        Field(default_factory=dict)
    )
    hit_types: Annotated[dict[Name, HITType], Field(description="Terms: what is asked and what it pays.")] = Field(
        default_factory=dict
    )
    batches: Annotated[dict[Name, Batch], Field(description="Items to publish, one HIT each.")] = Field(
        default_factory=dict
    )
    blocks: Annotated[Blocks | None, Field(description="Workers who may not take your HITs, and why.")] = None
    budget: Annotated[
        Money | None, Field(description="US dollars this campaign may ever commit in one environment.")
    ] = None
    policies: Annotated[Policies, Field(description="Thresholds that refuse a plan.")] = Field(default_factory=Policies)


@dataclass(frozen=True, slots=True)
class Target:
    """The environment a command works in, completely said."""

    name: str
    endpoint: str
    """`local`, or a URL."""
    profile: str | None = None
    journal: str = ""
    fees: Fees = MTURK
    balance: Literal["enforce", "warn", "ignore"] = "enforce"
    rate: int | None = None
    concurrency: int = 8
    budget: Money | None = None

    @property
    def is_aws(self) -> bool:
        """AWS's own hosts, by name or by URL."""
        return ".amazonaws.com" in self.endpoint

    @property
    def sandbox(self) -> bool:
        """The sandbox has its own Masters qualification."""
        return self.endpoint == AWS_ENDPOINTS["sandbox"]


@dataclass(frozen=True, slots=True)
class Source:
    """One batch with its data and its page: what can be read again and again, as a stream."""

    name: str
    batch: Batch
    template: Template
    path: Path | None = None
    """The item file; None for a batch of one HIT without a row."""

    @property
    def id(self) -> str:
        """The permanent id."""
        return self.batch.id or self.name

    @property
    def address(self) -> Address:
        """`batch.NAME`."""
        return Address("batch", self.name)

    def items(self) -> Iterator[Item]:
        """The rows in file order, checked already when the campaign was loaded."""
        from turkform.items import read_items

        return read_items(self.path, self.batch.key)


@dataclass(frozen=True, slots=True)
class Desired:
    """The desired side of a diff: a campaign in one environment, references resolved, data at hand."""

    campaign: Campaign
    target: Target
    folder: Path
    sources: Mapping[str, Source]
    grants: Mapping[str, Mapping[str, int]]
    """Qualification type → worker → value."""
    blocks: Mapping[str, str]
    """Worker → reason."""
    inputs: Mapping[str, str]
    """Every file read, relative to the folder, and its sha256."""
    variables: Mapping[str, str] = field(default_factory=dict)
    diagnostics: tuple[Diagnostic, ...] = ()
    """Warnings and notes; errors never get this far."""

    @property
    def budget(self) -> Money | None:
        """The tighter of the campaign's budget and the environment's."""
        budgets = [b for b in (self.campaign.budget, self.target.budget) if b is not None]
        return min(budgets) if budgets else None


def json_schema() -> dict[str, Any]:
    """The JSON Schema of the campaign file, as strict as the loader where JSON Schema can say it."""
    schema = Campaign.model_json_schema(by_alias=True)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://turkform.dev/schemas/campaign.schema.json",
        **_tidy(schema),
        "title": "turkform campaign file",
    }


def _tidy(node: Any) -> Any:
    """Drop pydantic's generated titles and `null` alternatives: YAML leaves a key out instead."""
    if isinstance(node, list):
        return [_tidy(part) for part in node]
    if not isinstance(node, dict):
        return node
    tidy = {k: _tidy(v) for k, v in node.items() if not (k == "title" and isinstance(v, str)) and k != "default"}
    options = [part for part in tidy.get("anyOf", ()) if part != {"type": "null"}]
    if "anyOf" in tidy and len(options) == 1:
        del tidy["anyOf"]
        tidy = options[0] | tidy
    elif "anyOf" in tidy:
        tidy["anyOf"] = options
    return tidy
