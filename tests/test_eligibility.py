"""Requirements that nobody can meet together."""

from __future__ import annotations

import pytest

from turkform.eligibility import judge
from turkform.kinds.requirement import Requirement


def said(*requirements: dict[str, object]) -> list[str]:
    return [f"{f.number}: {f.summary}" for f in judge(Requirement.model_validate(r) for r in requirements)]


def of(**comparison: object) -> dict[str, object]:
    return {"qualification": "trained", **comparison}


def places(**comparison: object) -> dict[str, object]:
    return {"system": "locale", **comparison}


@pytest.mark.parametrize(
    "requirements",
    [
        [of(at_least=80), of(at_most=80)],
        [of(at_least=80), {"system": "percent_approved", "at_least": 100}],
        [of(**{"in": [1, 2]}), of(**{"in": [2, 3]})],
        [of(exists=True), of(at_least=1)],
        [places(**{"in": ["US", "GB"]}), places(**{"in": ["US-CA"]})],
        [places(**{"in": ["US", "GB"]}), places(not_in=["US"])],
        [places(not_in=["US"])],
        [{"id": "3A", "exists": False}, {"id": "3B"}],
        [{"system": "adult", "equal_to": 1}],
    ],
)
def test_what_somebody_can_meet_is_left_alone(requirements: list[dict[str, object]]) -> None:
    assert said(*requirements) == []


@pytest.mark.parametrize(
    ("requirements", "number", "says"),
    [
        (
            [of(at_least=80), of(less_than=80)],
            1,
            "nobody can meet this together with number 1: no value of trained is left",
        ),
        ([of(at_least=1), of(exists=False)], 1, "nobody both holds trained and does not"),
        ([of(exists=False), of(exists=True)], 1, "nobody both holds trained and does not"),
        ([{"system": "percent_approved", "at_least": 101}], 0, "nobody can meet this: no value of percent_approved"),
        ([{"system": "percent_approved", "less_than": 0}], 0, "no value of percent_approved is left"),
        ([{"system": "adult", "not_in": [0, 1]}], 0, "no value of adult is left"),
        ([of(equal_to=1), of(equal_to=2)], 1, "nobody can meet this"),
        ([of(**{"in": [1, 2]}), of(greater_than=2)], 1, "nobody can meet this"),
        ([places(**{"in": ["US"]}), places(**{"in": ["GB"]})], 1, "no value of locale is left"),
        ([places(**{"in": ["US-CA"]}), places(**{"in": ["US-NY"]})], 1, "no value of locale is left"),
        ([places(**{"in": ["US-CA"]}), places(not_in=["US"])], 1, "no value of locale is left"),
        ([of(at_least=80), of(at_least=80)], 1, "the requirement on trained stands twice"),
        ([of(not_equal_to=3)], 0, "is not documented"),
    ],
)
def test_what_excludes_everybody_is_named(requirements: list[dict[str, object]], number: int, says: str) -> None:
    (found,) = said(*requirements)
    assert found.startswith(f"{number}: ")
    assert says in found


def test_a_value_that_the_test_cannot_give_is_a_warning() -> None:
    requirement = Requirement.model_validate(of(at_least=80))
    (found,) = judge([requirement], {"trained": 50})
    assert (found.severity, found.summary) == ("warning", "the test of trained gives 50 at best, and 80 is required")
    assert list(judge([requirement], {"trained": 80})) == []
