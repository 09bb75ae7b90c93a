"""Policies: rules of a campaign's own about what a plan may do, each of which denies or warns.

In: the campaign's `policies:`. Out: the thresholds that `draft` holds a plan against, and `judge`, what the
terms of its HIT types come to beside them. A policy is its limit alone, and then denies; or a map that says
more, such as `{limit: "5.00", effect: warn}`.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, StringConstraints, WithJsonSchema, model_validator

from turkform.kinds.resource import NAME_PATTERN, Address, Section, refuse
from turkform.money import Money
from turkform.times import Duration, format_duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import timedelta

    from pydantic import GetJsonSchemaHandler
    from pydantic_core import CoreSchema

    from turkform.kinds.hit_type import HITType

SHARE_PATTERN = r"^(100|[0-9]{1,2})%$"


def _share(value: Any) -> Any:
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        percent = value * 100 if 0 < value < 1 else value
        raise refuse(f"{value} is not a share from 0% to 100%", f"Write {int(percent) if 0 <= percent <= 100 else 30}%")
    return value


Share = Annotated[str, StringConstraints(pattern=SHARE_PATTERN), BeforeValidator(_share)]


class Policy(Section):
    """One rule: what it denies a plan, or only warns of."""

    effect: Annotated[
        Literal["deny", "warn"], Field(description="deny: such a plan is refused, exit 3; warn: it says so.")
    ] = "deny"


class Limit(Policy):
    """A rule that is one value, and may be written as that value alone."""

    limit: Any

    @model_validator(mode="before")
    @classmethod
    def _alone(cls, value: Any) -> Any:
        return value if isinstance(value, dict) else {"limit": value}

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """The value alone, or a map."""
        written = handler.resolve_ref_schema(handler(schema))
        limit = written["properties"]["limit"]
        alone = limit.get("anyOf", [{key: limit[key] for key in ("type", "pattern") if key in limit}])
        return {"anyOf": [*alone, written]}

    def __str__(self) -> str:
        return f"{self.limit}" + (" (warn)" if self.effect == "warn" else "")


class MostMoney(Limit):
    """A bound in US dollars."""

    limit: Annotated[Money, Field(description="US dollars.", examples=["0.50"])]


class MostShare(Limit):
    """A bound in per cent."""

    limit: Annotated[Share, Field(description="A share, from 0% to 100%.", examples=["30%"])]

    @property
    def percent(self) -> int:
        """The bare number."""
        return int(self.limit.removesuffix("%"))


HitTypeName = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]


def _times(value: Any) -> Any:
    return value if isinstance(value, dict) else {EVERY: value}


EVERY = "*"
"""Stands for every HIT type, where one expected time is said for all."""

Times = Annotated[
    dict[Annotated[str, StringConstraints(pattern=rf"{NAME_PATTERN}|^\*$")], Duration],
    BeforeValidator(_times),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string"},
                {
                    "type": "object",
                    "patternProperties": {NAME_PATTERN: {"type": "string"}},
                    "additionalProperties": False,
                },
            ]
        }
    ),
]


class HourlyPay(Policy):
    """What work must pay by the hour, as long as it is expected to take."""

    rate: Annotated[Money, Field(description="US dollars an hour.", examples=["8.00"])]
    expected_time: Annotated[
        Times,
        Field(description="How long one assignment takes: one duration, or HIT type → duration.", examples=["45s"]),
    ]

    def time_of(self, hit_type: str) -> timedelta | None:
        """How long an assignment of this HIT type is expected to take; None where nothing is said."""
        return self.expected_time.get(hit_type, self.expected_time.get(EVERY))

    def __str__(self) -> str:
        times = ", ".join(
            format_duration(time) if name == EVERY else f"{name} {format_duration(time)}"
            for name, time in sorted(self.expected_time.items())
        )
        return f"{self.rate} an hour at {times}" + (" (warn)" if self.effect == "warn" else "")


class Policies(Section):
    """What a plan must keep to; a plan that does not is refused, or says so."""

    max_reward: Annotated[
        MostMoney | None,
        Field(description="The most an assignment may pay, against slips of the keyboard.", examples=["0.50"]),
    ] = None
    min_hourly_pay: Annotated[
        HourlyPay | None,
        Field(
            description="The least that work must pay by the hour.", examples=[{"rate": "8.00", "expected_time": "45s"}]
        ),
    ] = None
    max_deletes: Annotated[
        MostShare, Field(description="Most HITs one plan retires, of a batch's, from 10 on.", examples=["30%"])
    ] = MostShare(limit="30%")
    max_rekey: Annotated[
        MostShare,
        Field(
            description="Most keys that may vanish while new ones appear, of a batch's, from 10 on.", examples=["20%"]
        ),
    ] = MostShare(limit="20%")
    max_rejected: Annotated[
        MostShare,
        Field(description="Most answers that may be rejected, of a batch's, from 10 answers on.", examples=["20%"]),
    ] = MostShare(limit="20%")
    max_rejected_of_worker: Annotated[
        MostShare,
        Field(
            description="Most answers that may be rejected, of one worker's in this campaign, from 10 answers on.",
            examples=["50%"],
        ),
    ] = MostShare(limit="50%")

    def described(self) -> dict[str, str]:
        """Every policy in force, as it stands in the plan."""
        found = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: str(policy) for name, policy in found.items() if policy is not None}


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one policy says about one HIT type that does not keep to it."""

    ABOUT: ClassVar[str] = "reward"
    """The field of the HIT type that every judgement so far is about."""

    policy: str
    effect: Literal["deny", "warn"]
    hit_type: str
    summary: str
    remedy: str


def judge(policies: Policies, hit_types: Mapping[str, HITType]) -> Iterator[Judgement]:
    """Hold the terms of every HIT type against the policies."""
    for name, hit_type in hit_types.items():
        address, pay = Address("hit_type", name), hit_type.reward
        most = policies.max_reward
        if most is not None and pay > most.limit:
            summary = f"{address} pays ${pay}, and max_reward is ${most.limit}"
            yield Judgement("max_reward", most.effect, name, summary, f"Pay {most.limit} or less, or raise the policy")
        least = policies.min_hourly_pay
        time = least.time_of(name) if least else None
        if least is None or time is None:
            continue
        seconds = int(time.total_seconds())
        if pay.cents * 3600 < least.rate.cents * seconds:
            hourly = Money(pay.cents * 3600 // seconds)
            enough = Money(-(-least.rate.cents * seconds // 3600))
            summary = (
                f"{address} pays ${pay} for {format_duration(time)}, which is ${hourly} an hour, "
                f"and min_hourly_pay is ${least.rate}"
            )
            yield Judgement("min_hourly_pay", least.effect, name, summary, f"Pay {enough} or more")
