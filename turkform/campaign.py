"""The campaign: one section per kind, and the desired side of every diff.

In: what `loader` read and placed. Out: `Campaign`, what the files say; its JSON Schema, for editors;
and `Desired`, the campaign in one environment, with its data at hand as streams.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, WithJsonSchema

from turkform.kinds import Batch, HITType, QualificationType
from turkform.kinds.refactoring import Imports, Moves, Removals
from turkform.kinds.resource import NAME_PATTERN, Address, Flag, Section, Whole, refuse
from turkform.kinds.worker_block import Blocks
from turkform.money import FEES_PATTERN, MTURK, Fees, Money, fees_named
from turkform.policies import Policies
from turkform.tables import likely

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from turkform.errors import Diagnostic, FieldPath, Location
    from turkform.items import Item
    from turkform.questions import Template

FORMAT = 1
"""What `turkform:` says at the top of a campaign file of this format."""

CAMPAIGN_PATTERN = r"^[a-z][a-z0-9-]{0,39}$"

Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]

AWS_ENDPOINTS = {
    # https://docs.aws.amazon.com/general/latest/gr/amt.html (read 23 Nov 2026)
    "production": "https://mturk-requester.us-east-1.amazonaws.com",
    "sandbox": "https://mturk-requester-sandbox.us-east-1.amazonaws.com",
}


def _scalar(value: Any) -> Any:
    if isinstance(value, str | int | Decimal):
        return value
    raise refuse("this is a list or a map; a variable holds one value", 'Write one value, like "0.15".')


Scalar = Annotated[
    Any, BeforeValidator(_scalar), WithJsonSchema({"anyOf": [{"type": t} for t in ("string", "number", "boolean")]})
]
"""A variable's value as written; its declared type reads it."""


class Variable(Section):
    """A value that differs from run to run or between environments, used as `${var.NAME}`."""

    type: Annotated[
        Literal["string", "integer", "money", "duration", "boolean"], Field(description="What it may hold.")
    ] = "string"
    default: Annotated[
        Scalar | None,
        Field(description="Used when nothing else says; left out: required."),
    ] = None
    description: Annotated[str | None, Field(description="For people.", examples=["Birds in photos"])] = None


LOOPBACK_PATTERN = r"(localhost|[a-z0-9-]+\.localhost|127\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}|\[::1\])"
ENDPOINT_PATTERN = (
    r"^(local|production|sandbox"
    r"|https://([A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?"
    rf"|http://{LOOPBACK_PATTERN}(:[0-9]{{1,5}})?(/[A-Za-z0-9._~/-]*)?)$"
)
_ENDPOINT = re.compile(ENDPOINT_PATTERN)


def _endpoint(value: str) -> str:
    """Refuse what is no endpoint, and plain http to anywhere but this machine: it would show the signatures."""
    if _ENDPOINT.fullmatch(value):
        return value
    secure = "https://" + value.removeprefix("http://")
    if value.startswith("http://") and _ENDPOINT.fullmatch(secure):
        raise refuse(f'"{value}" is neither https nor on this machine', f"Write {secure}")
    if "@" in value or "?" in value:
        raise refuse("the endpoint holds more than a host and a path", "Credentials belong to profile:.")
    near = likely(value, [*AWS_ENDPOINTS, "local"])
    if not near and "." in value and _ENDPOINT.fullmatch(secure):
        near = secure
    remedy = f"Write {near}" if near else "Write local, production, sandbox, or a URL like https://tasks.example.org"
    raise refuse(f'"{value}" is not an endpoint', remedy)


def _fees(value: Any) -> Any:
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        raise refuse(f"{value} is not a fee table", f"Write {value}%" if 0 <= value <= 100 else "Write mturk or none")
    try:
        if not isinstance(value, str):
            return value
        fees_named(value)
    except ValueError as error:
        reason, _, remedy = str(error).rpartition(". ")
        raise refuse(reason, remedy) from None
    return value


class Environment(Section):
    """An account to publish to: an endpoint, credentials, and how much may be spent there."""

    endpoint: Annotated[
        str,
        AfterValidator(_endpoint),
        Field(
            description="local, production, sandbox, or the https URL of a marketplace (http on loopback).",
            json_schema_extra={"pattern": ENDPOINT_PATTERN},
            examples=["local"],
        ),
    ]
    profile: Annotated[
        str | None, Field(min_length=1, description="The AWS credentials profile to sign with.", examples=["lab"])
    ] = None
    budget: Annotated[
        Money | None, Field(description="US dollars this campaign may commit here.", examples=["100.00"])
    ] = None
    variables: Annotated[
        dict[Name, Scalar], Field(description="Values of variables here.", examples=[{"reward": "0.20"}])
    ] = Field(default_factory=dict)
    journal: Annotated[
        str | None,
        Field(
            min_length=1,
            description="Where the journal lies; default .turkform/ENVIRONMENT/journal.sqlite.",
            examples=["journals/lab.sqlite", "${env:TURKFORM_JOURNAL}"],
        ),
    ] = None
    rate: Annotated[Whole | None, Field(ge=1, le=100_000, description="Most API calls a second.", examples=[2])] = None
    concurrency: Annotated[Whole | None, Field(ge=1, le=256, description="Most API calls at once.", examples=[8])] = (
        None
    )
    fees: Annotated[
        Annotated[str, BeforeValidator(_fees), WithJsonSchema({"type": "string", "pattern": FEES_PATTERN})] | None,
        Field(description="mturk (default), none, or a percentage like 10%.", examples=["mturk", "none", "10%"]),
    ] = None
    balance: Annotated[
        Literal["enforce", "warn", "ignore"] | None,
        Field(description="What a balance below the price does; warn at AWS hosts, else enforce."),
    ] = None
    confirm: Annotated[
        Flag, Field(description="Every apply here asks for this environment's name, or takes --confirm NAME.")
    ] = False


class Campaign(Section):
    """Everything the campaign's files declare."""

    turkform: Annotated[Literal[1], Field(description="The format of this file: 1.", examples=[1])]
    campaign: Annotated[
        str,
        Field(
            pattern=CAMPAIGN_PATTERN,
            description="Permanent name, unique in the account: a-z, 0-9 and -, at most 40.",
            examples=["sentence-tone"],
        ),
    ]
    title: Annotated[str | None, Field(description="For people.", examples=["Birds in photos"])] = None
    variables: Annotated[
        dict[Name, Variable],
        Field(description="Values used as ${var.NAME}.", examples=[{"reward": {"type": "money", "default": "0.15"}}]),
    ] = Field(default_factory=dict)
    environments: Annotated[
        dict[Name, Environment],
        Field(description="Where this campaign can run.", examples=[{"local": {"endpoint": "local"}}]),
    ] = Field(default_factory=dict)
    qualification_types: Annotated[
        dict[Name, QualificationType],
        Field(
            description="Qualifications of your own.",
            examples=[{"trained": {"name": "Birds: trained", "description": "Passed the training."}}],
        ),
    ] = Field(default_factory=dict)
    hit_types: Annotated[
        dict[Name, HITType],
        Field(
            description="Terms: what is asked and what it pays.",
            examples=[
                {
                    "label": {
                        "title": "Which bird?",
                        "description": "Name a bird.",
                        "reward": "0.15",
                        "assignment_duration": "10m",
                    }
                }
            ],
        ),
    ] = Field(default_factory=dict)
    batches: Annotated[
        dict[Name, Batch],
        Field(
            description="Items to publish, one HIT each.",
            examples=[{"pilot": {"hit_type": "label", "question": {"html": "tasks/bird.html"}, "lifetime": "7d"}}],
        ),
    ] = Field(default_factory=dict)
    blocks: Annotated[
        Blocks | None,
        Field(
            description="Workers who may not take your HITs, and why.",
            examples=[{"A1EXAMPLE": "Empty answers"}, {"file": "blocks.csv"}],
        ),
    ] = None
    budget: Annotated[
        Money | None,
        Field(description="US dollars this campaign may ever commit in one environment.", examples=["100.00"]),
    ] = None
    moved: Annotated[
        Moves,
        Field(
            description="Resources that go by another address now; nothing is sent.",
            examples=[[{"from": "qualification_type.skilled", "to": "qualification_type.trained"}]],
        ),
    ] = ()
    removed: Annotated[
        Removals,
        Field(
            description="Resources that stay in the account as somebody else's; nothing is sent.",
            examples=[[{"from": "qualification_type.old", "action": "forget"}]],
        ),
    ] = ()
    import_: Annotated[
        Imports,
        Field(
            alias="import",
            description="Qualification types made before, which are this campaign's now; nothing is sent.",
            examples=[[{"to": "qualification_type.trained", "id": "3XYZ"}]],
        ),
    ] = ()
    policies: Annotated[
        Policies, Field(description="Rules that deny a plan or warn of it.", examples=[{"max_reward": "0.50"}])
    ] = Field(default_factory=Policies)

    def prerequisites(self, address: Address) -> Iterator[str]:
        """What has to be there before a declared resource can be: the edges of the graph, by address."""
        match address.kind:
            case "grant":
                yield f"qualification_type.{address.name}"
            case "notification":
                yield f"hit_type.{address.name}"
            case "hit_type":
                yield from self._required(address.name, "qualification_type")
            case "batch":
                hit_type = self.batches[address.name].hit_type
                yield f"hit_type.{hit_type}"
                yield f"notification.{hit_type}"
                yield from self._required(hit_type, "grant")
                yield "block"

    def _required(self, hit_type: str, kind: str) -> Iterator[str]:
        for requirement in self.hit_types[hit_type].requirements:
            if requirement.qualification:
                yield f"{kind}.{requirement.qualification}"


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
    confirm: bool = False
    """Applying here takes the environment's name, typed or said."""

    @property
    def is_aws(self) -> bool:
        """AWS's own hosts, by name or by URL."""
        return (urlsplit(self.endpoint).hostname or "").endswith(".amazonaws.com")

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
    places: Mapping[FieldPath, Location] = field(default_factory=dict)
    """Where rules stand that a plan may break: policies, refactorings, `prevent_destroy`."""

    def place(self, *path: str | int) -> str:
        """Where in the files a rule stands, as ` (campaign.yaml:61)`; empty where it is a default."""
        found = self.places.get(path)
        if found is None:
            return ""
        inside = found.path.is_relative_to(self.folder)
        return f" ({found.path.relative_to(self.folder) if inside else found.path}:{found.line})"

    @property
    def budget(self) -> Money | None:
        """The tighter of the campaign's budget and the environment's."""
        budgets = [b for b in (self.campaign.budget, self.target.budget) if b is not None]
        return min(budgets) if budgets else None


def json_schema() -> dict[str, Any]:
    """The JSON Schema of the campaign file, as strict as the loader where JSON Schema can say it."""
    schema = _tidy(Campaign.model_json_schema(by_alias=True))
    whole = {
        name: definition if name in _PERMANENT else _or_reference(definition)
        for name, definition in schema["properties"].items()
    }
    definitions = {
        name: definition if name == "Variable" else _or_reference(definition)
        for name, definition in schema.get("$defs", {}).items()
    }
    return {
        **schema,
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "turkform campaign file",
        "properties": whole,
        "$defs": definitions,
    }


_PERMANENT = ("turkform", "campaign", "variables")
_REFERENCE = {"type": "string", "pattern": r"\$\{"}
"""`${var.x}` may stand for any value; what it stands for is the loader's to check."""


def _or_reference(node: Any) -> Any:
    """The schema of a value, or `${…}` in its place wherever its own schema would refuse that text."""
    if not isinstance(node, dict):
        return node
    found = dict(node)
    for name in {"properties", "patternProperties"} & node.keys():
        found[name] = {key: _or_reference(part) for key, part in node[name].items()}
    for name in {"items", "additionalProperties"} & node.keys():
        found[name] = _or_reference(node[name])
    if "anyOf" in node:
        options = [_or_reference(part) for part in node["anyOf"]]
        strict = [part["anyOf"][0] for part in options if _REFERENCE in part.get("anyOf", ())]
        found["anyOf"] = [part["anyOf"][0] if _REFERENCE in part.get("anyOf", ()) else part for part in options]
        if strict and {"type": "string"} not in options:
            found["anyOf"].append(_REFERENCE)
        return found
    if node.get("type") not in _TYPED and not {"pattern", "enum", "const", "maxLength"} & node.keys():
        return found
    words = {name: found.pop(name) for name in ("description", "default", "examples") if name in found}
    return {"anyOf": [found, _REFERENCE], **words}


_TYPED = ("integer", "number", "boolean")


def _tidy(node: Any) -> Any:
    """Drop pydantic's generated titles, `null` alternatives and defaults of null: YAML leaves a key out."""
    if isinstance(node, list):
        return [_tidy(part) for part in node]
    if not isinstance(node, dict):
        return node
    tidy: dict[str, Any] = {}
    for name, value in node.items():
        if name in ("properties", "$defs", "patternProperties"):
            tidy[name] = {key: _tidy(part) for key, part in value.items()}
        elif name == "examples":
            tidy[name] = value
        elif (name == "title" and isinstance(value, str)) or (name == "default" and value in (None, [], {})):
            continue
        else:
            tidy[name] = _tidy(value)
    if "patternProperties" in tidy:
        tidy.setdefault("additionalProperties", False)
    options = [part for part in tidy.get("anyOf", ()) if part != {"type": "null"}]
    if "anyOf" in tidy and len(options) == 1:
        del tidy["anyOf"]
        tidy = options[0] | tidy
    elif "anyOf" in tidy:
        tidy["anyOf"] = options
    return tidy
