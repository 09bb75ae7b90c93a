"""Prepared statements: rows by name, and what is left for later is done before anything else is asked."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from marketplace_server import STORES, store_url
from sqlalchemy import bindparam, func, select, update
from sqlalchemy.exc import IntegrityError

from turkform.marketplace.commits import Commits, Shared
from turkform.marketplace.statements import Statement, flush, insertion
from turkform.marketplace.store import Store
from turkform.marketplace.tables import requesters, settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEEP = Statement(insertion(settings, "name", "value"))
READ = Statement(select(settings.c.name, settings.c.value.label("kept")).where(settings.c.name == bindparam("which")))
CHANGE = Statement(update(settings).where(settings.c.name == bindparam("which")).values(value=bindparam("to")))


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    found = Store(store_url(request.param, tmp_path))
    yield found
    found.close()


def test_a_row_has_the_names_of_its_query(store: Store) -> None:
    with store.transaction() as connection:
        assert KEEP.change(connection, name="a", value="1") == 1
        row = READ.first(connection, which="a")
        assert (row.name, row.kept) == ("a", "1")
        assert READ.first(connection, which="b") is None
        assert CHANGE.change(connection, which="b", to="2") == 0


def test_what_is_left_for_later_is_done_before_the_next_question(store: Store) -> None:
    with store.transaction() as connection:
        KEEP.later(connection, name="a", value="1")
        KEEP.later(connection, name="b", value="1")
        CHANGE.later(connection, which="a", to="2")
        assert READ.first(connection, which="a").kept == "2"
        KEEP.later(connection, name="c", value="1")
        assert CHANGE.change(connection, which="c", to="3") == 1
        KEEP.later(connection, name="d", value="1")
        flush(connection)
        assert connection.execute(select(func.count()).where(settings.c.name.in_(["a", "b", "c", "d"]))).scalar() == 4


def test_an_insertion_fills_in_what_has_a_default(store: Store) -> None:
    add = Statement(insertion(requesters, "id", "balance"))
    with store.transaction() as connection:
        add.change(connection, id="A1", balance=5)
        row = connection.execute(select(requesters)).one()
        assert (row.id, row.balance, row.held, row.disabled, row.name) == ("A1", 5, 0, 0, None)


def test_an_error_of_what_was_left_for_later_is_its_own_jobs(store: Store) -> None:
    """The job after it, at whose question the error comes up, is done; so is the one before."""

    def keep(name: str) -> Any:
        return lambda shared: KEEP.later(shared.connection, name=name, value="1")

    def read(shared: Shared) -> str:
        return str(READ.first(shared.connection, which="first").kept)

    async def run() -> list[Any]:
        commits = Commits(store)
        jobs = [commits.do("a", work) for work in (keep("first"), keep("schema"), read, keep("last"))]
        found = await asyncio.gather(*jobs, return_exceptions=True)
        commits.close()
        return list(found)

    first, taken, seen, last = asyncio.run(run())
    assert (first, seen, last) == (None, "1", None)
    assert isinstance(taken, IntegrityError)
    with store.transaction() as connection:
        assert READ.first(connection, which="last").kept == "1"
