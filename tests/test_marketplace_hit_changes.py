"""HITs made by calls that share a transaction: each knows what those before it did."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from marketplace_server import STORES, store_url
from marketplace_world import TERMS, page

from turkform.marketplace.origins import Origins
from turkform.marketplace.payments import Fees
from turkform.marketplace.protocol import ApiError
from turkform.marketplace.service import Service
from turkform.marketplace.settings import Settings
from turkform.marketplace.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAKE = "CreateHITWithHITType"
HIT = {"LifetimeInSeconds": 3600, "Question": page()}
Call = tuple[str, dict[str, Any]]


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    found = Store(store_url(request.param, tmp_path))
    yield found
    found.close()


def told(store: Store, *calls: Call) -> list[str]:
    """What became of calls that share a transaction: the operation, or the code of its refusal."""
    settings = Settings(rehearsal=True, origins=Origins(("http://localhost",), ""), fees=Fees(0))

    async def run() -> list[Any]:
        service = Service(store, settings)
        kind = (await service.call("CreateHITType", TERMS, "KEY"))["HITTypeId"]
        given = [(name, {"HITTypeId": kind} | p if name == MAKE else p) for name, p in calls]
        answers = [service.call(name, parameters, "KEY") for name, parameters in given]
        found = await asyncio.gather(*answers, return_exceptions=True)
        service.close()
        return list(found)

    return [
        name if isinstance(found, dict) else _code(found)
        for found, (name, _) in zip(asyncio.run(run()), calls, strict=True)
    ]


def _code(error: Any) -> str:
    assert isinstance(error, ApiError), error
    return error.turk_code.rpartition(".")[2] or error.code


def make(token: str, **changes: Any) -> Call:
    return MAKE, HIT | {"UniqueRequestToken": token} | changes


def test_a_token_makes_one_hit_however_close_its_calls_are(store: Store) -> None:
    calls = [make("a"), make("b"), make("a"), ("GetAccountBalance", {}), make("b"), make("c")]
    refused = "HitAlreadyExists"
    assert told(store, *calls) == [MAKE, MAKE, refused, "GetAccountBalance", refused, MAKE]


def test_money_is_spent_once_however_close_the_calls_are(store: Store) -> None:
    """A purse of $10,000.00, and places at $0.10."""
    calls = [
        make("a", MaxAssignments=60_000),
        make("b", MaxAssignments=60_000),
        make("c", MaxAssignments=40_000),
        make("d"),
    ]
    assert told(store, *calls) == [MAKE, "InsufficientFunds", MAKE, "InsufficientFunds"]
    with store.transaction() as connection:
        assert connection.exec_driver_sql("SELECT held FROM requesters").scalar_one() == 1_000_000


def test_a_call_that_is_refused_leaves_the_others_as_they_are(store: Store) -> None:
    calls = [make("a"), make("b", LifetimeInSeconds=1), make("c", HITTypeId="3NONE"), make("a"), make("d")]
    expected = [MAKE, "ParameterValidationError", "HITTypeDoesNotExist", "HitAlreadyExists", MAKE]
    assert told(store, *calls) == expected


def test_a_hit_can_be_made_without_a_token_any_number_of_times(store: Store) -> None:
    assert told(store, *[(MAKE, HIT)] * 3) == [MAKE] * 3
