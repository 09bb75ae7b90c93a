"""What a campaign's own rules say of a plan; which plans they refuse is in tests/cases/policies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from campaign_files import YAML, problems, read, write
from jsonschema import Draft202012Validator

from turkform.campaign import Campaign, json_schema
from turkform.money import Money
from turkform.policies import Policies, judge

if TYPE_CHECKING:
    from pathlib import Path


def campaign(tmp_path: Path, policies: str) -> Path:
    return write(tmp_path, {"campaign.yaml": YAML.replace("{max_deletes: 30%}", policies)})


def test_a_policy_is_its_limit_alone_or_a_map_that_says_more() -> None:
    short = Policies.model_validate({"max_reward": "5.00", "max_deletes": "10%"})
    long = Policies.model_validate({"max_reward": {"limit": "5.00"}, "max_deletes": {"limit": "10%", "effect": "deny"}})
    assert short == long


def test_the_plan_names_every_policy_in_force() -> None:
    pay = {"rate": "8", "expected_time": {"survey": "10m", "label": "45s"}, "effect": "warn"}
    found = Policies.model_validate({"max_reward": "5", "min_hourly_pay": pay})
    assert found.described() == {
        "max_reward": "5.00",
        "min_hourly_pay": "8.00 an hour at label 45s, survey 10m (warn)",
        "max_deletes": "30%",
        "max_rekey": "20%",
        "max_rejected": "20%",
        "max_rejected_of_worker": "50%",
    }


def test_a_breach_is_a_warning_at_the_reward_that_names_the_rule_s_own_place(tmp_path: Path) -> None:
    desired = read(campaign(tmp_path, '{max_reward: "0.12"}'))
    (found,) = [d for d in desired.diagnostics if d.severity == "warning"]
    assert found.location is not None
    assert "reward: ${var.reward}" in YAML.splitlines()[found.location.line - 1]
    rule = YAML.splitlines().index("policies: {max_deletes: 30%}") + 1
    assert found.summary == f"hit_type.label pays $0.15, and max_reward is $0.12 (campaign.yaml:{rule})"
    assert desired.place("policies", "max_reward") == f" (campaign.yaml:{rule})"


def test_a_default_has_no_place(tmp_path: Path) -> None:
    assert read(write(tmp_path)).place("policies", "max_rekey") == ""


def test_an_expected_time_of_no_hit_type_names_the_one_meant(tmp_path: Path) -> None:
    (found,) = problems(campaign(tmp_path, '{min_hourly_pay: {rate: "8", expected_time: {lable: 45s}}}'))
    assert "Did you mean label?" in found.detail


@pytest.mark.parametrize(
    ("policies", "said"),
    [
        ("{max_reward: 0.155}", "fraction of a cent"),
        ("{max_reward: {effect: warn}}", "has no limit:"),
        ('{max_reward: {limit: "1.00", effect: refuse}}', '"refuse" is not one of deny, warn'),
        ("{max_deletes: 101%}", '"101%" is not a share'),
        ('{min_hourly_pay: {rate: "8.00", expected_time: 45}}', "45"),
        ('{min_hourly_pay: {rate: "8.00"}}', "has no expected_time:"),
    ],
)
def test_a_policy_that_cannot_be_meant_is_explained(policies: str, said: str, tmp_path: Path) -> None:
    (found,) = problems(campaign(tmp_path, policies))
    assert said in found.summary
    assert found.detail


@pytest.mark.parametrize(
    ("policies", "valid"),
    [
        ({"max_reward": 5}, True),
        ({"max_reward": "5.00", "max_deletes": "10%"}, True),
        ({"max_reward": {"limit": 0.5, "effect": "warn"}}, True),
        ({"min_hourly_pay": {"rate": 8, "expected_time": {"label": "45s"}}}, True),
        ({"max_reward": True}, False),
        ({"max_deletes": "101%"}, False),
        ({"max_reward": {"effect": "warn"}}, False),
    ],
)
def test_an_editor_takes_what_the_loader_takes(policies: dict[str, object], *, valid: bool) -> None:
    document = {"turkform": 1, "campaign": "c", "policies": policies}
    assert Draft202012Validator(json_schema()).is_valid(document) is valid


@pytest.mark.parametrize("seconds", [1, 45, 46, 59, 3599])
def test_the_reward_that_min_hourly_pay_offers_is_the_least_that_it_accepts(seconds: int) -> None:
    policies = Policies.model_validate({"min_hourly_pay": {"rate": "8.01", "expected_time": f"{seconds}s"}})

    def breached(reward: Money) -> list[str]:
        terms = {"title": "T", "description": "D", "reward": str(reward), "assignment_duration": "1h"}
        declared = Campaign.model_validate({"turkform": 1, "campaign": "c", "hit_types": {"label": terms}})
        return [found.remedy for found in judge(policies, declared.hit_types)]

    (remedy,) = breached(Money(0))
    offered = Money.parse(remedy.split()[1])
    assert not breached(offered)
    assert breached(offered - Money(1))
