"""Every operation of botocore's own list does what its rows say, as an unmodified boto3 client meets it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError
from conformance import REPEATED, Row, call, code_of
from conformance_table import ELSEWHERE, ERRORS, TABLE
from marketplace_server import STORES, running, store_url
from marketplace_world import World

from turkform.marketplace.operations import HANDLERS
from turkform.marketplace.protocol import operations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="module", params=STORES)
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], World]]:
    folder = tmp_path_factory.mktemp("conformance")
    url = store_url(request.param, folder)
    with running(folder, store=url) as server:
        yield lambda: World(server, url)


@pytest.fixture
def w(world: Callable[[], World]) -> World:
    return world()


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.operation} {row.says}".replace("[", "("))
def test_an_operation_does_what_its_row_says(w: World, row: Row) -> None:
    parameters = row.given(w)
    if isinstance(row.expected, str):
        with pytest.raises(ClientError) as caught:
            call(w, row.operation, parameters)
        assert code_of(w, caught.value) == row.expected
    else:
        answer = call(w, row.operation, parameters)
        assert answer["ResponseMetadata"]["RequestId"]
        assert row.expected(answer), answer


def test_every_operation_of_the_model_has_a_handler_and_its_errors_named() -> None:
    assert set(HANDLERS) == set(operations()) == set(ERRORS)
    assert len(operations()) == 39


@pytest.mark.parametrize("operation", operations())
def test_every_operation_has_a_good_row_and_one_for_each_of_its_errors(operation: str) -> None:
    rows = [row for row in TABLE if row.operation == operation]
    codes = {row.expected for row in rows if isinstance(row.expected, str)}
    assert operation in ELSEWHERE or any(not isinstance(row.expected, str) for row in rows)
    assert {REPEATED if code == "already" else code for code in ERRORS[operation].split()} <= codes
