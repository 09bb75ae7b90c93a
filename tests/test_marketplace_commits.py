"""Group commit: jobs asked for together share a transaction, and each gets its own outcome."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest
from marketplace_server import STORES, store_url
from postgres import postgres
from sqlalchemy import insert, select

from turkform.marketplace.commits import Commits, Shared
from turkform.marketplace.store import Store, StoreError
from turkform.marketplace.tables import settings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    found = Store(store_url(request.param, tmp_path))
    yield found
    found.close()


def kept(store: Store) -> set[str]:
    with store.transaction() as connection:
        return set(connection.execute(select(settings.c.name).where(settings.c.value == "")).scalars())


def keep(name: str, then: Exception | None = None) -> Callable[[Shared], Shared]:
    def work(shared: Shared) -> Shared:
        shared.connection.execute(insert(settings).values(name=name, value=""))
        if then is not None:
            raise then
        return shared

    return work


def refuse(_: Shared) -> None:
    raise ValueError("refused")


def together(store: Store, *asked: tuple[str, Callable[[Shared], Any]]) -> list[Any]:
    async def run() -> list[Any]:
        commits = Commits(store)
        jobs: list[Awaitable[Any]] = [commits.do(line, work) for line, work in asked]
        found = await asyncio.gather(*jobs, return_exceptions=True)
        commits.close()
        return found

    return asyncio.run(run())


def test_jobs_asked_for_at_once_share_a_transaction(store: Store) -> None:
    found = together(store, *(("a", keep(str(n))) for n in range(10)))
    assert len({id(shared) for shared in found}) == 1
    assert kept(store) == {str(n) for n in range(10)}


def test_a_job_that_fails_after_it_wrote_takes_nothing_else_with_it(store: Store) -> None:
    jobs = [keep("first"), keep("undone", ValueError("no")), keep("last"), refuse]
    found = together(store, *(("a", job) for job in jobs))
    assert [type(outcome).__name__ for outcome in found] == ["Shared", "ValueError", "Shared", "ValueError"]
    assert kept(store) == {"first", "last"}


def test_an_error_of_the_database_is_the_error_of_its_job_alone(store: Store) -> None:
    found = together(store, ("a", keep("same")), ("a", keep("same")), ("a", keep("other")))
    assert [type(outcome).__name__ for outcome in found] == ["Shared", "IntegrityError", "Shared"]
    assert kept(store) == {"same", "other"}


def test_a_refusal_without_a_write_costs_the_others_nothing(store: Store) -> None:
    runs: list[str] = []
    found = together(store, ("a", lambda _: runs.append("first")), ("a", refuse), ("a", lambda _: runs.append("last")))
    assert (runs, str(found[1])) == (["first", "last"], "refused")


def test_an_answer_comes_after_its_commit(store: Store) -> None:
    async def run() -> set[str]:
        commits = Commits(store)
        await commits.do("a", keep("here"))
        seen = kept(store)
        commits.close()
        return seen

    assert asyncio.run(run()) == {"here"}


def test_lines_move_side_by_side_on_postgresql() -> None:
    """Each of two jobs waits, inside its transaction, for the other to have begun."""
    store, both = Store(postgres().database()), threading.Barrier(2)
    assert sorted(together(store, *((line, lambda _: both.wait(20)) for line in ("a", "b")))) == [0, 1]
    store.close()


def test_a_connection_that_died_in_the_pool_is_replaced() -> None:
    store = Store(postgres().database())
    with store.engine.connect() as connection:
        connection.exec_driver_sql("SELECT 1")
    other = Store(str(store.engine.url.render_as_string(hide_password=False)))
    with other.transaction() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    other.close()
    together(store, ("a", keep("after")))
    assert kept(store) == {"after"}
    store.close()


def test_what_became_of_a_commit_that_was_cut_off_is_said_not_to_be_known() -> None:
    store = Store(postgres().database())

    def die_at_commit(shared: Shared) -> None:
        shared.connection.exec_driver_sql(
            "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS "
            "'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END'"
        )
        shared.connection.exec_driver_sql(
            "CREATE CONSTRAINT TRIGGER die AFTER INSERT ON settings DEFERRABLE INITIALLY DEFERRED "
            "FOR EACH ROW EXECUTE FUNCTION die()"
        )
        keep("lost")(shared)

    (outcome,) = together(store, ("a", die_at_commit))
    assert isinstance(outcome, StoreError)
    assert "not known" in str(outcome)
    assert kept(store) == set()
    store.close()
